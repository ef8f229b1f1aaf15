"""The record of a run for a tracking store: parameters, tags, metrics and environment as plain values.

It holds no tickets, no paths of this machine and no addresses of package indexes. `training.publish.mlflow_tracking`
sends it to MLflow.
"""

import platform
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import distributions
from typing import Final, NamedTuple

from deskyard.domain.ticket import Target
from deskyard.guarantees.contract_fitting import fit_contract, routed_mask
from deskyard.registry.comparison import Comparison
from deskyard.version import __version__
from training.data_audit.finding import SEVERITIES
from training.pipeline.trained import TargetEvaluation, TrainingResult
from training.publish.handover import Handover

PRECISION_STEPS: Final = tuple(range(800, 1000, 10))
"""Required precisions, in thousandths, at which coverage and precision are logged."""


class LoggedMetric(NamedTuple):
    """A named value; `step` is its position on a curve, 0 for single values."""

    name: str
    value: float
    step: int = 0


def run_parameters(trained: TrainingResult, handover: Handover) -> dict[str, str]:
    """The options of the run, and the size of its data."""
    card = trained.card
    options = card["options"] | {"targets": ",".join(card["options"]["targets"])}
    return {name: str(value) for name, value in options.items()} | {
        "files": str(len(handover.origin.tables) or 1),
        "tickets": str(card["learnt_from"]["tickets"]),
        "tickets_judged": str(card["judged_on"]["tickets"]),
        "judged_on": card["judged_on"]["how"],
        "encoder": card.get("encoder", {}).get("kind", ""),
    }


def run_tags(trained: TrainingResult, handover: Handover) -> dict[str, str]:
    """The digests of the history and the bundle, the version, and, for the desk's own history, its time."""
    return {
        "deskyard.data": trained.card["learnt_from"]["digest"],
        "deskyard.bundle": handover.digest,
        "deskyard.version": __version__,
    } | ({"deskyard.desk": handover.origin.desk} if handover.origin.desk else {})


def run_metrics(trained: TrainingResult, comparison: Comparison | None = None) -> Iterator[LoggedMetric]:
    """Every score of the card, named target/metric, and the curves.

    `T/learning_curve` (step: training tickets) is the accuracy of the data audit's baseline. `T/coverage_at` and
    `T/precision_at` (step: required precision in thousandths) are measured on the holdout, with a contract fitted to
    the evidence. `T/champion`, `T/challenger` and the bounds of their difference come from the retraining's
    `comparison`.
    """
    for target, evaluation in trained.evaluations.items():
        score = trained.card["targets"][target]["score"] or {}
        yield from (
            LoggedMetric(f"{target}/{name}", float(value)) for name, value in score.items() if value is not None
        )
        if evaluation.without_encoder is not None:
            yield LoggedMetric(f"{target}/accuracy_without_encoder", evaluation.without_encoder.accuracy)
        if evaluation.contract.threshold is not None:
            yield LoggedMetric(f"{target}/threshold", evaluation.contract.threshold)
        yield from _metrics_by_precision(target, evaluation)
    for finding in trained.findings:
        if finding.target and "sizes" in finding.figures:
            points = zip(finding.figures["sizes"], finding.figures["accuracy"], strict=True)
            yield from (LoggedMetric(f"{finding.target}/learning_curve", share, n) for n, share in points)
    counted = Counter(finding.severity for finding in trained.findings)
    yield from (LoggedMetric(f"findings/{severity}", counted[severity]) for severity in SEVERITIES)
    if comparison is not None:
        yield LoggedMetric("comparison/promotable", float(comparison.promote))
        yield LoggedMetric("comparison/tickets", float(comparison.tickets))
        for one in comparison.targets:
            if n := one.overall.n:
                yield LoggedMetric(f"{one.target}/champion", one.overall.first / n)
                yield LoggedMetric(f"{one.target}/challenger", one.overall.second / n)
                yield LoggedMetric(f"{one.target}/difference_low", one.overall.low)
                yield LoggedMetric(f"{one.target}/difference_high", one.overall.high)


def _metrics_by_precision(target: Target, evaluation: TargetEvaluation) -> Iterator[LoggedMetric]:
    if not len(evaluation.holdout_evidence):
        return
    for step in PRECISION_STEPS:
        contract = fit_contract(
            target, evaluation.evidence, evaluation.labels.labels, step / 1000, evaluation.labels.parents
        )
        routed = evaluation.holdout_evidence[
            routed_mask(contract, evaluation.holdout_evidence, evaluation.labels.labels)
        ]
        yield LoggedMetric(f"{target}/coverage_at", len(routed) / len(evaluation.holdout_evidence), step)
        if len(routed):
            yield LoggedMetric(f"{target}/precision_at", float((routed["predicted"] == routed["truth"]).mean()), step)


def environment_requirements() -> str:
    """The installed packages as pinned requirements, after a line with Python version and platform."""
    found = {f"{one['Name']}=={one['Version']}" for one in (d.metadata for d in distributions()) if one["Name"]}
    head = f"# Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return "\n".join([head, *sorted(found, key=str.casefold)]) + "\n"
