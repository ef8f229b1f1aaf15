"""The road of a ticket: predict, decide, and place it in one transaction.

In comes a ticket, out goes the answer that its sender gets, the same one however often the ticket is sent. `route`
alone opens and commits the transaction; desk and journal take its session. A ticket is never refused because of the
model: what can't be scored goes to triage with the reason.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy.orm import Session

from deskyard import policy
from deskyard.database import Database
from deskyard.decision import Action, Decision, Prediction, Reason
from deskyard.journal import DECIDED, PLACED, SEEN, Entry, Journal, Stamp, described, fingerprint
from deskyard.policies import Policies
from deskyard.policy import TRIAGE, Placement, Policy, Verdict
from deskyard.stores.desk import LABELS, Change, Desk, Filed
from deskyard.ticket import Target, Ticket
from service.models import Champion

if TYPE_CHECKING:
    from deskyard.bundle import Bundle

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Yard:
    """What routing works with: the database and the model in use."""

    database: Database
    champion: Champion


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the evidence allows for a ticket, before anybody looks at the desk.

    `to_triage` says why the ticket can go nowhere but triage.
    """

    decisions: Mapping[Target, Decision]
    policy: Policy
    to_triage: Reason | None

    def enact(self, open_queues: frozenset[str]) -> Verdict:
        """What is done, given the queues that are open."""
        verdict = policy.enact(self.decisions, self.policy, open_queues)
        return verdict if self.to_triage is None else replace(verdict, placement=Placement(TRIAGE, self.to_triage))

    @property
    def wishes(self) -> frozenset[str]:
        """The queues it could go to, if they are open."""
        bound = (self.policy.bound_for(target, decision.label) for target, decision in self.decisions.items())
        return frozenset(queue for queue in (self.policy.fallback, *bound) if queue is not None)


def route(yard: Yard, ticket: Ticket) -> tuple[dict[str, Any], bool]:
    """Place a ticket; the answer, and whether the ticket is new. What is answered is stored."""
    with yard.database.reading() as session:
        known = Desk.find(session, ticket.source, ticket.id) if ticket.id else None
        if known is not None:
            return _first_answer(session, known), False
        in_force = Policies.current(session).policy
    judgement = judge(yard.champion, in_force, [ticket])[0]
    ticket_hash = fingerprint(ticket)
    with yard.database.writing() as session:
        at = datetime.now(UTC)
        open_queues = Desk.open_queues(session, judgement.wishes)
        verdict = judgement.enact(open_queues)
        changes = _changes(verdict)
        number = Desk.place(
            session, ticket, verdict.placement, changes, at=at, actor=yard.champion.digest or "deskyard"
        )
        if number is None:  # another delivery of the same ticket was faster
            return _first_answer(session, _there(Desk.find(session, ticket.source, ticket.id))), False
        stamp = Stamp(number, ticket_hash, at, yard.champion.digest, in_force.digest)
        decided = _plain(verdict) | {
            "set": {change.field: change.value for change in changes},
            "open_queues": sorted(open_queues),
        }
        _, decision, _ = Journal.record(
            session,
            stamp,
            (SEEN, {"source": ticket.source, "external_id": ticket.id or None}),
            (DECIDED, decided),
            (PLACED, {"queue": verdict.placement.queue}),
        )
    reason = verdict.placement.reason.code
    log.info("placed", ticket=number, queue=verdict.placement.queue, reason=reason, decision=decision.id)
    return _answer(number, ticket, at, decision), True


def score(yard: Yard, tickets: Sequence[Ticket]) -> dict[str, Any]:
    """What `route` would do with each ticket now; nothing is written."""
    with yard.database.reading() as session:
        in_force = Policies.current(session).policy
    judgements = judge(yard.champion, in_force, tickets)
    wishes = frozenset().union(*(judgement.wishes for judgement in judgements))
    with yard.database.reading() as session:
        open_queues = Desk.open_queues(session, wishes)
    return {
        "items": [_plain(judgement.enact(open_queues)) for judgement in judgements],
        "model": yard.champion.digest,
        "policy": in_force.digest,
    }


def judge(champion: Champion, in_force: Policy, tickets: Sequence[Ticket]) -> list[Judgement]:
    """Predict and decide; never raises because of the model."""
    if champion.bundle is None:
        missing = champion.missing or Reason("no_model", "there is no model")
        return [Judgement({}, in_force, _empty(ticket) or missing) for ticket in tickets]
    try:
        return [
            _judgement(ticket, beliefs, champion.bundle, in_force)
            for ticket, beliefs in zip(tickets, champion.bundle.predict(tickets), strict=True)
        ]
    except Exception as error:  # whatever goes wrong in a model, the ticket is taken
        if len(tickets) > 1:  # one ticket must not spoil the others
            return [judgement for ticket in tickets for judgement in judge(champion, in_force, [ticket])]
        log.exception("scoring_failed", model=champion.digest)
        failed = Reason("scoring_failed", f"the model failed on this ticket ({type(error).__name__})")
        return [Judgement({}, in_force, _empty(ticket) or failed) for ticket in tickets]


def _there(found: Filed | None) -> Filed:
    if found is None:
        raise LookupError("a ticket that was just found is gone")
    return found


def _judgement(ticket: Ticket, beliefs: Mapping[Target, Prediction], bundle: "Bundle", in_force: Policy) -> Judgement:
    decisions = policy.decide(ticket, beliefs, in_force.contracts(bundle.contracts, beliefs))
    json.dumps(described(decisions), allow_nan=False)  # what JSON has no word for must fail here: triage catches it
    return Judgement(decisions, in_force, _empty(ticket))


def _empty(ticket: Ticket) -> Reason | None:
    return Reason("empty", "the ticket has no text") if ticket.blank else None


def _changes(verdict: Verdict) -> list[Change]:
    """The labels that the ticket gets: what was decided to `route`."""
    return [
        Change(name, decision.label, decision.reasons[0].text)
        for name, decision in verdict.decisions.items()
        if name in LABELS and decision.action is Action.ROUTE and decision.label is not None
    ]


def _plain(verdict: Verdict) -> dict[str, Any]:
    reason = verdict.placement.reason
    return {
        "decisions": described(verdict.decisions),
        "placement": {"queue": verdict.placement.queue, "reason": {"code": reason.code, "text": reason.text}},
    }


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
