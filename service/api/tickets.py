"""`/v1/tickets`: send a ticket, look at it, correct it, say something about it."""

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
_ETAG_HEADER: Final = {"headers": {"ETag": {"description": "The version that was seen.", "schema": {"type": "string"}}}}


@router.post(
    "/v1/tickets",
    status_code=201,
    response_model=TicketReceipt,
    responses={
        200: {"model": TicketReceipt, "description": "The ticket was here before: the first answer again."},
        **problem_responses(400, 413, 415, 422, 503),
    },
)
async def create_ticket(
    new: NewTicket, lane: BatcherDep, metrics: MetricsDep, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Take a ticket and place it in a queue. A ticket that is answered with 201 or 200 is stored.

    Send it again whenever the answer did not arrive: the same `source` and `external_id` is the same ticket. Where
    there is no `external_id`, the header Idempotency-Key names the request and does that job.
    """
    done = await lane.submit(IncomingTicket(new.to_ticket(), _key(idempotency_key)))
    if done.is_new:
        metrics.record_placement(done.answer)
        reason = done.answer["placement"]["reason"]["code"]
        log.info("placed", ticket=done.answer["ticket"]["id"], reason=reason, decision=done.answer["decision"])
    return JSONResponse(done.answer, 201 if done.is_new else 200)


@router.get(
    "/v1/tickets/{id}",
    response_model=TicketResponse,
    responses={
        200: _ETAG_HEADER,
        304: {"description": "It is still as If-None-Match says."},
        **problem_responses(400, 404, 422, 503),
    },
)
def get_ticket(
    id: TicketId,  # noqa: A002 - the address calls it so
    yard: ContextDep,
    response: Response,
    if_none_match: Annotated[str, Header()] = "",
) -> TicketResponse | Response:
    """A ticket as it is now, what was decided when it came, its journey and its comments."""
    with yard.database.reading() as conn:
        whole = _ticket_response(conn, tickets.parse_ticket_number(id))
    response.headers["ETag"] = f'"{whole.version}"'
    if if_none_match == response.headers["ETag"]:
        return Response(status_code=304, headers={"ETag": if_none_match})
    return whole


@router.patch(
    "/v1/tickets/{id}",
    response_model=TicketResponse,
    responses={200: _ETAG_HEADER, **problem_responses(400, 404, 409, 412, 413, 415, 422, 428, 503)},
)
def update_ticket(
    id: TicketId,  # noqa: A002
    patch: TicketPatch,
    yard: ContextDep,
    caller: CallerDep,
    response: Response,
    if_match: Annotated[str, Header(description="The ETag that was seen, or *.")] = "",
) -> TicketResponse:
    """Change a ticket's queue, category, priority, assignee or status; what is left out stays.

    A person's change is a correction, and stands against every machine. `If-Match` says which version the change is
    based on (a later one is 412: look again); `*` overwrites whatever stands there.
    """
    if not if_match:
        raise HTTPException(428, "send the header If-Match with the ETag of the ticket as you saw it, or * for any")
    number = tickets.parse_ticket_number(id)
    corrections.change_ticket(
        yard, number, patch.changes(), caller.actor, expected_version=_version(if_match), why=patch.why or ""
    )
    with yard.database.reading() as conn:
        whole = _ticket_response(conn, number)
    response.headers["ETag"] = f'"{whole.version}"'
    return whole


@router.post(
    "/v1/tickets/{id}/comments",
    status_code=201,
    response_model=CommentResponse,
    responses={
        200: {
            "model": CommentResponse,
            "description": "It was said before under that Idempotency-Key: the same again.",
        },
        **problem_responses(400, 404, 413, 415, 422, 503),
    },
)
def add_comment(
    id: TicketId,  # noqa: A002
    new: NewComment,
    yard: ContextDep,
    caller: CallerDep,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> CommentResponse:
    """Say something about a ticket: to its requester too (`public`), or to the desk only."""
    number = tickets.parse_ticket_number(id)
    said, is_new = corrections.add_comment(
        yard, number, caller.actor, new.text, public=new.public, key=_key(idempotency_key), shared=new.shared
    )
    response.status_code = 201 if is_new else 200
    return CommentResponse.from_comment(said)


def _key(sent: str | None) -> str | None:
    """The name of a request; an empty one names nothing."""
    return storable(sent) if sent else None


def _version(if_match: str) -> int | None:
    """The version that an If-Match names; one that never was when it is none of our ETags; None for any."""
    if if_match == "*":
        return None
    found = _ETAG.fullmatch(if_match)
    return int(found[1]) if found else 0


def _ticket_response(conn: Connection, number: int) -> TicketResponse:
    filed = tickets.get_ticket(conn, number)
    first = Journal.first_decision(conn, number)
    return TicketResponse.from_desk(
        filed, first, ticket_history.list_steps(conn, number), comments.list_comments(conn, number)
    )
