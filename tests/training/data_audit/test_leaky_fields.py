"""Fields: what was changed after filing, and what tells the answer outright, is named."""

from copy import copy
from dataclasses import replace
from datetime import timedelta

import pytest

from training.data.moves import Move
from training.data_audit import leaky_fields


@pytest.fixture(scope="module")
def grouped(clean):
    """Every ticket's queue stands in a field, too."""
    queues = clean.labels["queue"]
    tickets = [replace(t, fields={**t.fields, "Group": queues[i]}) for i, t in enumerate(clean.tickets)]
    return replace(clean, tickets=tickets)


@pytest.fixture(scope="module")
def grouped_case(grouped, make_case):
    return make_case(grouped, "priority")


@pytest.mark.parametrize("name", ["x_group", "group"])
def test_a_field_that_changes_after_filing_is_named_when_moves_are_given(grouped, grouped_case, name):
    moves = [
        Move(t.id, t.created_at + timedelta(hours=1), "ann", name, "none", t.fields["Group"])
        for t in grouped.tickets[:40]
    ]
    case = copy(grouped_case)
    vars(case)["moves"] = moves
    found = list(leaky_fields.probe(case))
    assert [(one.probe, one.severity) for one in found] == [("changed field", "serious")]
    assert f"{name} was changed after creation in 40 of 700 tickets; in 40 the history" in found[0].sentence
    assert set(found[0].examples) <= {move.id for move in moves}


def test_a_field_that_tells_the_answer_is_named(grouped, make_case):
    found = list(leaky_fields.probe(make_case(grouped, "queue", "priority")))
    assert [(one.probe, one.target) for one in found] == [("telling field", "queue")]
    assert found[0].sentence.startswith("x_Group alone predicts queue correctly in 100 %")


def test_a_clean_history_has_neither_and_moves_of_the_queue_are_what_is_learnt(make_history, clean_case, make_case):
    assert list(leaky_fields.probe(clean_case)) == []
    history = make_history(150)
    moves = [Move(t.id, t.created_at, "ann", "queue", "a", "b") for t in history.tickets]
    assert list(leaky_fields.probe(make_case(replace(history, moves=moves), "queue"))) == []
