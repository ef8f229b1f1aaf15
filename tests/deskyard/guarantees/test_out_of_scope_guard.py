"""The guard: strangers are kept out where that pays, and a contract is proved on what passes."""

import numpy as np
import pytest

from deskyard.domain.decision import Action, Prediction
from deskyard.guarantees import out_of_scope_guard
from deskyard.guarantees.contract import EVIDENCE_DTYPE
from deskyard.guarantees.contract_fitting import fit_contract, routed_mask

LABELS = ("a", "b", "c", "d")


def past(n=2000, seed=0):
    """Sure, right, and like the history."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(n, EVIDENCE_DTYPE)
    rows["confidence"], rows["predicted"] = np.linspace(1, 0.5, n), np.arange(n) % 4
    rows["truth"], rows["likeness"] = rows["predicted"], rng.normal(4, 1, n)
    return rows


def strangers(n=300, like=0.0, kinds=3):
    rng = np.random.default_rng(1)
    rows = np.zeros(n, EVIDENCE_DTYPE)
    rows["confidence"], rows["predicted"], rows["truth"] = 0.9, 0, -1
    rows["likeness"], rows["kind"] = rng.normal(like, 1, n), np.arange(n) % kinds + 1
    return rows


def prediction(likeness, confidence=0.99):
    return Prediction("queue", (("a", confidence),), familiar=True, likeness=likeness)


def test_a_sure_ticket_unlike_all_that_was_learnt_is_only_suggested():
    contract = fit_contract("queue", np.concatenate([past(), strangers()]), LABELS, 0.9)
    action, reason = contract.decide(prediction(contract.guard.threshold - 1))
    assert (action, reason.code) == (Action.SUGGEST, "unlike")
    assert "nothing like it" in reason.text
    assert contract.decide(prediction(contract.guard.threshold))[0] is Action.ROUTE


def test_of_each_kind_of_strangers_at_most_the_tolerated_share_passes():
    rows = np.concatenate([past(), strangers()])
    contract = fit_contract("queue", rows, LABELS, 0.9)
    gone = routed_mask(contract, rows, LABELS)
    for kind in (1, 2, 3):
        assert gone[rows["kind"] == kind].mean() <= out_of_scope_guard.DEFAULT_OUT_OF_SCOPE_RATE
    assert contract.guard.before == 1
    assert contract.guard.after == pytest.approx(gone[rows["kind"] > 0].mean())


def test_a_stricter_share_lets_fewer_strangers_pass_and_a_looser_one_more():
    rows = np.concatenate([past(), strangers(like=1)])
    contracts = [
        fit_contract("queue", rows, LABELS, 0.9, out_of_scope_rate=share) for share in (0.0, 0.02, 0.05, 0.2, 1.0)
    ]
    passing = [routed_mask(contract, rows, LABELS)[rows["kind"] > 0].mean() for contract in contracts]
    assert passing == sorted(passing)
    assert (passing[0], passing[-1]) == (0, 1)
    assert passing[1] <= 0.02 < passing[3] <= 0.2


def test_a_share_that_was_asked_for_is_kept_whatever_it_costs():
    rows = np.concatenate([past(), strangers(like=3)])
    by_itself = fit_contract("queue", rows, LABELS, 0.9).guard
    asked = fit_contract("queue", rows, LABELS, 0.9, out_of_scope_rate=out_of_scope_guard.DEFAULT_OUT_OF_SCOPE_RATE)
    assert by_itself.after > out_of_scope_guard.DEFAULT_OUT_OF_SCOPE_RATE >= asked.guard.after
    assert asked.guard.given_up > by_itself.given_up
    nothing = fit_contract("queue", np.concatenate([past(), strangers(like=20)]), LABELS, 0.9, out_of_scope_rate=0.0)
    assert nothing.threshold is None
    assert not routed_mask(nothing, rows, LABELS).any()


def test_the_promise_is_proved_on_the_tickets_that_pass():
    rows = past()
    rows["truth"] = np.where((rows["likeness"] < 3) & (np.arange(2000) % 3 == 0), -1, rows["truth"])
    contract = fit_contract("queue", np.concatenate([rows, strangers(like=1.5)]), LABELS, 0.9)
    assert contract.guard is not None
    passing = rows[routed_mask(contract, rows, LABELS)]
    assert (contract.routed, contract.right) == (len(passing), int((passing["predicted"] == passing["truth"]).sum()))


def test_a_guard_that_costs_more_than_it_keeps_out_is_made_looser_or_left_out():
    far = fit_contract("queue", np.concatenate([past(), strangers(like=0)]), LABELS, 0.9).guard
    near = fit_contract("queue", np.concatenate([past(), strangers(like=3)]), LABELS, 0.9).guard
    same = fit_contract("queue", np.concatenate([past(), strangers(like=5)]), LABELS, 0.9).guard
    assert near.after > out_of_scope_guard.DEFAULT_OUT_OF_SCOPE_RATE
    assert near.before - near.after >= out_of_scope_guard.MIN_EXCLUSION_RATIO * near.given_up
    assert far.after <= out_of_scope_guard.DEFAULT_OUT_OF_SCOPE_RATE
    assert same is None or same.given_up < 0.02


def test_few_strangers_or_strangers_that_nobody_would_route_make_no_guard():
    assert (
        fit_contract(
            "queue", np.concatenate([past(), strangers(out_of_scope_guard.MIN_TICKETS - 1)]), LABELS, 0.9
        ).guard
        is None
    )
    unsure = strangers()
    unsure["confidence"] = 0.2
    assert fit_contract("queue", np.concatenate([past(), unsure]), LABELS, 0.9).guard is None


def test_strangers_prove_nothing_and_count_for_nothing():
    alone = fit_contract("queue", strangers(2000), LABELS, 0.9)
    assert (alone.threshold, alone.total, alone.guard) == (None, 0, None)
    assert fit_contract("queue", np.concatenate([past(), strangers()]), LABELS, 0.9).total == 2000
