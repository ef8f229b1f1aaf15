"""A requester's answer scores a ticket again that waits for a person: what was asked back may say where it belongs.

In comes a ticket's number, out goes a new decision in the journal, by the same rules as the first, on the ticket's text
with the answers below it. People win: where anybody chose a label, took the ticket back, or moved it, nothing happens.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from deskyard.desk import catalogue as floor
from deskyard.desk import changes, comments, ticket_history, tickets
from deskyard.desk.comments import Comment
from deskyard.desk.ticket_history import NAMELESS, Actor
from deskyard.desk.tickets import Filed
from deskyard.domain.status import UNSOLVED
from deskyard.domain.ticket import TARGETS, Ticket
from deskyard.journal.journal import Entry
from deskyard.policy.policy import PLACING, TRIAGE, Policy
from deskyard.policy.versions import Policies
from deskyard.sync import mirror
from deskyard.sync.notifications import ROUTED
from service.runtime.context import Yard
from service.tickets import decision_record
from service.tickets.decision_record import Decided, InForce

TRIES: Final = 3
"""Times that a ticket which changes meanwhile is looked at."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A ticket that may be scored again, as it was read: with the answers, by number, and the policy of the moment."""

    filed: Filed
    ticket: Ticket
    answers: tuple[int, ...]
    policy: Policy


def again(yard: Yard, number: int) -> Entry | None:
    """Score a waiting ticket again, and route it if the evidence allows now; the decision, None where none was due."""
    for _ in range(TRIES):
        with yard.database.reading() as conn:
            asked = _asked(conn, number)
        champion, at = yard.models.champion, datetime.now(UTC)
        if asked is None or champion.bundle is None:
            return None
        deciding = InForce(champion, asked.policy, at)
        judged = deciding.judge({number: asked.ticket}, {number: asked.filed.salt})[number]
        judgement = judged.judgement
        with yard.database.writing() as conn:
            if tickets.get(conn, number, to_change=True).version != asked.filed.version:
                continue
            catalogue = floor.catalogue(conn, judgement.queues, judgement.agents)
            verdict = judgement.enact(catalogue)
            wanted: dict[str, str | None] = {one.field: one.value for one in verdict.changes if one.by == "machine"}
            routed = verdict.placement.reason.code in PLACING and verdict.placement.queue != asked.filed.queue
            if routed:
                wanted["queue"] = verdict.placement.queue
            decided = Decided(
                deciding.stamp(number, judged),
                verdict,
                catalogue,
                place=verdict.placement.queue if routed else None,
                more={"answers": list(asked.answers)},
            )
            entry = decision_record.record(conn, [decided])[0]
            machine, why = Actor("machine", champion.digest or "deskyard"), verdict.placement.reason.text
            changes.change(conn, number, wanted, machine, at=at, why=why, decision=entry.id)
            if routed and yard.hands is not None:
                yard.hands.told(conn, number, verdict.placement.queue, entry.id, ROUTED)
        return entry
    return None


def with_answers(conn: Connection, filed: Filed, numbers: Collection[int]) -> Ticket:
    """The ticket as it was scored: its text, and below it the comments of those numbers."""
    return (
        filed.ticket
        if not numbers
        else _joined(filed.ticket, [one for one in comments.of(conn, filed.id) if one.id in numbers])
    )


def by_requester(filed: Filed, comment: Comment) -> bool:
    """Whether the requester said it."""
    return comment.actor == requester(filed)


def requester(filed: Filed) -> Actor:
    """Who speaks when the requester does."""
    return Actor("person", filed.ticket.requester or NAMELESS)


def _asked(conn: Connection, number: int) -> _Asked | None:
    """The ticket with its answers, if it waits in the fallback queue, and people left every label to the machine."""
    filed, policy = tickets.get(conn, number), Policies.current(conn).policy
    steps = ticket_history.of(conn, number)
    sorted_by_people = any(
        step.field in TARGETS and (step.actor.kind == "person" or step.undoes is not None) for step in steps
    )
    waits = filed.queue in (TRIAGE, policy.fallback) and filed.status in UNSOLVED
    if not waits or filed.erased_at or sorted_by_people or mirror.of_ticket(conn, number) is not None:
        return None
    answers = [one for one in comments.of(conn, number) if one.public and by_requester(filed, one)]
    if not answers:
        return None
    return _Asked(filed, _joined(filed.ticket, answers), tuple(one.id for one in answers), policy)


def _joined(ticket: Ticket, answers: Iterable[Comment]) -> Ticket:
    return replace(ticket, body="\n\n".join([ticket.body, *(one.text for one in answers)]))
