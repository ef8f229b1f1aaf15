"""The verdict of the report: what can be routed at each precision, how precisely, and what evidence is missing.

A contract is fitted to the same evidence for each precision; the counts are of the holdout.
"""

import math
from typing import Any, Final

from deskyard.guarantees.contract import Contract, min_correct_to_prove, min_evidence
from deskyard.guarantees.contract_fitting import fit_contract, routed_mask
from deskyard.guarantees.intervals import lower_bound, upper_bound
from training.pipeline.trained import TrainingResult
from training.report.holdout_target import HoldoutTarget

STANDARD_PRECISIONS: Final = (0.9, 0.95, 0.99)

MAX_MULTIPLE: Final = 64
"""The largest multiple of the current evidence that is considered."""


def routable_by_precision(trained: TrainingResult, holdout: HoldoutTarget) -> list[dict[str, Any]]:
    """One row per precision, including the required one, in ascending order."""
    evaluation = trained.evaluations[holdout.target]
    rows = []
    parents = evaluation.labels.parents
    for precision in sorted({*STANDARD_PRECISIONS, evaluation.contract.required_precision}):
        contract = fit_contract(holdout.target, evaluation.evidence, holdout.labels, precision, parents)
        routed = routed_mask(contract, evaluation.holdout_evidence, holdout.labels)
        n, right = int(routed.sum()), int((routed & holdout.right).sum())
        saved = fit_contract(holdout.target, trained.evidence[holdout.target], holdout.labels, precision, parents)
        rows.append(
            {
                "asked": precision,
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
    """What is missing for a contract that proves nothing; `history`: the number of tickets of the history.

    `least`: the fewest tickets of evidence that can prove it; `lacking`: how many are missing, and `more_history`:
    about how many more tickets of history that needs. With enough evidence: `takes`: how many of the `surest` must be
    right, against `right` now; `times`: the multiple of the evidence that would prove it at the same precision (None:
    none).
    """
    missing = max(min_evidence(contract.required_precision) - contract.total, 0)
    share = contract.right / contract.routed if contract.routed else 0.0
    return {
        "least": min_evidence(contract.required_precision),
        "lacking": missing,
        "more_history": math.ceil(missing * history / contract.total) if missing and contract.total else None,
        "surest": contract.routed,
        "right": contract.right,
        "takes": min_correct_to_prove(contract.routed, contract.required_precision) if contract.routed else 0,
        "times": None
        if missing or share <= contract.required_precision
        else _required_multiple(contract.routed, share, contract.required_precision),
    }


def _required_multiple(n: int, share: float, required_precision: float) -> int | None:
    """The smallest multiple of `n` tickets, `share` of them right, that proves `required_precision`; None if none
    does."""
    return next(
        (
            times
            for times in range(2, MAX_MULTIPLE + 1)
            if min_correct_to_prove(times * n, required_precision) <= math.floor(times * n * share)
        ),
        None,
    )
