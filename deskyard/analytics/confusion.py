"""What is taken for what: true labels by what was said, as many as a screen shows, the rest in one."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from deskyard.analytics.query import ReportQuery
from deskyard.analytics.rollups import view_table
from deskyard.analytics.ticket_facts import UNKNOWN_RANK
from deskyard.db.tables.analytics import DAILY_TARGET_FACTS

MAX_LABELS: Final = 12
"""Labels that have a row and a column of their own."""

SHADE_LEVELS: Final = 6


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """`counts[i][j]`: tickets whose truth is `labels[i]` and of which `labels[j]` was said; the last row and column are
    all other labels, where there are more (`others`). All counts add up to the tickets judged."""

    labels: list[str]
    other_labels: int
    counts: list[list[int]]

    def shade_level(self, i: int, j: int) -> int:
        """How much of its row a cell is: 0 (nothing) to `SHADE_LEVELS` (all of it)."""
        n, of = self.counts[i][j], sum(self.counts[i])
        return max(1, round(SHADE_LEVELS * n / of)) if n else 0


def count_pairs(conn: Connection, query: ReportQuery, outcome: str = "") -> Counter[tuple[str, str]]:
    """(truth, said) → how many of the judged tickets; `fate`: only those."""
    answers = view_table(DAILY_TARGET_FACTS, query)
    columns = answers.c.truth, answers.c.said
    rows = conn.execute(
        select(*columns, func.sum(answers.c.n))
        .where(
            answers.c.place != UNKNOWN_RANK,
            *([answers.c.fate == outcome] if outcome else []),
            *query.conditions(answers),
        )
        .group_by(*columns)
    )
    return Counter({(truth, said): int(n) for truth, said, n in rows})


def build_matrix(pair_counts: Counter[tuple[str, str]]) -> ConfusionMatrix:
    """The labels that are confused most, in the order of how many tickets they have."""
    size, wrong = Counter[str](), Counter[str]()
    for (truth, said), n in pair_counts.items():
        size[truth] += n
        size[said] += n
        if truth != said:
            wrong[truth] += n
            wrong[said] += n
    chosen = sorted(size, key=lambda label: (-wrong[label], -size[label], label))[:MAX_LABELS]
    labels = sorted(chosen, key=lambda label: (-size[label], label))
    place = {label: i for i, label in enumerate(labels)}
    others = len(size) - len(labels)
    edge = len(labels) + bool(others)
    counts = [[0] * edge for _ in range(edge)]
    for (truth, said), n in pair_counts.items():
        counts[place.get(truth, len(labels))][place.get(said, len(labels))] += n
    return ConfusionMatrix(labels, others, counts)
