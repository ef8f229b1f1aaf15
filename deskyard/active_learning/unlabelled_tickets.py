"""Unspoken: tickets on which nobody has spoken yet about a target, and people's words that the machine doubts.

In comes a session, out go tickets with what the machine said of them when they came: it had not seen anybody's answer
then. What lives in another help desk is sorted there, and what is erased has no text to read: neither is asked about.
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
"""Tickets that are looked at, from the newest on."""

_BATCH_SIZE: Final = 500


@dataclass(frozen=True, slots=True)
class TicketLabelState:
    """A ticket, what the machine said of each target when it came (label → probability), and of which targets people
    have spoken: what they chose, and whether they looked at it twice."""

    ticket: DeskTicket
    probabilities: Mapping[Target, Mapping[str, float]]
    human_labels: Mapping[Target, str]
    confirmed_targets: frozenset[Target]

    def current_label(self, target: Target) -> str | None:
        """What stands there; None for nothing, and for triage."""
        value = self.ticket.value(target)
        return None if target == "queue" and value == TRIAGE else value


def load_recent_tickets(
    conn: Connection, visible: Collection[str] | None = None, limit: int = MAX_RECENT_TICKETS
) -> list[TicketLabelState]:
    """The newest `n` tickets of the queues that may be seen (None: all), newest first; those the machine said nothing
    of are left out. What is asked about blindly is left to those who answer blindly."""
    wanted = SELECT_TICKETS.where(
        TICKETS.c.erased_at.is_(None),
        ~select(MIRROR.c.ticket_id).where(MIRROR.c.ticket_id == TICKETS.c.id).exists(),
        ~select(BLIND_REVIEWS.c.ticket_id)
        .where(BLIND_REVIEWS.c.ticket_id == TICKETS.c.id, BLIND_REVIEWS.c.answered_at.is_(None))
        .exists(),
    )
    if visible is not None:
        wanted = wanted.where(QUEUES.c.name.in_(sorted(visible)))
    rows = conn.execute(wanted.order_by(TICKETS.c.id.desc()).limit(limit)).all()
    found: list[TicketLabelState] = []
    for start in range(0, len(rows), _BATCH_SIZE):
        found += _label_states(conn, [to_desk_ticket(row) for row in rows[start : start + _BATCH_SIZE]])
    return found


def has_human_label(conn: Connection, number: int, target: Target) -> bool:
    """Whether a person has chosen what stands there, or agreed with it."""
    return target in _human_labels(conn, [number])[0].get(number, {})


def is_confirmed(conn: Connection, number: int, target: Target) -> bool:
    """Whether somebody has looked at what stands there, and left it."""
    return target in _human_labels(conn, [number])[1].get(number, ())


def _label_states(conn: Connection, tickets: Sequence[DeskTicket]) -> Iterator[TicketLabelState]:
    numbers = [one.id for one in tickets]
    decided = Journal.first_decisions(conn, numbers)
    chosen, twice = _human_labels(conn, numbers)
    for one in tickets:
        if one.id in decided:
            mine = chosen.get(one.id, {})
            yield TicketLabelState(
                one, _predicted_probabilities(decided[one.id]), mine, frozenset(twice.get(one.id, ()))
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
    """Ticket → what people chose last of each target; and ticket → targets that they agreed with on a second look."""
    chosen: defaultdict[int, dict[Target, str]] = defaultdict(dict)
    twice: defaultdict[int, set[Target]] = defaultdict(set)
    steps = select(TICKET_HISTORY).where(TICKET_HISTORY.c.ticket_id.in_(numbers), TICKET_HISTORY.c.field.in_(TARGETS))
    for row in conn.execute(steps.order_by(TICKET_HISTORY.c.id)):
        chosen[row.ticket_id].pop(row.field, None)
        if row.actor_kind == "person" and row.why != TAKEN_BACK and row.became is not None:
            chosen[row.ticket_id][row.field] = row.became
    for entry in Journal.iter_confirmed(conn, numbers):
        target, label = entry.content["field"], entry.content["to"]
        if entry.content["from"] == label:
            twice[entry.ticket_id].add(target)
        chosen[entry.ticket_id][target] = label
    for number, queue in blind_review.load_answers(conn, numbers).items():
        chosen[number].setdefault("queue", queue)
    return chosen, twice
