"""Reads tables in HTML files and in the XML of old spreadsheets, which help desks export under the name .xls."""

from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from deskyard.errors import BadInput
from deskyard.tabular.header_row import SEARCHED_ROWS, find_header_row
from deskyard.tabular.records import RecordTable, Row, TableLocation, unique_columns

MAX_HTML_LENGTH: Final = 1 << 27
"""The most characters of an HTML file; it is read into memory as a whole."""

MAX_SPAN: Final = 10_000
"""The most rows that one cell may span."""

_MAX_COLUMN_SPAN: Final = 200
_FREE_CELLS: Final = 20_000
_CELLS_PER_WRITTEN: Final = 50
"""Cells that spans may make: so many, and so many more for each cell that is written."""
_BLOCKS: Final = frozenset(("p", "div", "br", "li", "tr", "h1", "h2", "h3"))
_SPREADSHEET: Final = "urn:schemas-microsoft-com:office:spreadsheet"


def read_html(text: str, name: str, location: TableLocation) -> RecordTable:
    """The records of the table that looks most like tickets; `line` is the row of the table.

    A cell that spans rows fills them all. Raises BadInput if there is no table.
    """
    tables = _all_tables(_html_tables(text), name)
    if not tables:
        raise BadInput(
            f"{name} is an HTML page without a table, perhaps of a sign-in or an error: export the tickets again as "
            "CSV or XLSX."
        )
    return _to_table(tables, name, location, "HTML")


def read_spreadsheet_xml(text: str, name: str, location: TableLocation) -> RecordTable:
    """The records of a spreadsheet that Excel 2003 and report tools write as XML. Raises BadInput if it has none."""
    tables = _all_tables(_xml_tables(text), name)
    if not tables:
        raise BadInput(f"{name} is a spreadsheet in XML without rows: save it as .xlsx or as CSV.")
    return _to_table(tables, name, location, "XML spreadsheet")


def _all_tables(tables: Iterator[list[list[str]]], name: str) -> list[list[list[str]]]:
    try:
        return [rows for rows in tables if any(any(map(str.strip, row)) for row in rows)]
    except BadInput as error:
        raise BadInput(f"{name} can't be read: {error}") from error


def _to_table(tables: list[list[list[str]]], name: str, location: TableLocation, form: str) -> RecordTable:
    if location.sheet:
        if not location.sheet.isdecimal() or not 0 < int(location.sheet) <= len(tables):
            raise BadInput(f"{name} has {len(tables)} tables: name one by its number, such as --map sheet=1.")
        number = int(location.sheet) - 1
    else:
        number = max(range(len(tables)), key=lambda at: (find_header_row(tables[at])[1], len(tables[at])))
    rows = tables[number]
    start, _ = find_header_row(rows[:SEARCHED_ROWS])
    width = max((at + 1 for row in rows for at, cell in enumerate(row) if cell.strip()), default=0)
    columns, repeated = unique_columns((rows[start] + [""] * width)[:width])
    notes = [form if len(tables) == 1 else f"{form}, table {number + 1} of {len(tables)}"]
    if start:
        notes.append(f"the table begins in row {start + 1}, after rows of titles")
    return RecordTable(name, columns, _to_rows(rows, start, columns), notes, repeated, "row")


def _to_rows(rows: list[list[str]], start: int, columns: list[str]) -> Iterator[Row]:
    for number, cells in enumerate(rows[start + 1 :], start + 2):
        if any(cell.strip() for cell in cells):
            yield Row(number, dict(zip(columns, cells + [""] * (len(columns) - len(cells)), strict=False)))


def _html_tables(text: str) -> Iterator[list[list[str]]]:
    """The rows of each table; a table inside a cell is text of that cell's table only."""
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.LxmlError:
        return
    if root is None:
        return
    for table in root.iter("table"):
        rows = [
            row
            for row in table.iterchildren("tr", "thead", "tbody", "tfoot")
            for row in ([row] if row.tag == "tr" else row.iterchildren("tr"))
        ]
        yield _fill_spans([[_html_cell(cell) for cell in row.iterchildren("td", "th")] for row in rows])


def _html_cell(cell: Any) -> tuple[str, int, int]:
    """The text of a cell, and how many rows and columns it spans."""
    parts: list[str] = []
    for event, element in etree.iterwalk(cell, events=("start", "end")):
        block = element.tag in _BLOCKS and element is not cell
        if event == "start":
            if block and parts:
                parts.append("\n")
            if element.text and element.tag not in ("style", "script"):
                parts.append(" ".join(element.text.split("\n")) if "\n" in element.text else element.text)
        elif element is not cell:
            if block and element.tag != "br":
                parts.append("\n")
            if element.tail:
                parts.append(" ".join(element.tail.split("\n")) if "\n" in element.tail else element.tail)
    text = "".join(parts).replace("\xa0", " ").strip()
    return text, _span(cell.get("rowspan"), MAX_SPAN), _span(cell.get("colspan"), _MAX_COLUMN_SPAN)


def _span(value: str | None, most: int) -> int:
    return min(int(value), most) if value and value.isdecimal() and len(value) < 9 and int(value) else 1


def _fill_spans(rows: list[list[tuple[str, int, int]]]) -> list[list[str]]:
    """The cells of each row, with those that span rows or columns put into all rows (and the first column)."""
    filled: list[list[str]] = []
    open_spans: dict[int, tuple[str, int]] = {}
    total, written = 0, sum(map(len, rows))
    for row in rows:
        cells: list[str] = []
        waiting = iter(row)
        one = next(waiting, None)
        while one is not None or any(at >= len(cells) for at in open_spans):
            at = len(cells)
            if at in open_spans:
                text, left = open_spans.pop(at)
                if left > 1:
                    open_spans[at] = (text, left - 1)
                cells.append(text)
            elif one is not None:
                text, down, across = one
                for step in range(across):
                    cells.append(text if not step else "")
                    if down > 1:
                        open_spans[at + step] = (text if not step else "", down - 1)
                one = next(waiting, None)
            else:
                cells.append("")
        filled.append(cells)
        total += len(cells)
        if total > _FREE_CELLS + _CELLS_PER_WRITTEN * written:
            raise BadInput("its cells span far more rows and columns than there are: export it again as CSV or XLSX.")
    return filled


def _xml_tables(text: str) -> Iterator[list[list[str]]]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, recover=True, encoding="utf-8")
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.LxmlError, ValueError):
        return
    if root is None:
        return
    ss = f"{{{_SPREADSHEET}}}"
    for table in root.iter(f"{ss}Table"):
        rows: list[list[tuple[str, int, int]]] = []
        for row in table.iterchildren(f"{ss}Row"):
            cells: list[tuple[str, int, int]] = []
            for cell in row.iterchildren(f"{ss}Cell"):
                skipped = _span(cell.get(f"{ss}Index"), _MAX_COLUMN_SPAN * 100) - 1 - len(cells)
                cells += [("", 1, 1)] * max(skipped, 0)
                words = "".join("".join(data.itertext()) for data in cell.iterchildren(f"{ss}Data"))
                down = cell.get(f"{ss}MergeDown") or "0"
                cells.append(
                    (words.strip(), min(int(down), MAX_SPAN) + 1 if down.isdecimal() and len(down) < 9 else 1, 1)
                )
            rows.append(cells)
        yield _fill_spans(rows)
