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
from deskyard.desk.tickets import DeskTicket
from deskyard.domain.actors import ANONYMOUS_REQUESTER, Actor
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.status import UNSOLVED_STATUSES
from deskyard.domain.ticket import PLACING_TARGETS, TARGETS, Ticket
from deskyard.journal.journal import JournalEntry
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies
from deskyard.sync import mirror
from deskyard.sync.notifications import EVENT_ROUTED
from service.runtime.context import AppContext
from service.tickets import decision_record
from service.tickets.decision_record import Decided, InForce

MAX_ATTEMPTS: Final = 3
"""Times that a ticket which changes meanwhile is looked at."""


@dataclass(frozen=True, slots=True)
class _RescoringInput:
    """A ticket that may be scored again, as it was read: with the answers, by number, and the policy of the moment."""

    desk_ticket: DeskTicket
    ticket: Ticket
    answers: tuple[int, ...]
    policy: Policy


def rescore(context: AppContext, number: int) -> JournalEntry | None:
    """Score a waiting ticket again, and route it if the evidence allows now; the decision, None where none was due."""
    for _ in range(MAX_ATTEMPTS):
        with context.database.reading() as conn:
            asked = _rescoring_input(conn, number)
        champion, at = context.models.champion, datetime.now(UTC)
        if asked is None or champion.bundle is None:
            return None
        deciding = InForce(champion, asked.policy, at)
        judged = deciding.judge({number: asked.ticket}, {number: asked.desk_ticket.salt})[number]
        judgement = judged.judgement
        with context.database.writing() as conn:
            if tickets.get_ticket(conn, number, for_update=True).version != asked.desk_ticket.version:
                continue
            catalogue = floor.load_catalogue(conn, judgement.candidate_queues, judgement.candidate_agents)
            verdict = judgement.apply_catalogue(catalogue)
            wanted: dict[str, str | None] = {one.field: one.value for one in verdict.changes if one.source == "machine"}
            routed = (
                verdict.placement.reason.code in PLACING_TARGETS and verdict.placement.queue != asked.desk_ticket.queue
            )
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
            changes.change_ticket(conn, number, wanted, machine, at=at, why=why, decision=entry.id)
            if routed and context.notifier is not None:
                context.notifier.enqueue_notices(conn, number, verdict.placement.queue, entry.id, EVENT_ROUTED)
        return entry
    return None


def ticket_with_answers(conn: Connection, filed: DeskTicket, numbers: Collection[int]) -> Ticket:
    """The ticket as it was scored: its text, and below it the comments of those numbers."""
    return (
        filed.ticket
        if not numbers
        else _append_answers(filed.ticket, [one for one in comments.list_comments(conn, filed.id) if one.id in numbers])
    )


def is_by_requester(filed: DeskTicket, comment: Comment) -> bool:
    """Whether the requester said it."""
    return comment.actor == requester_actor(filed)


def requester_actor(filed: DeskTicket) -> Actor:
    """Who speaks when the requester does."""
    return Actor("person", filed.ticket.requester or ANONYMOUS_REQUESTER)


def _rescoring_input(conn: Connection, number: int) -> _RescoringInput | None:
    """The ticket with its answers, if it waits in the fallback queue, and people left every label to the machine."""
    filed, policy = tickets.get_ticket(conn, number), Policies.current(conn).policy
    steps = ticket_history.list_steps(conn, number)
    sorted_by_people = any(
        step.field in TARGETS and (step.actor.kind == "person" or step.undoes is not None) for step in steps
    )
    waits = filed.queue in (TRIAGE, policy.fallback) and filed.status in UNSOLVED_STATUSES
    if not waits or filed.erased_at or sorted_by_people or mirror.find_by_ticket(conn, number) is not None:
        return None
    answers = [one for one in comments.list_comments(conn, number) if one.public and is_by_requester(filed, one)]
    if not answers:
        return None
    return _RescoringInput(filed, _append_answers(filed.ticket, answers), tuple(one.id for one in answers), policy)


def _append_answers(ticket: Ticket, answers: Iterable[Comment]) -> Ticket:
    return replace(ticket, body="\n\n".join([ticket.body, *(one.text for one in answers)]))
