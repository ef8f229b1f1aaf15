"""A ticket's story: what happened, in order, each thing once."""

from datetime import UTC, datetime, timedelta

from deskyard.desk.comments import Comment
from deskyard.desk.ticket_history import HistoryStep
from deskyard.desk.timeline import build_timeline
from deskyard.domain.actors import Actor
from deskyard.journal.journal import CONFIRMED, CORRECTED, DECIDED, PLACED, RECEIVED, UNDONE, JournalEntry

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ANN, RULE, MACHINE = Actor("person", "ann"), Actor("rule", "desk"), Actor("machine", "4f1c")


def at(hours):
    return NOW + timedelta(hours=hours)


def entry(number, hours, kind, /, **content):
    return JournalEntry(number, at(hours), kind, 1, "0" * 64, None, "p", content)


def moved(hours, kind, to="IT"):
    return entry(9, hours, kind, field="queue", **{"from": "triage", "to": to, "by": "ann", "kind": "person"})


def test_filed_decided_said_and_moved_stand_in_order_and_each_once():
    entries = [entry(1, 0, RECEIVED), entry(2, 0, DECIDED), entry(3, 0, PLACED), moved(2, CORRECTED)]
    steps = [
        HistoryStep(at(0), MACHINE, "queue", None, "triage", "unsure", 2),
        HistoryStep(at(2), ANN, "queue", "triage", "IT", ""),
        HistoryStep(at(2), RULE, "priority", None, "high", "the default of 'IT'"),
    ]
    result = [Comment(1, at(1), ANN, True, "Which VPN?")]
    events = build_timeline(entries, steps, result)
    assert [one.kind for one in events] == ["filed", "decided", "commented", "changed"]
    assert events[1].steps == (steps[0],)
    assert (events[3].actor, events[3].steps, events[3].confirmed) == (ANN, tuple(steps[1:]), False)


def test_a_confirmation_is_told_apart_also_where_nothing_had_to_be_changed():
    moves = build_timeline([moved(1, CONFIRMED)], [HistoryStep(at(1), ANN, "queue", "triage", "IT", "")], [])
    blind = build_timeline([moved(1, CONFIRMED)], [], [])
    assert [(one.kind, one.confirmed, one.actor) for one in (*moves, *blind)] == [("changed", True, ANN)] * 2


def test_what_was_taken_back_says_by_whom():
    found = build_timeline([entry(1, 1, UNDONE, decision=None, back={}, by="ann", kind="person")], [], [])
    assert (found[0].kind, found[0].actor) == ("undone", ANN)
