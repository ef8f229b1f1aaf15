"""`/v1/tickets`: create a ticket, read it, change it, comment on it."""

import re
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Header, HTTPException, Path, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from deskyard.desk import comments, ticket_history, tickets
from deskyard.journal.journal import Journal
from deskyard.text.storable import storable
from service.api.metrics import MetricsDep
from service.api.request_models import NewComment, NewTicket, TicketPatch
from service.api.response_models.tickets import CommentResponse, TicketReceipt, TicketResponse
from service.http.dependencies import BatcherDep, CallerDep, ContextDep, IdempotencyKey
from service.http.problem_details import problem_responses
from service.tickets import corrections
from service.tickets.routing import IncomingTicket

router: Final = APIRouter(tags=["tickets"])
log: Final = structlog.get_logger(__name__)

_ETAG: Final = re.compile(r'"([0-9]{1,18})"')

TicketId = Annotated[str, Path(description="The desk's number of the ticket.")]
_ETAG_HEADER: Final = {"headers": {"ETag": {"description": "The version of the ticket.", "schema": {"type": "string"}}}}


@router.post(
    "/v1/tickets",
    status_code=201,
    response_model=TicketReceipt,
    responses={
        200: {"model": TicketReceipt, "description": "The ticket already exists: the first answer again."},
        **problem_responses(400, 413, 415, 422, 503),
    },
)
async def create_ticket(
    new: NewTicket, batcher: BatcherDep, metrics: MetricsDep, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Receive a ticket and place it in a queue. After a 201 or 200 the ticket is stored.

    Send it again if no response arrives: the same `source` and `external_id` mean the same ticket. Without an
    `external_id`, the header Idempotency-Key identifies the request instead.
    """
    receipt = await batcher.submit(IncomingTicket(new.to_ticket(), _key(idempotency_key)))
    if receipt.is_new:
        metrics.record_placement(receipt.answer)
        reason = receipt.answer["placement"]["reason"]["code"]
        log.info("placed", ticket=receipt.answer["ticket"]["id"], reason=reason, decision=receipt.answer["decision"])
    return JSONResponse(receipt.answer, 201 if receipt.is_new else 200)


@router.get(
    "/v1/tickets/{id}",
    response_model=TicketResponse,
    responses={
        200: _ETAG_HEADER,
        304: {"description": "The ticket still has the version in If-None-Match."},
        **problem_responses(400, 404, 422, 503),
    },
)
def get_ticket(
    id: TicketId,  # noqa: A002 - the name of the path parameter
    context: ContextDep,
    response: Response,
    if_none_match: Annotated[str, Header(description="An ETag; if it is still current, the answer is 304.")] = "",
) -> TicketResponse | Response:
    """A ticket as it is now, with the decisions made when it was received, its history and its comments."""
    with context.database.reading() as conn:
        found = _ticket_response(conn, tickets.parse_ticket_number(id))
    response.headers["ETag"] = f'"{found.version}"'
    if if_none_match == response.headers["ETag"]:
        return Response(status_code=304, headers={"ETag": if_none_match})
    return found


@router.patch(
    "/v1/tickets/{id}",
    response_model=TicketResponse,
    responses={200: _ETAG_HEADER, **problem_responses(400, 404, 409, 412, 413, 415, 422, 428, 503)},
)
def update_ticket(
    id: TicketId,  # noqa: A002
    patch: TicketPatch,
    context: ContextDep,
    caller: CallerDep,
    response: Response,
    if_match: Annotated[str, Header(description="The ETag of the version that you change, or *.")] = "",
) -> TicketResponse:
    """Change a ticket's queue, category, priority, assignee or status; fields that are left out stay as they are.

    A person's change is a correction, which no machine overrides. `If-Match` gives the version that the change is based
    on: if the ticket has changed since, the answer is 412. `*` overwrites any version.
    """
    if not if_match:
        raise HTTPException(
            428, "send the header If-Match with the ETag of the ticket that you read, or * for any version"
        )
    number = tickets.parse_ticket_number(id)
    corrections.change_ticket(
        context, number, patch.changes(), caller.actor, expected_version=_version(if_match), why=patch.reason or ""
    )
    with context.database.reading() as conn:
        found = _ticket_response(conn, number)
    response.headers["ETag"] = f'"{found.version}"'
    return found


@router.post(
    "/v1/tickets/{id}/comments",
    status_code=201,
    response_model=CommentResponse,
    responses={
        200: {
            "model": CommentResponse,
            "description": "A comment with that Idempotency-Key already exists: the same comment again.",
        },
        **problem_responses(400, 404, 413, 415, 422, 503),
    },
)
def add_comment(
    id: TicketId,  # noqa: A002
    new: NewComment,
    context: ContextDep,
    caller: CallerDep,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> CommentResponse:
    """Add a comment: visible to the requester too (`public`), or to the desk only."""
    number = tickets.parse_ticket_number(id)
    comment, is_new = corrections.add_comment(
        context, number, caller.actor, new.text, public=new.public, key=_key(idempotency_key), shared=new.shared
    )
    response.status_code = 201 if is_new else 200
    return CommentResponse.from_comment(comment)


def _key(sent: str | None) -> str | None:
    """The Idempotency-Key; None if it is empty or missing."""
    return storable(sent) if sent else None


def _version(if_match: str) -> int | None:
    """The version in an If-Match header; None for `*`, and 0, which no ticket has, if it is not one of our ETags."""
    if if_match == "*":
        return None
    found = _ETAG.fullmatch(if_match)
    return int(found[1]) if found else 0


def _ticket_response(conn: Connection, number: int) -> TicketResponse:
    ticket = tickets.get_ticket(conn, number)
    decision = Journal.first_decision(conn, number)
    return TicketResponse.from_desk(
        ticket, decision, ticket_history.list_steps(conn, number), comments.list_comments(conn, number)
    )
