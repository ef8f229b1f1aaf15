"""Pages of what changed at a help desk, none left out, from an API that can only say "changed since".

In come a cursor and a way to ask; out goes a `TicketPage`. Help desks know seconds (Jira: minutes), give several
tickets the same one, and let a ticket be seen after a younger one. So a page begins with the moment at which the last
one ended, leaves out what of that moment was given already, and a new run begins `OVERLAP` before the last one began:
tickets come again, and none is missed.
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
"""Before any ticket; a day later than zero, so that no time zone makes it negative."""


class ChangedRef(NamedTuple):
    """That a ticket changed, before it is read."""

    at: datetime
    ref: str

    @property
    def key(self) -> str:
        """What names this change."""
        return f"{self.ref} {self.at.timestamp():.6f}"


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The next page: what changed at or after `at` without `given`; the next run begins at `began` at the latest."""

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
    """At most `limit` tickets after the cursor (None: all).

    `changed(since, n)` says what changed at or after `since`, by moment, at least the first `n` of it, and is asked for
    more only where many share a moment. `read` reads tickets by ref, leaving out those that are gone. `step` is the
    finest moment that can be asked for. `now` is the help desk's clock. Raises BadInput for a strange cursor.
    """
    place = _decode_cursor(cursor) if cursor is not None else _Cursor(EARLIEST, (), None)
    began = place.started_at or now
    since = _floor_to_step(place.at, time_step)
    given = set(place.delivered)
    new = (one for one in list_changes(since, limit + len(given) + 1) if one.key not in given)
    found = list(islice(_unique(new), limit + 1))
    more, found = len(found) > limit, found[:limit]
    at = max((one.at for one in found), default=place.at)
    if more:
        floor = _floor_to_step(at, time_step)
        before = given if floor == since else set()
        here = {one.key for one in found if _floor_to_step(one.at, time_step) == floor}
        following = _Cursor(at, tuple(sorted(before | here)), began)
    else:
        following = _Cursor(min(at, began - OVERLAP), (), None)
    tickets = fetch_many([one.ref for one in found])
    in_order = sorted(tickets.values(), key=lambda one: (one.updated_at, one.ref))
    return TicketPage(tuple(in_order), _encode_cursor(following), more)


def start_cursor(moment: datetime) -> str:
    """The cursor of a first page that begins at a moment."""
    return _encode_cursor(_Cursor(moment, (), None))


def _unique(found: Iterable[ChangedRef]) -> Iterator[ChangedRef]:
    """Without those that came up twice while others moved."""
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
        at, given, began = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        return _Cursor(_parse_moment(at), tuple(map(str, given)), _parse_moment(began) if began else None)
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput("this cursor is not one of this store: take `cursor` of the page before, or none") from error


def _parse_moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found
