"""The table at the end of a training run: what the model is worth on tickets it has never seen, and what it may do."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.table import Table

from deskyard.contract import fewest_to_prove
from deskyard.ticket import Target
from training.run import Judged

_COLUMNS = (
    "accuracy", "macro-F1", "top 3", "cal. error", "routed", "right of routed", "majority", "last", "random split"
)  # fmt: skip


def table(judged: Mapping[Target, Judged], how: str, precision: float) -> Table:
    """One row a target; shares in percent."""
    shown = Table(
        title=f"On {how}, never seen in learning; routed where {precision:.0%} right is proved",
        title_justify="left",
        caption="majority, last: two baselines without any learning. random split: the same recipe judged without "
        "regard to time, which flatters.",
        caption_justify="left",
    )
    shown.add_column("target")
    shown.add_column("tickets", justify="right")
    for name in _COLUMNS:
        shown.add_column(name, justify="right")
    for target, found in judged.items():
        score = found.score
        if score is None:
            shown.add_row(target, "0", *["–"] * len(_COLUMNS))
            continue
        shown.add_row(
            target,
            f"{score.n:,}",
            _percent(score.accuracy),
            _percent(score.macro_f1),
            _percent(score.top3),
            f"{score.ece:.3f}",
            _percent(score.coverage),
            f"{_percent(score.precision)} (≥ {_percent(score.precision_lower95)})" if score.coverage else "–",
            _percent(score.majority),
            _percent(score.last_of_requester),
            _percent(score.at_random),
        )
    return shown


def remarks(judged: Mapping[Target, Judged]) -> list[str]:
    """What a person should know beside the table: labels left out, and targets where nothing may be routed."""
    said = []
    for target, found in judged.items():
        contract = found.contract
        if found.labels.rare:
            names = ", ".join(list(found.labels.rare)[:5])
            said.append(f"{target}: {len(found.labels.rare)} labels with a single ticket are not learnt ({names}, …)")
        if contract.threshold is None:
            needed = fewest_to_prove(contract.asked)
            said.append(
                f"{target}: nothing is routed, all is suggested: {contract.of:,} tickets of evidence do not prove "
                f"{contract.asked:.0%} at any confidence (it takes {needed} right in a row)"
            )
        elif contract.missing:
            names = ", ".join(f"{label} ({reason.text})" for label, reason in list(contract.missing.items())[:3])
            said.append(f"{target}: {len(contract.missing)} labels stay suggestions: {names}")
    return said


def as_json(judged: Mapping[Target, Judged], card: Mapping[str, Any], digest: str, where: str) -> dict[str, Any]:
    """The same figures for a program."""
    return {
        "bundle": where,
        "digest": digest,
        "judged_on": card["judged_on"],
        "asked_precision": card["asked_precision"],
        "targets": {target: asdict(found.score) if found.score else None for target, found in judged.items()},
        "remarks": remarks(judged),
    }


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
