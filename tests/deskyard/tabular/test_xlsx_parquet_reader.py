"""Workbooks and Parquet files: where the table is, and values as they are shown."""

import datetime as dt

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deskyard.errors import BadInput
from deskyard.tabular.readers import TableLocation, open_table
from tests.deskyard.tabular.files import cells, rows_of


def test_a_workbook_gives_whole_numbers_iso_dates_and_padded_rows(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Tickets"
    sheet.append([])
    sheet.append(["id", "created_at", "body", "note"])
    sheet.append([12.0, dt.datetime(2024, 1, 2, 3, 4, 5), "line\nbreak"])
    sheet.append([])
    sheet.append([13, None, "b", "#N/A"])
    book.create_sheet("Other").append(["x"])
    book.save(tmp_path / "t.xlsx")
    with open_table(tmp_path / "t.xlsx") as table:
        assert table.notes == ("XLSX, sheet 'Tickets'", "other sheets are not read: 'Other' (see --sheet)")
        got = list(table)
    assert cells(got) == [["12", "2024-01-02T03:04:05", "line\nbreak", ""], ["13", "", "b", ""]]
    assert [row.line for row in got] == [3, 5]


def test_parquet_is_read_in_batches_and_a_time_outside_every_calendar_is_empty(tmp_path):
    count = 1000
    table = pa.table(
        {
            "id": pa.array([float(n) if n else None for n in range(count)]),
            "created_at": pa.array([2**62] + [n * 10**6 for n in range(1, count)], pa.timestamp("us", "UTC")),
            "body": pa.array(["текст"] * count).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    got = cells(rows_of(tmp_path / "t.parquet"))
    assert len(got) == count
    assert got[0] == ["", "", "текст"]
    assert got[7] == ["7", "1970-01-01T00:00:07+00:00", "текст"]


@pytest.fixture
def workbook(tmp_path):
    def make(*sheets, merges=()):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, rows in sheets:
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(row)
            for merge in merges:
                sheet.merge_cells(merge)
        book.save(tmp_path / "t.xlsx")
        return tmp_path / "t.xlsx"

    return make


TICKETS = [["Number", "Description", "Assignment group"], ["1", "vpn", "IT"], ["2", "mail", "IT"], ["3", "pay", "HR"]]


def test_the_sheet_with_tickets_is_read_or_the_one_that_is_named(workbook):
    path = workbook(("Summary", [["queue", "count"], ["IT", 2]]), ("Data", TICKETS), ("More", TICKETS[:2]))
    with open_table(path) as table:
        assert table.notes[0] == "XLSX, sheet 'Data'"
        assert len(cells(list(table))) == 3
    for sheet, count in (("more", 1), ("3", 1), ("Summary", 1)):
        with open_table(path, TableLocation(sheet=sheet)) as table:
            assert len(list(table)) == count
    with pytest.raises(BadInput, match=r"has no sheet 'x'\. Its sheets are 'Summary', 'Data', 'More'"):
        open_table(path, TableLocation(sheet="x"))


def test_title_rows_are_passed_over_and_merged_cells_are_filled_down(workbook):
    titles = [["Report"], ["Generated on 2025-03-01"], []]
    rows = [
        TICKETS[0],
        ["1", "vpn", "IT"],
        ["2", "mail", None],
        ["3", "pay", "HR"],
        ["4", "tax", None],
        ["5", "x", None],
    ]
    path = workbook(("a", [*titles, *rows]), merges=["A1:C1", "C5:C6", "C7:C8"])
    with open_table(path) as table:
        assert table.notes[1:] == (
            "the table begins in row 4, after rows of titles",
            "merged cells of 'Assignment group' are taken for each of their rows",
        )
        got = list(table)
    assert [row.values["Assignment group"] for row in got] == ["IT", "IT", "HR", "HR", ""]
    assert [row.line for row in got] == [5, 6, 7, 8, 9]
