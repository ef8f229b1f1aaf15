"""The overview page `/`: tickets of the last day and their outcome, queues, recent decisions and the system status."""

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
from deskyard.sync import connections, deliveries, left_out_mails
from service.auth.authorization import Caller
from service.http.dependencies import ContextDep, EngineDep
from service.pages import layout
from service.runtime.context import AppContext
from service.sync.dbos_engine import SyncEngine

DECISIONS_SHOWN: Final = 12
"""Recent decisions on the page."""

RECENT: Final = timedelta(hours=24)
"""The period of the figures at the top."""

router: Final = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class RecentDecision:
    """A ticket and the decision that was made when it was received."""

    desk_ticket: DeskTicket
    entry: JournalEntry
    outcome: str
    prediction: dict[str, Any] | None


@router.get("/")
def show_dashboard(request: Request, context: ContextDep, engine: EngineDep) -> HTMLResponse:
    """The page."""
    return layout.render_page(
        request, "dashboard.html", **_dashboard_context(context, engine, layout.current_caller(request))
    )


@router.get("/overview")
def dashboard_part(request: Request, context: ContextDep, engine: EngineDep) -> Response:
    """The part of the page that is refreshed."""
    return layout.render_part(
        request, "dashboard_now.html", **_dashboard_context(context, engine, layout.current_caller(request))
    )


def _dashboard_context(context: AppContext, engine: SyncEngine, caller: Caller) -> dict[str, Any]:
    champion = context.models.champion
    with context.database.reading() as conn:
        connected = connections.list_connections(conn)
        by_state = deliveries.count_by_state(conn)
        left_out = {one: sum(kinds.values()) for one, kinds in left_out_mails.count_by_kind(conn).items()}
        return {
            "flow": overview.count_routing(conn, datetime.now(UTC) - RECENT, caller.queues),
            "queues": overview.load_queue_statuses(conn, caller.queues),
            "decisions": _recent_decisions(conn, caller),
            "policy": Policies.current(conn),
            "champion": champion,
            "connections": [(one, by_state.get(one.id, {})) for one in connected],
            "left_out": left_out,
            "parked": sum(states.get("parked", 0) for states in by_state.values()),
            "worker_running": engine.is_running,
        }


def _recent_decisions(conn: Connection, caller: Caller) -> list[RecentDecision]:
    found: list[RecentDecision] = []
    for number in Journal.newest_decisions(conn, 10 * DECISIONS_SHOWN if caller.queues else DECISIONS_SHOWN):
        entry = Journal.find_decision(conn, number)
        ticket = tickets.find_ticket(conn, entry.ticket_id) if entry else None
        if entry and ticket and caller.may_see(ticket.queue):
            decisions = entry.content["decisions"]
            prediction = decisions.get("queue") or decisions.get("category")
            found.append(RecentDecision(ticket, entry, overview.routing_outcome(entry.content), prediction))
        if len(found) == DECISIONS_SHOWN:
            break
    return found
