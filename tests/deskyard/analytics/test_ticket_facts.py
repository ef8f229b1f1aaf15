"""Facts from a ticket's journal: outcome, correctness and response times."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard.analytics import ticket_facts
from deskyard.analytics.ticket_facts import QueueMove, TargetFacts
from deskyard.journal.journal import (
    CHANGED,
    COMMENTED,
    CONFIRMED,
    CORRECTED,
    DECIDED,
    DELIVERED,
    DELIVERY_REQUESTED,
    PLACED,
    RECEIVED,
    UNDONE,
    JournalEntry,
)

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def decision(label, action="route", others=(), code="contract"):
    top = [{"label": name, "confidence": 0.9} for name in (label, *others)]
    return {"label": label, "confidence": 0.9, "action": action, "top": top, "reasons": [{"code": code, "text": ""}]}


def decided(queue="IT", target="queue", decisions=None, **values):
    code = "triage" if queue == "triage" else target
    decisions = {"queue": decision(queue)} if decisions is None else decisions
    return DECIDED, {"decisions": decisions, "placement": {"queue": queue, "reason": {"code": code}}, "set": values}


def step(field, was, became, kind="person", by="ann"):
    entry_kind = CORRECTED if kind == "person" and field != "status" else CHANGED
    return entry_kind, {"field": field, "from": was, "to": became, "by": by, "kind": kind}


def said(by="ann", kind="person", public=True):
    return COMMENTED, {"comment": 1, "by": by, "kind": kind, "public": public}


SOLVED = step("status", "open", "resolved")


def facts_of(*events, stands=None, placed=None):
    """The facts of a ticket to which this happened, an hour apart."""
    first = events[0][1]["placement"]["queue"] if placed is None else placed
    events = [(RECEIVED, {"source": "mail", "external_id": None}), events[0], (PLACED, {"queue": first}), *events[1:]]
    entries = [
        JournalEntry(n, START + timedelta(hours=max(n - 3, 0)), kind, 1, "h", None, None, content)
        for n, (kind, content) in enumerate(events, 1)
    ]
    return ticket_facts.collect_facts(reversed(entries), stands)


def test_what_is_routed_and_not_changed_until_it_is_solved_counts_as_right():
    found = facts_of(decided("IT"), SOLVED)
    assert found.target_facts("queue") == TargetFacts("routed", "IT", "IT", 1)
    assert (found.queue, found.decided_queue, found.source, found.routing_outcome) == ("IT", "IT", "mail", "routed")


def test_nothing_is_judged_before_it_is_solved():
    assert facts_of(decided("IT")).target_facts("queue") == TargetFacts("routed", "IT", "", -1)
    again = facts_of(decided("IT"), SOLVED, step("status", "resolved", "open"))
    assert again.target_facts("queue").place == -1
    assert (again.is_solved, again.resolution, again.replies) == (False, None, None)


def test_what_a_person_moved_is_judged_by_where_it_was_solved():
    found = facts_of(
        decided("IT", decisions={"queue": decision("IT", others=("HR", "Mail"))}), step("queue", "IT", "Mail"), SOLVED
    )
    assert found.target_facts("queue") == TargetFacts("routed", "IT", "Mail", 3, heard="Mail")
    assert found.moves == [QueueMove("IT", "Mail", False)]


def test_a_routed_ticket_that_was_solved_in_triage_was_wrong_and_an_unrouted_one_is_not_judged():
    assert facts_of(decided("IT"), step("queue", "IT", "triage"), SOLVED).target_facts("queue").place == 0
    waits = decided("triage", decisions={"queue": decision("IT", "suggest")})
    assert facts_of(waits, SOLVED).target_facts("queue") == TargetFacts("suggested", "IT", "", -1)


def test_sorting_what_waits_is_no_bounce_and_every_further_move_is():
    waits = decided("triage", decisions={"queue": decision("IT", "suggest")})
    found = facts_of(waits, step("queue", "triage", "HR"), step("queue", "HR", "IT"), step("queue", "IT", "HR"))
    assert found.moves == [QueueMove("HR", "IT", False), QueueMove("IT", "HR", True)]
    assert found.has_returned


def test_a_category_that_places_a_ticket_routes_it_and_the_queue_is_what_was_said():
    one = decided("IT", "category", {"category": decision("VPN")}, category="VPN")
    found = facts_of(one, SOLVED)
    assert found.target_facts("queue") == TargetFacts("routed", "IT", "IT", 1)
    assert found.target_facts("category") == TargetFacts("routed", "VPN", "VPN", 1)


def test_a_parent_is_right_of_every_label_below_it():
    one = decided(
        "IT", decisions={"category": decision("Hardware", others=("VPN",), code="parent")}, category="Hardware"
    )
    assert facts_of(one, step("category", "Hardware", "Hardware > Mouse"), SOLVED).target_facts("category").place == 1
    assert facts_of(one, step("category", "Hardware", "VPN"), SOLVED).target_facts("category").place == 2


def test_another_spelling_of_the_prediction_is_the_same_label_and_another_name_of_the_desk_is_not():
    one = decided("IT", decisions={"category": decision("R&D > Lab", others=("VPN",))}, category="R&D > Lab")
    found = facts_of(one, step("category", "R&D > Lab", "r&amp;d::LAB"), SOLVED).target_facts("category")
    assert found == TargetFacts("routed", "R&D > Lab", "R&D > Lab", 1, "R&D > Lab", True)
    moved = decided("VPN")
    moved[1]["catalogue"] = {"queues": {"VPN": {}, "vpn": {}}, "agents": {}}
    assert facts_of(moved, step("queue", "VPN", "vpn"), SOLVED).target_facts("queue").place == 0


def test_what_a_rule_filled_in_and_nobody_chose_proves_nothing():
    one = decided("IT", decisions={"queue": decision("IT"), "priority": decision("low", "suggest")}, priority="low")
    assert facts_of(one, SOLVED).target_facts("priority") == TargetFacts("suggested", "low", "", -1)
    chosen = facts_of(one, step("priority", "low", "medium"), step("priority", "medium", "low"), SOLVED)
    assert chosen.target_facts("priority").place == 1


def test_without_a_model_everything_is_left_to_people_and_the_targets_still_add_up():
    found = facts_of(decided("triage", decisions={}), step("queue", "triage", "IT"), SOLVED)
    answers = ticket_facts.list_target_facts(found)
    assert {one.fate for one in answers.values()} == {"left"}
    assert answers["queue"] == TargetFacts("left", "", "IT", -1, heard="IT")
    assert set(answers) == {"category", "priority", "queue", "assignee"}


def test_the_first_response_is_the_first_public_word_of_a_person_of_the_desk():
    found = facts_of(
        decided("IT"), said(public=False), said(kind="machine"), said("requester@x"), said("ann"), said("bob"), SOLVED,
        said("late"), stands={"queue": "IT", "status": "resolved", "requester": "requester@x"},
    )  # fmt: skip
    assert (found.first_response, found.replies, found.resolution) == (4 * 3600, 2, 6 * 3600)


def test_entries_are_read_in_the_order_of_time_whatever_their_numbers():
    entries = [
        JournalEntry(9, START, *_of(RECEIVED, {"source": "x"})),
        JournalEntry(8, START + timedelta(hours=2), *_of(*SOLVED)),
        JournalEntry(7, START + timedelta(hours=1), *_of(*said())),
    ]
    assert ticket_facts.collect_facts(entries).replies == 1


def _of(kind, content):
    return kind, 1, "h", None, None, content


@pytest.mark.parametrize(
    ("result", "why", "fate"),
    [("applied", {}, "routed"), ("conflict", {}, "suggested"), ("partial", {"queue": "no right"}, "suggested")],
)
def test_a_foreign_ticket_counts_as_routed_only_where_it_was_written_there(result, why, fate):
    wish = DELIVERY_REQUESTED, {"delivery": "d1", "set": {"queue": "IT"}}
    done = DELIVERED, {"delivery": "d1", "result": result, "why": why}
    found = facts_of(decided("IT"), wish, done, placed="Inbox")
    assert found.target_facts("queue").fate == fate


def test_the_machines_own_move_in_a_foreign_store_is_no_bounce():
    wish = DELIVERY_REQUESTED, {"delivery": "d1", "set": {"queue": "IT"}}
    done = DELIVERED, {"delivery": "d1", "result": "applied", "why": {}}
    moved = step("queue", "Inbox", "IT", "machine", "deskyard")
    found = facts_of(decided("IT"), wish, moved, done, step("queue", "IT", "HR"), SOLVED, placed="Inbox")
    assert found.moves == [QueueMove("IT", "HR", False)]
    assert found.target_facts("queue") == TargetFacts("routed", "IT", "HR", 0, heard="HR")


def test_what_is_undone_waits_again_and_sorting_it_is_no_bounce():
    found = facts_of(
        decided("IT"), (UNDONE, {"decision": 2, "back": {"queue": "triage"}}), step("queue", "triage", "HR")
    )
    assert (found.queue, found.moves) == ("HR", [])


def undone(**back):
    return UNDONE, {"decision": None, "back": back, "by": "ann", "kind": "person"}


def test_a_step_that_its_person_took_back_never_was_a_move():
    one = decided("IT", decisions={"queue": decision("IT"), "category": decision("VPN")}, category="VPN")
    slip = step("queue", "IT", "HR"), step("category", "VPN", "Leave"), SOLVED
    found = facts_of(one, *slip, undone(queue="IT", category="VPN", status="open"), SOLVED)
    assert (found.moves, found.has_returned, found.queue) == ([], False, "IT")
    assert (found.target_facts("queue").place, found.target_facts("category").place) == (1, 1)
    assert facts_of(one, *slip, undone(status="open")).resolution is None


def test_what_a_person_confirmed_is_right_and_no_move():
    same = CONFIRMED, {"field": "queue", "from": "IT", "to": "IT", "by": "ann", "kind": "person"}
    assert facts_of(decided("IT"), same, SOLVED).moves == []
    waits = decided("triage", decisions={"queue": decision("IT", "suggest")})
    chosen = CONFIRMED, {"field": "queue", "from": "triage", "to": "IT", "by": "ann", "kind": "person"}
    found = facts_of(waits, chosen, SOLVED)
    assert (found.moves, found.target_facts("queue")) == (
        [],
        TargetFacts("suggested", "IT", "IT", 1, heard="IT", agreed=True),
    )


def test_an_erased_ticket_keeps_its_facts():
    found = facts_of(decided("IT", category="VPN"), SOLVED)
    assert (found.queue, found.is_solved, found.values["category"]) == ("IT", True, "VPN")
