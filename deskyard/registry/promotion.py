"""Promotion: puts a bundle in use for all processes, after opening and checking it.

The database names the model in use. `models/CURRENT` mirrors it, and names the first bundle to use where the database
has none yet.
"""

from datetime import UTC, datetime
from pathlib import Path

from deskyard.db.database import Database
from deskyard.desk import queues
from deskyard.domain.actors import Actor
from deskyard.domain.label_spelling import fold_label
from deskyard.domain.ticket import PLACING_TARGETS
from deskyard.errors import BadInput, BundleBroken, BundleError
from deskyard.journal import audit_log
from deskyard.journal.audit_log import ActionName
from deskyard.registry import active_model, bundle, challengers, comparison_file, usability
from deskyard.registry.active_model import ActiveModel


def promote(
    database: Database,
    models: Path,
    name: str,
    actor: Actor,
    *,
    force: bool = False,
    expected_digest: str | None = None,
) -> ActiveModel:
    """Put the bundle `name` of the folder `models` in use for all processes; the desk gets the queues that it knows.

    It is opened and checked first. Raises BundleError when it can't be used; BadInput when the model in use is not
    `expected_digest` (None: any), or, without `force`, when the bundle lacks a target of the model in use or was
    compared with it and is not better. Then the model in use stays.
    """
    if not name or Path(name).name != name:
        raise BadInput(f"{name!r} is not the name of a bundle in {models}; `deskyard models` lists them")
    found = _open_usable(models / name)
    with database.reading() as conn:
        active = active_model.get_active(conn)
    if expected_digest is not None and (active is None or active.digest != expected_digest):
        raise BadInput(
            f"{active.name if active else 'no model'} is in use by now, but {name} was compared with another model"
        )
    lost_targets = _lost_targets(models, active, found) if active and not force else ()
    if lost_targets:
        raise BadInput(
            f"{name} does not predict {', '.join(lost_targets)}, but {active.name if active else ''} does: use --force"
        )
    compared = (
        comparison_file.read_comparison(models / name, active.digest, found.digest) if active and not force else None
    )
    if compared is not None and not compared.promote:
        raise BadInput(f"{name} was compared with {active.name if active else ''}, and {compared.verdict}: use --force")
    return _activate(database, models, found, actor, "model.activate")


def start_challenge(database: Database, models: Path, name: str, actor: Actor) -> None:
    """Make the bundle `name` the challenger, which predicts every new ticket beside the model in use; "" ends that.

    Raises BundleError when it can't be used, BadInput when it is the model in use.
    """
    if name and Path(name).name != name:
        raise BadInput(f"{name!r} is not the name of a bundle in {models}; `deskyard models` lists them")
    found = _open_usable(models / name) if name else None
    at = datetime.now(UTC)
    with database.writing() as conn:
        active = active_model.get_active(conn)
        if found is not None and active is not None and found.digest == active.digest:
            raise BadInput(f"{name} is the model in use: name another bundle")
        challengers.set_challenger(conn, name, found.digest if found else "", actor.name, at)
        subject = f"{found.name} ({found.digest[:16]})" if found else "none"
        audit_log.record_action(conn, actor, "model.challenge", subject, at)


def rollback(database: Database, models: Path, actor: Actor) -> ActiveModel:
    """Put the previous model in use again.

    Raises BadInput when there was none, BundleError when it can't be used any more.
    """
    with database.reading() as conn:
        previous = active_model.get_previous(conn)
    usability.check_usable(models / previous.name)
    return _activate(database, models, open_active_bundle(models, previous), actor, "model.rollback")


def _activate(database: Database, models: Path, loaded: bundle.Bundle, actor: Actor, action: ActionName) -> ActiveModel:
    at = datetime.now(UTC)
    with database.writing() as conn:
        present = set(map(fold_label, queues.list_queue_names(conn)))
        queues.ensure_queues(conn, [name for name in _label_queues(loaded) if fold_label(name) not in present])
        before = active_model.get_active(conn)
        activated = active_model.set_active(conn, loaded.name, loaded.digest, actor.name, at)
        if activated != before:
            audit_log.record_action(conn, actor, action, f"{loaded.name} ({loaded.digest[:16]})", at)
    bundle.set_champion(models, loaded.name)
    return activated


def open_active_bundle(models: Path, active: ActiveModel) -> bundle.Bundle:
    """The bundle of an activation. Raises BundleError when it can't be used or its folder holds another one."""
    found = bundle.load_bundle(models / active.name)
    if found.digest != active.digest:
        raise BundleBroken(
            f"{models / active.name} holds the bundle {found.digest[:16]}, but {active.digest[:16]} was promoted: "
            "restore the folder, or promote the bundle again"
        )
    return found


def _open_usable(folder: Path) -> bundle.Bundle:
    """The bundle, after another process has opened, checked and asked it. Raises BundleError."""
    usability.check_usable(folder)
    return bundle.load_bundle(folder)


def _lost_targets(models: Path, active: ActiveModel, loaded: bundle.Bundle) -> tuple[str, ...]:
    """The targets that the model in use predicts and this bundle does not."""
    try:
        current_targets = open_active_bundle(models, active).targets
    except BundleError:
        return ()
    return tuple(target for target in current_targets if target not in loaded.targets)


def _label_queues(loaded: bundle.Bundle) -> tuple[str, ...]:
    """A queue for each queue label, or for each category where the model has no queues."""
    placing = next((target for target in PLACING_TARGETS if target in loaded.targets), None)
    return loaded.labels(placing) if placing else ()
