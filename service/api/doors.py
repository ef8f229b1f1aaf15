"""What every door needs: the yard that the app was made with, and the two questions each list takes."""

from typing import Annotated

from fastapi import Depends, Query, Request

from deskyard.stores.desk import LONGEST_PAGE
from service.routing import Yard


async def _yard(request: Request) -> Yard:
    yard = request.app.state.yard
    if not isinstance(yard, Yard):
        raise TypeError("the app was made without a yard")
    return yard


InYard = Annotated[Yard, Depends(_yard)]
Limit = Annotated[int, Query(ge=1, le=LONGEST_PAGE, description="The longest page wanted.")]
Cursor = Annotated[str | None, Query(max_length=100, description="`next_cursor` of the page before.")]
