"""`/v1/hooks/{name}`: what foreign help desks tell us. A hint is verified, and the reading of its ticket handed out.

Nobody's key is asked for: the help desk signs its webhook, or shows a secret in a header or as the end of the address.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from deskyard.connectors import STORES
from deskyard.connectors.base.webhooks import SECRET_HEADER
from deskyard.errors import BadSignature, NotThere
from deskyard.sync import connections
from service.api.response_models.connections import Heard
from service.http.dependencies import InEngine, InYard
from service.http.problem_details import problems
from service.runtime.context import Yard
from service.sync.dbos_engine import Engine

router: Final = APIRouter(tags=["hooks"])
log: Final = structlog.get_logger(__name__)

_ANY: Final = {"requestBody": {"content": {"application/json": {"schema": {}}}, "required": True}}


async def _body(request: Request) -> bytes:
    return await request.body()


Raw = Annotated[bytes, Depends(_body)]
_DECLARED: Final = problems(400, 401, 413, 422, 503)


@router.post("/v1/hooks/{name}", status_code=202, openapi_extra=_ANY, responses=_DECLARED)
async def hook(name: str, request: Request, raw: Raw, yard: InYard, engine: InEngine) -> Heard:
    """Hear a webhook of the help desk that is connected by that name. The ticket itself is read by its API."""
    return await run_in_threadpool(_hear, yard, engine, name, dict(request.headers), raw)


@router.post("/v1/hooks/{name}/{secret}", status_code=202, openapi_extra=_ANY, responses=_DECLARED)
async def secret_hook(name: str, secret: str, request: Request, raw: Raw, yard: InYard, engine: InEngine) -> Heard:
    """The same for help desks that sign nothing and send no header of ours: the secret is the end of the address."""
    return await run_in_threadpool(_hear, yard, engine, name, {**request.headers, SECRET_HEADER: secret}, raw)


def _hear(yard: Yard, engine: Engine, name: str, headers: dict[str, str], raw: bytes) -> Heard:
    with yard.database.reading() as conn:
        try:
            connection = connections.named(conn, name)
            if connection.kind not in STORES or not connection.active:
                raise NotThere("a mailbox, or disconnected")
        except NotThere as error:  # the same answer as to a wrong secret: names are nobody's business
            raise BadSignature("no help desk is connected by that name, or the secret is wrong") from error
    events = engine.stores.of(connection).parse_webhook(headers, raw, datetime.now(UTC))
    news = [event for event in events if not event.ours]
    if news:
        with yard.database.writing() as conn:
            for event in news:
                engine.fetch(conn, connection, event.ref, event.id)
    log.info("webhook", store=connection.name, events=len(events), news=len(news))
    return Heard(events=len(events), news=len(news))
