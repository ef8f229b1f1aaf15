"""The names that reports show for codes: targets, splits, dimensions, lengths and states of labels."""

from collections.abc import Mapping
from typing import Final

from deskyard.reports.i18n import N_, Translator

TARGET_NAMES: Final[Mapping[str, str]] = {
    "category": N_("category"),
    "priority": N_("priority"),
    "queue": N_("queue"),
    "assignee": N_("assignee"),
}

SPLIT_NAMES: Final[Mapping[str, str]] = {
    "the newest fifth": N_("the newest fifth"),
    "the newest tickets": N_("the newest tickets"),
    "a random fifth": N_("a random fifth"),
    "the test file": N_("the test file"),
}
"""How the test tickets were chosen, as in the card → its name."""

DIMENSION_NAMES: Final[Mapping[str, str]] = {
    "language": N_("Language"),
    "channel": N_("Channel"),
    "length": N_("Length"),
    "month": N_("Month"),
}

LENGTH_NAMES: Final[Mapping[str, str]] = {
    "short": N_("short third"),
    "medium": N_("middle third"),
    "long": N_("long third"),
}

STATE_NAMES: Final[Mapping[str, str]] = {
    "route": N_("can be routed"),
    "no_contract": N_("not proved yet"),
    "no_evidence": N_("not enough evidence"),
    "base_rate": N_("no better than always predicting it"),
    "own_record": N_("predicted wrongly too often"),
}
"""Whether a label may be routed, and if not, why (codes of `deskyard.guarantees.contract_fitting`) → its name."""


def display_name(translator: Translator, names: Mapping[str, str], key: str) -> str:
    """The translated name of `key`; the key itself where it has none."""
    return str(translator.gettext(names[key])) if key in names else key


def target_name(translator: Translator, target: str | None) -> str:
    """The translated name of a target; "" for none."""
    return display_name(translator, TARGET_NAMES, target) if target else ""
