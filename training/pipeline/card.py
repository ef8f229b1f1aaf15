"""A bundle's card: what it learnt from, how it was judged, and what its contracts promise."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from deskyard.domain.ticket import Target
from deskyard.guarantees.contract import Contract
from training.data.history import History
from training.data.splits import SplitPlan
from training.fit import label_weights
from training.fit.checkpoints import library_versions
from training.fit.cross_fitting import TrainingData
from training.pipeline.options import Options
from training.pipeline.trained import TargetEvaluation


def card(
    history: History,
    trust: Mapping[Target, Sequence[str]],
    test: History | None,
    plan: SplitPlan,
    options: Options,
    material: TrainingData,
    judged: Mapping[Target, TargetEvaluation],
) -> dict[str, Any]:
    """What the bundle says of itself, as JSON knows it; no moment and no place, so that it belongs to the digest.

    `trust` says of each ticket that took part who stands behind its label, target by target; `test` is the history that
    judged, where one was named.
    """
    return {
        "learnt_from": _learnt_from(history, trust, plan, material),
        "judged_on": {
            "how": plan.description,
            "tickets": len(plan.holdout.predict),
            "learnt_from": len(plan.holdout.learn),
            "digest": test.digest if test else None,
        },
        "note": "the figures are those of the judged model; the saved one learnt from every ticket that took part",
        "asked_precision": options.precision,
        "options": asdict(options),
        "targets": {target: _target(one, asdict(material.recipes[target])) for target, one in judged.items()},
        "versions": library_versions(),
        "machine": platform.machine(),
    }


def _learnt_from(
    history: History, trust: Mapping[Target, Sequence[str]], plan: SplitPlan, material: TrainingData
) -> dict[str, Any]:
    times = [ticket.created_at for ticket in material.tickets[: len(plan.everything)] if ticket.created_at is not None]
    return {
        "tickets": len(plan.everything),
        "of": len(history),
        "which": "the newest" if plan.ordered else "random ones",
        "digest": history.digest,
        "first": min(times).isoformat() if times else None,
        "last": max(times).isoformat() if times else None,
        "rejected": dict(history.rejected_by_reason),
        **({"trust": label_weights.summarise_label_weights(material.label_weights, trust)} if trust else {}),
    }


def _target(judged: TargetEvaluation, recipe: dict[str, Any]) -> dict[str, Any]:
    told = {
        "labels": list(judged.labels.labels),
        "recipe": recipe,
        "too_rare": judged.labels.rare,
        "score": asdict(judged.score) if judged.score else None,
        "contract": _contract(judged.contract),
    }
    return told | ({"without_encoder": asdict(judged.without_encoder)} if judged.without_encoder else {})


def _contract(contract: Contract) -> dict[str, Any]:
    return {
        "asked": contract.required_precision,
        "threshold": contract.threshold,
        "evidence": {"tickets": contract.total, "surest": contract.routed, "right": contract.right},
        "outdated": contract.outdated,
        "by_label": {label: list(counted) for label, counted in contract.counts_by_label.items()},
        "guard": asdict(contract.guard) if contract.guard else None,
        "urgency": asdict(contract.urgent_bound) if contract.urgent_bound else None,
        "parents": _parents(contract.parent_contract) if contract.parent_contract else None,
        "not_routed": {label: reason.text for label, reason in contract.unproved.items()},
    }


def _parents(contract: Contract) -> dict[str, Any]:
    return {
        "threshold": contract.threshold,
        "labels": sorted(contract.labels),
        "tickets": contract.routed,
        "right": contract.right,
    }
