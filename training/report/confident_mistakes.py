"""Confident mistakes: judged tickets that the model was surest of, and wrong about. Ids and labels; the page may add
the beginning of a text where that was asked for."""

from typing import Any, Final

import numpy as np

from deskyard.domain.ticket import Ticket
from training.data_audit.case import AuditCase
from training.report.judged_target import HoldoutTarget

MAX_MISTAKES: Final = 15

MAX_EXCERPT: Final = 300
"""Characters of a body that are shown."""


def confident_mistakes(holdout: HoldoutTarget, case: AuditCase) -> list[dict[str, Any]]:
    """The surest first; `true` is None where the true label was not learnt."""
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
    """Subject and the first characters of the body, each on one line."""
    body = " ".join(ticket.body.split())
    body = body if len(body) <= MAX_EXCERPT else body[:MAX_EXCERPT].rstrip() + "…"
    return "\n".join(part for part in (" ".join(ticket.subject.split()), body) if part)
