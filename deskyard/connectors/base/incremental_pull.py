"""Pages of what changed at a help desk, none left out, from an API that can only say "changed since".

In come a cursor and a way to ask; out goes a `Page`. Help desks know seconds (Jira: minutes), give several tickets the
same one, and let a ticket be seen after a younger one. So a page begins with the moment at which the last one ended,
leaves out what of that moment was given already, and a new run begins `OVERLAP` before the last one began: tickets
come again, and none is missed.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple

from deskyard.connectors.base.ticket_store import Page, StoredTicket
from deskyard.errors import BadInput

OVERLAP: Final = timedelta(seconds=60)
FIRST: Final = datetime(1970, 1, 2, tzinfo=UTC)
"""Before any ticket; a day later than zero, so that no time zone makes it negative."""


class Changed(NamedTuple):
    """That a ticket changed, before it is read."""

    at: datetime
    ref: str

    @property
    def name(self) -> str:
        """What names this change."""
        return f"{self.ref} {self.at.timestamp():.6f}"


@dataclass(frozen=True, slots=True)
class _Place:
    """The next page: what changed at or after `at` without `given`; the next run begins at `began` at the latest."""

    at: datetime
    given: tuple[str, ...]
    began: datetime | None


def page(
    cursor: str | None,
    limit: int,
    now: datetime,
    changed: Callable[[datetime, int], Iterable[Changed]],
    read: Callable[[list[str]], dict[str, StoredTicket]],
    step: timedelta = timedelta(seconds=1),
) -> Page:
    """At most `limit` tickets after the cursor (None: all).

    `changed(since, n)` says what changed at or after `since`, by moment, at least the first `n` of it, and is asked for
    more only where many share a moment. `read` reads tickets by ref, leaving out those that are gone. `step` is the
    finest moment that can be asked for. `now` is the help desk's clock. Raises BadInput for a strange cursor.
    """
    place = _read(cursor) if cursor is not None else _Place(FIRST, (), None)
    began = place.began or now
    since = _floor(place.at, step)
    given = set(place.given)
    new = (one for one in changed(since, limit + len(given) + 1) if one.name not in given)
    found = list(islice(_once(new), limit + 1))
    more, found = len(found) > limit, found[:limit]
    at = max((one.at for one in found), default=place.at)
    if more:
        floor = _floor(at, step)
        before = given if floor == since else set()
        here = {one.name for one in found if _floor(one.at, step) == floor}
        following = _Place(at, tuple(sorted(before | here)), began)
    else:
        following = _Place(min(at, began - OVERLAP), (), None)
    tickets = read([one.ref for one in found])
    in_order = sorted(tickets.values(), key=lambda one: (one.updated_at, one.ref))
    return Page(tuple(in_order), _written(following), more)


def begin(moment: datetime) -> str:
    """The cursor of a first page that begins at a moment."""
    return _written(_Place(moment, (), None))


def _once(found: Iterable[Changed]) -> Iterator[Changed]:
    """Without those that came up twice while others moved."""
    seen: set[str] = set()
    for one in found:
        if one.ref not in seen:
            seen.add(one.ref)
            yield one


def _floor(at: datetime, step: timedelta) -> datetime:
    seconds = int(step.total_seconds())
    return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, UTC)


def _written(place: _Place) -> str:
    parts = [place.at.isoformat(), list(place.given), place.began and place.began.isoformat()]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _read(cursor: str) -> _Place:
    try:
        at, given, began = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        return _Place(_moment(at), tuple(map(str, given)), _moment(began) if began else None)
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput("this cursor is not one of this store: take `cursor` of the page before, or none") from error


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found
