"""The page `/queues/{name}`: the tickets of a queue with filters, paging, bulk changes and a CSV export.

The address holds the filters. Of a bulk change every ticket that is refused is listed with the reason; the others are
changed.
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

from deskyard.analytics.csv_export import escape_formula
from deskyard.db.pagination import MAX_PAGE_SIZE
from deskyard.desk import agents, catalogue, changes, tickets
from deskyard.desk.queues import Queue
from deskyard.desk.tickets import DeskTicket, SortOrder, TicketFilter
from deskyard.domain.status import UNSOLVED_STATUSES
from deskyard.domain.ticket import PRIORITIES
from deskyard.errors import BadInput, DeskyardError
from deskyard.settings import settings
from deskyard.text.storable import storable
from service.http.dependencies import ContextDep, PageCursor, QueueName
from service.pages import display_text, layout
from service.runtime.context import AppContext
from service.tickets import corrections, visibility

router: Final = APIRouter(include_in_schema=False)

ADDRESS: Final = "/queues/{name:path}"
PAGE_SIZE: Final = 50
"""Tickets a page, which is also the most that one bulk change takes."""

SORTS: Final = get_args(SortOrder)
COLUMNS: Final = (
    "id", "received_at", "subject", "status", "priority", "category", "queue", "assignee", "requester", "organisation",
    "channel", "language", "source", "external_id", "updated_at",
)  # fmt: skip
"""Columns of the CSV: English names, which do not change."""

BULK_ACTIONS: Final = {"assign": "assignee", "priority": "priority", "move": "queue", "resolve": "status"}

Text = Annotated[str, Query(max_length=500)]
Value = Annotated[str, Form(max_length=500)]


@dataclass(frozen=True, slots=True)
class QueueQuery:
    """The filters and the order of the page, as the address gives them; an empty filter is not applied."""

    status: str
    priority: str
    category: str
    assignee: str
    text: str
    since: str
    sort: SortOrder

    @property
    def ticket_filter(self) -> TicketFilter:
        """The filters as the desk takes them. Raises BadInput where `since` is no day."""
        return TicketFilter(
            status=UNSOLVED_STATUSES
            if self.status == "unsolved"
            else [one for one in changes.STATUSES if one == self.status],
            priority=(self.priority,) if self.priority else (),
            category=self.category or None,
            assignee=self.assignee or None,
            received_since=_parse_day(self.since),
            text=self.text,
        )

    def query_string(self, **more: str) -> str:
        """The same as the query string of an address."""
        parts = {
            "status": self.status, "priority": self.priority, "category": self.category, "assignee": self.assignee,
            "text": self.text, "since": self.since, "sort": self.sort if self.sort != "urgent" else "", **more,
        }  # fmt: skip
        return urlencode({name: value for name, value in parts.items() if value})


async def _queue_query(
    status: Text = "unsolved",
    priority: Text = "",
    category: Text = "",
    assignee: Text = "",
    text: Text = "",
    since: Text = "",
    sort: SortOrder = "urgent",
) -> QueueQuery:
    category, assignee, text = (storable(one).strip() for one in (category, assignee, text))
    return QueueQuery(status, priority, category, assignee, text, since, sort)


QueueQueryDep = Annotated[QueueQuery, Depends(_queue_query)]


@router.get(ADDRESS)
def show_queue(
    request: Request,
    context: ContextDep,
    name: QueueName,
    queue_query: QueueQueryDep,
    cursor: PageCursor = None,
    as_csv: Annotated[str, Query(alias="csv", max_length=5)] = "",
) -> Response:
    """The page, or all tickets of the filters as CSV."""
    if as_csv:
        return _csv_response(request, context, name, queue_query)
    return _page(request, context, name, queue_query, cursor)


@router.post(ADDRESS)
def change_tickets(
    request: Request,
    context: ContextDep,
    name: QueueName,
    queue_query: QueueQueryDep,
    cursor: PageCursor = None,
    ticket: Annotated[list[str] | None, Form(max_length=PAGE_SIZE)] = None,
    action: Value = "",
    assignee: Value = "",
    priority: Value = "",
    queue: Value = "",
) -> Response:
    """Change many tickets in the same way, each in the version that the reader saw."""
    values = {"assign": assignee, "priority": priority, "move": queue, "resolve": "resolved"}
    if action not in BULK_ACTIONS:
        raise BadInput(f"there is no action {action[:20]!r}; choose from {', '.join(BULK_ACTIONS)}")
    with context.database.reading() as conn:
        visibility.visible_queue(conn, layout.current_caller(request), name)
    new_values = {BULK_ACTIONS[action]: storable(values[action]).strip() or None}
    outcome = [(one.partition(":")[0], _change_ticket(request, context, one, new_values)) for one in ticket or ()]
    refusals = [(ref, why) for ref, why in outcome if why is not None]
    return _page(request, context, name, queue_query, cursor, changed=len(outcome) - len(refusals), refusals=refusals)


def _change_ticket(
    request: Request, context: AppContext, reference: str, values: dict[str, str | None]
) -> Markup | None:
    """Why a ticket was not changed; None where it was. `reference`: its number and the version that was seen."""
    ref, _, version = reference.partition(":")
    caller = layout.current_caller(request)
    try:
        number = tickets.parse_ticket_number(ref)
        with context.database.reading() as conn:
            visibility.visible_ticket(conn, caller, number)
        corrections.change_ticket(
            context, number, values, caller.actor, expected_version=int(version) if version.isdecimal() else 0
        )
    except DeskyardError as error:
        return display_text.refusal_text(layout.page_words(request), error)
    return None


def _page(
    request: Request,
    context: AppContext,
    name: str,
    queue_query: QueueQuery,
    cursor: str | None,
    *,
    changed: int | None = None,
    refusals: list[tuple[str, Markup]] | None = None,
) -> HTMLResponse:
    caller = layout.current_caller(request)
    with context.database.reading() as conn:
        there: Queue = visibility.visible_queue(conn, caller, name)
        found = tickets.list_tickets(
            conn, there, PAGE_SIZE, cursor, sort=queue_query.sort, ticket_filter=queue_query.ticket_filter
        )
        every = catalogue.load_catalogue(conn, agent_names=()).queues
        served_queues = agents.load_served_queues(conn, None)
    return layout.render_page(
        request,
        "queue.html",
        queue=there,
        queue_query=queue_query,
        found=found.items,
        next_page=queue_query.query_string(cursor=found.next_cursor) if found.next_cursor else "",
        first_page=queue_query.query_string() if cursor else "",
        as_csv=queue_query.query_string(csv="1"),
        query_string=queue_query.query_string(**({"cursor": cursor} if cursor else {})),
        queues=sorted(queue for queue in every if queue != name),
        assignees=sorted(who for who, mine in served_queues.items() if name in mine),
        statuses=changes.STATUSES,
        priorities=PRIORITIES,
        sorts=SORTS,
        may_work=caller.may("POST", ADDRESS),
        names=display_text,
        changed=changed,
        refusals=refusals or [],
    )


def _csv_response(request: Request, context: AppContext, name: str, queue_query: QueueQuery) -> StreamingResponse:
    """All tickets of the filters, read a thousand at a time."""
    with context.database.reading() as conn:
        there = visibility.visible_queue(conn, layout.current_caller(request), name)
    ticket_filter = queue_query.ticket_filter

    def lines() -> Iterator[bytes]:
        yield "\ufeff".encode() + _csv_line(COLUMNS)
        cursor: str | None = None
        while True:
            with context.database.reading() as conn:
                found = tickets.list_tickets(
                    conn, there, MAX_PAGE_SIZE, cursor, sort=queue_query.sort, ticket_filter=ticket_filter
                )
            yield b"".join(_csv_line(_csv_row(one)) for one in found.items)
            cursor = found.next_cursor
            if cursor is None:
                return

    headers = {**layout.SECURITY_HEADERS, "Content-Disposition": f'attachment; filename="queue-{there.id}.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


def _csv_row(one: DeskTicket) -> tuple[str | int | None, ...]:
    it = one.ticket
    return (
        one.id, one.received_at.isoformat(), it.subject, one.status, one.priority, one.category, one.queue,
        one.assignee, it.requester, it.organisation, it.channel, it.language, it.source, one.external_id,
        one.updated_at.isoformat(),
    )  # fmt: skip


def _csv_line(cells: tuple[str | int | None, ...]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([escape_formula(cell) for cell in cells])
    return out.getvalue().encode("utf-8", "replace")


def _parse_day(text: str) -> datetime | None:
    """The beginning of a day in the desk's time zone, None for no text. Raises BadInput."""
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), settings().time_zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput("write days as 2026-01-31") from error
