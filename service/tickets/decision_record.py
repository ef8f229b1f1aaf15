"""The one way in which decisions are made and recorded in the journal.

It is used for new tickets (`service.tickets.routing`), tickets of external help desks (`service.sync.ingest`) and
tickets that are scored again (`service.tickets.rescoring`). Tickets are scored and hashed before the transaction; the
decisions are recorded within it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection

from deskyard.domain.catalogue import Catalogue
from deskyard.domain.ticket import Ticket
from deskyard.inference.decide import ProposedRouting
from deskyard.journal.journal import (
    DECIDED,
    PLACED,
    RECEIVED,
    EntryDraft,
    EntryHeader,
    Journal,
    JournalEntry,
    TicketHash,
    hash_ticket,
)
from deskyard.policy.policy import Policy, RoutingResult
from service.runtime import judge
from service.runtime.model_watcher import Champion

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class ProposedDecision:
    """The routing that the model and the policy propose for a ticket, and the hash of that ticket."""

    proposal: ProposedRouting
    hashed: TicketHash


@dataclass(frozen=True, slots=True)
class DecisionDraft:
    """A decision to be recorded in the journal.

    `catalogue`: the part of the desk's catalogue on which the result depends. `received`: the source of a new ticket
    (None: the ticket is not new). `queue`: the queue in which the ticket is from now on (None: as before). `extra`:
    further members of the journal entry.
    """

    header: EntryHeader
    routing: RoutingResult
    catalogue: Catalogue
    received: Mapping[str, Any] | None = None
    queue: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """The model, the policy and the time (with time zone) of decisions."""

    champion: Champion
    policy: Policy
    at: datetime

    def propose(
        self, tickets: Mapping[_Key, Ticket], salts: Mapping[_Key, str] | None = None
    ) -> dict[_Key, ProposedDecision]:
        """Score and hash each ticket; nothing is read or written. `salts`: the salts of tickets that have one."""
        proposals = judge.judge(self.champion, self.policy, list(tickets.values()), self.at.date())
        salts = salts or {}
        return {
            key: ProposedDecision(proposal, hash_ticket(ticket, salts.get(key)))
            for (key, ticket), proposal in zip(tickets.items(), proposals, strict=True)
        }

    def make_header(self, number: int, proposed: ProposedDecision) -> EntryHeader:
        """The header of the journal entries on that ticket."""
        return EntryHeader(number, proposed.hashed.ticket_hash, self.at, self.champion.digest, self.policy.digest)


def record(conn: Connection, decisions: Sequence[DecisionDraft]) -> list[JournalEntry]:
    """Record decisions in the journal, each between the entries "received" and "placed" of its ticket if there are any.
    Returns the entries of the decisions, in the given order."""
    drafts: list[EntryDraft] = []
    for one in decisions:
        if one.received is not None:
            drafts.append((one.header, RECEIVED, one.received))
        drafts.append((one.header, DECIDED, judge.decision_record(one.routing, one.catalogue) | dict(one.extra)))
        if one.queue is not None:
            drafts.append((one.header, PLACED, {"queue": one.queue}))
    return [entry for entry in Journal.record_all(conn, drafts) if entry.kind == DECIDED]
