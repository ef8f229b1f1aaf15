"""Contracts in a period: for each label the required precision, the actual one, and the evidence of the contract.

A label that may not be routed has the contract's reason.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from sqlalchemy import Connection, func, select

from deskyard.analytics.intervals import ContractStatus, Proportion
from deskyard.analytics.query import ReportQuery
from deskyard.analytics.rollups import view_table
from deskyard.analytics.ticket_facts import ROUTED, UNKNOWN_RANK
from deskyard.db.tables.analytics import DAILY_TARGET_FACTS
from deskyard.domain.label_spelling import spell_as
from deskyard.domain.taxonomy import make_translator
from deskyard.domain.ticket import Target
from deskyard.guarantees.contract import Contract
from deskyard.guarantees.intervals import lower_bound
from deskyard.policy.policy import Policy

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle

CURVE_POINTS: Final = 60
"""Points of a coverage curve."""


@dataclass(frozen=True, slots=True)
class LabelContract:
    """A label: tickets routed to it, how many of the solved ones were correct, and the precision that is required.

    `evidence`: correct predictions of past tickets at the contract's confidence. `reason`: the code of why the label
    may not be routed now ("": it may). `required_precision` is None without a model.
    """

    label: str
    routed: int
    right: Proportion
    required_precision: float | None
    evidence: Proportion
    reason: str

    @property
    def status(self) -> ContractStatus:
        """Whether the contract was met; "" where nothing is required."""
        return self.right.contract_status(self.required_precision) if self.required_precision is not None else ""

    @property
    def proved_precision(self) -> float | None:
        """The precision that the evidence proves: its lower 95 % bound (0..1); None without evidence."""
        return lower_bound(self.evidence.right, self.evidence.n) if self.evidence.n else None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A point of the curve of coverage against precision (both 0..1)."""

    coverage: float
    precision: float


def report_contracts(
    conn: Connection, query: ReportQuery, bundle: "Bundle | None", policy: Policy
) -> list[LabelContract]:
    """The labels with routed tickets or a contract, most routed tickets first."""
    answers = view_table(DAILY_TARGET_FACTS, query)
    columns = answers.c.said, answers.c.place
    rows = conn.execute(
        select(*columns, func.sum(answers.c.n))
        .where(answers.c.fate == ROUTED, *query.conditions(answers))
        .group_by(*columns)
    )
    routed, known, right = Counter[str](), Counter[str](), Counter[str]()
    for predicted, place, n in rows:
        routed[predicted] += int(n)
        known[predicted] += int(n) if place != UNKNOWN_RANK else 0
        right[predicted] += int(n) if place == 1 else 0
    target = cast(Target, query.target)
    trained_labels = bundle.labels(target) if bundle and target in bundle.targets and not query.queue else ()
    name = make_translator(query.taxonomy_changes, target)
    of_today: dict[str, list[str]] = {label: [] for label in routed}
    for label in trained_labels:
        of_today.setdefault(spell_as(name(label), routed), []).append(label)
    policy = policy.for_day(max(change.on for change in query.taxonomy_changes)) if query.taxonomy_changes else policy
    found = []
    for label, olds in of_today.items():
        contract = _find_contract(target, label, bundle, policy)
        own = olds or [label]
        records = [contract.counts_by_label[old] for old in own if old in contract.counts_by_label] if contract else []
        n, good = sum(n for n, _ in records), sum(good for _, good in records)
        reason = "" if contract is None or contract.labels & set(own) else _not_routed_reason(contract, own[0])
        promised = contract.required_precision if contract else None
        found.append(
            LabelContract(
                label, routed[label], Proportion(right[label], known[label]), promised, Proportion(good, n), reason
            )
        )
    return sorted(found, key=lambda one: (-one.routed, -one.evidence.n, one.label))


def _find_contract(target: Target, label: str, bundle: "Bundle | None", policy: Policy) -> Contract | None:
    if bundle is None or target not in bundle.targets:
        return None
    precision = policy.effective_rule(target, policy.destination_queue(target, label)).precision
    return bundle.contracts(precision, policy.out_of_scope_rate)[target]


def _not_routed_reason(contract: Contract, label: str) -> str:
    if contract.threshold is None:
        return "no_contract"
    missing = contract.unproved.get(label)
    return missing.code if missing else "no_evidence"


def build_coverage_curve(bundle: "Bundle | None", target: str) -> list[CurvePoint]:
    """Precision of the most confident predictions by their coverage, from the model's evidence; [] without a model."""
    if bundle is None or target not in bundle.targets:
        return []
    rows = bundle.evidence[target]
    rows = rows[rows["kind"] == 0]
    rows = rows[np.argsort(-rows["confidence"], kind="stable")]
    right = np.cumsum(rows["predicted"] == rows["truth"])
    return list(_curve_points(right.tolist()))


def _curve_points(right: list[int]) -> Iterator[CurvePoint]:
    n = len(right)
    for at in sorted({max(n * step // CURVE_POINTS, 1) for step in range(1, CURVE_POINTS + 1)} if n else ()):
        yield CurvePoint(at / n, right[at - 1] / at)
