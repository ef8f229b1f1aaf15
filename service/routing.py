"""The road of a ticket: predict, decide, and place it in one transaction.

In comes a ticket, out goes the answer that its sender gets, the same one however often the ticket is sent. `route`
alone opens and commits the transaction; desk and journal take its session. A ticket is never refused because of the
model: what can't be scored goes to triage with the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from deskyard.database import Database, Session
from deskyard.desk import floor, journey, tickets
from deskyard.desk.journey import Actor, Step
from deskyard.desk.tickets import LABELS, Filed
from deskyard.journal import DECIDED, PLACED, SEEN, Entry, Journal, Stamp, fingerprint
from deskyard.policies import Policies
from deskyard.ticket import Ticket
from service import judging
from service.models import Models

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Yard:
    """What routing works with: the database and the models."""

    database: Database
    models: Models


def route(yard: Yard, ticket: Ticket, key: str | None = None) -> tuple[dict[str, Any], bool]:
    """Place a ticket; the answer, and whether the ticket is new. What is answered is stored.

    `key` names the request of a ticket without an id, so that sending it again is not a second ticket.
    """
    with yard.database.reading() as session:
        known = tickets.known(session, ticket.source, ticket.id, key)
        if known is not None:
            return _first_answer(session, known, ticket), False
        in_force = Policies.current(session).policy
    champion = yard.models.champion
    at = datetime.now(UTC)
    new = replace(ticket, created_at=ticket.created_at or at)
    judgement = judging.judge(champion, in_force, [new])[0]
    ticket_hash = fingerprint(new)
    with yard.database.writing() as session:
        catalogue = floor.catalogue(session, judgement.queues, judgement.agents)
        verdict = judgement.enact(catalogue)
        queue, reason = verdict.placement.queue, verdict.placement.reason
        values = {change.field: change.value for change in verdict.changes}
        number = tickets.file(session, new, queue, values, at=at, key=key)
        if number is None:  # another delivery of the same ticket was faster
            return _first_answer(session, _there(tickets.known(session, ticket.source, ticket.id, key)), ticket), False
        stamp = Stamp(number, ticket_hash, at, champion.digest, in_force.digest)
        _, decision, _ = Journal.record(
            session,
            stamp,
            (SEEN, {"source": ticket.source, "external_id": ticket.id or None}),
            (DECIDED, judging.decided(verdict, catalogue)),
            (PLACED, {"queue": queue}),
        )
        actors = {"machine": Actor("machine", champion.digest or "deskyard"), "rule": Actor("rule", "desk")}
        steps = [Step(at, actors["machine"], "queue", None, queue, reason.text, decision.id)]
        steps += [Step(at, actors[c.by], c.field, None, c.value, c.why, decision.id) for c in verdict.changes]
        journey.take(session, number, steps)
    log.info("placed", ticket=number, queue=queue, reason=reason.code, decision=decision.id)
    return _answer(number, new, at, decision), True


def score(yard: Yard, asked: Sequence[Ticket], *, explain: bool = False) -> dict[str, Any]:
    """What `route` would do with each ticket now, and why the model thinks so; nothing is written."""
    at = datetime.now(UTC)
    champion = yard.models.champion
    asked = [replace(ticket, created_at=ticket.created_at or at) for ticket in asked]
    with yard.database.reading() as session:
        in_force = Policies.current(session).policy
        judgements = judging.judge(champion, in_force, asked)
        queues = frozenset().union(*(judgement.queues for judgement in judgements))
        agents = frozenset().union(*(judgement.agents for judgement in judgements))
        catalogue = floor.catalogue(session, queues, agents)
    items = [judging.plain(judgement.enact(catalogue)) for judgement in judgements]
    if explain:
        items = [item | judging.explained(champion, ticket) for item, ticket in zip(items, asked, strict=True)]
    return {
        "items": items,
        "model": champion.digest,
        "policy": in_force.digest,
    }


def _there(found: Filed | None) -> Filed:
    if found is None:
        raise LookupError("a ticket that was just found is gone")
    return found


def _first_answer(session: Session, known: Filed, again: Ticket) -> dict[str, Any]:
    entry = Journal.first_decision(session, known.id)
    if entry is None:
        raise LookupError(f"ticket {known.id} has no decision in the journal")
    changed = replace(again, created_at=again.created_at or known.ticket.created_at) != known.ticket
    return _answer(known.id, known.ticket, known.received_at, entry) | {"changed": changed}


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
        "changed": False,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
