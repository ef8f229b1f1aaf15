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
from typing import Any, Final, cast

from sqlalchemy import Row, Table, select

from deskyard.database import Database, Session
from deskyard.desk import changes, journey, tickets
from deskyard.desk.comments import COMMENTS
from deskyard.desk.journey import JOURNEY, Actor, Step
from deskyard.desk.tickets import READ, TICKETS, Filed, filed
from deskyard.domain.status import is_solved
from deskyard.errors import NotThere, StoreConflict, StoreRefused
from deskyard.foreign import deliveries, mirror
from deskyard.foreign.mirror import Known
from deskyard.journal import DECIDED, UNDONE, Journal
from deskyard.policy import TRIAGE
from deskyard.stores.contract import Delivery, Values
from deskyard.tables import EntryRow

CHUNK: Final = 500
"""Decisions that are looked at together."""

BY: Final = "undo by "
"""How the rule that takes back is called, before the name of who asked for it."""

_ENTRIES: Final = cast(Table, EntryRow.__table__)
_DECISIONS: Final = (
    select(_ENTRIES.c.id, _ENTRIES.c.ticket_id, _ENTRIES.c.at).where(_ENTRIES.c.kind == DECIDED).order_by(_ENTRIES.c.id)
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
        rows = _DECISIONS.where(_ENTRIES.c.at >= since, _ENTRIES.c.id > after).limit(CHUNK)
        with database.reading() as session:
            decisions = session.execute(rows).all()
            cases = _cases(session, decisions, queue)
        yield from cases
        if len(decisions) < CHUNK:
            return
        after = decisions[-1].id


def take_back(database: Database, case: Case, user: str, at: datetime) -> Case:
    """Take one decision back as the ticket stands now, in a transaction of its own; what became of it."""
    try:
        with database.writing() as session:
            tickets.get(session, case.ticket, to_change=True)
            decisions = session.execute(_DECISIONS.where(_ENTRIES.c.id == case.decision)).all()
            now = _cases(session, decisions, None)[0]
            if now.back:
                _write(session, now, user, at)
            return now
    except NotThere:
        return replace(case, back={}, stays=_ERASED)
    except (StoreConflict, StoreRefused) as error:
        return replace(case, back={}, stays=str(error))


def _write(session: Session, case: Case, user: str, at: datetime) -> None:
    wanted = {name: to for name, (_, to) in case.back.items()}
    why = f"decision {case.decision} was undone"
    elsewhere = mirror.of_ticket(session, case.ticket)
    if elsewhere is None:
        changes.change(session, case.ticket, wanted, Actor("rule", BY + user), at=at, why=why)
    else:
        _deliver(session, case, wanted, *elsewhere, note=f"{why} by {user}.", at=at)
    told = {"decision": case.decision, "back": wanted}
    Journal.record(session, Journal.stamp(session, case.ticket, at), (UNDONE, told))


def _deliver(
    session: Session, case: Case, wanted: Values, connection: int, known: Known, *, note: str, at: datetime
) -> None:
    """Keep a delivery that puts a foreign ticket back; whoever works for that help desk finds it within seconds."""
    mark = hashlib.sha256(f"undo {case.decision} {at.isoformat()}".encode()).hexdigest()[:12]
    expect = {name: now for name, (now, _) in case.back.items()}
    back = Delivery(id=f"d{case.decision}-{mark}", ref=known.ref, set=wanted, expect=expect, note=note)
    due = at - timedelta(minutes=1)
    deliveries.add(
        session, back, ticket=case.ticket, connection=connection, decision=case.decision, priority=None, at=due
    )


def _cases(session: Session, decisions: Sequence[Row[Any, Any, Any]], queue: str | None) -> list[Case]:
    numbers = {decision.ticket_id for decision in decisions}
    found = {row.id: filed(row) for row in session.execute(READ.where(TICKETS.c.id.in_(numbers)))}
    steps: defaultdict[int, list[Step]] = defaultdict(list)
    for row in session.execute(select(JOURNEY).where(JOURNEY.c.ticket_id.in_(numbers)).order_by(JOURNEY.c.id)):
        steps[row.ticket_id].append(journey.step(row))
    rows = select(COMMENTS.c.ticket_id).where(COMMENTS.c.ticket_id.in_(numbers), COMMENTS.c.actor_kind == "person")
    discussed = set(session.scalars(rows))
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
    if again and all(step.actor.name.startswith(BY) for step in again):
        return replace(case, back=back, stays="it was undone before")
    if again:
        return replace(case, back=back, stays=f"{', '.join(sorted(s.field for s in again))} was changed again")
    return replace(case, back=back, stays="" if back else "it set nothing")
