"""Confident mistakes: wrong predictions of holdout tickets with the highest confidence, by id and labels."""

from typing import Any, Final

import numpy as np

from deskyard.domain.ticket import Ticket
from training.data_audit.case import AuditCase
from training.report.holdout_target import HoldoutTarget

MAX_MISTAKES: Final = 15

MAX_EXCERPT: Final = 300
"""Characters of a body in an excerpt."""


def confident_mistakes(holdout: HoldoutTarget, case: AuditCase) -> list[dict[str, Any]]:
    """The most confident first; `true` is None where the true label is not learnt."""
    wrong = np.flatnonzero(~holdout.right)
    worst = wrong[np.argsort(-holdout.confidence[wrong], kind="stable")][:MAX_MISTAKES]
    return [
        {
            "id": case.tickets[int(holdout.positions[row])].id,
            "said": holdout.labels[holdout.predicted[row]],
            "true": holdout.labels[holdout.truth[row]] if holdout.truth[row] >= 0 else None,
            "confidence": float(holdout.confidence[row]),
            "routed": bool(holdout.routed[row]),
        }
        for row in worst.tolist()
    ]


def excerpt(ticket: Ticket) -> str:
    """The subject and the first characters of the body, each on one line."""
    body = " ".join(ticket.body.split())
    body = body if len(body) <= MAX_EXCERPT else body[:MAX_EXCERPT].rstrip() + "…"
    return "\n".join(part for part in (" ".join(ticket.subject.split()), body) if part)
