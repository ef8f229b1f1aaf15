"""Confident mistakes: judged tickets that the model was surest of, and wrong about. Ids and labels; the page may add
the beginning of a text where that was asked for."""

from typing import Any, Final

import numpy as np

from deskyard.domain.ticket import Ticket
from training.data_audit.case import Case
from training.report.judged_target import JudgedTarget

SHOWN: Final = 15

LONGEST: Final = 300
"""Characters of a body that are shown."""


def surest(one: JudgedTarget, case: Case) -> list[dict[str, Any]]:
    """The surest first; `true` is None where the true label was not learnt."""
    wrong = np.flatnonzero(~one.right)
    worst = wrong[np.argsort(-one.confidence[wrong], kind="stable")][:SHOWN]
    return [
        {
            "id": case.tickets[int(one.positions[row])].id,
            "said": one.labels[one.said[row]],
            "true": one.labels[one.truth[row]] if one.truth[row] >= 0 else None,
            "confidence": float(one.confidence[row]),
            "routed": bool(one.routed[row]),
        }
        for row in worst.tolist()
    ]


def beginning(ticket: Ticket) -> str:
    """Subject and the first characters of the body, each on one line."""
    body = " ".join(ticket.body.split())
    body = body if len(body) <= LONGEST else body[:LONGEST].rstrip() + "…"
    return "\n".join(part for part in (" ".join(ticket.subject.split()), body) if part)
