"""Pages of changed tickets without gaps, from an API that can only list what changed since a time.

Help desks know times to the second (Jira: to the minute), several tickets have the same time, and a ticket may become
visible after a younger one. So a page begins at the time at which the last one ended and leaves out what was delivered
of that time, and a new run begins `OVERLAP` before the last one began: tickets may come twice, and none is missed.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple

from deskyard.connectors.base.ticket_store import StoredTicket, TicketPage
from deskyard.errors import BadInput

OVERLAP: Final = timedelta(seconds=60)
EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
"""Before any ticket; a day after zero, so that it is positive in every time zone."""


class ChangedRef(NamedTuple):
    """A ticket that changed, and when."""

    at: datetime
    ref: str

    @property
    def key(self) -> str:
        """The identity of this change."""
        return f"{self.ref} {self.at.timestamp():.6f}"


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The next page holds what changed at or after `at`, without `delivered`; the next run begins `OVERLAP` before
    `started_at`, or at `at` if that is earlier."""

    at: datetime
    delivered: tuple[str, ...]
    started_at: datetime | None


def read_page(
    cursor: str | None,
    limit: int,
    now: datetime,
    list_changes: Callable[[datetime, int], Iterable[ChangedRef]],
    fetch_many: Callable[[list[str]], dict[str, StoredTicket]],
    time_step: timedelta = timedelta(seconds=1),
) -> TicketPage:
    """At most `limit` tickets after the cursor (None: from the beginning).

    `list_changes(since, n)` lists what changed at or after `since`, in the order of time, at least the first `n`; more
    are consumed only if many have the same time. `fetch_many` reads tickets by ref, leaving out those that are gone.
    `time_step` is the precision of `since` at the help desk, and `now` its clock. Raises BadInput for a cursor that was
    not made here.
    """
    position = _decode_cursor(cursor) if cursor is not None else _Cursor(EARLIEST, (), None)
    started_at = position.started_at or now
    since = _floor_to_step(position.at, time_step)
    delivered = set(position.delivered)
    new = (one for one in list_changes(since, limit + len(delivered) + 1) if one.key not in delivered)
    found = list(islice(_unique(new), limit + 1))
    more, found = len(found) > limit, found[:limit]
    at = max((one.at for one in found), default=position.at)
    if more:
        floor = _floor_to_step(at, time_step)
        before = delivered if floor == since else set()
        here = {one.key for one in found if _floor_to_step(one.at, time_step) == floor}
        following = _Cursor(at, tuple(sorted(before | here)), started_at)
    else:
        following = _Cursor(min(at, started_at - OVERLAP), (), None)
    tickets = fetch_many([one.ref for one in found])
    in_order = sorted(tickets.values(), key=lambda one: (one.updated_at, one.ref))
    return TicketPage(tuple(in_order), _encode_cursor(following), more)


def start_cursor(moment: datetime) -> str:
    """The cursor of a first page that begins at that time."""
    return _encode_cursor(_Cursor(moment, (), None))


def _unique(found: Iterable[ChangedRef]) -> Iterator[ChangedRef]:
    """The changes without tickets that were listed before."""
    seen: set[str] = set()
    for one in found:
        if one.ref not in seen:
            seen.add(one.ref)
            yield one


def _floor_to_step(at: datetime, step: timedelta) -> datetime:
    seconds = int(step.total_seconds())
    return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, UTC)


def _encode_cursor(cursor: _Cursor) -> str:
    parts = [cursor.at.isoformat(), list(cursor.delivered), cursor.started_at and cursor.started_at.isoformat()]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _decode_cursor(cursor: str) -> _Cursor:
    try:
        at, delivered, started_at = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        return _Cursor(_parse_moment(at), tuple(map(str, delivered)), _parse_moment(started_at) if started_at else None)
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput("this cursor is not one of this store: use `cursor` of the last page, or none") from error


def _parse_moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found
