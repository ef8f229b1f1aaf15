"""A contract keeps its promise: proved by exact bounds, in hundreds of worlds whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from deskyard.domain.decision import Action, Prediction
from deskyard.guarantees.contract import EVIDENCE_DTYPE
from deskyard.guarantees.contract_fitting import fit_contract
from deskyard.guarantees.intervals import ALPHA, lower_bound, min_tickets_to_prove

LABELS = tuple("abcdef")
SLACK = 2.33
"""Standard deviations: chance alone fails a test one time in a hundred worlds, and the seeds are fixed."""


def evidence(confidence, predicted, truth):
    rows = np.zeros(len(confidence), EVIDENCE_DTYPE)
    rows["confidence"], rows["predicted"], rows["truth"] = confidence, predicted, truth
    return rows


def all_right(n, labels=6):
    return evidence(np.linspace(1, 0.5, n), np.arange(n) % labels, np.arange(n) % labels)


def world(rng, n, worse=0.0):
    """Tickets of a calibrated model, but for the last label, which is `worse` than the model thinks.

    Returns the evidence and the true chance of each ticket to be right.
    """
    confidence = rng.beta(5, 1.2, n).astype(np.float32)
    predicted = rng.choice(6, n, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
    chance = np.where(predicted == 5, confidence * (1 - worse), confidence)
    right = rng.random(n) < chance
    return evidence(confidence, predicted, np.where(right, predicted, (predicted + 1) % 6)), chance


def covered(contract):
    """How many tickets of evidence it would have routed."""
    return contract.routed if contract.threshold is not None else 0


def prediction(label, confidence, familiar=True):
    return Prediction("queue", ((label, confidence),), familiar)


@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from([0.05, 0.025, 0.2]))
def test_the_proved_share_is_the_exact_bound_of_clopper_and_pearson(right, wrong, miss):
    n = right + wrong
    if n:
        exact = stats.binomtest(right, n, alternative="greater").proportion_ci(1 - miss, method="exact").low
        assert lower_bound(right, n, miss) == pytest.approx(exact, abs=1e-9)
        assert lower_bound(right, n, miss) <= right / n
    else:
        assert lower_bound(right, n, miss) == 0


@given(st.floats(0.5, 0.999))
def test_the_fewest_tickets_that_prove_a_share_prove_it_and_one_less_does_not(asked):
    n = min_tickets_to_prove(asked)
    assert lower_bound(n, n) >= asked - 1e-9
    assert lower_bound(n - 1, n - 1) < asked + 1e-9


@pytest.mark.parametrize("asked", [0.8, 0.9])
@pytest.mark.parametrize("worse", [0.0, 0.4])
def test_in_at_most_one_world_of_twenty_the_promise_is_broken(asked, worse):
    worlds, routing, broken = 400, 0, 0
    rng = np.random.default_rng(7)
    fresh, chance = world(rng, 20_000, worse)
    for _ in range(worlds):
        seen, _ = world(rng, 500, worse)
        contract = fit_contract("queue", seen, LABELS, asked)
        if contract.threshold is None:
            continue
        promised = [i for i, label in enumerate(LABELS) if label in contract.labels]
        routed = (fresh["confidence"] >= contract.threshold) & np.isin(fresh["predicted"], promised)
        routing += 1
        broken += chance[routed].mean() < asked
    assert routing > 0.05 * worlds
    assert broken <= ALPHA * worlds + SLACK * np.sqrt(worlds * ALPHA * (1 - ALPHA))


def test_a_model_that_knows_nothing_breaks_no_promise_although_one_label_is_96_percent():
    rng = np.random.default_rng(11)
    for _ in range(100):
        truth = np.where(rng.random(2000) < 0.96, 0, rng.integers(1, 6, 2000))
        shuffled = fit_contract("queue", evidence(rng.random(2000), rng.permutation(truth), truth), LABELS, 0.8)
        always = fit_contract("queue", evidence(rng.random(2000), np.zeros(2000), truth), LABELS, 0.8)
        assert (shuffled.threshold, shuffled.labels, always.threshold) == (None, frozenset(), None)
        assert (shuffled.unproved["a"].code, always.unproved["a"].code) == ("base_rate", "base_rate")


def test_nothing_is_routed_on_less_than_the_fewest_tickets_and_everything_once_more_are_right():
    assert fit_contract("queue", all_right(min_tickets_to_prove(0.95) - 1), LABELS, 0.95).threshold is None
    contract = fit_contract("queue", all_right(120), LABELS, 0.95)
    assert (contract.threshold, contract.routed, contract.right, contract.total) == (0.5, 120, 120, 120)
    assert contract.labels == frozenset(LABELS)


@pytest.mark.parametrize(("n", "asked"), [(400, 0.98), (400, 0.99), (1000, 0.99), (4000, 0.999)])
def test_enough_tickets_all_of_them_right_prove_any_precision(n, asked):
    assert fit_contract("queue", all_right(n), LABELS, asked).routed == n


def test_one_early_wrong_ticket_does_not_silence_a_desk_with_thousands_of_sure_ones():
    rows = all_right(5000)
    rows["truth"][:6] = -1
    assert fit_contract("queue", rows, LABELS, 0.95).routed > 4900


def test_a_label_without_evidence_is_a_suggestion_that_says_how_many_tickets_it_lacks():
    contract = fit_contract("queue", all_right(500, labels=5), LABELS, 0.95)
    assert contract.labels == frozenset("abcde")
    action, reason = contract.decide(prediction("f", 0.99))
    assert (action, reason.code) == (Action.SUGGEST, "no_evidence")
    assert "5 more are needed" in reason.text
    action, reason = contract.decide(prediction("never heard of", 0.99))
    assert (action, reason.code) == (Action.SUGGEST, "no_evidence")


def test_a_label_that_is_only_right_by_its_share_is_not_routed_and_the_others_are():
    rows = all_right(4000, labels=5)
    chance = np.random.default_rng(2).random(4000) < 0.03
    rows["predicted"][chance] = 5  # the last label is said of 3 % of all tickets, whatever they are about
    rows["truth"][:20] = 5
    contract = fit_contract("queue", rows, LABELS, 0.9)
    assert contract.labels == frozenset("abcde")
    assert contract.unproved["f"].code == "base_rate"
    assert contract.decide(prediction("f", 1.0))[0] is Action.SUGGEST
    assert contract.decide(prediction("a", 1.0))[0] is Action.ROUTE
    assert (contract.routed, contract.total) == (4000 - chance.sum(), 4000)


def test_without_evidence_nothing_is_routed():
    contract = fit_contract("queue", all_right(0), LABELS, 0.95)
    assert (contract.threshold, contract.labels, contract.routed, contract.total) == (None, frozenset(), 0, 0)
    action, reason = contract.decide(prediction("a", 1.0))
    assert (action, reason.code) == (Action.SUGGEST, "no_contract")
    assert fit_contract("queue", all_right(1), LABELS, 0.5).threshold is None


def test_equally_sure_tickets_are_routed_together_or_not_at_all():
    rows = all_right(300)
    rows["confidence"] = np.repeat([0.9, 0.8, 0.7], 100)
    rows["truth"][150:] = -1  # half of those at 0.8 are wrong, and they stand last
    contract = fit_contract("queue", rows, LABELS, 0.9)
    assert (contract.threshold, contract.routed) == (pytest.approx(0.9), 100)
    rows["confidence"] = 0.9
    assert fit_contract("queue", rows, LABELS, 0.9).threshold is None
    assert fit_contract("queue", rows[::-1].copy(), LABELS, 0.9).threshold is None


def test_a_truth_that_no_label_covers_is_a_miss():
    rows = all_right(200)
    rows["truth"] = -2
    assert fit_contract("queue", rows, LABELS, 0.5).threshold is None
    rows["truth"] = np.where(np.arange(200) < 170, rows["predicted"], -1)
    contract = fit_contract("queue", rows, LABELS, 0.9)
    assert contract.right <= 170
    assert contract.routed < 200


def test_the_order_of_the_evidence_does_not_matter():
    rng = np.random.default_rng(5)
    rows, _ = world(rng, 800)
    assert fit_contract("queue", rows, LABELS, 0.8) == fit_contract("queue", rng.permutation(rows), LABELS, 0.8)


@given(st.integers(0, 10**6), st.sampled_from([0, 1, 5, 80, 200, 700, 1000, 1500]), st.integers(0, 30))
@settings(max_examples=15)
def test_asking_for_more_precision_never_routes_more(seed, n, misses):
    rows = all_right(n, labels=2)
    rng = np.random.default_rng(seed)
    rows["truth"][rng.integers(0, max(n, 1), misses if n else 0)] = -1
    routed = [covered(fit_contract("queue", rows, LABELS[:2], asked)) for asked in np.arange(0.8, 0.998, 0.004)]
    assert routed == sorted(routed, reverse=True)


def test_asking_for_a_little_more_precision_never_routes_more_where_a_walk_becomes_too_short():
    rows = all_right(1000)
    rows["truth"][[30, 300]] = -1  # with 976 in 1000 asked, 150 tickets prove nothing
    routed = [
        covered(fit_contract("queue", rows, LABELS, asked)) for asked in (0.974, 0.975, 0.9755, 0.976, 0.977, 0.98)
    ]
    assert routed == sorted(routed, reverse=True)


def test_a_prediction_is_routed_from_the_threshold_on_and_its_reason_says_what_was_proved():
    contract = fit_contract("queue", all_right(200), LABELS, 0.95)
    assert contract.decide(prediction("a", contract.threshold))[0] is Action.ROUTE
    action, reason = contract.decide(prediction("a", contract.threshold - 0.001))
    assert (action, reason.code) == (Action.SUGGEST, "unsure")
    action, reason = contract.decide(prediction("a", 1.0))
    assert "200 of 200 past tickets were right" in reason.text
    assert f"{lower_bound(200, 200):.1%}" in reason.text
    assert contract.decide(prediction("a", 1.0, familiar=False))[0] is Action.LEAVE


@pytest.mark.parametrize("asked", [0, 1, -0.1, 2])
def test_a_precision_that_is_no_share_is_refused(asked):
    with pytest.raises(ValueError, match="between 0 and 1"):
        fit_contract("queue", all_right(10), LABELS, asked)


def test_what_the_newest_evidence_breaks_is_not_promised_on_the_strength_of_the_old():
    rng = np.random.default_rng(0)
    old, new = all_right(4000, labels=4), all_right(400, labels=4)
    new["truth"] = np.where(rng.random(400) < 0.3, (new["predicted"] + 1) % 4, new["predicted"])
    assert fit_contract("queue", np.concatenate([old, new])[: len(old)], LABELS, 0.9).threshold is not None
    contract = fit_contract("queue", np.concatenate([old, new]), LABELS, 0.9)
    assert contract.outdated
    assert contract.threshold is None
    assert contract.total == 400


def test_a_model_that_follows_the_desk_doubts_its_past_after_fewer_tickets():
    old, new = all_right(4000, labels=4), all_right(50, labels=4)
    new["truth"][::6] = (new["predicted"][::6] + 1) % 4
    rows = np.concatenate([old, new])
    assert fit_contract("queue", rows, LABELS, 0.9).threshold is not None
    following = fit_contract("queue", rows, LABELS, 0.9, follow_drift=True)
    assert (following.outdated, following.threshold) == (True, None)


def test_new_evidence_that_proves_a_promise_by_itself_keeps_it():
    rng = np.random.default_rng(0)
    old, new = all_right(4000, labels=4), all_right(400, labels=4)
    new["confidence"] = rng.random(400)
    right = rng.random(400) < np.where(new["confidence"] > 0.65, 0.998, 0.2)
    new["truth"] = np.where(right, new["predicted"], (new["predicted"] + 1) % 4)
    old["confidence"] = rng.random(4000)
    contract = fit_contract("queue", np.concatenate([old, new]), LABELS, 0.9)
    assert contract.outdated
    assert contract.threshold is not None
    assert contract.threshold > 0.5
    assert contract.total == 400


def test_a_desk_that_has_not_changed_is_hardly_ever_taken_for_one_that_has():
    rng = np.random.default_rng(1)
    outdated = 0
    for _ in range(200):
        confidence = rng.beta(6, 1, 3000)
        predicted = rng.integers(0, 4, 3000)
        truth = np.where(rng.random(3000) < confidence, predicted, (predicted + 1) % 4)
        outdated += fit_contract("queue", evidence(confidence, predicted, truth), LABELS, 0.9).outdated
    assert outdated <= 4
