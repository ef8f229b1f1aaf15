"""The ASGI app of the service: `create_app(settings)` makes one; `service.app:app` uses the settings of the
environment.

Importing this module opens nothing.
"""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache, partial
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from deskyard.db.database import open_database
from deskyard.desk import queues as desk_queues
from deskyard.environment import prepare_process
from deskyard.settings import Settings, settings
from deskyard.version import __version__
from service.api import (
    agents,
    audit,
    changes,
    connectors,
    decisions,
    docs,
    erasures,
    health,
    labels,
    metrics,
    models,
    policy,
    queues,
    score,
    tickets,
    webhooks,
)
from service.auth.authorization import AccessControl
from service.background.auto_retraining import AutoRetrainer
from service.background.rollups_worker import run_rollups
from service.background.shadow_scoring import ShadowScorer
from service.background.training_process import TrainingProcess
from service.http import logging as request_logging
from service.http import problem_details
from service.http.guard_middleware import AccessMiddleware
from service.http.metrics import Metrics, MetricsMiddleware
from service.http.response_headers import ResponseHeadersMiddleware
from service.pages import (
    dashboard,
    left_out_mails,
    policy_editor,
    queue,
    reports,
    requester_portal,
    review,
    sign_in,
    ticket,
    training,
)
from service.pages import models as models_page
from service.pages.error_page import render_error
from service.runtime.context import AppContext
from service.sync.dbos_engine import SyncEngine
from service.tickets.routing import IncomingTicket, RoutingReceipt, route_batch
from service.tickets.write_batcher import WriteBatcher

_ROUTERS: Final = (
    dashboard, review, ticket, queue, sign_in, requester_portal, models_page, policy_editor, training, reports,
    left_out_mails,
    tickets, changes, queues, agents, score, decisions, connectors, webhooks, models, labels, policy, erasures, audit,
    health, metrics, docs,
)  # fmt: skip


class Service(FastAPI):
    """An app whose requests are logged from before the first check until after the last error handler."""

    def __init__(self, **options: Any) -> None:
        """Accept the options of FastAPI."""
        super().__init__(**options)
        self._logged = request_logging.RequestLogMiddleware(ResponseHeadersMiddleware(super().__call__))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._logged(scope, receive, send)


def create_app(app_settings: Settings | None = None) -> FastAPI:
    """An app with its database migrated to the newest revision; None: the settings of the environment.

    Raises StoreUnreachable or BadInput if the database can't be used. The model is loaded while the app starts, and the
    first ticket waits for it. A model that can't be loaded is no error: tickets then go to triage.
    """
    app_settings = app_settings or settings()
    database = open_database(app_settings.database)
    with database.writing() as conn:
        desk_queues.ensure_queues(conn)
    context = AppContext(database, app_settings.models)
    context.notifier = engine = SyncEngine(database)
    training_process = TrainingProcess(app_settings)
    batcher = WriteBatcher[IncomingTicket, RoutingReceipt](partial(route_batch, context))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with _background_threads(context, app_settings, training_process):
            engine.start(context)
            yield
        engine.stop()
        batcher.stop()
        database.close()

    app = Service(
        title="deskyard",
        version=__version__,
        description="Receives tickets, places each of them in a queue, and says why.",
        # The default pages load their scripts from a CDN, and the default telemetry sends data to other hosts.
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        redirect_slashes=False,
        lifespan=lifespan,
        routes=[*_routes()],
    )
    app.state.context, app.state.batcher, app.state.engine = context, batcher, engine
    app.state.access = AccessControl(database)
    app.state.metrics = Metrics()
    app.state.training = training_process
    app.add_middleware(AccessMiddleware, access=app.state.access)
    app.add_middleware(MetricsMiddleware, metrics=app.state.metrics)
    problem_details.install_handlers(app, render_error)
    app.mount("/static", docs.StaticAssets())
    return app


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """The routes of every app of this process, which FastAPI compiles at the first request, in 0.2 s."""
    table = APIRouter(
        generate_unique_id_function=_operation_id, responses=problem_details.problem_responses(401, 403, 429)
    )
    for module in _ROUTERS:
        table.include_router(module.router)
    return tuple(table.routes)


def _operation_id(route: APIRoute) -> str:
    """The name of the endpoint function; these are unique among the endpoints of the API."""
    return route.name


@contextmanager
def _background_threads(
    context: AppContext, app_settings: Settings, training_process: TrainingProcess
) -> Iterator[None]:
    """Run the background threads while the block runs; at its end they are stopped and joined."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=target, args=(*args, stop), name=name, daemon=True)
        for name, target, args in (
            ("models", context.models.watch, ()),
            ("rollups", run_rollups, (context,)),
            ("shadow-scoring", ShadowScorer(context.database, app_settings.models).run, ()),
            ("retraining", AutoRetrainer(context, training_process).run, ()),
        )
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(name)
    prepare_process()
    request_logging.configure_logging()
    globals()["app"] = create_app()
    return globals()["app"]
