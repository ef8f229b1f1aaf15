"""The figures of each panel of the reports page and the weekly report, by name; no HTML.

Figures of a period stand beside those of the previous one where they are compared.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import Connection

from deskyard.analytics import (
    accuracy,
    bounces,
    confusion,
    contract_report,
    response_times,
    satisfaction,
    savings,
    volume,
    workload,
)
from deskyard.analytics.confusion import ConfusionMatrix
from deskyard.analytics.intervals import Proportion
from deskyard.analytics.query import ReportQuery
from deskyard.analytics.savings import RoutingCosts
from deskyard.analytics.ticket_facts import ROUTED
from deskyard.domain.ticket import Target
from deskyard.policy.policy import Policy

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle

PanelFigures = dict[str, Any]


@dataclass(frozen=True)
class PanelInputs:
    """A query on a day, with the model, policy and costs to use; `outcome`: only tickets with it ("": all)."""

    query: ReportQuery
    today: date
    bundle: "Bundle | None" = None
    policy: Policy = field(default_factory=Policy)
    costs: RoutingCosts = savings.DEFAULT_COSTS
    outcome: str = ""

    @property
    def queue_query(self) -> ReportQuery:
        """The same query about queues."""
        return replace(self.query, target="queue")


def build_overview(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """The summary: accuracy, mistakes, savings, workload and the forecast."""
    right = accuracy.measure_accuracy(conn, inputs.query)
    wrong = {pair: n for pair, n in confusion.count_pairs(conn, inputs.query, ROUTED).items() if pair[0] != pair[1]}
    return {
        "right": right,
        "before": accuracy.measure_accuracy(conn, inputs.query.previous_period),
        "worst": max(wrong.items(), key=lambda one: (one[1], one[0]), default=None),
        "load": workload.measure_workload(conn, inputs.query),
        "ahead": volume.forecast_volume(conn, inputs.query, inputs.today),
        **build_savings(conn, inputs),
    }


def build_accuracy(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """Accuracy of routing, with the previous period."""
    return {
        "period": accuracy.measure_accuracy(conn, inputs.query),
        "before": accuracy.measure_accuracy(conn, inputs.query.previous_period),
    }


def build_contracts(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """Contracts: required and actual precision, and the evidence."""
    found = contract_report.report_contracts(conn, inputs.query, inputs.bundle, inputs.policy)
    routed = [one for one in found if one.routed]
    return {"contracts": found, "all": Proportion(sum(p.right.right for p in routed), sum(p.right.n for p in routed))}


def build_coverage(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """The model's coverage curve, and coverage and precision of the period."""
    target = cast(Target, inputs.query.target)
    bundle = inputs.bundle
    rule = inputs.policy.effective_rule(target, None)
    required = rule.precision or (bundle.card["asked_precision"] if bundle else None)
    return {
        "curve": contract_report.build_coverage_curve(bundle, target),
        "asked_for": required,
        **build_accuracy(conn, inputs),
    }


def build_confusion(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """The confusion matrix."""
    found: ConfusionMatrix = confusion.build_matrix(confusion.count_pairs(conn, inputs.query, inputs.outcome))
    return {"confusion": found, "outcome": inputs.outcome}


def build_bounces(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """Reassignments, with the previous period."""
    return {
        "period": bounces.count_bounces(conn, inputs.query),
        "before": bounces.count_bounces(conn, inputs.query.previous_period),
    }


def build_response_times(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """Response and resolution times, with the previous period."""
    return {
        "period": response_times.measure_response_times(conn, inputs.query),
        "before": response_times.measure_response_times(conn, inputs.query.previous_period),
    }


def build_workload(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """Workload per agent."""
    return {"load": workload.measure_workload(conn, inputs.query)}


def build_volume(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """Tickets by weekday and hour, and the forecast."""
    return {
        "volume": volume.count_by_hour(conn, inputs.query),
        "before": volume.count_by_hour(conn, inputs.query.previous_period),
        "ahead": volume.forecast_volume(conn, inputs.query, inputs.today),
    }


def build_savings(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """Minutes and money saved, net of mistakes."""
    now, before = (
        accuracy.measure_accuracy(conn, query) for query in (inputs.queue_query, inputs.queue_query.previous_period)
    )
    return {
        "costs": inputs.costs,
        "saved": savings.estimate_savings(now.right, inputs.costs),
        "saved_before": savings.estimate_savings(before.right, inputs.costs),
        "blindly": savings.estimate_blind_savings(now.right, now.blind_review, inputs.costs),
        "blind": now.blind_review,
    }


def build_satisfaction(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """Ratings by requesters, with the previous period."""
    return {
        "period": satisfaction.count_ratings(conn, inputs.query),
        "before": satisfaction.count_ratings(conn, inputs.query.previous_period),
    }


PANELS: Final[Mapping[str, Callable[[Connection, PanelInputs], PanelFigures]]] = {
    "summary": build_overview,
    "accuracy": build_accuracy,
    "contracts": build_contracts,
    "confusion": build_confusion,
    "bounces": build_bounces,
    "response-times": build_response_times,
    "workload": build_workload,
    "volume": build_volume,
    "savings": build_savings,
    "coverage": build_coverage,
    "satisfaction": build_satisfaction,
}
"""Name of a panel → the function that computes its figures, in the order of the page."""
