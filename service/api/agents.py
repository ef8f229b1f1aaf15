"""`/v1/agents`: who takes tickets, and of which queues."""

from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter

from deskyard.db.pagination import DEFAULT_PAGE_SIZE
from deskyard.desk import agents as desk
from deskyard.errors import NotFound
from deskyard.journal import audit_log
from deskyard.text.storable import storable
from service.api.request_models import PutAgent
from service.api.response_models.desk import AgentPage, AgentResponse
from service.http.dependencies import AgentName, CallerDep, ContextDep, PageCursor, PageLimit
from service.http.problem_details import problem_responses

router: Final = APIRouter(tags=["agents"])


@router.get("/v1/agents", responses=problem_responses(400, 422, 503))
def list_agents(yard: ContextDep, limit: PageLimit = DEFAULT_PAGE_SIZE, cursor: PageCursor = None) -> AgentPage:
    """The agents of the desk, and the queues that each serves."""
    with yard.database.reading() as conn:
        page = desk.list_agents(conn, limit, cursor)
    return AgentPage(items=[AgentResponse.from_agent(agent) for agent in page.items], next_cursor=page.next_cursor)


@router.get("/v1/agents/{name:path}", responses=problem_responses(400, 404, 422, 503))
def get_agent(name: AgentName, yard: ContextDep) -> AgentResponse:
    """An agent, as now. The name is percent-encoded."""
    with yard.database.reading() as conn:
        found = desk.find_agent(conn, storable(name))
    if found is None:
        raise NotFound(f"there is no agent {name[:200]!r} on this desk; /v1/agents lists them")
    return AgentResponse.from_agent(found)


@router.put("/v1/agents/{name:path}", responses=problem_responses(400, 404, 413, 415, 422, 503))
def put_agent(name: AgentName, wanted: PutAgent, yard: ContextDep, caller: CallerDep) -> AgentResponse:
    """Make an agent, or make the one of that name be so. Nobody is given a ticket who is not present."""
    name = storable(name)
    with yard.changing_settings() as conn:
        before = desk.find_agent(conn, name)
        made = desk.save_agent(conn, name, present=wanted.present, queues=wanted.queues)
        if made != before:
            audit_log.record_action(conn, caller.actor, "agent.put", name, datetime.now(UTC))
    return AgentResponse.from_agent(made)
