"""The result of a training run: the saved model, its evidence, and the evaluation on the holdout."""

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
    """The evaluation of one target: its labels, the contract and the score (None without labelled holdout tickets).

    The contract was fitted to `evidence`; `holdout_evidence` has the predictions and true labels of the holdout. Both
    serve to compute results at other precisions. `without_encoder`: the score of the same model without the embedding
    heads (None where no encoder was used).
    """

    labels: LabelSet
    contract: Contract
    score: Score | None
    evidence: Evidence
    holdout_evidence: Evidence
    without_encoder: Score | None = None


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The result of a run: the parts of the bundle, the evaluation of each target, and the data audit."""

    scorer: Scorer
    evidence: dict[Target, Evidence]
    card: dict[str, Any]
    evaluations: dict[Target, TargetEvaluation]
    findings: list[Finding]
    case: AuditCase
