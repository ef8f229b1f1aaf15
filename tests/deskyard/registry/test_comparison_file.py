"""Comparisons kept beside a bundle: read back as they were, also those that version 0.1 wrote."""

import re

import numpy as np
import pytest

from deskyard.registry.comparison import ModelAnswers, TargetAnswers, compare_models
from deskyard.registry.comparison_file import COMPARISON_FILE, read_comparison, to_json, write_comparison

FORMER_NAMES = {
    "reasons": "grounds", "required_precision": "asked", "overall": "whole", "majority_baseline": "luck",
    "precision_upper95": "at_most", "has_contract": "proved",
}  # fmt: skip
FORMER_CODES = {"no_better_than_majority": "luck", "contract_broken": "broken", "no_contract": "unproved"}


@pytest.fixture
def comparison():
    """A challenger that breaks its contract for queues, has none for priorities, and guesses the commonest category."""
    truth = np.array(["A", "B", "C", "D"] * 100)
    wrong, none, every = np.roll(truth, 1), np.zeros(400, bool), np.ones(400, bool)
    common = np.array(["A", "A", "B", "C"] * 100)
    first, second = ModelAnswers(wrong, none, False), ModelAnswers(wrong, every, True)
    return compare_models(
        "a" * 64,
        "b" * 64,
        {
            "queue": TargetAnswers(truth, first, second, 0.9),
            "priority": TargetAnswers(truth, ModelAnswers(truth, every, True), ModelAnswers(truth, none, False), 0.9),
            "category": TargetAnswers(
                common, ModelAnswers(np.full(400, "D"), none, False), ModelAnswers(np.full(400, "A"), none, False), 0.9
            ),
        },
        slices={"source": np.array(["desk", "mail"] * 200)},
    )


def as_version_0_1(text):
    for today, former in FORMER_NAMES.items():
        text = text.replace(f'"{today}":', f'"{former}":')
    for today, former in FORMER_CODES.items():
        text = text.replace(f'"code": "{today}"', f'"code": "{former}"')
    return re.sub(r'"tickets": (\d+),(\s+"routed")', r'"of": \1,\2', text)


def test_a_comparison_is_read_back_as_it_was(tmp_path, comparison):
    write_comparison(tmp_path, comparison)
    assert read_comparison(tmp_path, "a" * 64, "b" * 64) == comparison
    assert read_comparison(tmp_path, "c" * 64, "b" * 64) is None


def test_a_comparison_of_version_0_1_still_holds_a_worse_model_back(tmp_path, comparison):
    old = as_version_0_1(to_json(comparison))
    assert not [name for name in (*FORMER_NAMES, *FORMER_CODES) if f'"{name}"' in old]
    assert {reason.code for reason in comparison.reasons} >= set(FORMER_CODES)
    (tmp_path / COMPARISON_FILE).write_text(old)
    found = read_comparison(tmp_path, "a" * 64, "b" * 64)
    assert found == comparison
    assert not found.promote
