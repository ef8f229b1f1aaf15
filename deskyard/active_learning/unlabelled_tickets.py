"""Recent tickets with their predictions and the labels that people have set.

The predictions are those of the moment when a ticket was received, so no answer of a person was known then. Tickets of
other help desks are triaged there, and erased ones have no text: both are left out.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from deskyard.db.tables.desk import QUEUES, TICKET_HISTORY, TICKETS
from deskyard.db.tables.review import BLIND_REVIEWS
from deskyard.db.tables.sync import MIRROR
from deskyard.desk.ticket_history import TAKEN_BACK
from deskyard.desk.tickets import SELECT_TICKETS, DeskTicket, to_desk_ticket
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import TARGETS, Target
from deskyard.journal.journal import Journal, JournalEntry
from deskyard.review import blind_review

MAX_RECENT_TICKETS: Final = 2_000
"""How many of the newest tickets are read."""

_BATCH_SIZE: Final = 500


@dataclass(frozen=True, slots=True)
class TicketLabelState:
    """A ticket, its predictions (target → label → probability) from when it was received, the labels that people have
    set, and the targets whose label a person has confirmed on a second look."""

    ticket: DeskTicket
    probabilities: Mapping[Target, Mapping[str, float]]
    human_labels: Mapping[Target, str]
    confirmed_targets: frozenset[Target]

    def current_label(self, target: Target) -> str | None:
        """The current label of a target; None where there is none, and for triage."""
        value = self.ticket.value(target)
        return None if target == "queue" and value == TRIAGE else value


def load_recent_tickets(
    conn: Connection, visible: Collection[str] | None = None, limit: int = MAX_RECENT_TICKETS
) -> list[TicketLabelState]:
    """The newest `limit` tickets of the visible queues (None: all), newest first. Tickets without a decision, and those
    that wait for a blind review, are left out."""
    query = SELECT_TICKETS.where(
        TICKETS.c.erased_at.is_(None),
        ~select(MIRROR.c.ticket_id).where(MIRROR.c.ticket_id == TICKETS.c.id).exists(),
        ~select(BLIND_REVIEWS.c.ticket_id)
        .where(BLIND_REVIEWS.c.ticket_id == TICKETS.c.id, BLIND_REVIEWS.c.answered_at.is_(None))
        .exists(),
    )
    if visible is not None:
        query = query.where(QUEUES.c.name.in_(sorted(visible)))
    rows = conn.execute(query.order_by(TICKETS.c.id.desc()).limit(limit)).all()
    found: list[TicketLabelState] = []
    for start in range(0, len(rows), _BATCH_SIZE):
        found += _label_states(conn, [to_desk_ticket(row) for row in rows[start : start + _BATCH_SIZE]])
    return found


def has_human_label(conn: Connection, number: int, target: Target) -> bool:
    """Whether a person has set the current label, or agreed with it."""
    return target in _human_labels(conn, [number])[0].get(number, {})


def is_confirmed(conn: Connection, number: int, target: Target) -> bool:
    """Whether a person has checked the current label and kept it."""
    return target in _human_labels(conn, [number])[1].get(number, ())


def _label_states(conn: Connection, tickets: Sequence[DeskTicket]) -> Iterator[TicketLabelState]:
    numbers = [one.id for one in tickets]
    decided = Journal.first_decisions(conn, numbers)
    chosen, confirmed = _human_labels(conn, numbers)
    for one in tickets:
        if one.id in decided:
            labels = chosen.get(one.id, {})
            yield TicketLabelState(
                one, _predicted_probabilities(decided[one.id]), labels, frozenset(confirmed.get(one.id, ()))
            )


def _predicted_probabilities(entry: JournalEntry) -> dict[Target, dict[str, float]]:
    decisions: Mapping[str, Any] = entry.content["decisions"]
    return {
        target: {one["label"]: one["confidence"] for one in decisions[target]["top"]}
        for target in TARGETS
        if target in decisions
    }


def _human_labels(
    conn: Connection, numbers: Sequence[int]
) -> tuple[dict[int, dict[Target, str]], dict[int, set[Target]]]:
    """Ticket → the last label that people set of each target; ticket → targets confirmed on a second look."""
    chosen: defaultdict[int, dict[Target, str]] = defaultdict(dict)
    confirmed: defaultdict[int, set[Target]] = defaultdict(set)
    steps = select(TICKET_HISTORY).where(TICKET_HISTORY.c.ticket_id.in_(numbers), TICKET_HISTORY.c.field.in_(TARGETS))
    for row in conn.execute(steps.order_by(TICKET_HISTORY.c.id)):
        chosen[row.ticket_id].pop(row.field, None)
        if row.actor_kind == "person" and row.why != TAKEN_BACK and row.became is not None:
            chosen[row.ticket_id][row.field] = row.became
    for entry in Journal.iter_confirmed(conn, numbers):
        target, label = entry.content["field"], entry.content["to"]
        if entry.content["from"] == label:
            confirmed[entry.ticket_id].add(target)
        chosen[entry.ticket_id][target] = label
    for number, queue in blind_review.load_answers(conn, numbers).items():
        chosen[number].setdefault("queue", queue)
    return chosen, confirmed
