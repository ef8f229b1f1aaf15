"""A finding of the data audit, and the formatting of its sentences.

Findings hold ids, labels and, where it is the finding itself, the offending phrase, but no other text of tickets.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from deskyard.domain.ticket import Target

Severity = Literal["note", "warning", "serious"]

SEVERITIES: Final[tuple[Severity, ...]] = ("serious", "warning", "note")
"""In the order of importance. Serious: the score or routing would be misleading; the run fails with `--strict`."""

MAX_EXAMPLES: Final = 10
"""The most example ids of one finding."""

MAX_PHRASE_LENGTH: Final = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about what was found and advice; `examples` are ids of tickets, `figures` plain values."""

    probe: str
    severity: Severity
    target: Target | None
    sentence: str
    advice: str
    examples: tuple[str, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)


def shorten(phrase: str) -> str:
    """A phrase for a sentence: one line, `MAX_PHRASE_LENGTH` characters at most.

    >>> shorten("Closed as\\nduplicate " * 9)
    'Closed as duplicate Closed as duplicate Closed as duplicate…'
    """
    phrase = " ".join(phrase.split())
    return phrase if len(phrase) <= MAX_PHRASE_LENGTH else phrase[: MAX_PHRASE_LENGTH - 1].rstrip() + "…"


def format_percent(share: float) -> str:
    """A share for a sentence.

    >>> format_percent(0.077), format_percent(0.5)
    ('7.7 %', '50 %')
    """
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def format_points(difference: float) -> str:
    """A difference of two shares for a sentence, with its sign.

    >>> format_points(0.0123)
    '+1.2 points'
    """
    return f"{100 * difference:+.1f} points"
