"""Near-copies across the split: named, with the score without them."""

from dataclasses import replace

import pytest

from training.data_audit import split_overlap


@pytest.fixture(scope="module")
def doubled(clean):
    """Every third ticket of a history without times once more, with another number in it."""
    again = range(0, len(clean), 3)
    copied = [replace(clean.tickets[i], id=f"{i} again", body=f"{clean.tickets[i].body} 77{i}") for i in again]
    labels = {target: [*values, *(values[i] for i in again)] for target, values in clean.labels.items()}
    return replace(clean, tickets=[replace(t, created_at=None) for t in [*clean.tickets, *copied]], labels=labels)


def test_copies_across_a_random_split_are_named_with_the_score_without_them(doubled, make_case):
    [found] = split_overlap.probe(make_case(doubled, "category", ordered=False))
    assert found.severity == "serious"
    assert found.figures["with_a_copy"] > 0.25 * found.figures["judged"]
    assert found.figures["category"]["all"] > found.figures["category"]["without_copies"] + 0.02


def test_a_clean_history_has_too_few_to_name(clean_case):
    assert list(split_overlap.probe(clean_case)) == []
