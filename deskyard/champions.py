"""The model in use, as the database knows it, so that all processes agree: promoted, rolled back, never forgotten.

In come sessions and the folder of bundles; out goes which bundle is in use. Loading it for requests is the service's.
`models/CURRENT` mirrors the newest row; where there is no row yet, it says which bundle to begin with.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import Row, Table, insert, select
from sqlalchemy.orm import Session

from deskyard import bundle
from deskyard.database import Database
from deskyard.desk import queues
from deskyard.errors import BadInput, BundleBroken, BundleError
from deskyard.policy import PLACING
from deskyard.tables import ActiveModelRow

_ROWS: Final = cast(Table, ActiveModelRow.__table__)
_NEWEST: Final = select(_ROWS).order_by(_ROWS.c.id.desc())


@dataclass(frozen=True, slots=True)
class Active:
    """A bundle put in use: its folder's name, its digest, who did it and when."""

    number: int
    at: datetime
    actor: str
    name: str
    digest: str


def active(session: Session) -> Active | None:
    """The model in use; None before the first."""
    row = session.execute(_NEWEST.limit(1)).first()
    return None if row is None else _active(row)


def past(session: Session, n: int) -> list[Active]:
    """The newest `n` times a model was put in use, newest first."""
    return [_active(row) for row in session.execute(_NEWEST.limit(n))]


def before(session: Session) -> Active:
    """The model that was in use before the present one. Raises BadInput when there was none."""
    rows = past(session, 1_000)
    for row in rows[1:]:
        if row.digest != rows[0].digest:
            return row
    raise BadInput("no other model was in use before: there is nothing to go back to")


def promote(database: Database, models: Path, name: str, actor: str, *, force: bool = False) -> Active:
    """Put the bundle `name` of the folder `models` in use, for every process; the desk gets the queues it knows.

    It is opened and checked first: raises BundleError when it can't be used, and BadInput when it no longer predicts
    what the present model does (`force` lets it). Then the present model stays.
    """
    if not name or Path(name).name != name:
        raise BadInput(f"{name!r} is no name of a bundle in {models}; `deskyard models` lists them")
    found = bundle.load(models / name)
    with database.reading() as session:
        now = active(session)
    lost = _lost(models, now, found) if now and not force else ()
    if lost:
        raise BadInput(f"{name} does not predict {', '.join(lost)}, which {now.name if now else ''} does: --force")
    with database.writing() as session:
        queues.ensure(session, _queues(found))
        done = put(session, name, found.digest, actor, datetime.now(UTC))
    bundle.crown(models, name)
    return done


def put(session: Session, name: str, digest: str, actor: str, at: datetime) -> Active:
    """Write down that a bundle is in use from now on, unless it is already."""
    now = active(session)
    if now is not None and (now.name, now.digest) == (name, digest):
        return now
    row = {"at": at, "actor": actor, "name": name, "digest": digest}
    number = session.execute(insert(_ROWS).returning(_ROWS.c.id), row).scalar_one()
    return Active(int(number), at, actor, name, digest)


def open_active(models: Path, wanted: Active) -> bundle.Bundle:
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
        present = open_active(models, now).targets
    except BundleError:
        return ()
    return tuple(target for target in present if target not in found.targets)


def _queues(found: bundle.Bundle) -> tuple[str, ...]:
    """A queue for each queue label; for each category where no queue is learnt."""
    placing = next((target for target in PLACING if target in found.targets), None)
    return found.labels(placing) if placing else ()


def _active(row: Row[Any]) -> Active:
    return Active(row.id, row.at, row.actor, row.name, row.digest)
