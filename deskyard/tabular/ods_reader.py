"""Reads tables in OpenDocument spreadsheets (.ods), in the form of small tables.

python-calamine was tried: it does not know merged cells of these files, and joins words at line breaks.
"""

import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, BinaryIO, Final

from lxml import etree

from deskyard.errors import BadInput
from deskyard.tabular.records import RecordTable, TableLocation, as_text
from deskyard.tabular.small_tables import (
    MAX_LENGTH,
    Cell,
    SmallTable,
    check_size,
    fill_spans,
    parse_span,
    to_record_table,
)

_OFFICE: Final = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE: Final = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT: Final = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_MAX_REPEATED: Final = 1000
"""The most times that a cell or a row is repeated; sheets end with a million empty ones, which are left out."""

_MAX_SPACES: Final = 100
_EMPTY: Final = Cell("")


class _LimitedReader:
    """A stream that ends with an error after `MAX_LENGTH` bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._left = stream, MAX_LENGTH

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise BadInput(f"it holds more than {MAX_LENGTH:,} characters: save it as CSV.")
        return data


def read_ods(stream: BinaryIO, name: str, location: TableLocation) -> RecordTable:
    """The records of the sheet that looks most like tickets; `line` is the row, where empty rows that are stored as
    one count once. Raises BadInput.
    """
    try:
        with zipfile.ZipFile(stream) as archive, archive.open("content.xml") as content:
            table = to_record_table(_sheets(content), name, location, "ODS")
    except (zipfile.BadZipFile, zlib.error, etree.LxmlError, KeyError, OSError, EOFError, RuntimeError) as error:
        raise BadInput(
            f"{name} is not a readable OpenDocument file; it may be damaged or protected: save it as .xlsx or as CSV."
        ) from error
    if table is None:
        raise BadInput(f"{name} is an OpenDocument file without rows of cells: save the table as .xlsx or as CSV.")
    return table


def _sheets(content: IO[bytes]) -> Iterator[SmallTable]:
    rows: list[list[Cell]] = []
    total = written = 0
    elements = etree.iterparse(
        _LimitedReader(content),
        tag=(f"{_TABLE}table-row", f"{_TABLE}table"),
        resolve_entities=False,
        no_network=True,
        huge_tree=True,
    )
    for _, element in elements:
        if element.tag == f"{_TABLE}table":
            yield SmallTable(element.get(f"{_TABLE}name") or "", fill_spans(rows))
            rows = []
        else:
            cells = _row_cells(element)
            repeated = parse_span(element.get(f"{_TABLE}number-rows-repeated"), _MAX_REPEATED) if cells else 1
            total, written = total + len(cells) * repeated, written + len(element)
            check_size(total, written)
            rows += [cells] * repeated
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _row_cells(row: Any) -> list[Cell]:
    """The cells of a row without the empty ones at its end; a covered cell belongs to the one that spans it."""
    cells: list[Cell] = []
    for element in row.iterchildren(f"{_TABLE}table-cell"):
        if not len(element) and not element.attrib:
            cells.append(_EMPTY)
            continue
        text = _cell_text(element)
        down = parse_span(element.get(f"{_TABLE}number-rows-spanned")) if text else 1
        across = parse_span(element.get(f"{_TABLE}number-columns-spanned"), _MAX_REPEATED)
        repeated = parse_span(element.get(f"{_TABLE}number-columns-repeated"), _MAX_REPEATED)
        cells += [Cell(text, down, across)] * repeated
    while cells and not cells[-1].text:
        cells.pop()
    return cells


def _cell_text(cell: Any) -> str:
    """The value of a cell: a number or a date as it is stored, else its paragraphs."""
    value = cell.get(f"{_OFFICE}value")
    if value is not None:
        try:
            return as_text(float(value)) if not value.isdecimal() else value
        except ValueError:
            return str(value)
    for kind in ("date-value", "boolean-value"):
        if (value := cell.get(f"{_OFFICE}{kind}")) is not None:
            return str(value)
    return "\n".join(_paragraph_text(paragraph) for paragraph in cell.iterchildren(f"{_TEXT}p", f"{_TEXT}h")).strip()


def _paragraph_text(paragraph: Any) -> str:
    parts: list[str] = [paragraph.text or ""]
    for event, element in etree.iterwalk(paragraph, events=("start", "end")):
        if element is paragraph:
            continue
        if event == "end":
            parts.append(element.tail or "")
        elif element.tag == f"{_TEXT}s":
            parts.append(" " * parse_span(element.get(f"{_TEXT}c"), _MAX_SPACES))
        elif element.tag in (f"{_TEXT}line-break", f"{_TEXT}tab"):
            parts.append("\n" if element.tag == f"{_TEXT}line-break" else "\t")
        else:
            parts.append(element.text or "")
    return "".join(parts)
