"""A bundle's card as a table for people and as figures for programs: what it is worth, and what it may do."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.table import Table

from deskyard.domain.label_trust import UNREVIEWED
from deskyard.domain.ticket import TARGETS, Target
from deskyard.guarantees.contract import min_correct_to_prove, min_evidence

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


def build_table(card: Card) -> Table:
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
    for target, found in _iter_targets(card):
        score = found["score"]
        if score is None:
            shown.add_row(target, "0", *["–"] * len(_COLUMNS))
            continue
        shown.add_row(
            target,
            f"{score['n']:,}",
            _format_percent(score["accuracy"]),
            _format_percent(score["macro_f1"]),
            _format_percent(score["top3"]),
            f"{score['ece']:.3f}",
            _format_percent(score["coverage"]),
            f"{_format_percent(score['precision'])} (≥ {_format_percent(score['precision_lower95'])})"
            if score["coverage"]
            else "–",
            _format_percent(score["majority"]),
            _format_percent(score["last_of_requester"]),
            _format_percent(score["at_random"]),
        )
    return shown


def build_legend() -> str:
    """What the headings mean."""
    return "; ".join(f"{heading}: {meaning}" for heading, meaning in _COLUMNS)


def list_remarks(card: Card, build_info: Mapping[str, Any] | None = None) -> Iterator[str]:
    """What a person should know beside the table, a sentence each; `made`: the bundle's, with what was measured."""
    yield from _encoder_remarks(card, build_info or {})
    for target, found in _iter_targets(card):
        contract, rare = found["contract"], found["too_rare"]
        evidence, asked = contract["evidence"], contract["asked"]
        if rare:
            yield f"{target}: {_format_count(len(rare), 'label')} with a single ticket cannot be learnt: {_first_names(rare)}"
        if contract["threshold"] is None:
            needed = min_correct_to_prove(evidence["surest"], asked)
            more = (
                f"{evidence['right']:,} were right, and {asked:.0%} takes {needed:,}"
                if needed <= evidence["surest"]
                else f"{asked:.0%} takes at least {min_evidence(asked):,} tickets"
            )
            yield (
                f"{target}: all is suggested, nothing routed: of the surest {evidence['surest']:,} of "
                f"{_format_count(evidence['tickets'], 'past ticket')} asked of a model that did not know them, {more}"
            )
        elif contract["not_routed"]:
            held = contract["not_routed"]
            yield f"{target}: {_format_count(len(held), 'label')} only suggested, for want of evidence: {_first_names(held)}"
        if contract["outdated"]:
            yield (
                f"{target}: the desk has changed: the newest evidence breaks what the older proves, so only the newest "
                f"{evidence['tickets']:,} tickets count"
            )
        yield from _bound_remarks(target, contract)
    learnt = card["learnt_from"]
    tickets, of = learnt["tickets"], learnt.get("of", learnt["tickets"])
    which = f"all {tickets:,} tickets"
    if tickets < of:
        which = f"{tickets:,} of {of:,} tickets ({learnt['which']}, and some more of rare labels)"
    yield f"the saved model learnt from {which}; the figures are those of the judged one"
    for target, stand in learnt.get("trust", {}).items():
        if UNREVIEWED in stand:
            n, counts = stand[UNREVIEWED]
            yield (
                f"{target}: of {_format_count(n, 'label')} that the machine set nobody spoke; one counts {counts:.2f} of a "
                "person's on average, and the figures take them for right"
            )


def _encoder_remarks(card: Card, made: Mapping[str, Any]) -> Iterator[str]:
    """What an encoder brought each target, and what it costs."""
    for target, found in _iter_targets(card):
        score, without = found["score"], found.get("without_encoder")
        if score and without:
            both, alone = (
                f"{_format_percent(one['accuracy'])} right and {_format_percent(one['coverage'])} routed"
                for one in (score, without)
            )
            yield f"{target}: with the encoder {both}, without {alone}"
    if "encoder" in made:
        yield f"the encoder ({card['encoder']['kind']}) costs {made['encoder']['milliseconds']:.1f} ms a ticket"


def _bound_remarks(target: Target, contract: Mapping[str, Any]) -> Iterator[str]:
    """What else a contract keeps: strangers out, parents in reach, critical tickets from being set low."""
    guard, urgency, parents = contract["guard"], contract["urgency"], contract["parents"]
    if guard is not None:
        yield (
            f"{target}: of {guard['strangers']:,} tickets whose labels were left out of learning {guard['after']:.1%} "
            f"would be routed ({guard['before']:.1%} without guard; it gives up {guard['given_up']:.1%} of the others)"
        )
    if parents is not None:
        yield (
            f"{target}: where no label is sure enough its parent is set: of {parents['tickets']:,} past tickets "
            f"{parents['right']:,} were right"
        )
    if urgency is not None and urgency["lacking"]:
        yield (
            f"{target}: nothing is promised of critical tickets set below high: {urgency['critical']:,} stand as "
            f"evidence, {urgency['lacking']:,} more are needed"
        )
    elif urgency is not None:
        yield (
            f"{target}: of {urgency['critical']:,} critical tickets {urgency['after']:,} would be set below high "
            f"({urgency['before']:,} without the bound)"
        )


def _iter_targets(card: Card) -> Iterator[tuple[Target, Any]]:
    return ((target, card["targets"][target]) for target in TARGETS if target in card["targets"])


def _format_count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _first_names(names: Mapping[str, Any]) -> str:
    return ", ".join(list(names)[:5]) + (", …" if len(names) > 5 else "")


def _format_percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
