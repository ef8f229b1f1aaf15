"""`/`: the yard at a glance: what came and what became of it, each queue with its oldest ticket, how all parts do."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from deskyard.desk import overview, tickets
from deskyard.desk.tickets import DeskTicket
from deskyard.journal.journal import Journal, JournalEntry
from deskyard.policy.versions import Policies
from deskyard.sync import connections, deliveries
from service.auth.authorization import Caller
from service.http.dependencies import ContextDep, EngineDep
from service.pages import layout
from service.runtime.context import AppContext
from service.sync.dbos_engine import SyncEngine

DECISIONS_SHOWN: Final = 12
"""Newest decisions."""

RECENT: Final = timedelta(hours=24)

router: Final = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class RecentDecision:
    """A ticket and what was decided when it came."""

    filed: DeskTicket
    entry: JournalEntry
    outcome: str
    prediction: dict[str, Any] | None


@router.get("/")
def show_dashboard(request: Request, yard: ContextDep, engine: EngineDep) -> HTMLResponse:
    """The page."""
    return layout.render_page(request, "yard.html", **_dashboard_context(yard, engine, layout.current_caller(request)))


@router.get("/yard")
def dashboard_part(request: Request, yard: ContextDep, engine: EngineDep) -> Response:
    """The part of it that changes."""
    return layout.render_part(
        request, "yard_now.html", **_dashboard_context(yard, engine, layout.current_caller(request))
    )


def _dashboard_context(context: AppContext, engine: SyncEngine, caller: Caller) -> dict[str, Any]:
    champion = context.models.champion
    with context.database.reading() as conn:
        there = connections.list_connections(conn)
        by_state = deliveries.count_by_state(conn)
        return {
            "flow": overview.count_routing(conn, datetime.now(UTC) - RECENT, caller.queues),
            "queues": overview.load_queue_statuses(conn, caller.queues),
            "decisions": _recent_decisions(conn, caller),
            "policy": Policies.current(conn),
            "champion": champion,
            "stores": [(one, by_state.get(one.id, {})) for one in there],
            "parked": sum(states.get("parked", 0) for states in by_state.values()),
            "works": engine.is_running,
        }


def _recent_decisions(conn: Connection, caller: Caller) -> list[RecentDecision]:
    found: list[RecentDecision] = []
    for number in Journal.newest_decisions(conn, 10 * DECISIONS_SHOWN if caller.queues else DECISIONS_SHOWN):
        entry = Journal.find_decision(conn, number)
        filed = tickets.find_ticket(conn, entry.ticket_id) if entry else None
        if entry and filed and caller.may_see(filed.queue):
            decisions = entry.content["decisions"]
            wish = decisions.get("queue") or decisions.get("category")
            found.append(RecentDecision(filed, entry, overview.routing_outcome(entry.content), wish))
        if len(found) == DECISIONS_SHOWN:
            break
    return found
