"""What is taken for what: true labels by what was said, as many as a screen shows, the rest in one."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from deskyard.analytics.query import Asked
from deskyard.analytics.rollups import seen
from deskyard.analytics.ticket_facts import UNKNOWN
from deskyard.db.tables.analytics import DAILY_ANSWERS

SHOWN: Final = 12
"""Labels that have a row and a column of their own."""

SHADES: Final = 6


@dataclass(frozen=True, slots=True)
class Confusion:
    """`counts[i][j]`: tickets whose truth is `labels[i]` and of which `labels[j]` was said; the last row and column are
    all other labels, where there are more (`others`). All counts add up to the tickets judged."""

    labels: list[str]
    others: int
    counts: list[list[int]]

    def shade(self, i: int, j: int) -> int:
        """How much of its row a cell is: 0 (nothing) to `SHADES` (all of it)."""
        n, of = self.counts[i][j], sum(self.counts[i])
        return max(1, round(SHADES * n / of)) if n else 0


def pairs(conn: Connection, asked: Asked, fate: str = "") -> Counter[tuple[str, str]]:
    """(truth, said) → how many of the judged tickets; `fate`: only those."""
    answers = seen(DAILY_ANSWERS, asked)
    columns = answers.c.truth, answers.c.said
    rows = conn.execute(
        select(*columns, func.sum(answers.c.n))
        .where(
            answers.c.place != UNKNOWN,
            *([answers.c.fate == fate] if fate else []),
            *asked.where(answers),
        )
        .group_by(*columns)
    )
    return Counter({(truth, said): int(n) for truth, said, n in rows})


def confusion(counted: Counter[tuple[str, str]]) -> Confusion:
    """The labels that are confused most, in the order of how many tickets they have."""
    size, wrong = Counter[str](), Counter[str]()
    for (truth, said), n in counted.items():
        size[truth] += n
        size[said] += n
        if truth != said:
            wrong[truth] += n
            wrong[said] += n
    chosen = sorted(size, key=lambda label: (-wrong[label], -size[label], label))[:SHOWN]
    labels = sorted(chosen, key=lambda label: (-size[label], label))
    place = {label: i for i, label in enumerate(labels)}
    others = len(size) - len(labels)
    edge = len(labels) + bool(others)
    counts = [[0] * edge for _ in range(edge)]
    for (truth, said), n in counted.items():
        counts[place.get(truth, len(labels))][place.get(said, len(labels))] += n
    return Confusion(labels, others, counts)
