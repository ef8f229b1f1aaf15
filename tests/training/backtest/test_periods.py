"""Periods: no model learns what nobody knew by its first day."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard.domain.ticket import TARGETS, Ticket
from deskyard.errors import BadInput
from training.backtest.periods import MAX_PERIODS, split_periods
from training.data.history import History

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def history(days, resolved=None):
    return History(
        tickets=[
            Ticket(id=str(n), body="x", created_at=None if d is None else FIRST + d * DAY) for n, d in enumerate(days)
        ],
        labels={target: ["a"] * len(days) for target in TARGETS},
        resolutions=[None if d is None else FIRST + d * DAY for d in resolved] if resolved else [None] * len(days),
    )


def test_every_ticket_from_the_first_period_on_is_asked_about_once():
    found = split_periods(history(range(100)), 30 * DAY, 7 * DAY, 1_000)
    assert [n for one in found for n in one.ticket_range] == list(range(20, 100))
    assert [len(one.ticket_range) for one in found] == [30, 30, 20]
    assert [one.number for one in found] == [0, 1, 2]


def test_a_model_learns_only_what_was_settled_by_its_first_day():
    found = split_periods(history(range(100)), 30 * DAY, 7 * DAY, 1_000)
    assert len(found) == 3
    for one in found:
        assert one.learn == list(range((one.start - FIRST).days - 7 + 1))


def test_a_ticket_is_settled_when_it_was_resolved_where_that_was_written_down():
    days, resolved = list(range(50)), [n + (40 if n % 2 else 0) for n in range(50)]
    (one, *_) = split_periods(history(days, resolved), 100 * DAY, 7 * DAY, 1_000, FIRST + 30 * DAY)
    assert one.learn == [n for n in range(30) if not n % 2]
    assert one.settled == [FIRST + d * DAY for d in resolved[30:]]


def test_a_window_keeps_the_newest():
    (one, *_) = split_periods(history(range(100)), 100 * DAY, 0 * DAY, 10, FIRST + 50 * DAY)
    assert one.learn == list(range(40, 50))


def test_a_time_without_tickets_trains_no_model():
    found = split_periods(history([*range(20), *range(200, 220)]), 10 * DAY, 0 * DAY, 1_000, FIRST + 10 * DAY)
    assert [(one.start - FIRST).days for one in found] == [10, 200, 210]


def test_tickets_without_a_time_teach_and_are_asked_about_never():
    found = split_periods(history([None, None, *range(50)]), 100 * DAY, 0 * DAY, 1_000, FIRST + 40 * DAY)
    assert found[0].learn == list(range(42))
    assert found[0].ticket_range == range(42, 52)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"history": history([None] * 20)}, "it needs a history with created_at"),
        (
            {"history": history(range(50)), "begin": FIRST + 60 * DAY},
            r"no ticket came after 2026-03-02: the last one is of 2026-02-19",
        ),
        ({"history": history(range(1000)), "every": timedelta(hours=12)}, rf"more than {MAX_PERIODS} trainings"),
    ],
)
def test_what_can_not_be_cut_is_told(given, said):
    with pytest.raises(BadInput, match=said):
        split_periods(**{"every": 30 * DAY, "lag": 7 * DAY, "window": 1_000} | given)
