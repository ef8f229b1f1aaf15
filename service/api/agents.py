"""`/v1/agents`: the agents of the desk and the queues that each of them serves."""

from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter

from deskyard.db.pagination import DEFAULT_PAGE_SIZE
from deskyard.desk import agents as desk_agents
from deskyard.errors import NotFound
from deskyard.journal import audit_log
from deskyard.text.storable import storable
from service.api.request_models import PutAgent
from service.api.response_models.desk import AgentPage, AgentResponse
from service.http.dependencies import AgentName, CallerDep, ContextDep, PageCursor, PageLimit
from service.http.problem_details import problem_responses

router: Final = APIRouter(tags=["agents"])


@router.get("/v1/agents", responses=problem_responses(400, 422, 503))
def list_agents(context: ContextDep, limit: PageLimit = DEFAULT_PAGE_SIZE, cursor: PageCursor = None) -> AgentPage:
    """A page of the agents of the desk, each with the queues that they serve."""
    with context.database.reading() as conn:
        page = desk_agents.list_agents(conn, limit, cursor)
    return AgentPage(items=[AgentResponse.from_agent(agent) for agent in page.items], next_cursor=page.next_cursor)


@router.get("/v1/agents/{name:path}", responses=problem_responses(400, 404, 422, 503))
def get_agent(name: AgentName, context: ContextDep) -> AgentResponse:
    """One agent. The name is percent-encoded in the address."""
    with context.database.reading() as conn:
        agent = desk_agents.find_agent(conn, storable(name))
    if agent is None:
        raise NotFound(f"there is no agent {name[:200]!r} on this desk; /v1/agents lists them")
    return AgentResponse.from_agent(agent)


@router.put("/v1/agents/{name:path}", responses=problem_responses(400, 404, 413, 415, 422, 503))
def put_agent(name: AgentName, body: PutAgent, context: ContextDep, caller: CallerDep) -> AgentResponse:
    """Create or replace the agent of that name. Tickets are assigned to present agents only."""
    name = storable(name)
    with context.changing_settings() as conn:
        before = desk_agents.find_agent(conn, name)
        saved = desk_agents.save_agent(conn, name, present=body.present, queues=body.queues)
        if saved != before:
            audit_log.record_action(conn, caller.actor, "agent.put", name, datetime.now(UTC))
    return AgentResponse.from_agent(saved)
