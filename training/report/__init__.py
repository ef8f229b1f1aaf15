"""Report: a finished run as plain figures, which `deskyard.reports.training_page` shows.

In come the run, its bundle's folder and what was typed; out comes a document for `report.json`: numbers, labels and
ids, never the text of a ticket. The same run gives the same document but for `cost` and `made`, which are measured.
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
from training.report.judged_target import HoldoutTarget

FORMAT_VERSION: Final = 1
"""Of the document; a renderer refuses another one."""

__all__ = ["FORMAT_VERSION", "build_document", "mistake_excerpts"]


def build_document(
    trained: TrainingResult, digest: str, folder: Path, build_info: Mapping[str, Any], command: str
) -> dict[str, Any]:
    """The document of a run whose bundle, of that `digest`, lies in `folder`; `made`: when, where, how long."""
    card = trained.card
    places = slices.assign_slices(trained.case)
    return {
        "format": FORMAT_VERSION,
        "digest": digest,
        "made": {name: value for name, value in build_info.items() if name != "encoder"},
        "command": command,
        **{name: card[name] for name in ("learnt_from", "judged_on", "asked_precision", "options", "versions")},
        "machine": card["machine"],
        "judged_range": _holdout_range(trained),
        "targets": {target: _target_section(trained, target, places) for target in trained.evaluations},
        "findings": findings_to_json(trained.findings),
        "cost": cost.measure_cost(trained, folder)
        | ({"encoding": build_info["encoder"]["milliseconds"]} if "encoder" in build_info else {}),
    } | ({"encoder": card["encoder"]} if "encoder" in card else {})


def mistake_excerpts(document: Mapping[str, Any], trained: TrainingResult) -> dict[str, str]:
    """The beginnings of the tickets that the document names as mistakes, by id: for the page only, never for a file."""
    named = {one["id"] for target in document["targets"].values() for one in target["mistakes"]}
    asked = (trained.case.tickets[int(i)] for i in trained.case.holdout.positions)
    return {ticket.id: confident_mistakes.excerpt(ticket) for ticket in asked if ticket.id in named}


def _target_section(trained: TrainingResult, target: Target, places: slices.SliceMembership) -> dict[str, Any]:
    one = HoldoutTarget.from_run(trained, target)
    found = trained.evaluations[target]
    return {
        "labels": len(one.labels),
        "too_rare": len(found.labels.rare),
        "score": _score_section(found.score, found.without_encoder, one) if found.score else None,
        "verdict": verdict.routable_by_precision(trained, one),
        "learning_curve": curves.learning_curve(trained, target),
        "coverage": curves.coverage_curve(one),
        "reliability": curves.reliability_bins(one),
        "confusion": classes.confusion_table(one),
        "classes": classes.label_table(one),
        "slices": slices.slice_metrics(one, places),
        "mistakes": confident_mistakes.confident_mistakes(one, trained.case),
        "bounds": {name: trained.card["targets"][target]["contract"][name] for name in ("guard", "urgency", "parents")},
    }


def _score_section(score: Score, without: Score | None, holdout: HoldoutTarget) -> dict[str, Any]:
    """The card's figures, with the accuracy's exact interval, and the accuracy `without` an encoder if one was used."""
    right = int(holdout.right.sum())
    told = asdict(score) | {"right": right, "interval": interval(right, len(holdout))}
    return told | ({"without_encoder": without.accuracy} if without else {})


def _holdout_range(trained: TrainingResult) -> list[str] | None:
    """First and last moment of the judged tickets."""
    times = [trained.case.tickets[int(i)].created_at for i in trained.case.holdout.positions]
    known = [time for time in times if time is not None]
    return [min(known).isoformat(), max(known).isoformat()] if known else None
