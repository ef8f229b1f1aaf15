"""Proof: from evidence to the contract that it supports.

In comes what models said of past tickets new to them, and what was true; out goes the lowest confidence at which the
asked promise is proved, and the labels it is proved for. Never learns, never looks at a ticket.
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
"""A label is routed only if chance alone would be right as often with at most this probability."""

MIN_CONFIDENCE: Final = 0.5
"""A ticket that is more likely wrong than right is never routed, however well the others would carry it."""

NEWEST_TICKETS: Final = 400
"""The newest tickets of evidence, which may contradict the rest. On a desk that had changed, thresholds chosen again
from so many kept their word where those from all of the past did not."""

DRIFT_WINDOWS: Final = (400, 200, 100, 50)
DRIFT_ALPHA: Final = 0.2
"""Where a model is to follow a desk that changes: the newest so many tickets may each cast doubt on the rest, and do so
where they would be as wrong by chance with at most this probability. That gives up proof for caution: chosen on the
train part of Cheboksary (2019, before the change), where 0.05 and 0.1 let a slow decay through for a quarter, while the
later quarters had been seen."""

FIRST_TEST_SIZE: Final = 150
"""The strictest threshold tested leaves this many tickets: fewer can't prove 95 % once a single label is wrong."""


def fit_contract(
    target: Target,
    evidence: Evidence,
    labels: Sequence[str],
    required_precision: float,
    parents: Mapping[str, str] | None = None,
    out_of_scope_rate: float | None = None,
    follow_drift: bool = False,
) -> Contract:
    """The contract that `evidence` supports at the precision `asked` (0 < asked < 1).

    `parents` is what was said of labels' parents, `tolerated` the share (0..1) of strangers that a guard may let
    pass, whatever that costs (None: `guard.TOLERATED`, where it pays).

    The promise is proved on all routed tickets together. Labels with fewer than `MIN_LABEL_EVIDENCE` tickets of
    evidence, labels that are surely wrong more than twice as often as promised, and labels that do no better than
    their share of all tickets are taken out and the rest is tested again, until all that is left holds. Where the
    evidence holds strangers and a guard against them pays, the promise is proved again on the tickets that pass the
    guard. Labels with parents get a contract on these too, proved on the tickets that the first does not route, and
    priorities a bound on urgent tickets that are set low.

    Evidence has an age: where the `NEWEST_TICKETS` tickets of it surely break what all of it proves, only these count.
    So rows stand in order of time, where time is known. `following`: the model is to follow a desk that changes, and
    fewer tickets and less certainty are enough for that (`DRIFT_WINDOWS`, `DRIFT_ALPHA`).
    """
    if not 0 < required_precision < 1:
        raise ValueError(f"the asked precision must lie between 0 and 1, not {required_precision}")
    strange = evidence["kind"] > 0
    rows, strangers = evidence[~strange], evidence[strange]
    found = label_hierarchy.find_parents(labels, parents)
    drawn = _fit_full_contract(target, rows, strangers, labels, required_precision, found, out_of_scope_rate)
    for age in DRIFT_WINDOWS if follow_drift else (NEWEST_TICKETS,):
        newest = rows[-age:]
        if len(rows) > age and _violates(drawn, newest, labels, DRIFT_ALPHA if follow_drift else ALPHA):
            return replace(
                _fit_full_contract(target, newest, strangers, labels, required_precision, found, out_of_scope_rate),
                outdated=True,
            )
    return drawn


def _violates(contract: Contract, rows: Evidence, labels: Sequence[str], alpha: float) -> bool:
    """Whether rows are wrong so often, where routed, that the promise holds for them with such a chance at most."""
    gone = rows[routed_mask(contract, rows, labels)]
    wrong = int((gone["predicted"] != gone["truth"]).sum())
    return bool(bdtrc(wrong - 1, len(gone), 1 - contract.required_precision) <= alpha) if wrong else False


def _fit_full_contract(
    target: Target,
    rows: Evidence,
    out_of_scope: Evidence,
    labels: Sequence[str],
    required_precision: float,
    parents: LabelParents | None,
    out_of_scope_rate: float | None,
) -> Contract:
    """The contract on all of `rows`, with everything that belongs to it."""
    rows = rows[np.argsort(-rows["confidence"], kind="stable")]
    drawn = _fit_threshold(target, rows, labels, required_precision)
    keeper = _fit_guard(drawn, rows, out_of_scope, labels, out_of_scope_rate)
    if keeper is not None:
        guarded = _refit_with_guard(drawn, keeper, rows, out_of_scope, labels, out_of_scope_rate)
        drawn = drawn if guarded.threshold is None and out_of_scope_rate is None else guarded
    if target == "priority":
        drawn = replace(drawn, urgent_bound=_fit_urgent_bound(drawn, rows, labels))
    return replace(drawn, parent_contract=_fit_parent_contract(drawn, rows, labels, parents))


def _refit_with_guard(
    initial: Contract,
    guard: OutOfScopeGuard,
    rows: Evidence,
    out_of_scope: Evidence,
    labels: Sequence[str],
    out_of_scope_rate: float | None,
) -> Contract:
    """The promise proved again on the `rows` that the guard lets go, and what the guard then does.

    Those are right more often, so they may be less sure; but not where that would let through more strangers than was
    asked for.
    """
    floor = MIN_CONFIDENCE if out_of_scope_rate is None or initial.threshold is None else initial.threshold
    guarded = _fit_threshold(initial.target, rows, labels, initial.required_precision, initial.unproved, guard, floor)
    before, after = (routed_mask(contract, rows, labels).mean() for contract in (initial, guarded))
    passing = routed_mask(guarded, out_of_scope, labels).mean()
    return replace(guarded, guard=replace(guard, after=float(passing), given_up=max(float(before - after), 0.0)))


def routed_mask(contract: Contract, rows: Evidence, labels: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which rows a contract routes."""
    if contract.threshold is None:
        return np.zeros(len(rows), bool)
    allowed = np.array([label in contract.labels for label in labels])
    gone: npt.NDArray[np.bool_] = (rows["confidence"] >= contract.threshold) & allowed[rows["predicted"]]
    if contract.guard is not None:
        gone &= rows["likeness"] >= contract.guard.threshold
    if contract.urgent_bound is not None and contract.urgent_bound.threshold is not None:
        lower = np.array([label not in URGENT for label in labels])
        gone &= ~(lower[rows["predicted"]] & (rows["urgent"] >= contract.urgent_bound.threshold))
    return gone


def _fit_parent_contract(
    contract: Contract, rows: Evidence, labels: Sequence[str], parents: LabelParents | None
) -> Contract | None:
    """The contract on the labels' parents; None where they have none, or nothing is proved."""
    if parents is None:
        return None
    left = rows[~routed_mask(contract, rows, labels)]
    if contract.guard is not None:
        left = left[left["likeness"] >= contract.guard.threshold]
    above = left.copy()
    above["confidence"], above["predicted"] = left["above"], left["parent"]
    above["truth"] = np.where(left["truth"] >= 0, parents.parent_positions[left["truth"]], left["truth"])
    above = above[np.argsort(-above["confidence"], kind="stable")]
    drawn = _fit_threshold(contract.target, above, parents.names, contract.required_precision)
    return None if drawn.threshold is None else drawn


def _fit_urgent_bound(contract: Contract, rows: Evidence, labels: Sequence[str]) -> UrgentBound | None:
    """The bound on critical tickets set below `high`; None where no such thing can happen."""
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
    """The contract on those of `rows` (surest first) that are at least as sure as `floor` and that `keeper` lets go,
    without the labels `left_out`."""
    missing = {i: excluded[name] for i, name in enumerate(labels) if excluded and name in excluded}
    eligible = rows["confidence"] >= min_confidence
    if guard is not None:
        eligible &= rows["likeness"] >= guard.threshold
    shares = np.bincount(rows["truth"][rows["truth"] >= 0], minlength=len(labels)) / max(len(rows), 1)
    while True:
        kept = rows[eligible & ~np.isin(rows["predicted"], list(missing))]
        n = _loosest_proved(kept, required_precision)
        routed = kept[:n]
        failing = dict(_failing_labels(routed, labels, shares, required_precision, missing)) if n else {}
        if not failing:
            break
        missing |= failing
    looked_at = routed if n else rows[: _first_test_size(len(rows), required_precision)]
    return Contract(
        target=target,
        required_precision=required_precision,
        threshold=float(routed["confidence"][-1]) if n else None,
        labels=frozenset(name for i, name in enumerate(labels) if i not in missing) if n else frozenset(),
        unproved={labels[i]: reason for i, reason in missing.items()},
        routed=len(looked_at),
        right=int((looked_at["predicted"] == looked_at["truth"]).sum()),
        total=len(rows),
        counts_by_label=_count_by_label(routed, labels) if n else {},
        guard=guard,
    )


def _count_by_label(routed: Evidence, labels: Sequence[str]) -> dict[str, tuple[int, int]]:
    """How often each label was said, and how often rightly."""
    said = np.bincount(routed["predicted"], minlength=len(labels)).tolist()
    right = np.bincount(routed["predicted"][routed["predicted"] == routed["truth"]], minlength=len(labels)).tolist()
    return {name: (n, good) for name, n, good in zip(labels, said, right, strict=True) if n}


def _fit_guard(
    contract: Contract, rows: Evidence, out_of_scope: Evidence, labels: Sequence[str], out_of_scope_rate: float | None
) -> OutOfScopeGuard | None:
    """The guard that a contract without one needs."""
    if contract.threshold is None:
        return None
    like = np.where(routed_mask(contract, out_of_scope, labels), out_of_scope["likeness"], -np.inf)
    return out_of_scope_guard.fit_guard(
        rows["likeness"][routed_mask(contract, rows, labels)], len(rows), like, out_of_scope["kind"], out_of_scope_rate
    )


def _loosest_proved(rows: Evidence, required_precision: float) -> int:
    """How many of `rows` (surest first) can be routed with the promise proved; 0 if none.

    Fixed-sequence testing (Angelopoulos et al. 2021, "Learn then Test"): thresholds go from strict to loose in an
    order fixed before any truth is seen, each is tested at full strength, and the first failure ends the walk. Two
    walks share the error budget, as one early wrong label must not silence a desk with thousands of sure tickets.
    """
    errors = np.cumsum(rows["predicted"] != rows["truth"])
    last_of_tie = np.flatnonzero(np.diff(rows["confidence"], append=-1.0)) + 1
    proved = 0
    for start in (min(FIRST_TEST_SIZE, len(rows)), len(rows) // 5):  # the same looks whatever is asked
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
    """Counts from `start` up in steps of 2 % to all there are, each at the end of a run of equal confidences."""
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
    """The labels that must not be routed at this threshold, with the reason."""
    n = np.bincount(routed["predicted"], minlength=len(labels))
    right = np.bincount(routed["predicted"][routed["predicted"] == routed["truth"]], minlength=len(labels))
    for i, name in enumerate(labels):
        if i in known:
            continue
        if n[i] < MIN_LABEL_EVIDENCE:
            lacking = f"{n[i]} past tickets were as sure of {name!r}: {MIN_LABEL_EVIDENCE - n[i]} more are needed"
            yield i, Reason("no_evidence", lacking, MIN_LABEL_EVIDENCE - int(n[i]))
        elif _p_value(int(right[i]), int(n[i]), float(shares[i])) > MAX_P_VALUE:
            luck = f"no better than always saying {name!r} ({shares[i]:.0%} of all tickets)"
            yield i, Reason("base_rate", f"{right[i]} of {n[i]} right is {luck}")
        elif bdtr(int(right[i]), int(n[i]), max(1 - 2 * (1 - required_precision), 0)) < ALPHA:
            yield i, Reason("own_record", f"only {right[i]} of {n[i]} were right where {name!r} was said")


def _p_value(right: int, n: int, share: float) -> float:
    """The chance that `right` or more of `n` are right if each is with probability `share`."""
    return float(bdtrc(right - 1, n, share)) if right else 1.0
