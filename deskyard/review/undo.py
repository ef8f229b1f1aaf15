"""Undo: reverts decisions of the model in tickets that nobody has changed since.

For each decision since a moment it says which fields are reverted, and why others are kept. A ticket that a person
changed or commented on, or that is solved, stays as it is; so does any field that was changed again. An undone value
was not chosen by a person, so no model is trained on it. A ticket of another help desk is reverted there by a
delivery.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from deskyard.connectors.base.ticket_store import Delivery, FieldValues
from deskyard.db.database import Database
from deskyard.db.tables.desk import COMMENTS, TICKET_HISTORY, TICKETS
from deskyard.db.tables.journal import JOURNAL_ENTRIES
from deskyard.desk import changes, ticket_history, tickets
from deskyard.desk.ticket_history import HistoryStep
from deskyard.desk.tickets import SELECT_TICKETS, DeskTicket, to_desk_ticket
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.status import is_solved
from deskyard.errors import NotFound, StoreConflict, StoreRefused
from deskyard.journal.journal import DECIDED, UNDONE, Journal
from deskyard.sync import deliveries, mirror
from deskyard.sync.mirror import MirroredTicket

BATCH_SIZE: Final = 500
"""Decisions that are read together."""

_DECISIONS: Final = (
    select(JOURNAL_ENTRIES.c.id, JOURNAL_ENTRIES.c.ticket_id, JOURNAL_ENTRIES.c.at)
    .where(JOURNAL_ENTRIES.c.kind == DECIDED)
    .order_by(JOURNAL_ENTRIES.c.id)
)


@dataclass(frozen=True, slots=True)
class UndoCase:
    """One decision: the fields that are reverted (field → from, to), and why others are kept ("" when none is)."""

    ticket: int
    decision: int
    at: datetime
    reverted_fields: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    kept_reason: str = ""


def preview_undo(database: Database, since: datetime, queue: str | None = None) -> Iterator[UndoCase]:
    """All decisions since a moment (only those that routed to `queue`, if given), oldest first; writes nothing."""
    after = 0
    while True:
        rows = _DECISIONS.where(JOURNAL_ENTRIES.c.at >= since, JOURNAL_ENTRIES.c.id > after).limit(BATCH_SIZE)
        with database.reading() as conn:
            decisions = conn.execute(rows).all()
            cases = _build_cases(conn, decisions, queue)
        yield from cases
        if len(decisions) < BATCH_SIZE:
            return
        after = decisions[-1].id


def undo_decision(database: Database, case: UndoCase, user: str, at: datetime) -> UndoCase:
    """Undo one decision as the ticket is now, in a transaction of its own; returns what was done."""
    try:
        with database.writing() as conn:
            tickets.get_ticket(conn, case.ticket, for_update=True)
            decisions = conn.execute(_DECISIONS.where(JOURNAL_ENTRIES.c.id == case.decision)).all()
            now = _build_cases(conn, decisions, None)[0]
            if now.reverted_fields:
                _apply_undo(conn, now, user, at)
            return now
    except NotFound:
        return replace(case, reverted_fields={}, kept_reason=_ERASED)
    except (StoreConflict, StoreRefused) as error:
        return replace(case, reverted_fields={}, kept_reason=str(error))


def _apply_undo(conn: Connection, case: UndoCase, user: str, at: datetime) -> None:
    values = {name: former for name, (_, former) in case.reverted_fields.items()}
    reason = f"decision {case.decision} was undone"
    mirrored = mirror.find_by_ticket(conn, case.ticket)
    if mirrored is None:
        by = Actor("rule", f"undo by {user}")
        changes.change_ticket(conn, case.ticket, values, by, at=at, why=reason, undoes=case.decision)
    else:
        _enqueue_delivery(conn, case, values, *mirrored, note=f"{reason} by {user}.", at=at)
    content = {"decision": case.decision, "back": values}
    Journal.record(conn, Journal.make_header(conn, case.ticket, at), (UNDONE, content))


def _enqueue_delivery(
    conn: Connection,
    case: UndoCase,
    reverted_values: FieldValues,
    connection: int,
    mirrored: MirroredTicket,
    *,
    note: str,
    at: datetime,
) -> None:
    """Add a delivery that reverts a foreign ticket; the worker of that help desk finds it within seconds."""
    suffix = hashlib.sha256(f"undo {case.decision} {at.isoformat()}".encode()).hexdigest()[:12]
    expect = {name: now for name, (now, _) in case.reverted_fields.items()}
    reverted = Delivery(
        id=f"d{case.decision}-{suffix}", ref=mirrored.ref, set=reverted_values, expect=expect, note=note
    )
    due = at - timedelta(minutes=1)
    deliveries.add_delivery(
        conn, reverted, ticket=case.ticket, connection=connection, decision=case.decision, priority=None, at=due
    )


def _build_cases(conn: Connection, decisions: Sequence[Row[Any, Any, Any]], queue: str | None) -> list[UndoCase]:
    numbers = {decision.ticket_id for decision in decisions}
    found = {row.id: to_desk_ticket(row) for row in conn.execute(SELECT_TICKETS.where(TICKETS.c.id.in_(numbers)))}
    steps: defaultdict[int, list[HistoryStep]] = defaultdict(list)
    for row in conn.execute(
        select(TICKET_HISTORY).where(TICKET_HISTORY.c.ticket_id.in_(numbers)).order_by(TICKET_HISTORY.c.id)
    ):
        steps[row.ticket_id].append(ticket_history.to_step(row))
    rows = select(COMMENTS.c.ticket_id).where(COMMENTS.c.ticket_id.in_(numbers), COMMENTS.c.actor_kind == "person")
    commented = set(conn.scalars(rows))
    cases = []
    for decision in decisions:
        number = decision.ticket_id
        taken = [step for step in steps[number] if step.decision == decision.id]
        if queue is not None and not any(step.field == "queue" and step.became == queue for step in taken):
            continue
        case = UndoCase(number, decision.id, decision.at)
        kept_reason = _blocking_reason(found.get(number), steps[number], number in commented)
        cases.append(
            replace(case, kept_reason=kept_reason)
            if kept_reason
            else _fill_case(case, found[number], steps[number], taken)
        )
    return cases


_ERASED: Final = "the ticket is erased"


def _blocking_reason(ticket: DeskTicket | None, steps: Sequence[HistoryStep], is_discussed: bool) -> str:
    """Why nothing of a ticket is reverted; "" when something may be."""
    if ticket is None:
        return _ERASED
    if any(step.actor.kind == "person" for step in steps):
        return "a person changed the ticket"
    if is_discussed:
        return "a person commented on the ticket"
    if is_solved(ticket.status):
        return f"the ticket is {ticket.status}"
    return ""


def _fill_case(
    case: UndoCase, ticket: DeskTicket, steps: Sequence[HistoryStep], decision_steps: Sequence[HistoryStep]
) -> UndoCase:
    """The case with its reverted fields: those whose latest step is one of the decision."""
    latest = {step.field: step for step in steps}
    reverted: dict[str, tuple[str | None, str | None]] = {}
    changed_again: list[HistoryStep] = []
    for step in decision_steps:
        former = TRIAGE if step.field == "queue" and step.was is None else step.was
        if latest[step.field] != step:
            changed_again.append(latest[step.field])
        elif ticket.value(step.field) != former:
            reverted[step.field] = (ticket.value(step.field), former)
    if changed_again and all(step.undoes is not None for step in changed_again):
        return replace(case, reverted_fields=reverted, kept_reason="it was undone before")
    if changed_again:
        return replace(
            case,
            reverted_fields=reverted,
            kept_reason=f"{', '.join(sorted(s.field for s in changed_again))} was changed again",
        )
    return replace(case, reverted_fields=reverted, kept_reason="" if reverted else "it set nothing")
