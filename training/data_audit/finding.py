"""Finding: one thing that a probe has to say of a history, with what to do about it.

In come a probe's figures, out comes what the report, the card and `--strict` use. Never holds the text of a ticket:
ids, labels and, where it is the finding itself, the offending phrase.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from deskyard.domain.ticket import Target

Severity = Literal["note", "warning", "serious"]

SEVERITIES: Final[tuple[Severity, ...]] = ("serious", "warning", "note")
"""What to read first. Serious: figures or routing would mislead; the run fails with `--strict`."""

SHOWN: Final = 10
"""Example ids of one finding."""

LONGEST_PHRASE: Final = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, in a sentence, and what to do; `examples` are ids of tickets, `figures` plain numbers."""

    probe: str
    severity: Severity
    target: Target | None
    sentence: str
    advice: str
    examples: tuple[str, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)


def shorten(phrase: str) -> str:
    """A phrase for a sentence: one line, `LONGEST_PHRASE` characters at most.

    >>> shorten("Closed as\\nduplicate " * 9)
    'Closed as duplicate Closed as duplicate Closed as duplicate…'
    """
    phrase = " ".join(phrase.split())
    return phrase if len(phrase) <= LONGEST_PHRASE else phrase[: LONGEST_PHRASE - 1].rstrip() + "…"


def percent(share: float) -> str:
    """A share for a sentence.

    >>> percent(0.077), percent(0.5)
    ('7.7 %', '50 %')
    """
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def points(difference: float) -> str:
    """A difference of two shares for a sentence, with its sign.

    >>> points(0.0123)
    '+1.2 points'
    """
    return f"{100 * difference:+.1f} points"
