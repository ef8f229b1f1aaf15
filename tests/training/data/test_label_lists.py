"""One cell, one label: a cell is a list only where its parts are labels themselves."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.label_lists import find_lists, split_cell

ALONE = {"Network": 9, "Payroll": 9, "Кадры": 9}


@pytest.mark.parametrize(
    "cell",
    [
        "Network, Payroll", "Network; Payroll", "Network<br>Payroll", "Network&lt;br /&gt;Payroll", "Network\nPayroll",
        "Network | Payroll", "NETWORK,Payroll", '["Network", "Payroll"]', "['Network', 'Payroll']", "{Network,Payroll}",
        "12;#Network;#7;#Payroll", "<p>Network</p><p>Payroll</p>", "Network; N/A; Payroll", "Network / Payroll",
        "[Network, Payroll]", "('Network', 'Payroll')", "set(['Network', 'Payroll'])", "{'Network', 'Payroll'}",
        '[{"id": 1, "name": "Network"}, {"id": 2, "name": "Payroll"}]', "Network، Payroll", "Network • Payroll",
    ],
)  # fmt: skip
def test_a_cell_whose_parts_are_labels_is_a_list(cell):
    (parts,) = find_lists(ALONE | {cell: 1}).values()
    assert [part.casefold() for part in parts] == ["network", "payroll"]


@pytest.mark.parametrize(
    "cell",
    ["Sales, retail", "Network, cables", "Sales; retail", "Cable / Mouse", "R&D; Legal", "(new) Network", "[ext] Mail"],
)
def test_a_label_with_a_separator_is_one_label_where_its_parts_are_none(cell):
    assert find_lists(ALONE | {cell: 40}) == {}


def test_a_comma_needs_parts_with_tickets_of_their_own_and_a_semicolon_parts_that_occur_again():
    assert find_lists({"A": 1, "B": 9, "A, B": 3}) == {}
    assert find_lists({"A;B": 3, "B;C": 3, "C;A": 3}) == {"A;B": ("A", "B"), "B;C": ("B", "C"), "C;A": ("C", "A")}


@pytest.mark.parametrize(
    "cell", ["Network;", '["Network"]', "Network; Network", "Network<br>N/A", '{"id": 3, "value": "Network"}']
)
def test_a_list_of_one_label_is_that_label(cell):
    assert find_lists(ALONE | {cell: 1}) == {cell: ("Network",)}


@given(st.text(max_size=60))
def test_any_cell_is_split_into_different_visible_parts(cell):
    parts, _ = split_cell(cell)
    assert all(part == part.strip() and part for part in parts)
    assert len({part.casefold() for part in parts}) <= len(parts) <= 51


def test_a_hostile_cell_is_split_in_linear_time():
    start = time.perf_counter()
    for part in ("[", '["', "{", "(", "set([", '{"name":', "<br ", ";#", ", ", "&lt;br", "\n", "$#$"):
        split_cell(part * 40_000)
    assert time.perf_counter() - start < 3
