"""The timeline of a ticket: its journal entries, history and comments as events in the order in which they happened.

Nothing is read or written.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from deskyard.desk.comments import Comment
from deskyard.desk.ticket_history import HistoryStep
from deskyard.domain.actors import Actor
from deskyard.journal.journal import CONFIRMED, DECIDED, DELIVERED, DELIVERY_REQUESTED, RECEIVED, UNDONE, JournalEntry

EventKind = Literal["filed", "decided", "delivery_requested", "delivered", "changed", "commented", "undone"]

_EVENT_KINDS: Final[dict[str, EventKind]] = {
    RECEIVED: "filed",
    DECIDED: "decided",
    DELIVERY_REQUESTED: "delivery_requested",
    DELIVERED: "delivered",
    UNDONE: "undone",
}


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """An event: its actor, journal entry, steps and comment, as far as it has them.

    `confirmed`: a person chose the predicted value.
    """

    at: datetime
    kind: EventKind
    actor: Actor | None = None
    entry: JournalEntry | None = None
    steps: tuple[HistoryStep, ...] = ()
    comment: Comment | None = None
    confirmed: bool = False


def build_timeline(
    entries: Sequence[JournalEntry], steps: Sequence[HistoryStep], comments: Sequence[Comment]
) -> list[TimelineEvent]:
    """The events, oldest first; of the same moment the journal's come first."""
    found = [*_entry_events(entries, steps), *_change_events(entries, steps)]
    found += [TimelineEvent(one.at, "commented", one.actor, comment=one) for one in comments]
    return sorted(found, key=lambda event: event.at)


def _entry_events(entries: Sequence[JournalEntry], steps: Sequence[HistoryStep]) -> Iterator[TimelineEvent]:
    for entry in entries:
        if kind := _EVENT_KINDS.get(entry.kind):
            event_steps = tuple(step for step in steps if entry.kind == DECIDED and step.decision == entry.id)
            by = entry.content.get("by")
            yield TimelineEvent(entry.at, kind, Actor("person", by) if by else None, entry, event_steps)


def _change_events(entries: Sequence[JournalEntry], steps: Sequence[HistoryStep]) -> Iterator[TimelineEvent]:
    """Events of steps without a decision, grouped with the rules that followed; and of blind reviews without steps."""
    confirmed_at = {(entry.at, entry.content["field"]) for entry in entries if entry.kind == CONFIRMED}
    by_moment: defaultdict[datetime, list[HistoryStep]] = defaultdict(list)
    decisions = {entry.id for entry in entries if entry.kind == DECIDED}
    for step in steps:
        if step.decision not in decisions:
            by_moment[step.at].append(step)
    for at, event_steps in by_moment.items():
        by = next((step.actor for step in event_steps if step.actor.kind == "person"), event_steps[0].actor)
        yield TimelineEvent(at, "changed", by, None, tuple(event_steps), confirmed=(at, "queue") in confirmed_at)
    for entry in entries:
        if entry.kind == CONFIRMED and entry.at not in by_moment:
            yield TimelineEvent(
                entry.at, "changed", Actor(entry.content["kind"], entry.content["by"]), entry, confirmed=True
            )
