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

from deskyard.connectors.base.ticket_store import Delivery, Values
from deskyard.db.database import Database
from deskyard.db.tables.desk import COMMENTS, JOURNEY, TICKETS
from deskyard.db.tables.journal import JOURNAL_ENTRIES
from deskyard.desk import changes, ticket_history, tickets
from deskyard.desk.ticket_history import Actor, Step
from deskyard.desk.tickets import READ, Filed, filed
from deskyard.domain.status import is_solved
from deskyard.errors import NotThere, StoreConflict, StoreRefused
from deskyard.journal.journal import DECIDED, UNDONE, Journal
from deskyard.policy.policy import TRIAGE
from deskyard.sync import deliveries, mirror
from deskyard.sync.mirror import Known

CHUNK: Final = 500
"""Decisions that are looked at together."""

_DECISIONS: Final = (
    select(JOURNAL_ENTRIES.c.id, JOURNAL_ENTRIES.c.ticket_id, JOURNAL_ENTRIES.c.at)
    .where(JOURNAL_ENTRIES.c.kind == DECIDED)
    .order_by(JOURNAL_ENTRIES.c.id)
)


@dataclass(frozen=True, slots=True)
class Case:
    """One decision: what of it goes back (field → from, to), and why the rest stays ("" when all of it goes back)."""

    ticket: int
    decision: int
    at: datetime
    back: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    stays: str = ""


def look(database: Database, since: datetime, queue: str | None = None) -> Iterator[Case]:
    """Every decision since a moment (of those that put their ticket in `queue`), oldest first; nothing is written."""
    after = 0
    while True:
        rows = _DECISIONS.where(JOURNAL_ENTRIES.c.at >= since, JOURNAL_ENTRIES.c.id > after).limit(CHUNK)
        with database.reading() as conn:
            decisions = conn.execute(rows).all()
            cases = _cases(conn, decisions, queue)
        yield from cases
        if len(decisions) < CHUNK:
            return
        after = decisions[-1].id


def take_back(database: Database, case: Case, user: str, at: datetime) -> Case:
    """Take one decision back as the ticket stands now, in a transaction of its own; what became of it."""
    try:
        with database.writing() as conn:
            tickets.get(conn, case.ticket, to_change=True)
            decisions = conn.execute(_DECISIONS.where(JOURNAL_ENTRIES.c.id == case.decision)).all()
            now = _cases(conn, decisions, None)[0]
            if now.back:
                _write(conn, now, user, at)
            return now
    except NotThere:
        return replace(case, back={}, stays=_ERASED)
    except (StoreConflict, StoreRefused) as error:
        return replace(case, back={}, stays=str(error))


def _write(conn: Connection, case: Case, user: str, at: datetime) -> None:
    wanted = {name: to for name, (_, to) in case.back.items()}
    why = f"decision {case.decision} was undone"
    elsewhere = mirror.of_ticket(conn, case.ticket)
    if elsewhere is None:
        by = Actor("rule", f"undo by {user}")
        changes.change(conn, case.ticket, wanted, by, at=at, why=why, undoes=case.decision)
    else:
        _deliver(conn, case, wanted, *elsewhere, note=f"{why} by {user}.", at=at)
    told = {"decision": case.decision, "back": wanted}
    Journal.record(conn, Journal.stamp(conn, case.ticket, at), (UNDONE, told))


def _deliver(
    conn: Connection, case: Case, wanted: Values, connection: int, known: Known, *, note: str, at: datetime
) -> None:
    """Keep a delivery that puts a foreign ticket back; whoever works for that help desk finds it within seconds."""
    mark = hashlib.sha256(f"undo {case.decision} {at.isoformat()}".encode()).hexdigest()[:12]
    expect = {name: now for name, (now, _) in case.back.items()}
    back = Delivery(id=f"d{case.decision}-{mark}", ref=known.ref, set=wanted, expect=expect, note=note)
    due = at - timedelta(minutes=1)
    deliveries.add(conn, back, ticket=case.ticket, connection=connection, decision=case.decision, priority=None, at=due)


def _cases(conn: Connection, decisions: Sequence[Row[Any, Any, Any]], queue: str | None) -> list[Case]:
    numbers = {decision.ticket_id for decision in decisions}
    found = {row.id: filed(row) for row in conn.execute(READ.where(TICKETS.c.id.in_(numbers)))}
    steps: defaultdict[int, list[Step]] = defaultdict(list)
    for row in conn.execute(select(JOURNEY).where(JOURNEY.c.ticket_id.in_(numbers)).order_by(JOURNEY.c.id)):
        steps[row.ticket_id].append(ticket_history.step(row))
    rows = select(COMMENTS.c.ticket_id).where(COMMENTS.c.ticket_id.in_(numbers), COMMENTS.c.actor_kind == "person")
    discussed = set(conn.scalars(rows))
    cases = []
    for decision in decisions:
        number = decision.ticket_id
        taken = [step for step in steps[number] if step.decision == decision.id]
        if queue is not None and not any(step.field == "queue" and step.became == queue for step in taken):
            continue
        case = Case(number, decision.id, decision.at)
        stays = _untouchable(found.get(number), steps[number], number in discussed)
        cases.append(replace(case, stays=stays) if stays else _case(case, found[number], steps[number], taken))
    return cases


_ERASED: Final = "the ticket is erased"


def _untouchable(ticket: Filed | None, steps: Sequence[Step], is_discussed: bool) -> str:
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


def _case(case: Case, ticket: Filed, steps: Sequence[Step], taken: Sequence[Step]) -> Case:
    """What goes back: each field whose latest step is one that the decision took."""
    latest = {step.field: step for step in steps}
    back: dict[str, tuple[str | None, str | None]] = {}
    again: list[Step] = []
    for step in taken:
        to = TRIAGE if step.field == "queue" and step.was is None else step.was
        if latest[step.field] != step:
            again.append(latest[step.field])
        elif ticket.value(step.field) != to:
            back[step.field] = (ticket.value(step.field), to)
    if again and all(step.undoes is not None for step in again):
        return replace(case, back=back, stays="it was undone before")
    if again:
        return replace(case, back=back, stays=f"{', '.join(sorted(s.field for s in again))} was changed again")
    return replace(case, back=back, stays="" if back else "it set nothing")
