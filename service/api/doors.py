"""What every door needs: the yard that the app was made with, who calls, and the questions that many ask."""

from typing import Annotated

from fastapi import Depends, Header, Query, Request

from deskyard.desk.pages import LONGEST_PAGE
from service.access import LOCAL, Caller
from service.routing import Yard


async def _yard(request: Request) -> Yard:
    yard = request.app.state.yard
    if not isinstance(yard, Yard):
        raise TypeError("the app was made without a yard")
    return yard


async def _caller() -> Caller:
    return LOCAL


InYard = Annotated[Yard, Depends(_yard)]
CalledBy = Annotated[Caller, Depends(_caller)]
Limit = Annotated[int, Query(ge=1, le=LONGEST_PAGE, description="The longest page wanted.")]
Cursor = Annotated[str | None, Query(max_length=100, description="`next_cursor` of the page before.")]
IdempotencyKey = Annotated[
    str | None, Header(max_length=255, description="A name for this request: sent again, nothing is done twice.")
]
