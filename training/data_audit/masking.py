"""Measures how much the accuracy depends on suspected pieces of text, by removing them from holdout tickets.

It also tells whether the model reads them at all: signatures that `deskyard.text.cleaning.clean` removes do no harm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from deskyard.domain.ticket import Target, Ticket
from deskyard.text.cleaning import clean
from training.data.label_sets import UNLABELLED
from training.data_audit.case import AuditCase
from training.data_audit.finding import format_percent

MIN_TICKETS: Final = 5
"""The fewest affected holdout tickets for a measurement."""

MIN_READ_SHARE: Final = 0.1
"""The share of tickets in which the text is not removed by cleaning up to which it does no harm."""

_SAMPLE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class MaskingResult:
    """Whether the model reads the text, and the accuracy on affected holdout tickets with and without it (None: too
    few)."""

    is_read_by_model: bool
    n: int = 0
    before: float | None = None
    after: float | None = None

    @property
    def summary(self) -> str:
        """The end of a sentence."""
        if not self.is_read_by_model:
            return "; deskyard removes it as a signature, so its model does not see it"
        if self.before is None or self.after is None:
            return ""
        shares = f"{format_percent(self.before)} with it and {format_percent(self.after)} without"
        return f"; on {self.n:,} such test tickets the accuracy is {shares}"

    @property
    def drop(self) -> float:
        """The drop in accuracy without the text."""
        return (self.before or 0) - (self.after or 0)

    @property
    def figures(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "read_by_the_model": self.is_read_by_model,
            "masked": {"n": self.n, "before": self.before, "after": self.after},
        }


def measure_masking(case: AuditCase, target: Target, suspected: Mapping[int, Sequence[str]]) -> MaskingResult:
    """Measure the accuracy with and without the suspected pieces (position → pieces as written)."""
    holdout = case.plan.holdout.predict
    judged = set(holdout[case.data.y[target][holdout] != UNLABELLED].tolist())
    sample = [*suspected][:_SAMPLE_SIZE]
    read = [_is_read(case.tickets[i], suspected[i]) for i in sample]
    if sum(read) < MIN_READ_SHARE * len(read):
        return MaskingResult(False)
    affected = [i for i in suspected if i in judged]
    if len(affected) < MIN_TICKETS:
        return MaskingResult(True)
    head = case.baseline.head(target, case.plan.holdout.learn)
    tickets = [replace(case.tickets[i], body=_remove_phrases(case.tickets[i].body, suspected[i])) for i in affected]
    truth = case.data.y[target][np.array(affected)]
    before = head.margins(case.baseline.X[np.array(affected)]).argmax(axis=1) == truth
    after = head.margins(case.baseline.transform(tickets)).argmax(axis=1) == truth
    return MaskingResult(True, len(affected), float(before.mean()), float(after.mean()))


def _is_read(ticket: Ticket, phrases: Sequence[str]) -> bool:
    """Whether the model reads a ticket's suspected phrases."""
    return clean(ticket.body, ticket.subject) != clean(_remove_phrases(ticket.body, phrases), ticket.subject)


def _remove_phrases(body: str, phrases: Sequence[str]) -> str:
    for phrase in phrases:
        body = body.replace(phrase, " ")
    return body
