"""The road of a ticket: predict, decide, and place it in one transaction.

In comes a ticket, out goes the answer that its sender gets, the same one however often the ticket is sent.
`route_ticket` alone opens and commits the transaction; desk and journal take its session. A ticket is never refused
because of the model: what can't be scored goes to triage with the reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from deskyard.desk import catalogue as floor
from deskyard.desk import ticket_history, tickets
from deskyard.desk.ticket_history import HistoryStep
from deskyard.desk.tickets import LABEL_FIELDS
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.ticket import PLACING_TARGETS, Ticket
from deskyard.inference.decide import ProposedRouting
from deskyard.journal.journal import Journal, JournalEntry
from deskyard.policy.policy import Policy, RoutingResult
from deskyard.policy.versions import Policies
from deskyard.review import blind_review
from deskyard.sync.notifications import EVENT_ROUTED, EVENT_WAITING
from service.runtime import judge
from service.runtime.context import AppContext, Notifier
from service.runtime.model_watcher import Champion
from service.tickets import decision_record
from service.tickets.decision_record import Decided, InForce, Judged


@dataclass(frozen=True, slots=True)
class IncomingTicket:
    """A ticket as it came in; `key` names the request of one without an id: sent again, it is no second ticket."""

    ticket: Ticket
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RoutingReceipt:
    """What the sender is told, and whether the ticket is new."""

    answer: dict[str, Any]
    is_new: bool


def route_ticket(context: AppContext, ticket: Ticket, key: str | None = None) -> RoutingReceipt:
    """Place a ticket. What is answered is stored."""
    return route_batch(context, [IncomingTicket(ticket, key)])[0]


def route_batch(context: AppContext, arrivals: Sequence[IncomingTicket]) -> list[RoutingReceipt]:
    """Place tickets in one transaction, in order; all of them are stored, or none is and it raises."""
    with context.database.reading() as conn:
        answers = [_stored_answer(conn, arrival) for arrival in arrivals]
        in_force = Policies.current(conn).policy
    champion, at = context.models.champion, datetime.now(UTC)
    new = {i: _with_filing_time(arrivals[i].ticket, at) for i, answer in enumerate(answers) if answer is None}
    deciding = decision_record.InForce(champion, in_force, at)
    judged = deciding.judge(new)
    if new:
        with context.database.writing() as conn:
            whole = floor.load_catalogue(conn, *_candidate_values(one.judgement for one in judged.values()))
            placed = _RoutingTransaction(deciding)
            for i, ticket in new.items():
                placed.file_ticket(conn, i, ticket, arrivals[i].key, judged[i], whole)
            entries = placed.record_decisions(conn)
            placed.select_for_blind_review(conn, entries)
            if context.notifier is not None:
                placed.notify(conn, context.notifier, entries)
            for i, ticket in new.items():  # those not placed were delivered a second time in the same moment
                if i in entries:
                    answers[i] = RoutingReceipt(_build_answer(entries[i].ticket_id, ticket, at, entries[i]), True)
                else:
                    answers[i] = _stored_answer(conn, arrivals[i])
    return [_require_answer(answer) for answer in answers]


class _RoutingTransaction:
    """Tickets being filed in one transaction, and what the journal and their journeys will say of it."""

    def __init__(self, deciding: InForce) -> None:
        self.deciding, self.at = deciding, deciding.at
        self.decided: dict[int, Decided] = {}

    def file_ticket(
        self, conn: Connection, i: int, ticket: Ticket, key: str | None, judged: Judged, whole: Catalogue
    ) -> None:
        """File a ticket where its judgement sends it, unless it is there already."""
        catalogue = whole.subset(judged.judgement.candidate_queues, judged.judgement.candidate_agents)
        verdict = judged.judgement.apply_catalogue(catalogue)
        queue, values = verdict.placement.queue, {change.field: change.value for change in verdict.changes}
        number = tickets.file_ticket(conn, ticket, queue, values, at=self.at, key=key, salt=judged.seal.salt)
        if number is None:
            return
        seen = {"source": ticket.source, "external_id": ticket.id or None}
        self.decided[i] = Decided(self.deciding.stamp(number, judged), verdict, catalogue, seen, queue)

    def record_decisions(self, conn: Connection) -> dict[int, JournalEntry]:
        """Write it all down; the decision of each ticket that was placed."""
        entries = decision_record.record(conn, list(self.decided.values()))
        made = dict(zip(self.decided, entries, strict=True))
        journeys = {}
        for i, one in self.decided.items():
            journeys[one.stamp.ticket_id] = list(self._steps(one.verdict, made[i].id))
        ticket_history.add_steps_by_ticket(conn, journeys)
        return made

    def select_for_blind_review(self, conn: Connection, entries: Mapping[int, JournalEntry]) -> None:
        """A share of what was routed will be sorted by a person who does not see where."""
        share = self.deciding.policy.effective_blind_review_rate
        routed = {
            one.stamp.ticket_id: entries[i].id
            for i, one in self.decided.items()
            if one.verdict.placement.reason.code in PLACING_TARGETS
            and blind_review.is_sampled(one.stamp.ticket_hash, share)
        }
        blind_review.request_reviews(conn, routed, self.at)

    def notify(self, conn: Connection, hands: Notifier, entries: Mapping[int, JournalEntry]) -> None:
        """Whoever wants to know is told of each ticket that was placed."""
        for i, one in self.decided.items():
            placement = one.verdict.placement
            event = EVENT_ROUTED if placement.reason.code in PLACING_TARGETS else EVENT_WAITING
            hands.enqueue_notices(conn, one.stamp.ticket_id, placement.queue, entries[i].id, event)

    def _steps(self, verdict: RoutingResult, decision: int) -> Iterator[HistoryStep]:
        machine = Actor("machine", self.deciding.champion.digest or "deskyard")
        placement = verdict.placement
        yield HistoryStep(self.at, machine, "queue", None, placement.queue, placement.reason.text, decision)
        for change in verdict.changes:
            actor = machine if change.source == "machine" else Actor("rule", "desk")
            yield HistoryStep(self.at, actor, change.field, None, change.value, change.reason, decision)


def score_tickets(
    champion: Champion, policy: Policy, catalogue: Catalogue, tickets: Sequence[Ticket], *, explain: bool = False
) -> dict[str, Any]:
    """What `route_ticket` would do with each ticket, and why the model thinks so; nothing is read or written."""
    at = datetime.now(UTC)
    tickets = [_with_filing_time(ticket, at) for ticket in tickets]
    items = [
        judge.verdict_to_json(judgement.apply_catalogue(catalogue))
        for judgement in judge.judge(champion, policy, tickets, at.date())
    ]
    if explain:
        items = [
            item | judge.explanation_to_json(champion, ticket) for item, ticket in zip(items, tickets, strict=True)
        ]
    return {"items": items, "model": champion.digest, "policy": policy.digest}


def _with_filing_time(ticket: Ticket, at: datetime) -> Ticket:
    """The ticket with a time of filing: its own, or that it came at."""
    return replace(ticket, created_at=ticket.created_at or at)


def _candidate_values(judgements: Iterable[ProposedRouting]) -> tuple[frozenset[str], frozenset[str]]:
    """The queues and agents that any of them could choose."""
    queues, agents = frozenset[str](), frozenset[str]()
    for judgement in judgements:
        queues, agents = queues | judgement.candidate_queues, agents | judgement.candidate_agents
    return queues, agents


def _require_answer(answer: RoutingReceipt | None) -> RoutingReceipt:
    if answer is None:
        raise LookupError("a ticket that was just found is gone")
    return answer


def _stored_answer(conn: Connection, arrival: IncomingTicket) -> RoutingReceipt | None:
    """The first answer again, if the ticket was here before."""
    known = tickets.find_existing(conn, arrival.ticket.source, arrival.ticket.id, arrival.key)
    if known is None:
        return None
    entry = Journal.first_decision(conn, known.id)
    if entry is None:
        raise LookupError(f"ticket {known.id} has no decision in the journal")
    changed = _with_filing_time(arrival.ticket, known.ticket.created_at or known.received_at) != known.ticket
    return RoutingReceipt(_build_answer(known.id, known.ticket, known.received_at, entry) | {"changed": changed}, False)


def _build_answer(number: int, ticket: Ticket, received_at: datetime, entry: JournalEntry) -> dict[str, Any]:
    """What the sender is told, made from what is stored and never changes."""
    content = entry.content
    return {
        "ticket": {
            "id": str(number),
            "source": ticket.source,
            "external_id": ticket.id or None,
            "queue": content["placement"]["queue"],
            **{name: content["set"].get(name) for name in LABEL_FIELDS},
            "created_at": _iso(ticket.created_at or received_at),
            "received_at": _iso(received_at),
        },
        "decisions": content["decisions"],
        "placement": content["placement"],
        "decision": str(entry.id),
        "model": entry.bundle,
        "policy": entry.policy,
        "changed": False,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
