"""`/v1/agents`: who takes tickets, and of which queues."""

from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter

from deskyard.db.pagination import PAGE
from deskyard.db.tables.base import storable
from deskyard.desk import agents as desk
from deskyard.errors import NotThere
from deskyard.journal import audit_log
from service.api.request_models import PutAgent
from service.api.response_models.desk import Agents, AgentSeen
from service.http.dependencies import AgentName, CalledBy, Cursor, InYard, Limit
from service.http.problem_details import problems

router: Final = APIRouter(tags=["agents"])


@router.get("/v1/agents", responses=problems(400, 422, 503))
def agents(yard: InYard, limit: Limit = PAGE, cursor: Cursor = None) -> Agents:
    """The agents of the desk, and the queues that each serves."""
    with yard.database.reading() as conn:
        page = desk.listed(conn, limit, cursor)
    return Agents(items=[AgentSeen.of(agent) for agent in page.items], next_cursor=page.next_cursor)


@router.get("/v1/agents/{name:path}", responses=problems(400, 404, 422, 503))
def look(name: AgentName, yard: InYard) -> AgentSeen:
    """An agent, as now. The name is percent-encoded."""
    with yard.database.reading() as conn:
        found = desk.find(conn, storable(name))
    if found is None:
        raise NotThere(f"there is no agent {name[:200]!r} on this desk; /v1/agents lists them")
    return AgentSeen.of(found)


@router.put("/v1/agents/{name:path}", responses=problems(400, 404, 413, 415, 422, 503))
def put(name: AgentName, wanted: PutAgent, yard: InYard, caller: CalledBy) -> AgentSeen:
    """Make an agent, or make the one of that name be so. Nobody is given a ticket who is not present."""
    name = storable(name)
    with yard.changing() as conn:
        before = desk.find(conn, name)
        made = desk.put(conn, name, present=wanted.present, queues=wanted.queues)
        if made != before:
            audit_log.note(conn, caller.actor, "agent.put", name, datetime.now(UTC))
    return AgentSeen.of(made)
