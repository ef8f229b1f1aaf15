"""Promotion: a bundle is put in use for every process, after it was opened and checked.

In come the database and the folder of bundles; out goes the row that names the model in use. `models/CURRENT` mirrors
it, and says which bundle to begin with where there is no row yet.
"""

from datetime import UTC, datetime
from pathlib import Path

from deskyard.db.database import Database
from deskyard.desk import queues
from deskyard.domain.actors import Actor
from deskyard.domain.ticket import PLACING_TARGETS
from deskyard.errors import BadInput, BundleBroken, BundleError
from deskyard.journal import audit_log
from deskyard.journal.audit_log import ActionName
from deskyard.registry import active_model, bundle, challengers, comparison_file
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
    """Put the bundle `name` of the folder `models` in use, for every process; the desk gets the queues it knows.

    It is opened and checked first: raises BundleError when it can't be used, and BadInput when it no longer predicts
    what the present model does, or was compared with that and has not earned its place (`force` lets it). Then the
    present model stays; so it does if it is another than `instead_of` (a digest) by now.
    """
    if not name or Path(name).name != name:
        raise BadInput(f"{name!r} is no name of a bundle in {models}; `deskyard models` lists them")
    found = bundle.load_bundle(models / name)
    with database.reading() as conn:
        now = active_model.get_active(conn)
    if expected_digest is not None and (now is None or now.digest != expected_digest):
        raise BadInput(f"{now.name if now else 'no model'} is in use by now, with which {name} was not compared")
    lost = _lost_targets(models, now, found) if now and not force else ()
    if lost:
        raise BadInput(f"{name} does not predict {', '.join(lost)}, which {now.name if now else ''} does: --force")
    compared = comparison_file.read_comparison(models / name, now.digest, found.digest) if now and not force else None
    if compared is not None and not compared.promote:
        raise BadInput(f"{name} was compared with {now.name if now else ''}, and {compared.verdict}: --force")
    return _activate(database, models, found, actor, "model.activate")


def start_challenge(database: Database, models: Path, name: str, actor: Actor) -> None:
    """Let the bundle `name` be asked about every new ticket beside the model in use; "" lets none.

    Raises BundleError when it can't be used, BadInput when it is in use itself.
    """
    if name and Path(name).name != name:
        raise BadInput(f"{name!r} is no name of a bundle in {models}; `deskyard models` lists them")
    found = bundle.load_bundle(models / name) if name else None
    at = datetime.now(UTC)
    with database.writing() as conn:
        now = active_model.get_active(conn)
        if found is not None and now is not None and found.digest == now.digest:
            raise BadInput(f"{name} is the model in use: name another")
        challengers.set_challenger(conn, name, found.digest if found else "", actor.name, at)
        told = f"{found.name} ({found.digest[:16]})" if found else "none"
        audit_log.record_action(conn, actor, "model.challenge", told, at)


def rollback(database: Database, models: Path, actor: Actor) -> ActiveModel:
    """Put the model in use again that was in use before the present one; it was good enough once.

    Raises BadInput when there was none, and BundleError when it can't be used any more.
    """
    with database.reading() as conn:
        wanted = active_model.get_previous(conn)
    return _activate(database, models, open_active_bundle(models, wanted), actor, "model.rollback")


def _activate(database: Database, models: Path, loaded: bundle.Bundle, actor: Actor, action: ActionName) -> ActiveModel:
    at = datetime.now(UTC)
    with database.writing() as conn:
        queues.ensure_queues(conn, _label_queues(loaded))
        before = active_model.get_active(conn)
        done = active_model.set_active(conn, loaded.name, loaded.digest, actor.name, at)
        if done != before:
            audit_log.record_action(conn, actor, action, f"{loaded.name} ({loaded.digest[:16]})", at)
    bundle.set_champion(models, loaded.name)
    return done


def open_active_bundle(models: Path, active: ActiveModel) -> bundle.Bundle:
    """The bundle that a row names. Raises BundleError when it can't be used or is another by now."""
    found = bundle.load_bundle(models / active.name)
    if found.digest != active.digest:
        raise BundleBroken(
            f"{models / active.name} holds the bundle {found.digest[:16]}, and {active.digest[:16]} was promoted: "
            "restore the folder, or promote it anew"
        )
    return found


def _lost_targets(models: Path, active: ActiveModel, loaded: bundle.Bundle) -> tuple[str, ...]:
    """The targets that the present model predicts and this one does not."""
    try:
        present = open_active_bundle(models, active).targets
    except BundleError:
        return ()
    return tuple(target for target in present if target not in loaded.targets)


def _label_queues(loaded: bundle.Bundle) -> tuple[str, ...]:
    """A queue for each queue label; for each category where no queue is learnt."""
    placing = next((target for target in PLACING_TARGETS if target in loaded.targets), None)
    return loaded.labels(placing) if placing else ()
