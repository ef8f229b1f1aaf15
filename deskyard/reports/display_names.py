"""Names that reports show for the words of the program: targets, splits, dimensions, states."""

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
"""How tickets were chosen to judge on, as the card says it."""

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
    "route": N_("may be routed"),
    "no_contract": N_("nothing is proved yet"),
    "no_evidence": N_("too little evidence"),
    "base_rate": N_("no better than its share of all tickets"),
    "own_record": N_("too often wrong where it was said"),
}
"""Whether a label may be routed, and if not, why (the codes of `deskyard.guarantees.contract_fitting`)."""


def display_name(translator: Translator, names: Mapping[str, str], key: str) -> str:
    """What a table calls `key`, in the reader's language; the key itself where it knows nothing."""
    return str(translator.gettext(names[key])) if key in names else key


def target_name(translator: Translator, target: str | None) -> str:
    """The name of a target; empty for none."""
    return display_name(translator, TARGET_NAMES, target) if target else ""
