"""Cells become labels: what was done is counted and said, and a person's word comes first."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.history.columns import parse_mapping
from training.data.label_cleaning import clean_labels, describe_cleaning, label_names
from training.data.load import load_history
from training.data.provenance import Provenance

SPELLED = {"Network": 9, "network": 4, "NETWORK": 2, "Payroll": 8, "payroll ": 1, "NULL": 3, "R&amp;D": 5}


def written(folder: Path, queues, *, column: str = "queue", moves: str = "") -> Path:
    path = folder / "h.csv"
    rows = [f'{n},no sound,"{queue}"' for n, queue in enumerate(queues)]
    path.write_text("\n".join([f"id,body,{column}", *rows]), encoding="utf-8")
    return path


def test_nothing_is_no_label_and_spellings_are_one():
    read, done = clean_labels(SPELLED)
    assert list(read.values()) == ["Network"] * 3 + ["Payroll"] * 2 + [None, "R&D"]
    assert done.missing == {"NULL": 3}
    assert done.merged["Network"] == {"Network": 9, "network": 4, "NETWORK": 2}
    first, second = describe_cleaning("queue", done)
    assert (
        first
        == """3 tickets have no queue: 'NULL' (3) means nothing; --map "queue.NULL=NULL" would read it as a label"""
    )
    assert second.startswith("queue: 6 spellings of 3 labels are read as one label each: 'Network' (also 'network', ")


def test_lists_of_nothing_and_cells_of_mark_up_alone_are_no_label():
    cells = {"None, None": 1, "NULL;NULL": 1, '["NULL"]': 1, "&nbsp;": 1, "&lt;null&gt;": 1, "<br>": 1, "Network": 1}
    assert [cell for cell, label in clean_labels(cells)[0].items() if label is not None] == ["Network"]


def test_a_history_is_read_the_same_with_the_names_that_its_bundle_keeps(tmp_path):
    path = written(tmp_path, ["network", "network", "NETWORK", "Payroll", "payroll"])
    history = load_history([path], known_labels={"queue": ["Network", "Mail", "Payroll"]})
    kept = Provenance.from_json(Provenance().with_labels_of(history).to_json()).labels
    assert kept == {"queue": ["Network", "Payroll"]}
    assert load_history([path], known_labels=kept).digest == history.digest


def test_a_persons_word_comes_before_the_catalogue_and_the_catalogue_before_the_count():
    read, done = clean_labels(SPELLED, {"NULL": "NULL", "r&d": "Labs", "payroll": ""}, ["NETWORK", "Mail"])
    assert read == {
        "Network": "NETWORK", "network": "NETWORK", "NETWORK": "NETWORK", "Payroll": None, "payroll ": None,
        "NULL": "NULL", "R&amp;D": "Labs",
    }  # fmt: skip
    assert (done.missing, done.from_catalogue) == ({}, ("NETWORK",))


def test_two_spellings_stay_apart_where_a_person_names_both():
    read, _ = clean_labels(SPELLED, {"Network": "Network", "network": "network"})
    assert [read[name] for name in ("Network", "network", "NETWORK")] == ["Network", "network", "NETWORK"]


def test_cells_of_several_labels_are_named_and_the_first_is_taken_on_request():
    cells = {"Network": 9, "Payroll": 9, "Payroll; network": 2, "payroll;Network": 1}
    read, done = clean_labels(cells)
    assert done.several == {"Payroll; network": 2, "payroll;Network": 1}
    (said,) = describe_cleaning("queue", done)
    assert "several labels in one cell" in said
    assert "--map queue.several=first" in said
    read, done = clean_labels(cells, take_first=True)
    assert set(read.values()) == {"Network", "Payroll"}
    assert "the first one is taken" in next(describe_cleaning("queue", done))
    assert clean_labels(cells, {"Payroll": "Money"}, take_first=True)[0]["payroll;Network"] == "Money"


def test_a_region_is_kept_and_said_and_a_known_name_is_kept():
    read, done = clean_labels({"NA": 40, "EMEA": 30, "APAC": 20})
    assert read["NA"] == "NA"
    assert next(describe_cleaning("queue", done)).startswith("queue: 'NA' is read as a label, beside 'EMEA'; --map")
    assert clean_labels({"NA": 1, "Network": 3}, known=["NA"])[0]["NA"] == "NA"
    assert clean_labels({"NULL": 1, "Network": 3}, known=["NULL"])[0]["NULL"] is None


def test_a_history_and_its_moves_have_labels_in_one_spelling(tmp_path):
    moves = tmp_path / "m.csv"
    moves.write_text("id,at,field,from,to\n1,2024-01-02,queue,NULL,NETWORK\n2,2024-01-02,queue,Mail,Unassigned\n")
    path = written(tmp_path, ["Network", "network", "Network", "Не указано"])
    history = load_history([path], moves=moves)
    assert history.labels["queue"] == ["Network", "Network", "Network", None]
    assert [(move.before, move.after) for move in history.moves] == [(None, "Network"), ("Mail", None)]
    assert any("'Не указано' (1) means nothing" in note for note in history.notes)
    assert load_history([path], parse_mapping(["queue.Не указано=Новые"])).labels["queue"][3] == "Новые"


def test_a_test_file_is_spelled_as_its_history(tmp_path):
    history = load_history([written(tmp_path, ["Network", "Network", "NA", "EMEA"] * 5)])
    known = label_names(history)
    test = load_history([written(tmp_path, ["NETWORK", "NETWORK", "NA", "New"])], known_labels=known)
    assert test.labels["queue"] == ["Network", "Network", "NA", "New"]


def test_a_priority_that_means_nothing_is_missing_and_not_misunderstood(tmp_path):
    history = load_history([written(tmp_path, ["high", "-", "NULL", "&quot;low&quot;", "huge"], column="priority")])
    assert history.labels["priority"] == ["high", None, None, "low", None]
    assert history.label_cleaning["priority"].missing == {"-": 1, "NULL": 1}
    assert history.priority_unknown == {"huge": 1}


def test_a_trust_code_goes_with_its_label(tmp_path):
    path = tmp_path / "h.csv"
    path.write_text("id,body,queue,queue_trust\n1,x,NULL,blind\n2,x,A,blind\n")
    assert load_history([path]).trust["queue"] == ["", "blind"]


@pytest.mark.parametrize("column", ["queue", "category", "assignee"])
def test_a_clean_history_is_read_as_it_is_and_nothing_is_said(tmp_path, column):
    names = ["Network > VPN", "Sales, retail", "Кадры", "None of the above", "A::B"]
    history = load_history([written(tmp_path, names, column=column)])
    assert history.labels[column] == names
    assert len(history.notes) == 2  # the format, and that there are no dates


@given(st.dictionaries(st.text(max_size=40), st.integers(1, 9), max_size=8), st.booleans())
def test_every_cell_becomes_a_label_or_is_counted_as_missing(cells, take_first):
    read, done = clean_labels(cells, take_first=take_first)
    assert list(read) == list(cells)
    assert {cell for cell, label in read.items() if label is None} == set(done.missing)
    assert all(len(note) < 5_000 for note in describe_cleaning("queue", done))
