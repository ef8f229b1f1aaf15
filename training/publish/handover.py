"""Hand a trained model over: write the bundle, and make the first one the champion with queues to route into."""

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
    """Where the bundle lies, its digest, what became of it, as a sentence, and whether it is the champion now; what it
    was learnt from."""

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
    """Save to `out`; or, without it, beside the other bundles.

    There it becomes the champion when `champion` says so, when it is the first, and when the present one can't be used.
    """
    now = datetime.now(UTC)
    made = {"at": now.isoformat(timespec="seconds"), "seconds": round(seconds, 1), "on": platform.platform()}
    made |= cost.measure_encoding(trained) | {"from": origin.to_json()}
    if out is not None:
        digest = bundle.save_bundle(out, trained.scorer, trained.evidence, trained.card, made)
        return Handover(out, digest, "", origin)
    folder = _new_folder(settings.models, now)
    digest = bundle.save_bundle(folder, trained.scorer, trained.evidence, trained.card, made)
    with desk_database(settings.database) as database:
        stays, broken = _usable_champion(settings.models, database)
        if stays and not champion:
            told = f"The champion stays {stays}; `deskyard promote {folder.name}` would replace it."
            return Handover(folder, digest, told, origin)
        me = Actor("person", getpass.getuser())
        promotion.promote(database, settings.models, folder.name, me, force=True)
        with database.writing() as conn:
            agents.ensure_agents(conn, find_agent_queues(history))
    instead = f" instead of one that can't be used ({broken})" if broken else f" instead of {stays}" if stays else ""
    told = f"It is the champion now{instead}; the built-in desk has the queues and agents it knows."
    told = f"{told} A running service takes it within seconds." if instead else told
    return Handover(folder, digest, told, origin, champion=True)


def write_report(
    trained: TrainingResult, handover: Handover, command: str, language: Language, with_texts: bool
) -> str:
    """Lay figures and page beside the bundle; says where the page is, or why there is none.

    Whatever goes wrong, the bundle stays as it was saved.
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
    except Exception as error:  # a report is worth less than the model it is about
        return f"The bundle is saved; its report could not be made ({error!r}): please report this."
    return f"Report: {handover.folder / PAGE_FILE}"


def find_agent_queues(history: History) -> dict[str, list[str]]:
    """Who serves which queues: agents seen in the newest fifth, with the queues they solved `MIN_LABEL_EVIDENCE`
    tickets of.

    Where the history has no queues, categories stand for them.
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
    """Fail before the long work, not after it: BadInput when the bundle could not be written."""
    if out is not None:
        bundle.refuse_other_files(out)
    place = out if out is not None else settings.models
    above = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        where = "--out" if out is not None else "DESKYARD_HOME"
        raise BadInput(f"the bundle can't be written to {place} ({above} is no folder to write in): look at {where}.")


def _usable_champion(models: Path, database: Database) -> tuple[str, str]:
    """The present champion's name if it can be used, else why not; both empty when there is none."""
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
    """A folder of its own, named by the second (or the next free one), so that no bundle takes another's place."""
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
        raise BadInput(f"{models} can't be written ({error.strerror or error}): look at DESKYARD_HOME.") from error
