"""The breaker over the past: it knows of a mistake when people did."""

from datetime import UTC, datetime, timedelta

from deskyard.policy.policy import Mode, Policy
from training.backtest.breaker_replay import Watch
from training.backtest.outcome import Deed

AT = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, LAG = timedelta(hours=1), timedelta(hours=100)


def routed(right):
    return Deed("A", True, "contract", 0.99, right, {"queue": ("A", right)})


def test_a_class_that_goes_wrong_is_held_back_once_people_have_spoken():
    watch, policy = Watch(Policy(mode=Mode.ROUTE), 0.95), Policy(mode=Mode.ROUTE)
    for n in range(60):
        assert watch.until(AT + n * HOUR) == policy
        watch.see(n, routed(n < 30), AT + n * HOUR + LAG)
    assert watch.until(AT + 29 * HOUR + LAG) == policy
    held = watch.until(AT + 60 * HOUR + LAG)
    assert held.tripped == {"queue": ("A",)}
    assert watch.trips == [("queue", "A")]


def test_right_tickets_and_those_nobody_knows_of_trip_nothing():
    watch = Watch(Policy(mode=Mode.ROUTE), 0.95)
    for n in range(2_000):
        watch.see(n, routed(None if n % 2 else True), AT)
    assert watch.until(AT + 1_000 * HOUR).tripped == {}


def test_what_the_policy_promises_counts():
    loose, strict = (Watch(Policy(mode=Mode.ROUTE, precision=p), 0.95) for p in (0.6, 0.99))
    for n in range(40):
        for watch in (loose, strict):
            watch.see(n, routed(bool(n % 5)), AT)
    assert loose.until(AT).tripped == {}
    assert strict.until(AT).tripped == {"queue": ("A",)}
