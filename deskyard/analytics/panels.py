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
from deskyard.analytics.confusion import Confusion
from deskyard.analytics.intervals import Share
from deskyard.analytics.query import Asked
from deskyard.analytics.savings import Prices
from deskyard.analytics.ticket_facts import ROUTED
from deskyard.domain.ticket import Target
from deskyard.policy.policy import Policy

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle

Figures = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """What is asked, on which day, of which model and policy, at which prices; `fate`: "" or only the routed."""

    asked: Asked
    today: date
    bundle: "Bundle | None" = None
    policy: Policy = field(default_factory=Policy)
    prices: Prices = savings.USUAL
    fate: str = ""

    @property
    def queues(self) -> Asked:
        """The same about queues: what places a ticket."""
        return replace(self.asked, target="queue")


def answers(conn: Connection, question: Question) -> Figures:
    """The five questions of a manager."""
    right = accuracy.rightness(conn, question.asked)
    wrong = {pair: n for pair, n in confusion.pairs(conn, question.asked, ROUTED).items() if pair[0] != pair[1]}
    return {
        "right": right,
        "before": accuracy.rightness(conn, question.asked.before),
        "worst": max(wrong.items(), key=lambda one: (one[1], one[0]), default=None),
        "load": workload.load(conn, question.asked),
        "ahead": volume.ahead(conn, question.asked, question.today),
        **saved(conn, question),
    }


def right(conn: Connection, question: Question) -> Figures:
    """How often the machine is right."""
    return {
        "period": accuracy.rightness(conn, question.asked),
        "before": accuracy.rightness(conn, question.asked.before),
    }


def promised(conn: Connection, question: Question) -> Figures:
    """Each contract: promised, kept, evidence."""
    found = contract_report.promises(conn, question.asked, question.bundle, question.policy)
    routed = [one for one in found if one.routed]
    return {"promises": found, "all": Share(sum(p.right.right for p in routed), sum(p.right.n for p in routed))}


def coverage(conn: Connection, question: Question) -> Figures:
    """The model's curve, and where routing stands on it today."""
    target = cast(Target, question.asked.target)
    bundle = question.bundle
    asked = question.policy.rule(target, None).precision or (bundle.card["asked_precision"] if bundle else None)
    return {"curve": contract_report.curve(bundle, target), "asked_for": asked, **right(conn, question)}


def confused(conn: Connection, question: Question) -> Figures:
    """What is taken for what."""
    found: Confusion = confusion.confusion(confusion.pairs(conn, question.asked, question.fate))
    return {"confusion": found, "fate": question.fate}


def bounced(conn: Connection, question: Question) -> Figures:
    """Tickets that went on, and to and fro."""
    return {
        "period": bounces.bounces(conn, question.asked),
        "before": bounces.bounces(conn, question.asked.before),
    }


def waited(conn: Connection, question: Question) -> Figures:
    """How long requesters wait."""
    return {
        "period": response_times.speed(conn, question.asked),
        "before": response_times.speed(conn, question.asked.before),
    }


def loaded(conn: Connection, question: Question) -> Figures:
    """Who has how much to do."""
    return {"load": workload.load(conn, question.asked)}


def came(conn: Connection, question: Question) -> Figures:
    """When tickets come, and how many will."""
    return {
        "volume": volume.volume(conn, question.asked),
        "before": volume.volume(conn, question.asked.before),
        "ahead": volume.ahead(conn, question.asked, question.today),
    }


def saved(conn: Connection, question: Question) -> Figures:
    """Minutes and money, net of mistakes."""
    now, before = (accuracy.rightness(conn, asked) for asked in (question.queues, question.queues.before))
    return {
        "prices": question.prices,
        "saved": savings.savings(now.right, question.prices),
        "saved_before": savings.savings(before.right, question.prices),
        "blindly": savings.blindly(now.right, now.blind, question.prices),
        "blind": now.blind,
    }


def rated(conn: Connection, question: Question) -> Figures:
    """What requesters thought of it."""
    return {
        "period": satisfaction.ratings(conn, question.asked),
        "before": satisfaction.ratings(conn, question.asked.before),
    }


PANELS: Final[Mapping[str, Callable[[Connection, Question], Figures]]] = {
    "answers": answers,
    "right": right,
    "promises": promised,
    "confusion": confused,
    "bounces": bounced,
    "speed": waited,
    "load": loaded,
    "volume": came,
    "savings": saved,
    "coverage": coverage,
    "ratings": rated,
}
"""Name → what it shows, in the order of the page."""
