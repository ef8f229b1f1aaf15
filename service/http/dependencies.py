"""Dependencies of endpoints: the objects that the app was made with, the caller, and common parameters."""

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
        raise TypeError("app.state.context is not set")
    return context


async def _write_batcher(request: Request) -> WriteBatcher[IncomingTicket, RoutingReceipt]:
    batcher: WriteBatcher[IncomingTicket, RoutingReceipt] = request.app.state.batcher
    return batcher


async def _caller(request: Request) -> Caller:
    caller = request.scope.get(CALLER_KEY)
    if not isinstance(caller, Caller):
        raise TypeError("the request did not pass AccessMiddleware")
    return caller


async def _sync_engine(request: Request) -> SyncEngine:
    engine: SyncEngine = request.app.state.engine
    return engine


async def _training_process(request: Request) -> TrainingProcess:
    training: TrainingProcess = request.app.state.training
    return training


ContextDep = Annotated[AppContext, Depends(_app_context)]
EngineDep = Annotated[SyncEngine, Depends(_sync_engine)]
BatcherDep = Annotated[WriteBatcher[IncomingTicket, RoutingReceipt], Depends(_write_batcher)]
TrainingDep = Annotated[TrainingProcess, Depends(_training_process)]
CallerDep = Annotated[Caller, Depends(_caller)]
PageLimit = Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE, description="Most items in the page.")]
PageCursor = Annotated[str | None, Query(max_length=100, description="`next_cursor` of the previous page.")]
# The router ends the path at a line break, so a name with one would look like an empty name.
QueueName = Annotated[
    str, Path(max_length=desk_queues.MAX_NAME_LENGTH, pattern=r"^[^\n]*$", description="The name of the queue.")
]
AgentName = Annotated[
    str, Path(max_length=desk_agents.MAX_NAME_LENGTH, pattern=r"^[^\n]*$", description="The name of the agent.")
]
IdempotencyKey = Annotated[
    str | None, Header(max_length=255, description="An ID of this request: if it is sent again, nothing is done twice.")
]
