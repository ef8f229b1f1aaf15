"""Promises: what the contract of each queue (or another target's label) says, and how it was kept in a period.

In come the model in use, the policy in force and what was counted; out comes one row a label. A label that is not
routed has the contract's reason instead.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from sqlalchemy import Connection, func, select

from deskyard.analytics.intervals import Share, Verdict
from deskyard.analytics.query import Asked
from deskyard.analytics.rollups import seen
from deskyard.analytics.ticket_facts import ROUTED, UNKNOWN
from deskyard.db.tables.analytics import DAILY_ANSWERS
from deskyard.domain.taxonomy import names
from deskyard.domain.ticket import Target
from deskyard.guarantees.contract import Contract
from deskyard.guarantees.intervals import lower_bound
from deskyard.policy.policy import Policy

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle

POINTS: Final = 60
"""Of a curve."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A label: how many tickets were routed to it, how many of those judged were right, and what was promised.

    `evidence`: of past tickets, how many were right where the model was so sure; `reason`: the code of why it may not
    be routed now ("": it may); `promised` is None where no model promises anything.
    """

    label: str
    routed: int
    right: Share
    promised: float | None
    evidence: Share
    reason: str

    @property
    def verdict(self) -> Verdict:
        """Whether it was kept."""
        return self.right.keeps(self.promised) if self.promised is not None else ""

    @property
    def proved(self) -> float | None:
        """The share of right that the evidence alone proves."""
        return lower_bound(self.evidence.right, self.evidence.n) if self.evidence.n else None


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the curve of coverage against precision."""

    coverage: float
    precision: float


def promises(conn: Connection, asked: Asked, bundle: "Bundle | None", policy: Policy) -> list[Promise]:
    """Each label, the most routed first; their sum is what was routed."""
    answers = seen(DAILY_ANSWERS, asked)
    columns = answers.c.said, answers.c.place
    rows = conn.execute(
        select(*columns, func.sum(answers.c.n))
        .where(answers.c.fate == ROUTED, *asked.where(answers))
        .group_by(*columns)
    )
    routed, known, right = Counter[str](), Counter[str](), Counter[str]()
    for said, place, n in rows:
        routed[said] += int(n)
        known[said] += int(n) if place != UNKNOWN else 0
        right[said] += int(n) if place == 1 else 0
    target = cast(Target, asked.target)
    learnt = bundle.labels(target) if bundle and target in bundle.targets and not asked.queue else ()
    name = names(asked.turns, target)
    of_today: dict[str, list[str]] = {label: [] for label in routed}
    for label in learnt:
        of_today.setdefault(name(label), []).append(label)
    policy = policy.on(max(turn.on for turn in asked.turns)) if asked.turns else policy
    found = []
    for label, olds in of_today.items():
        contract = _contract(target, label, bundle, policy)
        own = olds or [label]
        records = [contract.record[old] for old in own if old in contract.record] if contract else []
        n, good = sum(n for n, _ in records), sum(good for _, good in records)
        reason = "" if contract is None or contract.labels & set(own) else _reason(contract, own[0])
        promised = contract.asked if contract else None
        found.append(Promise(label, routed[label], Share(right[label], known[label]), promised, Share(good, n), reason))
    return sorted(found, key=lambda one: (-one.routed, -one.evidence.n, one.label))


def _contract(target: Target, label: str, bundle: "Bundle | None", policy: Policy) -> Contract | None:
    if bundle is None or target not in bundle.targets:
        return None
    precision = policy.rule(target, policy.bound_for(target, label)).precision
    return bundle.contracts(precision, policy.out_of_scope_rate)[target]


def _reason(contract: Contract, label: str) -> str:
    if contract.threshold is None:
        return "no_contract"
    missing = contract.missing.get(label)
    return missing.code if missing else "no_evidence"


def curve(bundle: "Bundle | None", target: str) -> list[Point]:
    """Of the surest share of the past tickets, how many were right (the model's own evidence); [] without a model."""
    if bundle is None or target not in bundle.targets:
        return []
    rows = bundle.evidence[target]
    rows = rows[rows["kind"] == 0]
    rows = rows[np.argsort(-rows["confidence"], kind="stable")]
    right = np.cumsum(rows["predicted"] == rows["truth"])
    return list(_points(right.tolist()))


def _points(right: list[int]) -> Iterator[Point]:
    n = len(right)
    for at in sorted({max(n * step // POINTS, 1) for step in range(1, POINTS + 1)} if n else ()):
        yield Point(at / n, right[at - 1] / at)
