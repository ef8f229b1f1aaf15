"""Which tickets to label: those that bring most, each text once; and which labels to doubt."""

from datetime import UTC, datetime

import pytest

from deskyard.active_learning.label_goals import LabelGoal
from deskyard.active_learning.sample_selection import count_unlabelled, find_doubtful_labels, select_unlabelled
from deskyard.active_learning.unlabelled_tickets import TicketLabelState
from deskyard.desk.tickets import DeskTicket
from deskyard.domain.ticket import Ticket

AT = datetime(2026, 1, 1, tzinfo=UTC)
NEAR = LabelGoal("queue", "Near", 10, 40.0, 1)
FAR = LabelGoal("queue", "Far", 100, 40.0, 3)


def make_state(number, probabilities, chosen=None, *, confirmed=(), status="new", queue="triage", subject=None):
    ticket = Ticket(id="", subject=subject or f"ticket {number}", created_at=AT)
    file_one = DeskTicket(number, 1, None, None, ticket, AT, AT, queue, None, None, None, status)
    return TicketLabelState(
        file_one, {"queue": probabilities}, {"queue": chosen} if chosen else {}, frozenset(confirmed)
    )


def numbers(items):
    return [item.ticket_id for item in items]


def test_a_ticket_of_a_contract_that_is_near_comes_before_one_of_a_contract_that_is_far():
    found = [
        make_state(1, {"Far": 0.9}),
        make_state(2, {"Near": 0.9}),
        make_state(3, {"Near": 0.4, "Else": 0.5}),
        make_state(4, {"Else": 0.9}),
    ]
    items = select_unlabelled(found, [NEAR, FAR])
    assert numbers(items) == [2, 3, 1]
    assert [item.goal for item in items] == [NEAR, NEAR, FAR]
    assert (items[1].predicted_label, items[1].confidence, items[1].current_label) == ("Else", 0.5, None)


def test_another_spelling_of_the_predicted_label_is_not_doubted():
    assert find_doubtful_labels([make_state(1, {"Сеть::VPN": 0.99, "Else": 0.01}, "сеть > vpn")]) == []
    assert numbers(find_doubtful_labels([make_state(1, {"Сеть::VPN": 0.99, "Else": 0.01}, "else")])) == [1]


def test_what_somebody_has_spoken_of_is_not_asked_about():
    assert select_unlabelled([make_state(1, {"Near": 0.9}, "Else"), make_state(2, {"Near": 0.9}, "Near")], [NEAR]) == []


def test_a_text_is_asked_about_once():
    alike = [
        make_state(n, {"Near": 0.9}, subject=text) for n, text in enumerate(["VPN  is down", "vpn is DOWN", "printer"])
    ]
    assert numbers(select_unlabelled(alike, [NEAR])) == [0, 2]


def test_a_solved_ticket_brings_less_than_one_that_waits():
    found = [make_state(1, {"Near": 0.9}, status="closed", queue="Near"), make_state(2, {"Near": 0.6})]
    assert numbers(select_unlabelled(found, [NEAR])) == [2, 1]


def test_where_nothing_of_a_target_is_proved_every_ticket_helps():
    whole = LabelGoal("queue", None, 72, 100.0, 2)
    assert numbers(select_unlabelled([make_state(1, {"A": 0.3}), make_state(2, {"B": 0.9})], [whole])) == [1, 2]
    assert select_unlabelled([make_state(1, {"A": 0.3})], [whole], "priority") == []


def test_the_stock_counts_what_nobody_spoke_of_by_the_likeliest_label():
    found = [
        make_state(1, {"Near": 0.6, "Far": 0.3}),
        make_state(2, {"Near": 0.9}, "Near"),
        make_state(3, {"Far": 0.5}),
    ]
    assert count_unlabelled(found, [NEAR, FAR, LabelGoal("queue", None, 1, 1.0)]) == {
        ("queue", "Near"): 1, ("queue", "Far"): 1, ("queue", None): 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("probabilities", "chosen", "confirmed", "doubted"),
    [
        ({"A": 0.95, "B": 0.02}, "B", (), True),
        ({"A": 0.95}, "B", (), True),
        ({"A": 0.95, "B": 0.02}, "B", ("queue",), False),
        ({"A": 0.95, "B": 0.02}, "A", (), False),
        ({"A": 0.6, "B": 0.02}, "B", (), False),
        ({"A": 0.85, "B": 0.12}, "B", (), False),
        ({"A": 0.95, "B": 0.02}, None, (), False),
    ],
)
def test_a_label_is_doubted_where_the_machine_was_nearly_certain_of_another(probabilities, chosen, confirmed, doubted):
    assert bool(find_doubtful_labels([make_state(1, probabilities, chosen, confirmed=confirmed)])) is doubted


def test_the_surest_doubts_come_first():
    found = [make_state(1, {"A": 0.85}, "B"), make_state(2, {"A": 0.99}, "B")]
    assert numbers(find_doubtful_labels(found)) == [2, 1]
    assert find_doubtful_labels(found, "priority") == []
