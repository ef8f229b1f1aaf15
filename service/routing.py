"""The road of a ticket: predict, decide, and place it in one transaction.

In comes a ticket, out goes the answer that its sender gets, the same one however often the ticket is sent. `route`
alone opens and commits the transaction; desk and journal take its session. A ticket is never refused because of the
model: what can't be scored goes to triage with the reason.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from sqlalchemy.orm import Session

from deskyard import policy
from deskyard.database import Database
from deskyard.decision import Action, Decision, Reason
from deskyard.journal import DECIDED, PLACED, SEEN, Entry, Journal, Stamp, described, fingerprint
from deskyard.policy import TRIAGE, Placement, Policy
from deskyard.stores.desk import LABELS, Change, Desk, Filed
from deskyard.ticket import Target, Ticket
from service.models import Champion

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Yard:
    """What routing works with: the database, the model in use and the policy."""

    database: Database
    champion: Champion
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is thought of a ticket before anybody looks at the desk; `to_triage` says why it can go nowhere else."""

    decisions: Mapping[Target, Decision]
    described: dict[str, Any]
    to_triage: Reason | None

    def placement(self, open_queues: frozenset[str]) -> Placement:
        """The queue, given those that are open."""
        if self.to_triage is not None:
            return Placement(TRIAGE, self.to_triage)
        return policy.place(self.decisions, open_queues)

    @property
    def wishes(self) -> frozenset[str]:
        """The queues it could go to, if they are open."""
        return frozenset(
            decision.label
            for decision in self.decisions.values()
            if decision.action is Action.ROUTE and decision.label is not None
        )


def route(yard: Yard, ticket: Ticket) -> tuple[dict[str, Any], bool]:
    """Place a ticket; the answer, and whether the ticket is new. What is answered is stored."""
    if ticket.id:
        with yard.database.reading() as session:
            known = Desk.find(session, ticket.source, ticket.id)
            if known is not None:
                return _first_answer(session, known), False
    judgement = judge(yard, [ticket])[0]
    ticket_hash = fingerprint(ticket)
    with yard.database.writing() as session:
        at = datetime.now(UTC)
        placement = judgement.placement(Desk.open_queues(session, judgement.wishes))
        changes = _changes(judgement.decisions, placement)
        number = Desk.place(session, ticket, placement, changes, at=at, actor=yard.champion.digest or "deskyard")
        if number is None:  # another delivery of the same ticket was faster
            return _first_answer(session, _there(Desk.find(session, ticket.source, ticket.id))), False
        stamp = Stamp(number, ticket_hash, at, yard.champion.digest, yard.policy.digest)
        decided = {
            "decisions": judgement.described,
            "placement": _plain(placement),
            "set": {change.field: change.value for change in changes},
        }
        _, decision, _ = Journal.record(
            session,
            stamp,
            (SEEN, {"source": ticket.source, "external_id": ticket.id or None}),
            (DECIDED, decided),
            (PLACED, {"queue": placement.queue}),
        )
    log.info("placed", ticket=number, queue=placement.queue, reason=placement.reason.code, decision=decision.id)
    return _answer(number, ticket, at, decision), True


def score(yard: Yard, tickets: Sequence[Ticket]) -> dict[str, Any]:
    """What `route` would do with each ticket now; nothing is written."""
    judgements = judge(yard, tickets)
    wishes = frozenset().union(*(judgement.wishes for judgement in judgements))
    with yard.database.reading() as session:
        open_queues = Desk.open_queues(session, wishes)
    return {
        "items": [
            {"decisions": judgement.described, "placement": _plain(judgement.placement(open_queues))}
            for judgement in judgements
        ],
        "model": yard.champion.digest,
        "policy": yard.policy.digest,
    }


def judge(yard: Yard, tickets: Sequence[Ticket]) -> list[Judgement]:
    """Predict and decide; never raises because of the model."""
    champion = yard.champion
    if champion.bundle is None:
        missing = champion.missing or Reason("no_model", "there is no model")
        return [Judgement({}, {}, _empty(ticket) or missing) for ticket in tickets]
    try:
        contracts = champion.bundle.contracts(yard.policy.precision)
        return [
            _judgement(ticket, policy.decide(ticket, beliefs, contracts))
            for ticket, beliefs in zip(tickets, champion.bundle.predict(tickets), strict=True)
        ]
    except Exception as error:  # whatever goes wrong in a model, the ticket is taken
        if len(tickets) > 1:  # one ticket must not spoil the others
            return [judgement for ticket in tickets for judgement in judge(yard, [ticket])]
        log.exception("scoring_failed", model=champion.digest)
        failed = Reason("scoring_failed", f"the model failed on this ticket ({type(error).__name__})")
        return [Judgement({}, {}, _empty(ticket) or failed) for ticket in tickets]


def _there(found: Filed | None) -> Filed:
    if found is None:
        raise LookupError("a ticket that was just found is gone")
    return found


def _judgement(ticket: Ticket, decisions: Mapping[Target, Decision]) -> Judgement:
    plain = described(decisions)
    json.dumps(plain, allow_nan=False)  # a number that JSON has no word for must fail here, where triage catches it
    return Judgement(decisions, plain, _empty(ticket))


def _empty(ticket: Ticket) -> Reason | None:
    return None if ticket.subject.strip() or ticket.body.strip() else Reason("empty", "the ticket has no text")


def _changes(decisions: Mapping[Target, Decision], placement: Placement) -> list[Change]:
    """The labels that the ticket gets: what was decided to `route`, and an assignee only outside triage."""
    return [
        Change(name, decision.label, decision.reasons[0].text)
        for name, decision in decisions.items()
        if name in LABELS
        and decision.action is Action.ROUTE
        and decision.label is not None
        and (name != "assignee" or placement.queue != TRIAGE)
    ]


def _plain(placement: Placement) -> dict[str, Any]:
    return {"queue": placement.queue, "reason": {"code": placement.reason.code, "text": placement.reason.text}}


def _first_answer(session: Session, known: Filed) -> dict[str, Any]:
    entry = Journal.first_decision(session, known.id)
    if entry is None:
        raise LookupError(f"ticket {known.id} has no decision in the journal")
    return _answer(known.id, known.ticket, known.received_at, entry)


def _answer(number: int, ticket: Ticket, received_at: datetime, entry: Entry) -> dict[str, Any]:
    """What the sender is told, made from what is stored and never changes."""
    content = entry.content
    return {
        "ticket": {
            "id": str(number),
            "source": ticket.source,
            "external_id": ticket.id or None,
            "queue": content["placement"]["queue"],
            **{name: content["set"].get(name) for name in LABELS},
            "created_at": _iso(ticket.created_at or received_at),
            "received_at": _iso(received_at),
        },
        "decisions": content["decisions"],
        "placement": content["placement"],
        "decision": str(entry.id),
        "model": entry.bundle,
        "policy": entry.policy,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
