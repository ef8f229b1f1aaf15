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
from training.data_audit import as_json
from training.fit.metrics import Score
from training.pipeline.trained import Trained
from training.report import classes, confident_mistakes, cost, curves, slices, verdict
from training.report.judged_target import JudgedTarget

FORMAT: Final = 1
"""Of the document; a renderer refuses another one."""

__all__ = ["FORMAT", "figures", "texts"]


def figures(trained: Trained, digest: str, folder: Path, made: Mapping[str, Any], command: str) -> dict[str, Any]:
    """The document of a run whose bundle, of that `digest`, lies in `folder`; `made`: when, where, how long."""
    card = trained.card
    places = slices.places(trained.case)
    return {
        "format": FORMAT,
        "digest": digest,
        "made": {name: value for name, value in made.items() if name != "encoder"},
        "command": command,
        **{name: card[name] for name in ("learnt_from", "judged_on", "asked_precision", "options", "versions")},
        "machine": card["machine"],
        "judged_range": _time_range(trained),
        "targets": {target: _target(trained, target, places) for target in trained.judged},
        "findings": as_json(trained.findings),
        "cost": cost.cost(trained, folder)
        | ({"encoding": made["encoder"]["milliseconds"]} if "encoder" in made else {}),
    } | ({"encoder": card["encoder"]} if "encoder" in card else {})


def texts(document: Mapping[str, Any], trained: Trained) -> dict[str, str]:
    """The beginnings of the tickets that the document names as mistakes, by id: for the page only, never for a file."""
    named = {one["id"] for target in document["targets"].values() for one in target["mistakes"]}
    asked = (trained.case.tickets[int(i)] for i in trained.case.apart.positions)
    return {ticket.id: confident_mistakes.beginning(ticket) for ticket in asked if ticket.id in named}


def _target(trained: Trained, target: Target, places: slices.Places) -> dict[str, Any]:
    one = JudgedTarget.of(trained, target)
    found = trained.judged[target]
    return {
        "labels": len(one.labels),
        "too_rare": len(found.labels.rare),
        "score": _score(found.score, found.without_encoder, one) if found.score else None,
        "verdict": verdict.verdict(trained, one),
        "learning_curve": curves.learning(trained, target),
        "coverage": curves.coverage(one),
        "reliability": curves.reliability(one),
        "confusion": classes.confusion(one),
        "classes": classes.table(one),
        "slices": slices.slices(one, places),
        "mistakes": confident_mistakes.surest(one, trained.case),
        "bounds": {name: trained.card["targets"][target]["contract"][name] for name in ("guard", "urgency", "parents")},
    }


def _score(score: Score, without: Score | None, one: JudgedTarget) -> dict[str, Any]:
    """The card's figures, with the accuracy's exact interval, and the accuracy `without` an encoder if one was used."""
    right = int(one.right.sum())
    told = asdict(score) | {"right": right, "interval": interval(right, len(one))}
    return told | ({"without_encoder": without.accuracy} if without else {})


def _time_range(trained: Trained) -> list[str] | None:
    """First and last moment of the judged tickets."""
    times = [trained.case.tickets[int(i)].created_at for i in trained.case.apart.positions]
    known = [time for time in times if time is not None]
    return [min(known).isoformat(), max(known).isoformat()] if known else None
