"""Reads tables in HTML files and in the XML of old spreadsheets, which help desks export under the name .xls."""

from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from deskyard.errors import BadInput
from deskyard.tabular.records import RecordTable, TableLocation
from deskyard.tabular.small_tables import (
    MAX_COLUMN_SPAN,
    Cell,
    SmallTable,
    fill_spans,
    parse_span,
    to_record_table,
)

_BLOCKS: Final = frozenset(("p", "div", "br", "li", "tr", "h1", "h2", "h3"))
_SPREADSHEET: Final = "urn:schemas-microsoft-com:office:spreadsheet"


def read_html(text: str, name: str, location: TableLocation) -> RecordTable:
    """The records of the table that looks most like tickets; `line` is the row of the table.

    A cell that spans rows fills them all. Raises BadInput if there is no table.
    """
    table = to_record_table(_html_tables(text), name, location, "HTML")
    if table is None:
        raise BadInput(
            f"{name} is an HTML page without a table, perhaps of a sign-in or an error: export the tickets again as "
            "CSV or XLSX."
        )
    return table


def read_spreadsheet_xml(text: str, name: str, location: TableLocation) -> RecordTable:
    """The records of a spreadsheet that Excel 2003 and report tools write as XML. Raises BadInput if it has none."""
    table = to_record_table(_xml_tables(text), name, location, "XML spreadsheet")
    if table is None:
        raise BadInput(f"{name} is a spreadsheet in XML without rows: save it as .xlsx or as CSV.")
    return table


def _html_tables(text: str) -> Iterator[SmallTable]:
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
        yield SmallTable("", fill_spans([[_html_cell(cell) for cell in row.iterchildren("td", "th")] for row in rows]))


def _html_cell(cell: Any) -> Cell:
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
    return Cell(text, parse_span(cell.get("rowspan")), parse_span(cell.get("colspan"), MAX_COLUMN_SPAN))


def _xml_tables(text: str) -> Iterator[SmallTable]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, recover=True, encoding="utf-8")
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.LxmlError, ValueError):
        return
    if root is None:
        return
    ss = f"{{{_SPREADSHEET}}}"
    for table in root.iter(f"{ss}Table"):
        rows: list[list[Cell]] = []
        for row in table.iterchildren(f"{ss}Row"):
            cells: list[Cell] = []
            for cell in row.iterchildren(f"{ss}Cell"):
                skipped = parse_span(cell.get(f"{ss}Index"), MAX_COLUMN_SPAN * 100) - 1 - len(cells)
                cells += [Cell("")] * max(skipped, 0)
                words = "".join("".join(data.itertext()) for data in cell.iterchildren(f"{ss}Data"))
                # MergeDown counts the cells beneath.
                down = cell.get(f"{ss}MergeDown")
                cells.append(Cell(words.strip(), parse_span(down) + 1 if down not in (None, "0") else 1))
            rows.append(cells)
        yield SmallTable(table.getparent().get(f"{ss}Name") or "", fill_spans(rows))
