"""Goals: what labels bring, in the order in which they bring it, and when it is reached."""

import pytest

from deskyard.active_learning.label_goals import LabelGoal, _schedule_goals, plan_goals
from deskyard.policy.policy import Policy
from deskyard.registry import bundle
from deskyard.registry.coverage_preview import find_evidence_gaps


def goal(label, needs, weekly):
    return LabelGoal("queue", label, needs, weekly)


def planned(found, stock=None, per_week=50):
    return [
        one.weeks_to_goal
        for one in _schedule_goals(found, {("queue", k): v for k, v in (stock or {}).items()}, per_week)
    ]


def test_fifty_a_week_reach_eighty_in_two_weeks():
    assert planned([goal("Billing", 80, 40.0)], {"Billing": 80}) == [2]


def test_what_stands_before_it_is_done_first():
    assert planned([goal("A", 50, 100.0), goal("B", 20, 9.0)], {"A": 50, "B": 20}) == [1, 2]


def test_tickets_that_are_not_there_yet_have_to_come():
    assert planned([goal("Rare", 30, 5.0)], {"Rare": 10}) == [4]
    assert planned([goal("Gone", 30, 0.0)], {"Gone": 10}) == [None]
    assert planned([goal("Gone", 30, 0.0)], {"Gone": 30}) == [1]


def test_a_bundle_names_what_it_lacks_the_best_bargain_first(made, tmp_path):
    few = {target: rows[:n] for (target, rows), n in zip(made.evidence.items(), (50, 40, 400), strict=True)}
    bundle.save_bundle(tmp_path / "few", made.scorer, few, made.card, {})
    loaded, policy = bundle.load_bundle(tmp_path / "few"), Policy()
    found = plan_goals(loaded, policy, 100.0, {}, 50)
    assert {(one.target, one.label) for one in found} == {
        (one.target, one.label) for one in find_evidence_gaps(loaded, policy) if one.tickets_needed
    }
    assert [one.target for one in found] == ["priority", "queue"]
    assert [one.value_per_label for one in found] == sorted((one.value_per_label for one in found), reverse=True)
    with pytest.raises(ValueError, match="per_week must be at least 1"):
        plan_goals(loaded, policy, 100.0, {}, 0)
