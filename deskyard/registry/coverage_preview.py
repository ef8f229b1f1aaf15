"""What if: what a model would route at another precision, and which labels it has too little evidence for.

In comes a loaded bundle and what the policy says of queues; out go counts of the bundle's own evidence: past tickets
that were new to the model that was asked about them. Nothing is learnt and nothing is changed. The thresholds are
chosen on the same tickets, so the share that was right flatters a little; the contract's bound does not.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from deskyard.domain.ticket import Target
from deskyard.guarantees.contract import Contract, least_evidence, right_to_prove
from deskyard.guarantees.contract_fitting import routes
from deskyard.policy.policy import PLACING, Policy
from deskyard.registry.bundle import Bundle

LOOSEST: Final = 0.5
STRICTEST: Final = 0.999


@dataclass(frozen=True, slots=True)
class Goes:
    """Of the tickets that the model says belong together: how many there are, how many would go by themselves, and how
    many of those were right."""

    name: str
    n: int
    routed: int
    right: int

    @property
    def share(self) -> float | None:
        """What goes, of all (0..1)."""
        return self.routed / self.n if self.n else None

    @property
    def kept(self) -> float | None:
        """What was right, of what goes (0..1)."""
        return self.right / self.routed if self.routed else None


@dataclass(frozen=True, slots=True)
class Lacking:
    """A label that is not routed: why, and how many more tickets it takes (0: more alone do not settle it).

    `label` is None for a target of which nothing is proved; then `have` counts its evidence, and `right` of the surest
    `of` were right where `takes` must be. `known` counts the past tickets that bore the label.
    """

    target: Target
    label: str | None
    code: str
    lacking: int
    known: int
    right: int = 0
    of: int = 0
    takes: int = 0


def asked(precision: float) -> float:
    """A precision that can be asked for, to a tenth of a per cent; what is no number asks for the strictest.

    >>> asked(0.93419), asked(7), asked(-1), asked(float("nan"))
    (0.934, 0.999, 0.5, 0.999)
    """
    return STRICTEST if math.isnan(precision) else round(min(max(precision, LOOSEST), STRICTEST), 3)


def targets(bundle: Bundle, precision: float, out_of_scope_rate: float | None = None) -> list[Goes]:
    """What would go, target by target."""
    found = []
    for target, contract in bundle.contracts(precision, out_of_scope_rate).items():
        rows = bundle.evidence[target]
        rows = rows[rows["kind"] == 0]
        gone = routes(contract, rows, bundle.labels(target))
        found.append(Goes(target, len(rows), int(gone.sum()), int((gone & (rows["predicted"] == rows["truth"])).sum())))
    return found


def queues(bundle: Bundle, policy: Policy, precision: float) -> list[Goes]:
    """What would go, queue by queue, the fullest first; none where nothing that places tickets was learnt."""
    target = next((one for one in PLACING if one in bundle.targets), None)
    if target is None:
        return []
    labels = bundle.labels(target)
    contract = bundle.contracts(precision, policy.out_of_scope_rate)[target]
    rows = bundle.evidence[target]
    rows = rows[rows["kind"] == 0]
    gone = routes(contract, rows, labels)
    good = gone & (rows["predicted"] == rows["truth"])
    counts = np.stack([np.bincount(rows["predicted"][of], minlength=len(labels)) for of in (slice(None), gone, good)])
    found: dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
    for i, label in enumerate(labels):
        queue = policy.bound_for(target, label) or label
        found[queue] = found.get(queue, 0) + counts[:, i]
    each = [Goes(queue, *map(int, n)) for queue, n in found.items()]
    return sorted(each, key=lambda one: (-one.n, one.name))


def lacking(bundle: Bundle, policy: Policy) -> list[Lacking]:
    """What the policy's precision finds no evidence for, target by target, the nearest to it first."""
    found: list[Lacking] = []
    for target in bundle.targets:
        contract = bundle.contracts(policy.rule(target, None).precision, policy.out_of_scope_rate)[target]
        found += [_nothing(contract)] if contract.threshold is None else sorted(_labels(bundle, contract), key=_nearest)
    return found


def _nothing(contract: Contract) -> Lacking:
    lacks = max(least_evidence(contract.asked) - contract.of, 0)
    takes = right_to_prove(contract.n, contract.asked)
    return Lacking(contract.target, None, "no_contract", lacks, contract.of, contract.right, contract.n, takes)


def _labels(bundle: Bundle, contract: Contract) -> Iterator[Lacking]:
    labels, rows = bundle.labels(contract.target), bundle.evidence[contract.target]
    truth = rows["truth"][rows["kind"] == 0]
    known = np.bincount(truth[truth >= 0], minlength=len(labels))
    for i, label in enumerate(labels):
        if reason := contract.missing.get(label):
            yield Lacking(contract.target, label, reason.code, reason.lacking, int(known[i]))
    rare = bundle.card.get("targets", {}).get(contract.target, {}).get("too_rare", {})
    for label, n in rare.items():
        yield Lacking(contract.target, label, "too_rare", 1, int(n) if isinstance(n, int) else 1)


def _nearest(one: Lacking) -> tuple[bool, int, str]:
    return one.lacking == 0, one.lacking, one.label or ""
