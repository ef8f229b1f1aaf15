"""What a finished run believes, and what that is worth: rows for pictures, counted from evidence and judged tickets.

In comes a `Learnt` (or a part of one), out come plain rows. Nothing is fitted here.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import Ticket
from deskyard.explain.explanation import Because, explain
from deskyard.guarantees.contract import Evidence
from deskyard.guarantees.contract_fitting import EVEN, routes
from deskyard.guarantees.intervals import interval, lower_bound
from training.notebook.model_cache import Learnt

Row = dict[str, Any]

EXACT: Final = 1e-9

READABLE: Final = range(80, 400)
"""Characters of a body that is shown as an example."""


def right(rows: Evidence) -> npt.NDArray[np.bool_]:
    """Which answers were right."""
    return np.asarray(rows["predicted"] == rows["truth"])


def baselines(found: Learnt) -> list[Row]:
    """`label` and `share` right of each way to choose a label, the worst first; the model's own have an interval."""
    score = found.report["score"]
    low, high = score["interval"]
    rows = [
        {"label": "the queue of this requester's last ticket", "share": score["last_of_requester"]},
        {"label": "always the busiest queue", "share": score["majority"]},
        {"label": "the model, on the newest fifth", "share": score["accuracy"], "low": low, "high": high, "ours": True},
        {"label": "the same, on a random fifth", "share": score["at_random"]},
        {"label": "the model: among its first three", "share": score["top3"]},
    ]
    return sorted((row for row in rows if row["share"] is not None), key=lambda row: row["share"])


def telling_words(found: Learnt, most: int = 6) -> list[Row]:
    """The stems that speak most for each label: `label`, `word`, `weight` (margin of one occurrence), `place` (1..).

    A separator's weight times the word's rarity: what the word adds to the margin before the ticket's length tells.
    """
    scorer, head = found.scorer, found.scorer.heads[found.target]
    names = scorer.vocabulary.names[0]
    weights = scorer.coef[: len(names), head.span].astype(np.float64) * scorer.vocabulary.idf[: len(names), None]
    alone = np.array([" " not in name for name in names])
    rows = []
    for i, label in enumerate(head.labels):
        order = np.argsort(-np.where(alone, weights[:, i], -np.inf), kind="stable")[:most]
        rows += [
            {"label": label, "word": names[word], "weight": float(weights[word, i]), "place": place}
            for place, word in enumerate(order.tolist(), 1)
        ]
    return rows


def recalls(found: Learnt) -> list[Row]:
    """How many of each label's judged tickets were found: `label`, `share`, `low`, `high`, `n`; the worst first."""
    rows = [
        {
            "label": row["label"],
            "share": row["said_right"],
            "low": row["recall"][0],
            "high": row["recall"][1],
            "n": row["judged"],
        }
        for row in (
            {**one, "said_right": one["right"] / one["judged"]} for one in found.report["classes"] if one["judged"]
        )
    ]
    return sorted(rows, key=lambda row: row["share"])


def proofs(share: float, most: int = 800) -> list[Row]:
    """What `n` tickets prove (95 % confidence), exactly `share` (0..1) of which were right: `n`, `proved` (0..1)."""
    whole = [n for n in range(5, most + 1) if abs(n * share - round(n * share)) < EXACT]
    return [{"n": n, "proved": lower_bound(round(n * share), n), "of": f"{share:.0%} right"} for n in whole]


def promises(found: Learnt, asked: list[float]) -> list[Row]:
    """What each precision in `asked` would have sent, and how right that was, on judged tickets that proved nothing."""
    rows = []
    for one in asked:
        contract = found.contract(one)
        gone = routes(contract, found.rows, found.labels)
        n, hits = int(gone.sum()), int(right(found.rows)[gone].sum())
        low, high = interval(hits, n)
        rows.append(
            {
                "asked": one,
                "threshold": contract.threshold,
                "proved_on": contract.n,
                "n": n,
                "right": hits,
                "coverage": n / len(found.rows),
                "share": hits / n if n else None,
                "low": low,
                "high": high,
            }
        )
    return rows


def prices(rows: Evidence, reading: float, mistake: float) -> list[Row]:
    """Minutes a ticket by how sure is sure enough, from even on: `threshold`, `minutes` = `reading` + `mistakes`.

    Tickets below the threshold are read by a person (`reading` minutes); of the others the wrong ones cost `mistake`.
    Strangers (`deskyard.guarantees.contract.EVIDENCE`) are no tickets of the desk and are left out.
    """
    rows = rows[rows["kind"] == 0]
    wrong, n = ~right(rows), len(rows)
    found = []
    for threshold in np.linspace(EVEN, 1, 101):
        gone = rows["confidence"] >= threshold
        by_hand, lost = reading * float((~gone).sum()) / n, mistake * float((gone & wrong).sum()) / n
        found.append({"threshold": float(threshold), "minutes": by_hand + lost, "reading": by_hand, "mistakes": lost})
    return found


def by_place(found: Learnt, dimension: str) -> list[Row]:
    """The share right in each slice of a dimension of the report: `label`, `share`, `low`, `high`, `n`."""
    return [
        {
            "label": row["name"] or "others",
            "share": row["right"] / row["n"],
            "low": row["accuracy"][0],
            "high": row["accuracy"][1],
            "n": row["n"],
        }
        for row in found.report["slices"].get(dimension, [])
    ]


def by_quality(found: Learnt, quality: Callable[[str], str]) -> list[Row]:
    """The share right where `quality(ticket id)` is the same: rows as in `by_place`, the most wrong answers first."""
    of = [quality(ticket.id) for ticket in found.tickets]
    hits, all_of = Counter(q for q, hit in zip(of, right(found.rows), strict=True) if hit), Counter(of)
    rows = []
    for name, n in all_of.items():
        low, high = interval(hits[name], n)
        rows.append({"label": name, "share": hits[name] / n, "low": low, "high": high, "n": n, "wrong": n - hits[name]})
    return sorted(rows, key=lambda row: (-row["wrong"], row["label"]))


def pairs(found: Learnt) -> list[Row]:
    """What is taken for what: `true`, `said`, `n`, the most frequent first."""
    rows = found.rows[~right(found.rows)]
    counts = Counter(zip(rows["truth"].tolist(), rows["predicted"].tolist(), strict=True))
    names: Mapping[int, str] = dict(enumerate(found.labels))
    return [
        {"true": names.get(true, "not learnt"), "said": names[said], "n": n} for (true, said), n in counts.most_common()
    ]


def hanging_on_words(found: Learnt, language: str = "en") -> tuple[Ticket, Because]:
    """A judged ticket that is right, and whose label one or two words decide, in `language`; the surest such.

    Raises LookupError where no ticket is like that.
    """
    surest = np.argsort(-found.rows["confidence"] * right(found.rows), kind="stable")
    for i in surest.tolist():
        ticket = found.tickets[i]
        if right(found.rows)[i] and ticket.language == language and len(ticket.body) in READABLE:
            reasons = explain(found.scorer, ticket).because[found.target]
            if reasons.flip and len(reasons.flip.words) <= 2:
                return ticket, reasons
    raise LookupError("no judged ticket hangs on one or two words")
