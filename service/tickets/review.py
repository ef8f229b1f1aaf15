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
from deskyard.desk.ticket_history import TAKEN_BACK, Actor, Step
from deskyard.domain.status import UNSOLVED
from deskyard.errors import Stale, StoreConflict, StoreRefused
from deskyard.journal.journal import CONFIRMED, UNDONE, Journal
from deskyard.policy.versions import Policies
from deskyard.review import blind_review, ticket_leases
from deskyard.review.blind_review import Blind
from deskyard.review.review_queue import Waiting
from deskyard.sync import mirror
from service.auth.authorization import Caller
from service.runtime.context import Yard
from service.tickets import corrections, visibility

if TYPE_CHECKING:
    from deskyard.active_learning.sample_selection import Item


@dataclass(frozen=True, slots=True)
class Next:
    """The ticket that somebody is given (None: nothing is left), the one that would follow, and how many wait."""

    waiting: Waiting | None
    following: int | None
    of: int


@dataclass(frozen=True, slots=True)
class Done:
    """What was done last: the ticket, its version since then, and the queue it was given."""

    number: int
    version: int
    queue: str | None


def take(
    yard: Yard,
    caller: Caller,
    skipped: Collection[int] = (),
    wanted: int | None = None,
    items: "Sequence[Item] | None" = None,
) -> Next:
    """Take the first ticket of the line that is free and not skipped, or the one wanted; give back all others.

    The line is of those that wait for a person, or, where `items` are given, of those whose label is worth most.
    """
    holder, at = caller.actor.name, datetime.now(UTC)
    with yard.database.reading() as conn:
        line = (
            yard.line.look(conn, Policies.current(conn).policy.fallback, caller.queues)
            if items is None
            else [Waiting(item.number, 0, is_blind=False) for item in items]
        )
        held = ticket_leases.held(conn, at)
    free = [one for one in line if held.get(one.number, holder) == holder]
    ordered = [one for one in free if one.number == wanted]
    ordered += [one for one in free if one.number not in {*skipped, wanted}]
    with yard.database.writing() as conn:
        ticket_leases.release(conn, holder)
        mine = next((one for one in ordered if ticket_leases.take(conn, one.number, holder, at)), None)
    following = next((one.number for one in ordered if mine and one is not mine), None)
    return Next(mine, following, len(line))


def hold(yard: Yard, caller: Caller, number: int) -> bool:
    """Go on looking at a ticket."""
    with yard.database.writing() as conn:
        visibility.ticket(conn, caller, number, to_change=True)
        return ticket_leases.take(conn, number, caller.actor.name, datetime.now(UTC))


def sort(yard: Yard, caller: Caller, number: int, queue: str, seen: int) -> Done:
    """Put a ticket where a person says. Raises Stale when somebody was quicker, StoreRefused for no open queue."""
    with yard.database.writing() as conn:
        visibility.ticket(conn, caller, number, to_change=True)
        at, asked = datetime.now(UTC), blind_review.of(conn, number, to_change=True)
        if asked is None or asked.answered_at is not None:
            corrections.settle(conn, number, "queue", queue, caller.actor, seen=seen, at=at)
            yard.plans.labelled(number)
        else:
            _answer(conn, asked, queue, caller.actor, at)
        return _done(conn, number, queue)


def ask_back(yard: Yard, caller: Caller, number: int, question: str, seen: int) -> Done:
    """The ticket waits for its requester, who is asked a question if there is one."""
    with yard.database.writing() as conn:
        visibility.ticket(conn, caller, number, to_change=True)
        at = datetime.now(UTC)
        corrections.change(conn, number, {"status": "waiting"}, caller.actor, seen=seen, at=at)
        if question:
            corrections.speak(conn, number, caller.actor, question, public=True, at=at)
        return _done(conn, number, None)


def take_back(yard: Yard, caller: Caller, number: int, seen: int) -> Done:
    """Undo what the caller did to a ticket last, if nobody touched it since. Raises Stale, StoreConflict."""
    with yard.database.writing() as conn:
        at, now = datetime.now(UTC), visibility.ticket(conn, caller, number, to_change=True)
        if now.version != seen:
            raise Stale(f"ticket {number} was changed meanwhile")
        asked = blind_review.of(conn, number, to_change=True)
        answered = asked is not None and asked.answered_by == caller.actor.name
        mine = _last(conn, number, caller.actor, asked.answered_at if asked and answered else None)
        if not mine and not answered:
            raise StoreConflict(f"{caller.actor.name} did nothing to ticket {number} that could be taken back")
        if answered:
            blind_review.answered(conn, number, None, None, None)
        back = {step.field: step.was for step in mine}
        changes.change(conn, number, back, caller.actor, at=at, why=TAKEN_BACK, seen=seen)
        told = {"decision": None, "back": back, "by": caller.actor.name, "kind": caller.actor.kind}
        Journal.record(conn, Journal.stamp(conn, number, at), (UNDONE, told))
        return _done(conn, number, None)


def _done(conn: Connection, number: int, queue: str | None) -> Done:
    return Done(number, tickets.get(conn, number).version, queue)


def _answer(conn: Connection, asked: Blind, queue: str, actor: Actor, at: datetime) -> None:
    """Keep a blind answer, and act on it where it still can be."""
    now, decision = tickets.get(conn, asked.ticket), Journal.decision(conn, asked.decision)
    if queue not in catalogue.catalogue(conn, {queue}, set()).queues:
        raise StoreRefused("queue", f"{queue!r} is not an open queue of this desk; /v1/queues lists them")
    blind_review.answered(conn, asked.ticket, queue, actor.name, at)
    placed = decision.content["placement"]["queue"] if decision else ""
    moved = changes.by_people(conn, now.id).get("queue", [])
    untouched = now.queue == placed and (not moved or moved[-1].why == TAKEN_BACK)
    if queue == now.queue == placed:
        told = {"field": "queue", "from": queue, "to": queue, "by": actor.name, "kind": actor.kind}
        Journal.record(conn, Journal.stamp(conn, now.id, at), (CONFIRMED, told))
    elif untouched and now.status in UNSOLVED and mirror.of_ticket(conn, now.id) is None:
        corrections.change(conn, now.id, {"queue": queue}, actor, seen=None, at=at)


def _last(conn: Connection, number: int, actor: Actor, moment: datetime | None) -> list[Step]:
    """The steps that somebody took at a moment (None: the last), with the rules that followed; none if not theirs."""
    steps = ticket_history.of(conn, number)
    moment = moment or (steps[-1].at if steps else None)
    mine = [step for step in steps if step.at == moment]
    return mine if any(step.actor == actor for step in mine) else []
