"""Verdict: what can be routed at each precision, how much of it was right, and what it takes where nothing is.

The same evidence is read again for each precision; nothing is trained. What is counted are the judged tickets.
"""

import math
from typing import Any, Final

from deskyard.guarantees.contract import Contract, least_evidence, right_to_prove
from deskyard.guarantees.contract_fitting import draw_up, routes
from deskyard.guarantees.intervals import lower_bound, upper_bound
from training.pipeline.trained import Trained
from training.report.judged_target import JudgedTarget

PRECISIONS: Final = (0.9, 0.95, 0.99)

FARTHEST: Final = 64
"""Times the tickets of today's look up to which a proof is looked for."""


def verdict(trained: Trained, one: JudgedTarget) -> list[dict[str, Any]]:
    """A row a precision, the asked one among them, loosest first."""
    found = trained.judged[one.target]
    rows = []
    for asked in sorted({*PRECISIONS, found.contract.asked}):
        contract = draw_up(one.target, found.evidence, one.labels, asked, found.labels.parents)
        gone = routes(contract, found.rows, one.labels)
        n, right = int(gone.sum()), int((gone & one.right).sum())
        saved = draw_up(one.target, trained.evidence[one.target], one.labels, asked, found.labels.parents)
        rows.append(
            {
                "asked": asked,
                "n": len(one),
                "routed": n,
                "right": right,
                "lower95": lower_bound(right, n) if n else None,
                "upper95": upper_bound(right, n) if n else None,
                "threshold": contract.threshold,
                "evidence": {"tickets": contract.of, "surest": contract.n, "right": contract.right},
                "needs": needs(contract, len(trained.case.plan.everything)) if contract.threshold is None else None,
                "saved": {"proved": saved.threshold is not None, "tickets": saved.of},
            }
        )
    return rows


def needs(contract: Contract, history: int) -> dict[str, Any]:
    """What stands between a contract that proves nothing and a proof.

    `lacking`: how many tickets of evidence fewer there are than the `least` that can prove it, and about how much more
    history (today `history` tickets) that is. Where there are enough: how many of the `surest` a proof `takes`, against
    `right` today, and about how many times the evidence would do if the next ones are as right (`times`, None where no
    number would).
    """
    lacking = max(least_evidence(contract.asked) - contract.of, 0)
    share = contract.right / contract.n if contract.n else 0.0
    return {
        "least": least_evidence(contract.asked),
        "lacking": lacking,
        "more_history": math.ceil(lacking * history / contract.of) if lacking and contract.of else None,
        "surest": contract.n,
        "right": contract.right,
        "takes": right_to_prove(contract.n, contract.asked) if contract.n else 0,
        "times": None if lacking or share <= contract.asked else _times(contract.n, share, contract.asked),
    }


def _times(n: int, share: float, asked: float) -> int | None:
    """The smallest multiple of `n` tickets, `share` of them right, that prove `asked`."""
    return next(
        (
            times
            for times in range(2, FARTHEST + 1)
            if right_to_prove(times * n, asked) <= math.floor(times * n * share)
        ),
        None,
    )
