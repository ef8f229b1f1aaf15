"""Counts of a history before training, as plain rows for charts and sentences."""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from deskyard.domain.ticket import Target
from training.data.history import History

Row = dict[str, Any]


class Burst(NamedTuple):
    """The busiest stretch of minutes: its start, its number of tickets, and the usual number of tickets per hour."""

    start: datetime
    n: int
    typical_hourly: float


def count_by_label(history: History, target: Target) -> list[Row]:
    """`label`, `n` and `share` (0..1 of the labelled tickets), the most frequent first."""
    counts = Counter(label for label in history.labels[target] if label)
    return [{"label": label, "n": n, "share": n / counts.total()} for label, n in counts.most_common()]


def count_by_day(history: History) -> list[Row]:
    """`day` and `n` for every day from the first to the last (UTC), including days without tickets."""
    counts = Counter(ticket.created_at.date() for ticket in history.tickets if ticket.created_at)
    first, last = min(counts), max(counts)
    return [{"day": day, "n": counts[day]} for day in _date_range(first, last)]


def find_burst(history: History, minutes: int = 15) -> Burst:
    """The `minutes` with most tickets, starting at a ticket. Raises IndexError for a history without dates."""
    times = sorted(ticket.created_at for ticket in history.tickets if ticket.created_at)
    stop, best, start = 0, 0, times[0]
    for i, time in enumerate(times):
        while stop < len(times) and times[stop] < time + timedelta(minutes=minutes):
            stop += 1
        if stop - i > best:
            best, start = stop - i, time
    hours = (times[-1] - times[0]) / timedelta(hours=1)
    return Burst(start, best, len(times) / max(hours, 1))


def label_spans(history: History, target: Target) -> list[Row]:
    """`label`, its `first` and `last` day, and `n`, ordered by the first day."""
    days: dict[str, list[date]] = defaultdict(list)
    for ticket, label in zip(history.tickets, history.labels[target], strict=True):
        if label and ticket.created_at:
            days[label].append(ticket.created_at.date())
    rows = [{"label": name, "first": min(of), "last": max(of), "n": len(of)} for name, of in days.items()]
    return sorted(rows, key=lambda row: (row["first"], row["last"], row["label"]))


def unstable_labels(rows: list[Row], share: float = 0.2) -> list[Row]:
    """The rows of `label_spans` that begin or end more than `share` of the whole time after its start or before its
    end."""
    first, last = min(row["first"] for row in rows), max(row["last"] for row in rows)
    far = (last - first) * share
    return [row for row in rows if row["first"] - first > far or last - row["last"] > far]


def count_bounces(history: History, target: Target) -> list[Row]:
    """How often tickets were moved from one label to another: `before`, `after`, `n`, the most frequent first."""
    counts = Counter((move.before, move.after) for move in history.moves if move.field == target and move.before)
    return [{"before": before, "after": after, "n": n} for (before, after), n in counts.most_common()]


def count_bounced_tickets(history: History, target: Target) -> int:
    """How many tickets were moved at least once from one label to another."""
    return len({move.id for move in history.moves if move.field == target and move.before})


def _date_range(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
