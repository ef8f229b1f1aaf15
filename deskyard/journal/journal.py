"""The journal: what was seen, decided and done, in the order it happened. Entries are added, and changed by one deed
only: when a ticket is erased, `Journal.redact` takes people's names out.

In come a connection (whose owner commits), a ticket's number and facts; out go entries. It keeps numbers, hashes and
decisions, never a ticket's text, so that a ticket can be erased and its history still adds up. A ticket's hash is keyed
with a salt that is kept beside the text and goes with it: then nobody can tell a guessed text by its hash. Nothing
else writes history.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from deskyard.db.tables.base import storable
from deskyard.db.tables.journal import JOURNAL_ENTRIES
from deskyard.desk.tickets import new_salt
from deskyard.domain.decision import Decision
from deskyard.domain.ticket import Target, Ticket

SEEN: Final = "seen"
DECIDED: Final = "decided"
PLACED: Final = "placed"
CORRECTED: Final = "corrected"
CONFIRMED: Final = "confirmed"
CHANGED: Final = "changed"
COMMENTED: Final = "commented"
UNDONE: Final = "undone"
WISHED: Final = "wished"
DELIVERED: Final = "delivered"
"""A ticket came; was decided on; stands in a queue. A person chose another label than the machine, or the same one;
anything else was changed; something was said; a decision was taken back. Something shall be written into a foreign
ticket; what became of that."""

_ADD: Final = insert(JOURNAL_ENTRIES).returning(JOURNAL_ENTRIES.c.id, sort_by_parameter_order=True)
_READ: Final = (
    select(JOURNAL_ENTRIES).where(JOURNAL_ENTRIES.c.ticket_id == bindparam("ticket_id")).order_by(JOURNAL_ENTRIES.c.id)
)
_READ_ALL: Final = (
    select(JOURNAL_ENTRIES)
    .where(JOURNAL_ENTRIES.c.ticket_id.in_(bindparam("ticket_ids", expanding=True)))
    .order_by(JOURNAL_ENTRIES.c.ticket_id, JOURNAL_ENTRIES.c.id)
)
_FIRSTS: Final = (
    select(JOURNAL_ENTRIES)
    .where(JOURNAL_ENTRIES.c.ticket_id.in_(bindparam("ticket_ids", expanding=True)), JOURNAL_ENTRIES.c.kind == DECIDED)
    .order_by(JOURNAL_ENTRIES.c.id.desc())  # the first one stays in the answer
)
_LASTS: Final = _FIRSTS.order_by(None).order_by(JOURNAL_ENTRIES.c.id)
_DECISION: Final = select(JOURNAL_ENTRIES).where(
    JOURNAL_ENTRIES.c.id == bindparam("number"), JOURNAL_ENTRIES.c.kind == DECIDED
)
_NEWEST: Final = (
    select(JOURNAL_ENTRIES.c.id)
    .where(JOURNAL_ENTRIES.c.kind == DECIDED)
    .order_by(JOURNAL_ENTRIES.c.id.desc())
    .limit(bindparam("n"))
)
_SINCE: Final = (
    select(JOURNAL_ENTRIES)
    .where(JOURNAL_ENTRIES.c.kind == bindparam("kind"), JOURNAL_ENTRIES.c.at >= bindparam("moment"))
    .order_by(JOURNAL_ENTRIES.c.at)
)
_CONFIRMED: Final = (
    select(JOURNAL_ENTRIES)
    .where(
        JOURNAL_ENTRIES.c.ticket_id.in_(bindparam("ticket_ids", expanding=True)), JOURNAL_ENTRIES.c.kind == CONFIRMED
    )
    .order_by(JOURNAL_ENTRIES.c.id)
)
_FIRST: Final = _READ.where(JOURNAL_ENTRIES.c.kind == DECIDED).limit(1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `bundle` and `policy` are digests, and `bundle` is None where no model took part."""

    id: int
    at: datetime
    kind: str
    ticket_id: int
    ticket_hash: str
    bundle: str | None
    policy: str | None
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What every entry bears: which ticket, its hash, the moment, and the digests of model and policy."""

    ticket_id: int
    ticket_hash: str
    at: datetime
    bundle: str | None
    policy: str | None


@dataclass(frozen=True, slots=True)
class Seal:
    """A ticket's hash (`ticket_hash` of its entries), and the salt that it can be computed with again."""

    salt: str
    ticket_hash: str


_STAMPED: Final = tuple(field.name for field in fields(Stamp))

Event = tuple[Stamp, str, Mapping[str, Any]]
"""What is written down: stamp, kind and content of an entry."""


class Journal:
    """The doors into the journal; each takes the connection of the transaction it belongs to."""

    @staticmethod
    def record(conn: Connection, stamp: Stamp, *events: tuple[str, Mapping[str, Any]]) -> list[Entry]:
        """Add one entry for each (kind, content), in order; contents are written as JSON, keys in the order given."""
        return Journal.record_all(conn, [(stamp, kind, content) for kind, content in events])

    @staticmethod
    def record_all(conn: Connection, events: Sequence[Event]) -> list[Entry]:
        """The same for several tickets at once."""
        if not events:
            return []
        rows = [{**_borne(stamp), "kind": kind, "content": written(content)} for stamp, kind, content in events]
        numbers = conn.execute(_ADD, rows).scalars().all()
        return [
            Entry(**_borne(stamp), id=int(number), kind=kind, content=dict(content))
            for number, (stamp, kind, content) in zip(numbers, events, strict=True)
        ]

    @staticmethod
    def first_decision(conn: Connection, ticket_id: int) -> Entry | None:
        """What was decided when the ticket came; None for a ticket that was never decided on."""
        row = conn.execute(_FIRST, {"ticket_id": ticket_id}).first()
        return None if row is None else _entry(row)

    @staticmethod
    def first_decisions(conn: Connection, ticket_ids: Collection[int]) -> dict[int, Entry]:
        """What was decided when each of these tickets came."""
        rows = conn.execute(_FIRSTS, {"ticket_ids": list(ticket_ids)}) if ticket_ids else ()
        return {row.ticket_id: _entry(row) for row in rows}

    @staticmethod
    def last_decisions(conn: Connection, ticket_ids: Collection[int]) -> dict[int, Entry]:
        """What was decided on each of these tickets last."""
        rows = conn.execute(_LASTS, {"ticket_ids": list(ticket_ids)}) if ticket_ids else ()
        return {row.ticket_id: _entry(row) for row in rows}

    @staticmethod
    def confirmed(conn: Connection, ticket_ids: Collection[int]) -> Iterator[Entry]:
        """Where people agreed with what the machine had said of these tickets, oldest first."""
        return map(_entry, conn.execute(_CONFIRMED, {"ticket_ids": list(ticket_ids)}) if ticket_ids else ())

    @staticmethod
    def decision(conn: Connection, number: int) -> Entry | None:
        """The decision with that number."""
        row = conn.execute(_DECISION, {"number": number}).first()
        return None if row is None else _entry(row)

    @staticmethod
    def since(conn: Connection, kind: str, moment: datetime) -> Iterator[Entry]:
        """The entries of a kind from a moment on, oldest first."""
        rows = conn.execute(_SINCE, {"kind": kind, "moment": moment}, execution_options={"yield_per": 1000})
        return map(_entry, rows)

    @staticmethod
    def newest_decisions(conn: Connection, n: int) -> list[int]:
        """The numbers of the newest `n` decisions, newest first."""
        return list(conn.scalars(_NEWEST, {"n": n}))

    @staticmethod
    def stamp(conn: Connection, ticket_id: int, at: datetime) -> Stamp:
        """What a new entry about a known ticket bears: the hash, model and policy of its first decision."""
        first = Journal.first_decision(conn, ticket_id)
        if first is None:
            raise LookupError(f"ticket {ticket_id} has no decision in the journal")
        return Stamp(ticket_id, first.ticket_hash, at, first.bundle, first.policy)

    @staticmethod
    def of(conn: Connection, ticket_id: int) -> list[Entry]:
        """Everything about one ticket, oldest first."""
        return [_entry(row) for row in conn.execute(_READ, {"ticket_id": ticket_id})]

    @staticmethod
    def of_all(conn: Connection, ticket_ids: Collection[int]) -> Iterator[Entry]:
        """Everything about these tickets, in order."""
        return map(_entry, conn.execute(_READ_ALL, {"ticket_ids": list(ticket_ids)})) if ticket_ids else iter(())

    @staticmethod
    def redact(
        conn: Connection,
        ticket_ids: Collection[int],
        kinds: Collection[str],
        without: Callable[[Entry], dict[str, Any]],
    ) -> None:
        """Write what is left of the contents of these tickets' entries without names, as what they wrote is erased."""
        mine = _READ_ALL.where(JOURNAL_ENTRIES.c.kind.in_(list(kinds)))
        entries = map(_entry, conn.execute(mine, {"ticket_ids": list(ticket_ids)}).all())
        after = [(entry, without(entry)) for entry in entries]
        changed = [{"number": one.id, "left": written(left)} for one, left in after if left != one.content]
        if changed:
            conn.execute(_REDACT, changed)


_REDACT: Final = (
    update(JOURNAL_ENTRIES).where(JOURNAL_ENTRIES.c.id == bindparam("number")).values(content=bindparam("left"))
)


def _borne(stamp: Stamp) -> dict[str, Any]:
    return {name: getattr(stamp, name) for name in _STAMPED}


def fingerprint(ticket: Ticket) -> str:
    """SHA-256 of what a decision was made from, as 64 hexadecimal characters.

    The ticket's id is left out: the built-in desk gives it only after the decision.

    >>> from deskyard.domain.ticket import Ticket
    >>> fingerprint(Ticket(id="1", subject="VPN")) == fingerprint(Ticket(id="2", subject="VPN"))
    True
    >>> fingerprint(Ticket(id="1", subject="VPN")) == fingerprint(Ticket(id="1", body="VPN"))
    False
    """
    facts = {
        "source": ticket.source,
        "subject": ticket.subject,
        "body": ticket.body,
        "channel": ticket.channel,
        "language": ticket.language,
        "requester": ticket.requester,
        "organisation": ticket.organisation,
        "created_at": ticket.created_at and ticket.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "fields": dict(ticket.fields),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def seal(ticket: Ticket, salt: str | None = None) -> Seal:
    """A ticket's keyed hash: HMAC-SHA-256 of its fingerprint under its salt (None: a new one).

    >>> from deskyard.domain.ticket import Ticket
    >>> one = seal(Ticket(id="1", subject="VPN"))
    >>> seal(Ticket(id="1", subject="VPN"), one.salt) == one, seal(Ticket(id="1", subject="VPN")) == one
    (True, False)
    """
    salt = new_salt() if salt is None else salt
    return Seal(salt, hmac.new(salt.encode(), fingerprint(ticket).encode(), hashlib.sha256).hexdigest())


def written(content: Mapping[str, Any]) -> str:
    """A content as the journal keeps it: JSON, keys in the order given; NaN and infinities raise ValueError."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def described(decisions: Mapping[Target, Decision]) -> dict[str, Any]:
    """Decisions as the plain values that the journal keeps and the API answers.

    Numbers survive the way through JSON and back bit for bit.
    """
    return {
        target: {
            "label": None if decision.label is None else storable(decision.label),
            "confidence": float(decision.confidence),
            "action": decision.action.value,
            "top": [{"label": storable(label), "confidence": float(share)} for label, share in decision.top],
            "reasons": [{"code": reason.code, "text": storable(reason.text)} for reason in decision.reasons],
        }
        for target, decision in decisions.items()
    }


def _entry(row: Row[Any]) -> Entry:
    return Entry(**{**row._mapping, "content": json.loads(row.content)})
