"""`/v1/hooks/{name}`: webhooks of connected help desks, which are verified and cause a fetch of their ticket.

No API key is needed: the help desk signs the webhook, or sends a secret in a header or at the end of the address.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Depends, Path, Request
from starlette.concurrency import run_in_threadpool

from deskyard.connectors import CONNECTORS
from deskyard.connectors.base.webhooks import SECRET_HEADER
from deskyard.errors import BadSignature, NotFound
from deskyard.sync import connections
from service.api.response_models.connections import WebhookReceipt
from service.http.dependencies import ContextDep, EngineDep
from service.http.problem_details import problem_responses
from service.runtime.context import AppContext
from service.sync.dbos_engine import SyncEngine

router: Final = APIRouter(tags=["hooks"])
log: Final = structlog.get_logger(__name__)

_ANY_BODY: Final = {"requestBody": {"content": {"application/json": {"schema": {}}}, "required": True}}


async def _body(request: Request) -> bytes:
    return await request.body()


RawBody = Annotated[bytes, Depends(_body)]
ConnectionName = Annotated[str, Path(description="The name of the connection.")]
Secret = Annotated[str, Path(description="The secret of its webhooks.")]
_RESPONSES: Final = problem_responses(400, 401, 413, 422, 503)


@router.post("/v1/hooks/{name}", status_code=202, openapi_extra=_ANY_BODY, responses=_RESPONSES)
async def receive_webhook(
    name: ConnectionName, request: Request, raw: RawBody, context: ContextDep, engine: EngineDep
) -> WebhookReceipt:
    """Receive a webhook of the help desk that is connected under that name. The ticket is then fetched by its API."""
    return await run_in_threadpool(_receive, context, engine, name, dict(request.headers), raw)


@router.post("/v1/hooks/{name}/{secret}", status_code=202, openapi_extra=_ANY_BODY, responses=_RESPONSES)
async def receive_webhook_with_secret(
    name: ConnectionName, secret: Secret, request: Request, raw: RawBody, context: ContextDep, engine: EngineDep
) -> WebhookReceipt:
    """The same for help desks that can neither sign nor send a header: the secret is the end of the address."""
    return await run_in_threadpool(_receive, context, engine, name, {**request.headers, SECRET_HEADER: secret}, raw)


def _receive(context: AppContext, engine: SyncEngine, name: str, headers: dict[str, str], raw: bytes) -> WebhookReceipt:
    with context.database.reading() as conn:
        try:
            connection = connections.find_by_name(conn, name)
            if connection.kind not in CONNECTORS or not connection.active:
                raise NotFound("it is a mailbox, or it is disconnected")
        except NotFound as error:  # the same answer as to a wrong secret, so that names can't be guessed
            raise BadSignature("no help desk is connected under that name, or the secret is wrong") from error
    events = engine.stores.get(connection).parse_webhook(headers, raw, datetime.now(UTC))
    new_events = [event for event in events if not event.by_deskyard]
    if new_events:
        with context.database.writing() as conn:
            for event in new_events:
                engine.enqueue_fetch(conn, connection, event.ref, event.id)
    log.info("webhook", connection=connection.name, events=len(events), new_events=len(new_events))
    return WebhookReceipt(events=len(events), new_events=len(new_events))
