"""Long lists in pages: a cursor tells where the last page ended, so rows that come in skip and double nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, tuple_

from deskyard.errors import BadInput

DEFAULT_PAGE_SIZE: Final = 100
MAX_PAGE_SIZE: Final = 1_000
"""How many rows a list gives when nothing is asked, and at most."""

_MAX_INTEGER: Final = 2**63 - 1

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list, and the cursor that continues it (None at the end)."""

    items: list[Item]
    next_cursor: str | None


def fetch_page(
    conn: Connection,
    rows: Select[Any],
    order_by: Sequence[ColumnElement[int]],
    limit: int,
    cursor: str | None,
    convert: Callable[[Row[Any]], Item],
) -> Page[Item]:
    """The rows after the cursor, ordered by whole numbers that together occur once (`by`), each put through `made`.

    Raises BadInput for a cursor that this list did not give.
    """
    if cursor is not None:
        rows = rows.where(tuple_(*order_by) > tuple_(*_decode_cursor(cursor, len(order_by))))
    places = [column.label(f"_place_{i}") for i, column in enumerate(order_by)]
    # One row more than asked tells whether the list goes on.
    found = conn.execute(rows.add_columns(*places).order_by(*order_by).limit(limit + 1)).all()
    here = found[:limit]
    goes_on = len(found) > limit
    return Page([convert(row) for row in here], _encode_cursor(list(here[-1])[-len(order_by) :]) if goes_on else None)


def _encode_cursor(position: Sequence[int]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(position), separators=(",", ":")).encode()).decode().rstrip("=")


def _decode_cursor(cursor: str, parts: int) -> list[int]:
    try:
        place = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        place = None
    if not isinstance(place, list) or len(place) != parts or not all(_is_valid_integer(part) for part in place):
        raise BadInput("this cursor is not one of this list: take `next_cursor` of the page before, or leave it out")
    return place


def _is_valid_integer(part: object) -> bool:
    return type(part) is int and abs(part) <= _MAX_INTEGER
