"""The breaker over the past: it knows of a mistake when people did."""

from datetime import UTC, datetime, timedelta

from deskyard.policy.policy import Mode, Policy
from training.backtest.breaker_replay import BreakerReplay
from training.backtest.outcome import TicketOutcome

AT = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, LAG = timedelta(hours=1), timedelta(hours=100)


def routed(right):
    return TicketOutcome("A", True, "contract", 0.99, right, {"queue": ("A", right)})


def test_a_class_that_goes_wrong_is_held_back_once_people_have_spoken():
    watch, policy = BreakerReplay(Policy(mode=Mode.ROUTE), 0.95), Policy(mode=Mode.ROUTE)
    for n in range(60):
        assert watch.policy_at(AT + n * HOUR) == policy
        watch.add(n, routed(n < 30), AT + n * HOUR + LAG)
    assert watch.policy_at(AT + 29 * HOUR + LAG) == policy
    held = watch.policy_at(AT + 60 * HOUR + LAG)
    assert held.tripped == {"queue": ("A",)}
    assert watch.tripped == [("queue", "A")]


def test_right_tickets_and_those_nobody_knows_of_trip_nothing():
    watch = BreakerReplay(Policy(mode=Mode.ROUTE), 0.95)
    for n in range(2_000):
        watch.add(n, routed(None if n % 2 else True), AT)
    assert watch.policy_at(AT + 1_000 * HOUR).tripped == {}


def test_what_the_policy_promises_counts():
    loose, strict = (BreakerReplay(Policy(mode=Mode.ROUTE, precision=p), 0.95) for p in (0.6, 0.99))
    for n in range(40):
        for watch in (loose, strict):
            watch.add(n, routed(bool(n % 5)), AT)
    assert loose.policy_at(AT).tripped == {}
    assert strict.policy_at(AT).tripped == {"queue": ("A",)}
