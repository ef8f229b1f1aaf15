"""Undo: decisions of the machine taken back, where nobody has touched the ticket since.

In come the database and a moment; out goes, for each decision since then, what goes back and what stays and why. A
ticket that a person changed or commented on, or that is resolved, stays as it is; so does whatever was changed again.
What is taken back was said by no person, so no model learns from it. A ticket that lives elsewhere is put back there,
by a delivery.
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
"""Decisions that are looked at together."""

_DECISIONS: Final = (
    select(JOURNAL_ENTRIES.c.id, JOURNAL_ENTRIES.c.ticket_id, JOURNAL_ENTRIES.c.at)
    .where(JOURNAL_ENTRIES.c.kind == DECIDED)
    .order_by(JOURNAL_ENTRIES.c.id)
)


@dataclass(frozen=True, slots=True)
class UndoCase:
    """One decision: what of it goes back (field → from, to), and why the rest stays ("" when all of it goes back)."""

    ticket: int
    decision: int
    at: datetime
    reverted_fields: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    kept_reason: str = ""


def preview_undo(database: Database, since: datetime, queue: str | None = None) -> Iterator[UndoCase]:
    """Every decision since a moment (of those that put their ticket in `queue`), oldest first; nothing is written."""
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
    """Take one decision back as the ticket stands now, in a transaction of its own; what became of it."""
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
    wanted = {name: to for name, (_, to) in case.reverted_fields.items()}
    why = f"decision {case.decision} was undone"
    elsewhere = mirror.find_by_ticket(conn, case.ticket)
    if elsewhere is None:
        by = Actor("rule", f"undo by {user}")
        changes.change_ticket(conn, case.ticket, wanted, by, at=at, why=why, undoes=case.decision)
    else:
        _enqueue_delivery(conn, case, wanted, *elsewhere, note=f"{why} by {user}.", at=at)
    told = {"decision": case.decision, "back": wanted}
    Journal.record(conn, Journal.make_header(conn, case.ticket, at), (UNDONE, told))


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
    """Keep a delivery that puts a foreign ticket back; whoever works for that help desk finds it within seconds."""
    mark = hashlib.sha256(f"undo {case.decision} {at.isoformat()}".encode()).hexdigest()[:12]
    expect = {name: now for name, (now, _) in case.reverted_fields.items()}
    back = Delivery(id=f"d{case.decision}-{mark}", ref=mirrored.ref, set=reverted_values, expect=expect, note=note)
    due = at - timedelta(minutes=1)
    deliveries.add_delivery(
        conn, back, ticket=case.ticket, connection=connection, decision=case.decision, priority=None, at=due
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
    discussed = set(conn.scalars(rows))
    cases = []
    for decision in decisions:
        number = decision.ticket_id
        taken = [step for step in steps[number] if step.decision == decision.id]
        if queue is not None and not any(step.field == "queue" and step.became == queue for step in taken):
            continue
        case = UndoCase(number, decision.id, decision.at)
        stays = _blocking_reason(found.get(number), steps[number], number in discussed)
        cases.append(
            replace(case, kept_reason=stays) if stays else _fill_case(case, found[number], steps[number], taken)
        )
    return cases


_ERASED: Final = "the ticket is erased"


def _blocking_reason(ticket: DeskTicket | None, steps: Sequence[HistoryStep], is_discussed: bool) -> str:
    """Why a ticket is left alone entirely; "" when it is not."""
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
    """What goes back: each field whose latest step is one that the decision took."""
    latest = {step.field: step for step in steps}
    back: dict[str, tuple[str | None, str | None]] = {}
    again: list[HistoryStep] = []
    for step in decision_steps:
        to = TRIAGE if step.field == "queue" and step.was is None else step.was
        if latest[step.field] != step:
            again.append(latest[step.field])
        elif ticket.value(step.field) != to:
            back[step.field] = (ticket.value(step.field), to)
    if again and all(step.undoes is not None for step in again):
        return replace(case, reverted_fields=back, kept_reason="it was undone before")
    if again:
        return replace(
            case, reverted_fields=back, kept_reason=f"{', '.join(sorted(s.field for s in again))} was changed again"
        )
    return replace(case, reverted_fields=back, kept_reason="" if back else "it set nothing")
