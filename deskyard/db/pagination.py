"""Pages of long lists: a cursor holds where the last page ended, so that new rows neither skip nor repeat others."""

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
"""Rows of a page by default, and at most."""

_MAX_INTEGER: Final = 2**63 - 1

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A page of a list, and the cursor of the next one (None at the end)."""

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
    """The page after the cursor, ordered by integers that are unique together (`order_by`), each row converted.

    Raises BadInput for a cursor of another list.
    """
    if cursor is not None:
        rows = rows.where(tuple_(*order_by) > tuple_(*_decode_cursor(cursor, len(order_by))))
    position_columns = [column.label(f"_position_{i}") for i, column in enumerate(order_by)]
    # One row more than requested tells whether there is another page.
    found = conn.execute(rows.add_columns(*position_columns).order_by(*order_by).limit(limit + 1)).all()
    page = found[:limit]
    has_more = len(found) > limit
    return Page([convert(row) for row in page], _encode_cursor(list(page[-1])[-len(order_by) :]) if has_more else None)


def _encode_cursor(position: Sequence[int]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(position), separators=(",", ":")).encode()).decode().rstrip("=")


def _decode_cursor(cursor: str, parts: int) -> list[int]:
    try:
        position = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        position = None
    if (
        not isinstance(position, list)
        or len(position) != parts
        or not all(_is_valid_integer(part) for part in position)
    ):
        raise BadInput(
            "this cursor does not belong to this list: use `next_cursor` of the previous page, or leave it out"
        )
    return position


def _is_valid_integer(part: object) -> bool:
    return type(part) is int and abs(part) <= _MAX_INTEGER
