"""Previews what a model would route at another precision, and which labels have too little evidence.

The figures are counts of the bundle's own evidence: past tickets that were new to the model that predicted them.
Nothing is trained and nothing is changed. The thresholds are chosen on the same tickets, so the precision shown is
slightly optimistic; the contract's bound is not.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from deskyard.domain.ticket import PLACING_TARGETS, Target
from deskyard.guarantees.contract import Contract, min_correct_to_prove, min_evidence
from deskyard.guarantees.contract_fitting import routed_mask
from deskyard.policy.policy import Policy
from deskyard.registry.bundle import Bundle

MIN_PRECISION: Final = 0.5
MAX_PRECISION: Final = 0.999


@dataclass(frozen=True, slots=True)
class CoverageEstimate:
    """Tickets predicted for one target or queue: how many there are (`n`), how many would be routed, and how many of
    those correctly (`right`)."""

    name: str
    n: int
    routed: int
    right: int

    @property
    def coverage(self) -> float | None:
        """The share of tickets that would be routed (0..1); None without tickets."""
        return self.routed / self.n if self.n else None

    @property
    def precision(self) -> float | None:
        """The share of routed tickets that is correct (0..1); None where none is routed."""
        return self.right / self.routed if self.routed else None


@dataclass(frozen=True, slots=True)
class EvidenceGap:
    """A label that is not routed: why, and how many more tickets are needed (0: more tickets would not change it).

    `label` is None for a target without a contract; then `known_tickets` counts its evidence, and `right` of the
    `surest` most confident tickets were correct, where `required` must be. Otherwise `known_tickets` counts the past
    tickets with the label.
    """

    target: Target
    label: str | None
    code: str
    tickets_needed: int
    known_tickets: int
    right: int = 0
    surest: int = 0
    required: int = 0


def clamp_precision(precision: float) -> float:
    """The precision limited to what can be required, rounded to a tenth of a per cent; NaN becomes the strictest.

    >>> clamp_precision(0.93419), clamp_precision(7), clamp_precision(-1), clamp_precision(float("nan"))
    (0.934, 0.999, 0.5, 0.999)
    """
    return MAX_PRECISION if math.isnan(precision) else round(min(max(precision, MIN_PRECISION), MAX_PRECISION), 3)


def preview_targets(bundle: Bundle, precision: float, out_of_scope_rate: float | None = None) -> list[CoverageEstimate]:
    """What would be routed of each target."""
    found = []
    for target, contract in bundle.contracts(precision, out_of_scope_rate).items():
        rows = bundle.evidence[target]
        rows = rows[rows["kind"] == 0]
        routed = routed_mask(contract, rows, bundle.labels(target))
        found.append(
            CoverageEstimate(
                target, len(rows), int(routed.sum()), int((routed & (rows["predicted"] == rows["truth"])).sum())
            )
        )
    return found


def preview_queues(bundle: Bundle, policy: Policy, precision: float) -> list[CoverageEstimate]:
    """What would be routed to each queue, the largest first; empty where no target of the model places tickets."""
    target = next((one for one in PLACING_TARGETS if one in bundle.targets), None)
    if target is None:
        return []
    labels = bundle.labels(target)
    contract = bundle.contracts(precision, policy.out_of_scope_rate)[target]
    rows = bundle.evidence[target]
    rows = rows[rows["kind"] == 0]
    routed = routed_mask(contract, rows, labels)
    routed_right = routed & (rows["predicted"] == rows["truth"])
    counts = np.stack(
        [np.bincount(rows["predicted"][of], minlength=len(labels)) for of in (slice(None), routed, routed_right)]
    )
    found: dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
    for i, label in enumerate(labels):
        queue = policy.destination_queue(target, label) or label
        found[queue] = found.get(queue, 0) + counts[:, i]
    each = [CoverageEstimate(queue, *map(int, n)) for queue, n in found.items()]
    return sorted(each, key=lambda one: (-one.n, one.name))


def find_evidence_gaps(bundle: Bundle, policy: Policy) -> list[EvidenceGap]:
    """The labels without enough evidence at the policy's precision, by target, those nearest to it first."""
    found: list[EvidenceGap] = []
    for target in bundle.targets:
        contract = bundle.contracts(policy.effective_rule(target, None).precision, policy.out_of_scope_rate)[target]
        found += (
            [_target_gap(contract)]
            if contract.threshold is None
            else sorted(_label_gaps(bundle, contract), key=_by_tickets_needed)
        )
    return found


def _target_gap(contract: Contract) -> EvidenceGap:
    tickets_needed = max(min_evidence(contract.required_precision) - contract.total, 0)
    required = min_correct_to_prove(contract.routed, contract.required_precision)
    return EvidenceGap(
        contract.target, None, "no_contract", tickets_needed, contract.total, contract.right, contract.routed, required
    )


def _label_gaps(bundle: Bundle, contract: Contract) -> Iterator[EvidenceGap]:
    labels, rows = bundle.labels(contract.target), bundle.evidence[contract.target]
    truth = rows["truth"][rows["kind"] == 0]
    known = np.bincount(truth[truth >= 0], minlength=len(labels))
    for i, label in enumerate(labels):
        if reason := contract.unproved.get(label):
            yield EvidenceGap(contract.target, label, reason.code, reason.tickets_needed, int(known[i]))
    rare = bundle.card.get("targets", {}).get(contract.target, {}).get("too_rare", {})
    for label, n in rare.items():
        yield EvidenceGap(contract.target, label, "too_rare", 1, int(n) if isinstance(n, int) else 1)


def _by_tickets_needed(gap: EvidenceGap) -> tuple[bool, int, str]:
    return gap.tickets_needed == 0, gap.tickets_needed, gap.label or ""
