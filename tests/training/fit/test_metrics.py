"""Figures: those of scikit-learn, and baselines that anybody can count by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from deskyard.domain.ticket import Ticket
from deskyard.guarantees.contract import EVIDENCE_DTYPE
from deskyard.guarantees.contract_fitting import fit_contract, routed_mask
from deskyard.guarantees.intervals import lower_bound
from training.data.label_sets import UNLABELLED
from training.fit.metrics import (
    N_BINS,
    compute_metrics,
    expected_calibration_error,
    last_label_accuracy,
    macro_f1,
    majority_accuracy,
)

LABELS = ("A", "B", "C", "D")
NO_CONTRACT = fit_contract("queue", np.zeros(0, EVIDENCE_DTYPE), LABELS, 0.9)


def judged(beliefs, truth, contract=NO_CONTRACT):
    beliefs = np.asarray(beliefs)
    rows = np.zeros(len(truth), EVIDENCE_DTYPE)
    rows["confidence"], rows["predicted"] = beliefs.max(axis=1), beliefs.argmax(axis=1)
    return compute_metrics(beliefs, np.asarray(truth, np.int32), routed_mask(contract, rows, LABELS))


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 4))
def test_accuracy_f1_and_top_three_are_those_of_scikit_learn(seed, n, labels):
    rng = np.random.default_rng(seed)
    beliefs, truth = rng.dirichlet(np.ones(4), n), rng.integers(0, labels, n)
    said = beliefs.argmax(axis=1)
    found = judged(beliefs, truth)
    assert found["n"] == n
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, said))
    f1 = metrics.f1_score(truth, said, labels=np.unique(truth), average="macro", zero_division=0)
    assert found["macro_f1"] == pytest.approx(f1)
    top = metrics.top_k_accuracy_score(truth, beliefs, k=3, labels=[0, 1, 2, 3])
    assert found["top3"] == pytest.approx(top)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_the_calibration_error_is_the_mean_gap_between_confidence_and_share_right(pairs):
    confidence, right = (np.array(column) for column in zip(*pairs, strict=True))
    bins = [[pair for pair in pairs if min(int(pair[0] * N_BINS), N_BINS - 1) == b] for b in range(N_BINS)]
    expected = sum(abs(sum(c for c, _ in b) - sum(r for _, r in b)) for b in bins) / len(pairs)
    assert expected_calibration_error(confidence, right) == pytest.approx(expected)


def test_a_label_the_model_cannot_know_counts_as_a_miss_everywhere():
    beliefs = np.eye(4)[[0, 1, 2, 3]]
    found = judged(beliefs, [0, 1, -2, -3])
    assert (found["accuracy"], found["top3"]) == (0.5, 0.5)
    assert found["macro_f1"] == pytest.approx(2 / 4)
    assert macro_f1(np.array([0]), np.array([-2])) == 0


def test_routed_is_what_is_promised_and_sure_enough_and_its_precision_is_bounded():
    contract = replace(NO_CONTRACT, threshold=0.7, labels=frozenset("AB"))
    beliefs = np.array([[0.9, 0.1, 0, 0], [0.7, 0.3, 0, 0], [0.6, 0.4, 0, 0], [0, 0, 0.9, 0.1], [0.4, 0.6, 0, 0]])
    found = judged(beliefs, [0, 1, 0, 2, 1], contract)
    assert found["coverage"] == pytest.approx(2 / 5)
    assert found["precision"] == 0.5
    assert found["precision_lower95"] == lower_bound(1, 2)
    nothing = judged(beliefs, [0, 1, 0, 2, 1])
    assert (nothing["coverage"], nothing["precision"], nothing["precision_lower95"]) == (0, None, None)


def test_a_ticket_exactly_as_sure_as_the_threshold_is_routed():
    threshold = float(np.float32(0.7))
    beliefs = np.array([[0.7, 0.3, 0, 0]])
    found = judged(beliefs, [0], replace(NO_CONTRACT, threshold=threshold, labels=frozenset("A")))
    assert found["coverage"] == 1


def test_the_majority_says_the_most_frequent_learnt_label_to_everybody():
    assert majority_accuracy(np.array([2, 2, 1, 0, UNLABELLED, UNLABELLED, UNLABELLED]), np.array([2, 2, 1, 0])) == 0.5
    assert majority_accuracy(np.array([1, 0]), np.array([0, 0, 1])) == pytest.approx(2 / 3)  # of equals the first label
    assert majority_accuracy(np.array([UNLABELLED, -2]), np.array([0, 1])) == 0


def test_the_last_label_of_the_requester_is_repeated_else_the_most_frequent_one():
    def of(*names):
        return [Ticket(id=str(n), requester=name) for n, name in enumerate(names)]

    learnt = of("ann", "ann", "bob", "", "cy", "cy")
    labels = np.array([0, 1, 2, 2, 3, UNLABELLED])
    asked = of("ann", "ann", "bob", "dan", "", "cy")
    assert last_label_accuracy(learnt, labels, asked, np.array([1, 0, 2, 2, 2, 3])) == pytest.approx(5 / 6)
    assert last_label_accuracy(learnt, labels, of("", ""), np.array([1, 2])) is None
