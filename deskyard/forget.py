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
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Row, Table, bindparam, func, select, update

from deskyard import audit
from deskyard.database import Database, Session
from deskyard.desk import answers
from deskyard.desk.agents import AGENTS
from deskyard.desk.comments import COMMENTS
from deskyard.desk.journey import JOURNEY, NAMELESS, Actor
from deskyard.desk.overview import UNSOLVED
from deskyard.desk.status_links import LINKS
from deskyard.desk.tickets import TICKETS
from deskyard.errors import BadInput
from deskyard.foreign import secrets
from deskyard.foreign.connections import CONNECTIONS
from deskyard.foreign.deliveries import DELIVERIES
from deskyard.foreign.mirror import MIRROR
from deskyard.foreign.notices import NOTICES
from deskyard.foreign.outbox import DONE
from deskyard.journal import (
    CHANGED,
    COMMENTED,
    CONFIRMED,
    CORRECTED,
    DELIVERED,
    SEEN,
    UNDONE,
    WISHED,
    Entry,
    Journal,
)
from deskyard.settings import HISTORIES
from deskyard.tables import KeyRow, UserRow

BATCH: Final = 200
"""Tickets that one transaction erases: writers wait for a fraction of a second, and what was cut off goes on."""

SOMEBODY: Final = "somebody"
"""How whoever else wrote from outside is called afterwards; the requester is called `NAMELESS`."""

TABLE_LIVES: Final = 3_600.0
ATTEMPT_LIVES: Final = 86_400.0 * 2
"""Seconds after which nobody comes back to what a killed training has left."""

_TELLING: Final = (SEEN, CORRECTED, CONFIRMED, CHANGED, COMMENTED, UNDONE, WISHED, DELIVERED)
"""Entries that hold names from outside, what a foreign help desk answered, or a piece of a hash of before salts."""

_KEY: Final = "AUDIT_KEY"
_USERS: Final = cast(Table, UserRow.__table__)
_KEYS: Final = cast(Table, KeyRow.__table__)


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
    as they were written by one of the desk's own people. `names` are the requester's name as it was spelled. Who
    was touched from `untouched_since` on stays (None: nobody does)."""

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


def of_requester(session: Session, requester: str) -> Found:
    """What a requester wrote, whether in capital or small letters. Raises BadInput for nobody's name."""
    if requester.strip() in ("", NAMELESS, SOMEBODY):
        raise BadInput("say whose tickets are to be erased: an address or a name, as it stands in them")
    spelled = select(TICKETS.c.requester).union(select(COMMENTS.c.actor).where(COMMENTS.c.actor_kind == "person"))
    wanted = requester.strip().casefold()
    names = tuple(sorted(one for one in session.scalars(spelled) if one.strip().casefold() == wanted))
    found = _doomed(session, TICKETS.c.requester.in_(names))
    rows = (
        select(COMMENTS.c.id, COMMENTS.c.actor)
        .join(TICKETS, TICKETS.c.id == COMMENTS.c.ticket_id)
        .where(COMMENTS.c.actor.in_(names), COMMENTS.c.actor_kind == "person", TICKETS.c.requester.not_in(names))
        .order_by(COMMENTS.c.id)
    )
    ours = _ours(session)
    said = session.execute(rows).all()
    return Found(
        found, tuple(row.id for row in said if row.actor not in ours), sum(row.actor in ours for row in said), names
    )


def solved_before(session: Session, moment: datetime) -> Found:
    """Tickets that were solved, and that nobody has touched since that moment."""
    return Found(_doomed(session, _is_old(moment)), untouched_since=moment)


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
        with database.writing() as session:
            at = clock()
            n = _erase(session, batch, at, found.untouched_since)
            if n:
                audit.note(session, actor, "ticket.erase", f"{why}: {n:,} tickets", at)
        erased += n
    if found.comments or found.names:
        with database.writing() as session:
            n = _erase_elsewhere(session, found)
            if n:
                audit.note(session, actor, "ticket.erase", f"{why}: {n:,} comments on tickets of others", clock())
    answers.forget()
    return erased


def expire(
    database: Database, days: int, actor: Actor, clock: Callable[[], datetime], go_on: Callable[[], bool]
) -> int:
    """Erase the texts of tickets that were solved and not touched for so many days; how many they were."""
    with database.reading() as session:
        found = solved_before(session, clock() - timedelta(days=days))
    return erase(database, found, of_age(days), actor, clock, go_on)


def of_age(days: int) -> str:
    """What the audit log says of tickets that were kept long enough."""
    return f"solved and not touched for {days:,} days"


def tidy_up(database: Database, state: Path, now: float) -> bool:
    """Let what was erased, now or before, leave the files of database and home; False where it must be tried again, as
    SQLite's could not be written anew."""
    sweep(state, now)
    with database.reading() as session:
        was = audit.ever(session, "ticket.erase")
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
    key = secrets.read("erasure", _KEY)
    if not key:
        key = dice.token_hex(32)
        secrets.keep("erasure", key, _KEY)
    return "requester " + hmac.new(key.encode(), requester.strip().casefold().encode(), hashlib.sha256).hexdigest()[:16]


def _doomed(session: Session, which: ColumnElement[bool]) -> tuple[Doomed, ...]:
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
        for row in session.execute(rows)
    )


def _ours(session: Session) -> frozenset[str]:
    """The names of the desk's own people, and of what speaks for people elsewhere: their deeds stay theirs."""
    tables = (AGENTS, _USERS, _KEYS, CONNECTIONS)
    return frozenset({name for table in tables for name in session.scalars(select(table.c.name))} | {"local"})


def _is_old(moment: datetime) -> ColumnElement[bool]:
    return TICKETS.c.status.not_in(UNSOLVED) & (TICKETS.c.updated_at < moment) & (TICKETS.c.received_at < moment)


def _erase(session: Session, numbers: Collection[int], at: datetime, untouched_since: datetime | None) -> int:
    wanted = select(TICKETS).where(TICKETS.c.id.in_(numbers), TICKETS.c.erased_at.is_(None)).order_by(TICKETS.c.id)
    wanted = wanted if untouched_since is None else wanted.where(_is_old(untouched_since))
    rows = session.execute(wanted.with_for_update()).all()
    if not rows:
        return 0
    names = {row.id: row.requester for row in rows}
    ours = _ours(session)
    gone = dict.fromkeys(("subject", "body", "requester", "organisation", "salt"), "")
    session.execute(
        update(TICKETS).where(TICKETS.c.id.in_(names)).values(**gone, erased_at=at, updated_at=at, fields={})
    )
    session.execute(_LEFT, [_left(row) for row in rows])
    _rename(session, names, ours)
    mine = COMMENTS.c.ticket_id.in_(names)
    session.execute(update(COMMENTS).where(mine).values(text="", shared=False))
    for one in session.execute(select(COMMENTS.c.id, COMMENTS.c.ticket_id, COMMENTS.c.key).where(mine)).all():
        if (key := _without(one.key, names[one.ticket_id], one.id)) != one.key:
            session.execute(update(COMMENTS).where(COMMENTS.c.id == one.id).values(key=key))
    spoken = JOURNEY.c.ticket_id.in_(names) & (JOURNEY.c.actor_kind == "person")
    session.execute(update(JOURNEY).where(spoken).values(why=""))
    session.execute(update(LINKS).where(LINKS.c.ticket_id.in_(names)).values(said=""))
    session.execute(update(MIRROR).where(MIRROR.c.ticket_id.in_(names)).values(version=""))
    session.execute(update(NOTICES).where(NOTICES.c.ticket_id.in_(names)).values(why={}))
    _let_deliveries_go(session, list(names), at)
    Journal.redact(session, list(names), _TELLING, lambda entry: _redacted(entry, names[entry.ticket_id], ours))
    return len(rows)


_LEFT: Final = (
    update(TICKETS)
    .where(TICKETS.c.id == bindparam("number"))
    .values(version=TICKETS.c.version + 1, external_id=bindparam("name"), key=bindparam("sent_as"))
)


def _left(row: Row[Any]) -> dict[str, Any]:
    """What a ticket goes on being called."""
    name, sent_as = (_without(one, row.requester, row.id) for one in (row.external_id, row.key))
    return {"number": row.id, "name": name, "sent_as": sent_as}


def _without(name: str | None, requester: str, number: int) -> str | None:
    """The name of a ticket or of a request in its source, unless it tells who the requester is."""
    tells = name is not None and requester.strip() and requester.strip().casefold() in name.casefold()
    return f"erased-{number}" if tells else name


def _rename(session: Session, names: Mapping[int, str], ours: Collection[str]) -> None:
    """In comments and journeys of tickets (number → requester) nobody is named but the desk's own people."""
    for table in (COMMENTS, JOURNEY):
        people = table.c.ticket_id.in_(names) & (table.c.actor_kind == "person")
        found = session.execute(select(table.c.id, table.c.ticket_id, table.c.actor).where(people)).all()
        called = [(row, _called(row.actor, names[row.ticket_id], ours)) for row in found]
        changed = [{"number": row.id, "called": name} for row, name in called if name != row.actor]
        if changed:
            session.execute(
                update(table).where(table.c.id == bindparam("number")).values(actor=bindparam("called")), changed
            )


def _called(name: str, requester: str, ours: Collection[str]) -> str:
    """How somebody is called in a ticket that is erased."""
    if name in (requester, NAMELESS):
        return NAMELESS
    return name if name in ours else SOMEBODY


def _let_deliveries_go(session: Session, numbers: Collection[int], at: datetime) -> None:
    """What was to be written into foreign tickets is written no more; the texts and hashes of what was are gone."""
    mine = DELIVERIES.c.ticket_id.in_(numbers)
    for row in session.execute(select(DELIVERIES.c.id, DELIVERIES.c.decision).where(mine)).all():
        left = {"marker": f"d{row.decision}-erased-{row.id}", "note": "", "seen_version": "", "why": {}}
        session.execute(update(DELIVERIES).where(DELIVERIES.c.id == row.id).values(**left))
    ended = {"state": DONE, "result": "erased", "ended_at": at, "worker": None}
    session.execute(update(DELIVERIES).where(mine, DELIVERIES.c.state != DONE).values(**ended))


def _redacted(entry: Entry, requester: str, ours: Collection[str]) -> dict[str, Any]:
    """What is left of an entry's content."""
    left = dict(entry.content)
    if "by" in left and left.get("kind", "person") == "person":
        left["by"] = _called(left["by"], requester, ours)
    if "external_id" in left:
        left["external_id"] = _without(left["external_id"], requester, entry.ticket_id)
    if "delivery" in left:
        left["delivery"] = str(left["delivery"]).partition("-")[0]
    if "why" in left:
        left["why"] = {}
    return left


def _erase_elsewhere(session: Session, found: Found) -> int:
    """Comments on tickets of others lose their text and who said it; how many."""
    ours = _ours(session)
    names = [name for name in found.names if name not in ours]
    said = COMMENTS.c.actor.in_(names) & (COMMENTS.c.actor_kind == "person")
    n = session.scalar(select(func.count()).select_from(COMMENTS).where(said)) or 0
    touched = set(session.scalars(select(COMMENTS.c.ticket_id).where(said)))
    for row in session.execute(select(COMMENTS.c.id, COMMENTS.c.key, COMMENTS.c.actor).where(said)).all():
        left = {"text": "", "shared": False, "actor": SOMEBODY, "key": _without(row.key, row.actor, row.id)}
        session.execute(update(COMMENTS).where(COMMENTS.c.id == row.id).values(**left))
    stepped = JOURNEY.c.actor.in_(names) & (JOURNEY.c.actor_kind == "person")
    touched |= set(session.scalars(select(JOURNEY.c.ticket_id).where(stepped)))
    session.execute(update(JOURNEY).where(stepped).values(actor=SOMEBODY, why=""))

    def nameless(entry: Entry) -> dict[str, Any]:
        return entry.content | ({"by": SOMEBODY} if entry.content.get("by") in names else {})

    for some in _some(sorted(touched)):
        Journal.redact(session, some, _TELLING, nameless)
    return n


def _some(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + BATCH] for start in range(0, len(numbers), BATCH))
