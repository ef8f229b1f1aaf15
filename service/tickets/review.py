"""What people do at the review desk: take the next ticket, sort it, ask back, take back what they did last.

Each deed is one transaction, and the first write wins. A ticket that is asked about blindly keeps the answer in
`desk_blind`; where it differs from the machine's and nobody moved the ticket meanwhile, it is a correction.
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
    """The ticket that somebody is given (None: nothing is left), the one that would follow, and how many wait."""

    waiting: WaitingTicket | None
    next_number: int | None
    total: int


@dataclass(frozen=True, slots=True)
class LastAction:
    """What was done last: the ticket, its version since then, and the queue it was given."""

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
    """Take the first ticket of the line that is free and not skipped, or the one wanted; give back all others.

    The line is of those that wait for a person, or, where `items` are given, of those whose label is worth most.
    """
    holder, at = caller.actor.name, datetime.now(UTC)
    with context.database.reading() as conn:
        line = (
            context.review_queue.list_waiting(conn, Policies.current(conn).policy.fallback, caller.queues)
            if items is None
            else [WaitingTicket(item.ticket_id, 0, is_blind=False) for item in items]
        )
        held = ticket_leases.list_holders(conn, at)
    free = [one for one in line if held.get(one.number, holder) == holder]
    ordered = [one for one in free if one.number == number]
    ordered += [one for one in free if one.number not in {*skipped, number}]
    with context.database.writing() as conn:
        ticket_leases.release_leases(conn, holder)
        mine = next((one for one in ordered if ticket_leases.acquire_lease(conn, one.number, holder, at)), None)
    following = next((one.number for one in ordered if mine and one is not mine), None)
    return NextTicket(mine, following, len(line))


def renew_lease(context: AppContext, caller: Caller, number: int) -> bool:
    """Go on looking at a ticket."""
    with context.database.writing() as conn:
        visibility.visible_ticket(conn, caller, number, to_change=True)
        return ticket_leases.acquire_lease(conn, number, caller.actor.name, datetime.now(UTC))


def assign_queue(context: AppContext, caller: Caller, number: int, queue: str, expected_version: int) -> LastAction:
    """Put a ticket where a person says. Raises Stale when somebody was quicker, StoreRefused for no open queue."""
    with context.database.writing() as conn:
        visibility.visible_ticket(conn, caller, number, to_change=True)
        at, asked = datetime.now(UTC), blind_review.find_review(conn, number, for_update=True)
        if asked is None or asked.answered_at is not None:
            corrections.record_label(
                conn, number, "queue", queue, caller.actor, expected_version=expected_version, at=at
            )
            context.label_plans.drop_ticket(number)
        else:
            _record_blind_answer(conn, asked, queue, caller.actor, at)
        return _last_action(conn, number, queue)


def request_information(
    context: AppContext, caller: Caller, number: int, question: str, expected_version: int
) -> LastAction:
    """The ticket waits for its requester, who is asked a question if there is one."""
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
    """Undo what the caller did to a ticket last, if nobody touched it since. Raises Stale, StoreConflict."""
    with context.database.writing() as conn:
        at, now = datetime.now(UTC), visibility.visible_ticket(conn, caller, number, to_change=True)
        if now.version != expected_version:
            raise StaleVersion(f"ticket {number} was changed meanwhile")
        asked = blind_review.find_review(conn, number, for_update=True)
        answered = asked is not None and asked.answered_by == caller.actor.name
        mine = _last_steps(conn, number, caller.actor, asked.answered_at if asked and answered else None)
        if not mine and not answered:
            raise StoreConflict(f"{caller.actor.name} did nothing to ticket {number} that could be taken back")
        if answered:
            blind_review.record_answer(conn, number, None, None, None)
        back = {step.field: step.was for step in mine}
        changes.change_ticket(
            conn, number, back, caller.actor, at=at, why=TAKEN_BACK, expected_version=expected_version
        )
        told = {"decision": None, "back": back, "by": caller.actor.name, "kind": caller.actor.kind}
        Journal.record(conn, Journal.make_header(conn, number, at), (UNDONE, told))
        return _last_action(conn, number, None)


def _last_action(conn: Connection, number: int, queue: str | None) -> LastAction:
    return LastAction(number, tickets.get_ticket(conn, number).version, queue)


def _record_blind_answer(conn: Connection, review: BlindReview, queue: str, actor: Actor, at: datetime) -> None:
    """Keep a blind answer, and act on it where it still can be."""
    now, decision = tickets.get_ticket(conn, review.ticket), Journal.find_decision(conn, review.decision)
    if queue not in catalogue.load_catalogue(conn, {queue}, set()).queues:
        raise StoreRefused("queue", f"{queue!r} is not an open queue of this desk; /v1/queues lists them")
    blind_review.record_answer(conn, review.ticket, queue, actor.name, at)
    placed = decision.content["placement"]["queue"] if decision else ""
    moved = changes.load_human_steps(conn, now.id).get("queue", [])
    untouched = now.queue == placed and (not moved or moved[-1].why == TAKEN_BACK)
    if queue == now.queue == placed:
        told = {"field": "queue", "from": queue, "to": queue, "by": actor.name, "kind": actor.kind}
        Journal.record(conn, Journal.make_header(conn, now.id, at), (CONFIRMED, told))
    elif untouched and now.status in UNSOLVED_STATUSES and mirror.find_by_ticket(conn, now.id) is None:
        corrections.record_change(conn, now.id, {"queue": queue}, actor, expected_version=None, at=at)


def _last_steps(conn: Connection, number: int, actor: Actor, moment: datetime | None) -> list[HistoryStep]:
    """The steps that somebody took at a moment (None: the last), with the rules that followed; none if not theirs."""
    steps = ticket_history.list_steps(conn, number)
    moment = moment or (steps[-1].at if steps else None)
    mine = [step for step in steps if step.at == moment]
    return mine if any(step.actor == actor for step in mine) else []
