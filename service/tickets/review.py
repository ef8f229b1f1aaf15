"""The actions of the review page: take the next ticket, assign a queue, ask the requester, undo the last action.

Each action is one transaction, and the first write wins. The answer of a blind review is stored in `desk_blind`; if it
differs from the predicted queue and nobody moved the ticket meanwhile, it is a correction.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from deskyard.desk import catalogue, changes, ticket_history, tickets
from deskyard.desk.ticket_history import TAKEN_BACK, HistoryStep
from deskyard.domain.actors import Actor
from deskyard.domain.status import UNSOLVED_STATUSES
from deskyard.errors import StaleVersion, StoreConflict, StoreRefused
from deskyard.journal.journal import CONFIRMED, UNDONE, Journal
from deskyard.policy.versions import Policies
from deskyard.review import blind_review, ticket_leases
from deskyard.review.blind_review import BlindReview
from deskyard.review.review_queue import WaitingTicket
from deskyard.sync import mirror
from service.auth.authorization import Caller
from service.runtime.context import AppContext
from service.tickets import corrections, visibility

if TYPE_CHECKING:
    from deskyard.active_learning.sample_selection import LabelCandidate


@dataclass(frozen=True, slots=True)
class NextTicket:
    """The ticket to review (None: none is left), the one after it, and the number of waiting tickets."""

    waiting: WaitingTicket | None
    next_number: int | None
    total: int


@dataclass(frozen=True, slots=True)
class LastAction:
    """The last action: the ticket, its version afterwards, and the queue that was assigned (None: none)."""

    number: int
    version: int
    queue: str | None


def take_next(
    context: AppContext,
    caller: Caller,
    skipped: Collection[int] = (),
    number: int | None = None,
    items: "Sequence[LabelCandidate] | None" = None,
) -> NextTicket:
    """Lease the first free ticket that is not skipped, or `number` if it is free, and release all other leases.

    The tickets are those that wait for review, or `items` of the label plan if given.
    """
    holder, at = caller.actor.name, datetime.now(UTC)
    with context.database.reading() as conn:
        waiting = (
            context.review_queue.list_waiting(conn, Policies.current(conn).policy.fallback, caller.queues)
            if items is None
            else [WaitingTicket(item.ticket_id, 0, is_blind=False) for item in items]
        )
        holders = ticket_leases.list_holders(conn, at)
    free = [one for one in waiting if holders.get(one.number, holder) == holder]
    ordered = [one for one in free if one.number == number]
    ordered += [one for one in free if one.number not in {*skipped, number}]
    with context.database.writing() as conn:
        ticket_leases.release_leases(conn, holder)
        leased = next((one for one in ordered if ticket_leases.acquire_lease(conn, one.number, holder, at)), None)
    following = next((one.number for one in ordered if leased and one is not leased), None)
    return NextTicket(leased, following, len(waiting))


def renew_lease(context: AppContext, caller: Caller, number: int) -> bool:
    """Renew the lease on a ticket; False if another person holds it."""
    with context.database.writing() as conn:
        visibility.visible_ticket(conn, caller, number, to_change=True)
        return ticket_leases.acquire_lease(conn, number, caller.actor.name, datetime.now(UTC))


def assign_queue(context: AppContext, caller: Caller, number: int, queue: str, expected_version: int) -> LastAction:
    """Assign a ticket to a queue. Raises StaleVersion if it was changed meanwhile, StoreRefused for a closed queue."""
    with context.database.writing() as conn:
        visibility.visible_ticket(conn, caller, number, to_change=True)
        at, blind = datetime.now(UTC), blind_review.find_review(conn, number, for_update=True)
        if blind is None or blind.answered_at is not None:
            corrections.record_label(
                conn, number, "queue", queue, caller.actor, expected_version=expected_version, at=at
            )
            context.label_plans.drop_ticket(number)
        else:
            _record_blind_answer(conn, blind, queue, caller.actor, at)
        return _last_action(conn, number, queue)


def request_information(
    context: AppContext, caller: Caller, number: int, question: str, expected_version: int
) -> LastAction:
    """Set a ticket to waiting for its requester, with a question to them if there is one."""
    with context.database.writing() as conn:
        visibility.visible_ticket(conn, caller, number, to_change=True)
        at = datetime.now(UTC)
        corrections.record_change(
            conn, number, {"status": "waiting"}, caller.actor, expected_version=expected_version, at=at
        )
        if question:
            corrections.record_comment(conn, number, caller.actor, question, public=True, at=at)
        return _last_action(conn, number, None)


def undo_last(context: AppContext, caller: Caller, number: int, expected_version: int) -> LastAction:
    """Undo the caller's last action on a ticket. Raises StaleVersion if it was changed since, and StoreConflict if
    there is nothing to undo."""
    with context.database.writing() as conn:
        at, ticket = datetime.now(UTC), visibility.visible_ticket(conn, caller, number, to_change=True)
        if ticket.version != expected_version:
            raise StaleVersion(f"ticket {number} was changed meanwhile")
        blind = blind_review.find_review(conn, number, for_update=True)
        answered = blind is not None and blind.answered_by == caller.actor.name
        steps = _last_steps(conn, number, caller.actor, blind.answered_at if blind and answered else None)
        if not steps and not answered:
            raise StoreConflict(f"{caller.actor.name} has done nothing to ticket {number} that can be undone")
        if answered:
            blind_review.record_answer(conn, number, None, None, None)
        previous = {step.field: step.was for step in steps}
        changes.change_ticket(
            conn, number, previous, caller.actor, at=at, why=TAKEN_BACK, expected_version=expected_version
        )
        content = {"decision": None, "back": previous, "by": caller.actor.name, "kind": caller.actor.kind}
        Journal.record(conn, Journal.make_header(conn, number, at), (UNDONE, content))
        return _last_action(conn, number, None)


def _last_action(conn: Connection, number: int, queue: str | None) -> LastAction:
    return LastAction(number, tickets.get_ticket(conn, number).version, queue)


def _record_blind_answer(conn: Connection, review: BlindReview, queue: str, actor: Actor, at: datetime) -> None:
    """Store a blind answer, and apply it if nobody has moved the ticket since."""
    ticket, decision = tickets.get_ticket(conn, review.ticket), Journal.find_decision(conn, review.decision)
    if queue not in catalogue.load_catalogue(conn, {queue}, set()).queues:
        raise StoreRefused("queue", f"{queue!r} is not an open queue of this desk; /v1/queues lists them")
    blind_review.record_answer(conn, review.ticket, queue, actor.name, at)
    placed = decision.content["placement"]["queue"] if decision else ""
    moved = changes.load_human_steps(conn, ticket.id).get("queue", [])
    is_unmoved = ticket.queue == placed and (not moved or moved[-1].why == TAKEN_BACK)
    if queue == ticket.queue == placed:
        content = {"field": "queue", "from": queue, "to": queue, "by": actor.name, "kind": actor.kind}
        Journal.record(conn, Journal.make_header(conn, ticket.id, at), (CONFIRMED, content))
    elif is_unmoved and ticket.status in UNSOLVED_STATUSES and mirror.find_by_ticket(conn, ticket.id) is None:
        corrections.record_change(conn, ticket.id, {"queue": queue}, actor, expected_version=None, at=at)


def _last_steps(conn: Connection, number: int, actor: Actor, moment: datetime | None) -> list[HistoryStep]:
    """The steps of an actor's action at `moment` (None: the last action) and of the rules that followed; [] if the
    action was another's."""
    steps = ticket_history.list_steps(conn, number)
    moment = moment or (steps[-1].at if steps else None)
    action = [step for step in steps if step.at == moment]
    return action if any(step.actor == actor for step in action) else []
