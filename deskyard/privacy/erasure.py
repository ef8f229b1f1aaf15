"""Erases what a requester wrote, or the texts of tickets solved long ago, from the database for good.

A ticket keeps its labels, its history and its decisions, so that all counts still add up. Its texts and fields, the
names of its requester and of other outside writers are erased, and with them the salt, without which nobody can check a
guessed text against the hash. What others wrote about somebody in their own tickets is not found. Nothing here asks,
prints, or opens a bundle.
"""

import hashlib
import hmac
import secrets
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
from deskyard.sync import credentials, left_out_mails
from deskyard.text import clean_text_cache

BATCH_SIZE: Final = 200
"""Tickets that one transaction erases; other writers wait for it a fraction of a second."""

TABLE_MAX_AGE: Final = 3_600.0
ATTEMPT_MAX_AGE: Final = 86_400.0 * 2
"""Seconds after which the folder of a killed training is removed: a table of tickets, and an attempt to retrain."""

_KEY_NAME: Final = "AUDIT_KEY"


@dataclass(frozen=True, slots=True)
class TicketToErase:
    """A ticket that is to be erased: its number, its id in its source, when it was received, whether it is unsolved,
    and the connection where it lives ("" for the built-in desk)."""

    number: int
    source: str
    external_id: str
    received_at: datetime
    is_unsolved: bool
    connection: str


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What is to be erased: tickets, the ids of the requester's `comments` on tickets of others, and how many
    `left_out_mails` of theirs became no ticket.

    `kept_comments` counts comments there that stay because their author has the name of one of the desk's own people.
    `requester_names` are the spellings of the requester's name. A ticket that is changed at `untouched_since` or later
    is not erased (None: all are).
    """

    tickets: tuple[TicketToErase, ...]
    comments: tuple[int, ...] = ()
    kept_comments: int = 0
    left_out_mails: int = 0
    requester_names: tuple[str, ...] = ()
    untouched_since: datetime | None = None

    @property
    def unsolved_count(self) -> int:
        """The number of tickets that are unsolved."""
        return sum(one.is_unsolved for one in self.tickets)

    @property
    def mirrored_counts(self) -> Mapping[str, int]:
        """Connection → how many of the tickets live there."""
        return Counter(one.connection for one in self.tickets if one.connection)

    def __bool__(self) -> bool:
        """Whether there is anything to erase."""
        return bool(self.tickets or self.comments or self.left_out_mails)


def find_by_requester(conn: Connection, requester: str) -> ErasurePlan:
    """The tickets and comments of a requester; the case of letters does not matter. Raises BadInput if the name is
    empty or is the one that erased people have."""
    if requester.strip() in ("", ANONYMOUS_REQUESTER, redaction.ANONYMOUS_PERSON):
        raise BadInput("say whose tickets are to be erased: the address or the name that the tickets have")
    spellings = select(TICKETS.c.requester).union(select(COMMENTS.c.actor).where(COMMENTS.c.actor_kind == "person"))
    folded = requester.strip().casefold()
    known = set(conn.scalars(spellings)) | left_out_mails.find_senders(conn)
    names = tuple(sorted(one for one in known if one.strip().casefold() == folded))
    found = _find_tickets(conn, TICKETS.c.requester.in_(names))
    comments_elsewhere = (
        select(COMMENTS.c.id, COMMENTS.c.actor)
        .join(TICKETS, TICKETS.c.id == COMMENTS.c.ticket_id)
        .where(COMMENTS.c.actor.in_(names), COMMENTS.c.actor_kind == "person", TICKETS.c.requester.not_in(names))
        .order_by(COMMENTS.c.id)
    )
    staff = redaction.staff_names(conn)
    rows = conn.execute(comments_elsewhere).all()
    return ErasurePlan(
        found,
        tuple(row.id for row in rows if row.actor not in staff),
        sum(row.actor in staff for row in rows),
        left_out_mails.count_of_senders(conn, names),
        names,
    )


def find_solved_before(conn: Connection, moment: datetime) -> ErasurePlan:
    """The solved tickets that have not changed since `moment`."""
    return ErasurePlan(_find_tickets(conn, redaction.is_untouched_since(moment)), untouched_since=moment)


def apply_erasure(
    database: Database,
    plan: ErasurePlan,
    reason: str,
    actor: Actor,
    clock: Callable[[], datetime],
    should_continue: Callable[[], bool] = lambda: True,
) -> int:
    """Erase what the plan lists and return the number of tickets that were erased now, without those erased before.

    Tickets are erased in batches, each with an entry in the audit log that has the `reason` (which must not hold a
    name). Stops between two batches when `should_continue` returns False.
    """
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
            left_out_mails.delete_of_senders(conn, plan.requester_names)
            if n:
                audit_log.record_action(
                    conn, actor, "ticket.erase", f"{reason}: {format_count(n, 'comment')} on tickets of others", clock()
                )
    shared_answers.clear_caches()
    clean_text_cache.clear()
    return erased


def erase_expired(
    database: Database, days: int, actor: Actor, clock: Callable[[], datetime], should_continue: Callable[[], bool]
) -> int:
    """Erase the solved tickets that have not changed for so many days; returns how many that were."""
    with database.reading() as conn:
        found = find_solved_before(conn, clock() - timedelta(days=days))
    return apply_erasure(database, found, retention_reason(days), actor, clock, should_continue)


def format_count(n: int, noun: str) -> str:
    """A count with its noun, for people.

    >>> format_count(1, "ticket"), format_count(1200, "comment")
    ('1 ticket', '1,200 comments')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def retention_reason(days: int) -> str:
    """The audit log's reason for tickets that were erased because of their age."""
    return f"solved and not touched for {days:,} days"


def clean_up_files(database: Database, state: Path, now: float) -> bool:
    """Remove erased texts from the database's own files and from the folder `state`; False if SQLite's file could not
    be rewritten, so that this has to be called again."""
    remove_stale_folders(state, now)
    with database.reading() as conn:
        has_erased = audit_log.has_action(conn, "ticket.erase")
    return database.scrub() if has_erased else True


def remove_stale_folders(state: Path, now: float) -> int:
    """Remove the folders that killed trainings have left in `state`, which may hold tickets; returns how many.

    A running training needs its table of tickets for minutes only, and an interrupted retraining is resumed within two
    days. `now` is in seconds since 1970.
    """
    folders = [(path, TABLE_MAX_AGE) for path in state.glob(f"{HISTORY_FOLDER_PREFIX}*")]
    folders += [(path, ATTEMPT_MAX_AGE) for path in (state / "training" / "retrain").glob("*/")]
    stale = [path for path, max_age in folders if path.is_dir() and now - path.stat().st_mtime > max_age]
    for path in stale:
        shutil.rmtree(path, ignore_errors=True)
    return len(stale)


def pseudonymise_requester(requester: str) -> str:
    """The name of a requester in the audit log: a keyed hash, the same for all spellings of the name.

    The key is a secret of this installation (`DESKYARD_AUDIT_KEY_ERASURE`, or a file beside the other secrets), so that
    nobody can check a guessed name with the database alone.
    """
    key = credentials.read_secret("erasure", _KEY_NAME)
    if not key:
        key = secrets.token_hex(32)
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
