"""`/v1/hooks/{name}`: what foreign help desks tell us. A hint is verified, and the reading of its ticket handed out.

Nobody's key is asked for: the help desk signs its webhook, or shows a secret in a header or as the end of the address.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Depends, Request
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
_RESPONSES: Final = problem_responses(400, 401, 413, 422, 503)


@router.post("/v1/hooks/{name}", status_code=202, openapi_extra=_ANY_BODY, responses=_RESPONSES)
async def receive_webhook(
    name: str, request: Request, raw: RawBody, yard: ContextDep, engine: EngineDep
) -> WebhookReceipt:
    """Hear a webhook of the help desk that is connected by that name. The ticket itself is read by its API."""
    return await run_in_threadpool(_receive, yard, engine, name, dict(request.headers), raw)


@router.post("/v1/hooks/{name}/{secret}", status_code=202, openapi_extra=_ANY_BODY, responses=_RESPONSES)
async def receive_webhook_with_secret(
    name: str, secret: str, request: Request, raw: RawBody, yard: ContextDep, engine: EngineDep
) -> WebhookReceipt:
    """The same for help desks that sign nothing and send no header of ours: the secret is the end of the address."""
    return await run_in_threadpool(_receive, yard, engine, name, {**request.headers, SECRET_HEADER: secret}, raw)


def _receive(context: AppContext, engine: SyncEngine, name: str, headers: dict[str, str], raw: bytes) -> WebhookReceipt:
    with context.database.reading() as conn:
        try:
            connection = connections.find_by_name(conn, name)
            if connection.kind not in CONNECTORS or not connection.active:
                raise NotFound("a mailbox, or disconnected")
        except NotFound as error:  # the same answer as to a wrong secret: names are nobody's business
            raise BadSignature("no help desk is connected by that name, or the secret is wrong") from error
    events = engine.stores.get(connection).parse_webhook(headers, raw, datetime.now(UTC))
    news = [event for event in events if not event.by_deskyard]
    if news:
        with context.database.writing() as conn:
            for event in news:
                engine.enqueue_fetch(conn, connection, event.ref, event.id)
    log.info("webhook", store=connection.name, events=len(events), news=len(news))
    return WebhookReceipt(events=len(events), news=len(news))
