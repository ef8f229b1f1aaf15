"""Hands a trained model over: saves the bundle, promotes it if it is the first, and writes the report."""

import getpass
import os
import platform
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deskyard.db.database import Database, desk_database
from deskyard.desk import agents
from deskyard.domain.actors import Actor
from deskyard.errors import BadInput, BundleError, DeskyardError
from deskyard.guarantees.contract import MIN_LABEL_EVIDENCE
from deskyard.registry import active_model, bundle, promotion
from deskyard.reports.i18n import Language
from deskyard.reports.report_files import PAGE_FILE, write_figures, write_page
from deskyard.reports.training_page import render_report
from deskyard.settings import Settings
from training.data.history import History
from training.data.provenance import Provenance
from training.pipeline.trained import TrainingResult
from training.report import build_document, cost, mistake_excerpts


@dataclass(frozen=True, slots=True)
class Handover:
    """The bundle's folder and digest, a sentence about its status, its provenance, and whether it is the champion."""

    folder: Path
    digest: str
    message: str
    origin: Provenance
    champion: bool = False


def hand_over(
    trained: TrainingResult,
    history: History,
    settings: Settings,
    out: Path | None,
    seconds: float,
    origin: Provenance,
    champion: bool = False,
) -> Handover:
    """Save to `out`, or else to the models folder.

    There it becomes the champion if `champion` is set, if it is the first, or if the current one can't be loaded.
    """
    now = datetime.now(UTC)
    build_info = {"at": now.isoformat(timespec="seconds"), "seconds": round(seconds, 1), "on": platform.platform()}
    build_info |= cost.measure_encoding(trained) | {"from": origin.to_json(), "columns": history.mapping.to_json()}
    if out is not None:
        digest = bundle.save_bundle(out, trained.scorer, trained.evidence, trained.card, build_info)
        return Handover(out, digest, "", origin)
    folder = _new_folder(settings.models, now)
    digest = bundle.save_bundle(folder, trained.scorer, trained.evidence, trained.card, build_info)
    with desk_database(settings.database) as database:
        current, error = _usable_champion(settings.models, database)
        if current and not champion:
            message = f"The champion is still {current}; `deskyard promote {folder.name}` would replace it."
            return Handover(folder, digest, message, origin)
        actor = Actor("person", getpass.getuser())
        promotion.promote(database, settings.models, folder.name, actor, force=True)
        with database.writing() as conn:
            agents.ensure_agents(conn, find_agent_queues(history))
    replaced = (
        f" instead of one that can't be loaded ({error})" if error else f" instead of {current}" if current else ""
    )
    message = f"It is the champion now{replaced}; its queues and agents were added to the built-in desk."
    message = f"{message} A running service loads it within seconds." if replaced else message
    return Handover(folder, digest, message, origin, champion=True)


def write_report(
    trained: TrainingResult, handover: Handover, command: str, language: Language, with_texts: bool
) -> str:
    """Write report.json and report.html beside the bundle; returns a sentence saying where, or why not.

    Errors do not affect the saved bundle.
    """
    try:
        document = build_document(
            trained, handover.digest, handover.folder, bundle.load_bundle(handover.folder).build_info, command
        )
        write_figures(handover.folder, document)
        write_page(
            handover.folder / PAGE_FILE,
            render_report(document, language, mistake_excerpts(document, trained) if with_texts else None),
        )
    except DeskyardError as error:
        return f"The bundle is saved; its report could not be made: {error}"
    except Exception as error:  # a failed report must not cost the model
        return f"The bundle is saved; its report could not be made ({error!r}): please report this."
    return f"Report: {handover.folder / PAGE_FILE}"


def find_agent_queues(history: History) -> dict[str, list[str]]:
    """Agents → their queues: agents seen in the newest fifth, with the queues of which they solved at least
    `MIN_LABEL_EVIDENCE` tickets.

    Where the history has no queues, categories are used instead.
    """
    places = history.labels["queue"] if any(history.labels["queue"]) else history.labels["category"]
    pairs = Counter(zip(history.labels["assignee"], places, strict=True))
    present = {agent for agent in history.labels["assignee"][len(history) * 4 // 5 :] if agent}
    found: dict[str, list[str]] = {}
    for (agent, place), n in sorted(pairs.items(), key=str):
        if agent in present and place and n >= MIN_LABEL_EVIDENCE:
            found.setdefault(agent, []).append(place)
    return found


def check_writable(settings: Settings, out: Path | None) -> None:
    """Check before the training that the bundle can be written. Raises BadInput if not."""
    if out is not None:
        bundle.refuse_other_files(out)
    place = out if out is not None else settings.models
    above = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        where = "--out" if out is not None else "DESKYARD_HOME"
        raise BadInput(f"the bundle can't be written to {place} ({above} is not a writable folder): check {where}.")


def _usable_champion(models: Path, database: Database) -> tuple[str, str]:
    """The current champion's name if it can be loaded, else the error; both empty when there is none."""
    with database.reading() as conn:
        row = active_model.get_active(conn)
    try:
        if row is not None:
            return promotion.open_active_bundle(models, row).name, ""
        folder = bundle.champion_folder(models)
        return (bundle.load_bundle(folder).name if folder else ""), ""
    except BundleError as error:
        return "", str(error)


def _new_folder(models: Path, now: datetime) -> Path:
    """Create a new folder, named by the time in seconds (or the next free one)."""
    try:
        models.mkdir(parents=True, exist_ok=True)
        while True:
            folder = models / now.strftime("%Y-%m-%d-%H%M%S")
            try:
                folder.mkdir()
            except FileExistsError:
                now += timedelta(seconds=1)
            else:
                return folder
    except OSError as error:
        raise BadInput(f"{models} can't be written ({error.strerror or error}): check DESKYARD_HOME.") from error
