"""Panels: what each part of the accuracy page and of the weekly report shows, as figures by name; no HTML.

In come a connection and a question, out go the figures of the period, and of the one before where they are compared.
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
    """What is asked, on which day, of which model and policy, at which prices; `fate`: "" or only the routed."""

    query: ReportQuery
    today: date
    bundle: "Bundle | None" = None
    policy: Policy = field(default_factory=Policy)
    prices: RoutingCosts = savings.DEFAULT_COSTS
    outcome: str = ""

    @property
    def queue_query(self) -> ReportQuery:
        """The same about queues: what places a ticket."""
        return replace(self.query, target="queue")


def build_overview(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """The five questions of a manager."""
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
    """How often the machine is right."""
    return {
        "period": accuracy.measure_accuracy(conn, inputs.query),
        "before": accuracy.measure_accuracy(conn, inputs.query.previous_period),
    }


def build_contracts(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """Each contract: promised, kept, evidence."""
    found = contract_report.report_contracts(conn, inputs.query, inputs.bundle, inputs.policy)
    routed = [one for one in found if one.routed]
    return {"promises": found, "all": Proportion(sum(p.right.right for p in routed), sum(p.right.n for p in routed))}


def build_coverage(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """The model's curve, and where routing stands on it today."""
    target = cast(Target, inputs.query.target)
    bundle = inputs.bundle
    asked = inputs.policy.effective_rule(target, None).precision or (bundle.card["asked_precision"] if bundle else None)
    return {
        "curve": contract_report.build_coverage_curve(bundle, target),
        "asked_for": asked,
        **build_accuracy(conn, inputs),
    }


def build_confusion(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """What is taken for what."""
    found: ConfusionMatrix = confusion.build_matrix(confusion.count_pairs(conn, inputs.query, inputs.outcome))
    return {"confusion": found, "fate": inputs.outcome}


def build_bounces(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """Tickets that went on, and to and fro."""
    return {
        "period": bounces.count_bounces(conn, inputs.query),
        "before": bounces.count_bounces(conn, inputs.query.previous_period),
    }


def build_response_times(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """How long requesters wait."""
    return {
        "period": response_times.measure_response_times(conn, inputs.query),
        "before": response_times.measure_response_times(conn, inputs.query.previous_period),
    }


def build_workload(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """Who has how much to do."""
    return {"load": workload.measure_workload(conn, inputs.query)}


def build_volume(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """When tickets come, and how many will."""
    return {
        "volume": volume.count_by_hour(conn, inputs.query),
        "before": volume.count_by_hour(conn, inputs.query.previous_period),
        "ahead": volume.forecast_volume(conn, inputs.query, inputs.today),
    }


def build_savings(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """Minutes and money, net of mistakes."""
    now, before = (
        accuracy.measure_accuracy(conn, asked) for asked in (inputs.queue_query, inputs.queue_query.previous_period)
    )
    return {
        "prices": inputs.prices,
        "saved": savings.estimate_savings(now.right, inputs.prices),
        "saved_before": savings.estimate_savings(before.right, inputs.prices),
        "blindly": savings.estimate_blind_savings(now.right, now.blind_review, inputs.prices),
        "blind": now.blind_review,
    }


def build_satisfaction(conn: Connection, inputs: PanelInputs) -> PanelFigures:
    """What requesters thought of it."""
    return {
        "period": satisfaction.count_ratings(conn, inputs.query),
        "before": satisfaction.count_ratings(conn, inputs.query.previous_period),
    }


PANELS: Final[Mapping[str, Callable[[Connection, PanelInputs], PanelFigures]]] = {
    "answers": build_overview,
    "right": build_accuracy,
    "promises": build_contracts,
    "confusion": build_confusion,
    "bounces": build_bounces,
    "speed": build_response_times,
    "load": build_workload,
    "volume": build_volume,
    "savings": build_savings,
    "coverage": build_coverage,
    "ratings": build_satisfaction,
}
"""Name → what it shows, in the order of the page."""
