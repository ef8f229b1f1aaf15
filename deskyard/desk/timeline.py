"""A ticket's journey as one story: filed, decided, delivered, moved, said, taken back, in the order it happened.

In come its journal, steps and comments, out come events. Nothing is read or written.
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

EventKind = Literal["filed", "decided", "wished", "delivered", "changed", "said", "undone"]

_EVENT_KINDS: Final[dict[str, EventKind]] = {
    RECEIVED: "filed", DECIDED: "decided", DELIVERY_REQUESTED: "wished", DELIVERED: "delivered", UNDONE: "undone",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Something that happened: by whom, the journal's entry about it, the steps that were taken, what was said.

    `confirmed`: a person chose what the machine had said.
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
    """The events, oldest first; of one moment the journal's come first."""
    found = [*_entry_events(entries, steps), *_change_events(entries, steps)]
    found += [TimelineEvent(one.at, "said", one.actor, comment=one) for one in comments]
    return sorted(found, key=lambda event: event.at)


def _entry_events(entries: Sequence[JournalEntry], steps: Sequence[HistoryStep]) -> Iterator[TimelineEvent]:
    for entry in entries:
        if kind := _EVENT_KINDS.get(entry.kind):
            mine = tuple(step for step in steps if entry.kind == DECIDED and step.decision == entry.id)
            by = entry.content.get("by")
            yield TimelineEvent(entry.at, kind, Actor("person", by) if by else None, entry, mine)


def _change_events(entries: Sequence[JournalEntry], steps: Sequence[HistoryStep]) -> Iterator[TimelineEvent]:
    """Steps that no decision took, together with the rules that followed; and blind answers, which took none."""
    alike = {(entry.at, entry.content["field"]) for entry in entries if entry.kind == CONFIRMED}
    together: defaultdict[datetime, list[HistoryStep]] = defaultdict(list)
    decisions = {entry.id for entry in entries if entry.kind == DECIDED}
    for step in steps:
        if step.decision not in decisions:
            together[step.at].append(step)
    for at, mine in together.items():
        by = next((step.actor for step in mine if step.actor.kind == "person"), mine[0].actor)
        yield TimelineEvent(at, "changed", by, None, tuple(mine), confirmed=(at, "queue") in alike)
    for entry in entries:
        if entry.kind == CONFIRMED and entry.at not in together:
            yield TimelineEvent(
                entry.at, "changed", Actor(entry.content["kind"], entry.content["by"]), entry, confirmed=True
            )
