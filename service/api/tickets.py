"""`/v1/tickets`: send a ticket, look at a ticket."""

import re
from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter, HTTPException
from fastapi.responses import JSONResponse

from deskyard.journal import Journal
from deskyard.stores.desk import Desk
from service import routing
from service.api.doors import InYard
from service.api.forms import NewTicket
from service.api.shapes import Answer, Whole
from service.problems import problems

router: Final = APIRouter(tags=["tickets"])

_NUMBER: Final = re.compile("[1-9][0-9]{0,17}")


@router.post(
    "/v1/tickets",
    status_code=201,
    response_model=Answer,
    responses={
        200: {"model": Answer, "description": "The ticket was here before: the first answer again."},
        **problems(400, 413, 415, 422, 503),
    },
)
def receive(new: NewTicket, yard: InYard) -> JSONResponse:
    """Take a ticket and place it in a queue. A ticket that is answered with 201 or 200 is stored.

    Send it again whenever the answer did not arrive: the same `source` and `external_id` is the same ticket.
    """
    answer, is_new = routing.route(yard, new.ticket(datetime.now(UTC)))
    return JSONResponse(answer, 201 if is_new else 200)


@router.get("/v1/tickets/{id}", response_model=Whole, responses=problems(400, 404, 422, 503))
def look(id: str, yard: InYard) -> Whole:  # noqa: A002 - the address calls it so
    """A ticket as it is now, what was decided when it came, and its journey."""
    if _NUMBER.fullmatch(id):
        with yard.database.reading() as session:
            filed = Desk.ticket(session, int(id))
            if filed is not None:
                first = Journal.first_decision(session, filed.id)
                return Whole.told(filed, first, Desk.journey(session, filed.id))
    raise HTTPException(404, f"there is no ticket {id[:50]!r} on this desk")
