"""Builds report.json from a finished run; `deskyard.reports.training_page` renders it.

The document holds numbers, labels and ids, no texts of tickets. The same run gives the same document, except for `cost`
and `made`, which are measured.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from deskyard.domain.ticket import Target
from deskyard.guarantees.intervals import interval
from training.data_audit import findings_to_json
from training.fit.metrics import Score
from training.pipeline.trained import TrainingResult
from training.report import classes, confident_mistakes, cost, curves, slices, verdict
from training.report.holdout_target import HoldoutTarget

FORMAT_VERSION: Final = 1
"""The format version of the document; renderers reject others."""

__all__ = ["FORMAT_VERSION", "build_document", "mistake_excerpts"]


def build_document(
    trained: TrainingResult, digest: str, folder: Path, build_info: Mapping[str, Any], command: str
) -> dict[str, Any]:
    """The report of a run whose bundle, with that `digest`, is in `folder`; `command`: the command line."""
    card = trained.card
    membership = slices.assign_slices(trained.case)
    return {
        "format": FORMAT_VERSION,
        "digest": digest,
        "made": {name: value for name, value in build_info.items() if name != "encoder"},
        "command": command,
        **{name: card[name] for name in ("learnt_from", "judged_on", "asked_precision", "options", "versions")},
        "machine": card["machine"],
        "judged_range": _holdout_range(trained),
        "targets": {target: _target_section(trained, target, membership) for target in trained.evaluations},
        "findings": findings_to_json(trained.findings),
        "cost": cost.measure_cost(trained, folder)
        | ({"encoding": build_info["encoder"]["milliseconds"]} if "encoder" in build_info else {}),
    } | ({"encoder": card["encoder"]} if "encoder" in card else {})


def mistake_excerpts(document: Mapping[str, Any], trained: TrainingResult) -> dict[str, str]:
    """Excerpts of the tickets that the document lists as mistakes, by id; for the page, not for report.json."""
    mistakes = {one["id"] for target in document["targets"].values() for one in target["mistakes"]}
    tickets = (trained.case.tickets[int(i)] for i in trained.case.holdout.positions)
    return {ticket.id: confident_mistakes.excerpt(ticket) for ticket in tickets if ticket.id in mistakes}


def _target_section(trained: TrainingResult, target: Target, membership: slices.SliceMembership) -> dict[str, Any]:
    holdout = HoldoutTarget.from_run(trained, target)
    evaluation = trained.evaluations[target]
    return {
        "labels": len(holdout.labels),
        "too_rare": len(evaluation.labels.rare),
        "score": _score_section(evaluation.score, evaluation.without_encoder, holdout) if evaluation.score else None,
        "verdict": verdict.routable_by_precision(trained, holdout),
        "learning_curve": curves.learning_curve(trained, target),
        "coverage": curves.coverage_curve(holdout),
        "reliability": curves.reliability_bins(holdout),
        "confusion": classes.confusion_table(holdout),
        "classes": classes.label_table(holdout),
        "slices": slices.slice_metrics(holdout, membership),
        "mistakes": confident_mistakes.confident_mistakes(holdout, trained.case),
        "bounds": {name: trained.card["targets"][target]["contract"][name] for name in ("guard", "urgency", "parents")},
    }


def _score_section(score: Score, without: Score | None, holdout: HoldoutTarget) -> dict[str, Any]:
    """The score with the exact interval of the accuracy, and the accuracy `without` an encoder if one was used."""
    right = int(holdout.right.sum())
    section = asdict(score) | {"right": right, "interval": interval(right, len(holdout))}
    return section | ({"without_encoder": without.accuracy} if without else {})


def _holdout_range(trained: TrainingResult) -> list[str] | None:
    """The first and last time of the holdout tickets."""
    times = [trained.case.tickets[int(i)].created_at for i in trained.case.holdout.positions]
    known = [time for time in times if time is not None]
    return [min(known).isoformat(), max(known).isoformat()] if known else None
