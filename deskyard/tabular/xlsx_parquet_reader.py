"""Reads XLSX workbooks and Parquet files in batches, every value as text."""

import json
import warnings
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, Final

from deskyard.errors import BadInput
from deskyard.tabular.records import (
    UNDECODABLE,
    UNDECODABLE_DETAIL,
    WRONG_CELL_COUNT,
    BrokenRow,
    RecordTable,
    Row,
    as_text,
    unique_columns,
)

BATCH_SIZE: Final = 256
"""Rows in memory at a time: with bodies of 1 MB they take 256 MB."""

_ERROR_VALUES: Final = frozenset(("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#GETTING_DATA"))


def _cell_text(value: object) -> str:
    """A cell of a workbook as text; error values are empty."""
    text = as_text(value)
    if "_x000" in text:
        text = text.replace("_x000D_", "").replace("_x000d_", "")
    return "" if text in _ERROR_VALUES else text


def read_xlsx(stream: BinaryIO, name: str) -> RecordTable:
    """The records of the first sheet that is not empty; its first row that is not empty is the header. `line` is the
    row of the sheet.

    Cells missing at the end of a row are empty (workbooks do not store them), and empty rows are skipped. Raises
    BadInput for anything that is not a workbook, here or while rows are read.
    """
    import openpyxl

    # On damaged workbooks the parsers raise all kinds of errors (KeyError, ParseError, BadZipFile...).
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
    except Exception as error:
        raise BadInput(f"{name} is not a readable workbook ({error}): save it again as .xlsx or as CSV.") from error
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            rows = _sheet_rows(sheet, name)
            header = next(((line, cells) for line, cells in rows if any(map(str.strip, cells))), None)
            if header is not None:
                break
        else:
            raise BadInput(f"{name} is empty: its first sheet needs a header row and a row for each ticket.")
    except BadInput:
        book.close()
        raise
    cells = header[1]
    while not cells[-1].strip():
        cells.pop()
    columns, repeated = unique_columns(cells)
    notes = [f"XLSX, sheet {sheet.title!r}"]
    if others := [other for other in book.sheetnames if other != sheet.title]:
        notes.append("other sheets are not read: " + ", ".join(map(repr, others[:10])))
    return RecordTable(name, columns, _fit_to_columns(rows, columns), notes, repeated, "row", book.close)


def _sheet_rows(sheet: Any, name: str) -> Iterator[tuple[int, list[str]]]:
    rows, line = sheet.iter_rows(values_only=True), 0
    while True:
        try:
            # Warning filters are global to the process: this one is set per batch, never while the generator waits.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                batch = [[_cell_text(value) for value in row] for row in islice(rows, BATCH_SIZE)]
        except Exception as error:
            raise BadInput(
                f"{name} can't be read after row {line} ({error}): save it again as .xlsx or CSV."
            ) from error
        if not batch:
            return
        for cells in batch:
            line += 1
            yield line, cells


def _fit_to_columns(rows: Iterator[tuple[int, list[str]]], columns: list[str]) -> Iterator[Row | BrokenRow]:
    width = len(columns)
    for line, cells in rows:
        if not any(cells):
            continue
        if len(cells) > width and any(cells[width:]):
            raw = json.dumps(cells, ensure_ascii=False)
            yield BrokenRow(line, raw, WRONG_CELL_COUNT, f"it has {len(cells)} cells, the header has {width}")
        else:
            yield Row(line, dict(zip(columns, cells + [""] * (width - len(cells)), strict=False)))


def read_parquet(stream: BinaryIO, name: str) -> RecordTable:
    """The records of a Parquet file; `line` is the row, from 1. Raises BadInput if the file is damaged."""
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(stream)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise BadInput(f"{name} is not a readable Parquet file ({error}): write it again.") from error
    columns, repeated = unique_columns(file.schema_arrow.names)
    return RecordTable(name, columns, _parquet_rows(file, columns, name), ["Parquet"], repeated, "row", file.close)


def _parquet_rows(file: Any, columns: list[str], name: str) -> Iterator[Row | BrokenRow]:
    import pyarrow

    line, batches = 0, file.iter_batches(batch_size=BATCH_SIZE)
    while True:
        try:
            batch = next(batches, None)
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise BadInput(f"{name} can't be read after row {line} ({error}): write it again.") from error
        if batch is None:
            return
        if not columns:
            continue
        for cells in zip(*(_column_texts(column) for column in batch.columns), strict=True):
            line += 1
            if None in cells:
                raw = json.dumps(cells, ensure_ascii=False)
                yield BrokenRow(line, raw, UNDECODABLE, UNDECODABLE_DETAIL)
            else:
                yield Row(line, dict(zip(columns, cells, strict=True)))


def _column_texts(column: Any) -> list[str | None]:
    """The values of a column as text; None for bytes that are not UTF-8, empty for a time outside the calendar."""
    import pyarrow

    try:
        return [as_text(value) for value in column.to_pylist()]
    except (ValueError, OverflowError, pyarrow.ArrowException):
        pass
    return [_scalar_text(value) for value in column]


def _scalar_text(scalar: Any) -> str | None:
    try:
        return as_text(scalar.as_py())
    except UnicodeDecodeError:
        return None
    except (ValueError, OverflowError):
        return ""
