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
from deskyard.domain.actors import ANONYMOUS_REQUESTER, Actor
from deskyard.domain.status import UNSOLVED_STATUSES
from deskyard.errors import BadInput
from deskyard.journal import audit_log
from deskyard.privacy import redaction
from deskyard.settings import HISTORY_FOLDER_PREFIX
from deskyard.sync import credentials

BATCH_SIZE: Final = 200
"""Tickets that one transaction erases: writers wait for a fraction of a second, and what was cut off goes on."""

TABLE_MAX_AGE: Final = 3_600.0
ATTEMPT_MAX_AGE: Final = 86_400.0 * 2
"""Seconds after which nobody comes back to what a killed training has left."""

_KEY_NAME: Final = "AUDIT_KEY"


@dataclass(frozen=True, slots=True)
class TicketToErase:
    """A ticket that is to be erased: its number, its name in its source, when it came, whether anybody still works on
    it, and the connection that it mirrors ("" for the desk's own)."""

    number: int
    source: str
    external_id: str
    received_at: datetime
    is_unsolved: bool
    connection: str


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What there is to forget: tickets; numbers of comments on tickets of others. `kept` are comments there that stay,
    as they were written by one of the desk's own people. `names` are the requester's name as it was spelled. Those
    tickets stay that somebody has touched from `untouched_since` on (None: none)."""

    tickets: tuple[TicketToErase, ...]
    comments: tuple[int, ...] = ()
    kept_comments: int = 0
    requester_names: tuple[str, ...] = ()
    untouched_since: datetime | None = None

    @property
    def unsolved_count(self) -> int:
        """How many of the tickets somebody still works on."""
        return sum(one.is_unsolved for one in self.tickets)

    @property
    def mirrored_counts(self) -> Mapping[str, int]:
        """Connection → how many of the tickets only mirror one that lives there."""
        return Counter(one.connection for one in self.tickets if one.connection)

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.tickets or self.comments)


def find_by_requester(conn: Connection, requester: str) -> ErasurePlan:
    """What a requester wrote, whether in capital or small letters. Raises BadInput for nobody's name."""
    if requester.strip() in ("", ANONYMOUS_REQUESTER, redaction.ANONYMOUS_PERSON):
        raise BadInput("say whose tickets are to be erased: an address or a name, as it stands in them")
    spelled = select(TICKETS.c.requester).union(select(COMMENTS.c.actor).where(COMMENTS.c.actor_kind == "person"))
    wanted = requester.strip().casefold()
    names = tuple(sorted(one for one in conn.scalars(spelled) if one.strip().casefold() == wanted))
    found = _find_tickets(conn, TICKETS.c.requester.in_(names))
    rows = (
        select(COMMENTS.c.id, COMMENTS.c.actor)
        .join(TICKETS, TICKETS.c.id == COMMENTS.c.ticket_id)
        .where(COMMENTS.c.actor.in_(names), COMMENTS.c.actor_kind == "person", TICKETS.c.requester.not_in(names))
        .order_by(COMMENTS.c.id)
    )
    ours = redaction.staff_names(conn)
    said = conn.execute(rows).all()
    return ErasurePlan(
        found, tuple(row.id for row in said if row.actor not in ours), sum(row.actor in ours for row in said), names
    )


def find_solved_before(conn: Connection, moment: datetime) -> ErasurePlan:
    """Tickets that were solved, and that nobody has touched since that moment."""
    return ErasurePlan(_find_tickets(conn, redaction.is_untouched_since(moment)), untouched_since=moment)


def apply_erasure(
    database: Database,
    plan: ErasurePlan,
    reason: str,
    actor: Actor,
    clock: Callable[[], datetime],
    should_continue: Callable[[], bool] = lambda: True,
) -> int:
    """Erase what was found, batch by batch, each with its line in the audit log (`why`: never anybody's name); how many
    tickets that were. Erased before, a ticket is not counted again. `go_on` may end it between two batches."""
    erased = 0
    for batch in _batches([one.number for one in plan.tickets]):
        if not should_continue():
            return erased
        with database.writing() as conn:
            at = clock()
            n = redaction.redact_tickets(conn, batch, at, plan.untouched_since)
            if n:
                audit_log.record_action(conn, actor, "ticket.erase", f"{reason}: {format_count(n, 'ticket')}", at)
        erased += n
    if plan.comments or plan.requester_names:
        with database.writing() as conn:
            n = redaction.redact_comments_elsewhere(conn, plan.requester_names)
            if n:
                audit_log.record_action(
                    conn, actor, "ticket.erase", f"{reason}: {format_count(n, 'comment')} on tickets of others", clock()
                )
    shared_answers.clear_caches()
    return erased


def erase_expired(
    database: Database, days: int, actor: Actor, clock: Callable[[], datetime], should_continue: Callable[[], bool]
) -> int:
    """Erase the texts of tickets that were solved and not touched for so many days; how many they were."""
    with database.reading() as conn:
        found = find_solved_before(conn, clock() - timedelta(days=days))
    return apply_erasure(database, found, retention_reason(days), actor, clock, should_continue)


def format_count(n: int, noun: str) -> str:
    """A number of things.

    >>> format_count(1, "ticket"), format_count(1200, "comment")
    ('1 ticket', '1,200 comments')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def retention_reason(days: int) -> str:
    """What the audit log says of tickets that were kept long enough."""
    return f"solved and not touched for {days:,} days"


def clean_up_files(database: Database, state: Path, now: float) -> bool:
    """Let what was erased, now or before, leave the files of database and home; False where it must be tried again, as
    SQLite's could not be written anew."""
    remove_stale_folders(state, now)
    with database.reading() as conn:
        was = audit_log.has_action(conn, "ticket.erase")
    return database.scrub() if was else True


def remove_stale_folders(state: Path, now: float) -> int:
    """Remove what trainings that were killed have left in the home, tickets of the desk among it; how many folders.

    A table of tickets lives for moments, and what a retraining has finished is taken up again within two days.
    """
    left = [(path, TABLE_MAX_AGE) for path in state.glob(f"{HISTORY_FOLDER_PREFIX}*")]
    left += [(path, ATTEMPT_MAX_AGE) for path in (state / "training" / "retrain").glob("*/")]
    old = [path for path, lives in left if path.is_dir() and now - path.stat().st_mtime > lives]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return len(old)


def pseudonymise_requester(requester: str) -> str:
    """A requester as the audit log tells of one: a keyed hash of the name, the same for however it is spelled.

    The key is a secret of this installation (`DESKYARD_AUDIT_KEY_ERASURE`, or a file beside the other secrets), so
    whoever has the database alone can't tell a guessed name.
    """
    key = credentials.read_secret("erasure", _KEY_NAME)
    if not key:
        key = dice.token_hex(32)
        credentials.save_secret("erasure", key, _KEY_NAME)
    return "requester " + hmac.new(key.encode(), requester.strip().casefold().encode(), hashlib.sha256).hexdigest()[:16]


def _find_tickets(conn: Connection, condition: ColumnElement[bool]) -> tuple[TicketToErase, ...]:
    rows = (
        select(
            TICKETS.c.id, TICKETS.c.source, TICKETS.c.external_id, TICKETS.c.received_at, TICKETS.c.status,
            CONNECTIONS.c.name,
        )
        .outerjoin(MIRROR, MIRROR.c.ticket_id == TICKETS.c.id)
        .outerjoin(CONNECTIONS, CONNECTIONS.c.id == MIRROR.c.connection_id)
        .where(condition, TICKETS.c.erased_at.is_(None))
        .order_by(TICKETS.c.id)
    )  # fmt: skip
    return tuple(
        TicketToErase(
            row.id, row.source, row.external_id or "", row.received_at, row.status in UNSOLVED_STATUSES, row.name or ""
        )
        for row in conn.execute(rows)
    )


def _batches(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + BATCH_SIZE] for start in range(0, len(numbers), BATCH_SIZE))
