"""Reads XLSX workbooks and Parquet files in batches, every value as text."""

import json
import re
import warnings
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, BinaryIO, Final, NamedTuple

from deskyard.errors import BadInput
from deskyard.tabular.header_row import SEARCHED_ROWS, find_header_row
from deskyard.tabular.records import (
    UNDECODABLE,
    UNDECODABLE_DETAIL,
    WRONG_CELL_COUNT,
    BrokenRow,
    RecordTable,
    Row,
    TableLocation,
    as_text,
    unique_columns,
)
from deskyard.tabular.small_tables import choose_sheet, describe_other_sheets

BATCH_SIZE: Final = 256
"""Rows in memory at a time: with bodies of 1 MB they take 256 MB."""

_ERROR_VALUES: Final = frozenset(("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#GETTING_DATA"))


def _cell_text(value: object) -> str:
    """A cell of a workbook as text; error values are empty."""
    text = as_text(value)
    if "_x000" in text:
        text = text.replace("_x000D_", "").replace("_x000d_", "")
    return "" if text in _ERROR_VALUES else text


def read_xlsx(stream: BinaryIO, name: str, location: TableLocation | None = None) -> RecordTable:
    """The records of the sheet whose header looks most like tickets (the first one of several alike), or of the one
    that `location` names; `line` is the row of the sheet.

    Rows of titles before the header are passed over. Cells missing at the end of a row are empty (workbooks do not
    store them), merged cells have their value in each row, and empty rows are skipped. Raises BadInput for anything
    that is not a workbook, here or while rows are read.
    """
    import openpyxl

    # On damaged workbooks the parsers raise all kinds of errors (KeyError, ParseError, BadZipFile...).
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
    except Exception as error:
        raise BadInput(
            f"{name} is not a readable workbook ({_first_words(error)}): save it again as .xlsx or as CSV."
        ) from error
    try:
        found = _find_table(book, name, location.sheet if location else "")
    except BadInput:
        book.close()
        raise
    columns, repeated = unique_columns(found.header)
    notes = [f"XLSX, sheet {found.sheet.title!r}"]
    if len(book.sheetnames) > 1:
        notes.append(describe_other_sheets(book.sheetnames, found.sheet.title))
    if found.row > 1 and found.titled:
        notes.append(f"the table begins in row {found.row}, after rows of titles")
    merged = _MergedCells.read(book, found.sheet)
    if filled := merged.columns_below(found.row, len(columns)):
        names = ", ".join(repr(columns[at]) for at in filled[:5])
        notes.append(f"merged cells of {names} are taken for each of their rows")
    rows = _fit_to_columns(merged.fill(found.rows, len(columns)), columns)
    return RecordTable(name, columns, rows, notes, repeated, "row", book.close)


class _FoundTable(NamedTuple):
    """A sheet with its header (in `row`, from 1) and the rows below it; `titled`: there is text above the header."""

    sheet: Any
    header: list[str]
    row: int
    titled: bool
    rows: Iterator[tuple[int, list[str]]]
    known: int


def _find_table(book: Any, name: str, wanted: str) -> _FoundTable:
    sheets = book.worksheets
    if wanted:
        sheets = [sheets[choose_sheet([sheet.title for sheet in sheets], wanted, name)]]
    best: _FoundTable | None = None
    for sheet in sheets:
        found = _open_sheet(sheet, name)
        if found is not None and (best is None or found.known > best.known):
            best = found
    if best is None:
        raise BadInput(f"{name} is empty: its first sheet needs a header row and a row for each ticket.")
    return best


def _open_sheet(sheet: Any, name: str) -> _FoundTable | None:
    """The table on a sheet; None if the sheet is empty."""
    sheet.reset_dimensions()
    rows = _sheet_rows(sheet, name)
    head: list[tuple[int, list[str]]] = []
    for line, cells in rows:
        if any(map(str.strip, cells)):
            head.append((line, cells))
            if len(head) == SEARCHED_ROWS:
                break
    if not head:
        return None
    start, known = find_header_row([cells for _, cells in head])
    line, header = head[start]
    while header and not header[-1].strip():
        header.pop()
    return _FoundTable(sheet, header, line, start > 0, chain(head[start + 1 :], rows), known)


def _first_words(error: Exception) -> str:
    """The beginning of an error's text: parsers quote the file."""
    text = " ".join(str(error).split())
    return text if len(text) <= 100 else text[:99] + "…"


_MERGE: Final = re.compile(
    rb"<(?:\w{1,20}:)?mergeCell\s[^<>]{0,80}?ref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']"
)
_MAX_MERGED: Final = 200_000
"""The most merged cells of a sheet that are filled."""


class _MergedCells:
    """The cells of a sheet that are merged over several rows; openpyxl knows them only if it holds the whole sheet."""

    def __init__(self, ranges: dict[int, list[tuple[int, int]]]) -> None:
        """`ranges`: first row → the position of the column and the last row of each range that begins there."""
        self._ranges = ranges

    @classmethod
    def read(cls, book: Any, sheet: Any) -> "_MergedCells":
        """Scan the XML of a sheet for its merged cells."""
        found: dict[int, list[tuple[int, int]]] = {}
        count, rest = 0, b""
        try:
            with book._archive.open(sheet._worksheet_path) as stream:
                while (chunk := stream.read(1 << 20)) and count < _MAX_MERGED:
                    text = rest + chunk
                    end = 0
                    for one in _MERGE.finditer(text):
                        end = one.end()
                        first, last = int(one[2]), int(one[4])
                        if last > first:
                            found.setdefault(first, []).append((_column_number(one[1]), last))
                            count += 1
                    rest = text[max(end, len(text) - 200) :]
        except (AttributeError, KeyError, OSError, EOFError, ValueError, NotImplementedError):
            return cls({})
        except (
            Exception
        ) as error:  # zipfile and zlib have errors of their own; the rows themselves tell what is damaged
            if type(error).__module__ not in ("zipfile", "zlib"):
                raise
            return cls({})
        return cls(found)

    def columns_below(self, row: int, width: int) -> list[int]:
        """The columns, of the first `width`, with merged cells below a row."""
        found = {at for first, spans in self._ranges.items() if first > row for at, _ in spans if at < width}
        return sorted(found)

    def fill(self, rows: Iterator[tuple[int, list[str]]], width: int) -> Iterator[tuple[int, list[str]]]:
        """The rows with the value of each merged cell of the first `width` columns in all of its rows."""
        active: dict[int, tuple[int, str]] = {}
        for line, cells in rows:
            for column, (last, text) in list(active.items()):
                if line > last:
                    del active[column]
                else:
                    cells += [""] * (column + 1 - len(cells))
                    cells[column] = cells[column] or text
            for column, last in self._ranges.get(line, ()):
                if column < min(width, len(cells)) and cells[column]:
                    active[column] = (last, cells[column])
            yield line, cells


def _column_number(letters: bytes) -> int:
    """The position of a column: A is 0."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


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
                f"{name} can't be read after row {line} ({_first_words(error)}): save it again as .xlsx or CSV."
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
        raise BadInput(f"{name} is not a readable Parquet file ({_first_words(error)}): write it again.") from error
    columns, repeated = unique_columns(file.schema_arrow.names)
    return RecordTable(name, columns, _parquet_rows(file, columns, name), ["Parquet"], repeated, "row", file.close)


def _parquet_rows(file: Any, columns: list[str], name: str) -> Iterator[Row | BrokenRow]:
    import pyarrow

    line, batches = 0, file.iter_batches(batch_size=BATCH_SIZE)
    while True:
        try:
            batch = next(batches, None)
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise BadInput(f"{name} can't be read after row {line} ({_first_words(error)}): write it again.") from error
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
