"""Builds a bundle's card: its training data, its evaluation, and its contracts."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from deskyard.domain.ticket import Target
from deskyard.guarantees.contract import Contract
from deskyard.guarantees.out_of_scope_guard import OutOfScopeGuard
from training.data.history import History
from training.data.splits import SplitPlan
from training.fit import label_weights
from training.fit.checkpoints import library_versions
from training.fit.cross_fitting import TrainingData
from training.pipeline.options import Options
from training.pipeline.trained import TargetEvaluation


def build_card(
    history: History,
    trust: Mapping[Target, Sequence[str]],
    test: History | None,
    plan: SplitPlan,
    options: Options,
    data: TrainingData,
    evaluations: Mapping[Target, TargetEvaluation],
) -> dict[str, Any]:
    """The card as JSON values; without times and paths, as it is part of the bundle's digest.

    `trust`: for each target, the trust code of every ticket that took part; `test`: the test history, if one was given.
    """
    return {
        "learnt_from": _learnt_from(history, trust, plan, data),
        "judged_on": {
            "how": plan.description,
            "tickets": len(plan.holdout.predict),
            "learnt_from": len(plan.holdout.learn),
            "digest": test.digest if test else None,
        },
        "note": "the figures are those of the evaluated model; the saved one was trained on all selected tickets",
        "asked_precision": options.precision,
        "options": asdict(options),
        "targets": {target: _target_to_card(one, asdict(data.recipes[target])) for target, one in evaluations.items()},
        "versions": library_versions(),
        "machine": platform.machine(),
    }


def _learnt_from(
    history: History, trust: Mapping[Target, Sequence[str]], plan: SplitPlan, data: TrainingData
) -> dict[str, Any]:
    times = [ticket.created_at for ticket in data.tickets[: len(plan.everything)] if ticket.created_at is not None]
    return {
        "tickets": len(plan.everything),
        "of": len(history),
        "which": "the newest" if plan.ordered else "random ones",
        "digest": history.digest,
        "first": min(times).isoformat() if times else None,
        "last": max(times).isoformat() if times else None,
        "rejected": dict(history.rejected_by_reason),
        **({"trust": label_weights.summarise_label_weights(data.label_weights, trust)} if trust else {}),
    }


def _target_to_card(evaluation: TargetEvaluation, recipe: dict[str, Any]) -> dict[str, Any]:
    section = {
        "labels": list(evaluation.labels.labels),
        "recipe": recipe,
        "too_rare": evaluation.labels.rare,
        "score": asdict(evaluation.score) if evaluation.score else None,
        "contract": _contract_to_card(evaluation.contract),
    }
    return section | ({"without_encoder": asdict(evaluation.without_encoder)} if evaluation.without_encoder else {})


def _contract_to_card(contract: Contract) -> dict[str, Any]:
    return {
        "asked": contract.required_precision,
        "threshold": contract.threshold,
        "evidence": {"tickets": contract.total, "surest": contract.routed, "right": contract.right},
        "outdated": contract.outdated,
        "by_label": {label: list(counted) for label, counted in contract.counts_by_label.items()},
        "guard": _guard_to_card(contract.guard) if contract.guard else None,
        "urgency": asdict(contract.urgent_bound) if contract.urgent_bound else None,
        "parents": _parents_to_card(contract.parent_contract) if contract.parent_contract else None,
        "not_routed": {label: reason.text for label, reason in contract.unproved.items()},
    }


def _guard_to_card(guard: OutOfScopeGuard) -> dict[str, Any]:
    """A guard under the keys of the card, which are stored in bundles."""
    return {
        "threshold": guard.threshold,
        "held_out": guard.tickets,
        "before": guard.before,
        "after": guard.after,
        "given_up": guard.given_up,
    }


def _parents_to_card(contract: Contract) -> dict[str, Any]:
    return {
        "threshold": contract.threshold,
        "labels": sorted(contract.labels),
        "tickets": contract.routed,
        "right": contract.right,
    }
