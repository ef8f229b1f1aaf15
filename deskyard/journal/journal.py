"""The journal: an append-only record of the tickets that were received, decided on and changed.

Only `Journal.redact` changes entries: it removes the names of people when a ticket is erased. The journal holds
numbers, hashes and decisions, never the text of a ticket, so that a ticket can be erased and all counts stay the same.
The hash of a ticket is keyed with a salt that is stored and erased with its text; after that, nobody can check a
guessed text against the hash. The caller commits.
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
from deskyard.domain.label_spelling import is_same_label
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
"""The kinds of entries: a ticket was received, decided on, placed in a queue; a person chose another label than the
model or agreed with it; another field was changed; a comment was added; a decision was undone; values are to be written
into a ticket of another help desk; the result of that."""

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
    .order_by(JOURNAL_ENTRIES.c.id.desc())  # of each ticket the last row, its first decision, stays in the dict
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
    """One entry. `bundle` and `policy` are digests; `bundle` is None if no model was in use."""

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
    """What every entry has: ticket, its hash, time, and the digests of bundle and policy."""

    ticket_id: int
    ticket_hash: str
    at: datetime
    bundle: str | None
    policy: str | None


@dataclass(frozen=True, slots=True)
class TicketHash:
    """A ticket's hash (`ticket_hash` of its entries), and the salt that is needed to compute it again."""

    salt: str
    ticket_hash: str


_HEADER_FIELDS: Final = tuple(field.name for field in fields(EntryHeader))

EntryDraft = tuple[EntryHeader, str, Mapping[str, Any]]
"""Header, kind and content of an entry that is to be added."""


class Journal:
    """Reads and adds entries, in the caller's transaction."""

    @staticmethod
    def record(conn: Connection, header: EntryHeader, *events: tuple[str, Mapping[str, Any]]) -> list[JournalEntry]:
        """Add an entry for each (kind, content), in order, and return the entries. Contents are stored as JSON with the
        keys in the order given."""
        return Journal.record_all(conn, [(header, kind, content) for kind, content in events])

    @staticmethod
    def record_all(conn: Connection, drafts: Sequence[EntryDraft]) -> list[JournalEntry]:
        """Like `record`, for several tickets at once."""
        if not drafts:
            return []
        rows = [
            {**_header_values(header), "kind": kind, "content": dump_content(content)}
            for header, kind, content in drafts
        ]
        numbers = conn.execute(_ADD, rows).scalars().all()
        return [
            JournalEntry(**_header_values(header), id=int(number), kind=kind, content=dict(content))
            for number, (header, kind, content) in zip(numbers, drafts, strict=True)
        ]

    @staticmethod
    def first_decision(conn: Connection, ticket_id: int) -> JournalEntry | None:
        """The first decision on a ticket; None if there is none."""
        row = conn.execute(_FIRST_DECISION, {"ticket_id": ticket_id}).first()
        return None if row is None else _to_entry(row)

    @staticmethod
    def first_decisions(conn: Connection, ticket_ids: Collection[int]) -> dict[int, JournalEntry]:
        """Ticket → its first decision; tickets without one are absent."""
        rows = conn.execute(_FIRST_DECISIONS, {"ticket_ids": list(ticket_ids)}) if ticket_ids else ()
        return {row.ticket_id: _to_entry(row) for row in rows}

    @staticmethod
    def last_decisions(conn: Connection, ticket_ids: Collection[int]) -> dict[int, JournalEntry]:
        """Ticket → its last decision; tickets without one are absent."""
        rows = conn.execute(_LAST_DECISIONS, {"ticket_ids": list(ticket_ids)}) if ticket_ids else ()
        return {row.ticket_id: _to_entry(row) for row in rows}

    @staticmethod
    def iter_confirmed(conn: Connection, ticket_ids: Collection[int]) -> Iterator[JournalEntry]:
        """The confirmations of these tickets' predictions by people, oldest first."""
        return map(_to_entry, conn.execute(_CONFIRMED, {"ticket_ids": list(ticket_ids)}) if ticket_ids else ())

    @staticmethod
    def find_decision(conn: Connection, number: int) -> JournalEntry | None:
        """The decision with this number; None if there is none."""
        row = conn.execute(_DECISION, {"number": number}).first()
        return None if row is None else _to_entry(row)

    @staticmethod
    def iter_since(conn: Connection, kind: str, moment: datetime) -> Iterator[JournalEntry]:
        """The entries of a kind since a moment, oldest first."""
        rows = conn.execute(_SINCE, {"kind": kind, "moment": moment}, execution_options={"yield_per": 1000})
        return map(_to_entry, rows)

    @staticmethod
    def newest_decisions(conn: Connection, n: int) -> list[int]:
        """The numbers of the newest `n` decisions, newest first."""
        return list(conn.scalars(_NEWEST_DECISIONS, {"n": n}))

    @staticmethod
    def make_header(conn: Connection, ticket_id: int, at: datetime) -> EntryHeader:
        """The header of a new entry about a ticket, with the hash, bundle and policy of its first decision. Raises
        LookupError if it has none."""
        first = Journal.first_decision(conn, ticket_id)
        if first is None:
            raise LookupError(f"ticket {ticket_id} has no decision in the journal")
        return EntryHeader(ticket_id, first.ticket_hash, at, first.bundle, first.policy)

    @staticmethod
    def list_entries(conn: Connection, ticket_id: int) -> list[JournalEntry]:
        """All entries about a ticket, oldest first."""
        return [_to_entry(row) for row in conn.execute(_BY_TICKET, {"ticket_id": ticket_id})]

    @staticmethod
    def iter_entries(conn: Connection, ticket_ids: Collection[int]) -> Iterator[JournalEntry]:
        """All entries about these tickets, ticket by ticket, oldest first."""
        return map(_to_entry, conn.execute(_BY_TICKETS, {"ticket_ids": list(ticket_ids)})) if ticket_ids else iter(())

    @staticmethod
    def redact(
        conn: Connection,
        ticket_ids: Collection[int],
        kinds: Collection[str],
        redact_content: Callable[[JournalEntry], dict[str, Any]],
    ) -> None:
        """Replace the content of these tickets' entries of these kinds by what `redact_content` returns for each."""
        query = _BY_TICKETS.where(JOURNAL_ENTRIES.c.kind.in_(list(kinds)))
        entries = map(_to_entry, conn.execute(query, {"ticket_ids": list(ticket_ids)}).all())
        redacted = [(entry, redact_content(entry)) for entry in entries]
        changed = [
            {"number": entry.id, "new_content": dump_content(content)}
            for entry, content in redacted
            if content != entry.content
        ]
        if changed:
            conn.execute(_REDACT, changed)


_REDACT: Final = (
    update(JOURNAL_ENTRIES).where(JOURNAL_ENTRIES.c.id == bindparam("number")).values(content=bindparam("new_content"))
)


def _header_values(header: EntryHeader) -> dict[str, Any]:
    return {name: getattr(header, name) for name in _HEADER_FIELDS}


def fingerprint_ticket(ticket: Ticket) -> str:
    """The SHA-256 of everything about a ticket that a decision depends on, as 64 hexadecimal characters.

    The id is not part of it: the built-in desk assigns it only after the decision.

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
    """The keyed hash of a ticket: HMAC-SHA-256 of its fingerprint, with its salt as the key (None: a new one).

    >>> from deskyard.domain.ticket import Ticket
    >>> one = hash_ticket(Ticket(id="1", subject="VPN"))
    >>> hash_ticket(Ticket(id="1", subject="VPN"), one.salt) == one, hash_ticket(Ticket(id="1", subject="VPN")) == one
    (True, False)
    """
    salt = new_salt() if salt is None else salt
    return TicketHash(salt, hmac.new(salt.encode(), fingerprint_ticket(ticket).encode(), hashlib.sha256).hexdigest())


def dump_content(content: Mapping[str, Any]) -> str:
    """The content of an entry as it is stored: JSON, keys in the order given. Raises ValueError for NaN and infinite
    numbers."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def decisions_to_dict(decisions: Mapping[Target, Decision]) -> dict[str, Any]:
    """Decisions as JSON values, for the journal and the API. Numbers are the same, bit for bit, when read back."""
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


def is_same_value(decided: Mapping[str, Any], target: str, one: str | None, other: str | None) -> bool:
    """Whether two values of a target are one label, for the desk as it was when `decided` (the content of a decision)
    was recorded: spellings of a label are one, two names of the desk are two.

    >>> is_same_value({"catalogue": {"queues": {"VPN": {}}, "agents": {}}}, "queue", "vpn", "VPN")
    True
    """
    names = decided.get("catalogue", {}).get({"queue": "queues", "assignee": "agents"}.get(target), ())
    return is_same_label(one, other, names)


def _to_entry(row: Row[Any]) -> JournalEntry:
    return JournalEntry(**{**row._mapping, "content": json.loads(row.content)})


def new_salt() -> str:
    """A new random salt for the hashes of one ticket: 32 hexadecimal characters."""
    return secrets.token_hex(16)
