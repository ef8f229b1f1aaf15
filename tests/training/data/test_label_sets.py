"""Labels: what two tickets share can be learnt; what it can't is counted, never dropped in silence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.domain.ticket import PRIORITIES, TARGETS
from deskyard.errors import BadInput, NothingToLearn
from training.data.label_sets import UNLABELLED, build_label_sets

VALUES = st.lists(st.none() | st.sampled_from(["A", "B", "Сеть", "rare", "low", "high"]), max_size=30)


def test_priorities_stand_in_their_order_and_other_labels_in_that_of_the_alphabet():
    found = build_label_sets({"priority": [*PRIORITIES[::-1], *PRIORITIES], "queue": ["б", "a", "б", "a", "Z", "Z"]})
    assert found["priority"].labels == PRIORITIES
    assert found["queue"].labels == ("Z", "a", "б")


def test_a_label_of_a_single_ticket_is_counted_as_rare_and_always_a_miss():
    (found,) = build_label_sets({"queue": ["A", "A", "B", "B", "once", None]}).values()
    assert found.labels == ("A", "B")
    assert found.rare == {"once": 1}
    assert found.positions(["B", "once", None, "A", "new"]).tolist() == [1, -3, UNLABELLED, 0, -2]
    assert UNLABELLED < 0


def test_parents_that_were_said_are_those_of_learnt_labels_and_a_misspelt_label_is_named():
    labels = {"queue": ["VPN", "VPN", "Mail", "Mail", "once", "Network", "Network"]}
    (found,) = build_label_sets(labels, parents={"queue": {"VPN": "Network", "once": "Network"}}).values()
    assert found.parents == {"VPN": "Network"}
    with pytest.raises(BadInput, match=r"no ticket has the queue 'VNP'. Did you mean 'VPN'\?"):
        build_label_sets(labels, parents={"queue": {"VNP": "Network"}})


def test_a_target_with_one_label_is_not_learnt_and_the_others_are():
    found = build_label_sets({"queue": ["A"] * 9, "category": ["x", "x", "y", "y", *[None] * 5]})
    assert list(found) == ["category"]


def test_only_the_wanted_targets_are_learnt_in_their_order():
    labels = {target: ["low", "low", "high", "high"] for target in TARGETS}
    assert list(build_label_sets(labels)) == list(TARGETS)
    assert list(build_label_sets(labels, ("queue", "priority"))) == ["queue", "priority"]


@pytest.mark.parametrize("queues", [[], [None] * 5, ["A"] * 5, ["A", "B"], ["A", "A", "B", None]])
def test_where_nothing_can_be_learnt_one_sentence_says_why(queues):
    with pytest.raises(NothingToLearn, match="none of queue, category has two labels with at least 2 tickets each"):
        build_label_sets({"queue": queues}, ("queue", "category"))


@given(VALUES)
def test_every_ticket_has_one_position_and_it_names_its_label(values):
    try:
        (found,) = build_label_sets({"queue": values}).values()
    except NothingToLearn:
        assert sum(values.count(label) >= 2 for label in set(values) - {None}) < 2
        return
    for value, position in zip(values, found.positions(values).tolist(), strict=True):
        if value is None:
            assert position == UNLABELLED
        elif position >= 0:
            assert found.labels[position] == value
        else:
            assert found.rare[value] == 1
    assert sorted(found.rare) == sorted(label for label in set(values) - {None} if values.count(label) == 1)
