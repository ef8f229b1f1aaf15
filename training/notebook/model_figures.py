"""Figures of a trained model, counted from its evidence and holdout tickets, as plain rows for charts and sentences."""

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
"""Lengths, in characters, of a body that is shown as an example."""


def is_correct(rows: Evidence) -> npt.NDArray[np.bool_]:
    """Which predictions were right (rows)."""
    return np.asarray(rows["predicted"] == rows["truth"])


def compare_baselines(run: CachedRun) -> list[Row]:
    """`label` and accuracy (`share`) of each way to choose a label, the worst first; the model's has an interval."""
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
    """The stems with the highest weight for each label: `label`, `word`, `weight`, `place` (from 1).

    The weight is the coefficient times the inverse ticket frequency: what one occurrence adds to the margin before the
    row is scaled.
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
    """The recall of each label on the holdout: `label`, `share`, `low`, `high`, `n`; the worst first."""
    rows = [
        {
            "label": row["label"],
            "share": row["right"] / row["judged"],
            "low": row["recall"][0],
            "high": row["recall"][1],
            "n": row["judged"],
        }
        for row in run.report["classes"]
        if row["judged"]
    ]
    return sorted(rows, key=lambda row: row["share"])


def provable_precision(share: float, max_tickets: int = 800) -> list[Row]:
    """The precision `proved` (0..1, 95 % confidence) by `n` tickets of which exactly `share` (0..1) are right."""
    whole = [n for n in range(5, max_tickets + 1) if abs(n * share - round(n * share)) < TOLERANCE]
    return [{"n": n, "proved": lower_bound(round(n * share), n), "of": f"{share:.0%} right"} for n in whole]


def routed_by_precision(run: CachedRun, precisions: list[float]) -> list[Row]:
    """What a contract at each of `precisions` would have routed of the holdout tickets, and how precisely."""
    rows = []
    for one in precisions:
        contract = run.fit_contract(one)
        routed = routed_mask(contract, run.holdout_evidence, run.labels)
        n, hits = int(routed.sum()), int(is_correct(run.holdout_evidence)[routed].sum())
        low, high = interval(hits, n)
        rows.append(
            {
                "required_precision": one,
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
    """Minutes per ticket at each confidence threshold: `threshold`, `minutes` = `reading` + `mistakes`.

    Tickets below the threshold are read by a person (`reading` minutes); of the others, the wrong ones cost `mistake`
    minutes. Out-of-scope rows of the evidence are left out.
    """
    rows = rows[rows["kind"] == 0]
    wrong, n = ~is_correct(rows), len(rows)
    found = []
    for threshold in np.linspace(MIN_CONFIDENCE, 1, 101):
        routed = rows["confidence"] >= threshold
        manual, lost = reading * float((~routed).sum()) / n, mistake * float((routed & wrong).sum()) / n
        found.append({"threshold": float(threshold), "minutes": manual + lost, "reading": manual, "mistakes": lost})
    return found


def accuracy_by_slice(run: CachedRun, dimension: str) -> list[Row]:
    """The accuracy in each slice of a dimension of the report: `label`, `share`, `low`, `high`, `n`."""
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
    """The accuracy by `quality(ticket id)`: rows as in `accuracy_by_slice` and `wrong`, the most errors first."""
    qualities = [quality(ticket.id) for ticket in run.tickets]
    hits = Counter(q for q, hit in zip(qualities, is_correct(run.holdout_evidence), strict=True) if hit)
    rows = []
    for name, n in Counter(qualities).items():
        low, high = interval(hits[name], n)
        rows.append({"label": name, "share": hits[name] / n, "low": low, "high": high, "n": n, "wrong": n - hits[name]})
    return sorted(rows, key=lambda row: (-row["wrong"], row["label"]))


def confusion_pairs(run: CachedRun) -> list[Row]:
    """Confused labels: `true`, `predicted`, `n`, the most frequent first."""
    rows = run.holdout_evidence[~is_correct(run.holdout_evidence)]
    counts = Counter(zip(rows["truth"].tolist(), rows["predicted"].tolist(), strict=True))
    names: Mapping[int, str] = dict(enumerate(run.labels))
    return [
        {"true": names.get(true, "not learnt"), "predicted": names[predicted], "n": n}
        for (true, predicted), n in counts.most_common()
    ]


def find_word_dependent_ticket(run: CachedRun, language: str = "en") -> tuple[Ticket, LabelExplanation]:
    """The most confident correct holdout ticket in `language` whose label depends on one or two words, with its
    explanation.

    Raises LookupError if there is none.
    """
    by_confidence = np.argsort(-run.holdout_evidence["confidence"] * is_correct(run.holdout_evidence), kind="stable")
    for i in by_confidence.tolist():
        ticket = run.tickets[i]
        if is_correct(run.holdout_evidence)[i] and ticket.language == language and len(ticket.body) in READABLE_LENGTH:
            explanation = explain(run.scorer, ticket).labels[run.target]
            if explanation.counterfactual and len(explanation.counterfactual.words) <= 2:
                return ticket, explanation
    raise LookupError("no holdout ticket depends on one or two words")
