"""What every door needs: the yard and engine that the app was made with, who calls, and the questions that many ask."""

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request

from deskyard.db.pagination import MAX_PAGE_SIZE
from deskyard.desk import agents as desk_agents
from deskyard.desk import queues as desk_queues
from service.auth.authorization import Caller
from service.background.training_process import TrainingProcess
from service.http.guard_middleware import CALLER_KEY
from service.runtime.context import AppContext
from service.sync.dbos_engine import SyncEngine
from service.tickets.routing import IncomingTicket, RoutingReceipt
from service.tickets.write_batcher import WriteBatcher


async def _app_context(request: Request) -> AppContext:
    context = request.app.state.context
    if not isinstance(context, AppContext):
        raise TypeError("the app was made without a yard")
    return context


async def _write_batcher(request: Request) -> WriteBatcher[IncomingTicket, RoutingReceipt]:
    found: WriteBatcher[IncomingTicket, RoutingReceipt] = request.app.state.batcher
    return found


async def _caller(request: Request) -> Caller:
    caller = request.scope.get(CALLER_KEY)
    if not isinstance(caller, Caller):
        raise TypeError("the request did not pass the guard")
    return caller


async def _sync_engine(request: Request) -> SyncEngine:
    found: SyncEngine = request.app.state.engine
    return found


async def _training_process(request: Request) -> TrainingProcess:
    found: TrainingProcess = request.app.state.training
    return found


ContextDep = Annotated[AppContext, Depends(_app_context)]
EngineDep = Annotated[SyncEngine, Depends(_sync_engine)]
BatcherDep = Annotated[WriteBatcher[IncomingTicket, RoutingReceipt], Depends(_write_batcher)]
TrainingDep = Annotated[TrainingProcess, Depends(_training_process)]
CallerDep = Annotated[Caller, Depends(_caller)]
PageLimit = Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE, description="The longest page wanted.")]
PageCursor = Annotated[str | None, Query(max_length=100, description="`next_cursor` of the page before.")]
# A line break ends the address for the router, so it could not be told from no name.
QueueName = Annotated[str, Path(max_length=desk_queues.MAX_NAME_LENGTH, pattern=r"^[^\n]*$")]
AgentName = Annotated[str, Path(max_length=desk_agents.MAX_NAME_LENGTH, pattern=r"^[^\n]*$")]
IdempotencyKey = Annotated[
    str | None, Header(max_length=255, description="A name for this request: sent again, nothing is done twice.")
]
