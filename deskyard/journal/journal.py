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
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from deskyard.db.tables.journal import JOURNAL_ENTRIES
from deskyard.domain.decision import Decision
from deskyard.domain.ticket import Target, Ticket
from deskyard.text.storable import storable

RECEIVED: Final = "seen"
DECIDED: Final = "decided"
PLACED: Final = "placed"
CORRECTED: Final = "corrected"
CONFIRMED: Final = "confirmed"
CHANGED: Final = "changed"
COMMENTED: Final = "commented"
UNDONE: Final = "undone"
DELIVERY_REQUESTED: Final = "wished"
DELIVERED: Final = "delivered"
"""A ticket came; was decided on; stands in a queue. A person chose another label than the machine, or the same one;
anything else was changed; something was said; a decision was taken back. Something shall be written into a foreign
ticket; what became of that."""

_ADD: Final = insert(JOURNAL_ENTRIES).returning(JOURNAL_ENTRIES.c.id, sort_by_parameter_order=True)
_BY_TICKET: Final = (
    select(JOURNAL_ENTRIES).where(JOURNAL_ENTRIES.c.ticket_id == bindparam("ticket_id")).order_by(JOURNAL_ENTRIES.c.id)
)
_BY_TICKETS: Final = (
    select(JOURNAL_ENTRIES)
    .where(JOURNAL_ENTRIES.c.ticket_id.in_(bindparam("ticket_ids", expanding=True)))
    .order_by(JOURNAL_ENTRIES.c.ticket_id, JOURNAL_ENTRIES.c.id)
)
_FIRST_DECISIONS: Final = (
    select(JOURNAL_ENTRIES)
    .where(JOURNAL_ENTRIES.c.ticket_id.in_(bindparam("ticket_ids", expanding=True)), JOURNAL_ENTRIES.c.kind == DECIDED)
    .order_by(JOURNAL_ENTRIES.c.id.desc())  # the first one stays in the answer
)
_LAST_DECISIONS: Final = _FIRST_DECISIONS.order_by(None).order_by(JOURNAL_ENTRIES.c.id)
_DECISION: Final = select(JOURNAL_ENTRIES).where(
    JOURNAL_ENTRIES.c.id == bindparam("number"), JOURNAL_ENTRIES.c.kind == DECIDED
)
_NEWEST_DECISIONS: Final = (
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
_FIRST_DECISION: Final = _BY_TICKET.where(JOURNAL_ENTRIES.c.kind == DECIDED).limit(1)


@dataclass(frozen=True, slots=True)
class JournalEntry:
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
class EntryHeader:
    """What every entry bears: which ticket, its hash, the moment, and the digests of model and policy."""

    ticket_id: int
    ticket_hash: str
    at: datetime
    bundle: str | None
    policy: str | None


@dataclass(frozen=True, slots=True)
class TicketHash:
    """A ticket's hash (`ticket_hash` of its entries), and the salt that it can be computed with again."""

    salt: str
    ticket_hash: str


_HEADER_FIELDS: Final = tuple(field.name for field in fields(EntryHeader))

EntryDraft = tuple[EntryHeader, str, Mapping[str, Any]]
"""What is written down: stamp, kind and content of an entry."""


class Journal:
    """The doors into the journal; each takes the connection of the transaction it belongs to."""

    @staticmethod
    def record(conn: Connection, header: EntryHeader, *events: tuple[str, Mapping[str, Any]]) -> list[JournalEntry]:
        """Add one entry for each (kind, content), in order; contents are written as JSON, keys in the order given."""
        return Journal.record_all(conn, [(header, kind, content) for kind, content in events])

    @staticmethod
    def record_all(conn: Connection, drafts: Sequence[EntryDraft]) -> list[JournalEntry]:
        """The same for several tickets at once."""
        if not drafts:
            return []
        rows = [
            {**_header_values(stamp), "kind": kind, "content": dump_content(content)} for stamp, kind, content in drafts
        ]
        numbers = conn.execute(_ADD, rows).scalars().all()
        return [
            JournalEntry(**_header_values(stamp), id=int(number), kind=kind, content=dict(content))
            for number, (stamp, kind, content) in zip(numbers, drafts, strict=True)
        ]

    @staticmethod
    def first_decision(conn: Connection, ticket_id: int) -> JournalEntry | None:
        """What was decided when the ticket came; None for a ticket that was never decided on."""
        row = conn.execute(_FIRST_DECISION, {"ticket_id": ticket_id}).first()
        return None if row is None else _to_entry(row)

    @staticmethod
    def first_decisions(conn: Connection, ticket_ids: Collection[int]) -> dict[int, JournalEntry]:
        """What was decided when each of these tickets came."""
        rows = conn.execute(_FIRST_DECISIONS, {"ticket_ids": list(ticket_ids)}) if ticket_ids else ()
        return {row.ticket_id: _to_entry(row) for row in rows}

    @staticmethod
    def last_decisions(conn: Connection, ticket_ids: Collection[int]) -> dict[int, JournalEntry]:
        """What was decided on each of these tickets last."""
        rows = conn.execute(_LAST_DECISIONS, {"ticket_ids": list(ticket_ids)}) if ticket_ids else ()
        return {row.ticket_id: _to_entry(row) for row in rows}

    @staticmethod
    def iter_confirmed(conn: Connection, ticket_ids: Collection[int]) -> Iterator[JournalEntry]:
        """Where people agreed with what the machine had said of these tickets, oldest first."""
        return map(_to_entry, conn.execute(_CONFIRMED, {"ticket_ids": list(ticket_ids)}) if ticket_ids else ())

    @staticmethod
    def find_decision(conn: Connection, number: int) -> JournalEntry | None:
        """The decision with that number."""
        row = conn.execute(_DECISION, {"number": number}).first()
        return None if row is None else _to_entry(row)

    @staticmethod
    def iter_since(conn: Connection, kind: str, moment: datetime) -> Iterator[JournalEntry]:
        """The entries of a kind from a moment on, oldest first."""
        rows = conn.execute(_SINCE, {"kind": kind, "moment": moment}, execution_options={"yield_per": 1000})
        return map(_to_entry, rows)

    @staticmethod
    def newest_decisions(conn: Connection, n: int) -> list[int]:
        """The numbers of the newest `n` decisions, newest first."""
        return list(conn.scalars(_NEWEST_DECISIONS, {"n": n}))

    @staticmethod
    def make_header(conn: Connection, ticket_id: int, at: datetime) -> EntryHeader:
        """What a new entry about a known ticket bears: the hash, model and policy of its first decision."""
        first = Journal.first_decision(conn, ticket_id)
        if first is None:
            raise LookupError(f"ticket {ticket_id} has no decision in the journal")
        return EntryHeader(ticket_id, first.ticket_hash, at, first.bundle, first.policy)

    @staticmethod
    def list_entries(conn: Connection, ticket_id: int) -> list[JournalEntry]:
        """Everything about one ticket, oldest first."""
        return [_to_entry(row) for row in conn.execute(_BY_TICKET, {"ticket_id": ticket_id})]

    @staticmethod
    def iter_entries(conn: Connection, ticket_ids: Collection[int]) -> Iterator[JournalEntry]:
        """Everything about these tickets, in order."""
        return map(_to_entry, conn.execute(_BY_TICKETS, {"ticket_ids": list(ticket_ids)})) if ticket_ids else iter(())

    @staticmethod
    def redact(
        conn: Connection,
        ticket_ids: Collection[int],
        kinds: Collection[str],
        redact_content: Callable[[JournalEntry], dict[str, Any]],
    ) -> None:
        """Write what is left of the contents of these tickets' entries without names, as what they wrote is erased."""
        mine = _BY_TICKETS.where(JOURNAL_ENTRIES.c.kind.in_(list(kinds)))
        entries = map(_to_entry, conn.execute(mine, {"ticket_ids": list(ticket_ids)}).all())
        after = [(entry, redact_content(entry)) for entry in entries]
        changed = [{"number": one.id, "left": dump_content(left)} for one, left in after if left != one.content]
        if changed:
            conn.execute(_REDACT, changed)


_REDACT: Final = (
    update(JOURNAL_ENTRIES).where(JOURNAL_ENTRIES.c.id == bindparam("number")).values(content=bindparam("left"))
)


def _header_values(header: EntryHeader) -> dict[str, Any]:
    return {name: getattr(header, name) for name in _HEADER_FIELDS}


def fingerprint_ticket(ticket: Ticket) -> str:
    """SHA-256 of what a decision was made from, as 64 hexadecimal characters.

    The ticket's id is left out: the built-in desk gives it only after the decision.

    >>> from deskyard.domain.ticket import Ticket
    >>> fingerprint_ticket(Ticket(id="1", subject="VPN")) == fingerprint_ticket(Ticket(id="2", subject="VPN"))
    True
    >>> fingerprint_ticket(Ticket(id="1", subject="VPN")) == fingerprint_ticket(Ticket(id="1", body="VPN"))
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


def hash_ticket(ticket: Ticket, salt: str | None = None) -> TicketHash:
    """A ticket's keyed hash: HMAC-SHA-256 of its fingerprint under its salt (None: a new one).

    >>> from deskyard.domain.ticket import Ticket
    >>> one = hash_ticket(Ticket(id="1", subject="VPN"))
    >>> hash_ticket(Ticket(id="1", subject="VPN"), one.salt) == one, hash_ticket(Ticket(id="1", subject="VPN")) == one
    (True, False)
    """
    salt = new_salt() if salt is None else salt
    return TicketHash(salt, hmac.new(salt.encode(), fingerprint_ticket(ticket).encode(), hashlib.sha256).hexdigest())


def dump_content(content: Mapping[str, Any]) -> str:
    """A content as the journal keeps it: JSON, keys in the order given; NaN and infinities raise ValueError."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def decisions_to_dict(decisions: Mapping[Target, Decision]) -> dict[str, Any]:
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


def _to_entry(row: Row[Any]) -> JournalEntry:
    return JournalEntry(**{**row._mapping, "content": json.loads(row.content)})


def new_salt() -> str:
    """A key for the hashes of one ticket: 32 hexadecimal characters that nobody can guess."""
    return secrets.token_hex(16)
