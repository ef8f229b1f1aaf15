"""Error responses as `application/problem+json` (RFC 9457) or as a page: what is wrong and what to do, in a sentence.

They name fields and never repeat a ticket's text.
"""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from deskyard.errors import (
    BadInput,
    BadSignature,
    BundleBroken,
    BundleMissing,
    DeskyardError,
    NotFound,
    StaleVersion,
    StaleWebhook,
    StoreConflict,
    StoreRefused,
    StoreUnreachable,
)
from deskyard.text.storable import storable

Handler = Callable[[Request, Exception], Awaitable[Response]]

PageRenderer = Callable[[Request, Response], Response]
"""Renders a problem response as a page."""

log: Final = structlog.get_logger(__name__)

_MAX_ERRORS: Final = 20
"""Most wrong fields that one response names."""


class Problem(BaseModel):
    """An error, as RFC 9457 writes it."""

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What is wrong and what to do, in a sentence.")
    errors: list[dict[str, str]] = Field(
        default=[], description="For each wrong field its name in `field`, and a `message`."
    )


_DESCRIPTIONS: Final = {
    400: "The body is not JSON, or the Host header is not one of this service's names.",
    401: "A key is needed, or the key is unknown.",
    403: "The role of the key has no permission for this.",
    404: "It does not exist.",
    409: "It conflicts with what a person decided, or with the present state.",
    412: "The ticket has changed since it was read.",
    413: "The request is too large.",
    415: "The body has the wrong Content-Type.",
    422: "A value is not valid; `errors` names the fields.",
    428: "The header If-Match is missing.",
    429: "Too many requests; Retry-After gives the seconds to wait.",
    503: "The database can't be reached; send the request again.",
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Status → the declaration of these errors for OpenAPI."""
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": _DESCRIPTIONS[status], "content": content} for status in statuses}


def problem_response(
    status: int, detail: str, errors: list[dict[str, str]] | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The JSON response for one error."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=storable(detail), errors=errors or [])
    return JSONResponse(body.model_dump(), status, headers, media_type="application/problem+json")


def install_handlers(app: FastAPI, render_page: PageRenderer) -> None:
    """Answer every error of the app with a problem; browsers get it as a page, made by `render_page`."""
    handlers: dict[type[Exception], Handler] = {
        RequestValidationError: _on_validation_error,
        HTTPException: _on_http_error,
        DeskyardError: _on_deskyard_error,
        DBAPIError: _on_database_error,
        Exception: _on_unexpected_error,
    }
    for error, handler in handlers.items():
        app.add_exception_handler(error, _page_or_json(handler, render_page))


def _page_or_json(handler: Handler, render_page: PageRenderer) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        problem = await handler(request, error)
        is_fragment = "hx-request" in request.headers
        if request.url.path.startswith("/v1/") or is_fragment or "text/html" not in request.headers.get("accept", ""):
            return problem
        return render_page(request, problem)

    return handle


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    if found and found[0]["type"] == "json_invalid":
        reason = found[0].get("ctx", {}).get("error", "")
        return problem_response(400, f"the body is not valid JSON: {reason} at character {found[0]['loc'][-1]}")
    body_errors = [one for one in found if tuple(one["loc"]) == ("body",)]
    if body_errors and body_errors[0]["type"] != "missing" and not _is_json(request):
        return problem_response(415, "send the body as JSON, with the header Content-Type: application/json")
    errors = [_field_error(one) for one in found[:_MAX_ERRORS]]
    more = f"; and {len(found) - _MAX_ERRORS} more" if len(found) > _MAX_ERRORS else ""
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in errors) + more
    return problem_response(422, detail, errors)


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _field_error(error: Mapping[str, Any]) -> dict[str, str]:
    path = [str(part) for part in error["loc"][1:]]  # the first is "body", "query" or "path"
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "there is no such field; /openapi.json lists the fields"
    elif error["type"] == "missing":
        message = "this is missing"
    return {"field": storable(".".join(path) or "body")[:200], "message": storable(message)[:500]}


async def _on_http_error(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    detail = error.detail
    if detail == HTTPStatus(error.status_code).phrase:
        detail = _DETAILS.get(error.status_code, detail)
    return problem_response(error.status_code, detail, headers=error.headers)


_DETAILS: Final = {
    404: "there is nothing at this address; /openapi.json lists the addresses",
    405: "this address does not support that method; the Allow header lists those that it does",
}


async def _on_deskyard_error(_request: Request, error: Exception) -> JSONResponse:
    status = next((status for kind, status in _STATUS_BY_ERROR.items() if isinstance(error, kind)), None)
    if status is not None:
        field = [{"field": error.field, "message": error.reason}] if isinstance(error, StoreRefused) else []
        return problem_response(status, str(error), field)
    if isinstance(error, StoreUnreachable):
        return problem_response(503, str(error), headers={"Retry-After": str(max(1, round(error.retry_after)))})
    log.error("failed", exc_info=error)
    return problem_response(500, str(error))


_STATUS_BY_ERROR: Final = {
    NotFound: 404,
    BadSignature: 401,
    StaleWebhook: 401,
    BundleMissing: 404,
    StaleVersion: 412,
    StoreConflict: 409,
    StoreRefused: 422,
    BundleBroken: 422,
    BadInput: 422,
}
"""Type of error → status; the first one that matches counts."""


async def _on_database_error(_request: Request, error: Exception) -> JSONResponse:
    log.error("database_failed", exc_info=error)
    return problem_response(
        503, "the database failed, so nothing was stored: send the request again", headers=_RETRY_SOON
    )


_RETRY_SOON: Final = {"Retry-After": "1"}


async def _on_unexpected_error(_request: Request, error: Exception) -> JSONResponse:
    log.error("bug", exc_info=error)
    return problem_response(500, "this is a bug in deskyard; its log says where. You can send the request again")
