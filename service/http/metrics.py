"""Prometheus metrics: requests, their durations, and the decisions on new tickets.

All label values come from fixed sets (routes, methods, targets, actions, reason codes), so their number is bounded, and
no text of a ticket or name of a queue is among them. Safe to call from many threads.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.guard_middleware import ROUTE_KEY

# They add a second line for every counter, which is not used.
disable_created_metrics()  # type: ignore[no-untyped-call]

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
DURATION_BUCKETS: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds."""


class Metrics:
    """The metrics of one app, counted since it started.

    >>> metrics = Metrics()
    >>> metrics.record_placement({"placement": {"reason": {"code": "no_model"}}, "decisions": {}})
    >>> metrics.record_request("GET", "/livez", 200, 0.004)
    >>> b'deskyard_tickets_placed_total{reason="no_model"} 1.0' in metrics.render(model="", policy="")
    True
    """

    def __init__(self) -> None:
        """Metrics that have counted nothing yet."""
        self._registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._requests = Counter(
            "deskyard_http_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "deskyard_http_request_duration_seconds",
            "Seconds until the first byte of the response.",
            ["method", "route"],
            registry=self._registry,
            buckets=DURATION_BUCKETS,
        )
        self._placed = Counter(
            "deskyard_tickets_placed", "New tickets, by the code of the reason for their queue.", ["reason"],
            registry=self._registry,
        )  # fmt: skip
        self._decided = Counter(
            "deskyard_decisions", "Decisions on new tickets.", ["target", "action"], registry=self._registry
        )
        self._active = Gauge(
            "deskyard_active_info",
            "Digests of the model and the policy in use.",
            ["model", "policy"],
            registry=self._registry,
        )

    def record_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is the path pattern of its route, "" if no route matches."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def record_placement(self, answer: Mapping[str, Any]) -> None:
        """Count a new ticket and its decisions; `answer` is the answer to its sender."""
        self._placed.labels(answer["placement"]["reason"]["code"]).inc()
        for target, decision in answer["decisions"].items():
            self._decided.labels(target, decision["action"]).inc()

    def render(self, model: str, policy: str) -> bytes:
        """All metrics in the text format of Prometheus, with the digests of the model and policy in use."""
        with self._lock:
            self._active.clear()
            self._active.labels(model, policy).set(1)
            return generate_latest(self._registry)


class MetricsMiddleware:
    """ASGI middleware that counts the requests of `app`."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Count the requests of `app` in `metrics`."""
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on to the app; an uncaught error counts as a 500."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, counted = time.perf_counter(), False

        def count(status: int) -> None:
            seconds = time.perf_counter() - started
            self.metrics.record_request(scope["method"], scope.get(ROUTE_KEY) or "", status, seconds)

        async def count_and_send(message: Message) -> None:
            nonlocal counted
            if message["type"] == "http.response.start":
                counted = True
                count(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, count_and_send)
        except Exception:
            if not counted:
                count(500)
            raise
