"""Tables in OpenDocument spreadsheets."""

import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskyard.errors import BadInput
from deskyard.tabular.ods_reader import read_ods
from deskyard.tabular.readers import open_table
from deskyard.tabular.records import TableLocation

ANY = TableLocation()
NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
)
EMPTY_END = (
    '<table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="999"/>\
</table:table-row>'
)


def cell(text, more=""):
    return f'<table:table-cell office:value-type="string" {more}><text:p>{text}</text:p></table:table-cell>'


def row(*cells, more=""):
    return f"<table:table-row {more}>{''.join(cells)}</table:table-row>"


def sheet(title, *rows):
    return f'<table:table table:name="{title}">{"".join(rows)}{EMPTY_END}</table:table>'


def spreadsheet(*sheets, before=""):
    """An .ods file as a stream."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("content.xml", f"{before}<office:document {NAMES}>{''.join(sheets)}</office:document>")
    stream.seek(0)
    return stream


TICKETS = sheet(
    "Заявки",
    row(cell("Report of January", 'table:number-columns-spanned="3"'), "<table:covered-table-cell/>" * 2),
    row(cell("Номер"), cell("Дата регистрации"), cell("Описание"), cell("Группа")),
    row(
        '<table:table-cell office:value="1000.0"><text:p>1 000</text:p></table:table-cell>',
        '<table:table-cell office:value-type="date" office:date-value="2025-01-06T09:03:00"/>',
        "<table:table-cell><text:p>VPN<text:s text:c='2'/>is <text:span>down</text:span><text:line-break/>again"
        "</text:p><text:p>since Monday</text:p><office:annotation><text:p>a note</text:p></office:annotation>"
        "</table:table-cell>",
        cell("Сети", 'table:number-rows-spanned="2"'),
    ),
    row(cell("1001"), cell(""), cell("printer"), "<table:covered-table-cell/>"),
    row(cell("1002", 'table:number-columns-repeated="3"'), cell("Печать"), more='table:number-rows-repeated="2"'),
)


def test_the_sheet_of_tickets_is_read_with_dates_merged_and_repeated_cells(tmp_path):
    path = tmp_path / "t.xlsx"
    path.write_bytes(spreadsheet(sheet("Summary", row(cell("total"), cell("4"))), TICKETS).getvalue())
    with open_table(path) as table:
        assert table.columns == ["Номер", "Дата регистрации", "Описание", "Группа"]
        assert table.notes[0] == "ODS, sheet 'Заявки'"
        assert [list(one.values.values()) for one in table] == [
            ["1000", "2025-01-06T09:03:00", "VPN  is down\nagain\nsince Monday", "Сети"],
            ["1001", "", "printer", "Сети"],
            *[["1002", "1002", "1002", "Печать"]] * 2,
        ]


def test_a_sheet_is_named_by_its_title():
    assert read_ods(spreadsheet(TICKETS, TICKETS.replace("Заявки", "b")), "t.ods", TableLocation(sheet="B")).notes[
        0
    ] == ("ODS, sheet 'b'")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (sheet("a", row(cell("id", 'table:number-columns-repeated="999"'), more='table:number-rows-repeated="999"')),
         "span far more"),
        (sheet("a", *[row(cell("id", 'table:number-columns-repeated="999"'))] * 300), "span far more"),
        (sheet("a", row(cell("id", 'table:number-rows-spanned="9999" table:number-columns-spanned="999"'))), None),
        (sheet("a"), "without rows"),
        ("<broken", "not a readable OpenDocument file"),
    ],
)  # fmt: skip
def test_a_hostile_or_broken_file_is_refused_or_bounded(content, says):
    if says is None:
        assert len(list(read_ods(spreadsheet(content), "t.ods", ANY))) == 1
        return
    with pytest.raises(BadInput, match=says):
        read_ods(spreadsheet(content), "t.ods", ANY)


def test_entities_are_not_expanded():
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    table = read_ods(spreadsheet(sheet("a", row(cell("&b;"), cell("id"))), before=bomb), "t.ods", ANY)
    assert "aaaa" not in "".join(table.columns)


def test_a_file_that_unfolds_to_very_much_is_refused(monkeypatch):
    monkeypatch.setattr("deskyard.tabular.ods_reader.MAX_LENGTH", 100_000)
    with pytest.raises(BadInput, match="more than 100,000 characters"):
        read_ods(spreadsheet(sheet("a", row(cell("x" * 200_000)))), "t.ods", ANY)


@settings(suppress_health_check=list(HealthCheck), max_examples=80)
@given(st.lists(st.lists(st.text(alphabet='ab<>&/ "', max_size=30), max_size=4), max_size=4))
def test_any_cells_are_a_table_or_a_sentence(rows):
    content = sheet("a", *(row(*map(cell, one)) for one in rows))
    try:
        assert all(len(one.values) for one in read_ods(spreadsheet(content), "t.ods", ANY))
    except BadInput as error:
        assert "t.ods" in str(error)  # noqa: PT017 - either outcome is right
