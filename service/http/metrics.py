"""Numbers for Prometheus: requests, their duration, and what became of new tickets.

ASGI middleware counts every request by method, route and status; `placed` counts what was decided. Labels come from
tables of ours (routes, methods, targets, actions, reason codes), so their number is bounded; no ticket's text and no
queue's name is among them. Safe to call from many threads.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.guard_middleware import ROUTE_KEY

# They are a second line for every number, which nobody asked for.
disable_created_metrics()  # type: ignore[no-untyped-call]

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
DURATION_BUCKETS: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The numbers of one app, from its start.

    >>> metrics = Metrics()
    >>> metrics.placed({"placement": {"reason": {"code": "no_model"}}, "decisions": {}})
    >>> metrics.answered("GET", "/livez", 200, 0.004)
    >>> b'deskyard_placed_total{reason="no_model"} 1.0' in metrics.text(model="", policy="")
    True
    """

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self._all = CollectorRegistry()
        self._lock = threading.Lock()
        self._requests = Counter(
            "deskyard_requests", "Requests answered.", ["method", "route", "status"], registry=self._all
        )
        self._seconds = Histogram(
            "deskyard_request_seconds",
            "Seconds until the first byte of the answer.",
            ["method", "route"],
            registry=self._all,
            buckets=DURATION_BUCKETS,
        )
        self._placed = Counter(
            "deskyard_placed", "New tickets, by the code of the reason for their place.", ["reason"], registry=self._all
        )
        self._decided = Counter(
            "deskyard_decisions", "Decisions on new tickets.", ["target", "action"], registry=self._all
        )
        self._in_use = Gauge(
            "deskyard_in_use", "Digests of the model and the policy in use.", ["model", "policy"], registry=self._all
        )

    def record_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is the address as its route writes it, "" for one that no route knows."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def record_placement(self, answer: Mapping[str, Any]) -> None:
        """Count a new ticket by what its sender is told."""
        self._placed.labels(answer["placement"]["reason"]["code"]).inc()
        for target, decision in answer["decisions"].items():
            self._decided.labels(target, decision["action"]).inc()

    def render(self, model: str, policy: str) -> bytes:
        """All of it in Prometheus' text format; of model and policy only the ones in use."""
        with self._lock:
            self._in_use.clear()
            self._in_use.labels(model, policy).set(1)
            return generate_latest(self._all)


class MetricsMiddleware:
    """ASGI middleware that counts the requests of `app`."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Stand around `app`."""
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the app answer; an error that nobody caught will be a 500."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, told = time.perf_counter(), False

        def count(status: int) -> None:
            seconds = time.perf_counter() - began
            self.metrics.record_request(scope["method"], scope.get(ROUTE_KEY) or "", status, seconds)

        async def counted(message: Message) -> None:
            nonlocal told
            if message["type"] == "http.response.start":
                told = True
                count(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, counted)
        except Exception:
            if not told:
                count(500)
            raise
