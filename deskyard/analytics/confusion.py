"""Confusion matrix of actual and predicted labels; rare labels are combined so that it fits on a screen."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from deskyard.analytics.query import ReportQuery
from deskyard.analytics.rollups import view_table
from deskyard.analytics.ticket_facts import UNKNOWN_RANK
from deskyard.db.tables.analytics import DAILY_TARGET_FACTS

MAX_LABELS: Final = 12
"""Labels with a row and a column of their own."""

SHADE_LEVELS: Final = 6


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """`counts[i][j]`: tickets whose actual label is `labels[i]` and whose predicted one is `labels[j]`. If there are
    more labels (`other_labels` of them), the last row and column stand for all of these."""

    labels: list[str]
    other_labels: int
    counts: list[list[int]]

    def shade_level(self, i: int, j: int) -> int:
        """The share of its row that a cell holds, as a level from 0 (none) to `SHADE_LEVELS` (all)."""
        n, of = self.counts[i][j], sum(self.counts[i])
        return max(1, round(SHADE_LEVELS * n / of)) if n else 0


def count_pairs(conn: Connection, query: ReportQuery, outcome: str = "") -> Counter[tuple[str, str]]:
    """(actual, predicted) → number of solved tickets; `outcome`: only tickets with it ("": all)."""
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
    return Counter({(truth, predicted): int(n) for truth, predicted, n in rows})


def build_matrix(pair_counts: Counter[tuple[str, str]]) -> ConfusionMatrix:
    """The matrix of the most confused labels, ordered by number of tickets."""
    size, wrong = Counter[str](), Counter[str]()
    for (truth, predicted), n in pair_counts.items():
        size[truth] += n
        size[predicted] += n
        if truth != predicted:
            wrong[truth] += n
            wrong[predicted] += n
    chosen = sorted(size, key=lambda label: (-wrong[label], -size[label], label))[:MAX_LABELS]
    labels = sorted(chosen, key=lambda label: (-size[label], label))
    place = {label: i for i, label in enumerate(labels)}
    others = len(size) - len(labels)
    edge = len(labels) + bool(others)
    counts = [[0] * edge for _ in range(edge)]
    for (truth, predicted), n in pair_counts.items():
        counts[place.get(truth, len(labels))][place.get(predicted, len(labels))] += n
    return ConfusionMatrix(labels, others, counts)
