"""What comes out of a training run: the model that goes to work, its evidence, and how the judged model did."""

from dataclasses import dataclass
from typing import Any

from deskyard.domain.ticket import Target
from deskyard.guarantees.contract import Contract, Evidence
from deskyard.model.scorer import Scorer
from training.data.label_sets import LabelSet
from training.data_audit import AuditCase, Finding
from training.fit.metrics import Score


@dataclass(frozen=True, slots=True)
class TargetEvaluation:
    """One target of the judged model: its labels, its contract and its score (None without judging tickets).

    The contract was drawn up from `evidence`; `rows` are what was said of the judging tickets, and what was true. What
    another precision would have routed, and how well, is drawn up anew from the two. `without_encoder`: the score of
    the same heads, pooled, proved and judged without those that read vectors (None where no encoder was used).
    """

    labels: LabelSet
    contract: Contract
    score: Score | None
    evidence: Evidence
    holdout_evidence: Evidence
    without_encoder: Score | None = None


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A run's result: what `bundle.save_bundle` wants, and what the table shows of the judged model."""

    scorer: Scorer
    evidence: dict[Target, Evidence]
    card: dict[str, Any]
    evaluations: dict[Target, TargetEvaluation]
    findings: list[Finding]
    case: AuditCase
