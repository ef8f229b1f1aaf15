"""What a run leaves in a tracking store, as plain values: parameters, tags, figures with their steps, the environment.

In comes a trained model, out go texts and numbers. Never a ticket, never its text, no place on this machine and no
address of a package index. Knows no MLflow: `training.publish.mlflow_tracking` hands these on.
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
"""Asked precisions, in thousandths, at which coverage and precision are logged."""


class LoggedMetric(NamedTuple):
    """A number under its name; `step` says where on a curve it stands, 0 where there is no curve."""

    name: str
    value: float
    step: int = 0


def run_parameters(trained: TrainingResult, handover: Handover) -> dict[str, str]:
    """What was asked of the run, and how much it read."""
    card = trained.card
    asked = card["options"] | {"targets": ",".join(card["options"]["targets"])}
    return {name: str(value) for name, value in asked.items()} | {
        "files": str(len(handover.origin.tables) or 1),
        "tickets": str(card["learnt_from"]["tickets"]),
        "tickets_judged": str(card["judged_on"]["tickets"]),
        "judged_on": card["judged_on"]["how"],
        "encoder": card.get("encoder", {}).get("kind", ""),
    }


def run_tags(trained: TrainingResult, handover: Handover) -> dict[str, str]:
    """What names the run: digests of what went in and what came out, the program, and the moment up to which the
    desk's own tickets counted."""
    return {
        "deskyard.data": trained.card["learnt_from"]["digest"],
        "deskyard.registry.bundle": handover.digest,
        "deskyard.version": __version__,
    } | ({"deskyard.desk": handover.origin.desk} if handover.origin.desk else {})


def run_metrics(trained: TrainingResult, comparison: Comparison | None = None) -> Iterator[LoggedMetric]:
    """Every figure of the card, named target/figure, and the curves.

    `T/learning_curve` (steps: tickets learnt from) is the accuracy of the audit's plain head. `T/coverage_at` and
    `T/precision_at` (steps: asked precision in thousandths) are shares of the judging tickets, from a contract drawn up
    anew on the evidence of the judged model. `T/champion`, `T/challenger` and their difference's bounds are of the
    tickets on which a retraining `compared` the two.
    """
    for target, judged in trained.evaluations.items():
        score = trained.card["targets"][target]["score"] or {}
        yield from (
            LoggedMetric(f"{target}/{name}", float(value)) for name, value in score.items() if value is not None
        )
        if judged.without_encoder is not None:
            yield LoggedMetric(f"{target}/accuracy_without_encoder", judged.without_encoder.accuracy)
        if judged.contract.threshold is not None:
            yield LoggedMetric(f"{target}/threshold", judged.contract.threshold)
        yield from _metrics_by_precision(target, judged)
    for finding in trained.findings:
        if finding.target and "sizes" in finding.figures:
            points = zip(finding.figures["sizes"], finding.figures["accuracy"], strict=True)
            yield from (LoggedMetric(f"{finding.target}/learning_curve", share, n) for n, share in points)
    counted = Counter(finding.severity for finding in trained.findings)
    yield from (LoggedMetric(f"findings/{severity}", counted[severity]) for severity in SEVERITIES)
    if comparison is not None:
        yield LoggedMetric("compared/earned", float(comparison.promote))
        yield LoggedMetric("compared/tickets", float(comparison.tickets))
        for one in comparison.targets:
            if n := one.whole.n:
                yield LoggedMetric(f"{one.target}/champion", one.whole.first / n)
                yield LoggedMetric(f"{one.target}/challenger", one.whole.second / n)
                yield LoggedMetric(f"{one.target}/difference_low", one.whole.low)
                yield LoggedMetric(f"{one.target}/difference_high", one.whole.high)


def _metrics_by_precision(target: Target, judged: TargetEvaluation) -> Iterator[LoggedMetric]:
    if not len(judged.holdout_evidence):
        return
    for step in PRECISION_STEPS:
        contract = fit_contract(target, judged.evidence, judged.labels.labels, step / 1000, judged.labels.parents)
        routed = judged.holdout_evidence[routed_mask(contract, judged.holdout_evidence, judged.labels.labels)]
        yield LoggedMetric(f"{target}/coverage_at", len(routed) / len(judged.holdout_evidence), step)
        if len(routed):
            yield LoggedMetric(f"{target}/precision_at", float((routed["predicted"] == routed["truth"]).mean()), step)


def environment_requirements() -> str:
    """What is installed, as pinned requirements, below the Python and the platform."""
    found = {f"{said['Name']}=={said['Version']}" for said in (one.metadata for one in distributions()) if said["Name"]}
    head = f"# Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return "\n".join([head, *sorted(found, key=str.casefold)]) + "\n"
