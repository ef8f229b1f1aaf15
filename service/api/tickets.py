"""`/v1/tickets`: send a ticket, look at it, correct it, say something about it."""

import re
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Header, HTTPException, Path, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from deskyard.db.tables.base import storable
from deskyard.desk import comments, ticket_history, tickets
from deskyard.journal.journal import Journal
from service.api.metrics import InMetrics
from service.api.request_models import NewComment, NewTicket, Patch
from service.api.response_models.tickets import Answer, Said, Whole
from service.http.dependencies import CalledBy, IdempotencyKey, InLane, InYard
from service.http.problem_details import problems
from service.tickets import corrections
from service.tickets.routing import Arrival

router: Final = APIRouter(tags=["tickets"])
log: Final = structlog.get_logger(__name__)

_ETAG: Final = re.compile(r'"([0-9]{1,18})"')

Id = Annotated[str, Path(description="The desk's number of the ticket.")]
_TAGGED: Final = {"headers": {"ETag": {"description": "The version that was seen.", "schema": {"type": "string"}}}}


@router.post(
    "/v1/tickets",
    status_code=201,
    response_model=Answer,
    responses={
        200: {"model": Answer, "description": "The ticket was here before: the first answer again."},
        **problems(400, 413, 415, 422, 503),
    },
)
async def receive(
    new: NewTicket, lane: InLane, metrics: InMetrics, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Take a ticket and place it in a queue. A ticket that is answered with 201 or 200 is stored.

    Send it again whenever the answer did not arrive: the same `source` and `external_id` is the same ticket. Where
    there is no `external_id`, the header Idempotency-Key names the request and does that job.
    """
    done = await lane.send(Arrival(new.ticket(), _key(idempotency_key)))
    if done.is_new:
        metrics.placed(done.answer)
        reason = done.answer["placement"]["reason"]["code"]
        log.info("placed", ticket=done.answer["ticket"]["id"], reason=reason, decision=done.answer["decision"])
    return JSONResponse(done.answer, 201 if done.is_new else 200)


@router.get(
    "/v1/tickets/{id}",
    response_model=Whole,
    responses={
        200: _TAGGED,
        304: {"description": "It is still as If-None-Match says."},
        **problems(400, 404, 422, 503),
    },
)
def look(id: Id, yard: InYard, response: Response, if_none_match: Annotated[str, Header()] = "") -> Whole | Response:  # noqa: A002 - the address calls it so
    """A ticket as it is now, what was decided when it came, its journey and its comments."""
    with yard.database.reading() as conn:
        whole = _whole(conn, tickets.number_of(id))
    response.headers["ETag"] = f'"{whole.version}"'
    if if_none_match == response.headers["ETag"]:
        return Response(status_code=304, headers={"ETag": if_none_match})
    return whole


@router.patch(
    "/v1/tickets/{id}",
    response_model=Whole,
    responses={200: _TAGGED, **problems(400, 404, 409, 412, 413, 415, 422, 428, 503)},
)
def change(
    id: Id,  # noqa: A002
    patch: Patch,
    yard: InYard,
    caller: CalledBy,
    response: Response,
    if_match: Annotated[str, Header(description="The ETag that was seen, or *.")] = "",
) -> Whole:
    """Change a ticket's queue, category, priority, assignee or status; what is left out stays.

    A person's change is a correction, and stands against every machine. `If-Match` says which version the change is
    based on (a later one is 412: look again); `*` overwrites whatever stands there.
    """
    if not if_match:
        raise HTTPException(428, "send the header If-Match with the ETag of the ticket as you saw it, or * for any")
    number = tickets.number_of(id)
    corrections.correct(yard, number, patch.wanted(), caller.actor, seen=_version(if_match), why=patch.why or "")
    with yard.database.reading() as conn:
        whole = _whole(conn, number)
    response.headers["ETag"] = f'"{whole.version}"'
    return whole


@router.post(
    "/v1/tickets/{id}/comments",
    status_code=201,
    response_model=Said,
    responses={
        200: {"model": Said, "description": "It was said before under that Idempotency-Key: the same again."},
        **problems(400, 404, 413, 415, 422, 503),
    },
)
def comment(
    id: Id,  # noqa: A002
    new: NewComment,
    yard: InYard,
    caller: CalledBy,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Said:
    """Say something about a ticket: to its requester too (`public`), or to the desk only."""
    number = tickets.number_of(id)
    said, is_new = corrections.say(
        yard, number, caller.actor, new.text, public=new.public, key=_key(idempotency_key), shared=new.shared
    )
    response.status_code = 201 if is_new else 200
    return Said.of(said)


def _key(sent: str | None) -> str | None:
    """The name of a request; an empty one names nothing."""
    return storable(sent) if sent else None


def _version(if_match: str) -> int | None:
    """The version that an If-Match names; one that never was when it is none of our ETags; None for any."""
    if if_match == "*":
        return None
    found = _ETAG.fullmatch(if_match)
    return int(found[1]) if found else 0


def _whole(conn: Connection, number: int) -> Whole:
    filed = tickets.get(conn, number)
    first = Journal.first_decision(conn, number)
    return Whole.told(filed, first, ticket_history.of(conn, number), comments.of(conn, number))
