"""What every door needs: the yard and engine that the app was made with, who calls, and the questions that many ask."""

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request

from deskyard.db.pagination import LONGEST_PAGE
from deskyard.desk import agents as desk_agents
from deskyard.desk import queues as desk_queues
from service.auth.authorization import Caller
from service.background.training_process import Learning
from service.http.guard_middleware import CALLER
from service.runtime.context import Yard
from service.sync.dbos_engine import Engine
from service.tickets.routing import Answered, Arrival
from service.tickets.write_batcher import Lane


async def _yard(request: Request) -> Yard:
    yard = request.app.state.yard
    if not isinstance(yard, Yard):
        raise TypeError("the app was made without a yard")
    return yard


async def _lane(request: Request) -> Lane[Arrival, Answered]:
    found: Lane[Arrival, Answered] = request.app.state.lane
    return found


async def _caller(request: Request) -> Caller:
    caller = request.scope.get(CALLER)
    if not isinstance(caller, Caller):
        raise TypeError("the request did not pass the guard")
    return caller


async def _engine(request: Request) -> Engine:
    found: Engine = request.app.state.engine
    return found


async def _learning(request: Request) -> Learning:
    found: Learning = request.app.state.learning
    return found


InYard = Annotated[Yard, Depends(_yard)]
InEngine = Annotated[Engine, Depends(_engine)]
InLane = Annotated[Lane[Arrival, Answered], Depends(_lane)]
InLearning = Annotated[Learning, Depends(_learning)]
CalledBy = Annotated[Caller, Depends(_caller)]
Limit = Annotated[int, Query(ge=1, le=LONGEST_PAGE, description="The longest page wanted.")]
Cursor = Annotated[str | None, Query(max_length=100, description="`next_cursor` of the page before.")]
# A line break ends the address for the router, so it could not be told from no name.
QueueName = Annotated[str, Path(max_length=desk_queues.LONGEST, pattern=r"^[^\n]*$")]
AgentName = Annotated[str, Path(max_length=desk_agents.LONGEST, pattern=r"^[^\n]*$")]
IdempotencyKey = Annotated[
    str | None, Header(max_length=255, description="A name for this request: sent again, nothing is done twice.")
]
