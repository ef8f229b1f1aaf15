"""Scoring a waiting ticket again when its requester replies.

The new decision follows the same rules as the first, on the ticket's text with the replies appended. Tickets of which
a person set a label, undid a decision or moved the ticket are left alone.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from deskyard.desk import catalogue as desk_catalogue
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
from deskyard.text.quoted_replies import strip_quoted
from service.runtime.context import AppContext
from service.tickets import decision_record
from service.tickets.decision_record import DecisionContext, DecisionDraft

MAX_ATTEMPTS: Final = 3
"""Attempts at a ticket that is changed meanwhile."""


@dataclass(frozen=True, slots=True)
class _RescoringInput:
    """A ticket to be scored again: with the replies appended, their comment ids, and the current policy."""

    desk_ticket: DeskTicket
    ticket: Ticket
    answers: tuple[int, ...]
    policy: Policy


def rescore(context: AppContext, number: int) -> JournalEntry | None:
    """Score a waiting ticket again, and route it if the contracts allow it now. Returns the decision, or None if the
    ticket is not to be scored again."""
    for _ in range(MAX_ATTEMPTS):
        with context.database.reading() as conn:
            found = _rescoring_input(conn, number)
        champion, at = context.models.champion, datetime.now(UTC)
        if found is None or champion.bundle is None:
            return None
        decision_context = DecisionContext(champion, found.policy, at)
        proposed = decision_context.propose({number: found.ticket}, {number: found.desk_ticket.salt})[number]
        proposal = proposed.proposal
        with context.database.writing() as conn:
            if tickets.get_ticket(conn, number, for_update=True).version != found.desk_ticket.version:
                continue
            catalogue = desk_catalogue.load_catalogue(conn, proposal.candidate_queues, proposal.candidate_agents)
            routing = proposal.apply_catalogue(catalogue)
            values: dict[str, str | None] = {one.field: one.value for one in routing.changes if one.source == "machine"}
            routed = (
                routing.placement.reason.code in PLACING_TARGETS and routing.placement.queue != found.desk_ticket.queue
            )
            if routed:
                values["queue"] = routing.placement.queue
            draft = DecisionDraft(
                decision_context.make_header(number, proposed),
                routing,
                catalogue,
                queue=routing.placement.queue if routed else None,
                extra={"answers": list(found.answers)},
            )
            entry = decision_record.record(conn, [draft])[0]
            machine, why = Actor("machine", champion.digest or "deskyard"), routing.placement.reason.text
            changes.change_ticket(conn, number, values, machine, at=at, why=why, decision=entry.id)
            if routed and context.notifier is not None:
                context.notifier.enqueue_notices(conn, number, routing.placement.queue, entry.id, EVENT_ROUTED)
        return entry
    return None


def ticket_with_answers(conn: Connection, desk_ticket: DeskTicket, numbers: Collection[int]) -> Ticket:
    """The ticket as it was scored: its text with the comments of these ids appended."""
    return (
        desk_ticket.ticket
        if not numbers
        else _append_answers(
            desk_ticket.ticket, [one for one in comments.list_comments(conn, desk_ticket.id) if one.id in numbers]
        )
    )


def is_by_requester(desk_ticket: DeskTicket, comment: Comment) -> bool:
    """Whether the requester wrote the comment."""
    return comment.actor == requester_actor(desk_ticket)


def requester_actor(desk_ticket: DeskTicket) -> Actor:
    """The actor of a ticket's requester."""
    return Actor("person", desk_ticket.ticket.requester or ANONYMOUS_REQUESTER)


def _rescoring_input(conn: Connection, number: int) -> _RescoringInput | None:
    """The ticket with its replies, or None unless it waits in the fallback queue and nobody has set a label."""
    desk_ticket, policy = tickets.get_ticket(conn, number), Policies.current(conn).policy
    steps = ticket_history.list_steps(conn, number)
    set_by_people = any(
        step.field in TARGETS and (step.actor.kind == "person" or step.undoes is not None) for step in steps
    )
    waits = desk_ticket.queue in (TRIAGE, policy.fallback) and desk_ticket.status in UNSOLVED_STATUSES
    if not waits or desk_ticket.erased_at or set_by_people or mirror.find_by_ticket(conn, number) is not None:
        return None
    answers = [one for one in comments.list_comments(conn, number) if one.public and is_by_requester(desk_ticket, one)]
    if not answers:
        return None
    return _RescoringInput(
        desk_ticket, _append_answers(desk_ticket.ticket, answers), tuple(one.id for one in answers), policy
    )


def _append_answers(ticket: Ticket, answers: Iterable[Comment]) -> Ticket:
    """The ticket with the new text of its answers: what they quote was scored before, or others wrote it.

    They stand below the matter and not below the whole body, whose signature or quotation would take them in.
    """
    from deskyard.text.cleaning import read_matter  # only here: the service starts without the language tools

    matter = read_matter(ticket.body, ticket.subject)
    return replace(ticket, body="\n\n".join([matter, *(strip_quoted(one.text) for one in answers)]))
