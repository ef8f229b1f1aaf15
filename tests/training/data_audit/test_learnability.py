"""Learnable: what the text does not tell, and what time takes away, is said."""

import re
from dataclasses import replace

import numpy as np
import pytest

from training.data_audit import learnability, learning_curve


def test_a_target_that_is_not_in_the_text_is_said_with_both_figures(clean, make_case):
    rng = np.random.default_rng(0)
    priority = [("medium" if rng.random() < 0.77 else "high") for _ in range(len(clean))]
    history = replace(clean, labels=clean.labels | {"priority": priority})
    [found] = learnability.probe(make_case(history, "priority"))
    assert (found.probe, found.severity, found.target) == ("unlearnable", "warning", "priority")
    assert re.search(
        r"^priority is not predictable from the text.*: accuracy of the majority 0\.[78]\d, model 0\.[78]\d$",
        found.sentence,
    )


def test_what_can_be_learnt_is_not_complained_about(clean_case):
    assert [found for found in learnability.probe(clean_case) if found.target in ("category", "queue")] == []


def test_a_gap_between_a_random_split_and_time_is_named(clean, make_case):
    queues = [f"{queue} {'new' if i >= len(clean) * 4 // 5 else ''}" for i, queue in enumerate(clean.labels["queue"])]
    history = replace(clean, labels=clean.labels | {"queue": queues})
    found = [one for one in learnability.probe(make_case(history, "queue")) if one.probe == "time gap"]
    assert len(found) == 1
    assert found[0].figures["at_random"] > found[0].figures["by_time"] + 0.1


def test_the_curve_rises_and_says_what_twice_the_tickets_would_bring(clean_case):
    found = {one.target: one for one in learning_curve.probe(clean_case)}
    assert set(found) == set(clean_case.targets)
    one = found["category"]
    assert one.figures["accuracy"][0] < one.figures["accuracy"][-1]
    assert 0 <= one.figures["from"] <= one.figures["gain"] <= one.figures["to"] < 0.3
    assert one.sentence.startswith("category: twice as many tickets would add about +")
    assert one.severity == "note"


@pytest.mark.parametrize(("errors", "expected"), [([0.3] * 4, 0.0), ([0.8, 0.4, 0.2, 0.1], 0.05)])
def test_the_power_law_knows_a_plateau_and_a_steep_fall(errors, expected):
    assert learning_curve.extrapolate_gain(np.array([100, 200, 400, 800]), np.array(errors)) == pytest.approx(
        expected, abs=1e-6
    )
