"""Tables in HTML and in the XML of old spreadsheets, as help desks call them .xls."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskyard.errors import BadInput
from deskyard.tabular.html_table_reader import read_html, read_spreadsheet_xml
from deskyard.tabular.records import TableLocation

ANY = TableLocation()
PAGE = """<html><head><style>td {color: red}</style></head><body>
<table><tr><td>Menu</td><td>Help</td></tr></table>
<table><tr><th colspan=3>Tickets of March</th></tr>
<tr><th>Number</th><th>Description</th><th>Group</th></tr>
<tr><td>1</td><td>vpn &amp; mail<br>both <b>down</b></td><td rowspan=2>IT</td></tr>
<tr><td>2</td><td><p>printer</p><p>jams</p></td></tr>
<tr><td>3</td><td>salary&nbsp;slip</td><td>HR</td></tr></table>"""


def cells(table):
    return [list(row.values.values()) for row in table]


def test_the_table_of_tickets_is_read_beneath_its_title_with_cells_that_span_rows():
    table = read_html(PAGE, "t.xls", ANY)
    assert table.columns == ["Number", "Description", "Group"]
    assert table.notes == ("HTML, table 2 of 2", "the table begins in row 2, after rows of titles")
    assert cells(table) == [
        ["1", "vpn & mail\nboth down", "IT"],
        ["2", "printer\n\njams", "IT"],
        ["3", "salary slip", "HR"],
    ]


def test_another_table_is_named_by_its_number():
    assert read_html(PAGE, "t.xls", TableLocation(sheet="1")).columns == ["Menu", "Help"]
    with pytest.raises(BadInput, match="has 2 tables"):
        read_html(PAGE, "t.xls", TableLocation(sheet="3"))


def test_a_page_without_a_table_is_a_sentence_without_the_page():
    with pytest.raises(BadInput, match="HTML page without a table") as caught:
        read_html("<html><body>" + "<p>Please sign in</p>" * 500, "t.xls", ANY)
    assert len(str(caught.value)) < 300


def test_the_xml_of_a_spreadsheet_is_read_with_skipped_and_merged_cells():
    text = """<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
    <Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"
      xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="a"><Table>
    <Row><Cell><Data ss:Type="String">id</Data></Cell><Cell><Data>body</Data></Cell>
      <Cell><Data>queue</Data></Cell></Row>
    <Row><Cell><Data>1</Data></Cell><Cell><Data>vpn</Data></Cell><Cell ss:MergeDown="1"><Data>IT</Data></Cell></Row>
    <Row><Cell ss:Index="2"><Data>mail</Data></Cell></Row></Table></Worksheet></Workbook>"""
    assert cells(read_spreadsheet_xml(text, "t.xls", ANY)) == [["1", "vpn", "IT"], ["", "mail", "IT"]]


def test_spans_that_make_a_small_file_large_are_refused():
    for text in (
        "<table>" + "<tr><td rowspan=9999 colspan=200>" * 3 + "<tr>" * 400,
        "<table><tr>" + "<td colspan=999>" * 120,
    ):
        began = time.perf_counter()
        with pytest.raises(BadInput, match=r"t\.xls can't be read: its cells span far more|without a table"):
            read_html(text * 3, "t.xls", ANY)
        assert time.perf_counter() - began < 0.5


PIECES = st.sampled_from(["<table>", "</table>", "<tr>", "<td>", "<td rowspan=3>", "<th colspan=2>", "id", "body",
                          "vpn", "&amp;", "<!--", "<![CDATA[", "<", ">", "<br>", "\0", "<style>", "<p>"])  # fmt: skip


@settings(suppress_health_check=list(HealthCheck))
@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=60))
def test_any_text_is_a_table_or_a_sentence(text):
    for read in (read_html, read_spreadsheet_xml):
        try:
            table = read(text, "t.xls", ANY)
            assert all(set(row.values) == set(table.columns) for row in table)
        except BadInput as error:
            assert "t.xls" in str(error)  # noqa: PT017 - either outcome is right
