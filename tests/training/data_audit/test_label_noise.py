"""Label noise: shuffled labels are named and ranked; a hard target is not called a noisy one."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from deskyard.errors import ExtraMissing
from training.data_audit import label_noise


@pytest.fixture(scope="module")
def shuffled(make_history):
    """20 % of the queues mixed up, and which tickets' labels are no longer the true ones."""
    history = make_history(1000, label_noise=0.0, rename=False)
    rng = np.random.default_rng(0)
    values = list(history.labels["queue"])
    chosen = np.flatnonzero(rng.random(len(values)) < 0.2)
    for i, j in zip(chosen, rng.permutation(chosen), strict=True):
        values[i] = history.labels["queue"][j]
    wrong = {t.id for t, old, new in zip(history.tickets, history.labels["queue"], values, strict=True) if old != new}
    return replace(history, labels=history.labels | {"queue": values}), wrong


@pytest.fixture(scope="module")
def case(shuffled, make_case):
    return make_case(shuffled[0], "queue")


def test_20_percent_shuffled_labels_are_named_and_the_share_is_about_right(case):
    [found] = label_noise.probe(case)
    assert (found.probe, found.target) == ("label noise", "queue")
    assert found.severity in ("warning", "serious")
    assert 0.1 < found.figures["share"] < 0.25
    assert found.figures["proved"] < found.figures["share"]
    assert 0 < found.figures["gain_of_fixing"] < 0.2


def test_the_worst_are_mostly_the_shuffled_ones_and_what_they_should_be(shuffled, case):
    _, wrong = shuffled
    [found] = label_noise.probe(case)
    worst = found.figures["worst"]
    assert len(worst) <= label_noise.MAX_RANKED
    assert found.examples == tuple(one["id"] for one in worst[: len(found.examples)])
    assert np.mean([one["id"] in wrong for one in worst[:40]]) >= 0.75
    assert all(one["label"] != one["rather"] for one in worst)


def test_a_clean_history_is_not_called_noisy_nor_is_a_priority_that_is_hard(clean_case):
    assert list(label_noise.probe(clean_case)) == []


def test_labels_at_random_are_not_called_noisy_since_nothing_can_be_told(make_history, make_case):
    history = make_history(200)
    rng = np.random.default_rng(0)
    mixed = [history.labels["queue"][i] for i in rng.permutation(200)]
    assert list(label_noise.probe(make_case(replace(history, labels=history.labels | {"queue": mixed}), "queue"))) == []


def test_without_cleanlab_a_sentence_says_what_to_install(case, monkeypatch):
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    with pytest.raises(ExtraMissing, match=r"pip install .deskyard\[training\]"):
        list(label_noise.probe(case))
