"""Masking: what a score is worth once suspected text is taken out.

In come tickets and the pieces of their texts that are suspected; out comes how often a linear head, which learnt with
them, is right on judging tickets with and without them. It tells how much hangs on the text, and whether the model
reads it at all: signatures that `deskyard.text.cleaning.clean` cuts do no harm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from deskyard.domain.ticket import Target
from deskyard.text.cleaning import clean
from training.data_audit.case import Case
from training.data_audit.finding import percent

FEWEST: Final = 5
"""Judging tickets that must be affected for a figure."""

READ: Final = 0.1
"""The share of tickets whose signature is not cut (in a mail of two words, say) up to which it does no harm."""

_LOOKED_AT: Final = 50


@dataclass(frozen=True, slots=True)
class Masked:
    """Whether the model reads the text, and the shares right on affected judging tickets (None: too few of them)."""

    read: bool
    n: int = 0
    before: float | None = None
    after: float | None = None

    @property
    def told(self) -> str:
        """The end of a sentence."""
        if not self.read:
            return "; deskyard cuts it off as a signature, so its model does not see it"
        if self.before is None or self.after is None:
            return ""
        shares = f"{percent(self.before)} are right with it and {percent(self.after)} without"
        return f"; of {self.n:,} such judging tickets {shares}"

    @property
    def fall(self) -> float:
        """How much of the score goes with the text."""
        return (self.before or 0) - (self.after or 0)

    @property
    def figures(self) -> dict[str, Any]:
        """The same as numbers."""
        return {"read_by_the_model": self.read, "masked": {"n": self.n, "before": self.before, "after": self.after}}


def mask(case: Case, target: Target, suspected: Mapping[int, Sequence[str]]) -> Masked:
    """Take the suspected pieces (ticket → pieces as written) out and ask again."""
    judging = set(case.judged[target].positions.tolist())
    some = [*suspected][:_LOOKED_AT]
    read = [clean(case.tickets[i].body) != clean(_without(case.tickets[i].body, suspected[i])) for i in some]
    if sum(read) < READ * len(read):
        return Masked(False)
    affected = [i for i in suspected if i in judging]
    if len(affected) < FEWEST:
        return Masked(True)
    head = case.plain.head(target, case.plan.apart.learn)
    tickets = [replace(case.tickets[i], body=_without(case.tickets[i].body, suspected[i])) for i in affected]
    truth = case.material.y[target][np.array(affected)]
    before = head.margins(case.plain.X[np.array(affected)]).argmax(axis=1) == truth
    after = head.margins(case.plain.transform(tickets)).argmax(axis=1) == truth
    return Masked(True, len(affected), float(before.mean()), float(after.mean()))


def _without(body: str, phrases: Sequence[str]) -> str:
    for phrase in phrases:
        body = body.replace(phrase, " ")
    return body
