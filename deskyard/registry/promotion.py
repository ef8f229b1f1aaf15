"""Promotion: a bundle is put in use for every process, after it was opened and checked.

In come the database and the folder of bundles; out goes the row that names the model in use. `models/CURRENT` mirrors
it, and says which bundle to begin with where there is no row yet.
"""

from datetime import UTC, datetime
from pathlib import Path

from deskyard.db.database import Database
from deskyard.desk import queues
from deskyard.desk.ticket_history import Actor
from deskyard.errors import BadInput, BundleBroken, BundleError
from deskyard.journal import audit_log
from deskyard.journal.audit_log import DeedName
from deskyard.policy.policy import PLACING
from deskyard.registry import active_model, bundle, challengers, comparison_file
from deskyard.registry.active_model import Active


def promote(
    database: Database, models: Path, name: str, actor: Actor, *, force: bool = False, instead_of: str | None = None
) -> Active:
    """Put the bundle `name` of the folder `models` in use, for every process; the desk gets the queues it knows.

    It is opened and checked first: raises BundleError when it can't be used, and BadInput when it no longer predicts
    what the present model does, or was compared with that and has not earned its place (`force` lets it). Then the
    present model stays; so it does if it is another than `instead_of` (a digest) by now.
    """
    if not name or Path(name).name != name:
        raise BadInput(f"{name!r} is no name of a bundle in {models}; `deskyard models` lists them")
    found = bundle.load(models / name)
    with database.reading() as conn:
        now = active_model.current(conn)
    if instead_of is not None and (now is None or now.digest != instead_of):
        raise BadInput(f"{now.name if now else 'no model'} is in use by now, with which {name} was not compared")
    lost = _lost(models, now, found) if now and not force else ()
    if lost:
        raise BadInput(f"{name} does not predict {', '.join(lost)}, which {now.name if now else ''} does: --force")
    compared = comparison_file.read(models / name, now.digest, found.digest) if now and not force else None
    if compared is not None and not compared.promote:
        raise BadInput(f"{name} was compared with {now.name if now else ''}, and {compared.verdict}: --force")
    return _put(database, models, found, actor, "model.activate")


def challenge(database: Database, models: Path, name: str, actor: Actor) -> None:
    """Let the bundle `name` be asked about every new ticket beside the model in use; "" lets none.

    Raises BundleError when it can't be used, BadInput when it is in use itself.
    """
    if name and Path(name).name != name:
        raise BadInput(f"{name!r} is no name of a bundle in {models}; `deskyard models` lists them")
    found = bundle.load(models / name) if name else None
    at = datetime.now(UTC)
    with database.writing() as conn:
        now = active_model.current(conn)
        if found is not None and now is not None and found.digest == now.digest:
            raise BadInput(f"{name} is the model in use: name another")
        challengers.put(conn, name, found.digest if found else "", actor.name, at)
        told = f"{found.name} ({found.digest[:16]})" if found else "none"
        audit_log.note(conn, actor, "model.challenge", told, at)


def rollback(database: Database, models: Path, actor: Actor) -> Active:
    """Put the model in use again that was in use before the present one; it was good enough once.

    Raises BadInput when there was none, and BundleError when it can't be used any more.
    """
    with database.reading() as conn:
        wanted = active_model.before(conn)
    return _put(database, models, opened(models, wanted), actor, "model.rollback")


def _put(database: Database, models: Path, found: bundle.Bundle, actor: Actor, deed: DeedName) -> Active:
    at = datetime.now(UTC)
    with database.writing() as conn:
        queues.ensure(conn, _queues(found))
        before = active_model.current(conn)
        done = active_model.put(conn, found.name, found.digest, actor.name, at)
        if done != before:
            audit_log.note(conn, actor, deed, f"{found.name} ({found.digest[:16]})", at)
    bundle.crown(models, found.name)
    return done


def opened(models: Path, wanted: Active) -> bundle.Bundle:
    """The bundle that a row names. Raises BundleError when it can't be used or is another by now."""
    found = bundle.load(models / wanted.name)
    if found.digest != wanted.digest:
        raise BundleBroken(
            f"{models / wanted.name} holds the bundle {found.digest[:16]}, and {wanted.digest[:16]} was promoted: "
            "restore the folder, or promote it anew"
        )
    return found


def _lost(models: Path, now: Active, found: bundle.Bundle) -> tuple[str, ...]:
    """The targets that the present model predicts and this one does not."""
    try:
        present = opened(models, now).targets
    except BundleError:
        return ()
    return tuple(target for target in present if target not in found.targets)


def _queues(found: bundle.Bundle) -> tuple[str, ...]:
    """A queue for each queue label; for each category where no queue is learnt."""
    placing = next((target for target in PLACING if target in found.targets), None)
    return found.labels(placing) if placing else ()
