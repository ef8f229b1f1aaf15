"""Forget: what a requester wrote, or what was said about tickets solved long ago, leaves the database for good.

In come a database and whom or what to forget; out goes how much it was. The ticket stays, with its labels, its journey
and its decisions, so that every count still adds up; its texts, fields, and the names of its requester and of whoever
else wrote from outside go, and with them the salt, without which nobody can tell a guessed text by its hash. What
others wrote about somebody in tickets of their own is not found. Nothing here asks, prints, or opens a bundle.
"""

import hashlib
import hmac
import secrets as dice
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, Connection, select

from deskyard.db.database import Database
from deskyard.db.tables.desk import COMMENTS, TICKETS
from deskyard.db.tables.sync import CONNECTIONS, MIRROR
from deskyard.desk import shared_answers
from deskyard.desk.ticket_history import NAMELESS, Actor
from deskyard.domain.status import UNSOLVED
from deskyard.errors import BadInput
from deskyard.journal import audit_log
from deskyard.privacy import redaction
from deskyard.settings import HISTORIES
from deskyard.sync import credentials

BATCH: Final = 200
"""Tickets that one transaction erases: writers wait for a fraction of a second, and what was cut off goes on."""

TABLE_LIVES: Final = 3_600.0
ATTEMPT_LIVES: Final = 86_400.0 * 2
"""Seconds after which nobody comes back to what a killed training has left."""

_KEY: Final = "AUDIT_KEY"


@dataclass(frozen=True, slots=True)
class Doomed:
    """A ticket that is to be erased: its number, its name in its source, when it came, whether anybody still works on
    it, and the connection that it mirrors ("" for the desk's own)."""

    number: int
    source: str
    external_id: str
    received_at: datetime
    is_unsolved: bool
    store: str


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to forget: tickets; numbers of comments on tickets of others. `kept` are comments there that stay,
    as they were written by one of the desk's own people. `names` are the requester's name as it was spelled. Those
    tickets stay that somebody has touched from `untouched_since` on (None: none)."""

    tickets: tuple[Doomed, ...]
    comments: tuple[int, ...] = ()
    kept: int = 0
    names: tuple[str, ...] = ()
    untouched_since: datetime | None = None

    @property
    def unsolved(self) -> int:
        """How many of the tickets somebody still works on."""
        return sum(one.is_unsolved for one in self.tickets)

    @property
    def elsewhere(self) -> Mapping[str, int]:
        """Connection → how many of the tickets only mirror one that lives there."""
        return Counter(one.store for one in self.tickets if one.store)

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.tickets or self.comments)


def of_requester(conn: Connection, requester: str) -> Found:
    """What a requester wrote, whether in capital or small letters. Raises BadInput for nobody's name."""
    if requester.strip() in ("", NAMELESS, redaction.SOMEBODY):
        raise BadInput("say whose tickets are to be erased: an address or a name, as it stands in them")
    spelled = select(TICKETS.c.requester).union(select(COMMENTS.c.actor).where(COMMENTS.c.actor_kind == "person"))
    wanted = requester.strip().casefold()
    names = tuple(sorted(one for one in conn.scalars(spelled) if one.strip().casefold() == wanted))
    found = _doomed(conn, TICKETS.c.requester.in_(names))
    rows = (
        select(COMMENTS.c.id, COMMENTS.c.actor)
        .join(TICKETS, TICKETS.c.id == COMMENTS.c.ticket_id)
        .where(COMMENTS.c.actor.in_(names), COMMENTS.c.actor_kind == "person", TICKETS.c.requester.not_in(names))
        .order_by(COMMENTS.c.id)
    )
    ours = redaction.ours(conn)
    said = conn.execute(rows).all()
    return Found(
        found, tuple(row.id for row in said if row.actor not in ours), sum(row.actor in ours for row in said), names
    )


def solved_before(conn: Connection, moment: datetime) -> Found:
    """Tickets that were solved, and that nobody has touched since that moment."""
    return Found(_doomed(conn, redaction.is_old(moment)), untouched_since=moment)


def erase(
    database: Database,
    found: Found,
    why: str,
    actor: Actor,
    clock: Callable[[], datetime],
    go_on: Callable[[], bool] = lambda: True,
) -> int:
    """Erase what was found, batch by batch, each with its line in the audit log (`why`: never anybody's name); how many
    tickets that were. Erased before, a ticket is not counted again. `go_on` may end it between two batches."""
    erased = 0
    for batch in _some([one.number for one in found.tickets]):
        if not go_on():
            return erased
        with database.writing() as conn:
            at = clock()
            n = redaction.erase(conn, batch, at, found.untouched_since)
            if n:
                audit_log.note(conn, actor, "ticket.erase", f"{why}: {so_many(n, 'ticket')}", at)
        erased += n
    if found.comments or found.names:
        with database.writing() as conn:
            n = redaction.erase_elsewhere(conn, found.names)
            if n:
                audit_log.note(
                    conn, actor, "ticket.erase", f"{why}: {so_many(n, 'comment')} on tickets of others", clock()
                )
    shared_answers.forget()
    return erased


def expire(
    database: Database, days: int, actor: Actor, clock: Callable[[], datetime], go_on: Callable[[], bool]
) -> int:
    """Erase the texts of tickets that were solved and not touched for so many days; how many they were."""
    with database.reading() as conn:
        found = solved_before(conn, clock() - timedelta(days=days))
    return erase(database, found, of_age(days), actor, clock, go_on)


def so_many(n: int, things: str) -> str:
    """A number of things.

    >>> so_many(1, "ticket"), so_many(1200, "comment")
    ('1 ticket', '1,200 comments')
    """
    return f"{n:,} {things}{'' if n == 1 else 's'}"


def of_age(days: int) -> str:
    """What the audit log says of tickets that were kept long enough."""
    return f"solved and not touched for {days:,} days"


def tidy_up(database: Database, state: Path, now: float) -> bool:
    """Let what was erased, now or before, leave the files of database and home; False where it must be tried again, as
    SQLite's could not be written anew."""
    sweep(state, now)
    with database.reading() as conn:
        was = audit_log.ever(conn, "ticket.erase")
    return database.scrub() if was else True


def sweep(state: Path, now: float) -> int:
    """Remove what trainings that were killed have left in the home, tickets of the desk among it; how many folders.

    A table of tickets lives for moments, and what a retraining has finished is taken up again within two days.
    """
    left = [(path, TABLE_LIVES) for path in state.glob(f"{HISTORIES}*")]
    left += [(path, ATTEMPT_LIVES) for path in (state / "training" / "retrain").glob("*/")]
    old = [path for path, lives in left if path.is_dir() and now - path.stat().st_mtime > lives]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return len(old)


def pseudonym(requester: str) -> str:
    """A requester as the audit log tells of one: a keyed hash of the name, the same for however it is spelled.

    The key is a secret of this installation (`DESKYARD_AUDIT_KEY_ERASURE`, or a file beside the other secrets), so
    whoever has the database alone can't tell a guessed name.
    """
    key = credentials.read("erasure", _KEY)
    if not key:
        key = dice.token_hex(32)
        credentials.keep("erasure", key, _KEY)
    return "requester " + hmac.new(key.encode(), requester.strip().casefold().encode(), hashlib.sha256).hexdigest()[:16]


def _doomed(conn: Connection, which: ColumnElement[bool]) -> tuple[Doomed, ...]:
    rows = (
        select(
            TICKETS.c.id, TICKETS.c.source, TICKETS.c.external_id, TICKETS.c.received_at, TICKETS.c.status,
            CONNECTIONS.c.name,
        )
        .outerjoin(MIRROR, MIRROR.c.ticket_id == TICKETS.c.id)
        .outerjoin(CONNECTIONS, CONNECTIONS.c.id == MIRROR.c.connection_id)
        .where(which, TICKETS.c.erased_at.is_(None))
        .order_by(TICKETS.c.id)
    )  # fmt: skip
    return tuple(
        Doomed(row.id, row.source, row.external_id or "", row.received_at, row.status in UNSOLVED, row.name or "")
        for row in conn.execute(rows)
    )


def _some(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + BATCH] for start in range(0, len(numbers), BATCH))
