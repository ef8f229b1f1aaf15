"""`/`: the yard at a glance: what came and what became of it, each queue with its oldest ticket, how all parts do."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from deskyard.desk import overview, tickets
from deskyard.desk.tickets import Filed
from deskyard.journal.journal import Entry, Journal
from deskyard.policy.versions import Policies
from deskyard.sync import connections, deliveries
from service.auth.authorization import Caller
from service.http.dependencies import InEngine, InYard
from service.pages import layout
from service.runtime.context import Yard
from service.sync.dbos_engine import Engine

SHOWN: Final = 12
"""Newest decisions."""

LATELY: Final = timedelta(hours=24)

router: Final = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Decided:
    """A ticket and what was decided when it came."""

    filed: Filed
    entry: Entry
    fate: str
    wish: dict[str, Any] | None


@router.get("/")
def yard(request: Request, yard: InYard, engine: InEngine) -> HTMLResponse:
    """The page."""
    return layout.page(request, "yard.html", **_shown(yard, engine, layout.who(request)))


@router.get("/yard")
def now(request: Request, yard: InYard, engine: InEngine) -> Response:
    """The part of it that changes."""
    return layout.part(request, "yard_now.html", **_shown(yard, engine, layout.who(request)))


def _shown(yard: Yard, engine: Engine, caller: Caller) -> dict[str, Any]:
    champion = yard.models.champion
    with yard.database.reading() as conn:
        there = connections.every(conn)
        by_state = deliveries.counted(conn)
        return {
            "flow": overview.flow(conn, datetime.now(UTC) - LATELY, caller.queues),
            "queues": overview.standing(conn, caller.queues),
            "decisions": _newest(conn, caller),
            "policy": Policies.current(conn),
            "champion": champion,
            "stores": [(one, by_state.get(one.id, {})) for one in there],
            "parked": sum(states.get("parked", 0) for states in by_state.values()),
            "works": engine.works,
        }


def _newest(conn: Connection, caller: Caller) -> list[Decided]:
    found: list[Decided] = []
    for number in Journal.newest_decisions(conn, 10 * SHOWN if caller.queues else SHOWN):
        entry = Journal.decision(conn, number)
        filed = tickets.find(conn, entry.ticket_id) if entry else None
        if entry and filed and caller.sees(filed.queue):
            decisions = entry.content["decisions"]
            wish = decisions.get("queue") or decisions.get("category")
            found.append(Decided(filed, entry, overview.fate(entry.content), wish))
        if len(found) == SHOWN:
            break
    return found
