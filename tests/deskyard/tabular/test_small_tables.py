"""Tables in memory: which one is chosen, and cells that span others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.errors import BadInput
from deskyard.tabular.records import TableLocation
from deskyard.tabular.small_tables import Cell, SmallTable, choose_sheet, fill_spans, to_record_table

TICKETS = [["Number", "Description", "Group"], ["1", "vpn", "IT"]]


def test_the_table_that_looks_most_like_tickets_is_chosen_and_of_several_the_longest():
    tables = [
        SmallTable("a", [["x", "y"]] * 9),
        SmallTable("b", TICKETS),
        SmallTable("c", [*TICKETS, ["2", "x", "HR"]]),
    ]
    table = to_record_table(tables, "t", TableLocation(), "ODS")
    assert table.notes == ("ODS, sheet 'c'", "other sheets are not read: 'a', 'b' (see --sheet)")
    assert to_record_table([SmallTable("", [["", " "]])], "t", TableLocation(), "ODS") is None


@pytest.mark.parametrize(
    ("titles", "wanted", "says"),
    [(["", ""], "3", "has 2 tables"), (["a"], "b", r"no sheet 'b'\. Its sheets are 'a'"), (["a"], "0", "no sheet '0'")],
)
def test_a_sheet_that_is_not_there_is_told(titles, wanted, says):
    with pytest.raises(BadInput, match=says):
        choose_sheet(titles, wanted, "t.ods")


SPANS = st.builds(Cell, st.text(max_size=3), st.integers(1, 10_000), st.integers(1, 200))


@given(st.lists(st.lists(SPANS, max_size=4), max_size=6))
def test_spans_make_bounded_rows(rows):
    try:
        filled = fill_spans(rows)
    except BadInput:
        return
    assert len(filled) == len(rows)
    assert sum(map(len, filled)) <= 20_000 + 50 * sum(map(len, rows))
