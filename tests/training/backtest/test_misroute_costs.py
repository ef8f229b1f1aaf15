"""Costs: what a wrong queue costs, learnt from where tickets went."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard.analytics.savings import RoutingCosts
from deskyard.domain.ticket import TARGETS, Ticket
from training.backtest.misroute_costs import DEFAULT_MISROUTE, PRIOR_TICKETS, MisrouteCosts
from training.data.history import History
from training.data.moves import Move

AT = datetime(2026, 1, 1, tzinfo=UTC)


def desk(*ways, times=1):
    """A history of tickets that went these ways, a queue an hour, each ending where it belongs."""
    tickets, labels, moves = [], [], []
    for n, way in enumerate(ways * times):
        tickets.append(Ticket(id=str(n), body="x", created_at=AT))
        labels.append(way[-1])
        before = ["", *way[:-1]]
        moves += [
            Move(str(n), AT + timedelta(hours=hour), "ann", "queue", was or None, became)
            for hour, (was, became) in enumerate(zip(before, way, strict=True))
        ]
    return History(
        tickets=tickets, labels={t: labels if t == "queue" else [None] * len(labels) for t in TARGETS}, moves=moves
    )


def learnt(history, name=str):
    return MisrouteCosts.fit(history, name, RoutingCosts(triage_minutes=3, misroute_minutes=10))


def test_without_moves_a_wrong_queue_costs_one_hop():
    costs = learnt(History())
    assert costs.misroute("A", "B") == DEFAULT_MISROUTE
    assert costs.wrong_queue_minutes("A", "B") == 10
    assert costs.manual_minutes("any") == 3


def test_a_pair_seen_often_costs_what_it_cost():
    costs = learnt(desk(("A", "C", "D", "B"), times=400))
    way = costs.misroute("A", "B")
    assert way.tickets == 400
    assert way.reassignments == pytest.approx(3, abs=0.05)
    assert way.hours == pytest.approx(3, abs=0.05)
    assert costs.wrong_queue_minutes("A", "B") == pytest.approx(30, abs=0.5)
    assert costs.misroute("D", "B").reassignments == pytest.approx(1, abs=0.05)


def test_a_pair_seen_once_leans_on_all_others():
    costs = learnt(desk(*[("A", "B")] * 99, ("X", "A", "A2", "A3", "Y")))
    seen, usual = 4, costs.overall.reassignments
    assert usual < 1.1
    assert costs.misroute("X", "Y").reassignments == pytest.approx((seen + PRIOR_TICKETS * usual) / (1 + PRIOR_TICKETS))
    assert costs.misroute("never", "seen") == costs.overall


def test_what_waited_in_triage_went_nowhere_wrong():
    costs = learnt(desk(("triage", "B"), times=5))
    assert costs.misroutes == {}
    assert costs.manual_minutes("0") == 3


def test_a_ticket_sorted_by_hand_costs_each_time_it_was_passed_on():
    costs = learnt(desk(("B",), ("A", "B"), ("A", "C", "B")))
    assert [costs.manual_minutes(str(n)) for n in range(3)] == [3, 13, 23]


def test_a_ticket_that_came_back_is_counted_to_its_first_arrival():
    costs = learnt(desk(("A", "B", "C", "B"), times=400))
    assert costs.misroute("A", "B").reassignments == pytest.approx(1, abs=0.05)
    assert costs.misroute("C", "B").reassignments == pytest.approx(1, abs=0.05)


def test_queues_that_are_one_by_now_are_no_mistake_of_each_other():
    costs = learnt(
        desk(("VPN", "Wi-Fi"), ("A", "VPN", "Wi-Fi")), lambda name: {"VPN": "Net", "Wi-Fi": "Net"}.get(name, name)
    )
    assert set(costs.misroutes) == {("A", "Net")}
    assert costs.misroute("A", "Net").reassignments == 1
