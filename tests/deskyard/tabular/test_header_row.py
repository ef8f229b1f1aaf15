"""The header is found beneath titles, and no ticket is taken for it."""

from hypothesis import given
from hypothesis import strategies as st

from deskyard.tabular.header_row import find_header_row, looks_like_data

HEADER = ["Number", "Opened", "Short description", "Assignment group"]
ROWS = [["1", "2025-01-06", "vpn", "IT"], ["2", "2025-01-07", "printer", "IT"], ["3", "2025-01-07", "salary", "HR"]]


def test_a_table_that_begins_at_once_has_its_header_first():
    assert find_header_row([HEADER, *ROWS]) == (0, 4)
    assert find_header_row([["a", "b", "c", "d"], *ROWS])[0] == 0
    assert find_header_row([["body"], ["one, two"], ["three"]])[0] == 0


def test_titles_dates_and_filters_above_a_table_are_passed_over():
    titles = [["Report"], [], ["From", "2025-01-01"], ["Filter:", "Group", "=", "any"]]
    assert find_header_row([*titles, HEADER, *ROWS]) == (4, 4)
    assert find_header_row([["Отчёт"], [""], ["а", "б", "в", "г"], *ROWS])[0] == 2


def test_a_ticket_with_the_words_of_a_header_is_none():
    rows = [["x1", "x2", "x3", "x4"], ["1", "2025-01-06", "Priority", "Description"], *ROWS]
    assert find_header_row(rows)[0] == 0


def test_an_empty_table_has_no_header():
    assert find_header_row([]) == (0, 0)
    assert find_header_row([[], ["", " "]])[0] in (0, 1)


def test_a_row_of_dates_numbers_and_texts_is_a_ticket():
    assert looks_like_data(["1000", "06.01.2025 10:00", "x"])
    assert looks_like_data(["Hello, " * 20, "IT"])
    assert not looks_like_data(["id", "2024", "2025 x", "note"])
    assert not looks_like_data([])


@given(st.lists(st.lists(st.text(max_size=12), max_size=6), max_size=12))
def test_any_rows_have_a_header_among_them(rows):
    at, known = find_header_row(rows)
    assert 0 <= at < max(len(rows), 1)
    assert known >= 0
