"""Verdict: what can be routed at each precision, how much of it was right, and what it takes where nothing is.

The same evidence is read again for each precision; nothing is trained. What is counted are the judged tickets.
"""

import math
from typing import Any, Final

from deskyard.guarantees.contract import Contract, min_correct_to_prove, min_evidence
from deskyard.guarantees.contract_fitting import fit_contract, routed_mask
from deskyard.guarantees.intervals import lower_bound, upper_bound
from training.pipeline.trained import TrainingResult
from training.report.judged_target import HoldoutTarget

STANDARD_PRECISIONS: Final = (0.9, 0.95, 0.99)

MAX_MULTIPLE: Final = 64
"""Times the tickets of today's look up to which a proof is looked for."""


def routable_by_precision(trained: TrainingResult, holdout: HoldoutTarget) -> list[dict[str, Any]]:
    """A row a precision, the asked one among them, loosest first."""
    found = trained.evaluations[holdout.target]
    rows = []
    for asked in sorted({*STANDARD_PRECISIONS, found.contract.required_precision}):
        contract = fit_contract(holdout.target, found.evidence, holdout.labels, asked, found.labels.parents)
        gone = routed_mask(contract, found.holdout_evidence, holdout.labels)
        n, right = int(gone.sum()), int((gone & holdout.right).sum())
        saved = fit_contract(
            holdout.target, trained.evidence[holdout.target], holdout.labels, asked, found.labels.parents
        )
        rows.append(
            {
                "asked": asked,
                "n": len(holdout),
                "routed": n,
                "right": right,
                "lower95": lower_bound(right, n) if n else None,
                "upper95": upper_bound(right, n) if n else None,
                "threshold": contract.threshold,
                "evidence": {"tickets": contract.total, "surest": contract.routed, "right": contract.right},
                "needs": missing_evidence(contract, len(trained.case.plan.everything))
                if contract.threshold is None
                else None,
                "saved": {"proved": saved.threshold is not None, "tickets": saved.total},
            }
        )
    return rows


def missing_evidence(contract: Contract, history: int) -> dict[str, Any]:
    """What stands between a contract that proves nothing and a proof.

    `lacking`: how many tickets of evidence fewer there are than the `least` that can prove it, and about how much more
    history (today `history` tickets) that is. Where there are enough: how many of the `surest` a proof `takes`, against
    `right` today, and about how many times the evidence would do if the next ones are as right (`times`, None where no
    number would).
    """
    lacking = max(min_evidence(contract.required_precision) - contract.total, 0)
    share = contract.right / contract.routed if contract.routed else 0.0
    return {
        "least": min_evidence(contract.required_precision),
        "lacking": lacking,
        "more_history": math.ceil(lacking * history / contract.total) if lacking and contract.total else None,
        "surest": contract.routed,
        "right": contract.right,
        "takes": min_correct_to_prove(contract.routed, contract.required_precision) if contract.routed else 0,
        "times": None
        if lacking or share <= contract.required_precision
        else _required_multiple(contract.routed, share, contract.required_precision),
    }


def _required_multiple(n: int, share: float, required_precision: float) -> int | None:
    """The smallest multiple of `n` tickets, `share` of them right, that prove `asked`."""
    return next(
        (
            times
            for times in range(2, MAX_MULTIPLE + 1)
            if min_correct_to_prove(times * n, required_precision) <= math.floor(times * n * share)
        ),
        None,
    )
