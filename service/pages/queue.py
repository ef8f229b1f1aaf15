"""`/queues/{name}`: a queue's tickets: filters in the address, pages by cursor, many changed at once, all as CSV.

What is refused of many is told ticket by ticket; the rest is done.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Final, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from markupsafe import Markup

from deskyard.analytics.csv_export import safe
from deskyard.db.pagination import LONGEST_PAGE
from deskyard.db.tables.base import storable
from deskyard.desk import agents, catalogue, changes, tickets
from deskyard.desk.queues import Queue
from deskyard.desk.tickets import Filed, Sort, Wanted
from deskyard.domain.status import UNSOLVED
from deskyard.domain.ticket import PRIORITIES
from deskyard.errors import BadInput, DeskyardError
from deskyard.settings import settings
from service.http.dependencies import Cursor, InYard, QueueName
from service.pages import display_text, layout
from service.runtime.context import Yard
from service.tickets import corrections, visibility

router: Final = APIRouter(include_in_schema=False)

ADDRESS: Final = "/queues/{name:path}"
SIZE: Final = 50
"""Tickets a page, and changed at once."""

SORTS: Final = get_args(Sort)
COLUMNS: Final = (
    "id", "received_at", "subject", "status", "priority", "category", "queue", "assignee", "requester", "organisation",
    "channel", "language", "source", "external_id", "updated_at",
)  # fmt: skip
"""Of the CSV: English names, which stay."""

DEEDS: Final = {"assign": "assignee", "priority": "priority", "move": "queue", "resolve": "status"}

Text = Annotated[str, Query(max_length=500)]
Value = Annotated[str, Form(max_length=500)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for; an empty part asks for nothing."""

    status: str
    priority: str
    category: str
    assignee: str
    text: str
    since: str
    sort: Sort

    @property
    def wanted(self) -> Wanted:
        """The same for the desk. Raises BadInput for a day that is none."""
        return Wanted(
            status=UNSOLVED if self.status == "unsolved" else [one for one in changes.STATUSES if one == self.status],
            priority=(self.priority,) if self.priority else (),
            category=self.category or None,
            assignee=self.assignee or None,
            received_since=_day(self.since),
            text=self.text,
        )

    def address(self, **more: str) -> str:
        """The same as the question of an address."""
        parts = {
            "status": self.status, "priority": self.priority, "category": self.category, "assignee": self.assignee,
            "text": self.text, "since": self.since, "sort": self.sort if self.sort != "urgent" else "", **more,
        }  # fmt: skip
        return urlencode({name: value for name, value in parts.items() if value})


async def _asked(
    status: Text = "unsolved",
    priority: Text = "",
    category: Text = "",
    assignee: Text = "",
    text: Text = "",
    since: Text = "",
    sort: Sort = "urgent",
) -> Asked:
    category, assignee, text = (storable(one).strip() for one in (category, assignee, text))
    return Asked(status, priority, category, assignee, text, since, sort)


InQuestion = Annotated[Asked, Depends(_asked)]


@router.get(ADDRESS)
def queue(
    request: Request,
    yard: InYard,
    name: QueueName,
    asked: InQuestion,
    cursor: Cursor = None,
    as_csv: Annotated[str, Query(alias="csv", max_length=5)] = "",
) -> Response:
    """The page, or all of it as CSV."""
    if as_csv:
        return _sheet(request, yard, name, asked)
    return _page(request, yard, name, asked, cursor)


@router.post(ADDRESS)
def change(
    request: Request,
    yard: InYard,
    name: QueueName,
    asked: InQuestion,
    cursor: Cursor = None,
    ticket: Annotated[list[str] | None, Form(max_length=SIZE)] = None,
    deed: Value = "",
    assignee: Value = "",
    priority: Value = "",
    queue: Value = "",
) -> Response:
    """Do the same to many tickets, each as it was seen."""
    values = {"assign": assignee, "priority": priority, "move": queue, "resolve": "resolved"}
    if deed not in DEEDS:
        raise BadInput(f"there is no deed {deed[:20]!r}; choose from {', '.join(DEEDS)}")
    with yard.database.reading() as conn:
        visibility.queue(conn, layout.who(request), name)
    wanted = {DEEDS[deed]: storable(values[deed]).strip() or None}
    outcome = [(one.partition(":")[0], _changed(request, yard, one, wanted)) for one in ticket or ()]
    refused = [(ref, why) for ref, why in outcome if why is not None]
    return _page(request, yard, name, asked, cursor, done=len(outcome) - len(refused), refused=refused)


def _changed(request: Request, yard: Yard, one: str, wanted: dict[str, str | None]) -> Markup | None:
    """Why a ticket was not changed; None where it was. `one` is its number and the version that was seen."""
    ref, _, version = one.partition(":")
    caller = layout.who(request)
    try:
        number = tickets.number_of(ref)
        with yard.database.reading() as conn:
            visibility.ticket(conn, caller, number)
        corrections.correct(yard, number, wanted, caller.actor, seen=int(version) if version.isdecimal() else 0)
    except DeskyardError as error:
        return display_text.refusal(layout.words(request), error)
    return None


def _page(
    request: Request,
    yard: Yard,
    name: str,
    asked: Asked,
    cursor: str | None,
    *,
    done: int | None = None,
    refused: list[tuple[str, Markup]] | None = None,
) -> HTMLResponse:
    caller = layout.who(request)
    with yard.database.reading() as conn:
        there: Queue = visibility.queue(conn, caller, name)
        found = tickets.listed(conn, there, SIZE, cursor, sort=asked.sort, wanted=asked.wanted)
        every = catalogue.catalogue(conn, asked=()).queues
        serving = agents.served(conn, None)
    return layout.page(
        request,
        "queue.html",
        queue=there,
        asked=asked,
        found=found.items,
        further=asked.address(cursor=found.next_cursor) if found.next_cursor else "",
        first=asked.address() if cursor else "",
        as_csv=asked.address(csv="1"),
        question=asked.address(**({"cursor": cursor} if cursor else {})),
        queues=sorted(queue for queue in every if queue != name),
        assignees=sorted(who for who, mine in serving.items() if name in mine),
        statuses=changes.STATUSES,
        priorities=PRIORITIES,
        sorts=SORTS,
        may_work=caller.may("POST", ADDRESS),
        names=display_text,
        done=done,
        refused=refused or [],
    )


def _sheet(request: Request, yard: Yard, name: str, asked: Asked) -> StreamingResponse:
    """The tickets that are asked for, in whatever number, a thousand at a time."""
    with yard.database.reading() as conn:
        there = visibility.queue(conn, layout.who(request), name)
    wanted = asked.wanted

    def lines() -> Iterator[bytes]:
        yield "\ufeff".encode() + _line(COLUMNS)
        cursor: str | None = None
        while True:
            with yard.database.reading() as conn:
                found = tickets.listed(conn, there, LONGEST_PAGE, cursor, sort=asked.sort, wanted=wanted)
            yield b"".join(_line(_row(one)) for one in found.items)
            cursor = found.next_cursor
            if cursor is None:
                return

    headers = {**layout.SAFE, "Content-Disposition": f'attachment; filename="queue-{there.id}.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


def _row(one: Filed) -> tuple[str | int | None, ...]:
    it = one.ticket
    return (
        one.id, one.received_at.isoformat(), it.subject, one.status, one.priority, one.category, one.queue,
        one.assignee, it.requester, it.organisation, it.channel, it.language, it.source, one.external_id,
        one.updated_at.isoformat(),
    )  # fmt: skip


def _line(cells: tuple[str | int | None, ...]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([safe(cell) for cell in cells])
    return out.getvalue().encode("utf-8", "replace")


def _day(text: str) -> datetime | None:
    """The beginning of a day in the desk's time zone. Raises BadInput."""
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), settings().time_zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput("write days as 2026-01-31") from error
