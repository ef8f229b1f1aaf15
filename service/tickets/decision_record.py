"""Decisions on tickets: judged and sealed before the transaction, stamped and recorded in the journal within it.

New tickets of the desk (`service.tickets.routing`), tickets of other help desks (`service.sync.ingest`) and tickets
that are scored again (`service.tickets.rescoring`) are all decided on here, so that the journal says the same of each.
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
from service.runtime import judge as judging
from service.runtime.model_watcher import Champion

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Judged:
    """What the model and the policy say of a ticket, and the hash of the ticket it was said of."""

    judgement: ProposedRouting
    seal: TicketHash


@dataclass(frozen=True, slots=True)
class Decided:
    """What is done with a ticket, and what the journal keeps of it.

    `catalogue` is the part of the desk's that the verdict hung on. `seen` says where a ticket that is new came from
    (None: it was here before), `place` the queue it stands in from now on (None: where it stood). `more` is added to
    the content of the decision.
    """

    stamp: EntryHeader
    verdict: RoutingResult
    catalogue: Catalogue
    seen: Mapping[str, Any] | None = None
    place: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InForce:
    """The model and the policy that tickets are decided by, and the moment (with its time zone)."""

    champion: Champion
    policy: Policy
    at: datetime

    def judge(self, asked: Mapping[_Key, Ticket], salts: Mapping[_Key, str] | None = None) -> dict[_Key, Judged]:
        """Each ticket judged and sealed; nothing is read or written. `salts` are those of tickets that have one."""
        judgements = judging.judge(self.champion, self.policy, list(asked.values()), self.at.date())
        kept = salts or {}
        return {
            key: Judged(judgement, hash_ticket(ticket, kept.get(key)))
            for (key, ticket), judgement in zip(asked.items(), judgements, strict=True)
        }

    def stamp(self, number: int, judged: Judged) -> EntryHeader:
        """What the journal's entries on that ticket bear."""
        return EntryHeader(number, judged.seal.ticket_hash, self.at, self.champion.digest, self.policy.digest)


def record(conn: Connection, decided: Sequence[Decided]) -> list[JournalEntry]:
    """Write decisions into the journal, each after where its ticket came from and before where it stands; returns the
    entries of the decisions, in the order given."""
    events: list[EntryDraft] = []
    for one in decided:
        if one.seen is not None:
            events.append((one.stamp, RECEIVED, one.seen))
        events.append((one.stamp, DECIDED, judging.decision_record(one.verdict, one.catalogue) | dict(one.more)))
        if one.place is not None:
            events.append((one.stamp, PLACED, {"queue": one.place}))
    return [entry for entry in Journal.record_all(conn, events) if entry.kind == DECIDED]
