"""Fits contracts to evidence: the lowest confidence at which the required precision is proved, and for which labels.

The evidence holds what models predicted for past tickets that they were not trained on, and the true labels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, bdtrc

from deskyard.domain import label_hierarchy
from deskyard.domain.decision import Reason
from deskyard.domain.label_hierarchy import LabelParents
from deskyard.domain.ticket import Target
from deskyard.guarantees import out_of_scope_guard, urgent_ticket_bound
from deskyard.guarantees.contract import MIN_LABEL_EVIDENCE, N_TEST_SEQUENCES, Contract, Evidence, min_evidence
from deskyard.guarantees.intervals import ALPHA
from deskyard.guarantees.out_of_scope_guard import OutOfScopeGuard
from deskyard.guarantees.urgent_ticket_bound import CRITICAL, URGENT, UrgentBound

MAX_P_VALUE: Final = 0.001
"""A label is routed only if guessing would be right as often with at most this probability."""

MIN_CONFIDENCE: Final = 0.5
"""A ticket that is more likely wrong than right is never routed, however precise the others are."""

NEWEST_TICKETS: Final = 400
"""The newest tickets of evidence, which may contradict the rest. On a desk that had changed, thresholds fitted to so
many met the required precision where those fitted to the whole past did not."""

DRIFT_WINDOWS: Final = (400, 200, 100, 50)
DRIFT_ALPHA: Final = 0.2
"""With `follow_drift`, each of these windows of the newest tickets may contradict the rest, at this significance level.
That is cautious rather than proved: chosen on the training part of Cheboksary (2019, before the change), where 0.05 and
0.1 missed a slow decay for a quarter; the later quarters had been seen at that time."""

FIRST_TEST_SIZE: Final = 150
"""The strictest threshold tested routes this many tickets: fewer can't prove 95 % if one of them is wrong."""


def fit_contract(
    target: Target,
    evidence: Evidence,
    labels: Sequence[str],
    required_precision: float,
    parents: Mapping[str, str] | None = None,
    out_of_scope_rate: float | None = None,
    follow_drift: bool = False,
) -> Contract:
    """The contract that `evidence` supports at `required_precision` (between 0 and 1, both excluded).

    `parents` are stated parents of labels. `out_of_scope_rate` is the share (0..1) of out-of-scope tickets that the
    guard may let through, at any cost; None: `out_of_scope_guard.DEFAULT_OUT_OF_SCOPE_RATE`, where that pays.

    The precision is proved for all routed tickets together. Labels with fewer than `MIN_LABEL_EVIDENCE` tickets of
    evidence, labels that are significantly wrong more than twice as often as allowed, and labels that do no better than
    their share of all tickets are removed, and the rest is tested again until every remaining label passes. Where the
    evidence holds out-of-scope tickets and a guard pays, the precision is proved again on the tickets that pass the
    guard. Labels with parents also get a contract for the parents, proved on the tickets that the first contract does
    not route; priorities get a bound on critical tickets set low.

    Where the newest `NEWEST_TICKETS` rows significantly violate what all rows prove, only these count. Rows must
    therefore be in order of time, where time is known. With `follow_drift`, fewer tickets and less certainty suffice
    (`DRIFT_WINDOWS`, `DRIFT_ALPHA`). Raises ValueError for a precision outside the range.
    """
    if not 0 < required_precision < 1:
        raise ValueError(f"the required precision must lie between 0 and 1, not {required_precision}")
    is_out_of_scope = evidence["kind"] > 0
    rows, out_of_scope = evidence[~is_out_of_scope], evidence[is_out_of_scope]
    found = label_hierarchy.find_parents(labels, parents)
    contract = _fit_full_contract(target, rows, out_of_scope, labels, required_precision, found, out_of_scope_rate)
    for age in DRIFT_WINDOWS if follow_drift else (NEWEST_TICKETS,):
        newest = rows[-age:]
        if len(rows) > age and _violates(contract, newest, labels, DRIFT_ALPHA if follow_drift else ALPHA):
            return replace(
                _fit_full_contract(target, newest, out_of_scope, labels, required_precision, found, out_of_scope_rate),
                outdated=True,
            )
    return contract


def _violates(contract: Contract, rows: Evidence, labels: Sequence[str], alpha: float) -> bool:
    """Whether the routed rows are wrong significantly (at level `alpha`) more often than the contract allows."""
    routed = rows[routed_mask(contract, rows, labels)]
    wrong = int((routed["predicted"] != routed["truth"]).sum())
    return bool(bdtrc(wrong - 1, len(routed), 1 - contract.required_precision) <= alpha) if wrong else False


def _fit_full_contract(
    target: Target,
    rows: Evidence,
    out_of_scope: Evidence,
    labels: Sequence[str],
    required_precision: float,
    parents: LabelParents | None,
    out_of_scope_rate: float | None,
) -> Contract:
    """The contract on `rows` with its guard, urgent bound and parent contract."""
    rows = rows[np.argsort(-rows["confidence"], kind="stable")]
    contract = _fit_threshold(target, rows, labels, required_precision)
    guard = _fit_guard(contract, rows, out_of_scope, labels, out_of_scope_rate)
    if guard is not None:
        guarded = _refit_with_guard(contract, guard, rows, out_of_scope, labels, out_of_scope_rate)
        contract = contract if guarded.threshold is None and out_of_scope_rate is None else guarded
    if target == "priority":
        contract = replace(contract, urgent_bound=_fit_urgent_bound(contract, rows, labels))
    return replace(contract, parent_contract=_fit_parent_contract(contract, rows, labels, parents))


def _refit_with_guard(
    initial: Contract,
    guard: OutOfScopeGuard,
    rows: Evidence,
    out_of_scope: Evidence,
    labels: Sequence[str],
    out_of_scope_rate: float | None,
) -> Contract:
    """The contract proved again on the `rows` that pass the guard, with the guard's measured effect.

    Rows that pass are right more often, so the threshold may be lower; but not where an out-of-scope rate is required
    that a lower threshold would exceed.
    """
    min_confidence = MIN_CONFIDENCE if out_of_scope_rate is None or initial.threshold is None else initial.threshold
    guarded = _fit_threshold(
        initial.target, rows, labels, initial.required_precision, initial.unproved, guard, min_confidence
    )
    before, after = (routed_mask(contract, rows, labels).mean() for contract in (initial, guarded))
    passing = routed_mask(guarded, out_of_scope, labels).mean()
    return replace(guarded, guard=replace(guard, after=float(passing), given_up=max(float(before - after), 0.0)))


def routed_mask(contract: Contract, rows: Evidence, labels: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which rows a contract routes (rows)."""
    if contract.threshold is None:
        return np.zeros(len(rows), bool)
    allowed = np.array([label in contract.labels for label in labels])
    mask: npt.NDArray[np.bool_] = (rows["confidence"] >= contract.threshold) & allowed[rows["predicted"]]
    if contract.guard is not None:
        mask &= rows["likeness"] >= contract.guard.threshold
    if contract.urgent_bound is not None and contract.urgent_bound.threshold is not None:
        lower = np.array([label not in URGENT for label in labels])
        mask &= ~(lower[rows["predicted"]] & (rows["urgent"] >= contract.urgent_bound.threshold))
    return mask


def _fit_parent_contract(
    contract: Contract, rows: Evidence, labels: Sequence[str], parents: LabelParents | None
) -> Contract | None:
    """The contract for the labels' parents; None where they have none or nothing is proved."""
    if parents is None:
        return None
    rest = rows[~routed_mask(contract, rows, labels)]
    if contract.guard is not None:
        rest = rest[rest["likeness"] >= contract.guard.threshold]
    by_parent = rest.copy()
    by_parent["confidence"], by_parent["predicted"] = rest["above"], rest["parent"]
    by_parent["truth"] = np.where(rest["truth"] >= 0, parents.parent_positions[rest["truth"]], rest["truth"])
    by_parent = by_parent[np.argsort(-by_parent["confidence"], kind="stable")]
    parent_contract = _fit_threshold(contract.target, by_parent, parents.names, contract.required_precision)
    return None if parent_contract.threshold is None else parent_contract


def _fit_urgent_bound(contract: Contract, rows: Evidence, labels: Sequence[str]) -> UrgentBound | None:
    """The bound on critical tickets set below `high`; None where the labels rule that out."""
    if CRITICAL not in labels or all(label in URGENT for label in labels):
        return None
    critical = rows[rows["truth"] == list(labels).index(CRITICAL)]
    lower = np.array([label not in URGENT for label in labels])
    return urgent_ticket_bound.fit_bound(
        critical["urgent"], routed_mask(contract, critical, labels) & lower[critical["predicted"]]
    )


def _fit_threshold(
    target: Target,
    rows: Evidence,
    labels: Sequence[str],
    required_precision: float,
    excluded: Mapping[str, Reason] | None = None,
    guard: OutOfScopeGuard | None = None,
    min_confidence: float = MIN_CONFIDENCE,
) -> Contract:
    """The contract on those of `rows` (most confident first) that reach `min_confidence` and pass the `guard`, without
    the labels in `excluded`."""
    unproved = {i: excluded[name] for i, name in enumerate(labels) if excluded and name in excluded}
    eligible = rows["confidence"] >= min_confidence
    if guard is not None:
        eligible &= rows["likeness"] >= guard.threshold
    shares = np.bincount(rows["truth"][rows["truth"] >= 0], minlength=len(labels)) / max(len(rows), 1)
    while True:
        kept = rows[eligible & ~np.isin(rows["predicted"], list(unproved))]
        n = _loosest_proved(kept, required_precision)
        routed = kept[:n]
        failing = dict(_failing_labels(routed, labels, shares, required_precision, unproved)) if n else {}
        if not failing:
            break
        unproved |= failing
    tested = routed if n else rows[: _first_test_size(len(rows), required_precision)]
    return Contract(
        target=target,
        required_precision=required_precision,
        threshold=float(routed["confidence"][-1]) if n else None,
        labels=frozenset(name for i, name in enumerate(labels) if i not in unproved) if n else frozenset(),
        unproved={labels[i]: reason for i, reason in unproved.items()},
        routed=len(tested),
        right=int((tested["predicted"] == tested["truth"]).sum()),
        total=len(rows),
        counts_by_label=_count_by_label(routed, labels) if n else {},
        guard=guard,
    )


def _count_by_label(routed: Evidence, labels: Sequence[str]) -> dict[str, tuple[int, int]]:
    """How often each label was predicted, and how often rightly."""
    predicted = np.bincount(routed["predicted"], minlength=len(labels)).tolist()
    right = np.bincount(routed["predicted"][routed["predicted"] == routed["truth"]], minlength=len(labels)).tolist()
    return {name: (n, correct) for name, n, correct in zip(labels, predicted, right, strict=True) if n}


def _fit_guard(
    contract: Contract, rows: Evidence, out_of_scope: Evidence, labels: Sequence[str], out_of_scope_rate: float | None
) -> OutOfScopeGuard | None:
    """The guard for a contract that has none; None where none is needed or pays."""
    if contract.threshold is None:
        return None
    likeness = np.where(routed_mask(contract, out_of_scope, labels), out_of_scope["likeness"], -np.inf)
    return out_of_scope_guard.fit_guard(
        rows["likeness"][routed_mask(contract, rows, labels)],
        len(rows),
        likeness,
        out_of_scope["kind"],
        out_of_scope_rate,
    )


def _loosest_proved(rows: Evidence, required_precision: float) -> int:
    """How many of `rows` (most confident first) can be routed with the precision proved; 0 if none.

    Fixed-sequence testing (Angelopoulos et al. 2021, "Learn then Test"): thresholds go from strict to loose in an order
    fixed before any true label is seen, each is tested at the full level, and the first failure ends the sequence. Two
    sequences share the error budget, so that one early error does not stop a desk with thousands of confident tickets.
    """
    errors = np.cumsum(rows["predicted"] != rows["truth"])
    last_of_tie = np.flatnonzero(np.diff(rows["confidence"], append=-1.0)) + 1
    proved = 0
    for start in (min(FIRST_TEST_SIZE, len(rows)), len(rows) // 5):  # the same tests for every required precision
        for n in _test_sizes(start, last_of_tie):
            if n < min_evidence(required_precision):
                continue
            if bdtr(errors[n - 1], n, 1 - required_precision) > ALPHA / N_TEST_SEQUENCES:
                break
            proved = max(proved, int(n))
    return proved


def _first_test_size(n: int, required_precision: float) -> int:
    return max(min(FIRST_TEST_SIZE, n), min_evidence(required_precision))


def _test_sizes(start: int, ends: npt.NDArray[np.intp]) -> Iterator[int]:
    """Numbers of rows from `start` in steps of 2 % up to all, each at the end of a run of equal confidences."""
    at, last = int(np.searchsorted(ends, start)), len(ends) - 1
    while at <= last:
        yield int(ends[at])
        if at == last:
            return
        at = min(max(at + 1, int(np.searchsorted(ends, int(ends[at] * 1.02)))), last)


def _failing_labels(
    routed: Evidence,
    labels: Sequence[str],
    shares: npt.NDArray[np.float64],
    required_precision: float,
    known: dict[int, Reason],
) -> Iterator[tuple[int, Reason]]:
    """The positions of the labels that must not be routed at this threshold, with the reason."""
    n = np.bincount(routed["predicted"], minlength=len(labels))
    right = np.bincount(routed["predicted"][routed["predicted"] == routed["truth"]], minlength=len(labels))
    for i, name in enumerate(labels):
        if i in known:
            continue
        if n[i] < MIN_LABEL_EVIDENCE:
            shortfall = f"{n[i]} past tickets were as sure of {name!r}: {MIN_LABEL_EVIDENCE - n[i]} more are needed"
            yield i, Reason("no_evidence", shortfall, MIN_LABEL_EVIDENCE - int(n[i]))
        elif _p_value(int(right[i]), int(n[i]), float(shares[i])) > MAX_P_VALUE:
            baseline = f"no better than always predicting {name!r} ({shares[i]:.0%} of all tickets)"
            yield i, Reason("base_rate", f"{right[i]} of {n[i]} right is {baseline}")
        elif bdtr(int(right[i]), int(n[i]), max(1 - 2 * (1 - required_precision), 0)) < ALPHA:
            yield i, Reason("own_record", f"only {right[i]} of {n[i]} were right where {name!r} was predicted")


def _p_value(right: int, n: int, share: float) -> float:
    """The probability that `right` or more of `n` are right if each is right with probability `share`."""
    return float(bdtrc(right - 1, n, share)) if right else 1.0
