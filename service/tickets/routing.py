"""Routing of new tickets: predict, decide and place a ticket in one transaction.

A ticket that is sent again gets its first answer again. A ticket is never refused because of the model: one that can't
be scored goes to triage with the reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from deskyard.desk import catalogue as desk_catalogue
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
from service.tickets.decision_record import DecisionContext, DecisionDraft, ProposedDecision


@dataclass(frozen=True, slots=True)
class IncomingTicket:
    """A new ticket; `key` identifies the request of a ticket without an id, so that a repeated request adds none."""

    ticket: Ticket
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RoutingReceipt:
    """The answer to the sender, and whether the ticket is new."""

    answer: dict[str, Any]
    is_new: bool


def route_ticket(context: AppContext, ticket: Ticket, key: str | None = None) -> RoutingReceipt:
    """Route one ticket in a transaction of its own; when this returns, it is stored."""
    return route_batch(context, [IncomingTicket(ticket, key)])[0]


def route_batch(context: AppContext, arrivals: Sequence[IncomingTicket]) -> list[RoutingReceipt]:
    """Route tickets in one transaction, in order. Either all are stored, or an exception is raised and none is."""
    with context.database.reading() as conn:
        answers = [_stored_answer(conn, arrival) for arrival in arrivals]
        policy = Policies.current(conn).policy
    champion, at = context.models.champion, datetime.now(UTC)
    new = {i: _with_filing_time(arrivals[i].ticket, at) for i, answer in enumerate(answers) if answer is None}
    decision_context = DecisionContext(champion, policy, at)
    proposed = decision_context.propose(new)
    if new:
        with context.database.writing() as conn:
            catalogue = desk_catalogue.load_catalogue(
                conn, *_candidate_values(one.proposal for one in proposed.values())
            )
            transaction = _RoutingTransaction(decision_context)
            for i, ticket in new.items():
                transaction.file_ticket(conn, i, ticket, arrivals[i].key, proposed[i], catalogue)
            entries = transaction.record_decisions(conn)
            transaction.select_for_blind_review(conn, entries)
            if context.notifier is not None:
                transaction.notify(conn, context.notifier, entries)
            for i, ticket in new.items():  # one without an entry was sent twice at the same time
                if i in entries:
                    answers[i] = RoutingReceipt(_build_answer(entries[i].ticket_id, ticket, at, entries[i]), True)
                else:
                    answers[i] = _stored_answer(conn, arrivals[i])
    return [_require_answer(answer) for answer in answers]


class _RoutingTransaction:
    """Files tickets and records their decisions and history in one transaction."""

    def __init__(self, decision_context: DecisionContext) -> None:
        self.decision_context, self.at = decision_context, decision_context.at
        self.decisions: dict[int, DecisionDraft] = {}

    def file_ticket(
        self, conn: Connection, i: int, ticket: Ticket, key: str | None, proposed: ProposedDecision, desk: Catalogue
    ) -> None:
        """File a ticket in the queue that is proposed for it, unless it is stored already."""
        catalogue = desk.subset(proposed.proposal.candidate_queues, proposed.proposal.candidate_agents)
        result = proposed.proposal.apply_catalogue(catalogue)
        queue, values = result.placement.queue, {change.field: change.value for change in result.changes}
        number = tickets.file_ticket(conn, ticket, queue, values, at=self.at, key=key, salt=proposed.hashed.salt)
        if number is None:
            return
        received = {"source": ticket.source, "external_id": ticket.id or None}
        self.decisions[i] = DecisionDraft(
            self.decision_context.make_header(number, proposed), result, catalogue, received, queue
        )

    def record_decisions(self, conn: Connection) -> dict[int, JournalEntry]:
        """Record the decisions and the history; returns the decision of each ticket that was filed, by its index."""
        entries = decision_record.record(conn, list(self.decisions.values()))
        recorded = dict(zip(self.decisions, entries, strict=True))
        histories = {}
        for i, one in self.decisions.items():
            histories[one.header.ticket_id] = list(self._steps(one.routing, recorded[i].id))
        ticket_history.add_steps_by_ticket(conn, histories)
        return recorded

    def select_for_blind_review(self, conn: Connection, entries: Mapping[int, JournalEntry]) -> None:
        """Request blind reviews of a random share of the routed tickets."""
        share = self.decision_context.policy.effective_blind_review_rate
        routed = {
            one.header.ticket_id: entries[i].id
            for i, one in self.decisions.items()
            if one.routing.placement.reason.code in PLACING_TARGETS
            and blind_review.is_sampled(one.header.ticket_hash, share)
        }
        blind_review.request_reviews(conn, routed, self.at)

    def notify(self, conn: Connection, notifier: Notifier, entries: Mapping[int, JournalEntry]) -> None:
        """Enqueue the notices about each ticket that was filed."""
        for i, one in self.decisions.items():
            placement = one.routing.placement
            event = EVENT_ROUTED if placement.reason.code in PLACING_TARGETS else EVENT_WAITING
            notifier.enqueue_notices(conn, one.header.ticket_id, placement.queue, entries[i].id, event)

    def _steps(self, result: RoutingResult, decision: int) -> Iterator[HistoryStep]:
        machine = Actor("machine", self.decision_context.champion.digest or "deskyard")
        placement = result.placement
        yield HistoryStep(self.at, machine, "queue", None, placement.queue, placement.reason.text, decision)
        for change in result.changes:
            actor = machine if change.source == "machine" else Actor("rule", "desk")
            yield HistoryStep(self.at, actor, change.field, None, change.value, change.reason, decision)


def score_tickets(
    champion: Champion, policy: Policy, catalogue: Catalogue, tickets: Sequence[Ticket], *, explain: bool = False
) -> dict[str, Any]:
    """What `route_ticket` would do with each ticket, as JSON values; nothing is read or written. `explain`: with
    explanations of the predictions."""
    at = datetime.now(UTC)
    tickets = [_with_filing_time(ticket, at) for ticket in tickets]
    items = [
        judge.verdict_to_json(proposal.apply_catalogue(catalogue))
        for proposal in judge.judge(champion, policy, tickets, at.date())
    ]
    if explain:
        items = [
            item | judge.explanation_to_json(champion, ticket) for item, ticket in zip(items, tickets, strict=True)
        ]
    return {"items": items, "model": champion.digest, "policy": policy.digest}


def _with_filing_time(ticket: Ticket, at: datetime) -> Ticket:
    """The ticket with its creation time; `at` if it has none."""
    return replace(ticket, created_at=ticket.created_at or at)


def _candidate_values(proposals: Iterable[ProposedRouting]) -> tuple[frozenset[str], frozenset[str]]:
    """The queues and the agents that occur in any of the proposals."""
    queues, agents = frozenset[str](), frozenset[str]()
    for proposal in proposals:
        queues, agents = queues | proposal.candidate_queues, agents | proposal.candidate_agents
    return queues, agents


def _require_answer(answer: RoutingReceipt | None) -> RoutingReceipt:
    if answer is None:
        raise LookupError("a ticket that existed a moment ago is gone")
    return answer


def _stored_answer(conn: Connection, arrival: IncomingTicket) -> RoutingReceipt | None:
    """The first answer, if the ticket is stored already, else None."""
    stored = tickets.find_existing(conn, arrival.ticket.source, arrival.ticket.id, arrival.key)
    if stored is None:
        return None
    entry = Journal.first_decision(conn, stored.id)
    if entry is None:
        raise LookupError(f"ticket {stored.id} has no decision in the journal")
    changed = _with_filing_time(arrival.ticket, stored.ticket.created_at or stored.received_at) != stored.ticket
    return RoutingReceipt(
        _build_answer(stored.id, stored.ticket, stored.received_at, entry) | {"changed": changed}, False
    )


def _build_answer(number: int, ticket: Ticket, received_at: datetime, entry: JournalEntry) -> dict[str, Any]:
    """The answer to the sender, built from stored values that never change."""
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
