"""Urgency: critical tickets are hardly ever set low by the machine, in hundreds of worlds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deskyard.domain.decision import Action, Prediction
from deskyard.domain.ticket import PRIORITIES
from deskyard.guarantees.contract import EVIDENCE_DTYPE
from deskyard.guarantees.contract_fitting import fit_contract
from deskyard.guarantees.urgent_ticket_bound import MAX_LOWERED_SHARE, fit_bound, min_critical_tickets


def past(rng, n, critical=0.1):
    """Priorities that a model mostly gets right; of the critical ones it sometimes says `low`, surely."""
    rows = np.zeros(n, EVIDENCE_DTYPE)
    rows["truth"] = np.where(rng.random(n) < critical, 3, rng.integers(0, 3, n))
    missed = (rows["truth"] == 3) & (rng.random(n) < 0.3)
    rows["predicted"] = np.where(missed, 0, rows["truth"])
    rows["confidence"] = rng.uniform(0.8, 1, n)
    rows["urgent"] = np.where(rows["predicted"] >= 2, 0.9, 0) + np.where(missed, rng.uniform(0, 0.2, n), 0)
    rows["urgent"] += np.where(rows["predicted"] < 2, rng.uniform(0, 0.05, n), 0)
    return rows


def set_low(contract, rows):
    held = np.inf if contract.urgent_bound.threshold is None else contract.urgent_bound.threshold
    return (rows["predicted"] < 2) & (rows["confidence"] >= contract.threshold) & (rows["urgent"] < held)


def test_the_next_critical_ticket_is_set_low_with_at_most_the_stated_probability():
    rng = np.random.default_rng(3)
    fresh = past(rng, 40_000)
    fresh = fresh[fresh["truth"] == 3]
    shares = []
    for _ in range(400):
        contract = fit_contract("priority", past(rng, int(rng.integers(400, 3000))), PRIORITIES, 0.8)
        if contract.threshold is not None:
            shares.append(set_low(contract, fresh).mean())
    assert len(shares) > 300
    assert 0.3 * MAX_LOWERED_SHARE < np.mean(shares) <= MAX_LOWERED_SHARE
    without = fit_contract("priority", past(rng, 3000), PRIORITIES, 0.8)
    assert without.urgent_bound.before > 0.2 * without.urgent_bound.critical


@given(st.integers(0, 300), st.integers(0, 10**6))
def test_no_more_are_set_low_than_conformal_risk_control_allows(n, seed):
    rng = np.random.default_rng(seed)
    urgent, lowered = rng.random(n).round(1), rng.random(n) < 0.5
    found = fit_bound(urgent, lowered)
    assert (found.lacking > 0) == (n < min_critical_tickets())
    if not found.lacking:
        assert (found.after + 1) / (n + 1) <= MAX_LOWERED_SHARE + 1e-9 or found.after == found.before == 0


def test_with_too_few_critical_tickets_nothing_is_promised_and_it_says_how_many_are_lacking():
    found = fit_bound(np.full(12, 0.3), np.ones(12, bool))
    assert (found.threshold, found.lacking) == (None, min_critical_tickets() - 12)
    assert fit_bound(np.zeros(0), np.zeros(0, bool)).lacking == min_critical_tickets()


def test_what_may_be_urgent_is_not_set_low_without_a_person():
    contract = fit_contract("priority", past(np.random.default_rng(3), 3000), PRIORITIES, 0.8)
    held = contract.urgent_bound.threshold
    assert held is not None
    low = Prediction("priority", (("low", 0.95 - held), ("critical", held), ("medium", 0.05)), familiar=True)
    action, reason = contract.decide(low)
    assert (action, reason.code) == (Action.SUGGEST, "urgent")
    calm = Prediction("priority", (("low", 0.999), ("critical", 0.0005), ("medium", 0.0005)), familiar=True)
    assert contract.decide(calm)[0] is Action.ROUTE
    urgent = Prediction("priority", (("critical", 0.95), ("low", 0.05)), familiar=True)
    assert contract.decide(urgent)[0] is Action.ROUTE


def test_without_critical_or_without_lower_priorities_there_is_nothing_to_bound():
    rows = past(np.random.default_rng(0), 500, critical=0)
    assert fit_contract("priority", rows, PRIORITIES[:3], 0.8).urgent_bound is None
    assert fit_contract("queue", rows, PRIORITIES, 0.8).urgent_bound is None
