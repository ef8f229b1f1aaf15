"""The guard keeps out-of-scope tickets from being routed where that pays, and the contract is proved on what passes."""

import numpy as np
import pytest

from deskyard.domain.decision import Action, Prediction
from deskyard.guarantees import out_of_scope_guard
from deskyard.guarantees.contract import EVIDENCE_DTYPE
from deskyard.guarantees.contract_fitting import fit_contract, routed_mask

LABELS = ("a", "b", "c", "d")


def past(n=2000, seed=0):
    """Confident, right, and similar to the history."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(n, EVIDENCE_DTYPE)
    rows["confidence"], rows["predicted"] = np.linspace(1, 0.5, n), np.arange(n) % 4
    rows["truth"], rows["likeness"] = rows["predicted"], rng.normal(4, 1, n)
    return rows


def out_of_scope(n=300, likeness=0.0, clusters=3):
    rng = np.random.default_rng(1)
    rows = np.zeros(n, EVIDENCE_DTYPE)
    rows["confidence"], rows["predicted"], rows["truth"] = 0.9, 0, -1
    rows["likeness"], rows["kind"] = rng.normal(likeness, 1, n), np.arange(n) % clusters + 1
    return rows


def prediction(likeness, confidence=0.99):
    return Prediction("queue", (("a", confidence),), familiar=True, likeness=likeness)


def test_a_confident_ticket_unlike_the_history_is_only_suggested():
    contract = fit_contract("queue", np.concatenate([past(), out_of_scope()]), LABELS, 0.9)
    action, reason = contract.decide(prediction(contract.guard.threshold - 1))
    assert (action, reason.code) == (Action.SUGGEST, "unlike")
    assert "nothing like it" in reason.text
    assert contract.decide(prediction(contract.guard.threshold))[0] is Action.ROUTE


def test_of_each_cluster_of_out_of_scope_tickets_at_most_the_default_rate_passes():
    rows = np.concatenate([past(), out_of_scope()])
    contract = fit_contract("queue", rows, LABELS, 0.9)
    routed = routed_mask(contract, rows, LABELS)
    for cluster in (1, 2, 3):
        assert routed[rows["kind"] == cluster].mean() <= out_of_scope_guard.DEFAULT_OUT_OF_SCOPE_RATE
    assert contract.guard.before == 1
    assert contract.guard.after == pytest.approx(routed[rows["kind"] > 0].mean())


def test_a_lower_rate_lets_fewer_out_of_scope_tickets_pass_and_a_higher_one_more():
    rows = np.concatenate([past(), out_of_scope(likeness=1)])
    contracts = [
        fit_contract("queue", rows, LABELS, 0.9, out_of_scope_rate=share) for share in (0.0, 0.02, 0.05, 0.2, 1.0)
    ]
    passing = [routed_mask(contract, rows, LABELS)[rows["kind"] > 0].mean() for contract in contracts]
    assert passing == sorted(passing)
    assert (passing[0], passing[-1]) == (0, 1)
    assert passing[1] <= 0.02 < passing[3] <= 0.2


def test_a_rate_that_was_required_is_met_whatever_it_costs():
    rows = np.concatenate([past(), out_of_scope(likeness=3)])
    by_itself = fit_contract("queue", rows, LABELS, 0.9).guard
    required = fit_contract("queue", rows, LABELS, 0.9, out_of_scope_rate=out_of_scope_guard.DEFAULT_OUT_OF_SCOPE_RATE)
    assert by_itself.after > out_of_scope_guard.DEFAULT_OUT_OF_SCOPE_RATE >= required.guard.after
    assert required.guard.given_up > by_itself.given_up
    nothing = fit_contract(
        "queue", np.concatenate([past(), out_of_scope(likeness=20)]), LABELS, 0.9, out_of_scope_rate=0.0
    )
    assert nothing.threshold is None
    assert not routed_mask(nothing, rows, LABELS).any()


def test_the_precision_is_proved_on_the_tickets_that_pass():
    rows = past()
    rows["truth"] = np.where((rows["likeness"] < 3) & (np.arange(2000) % 3 == 0), -1, rows["truth"])
    contract = fit_contract("queue", np.concatenate([rows, out_of_scope(likeness=1.5)]), LABELS, 0.9)
    assert contract.guard is not None
    passing = rows[routed_mask(contract, rows, LABELS)]
    assert (contract.routed, contract.right) == (len(passing), int((passing["predicted"] == passing["truth"]).sum()))


def test_a_guard_that_costs_more_than_it_keeps_out_is_made_looser_or_left_out():
    far = fit_contract("queue", np.concatenate([past(), out_of_scope(likeness=0)]), LABELS, 0.9).guard
    near = fit_contract("queue", np.concatenate([past(), out_of_scope(likeness=3)]), LABELS, 0.9).guard
    same = fit_contract("queue", np.concatenate([past(), out_of_scope(likeness=5)]), LABELS, 0.9).guard
    assert near.after > out_of_scope_guard.DEFAULT_OUT_OF_SCOPE_RATE
    assert near.before - near.after >= out_of_scope_guard.MIN_EXCLUSION_RATIO * near.given_up
    assert far.after <= out_of_scope_guard.DEFAULT_OUT_OF_SCOPE_RATE
    assert same is None or same.given_up < 0.02


def test_few_out_of_scope_tickets_or_ones_that_are_not_routed_anyway_make_no_guard():
    assert (
        fit_contract(
            "queue", np.concatenate([past(), out_of_scope(out_of_scope_guard.MIN_TICKETS - 1)]), LABELS, 0.9
        ).guard
        is None
    )
    unsure = out_of_scope()
    unsure["confidence"] = 0.2
    assert fit_contract("queue", np.concatenate([past(), unsure]), LABELS, 0.9).guard is None


def test_out_of_scope_tickets_prove_nothing_and_are_not_counted():
    alone = fit_contract("queue", out_of_scope(2000), LABELS, 0.9)
    assert (alone.threshold, alone.total, alone.guard) == (None, 0, None)
    assert fit_contract("queue", np.concatenate([past(), out_of_scope()]), LABELS, 0.9).total == 2000
