"""A bundle's card as a table for people and as figures for programs: what it is worth, and what it may do."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.table import Table

from deskyard.contract import fewest_to_prove
from deskyard.ticket import TARGETS, Target

Card = Mapping[str, Any]

_COLUMNS: Final = (
    ("accuracy", "the most probable label is right"),
    ("macro-F1", "the same with each label counted alike"),
    ("top 3", "the right label is among three"),
    ("cal. error", "how far confidence and share right lie apart"),
    ("routed", "share that the contract lets go without a person"),
    ("right of routed", "and what that proves with 95 % confidence"),
    ("majority", "always the most frequent label"),
    ("last", "the label of this requester's last ticket"),
    ("random split", "accuracy without regard to time, which flatters"),
)
"""Heading and meaning of each figure."""


def table(card: Card) -> Table:
    """One row a target: the judged model on tickets it had never seen; shares in percent."""
    judged = card["judged_on"]
    shown = Table(
        title=f"Judged on {judged['how']}, {judged['tickets']:,} tickets it had never seen; "
        f"routed where {card['asked_precision']:.0%} right is proved",
        title_justify="left",
        title_style="bold",
    )
    shown.add_column("target")
    shown.add_column("tickets", justify="right")
    for heading, _ in _COLUMNS:
        shown.add_column(heading, justify="right")
    for target, found in _targets(card):
        score = found["score"]
        if score is None:
            shown.add_row(target, "0", *["–"] * len(_COLUMNS))
            continue
        shown.add_row(
            target,
            f"{score['n']:,}",
            _percent(score["accuracy"]),
            _percent(score["macro_f1"]),
            _percent(score["top3"]),
            f"{score['ece']:.3f}",
            _percent(score["coverage"]),
            f"{_percent(score['precision'])} (≥ {_percent(score['precision_lower95'])})" if score["coverage"] else "–",
            _percent(score["majority"]),
            _percent(score["last_of_requester"]),
            _percent(score["at_random"]),
        )
    return shown


def legend() -> str:
    """What the headings mean."""
    return "; ".join(f"{heading}: {meaning}" for heading, meaning in _COLUMNS)


def remarks(card: Card) -> Iterator[str]:
    """What a person should know beside the table, a sentence each."""
    for target, found in _targets(card):
        contract, rare = found["contract"], found["too_rare"]
        if rare:
            yield f"{target}: {len(rare)} labels with a single ticket are not learnt ({_some(rare)})"
        if contract["threshold"] is None:
            yield (
                f"{target}: nothing is routed, all is suggested: {contract['evidence']['tickets']:,} tickets of "
                f"evidence do not prove {contract['asked']:.0%} at any confidence "
                f"(it takes at least {fewest_to_prove(contract['asked'])} tickets, all of them right)"
            )
        elif contract["not_routed"]:
            yield f"{target}: {len(contract['not_routed'])} labels stay suggestions: {_some(contract['not_routed'])}"
    learnt = card["learnt_from"]["tickets"]
    yield f"the saved model learnt from all {learnt:,} tickets; the figures are those of the judged one"


def _targets(card: Card) -> Iterator[tuple[Target, Any]]:
    return ((target, card["targets"][target]) for target in TARGETS if target in card["targets"])


def _some(names: Mapping[str, Any]) -> str:
    return ", ".join(list(names)[:5]) + (", …" if len(names) > 5 else "")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
