"""The card of a bundle on the console: a table of metrics and remarks."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.table import Table

from deskyard.domain.label_trust import UNREVIEWED
from deskyard.domain.ticket import TARGETS, Target
from deskyard.guarantees.contract import min_correct_to_prove, min_evidence

Card = Mapping[str, Any]

_COLUMNS: Final = (
    ("accuracy", "the most probable label is correct"),
    ("macro F1", "mean F1 over labels, each counted equally"),
    ("top 3", "the correct label is among the first three"),
    ("calibration error", "mean difference between confidence and accuracy (ECE)"),
    ("routed", "share of tickets that the contract allows to be routed"),
    ("precision of routing", "correct ones of these, and the lower 95 % bound"),
    ("majority", "always the most frequent label"),
    ("last label", "the label of this requester's last ticket"),
    ("random split", "accuracy without regard to time, which is too optimistic"),
)
"""Heading and meaning of each metric."""


def build_table(card: Card) -> Table:
    """A row for each target: metrics on test tickets, in per cent."""
    judged = card["judged_on"]
    shown = Table(
        title=f"Tested on {judged['how']}, {judged['tickets']:,} tickets that were not used for training; "
        f"required precision {card['asked_precision']:.0%}",
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
    """The meanings of the headings."""
    return "; ".join(f"{heading}: {meaning}" for heading, meaning in _COLUMNS)


def list_remarks(card: Card, build_info: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Remarks beside the table, a sentence each; `build_info`: that of the bundle, with measured times."""
    yield from _encoder_remarks(card, build_info or {})
    for target, found in _iter_targets(card):
        contract, rare = found["contract"], found["too_rare"]
        evidence, required_precision = contract["evidence"], contract["asked"]
        if rare:
            count = _format_count(len(rare), "label")
            yield f"{target}: {count} with a single ticket can't be learnt: {_first_names(rare)}"
        if contract["threshold"] is None:
            needed = min_correct_to_prove(evidence["surest"], required_precision)
            more = (
                f"{evidence['right']:,} were correct, and {required_precision:.0%} requires {needed:,}"
                if needed <= evidence["surest"]
                else f"{required_precision:.0%} requires at least {min_evidence(required_precision):,} tickets"
            )
            yield (
                f"{target}: everything is suggested, nothing routed: of the {evidence['surest']:,} most confident of "
                f"{_format_count(evidence['tickets'], 'held-out ticket')}, {more}"
            )
        elif contract["not_routed"]:
            not_routed = contract["not_routed"]
            count = _format_count(len(not_routed), "label")
            yield f"{target}: {count} only suggested, as there is not enough evidence: {_first_names(not_routed)}"
        if contract["outdated"]:
            yield (
                f"{target}: the newest evidence contradicts the older, so only the newest {evidence['tickets']:,} "
                "tickets count"
            )
        yield from _bound_remarks(target, contract)
    training_data = card["learnt_from"]
    tickets, of = training_data["tickets"], training_data.get("of", training_data["tickets"])
    which = f"all {tickets:,} tickets"
    if tickets < of:
        which = f"{tickets:,} of {of:,} tickets ({training_data['which']}, and some more of rare labels)"
    yield f"the saved model was trained on {which}; the figures are those of the tested model"
    for target, counts_by_state in training_data.get("trust", {}).items():
        if UNREVIEWED in counts_by_state:
            n, counts = counts_by_state[UNREVIEWED]
            yield (
                f"{target}: {_format_count(n, 'label')} set by deskyard and not reviewed; each counts {counts:.2f} of "
                "a person's label on average, and the figures take them for correct"
            )


def _encoder_remarks(card: Card, build_info: Mapping[str, Any]) -> Iterator[str]:
    """What the encoder brings each target, and what it costs."""
    for target, found in _iter_targets(card):
        score, without = found["score"], found.get("without_encoder")
        if score and without:
            with_encoder, without_encoder = (
                f"{_format_percent(one['accuracy'])} right and {_format_percent(one['coverage'])} routed"
                for one in (score, without)
            )
            yield f"{target}: with the encoder {with_encoder}, without {without_encoder}"
    if "encoder" in build_info:
        yield f"the encoder ({card['encoder']['kind']}) costs {build_info['encoder']['milliseconds']:.1f} ms a ticket"


def _bound_remarks(target: Target, contract: Mapping[str, Any]) -> Iterator[str]:
    """Remarks on the out-of-scope guard, parent labels and the urgent bound of a contract."""
    guard, urgency, parents = contract["guard"], contract["urgency"], contract["parents"]
    if guard is not None:
        held_out = guard.get("held_out") or guard["strangers"]  # in cards of 0.1
        yield (
            f"{target}: of {held_out:,} tickets with labels left out of training, {guard['after']:.1%} "
            f"would be routed ({guard['before']:.1%} without the out-of-scope guard, which costs "
            f"{guard['given_up']:.1%} of the others)"
        )
    if parents is not None:
        yield (
            f"{target}: where no label is confident enough its parent is set: of {parents['tickets']:,} held-out "
            f"tickets {parents['right']:,} were correct"
        )
    if urgency is not None and urgency["lacking"]:
        yield (
            f"{target}: no bound on critical tickets set below high: {urgency['critical']:,} tickets are evidence, "
            f"{urgency['lacking']:,} more are needed"
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
