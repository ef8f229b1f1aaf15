"""What a finished run believes, and what that is worth: rows for pictures, counted from evidence and judged tickets.

In comes a `CachedRun` (or a part of one), out come plain rows. Nothing is fitted here.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import Ticket
from deskyard.explain.explanation import LabelExplanation, explain
from deskyard.guarantees.contract import Evidence
from deskyard.guarantees.contract_fitting import MIN_CONFIDENCE, routed_mask
from deskyard.guarantees.intervals import interval, lower_bound
from training.notebook.model_cache import CachedRun

Row = dict[str, Any]

TOLERANCE: Final = 1e-9

READABLE_LENGTH: Final = range(80, 400)
"""Characters of a body that is shown as an example."""


def is_correct(rows: Evidence) -> npt.NDArray[np.bool_]:
    """Which answers were right."""
    return np.asarray(rows["predicted"] == rows["truth"])


def compare_baselines(run: CachedRun) -> list[Row]:
    """`label` and `share` right of each way to choose a label, the worst first; the model's own have an interval."""
    score = run.report["score"]
    low, high = score["interval"]
    rows = [
        {"label": "the queue of this requester's last ticket", "share": score["last_of_requester"]},
        {"label": "always the busiest queue", "share": score["majority"]},
        {"label": "the model, on the newest fifth", "share": score["accuracy"], "low": low, "high": high, "ours": True},
        {"label": "the same, on a random fifth", "share": score["at_random"]},
        {"label": "the model: among its first three", "share": score["top3"]},
    ]
    return sorted((row for row in rows if row["share"] is not None), key=lambda row: row["share"])


def top_words(run: CachedRun, limit: int = 6) -> list[Row]:
    """The stems that speak most for each label: `label`, `word`, `weight` (margin of one occurrence), `place` (1..).

    A separator's weight times the word's rarity: what the word adds to the margin before the ticket's length tells.
    """
    scorer, head = run.scorer, run.scorer.heads[run.target]
    names = scorer.vocabulary.names[0]
    weights = scorer.coef[: len(names), head.span].astype(np.float64) * scorer.vocabulary.idf[: len(names), None]
    alone = np.array([" " not in name for name in names])
    rows = []
    for i, label in enumerate(head.labels):
        order = np.argsort(-np.where(alone, weights[:, i], -np.inf), kind="stable")[:limit]
        rows += [
            {"label": label, "word": names[word], "weight": float(weights[word, i]), "place": place}
            for place, word in enumerate(order.tolist(), 1)
        ]
    return rows


def recall_by_label(run: CachedRun) -> list[Row]:
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
            {**one, "said_right": one["right"] / one["judged"]} for one in run.report["classes"] if one["judged"]
        )
    ]
    return sorted(rows, key=lambda row: row["share"])


def provable_precision(share: float, max_tickets: int = 800) -> list[Row]:
    """What `n` tickets prove (95 % confidence), exactly `share` (0..1) of which were right: `n`, `proved` (0..1)."""
    whole = [n for n in range(5, max_tickets + 1) if abs(n * share - round(n * share)) < TOLERANCE]
    return [{"n": n, "proved": lower_bound(round(n * share), n), "of": f"{share:.0%} right"} for n in whole]


def routed_by_precision(run: CachedRun, precisions: list[float]) -> list[Row]:
    """What each precision in `asked` would have sent, and how right that was, on judged tickets that proved nothing."""
    rows = []
    for one in precisions:
        contract = run.fit_contract(one)
        gone = routed_mask(contract, run.holdout_evidence, run.labels)
        n, hits = int(gone.sum()), int(is_correct(run.holdout_evidence)[gone].sum())
        low, high = interval(hits, n)
        rows.append(
            {
                "asked": one,
                "threshold": contract.threshold,
                "proved_on": contract.routed,
                "n": n,
                "right": hits,
                "coverage": n / len(run.holdout_evidence),
                "share": hits / n if n else None,
                "low": low,
                "high": high,
            }
        )
    return rows


def cost_by_threshold(rows: Evidence, reading: float, mistake: float) -> list[Row]:
    """Minutes a ticket by how sure is sure enough, from even on: `threshold`, `minutes` = `reading` + `mistakes`.

    Tickets below the threshold are read by a person (`reading` minutes); of the others the wrong ones cost `mistake`.
    Strangers (`deskyard.guarantees.contract.EVIDENCE_DTYPE`) are no tickets of the desk and are left out.
    """
    rows = rows[rows["kind"] == 0]
    wrong, n = ~is_correct(rows), len(rows)
    found = []
    for threshold in np.linspace(MIN_CONFIDENCE, 1, 101):
        gone = rows["confidence"] >= threshold
        by_hand, lost = reading * float((~gone).sum()) / n, mistake * float((gone & wrong).sum()) / n
        found.append({"threshold": float(threshold), "minutes": by_hand + lost, "reading": by_hand, "mistakes": lost})
    return found


def accuracy_by_slice(run: CachedRun, dimension: str) -> list[Row]:
    """The share right in each slice of a dimension of the report: `label`, `share`, `low`, `high`, `n`."""
    return [
        {
            "label": row["name"] or "others",
            "share": row["right"] / row["n"],
            "low": row["accuracy"][0],
            "high": row["accuracy"][1],
            "n": row["n"],
        }
        for row in run.report["slices"].get(dimension, [])
    ]


def accuracy_by_quality(run: CachedRun, quality: Callable[[str], str]) -> list[Row]:
    """The share right where `quality(ticket id)` is the same: rows as in `accuracy_by_slice`, the most wrong answers
    first."""
    of = [quality(ticket.id) for ticket in run.tickets]
    hits, all_of = Counter(q for q, hit in zip(of, is_correct(run.holdout_evidence), strict=True) if hit), Counter(of)
    rows = []
    for name, n in all_of.items():
        low, high = interval(hits[name], n)
        rows.append({"label": name, "share": hits[name] / n, "low": low, "high": high, "n": n, "wrong": n - hits[name]})
    return sorted(rows, key=lambda row: (-row["wrong"], row["label"]))


def confusion_pairs(run: CachedRun) -> list[Row]:
    """What is taken for what: `true`, `said`, `n`, the most frequent first."""
    rows = run.holdout_evidence[~is_correct(run.holdout_evidence)]
    counts = Counter(zip(rows["truth"].tolist(), rows["predicted"].tolist(), strict=True))
    names: Mapping[int, str] = dict(enumerate(run.labels))
    return [
        {"true": names.get(true, "not learnt"), "said": names[said], "n": n} for (true, said), n in counts.most_common()
    ]


def find_word_dependent_ticket(run: CachedRun, language: str = "en") -> tuple[Ticket, LabelExplanation]:
    """A judged ticket that is right, and whose label one or two words decide, in `language`; the surest such.

    Raises LookupError where no ticket is like that.
    """
    surest = np.argsort(-run.holdout_evidence["confidence"] * is_correct(run.holdout_evidence), kind="stable")
    for i in surest.tolist():
        ticket = run.tickets[i]
        if is_correct(run.holdout_evidence)[i] and ticket.language == language and len(ticket.body) in READABLE_LENGTH:
            reasons = explain(run.scorer, ticket).labels[run.target]
            if reasons.counterfactual and len(reasons.counterfactual.words) <= 2:
                return ticket, reasons
    raise LookupError("no judged ticket hangs on one or two words")
