"""The pages `/reports…`: how well routing works, as panels that load one by one, the tickets behind every figure, and
every table as CSV.

The address holds the period, target, queue and source. Tickets that the reader may not see are neither shown nor
counted.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection, select

from deskyard.analytics import csv_export, panels, rollups
from deskyard.analytics.drill_down import find_tickets
from deskyard.analytics.panels import PANELS, PanelInputs
from deskyard.analytics.query import CURRENT_NAMES, DrillDownFilter, ReportQuery
from deskyard.analytics.savings import DEFAULT_COSTS, RoutingCosts
from deskyard.db.tables.analytics import DAILY_TICKET_FACTS
from deskyard.db.tables.desk import QUEUES
from deskyard.desk import tickets
from deskyard.domain.ticket import TARGETS
from deskyard.errors import NotFound
from deskyard.policy.versions import Policies
from deskyard.reports import display_names
from deskyard.reports import panels as report_panels
from deskyard.reports.panels import HEADINGS
from deskyard.settings import settings
from service.http.dependencies import ContextDep
from service.pages import layout
from service.runtime.context import AppContext

router: Final = APIRouter(include_in_schema=False)

PERIODS: Final = (7, 30, 90)
"""Lengths of a period that the page offers, in days."""

PAGE_SIZE: Final = 50
"""Tickets a page."""

COUNTING_SECONDS: Final = 0.1
"""Seconds that a page may count new journal entries before it is shown; the rest is counted in the background."""

Text = Annotated[str, Query(max_length=500)]
Number = Annotated[float, Query(ge=0, le=100_000)]


@dataclass(frozen=True, slots=True)
class PageQuery:
    """The query parameters of a page; `has_taxonomy_changes`: whether labels were renamed, so that the names of today
    and the original ones differ."""

    query: ReportQuery
    today: date
    costs: RoutingCosts
    outcome: str
    has_taxonomy_changes: bool = False

    def query_string(self, ticket_filter: DrillDownFilter | None = None) -> str:
        """The same as the query string of another address."""
        return to_query_string(self.query, self.costs, ticket_filter)


async def _page_query(
    request: Request,
    context: ContextDep,
    first: Annotated[str, Query(alias="from", max_length=10)] = "",
    last: Annotated[str, Query(alias="to", max_length=10)] = "",
    target: Text = "queue",
    queue: Text = "",
    store: Text = "",
    triage_minutes: Number = DEFAULT_COSTS.triage_minutes,
    misroute_minutes: Number = DEFAULT_COSTS.misroute_minutes,
    hourly_rate: Number = DEFAULT_COSTS.hourly_rate,
    outcome: Text = "",
    taxonomy: Text = CURRENT_NAMES,
) -> PageQuery:
    today = datetime.now(settings().time_zone).date()
    changes = (await context.policy_cache.get()).policy.build_ledger(today).changes
    query = ReportQuery.from_params(
        first, last, today, target, queue, store, layout.current_caller(request).queues, taxonomy, changes
    )
    costs = RoutingCosts(triage_minutes, misroute_minutes, hourly_rate)
    return PageQuery(query, today, costs, "routed" if outcome == "routed" else "", bool(changes))


PageQueryDep = Annotated[PageQuery, Depends(_page_query)]


@router.get("/reports")
def show_reports(request: Request, context: ContextDep, page_query: PageQueryDep) -> Response:
    """The page with its form and the places of the panels, which the browser then loads."""
    progress = rollups.refresh_rollups(context.database, settings().time_zone, for_seconds=COUNTING_SECONDS)
    with context.database.reading() as conn:
        queues, stores = _choices(conn, page_query.query)
    return layout.render_page(
        request,
        "reports.html",
        **_shared_context(page_query),
        progress=progress,
        queues=queues,
        stores=stores,
        targets=TARGETS,
        names=display_names.TARGET_NAMES,
        today=page_query.today,
        headings=HEADINGS,
        periods=[(days, _period(page_query, days)) for days in PERIODS],
        limited=page_query.query.visible_queues is not None,
    )


class TicketQuery(BaseModel):
    """The query parameters that choose tickets of `/reports/tickets`, and where the page begins.

    The members are those of `deskyard.analytics.query.DrillDownFilter`; `before`: only tickets with a lower number.
    """

    outcome: str = Field("", max_length=500)
    by: str = Field("", max_length=500)
    rank: str = Field("", max_length=500)
    predicted: str | None = Field(None, max_length=500)
    actual: str | None = Field(None, max_length=500)
    predicted_others: list[str] = Field([], max_length=50)
    actual_others: list[str] = Field([], max_length=50)
    hour: int | None = Field(None, ge=0, le=23)
    weekday: int | None = Field(None, ge=0, le=6)
    day: str = Field("", max_length=500)
    agent: str | None = Field(None, max_length=500)
    state: str = Field("", max_length=500)
    measure: str = Field("", max_length=500)
    reassigned: str = Field("", max_length=500)
    moved_from: str = Field("", max_length=500)
    moved_to: str = Field("", max_length=500)
    queue_pair: list[str] = Field([], max_length=2)
    blind_review: str = Field("", max_length=500)
    stars: int | None = Field(None, ge=0, le=5)
    any_day: bool = False
    before: int | None = Field(None, ge=1, lt=2**63)

    @property
    def ticket_filter(self) -> DrillDownFilter:
        """The conditions."""
        members: dict[str, Any] = self.model_dump(exclude={"before"})
        members |= {name: tuple(members[name]) for name in ("predicted_others", "actual_others", "queue_pair")}
        return DrillDownFilter(**members)


@router.get("/reports/tickets")
def list_tickets(
    request: Request, context: ContextDep, page_query: PageQueryDep, query: Annotated[TicketQuery, Query()]
) -> Response:
    """The tickets behind a figure."""
    ticket_filter = query.ticket_filter
    with context.database.reading() as conn:
        found = find_tickets(conn, page_query.query, ticket_filter, PAGE_SIZE, query.before)
        there = [tickets.find_ticket(conn, number) for number in found.numbers]
    caller = layout.current_caller(request)
    more = f"/reports/tickets?{page_query.query_string(ticket_filter)}&before={found.next_before}"
    return layout.render_page(
        request,
        "reports_tickets.html",
        **_shared_context(page_query),
        found=found,
        tickets=[one for one in there if one and caller.may_see(one.queue)],
        ticket_filter=ticket_filter,
        further=more if found.next_before else "",
    )


@router.get("/reports/panels.css")
def panel_styles() -> Response:
    """The style sheet of the panels, which the weekly report uses too."""
    return Response(
        report_panels.STYLE.read_text(encoding="utf-8"), media_type="text/css", headers=layout.SECURITY_HEADERS
    )


@router.get("/reports/csv/{name}")
def download_csv(context: ContextDep, page_query: PageQueryDep, name: str) -> Response:
    """The table of a panel as CSV."""
    text = csv_export.format_csv(name, _figures(context, page_query, name))
    file_name = f"{name}-{page_query.query.first}-{page_query.query.last}.csv"
    headers = {**layout.SECURITY_HEADERS, "Content-Disposition": f'attachment; filename="{file_name}"'}
    return Response(text.encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/reports/{name}")
def show_panel(request: Request, context: ContextDep, page_query: PageQueryDep, name: str) -> Response:
    """A panel: the part that htmx asks for, or a page of its own."""
    figures = _figures(context, page_query, name)

    def drill_down_url(query: ReportQuery, ticket_filter: DrillDownFilter) -> str:
        return f"/reports/tickets?{to_query_string(query, page_query.costs, ticket_filter)}"

    shown = report_panels.panel_context(name, figures, page_query.query, layout.page_words(request), drill_down_url)
    template = "reports_part.html" if request.headers.get("HX-Request") else "reports_panel.html"
    return layout.render_page(
        request,
        template,
        **{**shown, **_shared_context(page_query)},
        panel=name,
        panel_template=report_panels.panel_template(name),
        heading=HEADINGS[name],
        has_csv=name in csv_export.CSV_TABLES,
    )


def to_query_string(query: ReportQuery, costs: RoutingCosts, ticket_filter: DrillDownFilter | None = None) -> str:
    """The query string that asks the same; costs stand in it where they are not the usual ones."""
    params: dict[str, Any] = query.to_params(ticket_filter)
    for name in ("triage_minutes", "misroute_minutes", "hourly_rate"):
        value = getattr(costs, name)
        if value != getattr(DEFAULT_COSTS, name):
            params[name] = f"{value:g}"
    return urlencode(params, doseq=True)


def _shared_context(page_query: PageQuery) -> dict[str, Any]:
    return {
        "query": page_query.query,
        "page_query": page_query,
        "costs": page_query.costs,
        "query_string": page_query.query_string(),
    }


def _figures(context: AppContext, page_query: PageQuery, name: str) -> panels.PanelFigures:
    if name not in PANELS:
        raise NotFound(f"there is no panel {name[:50]!r}")
    with context.database.reading() as conn:
        policy = Policies.current(conn).policy
        inputs = PanelInputs(
            page_query.query,
            page_query.today,
            context.models.champion.bundle,
            policy,
            page_query.costs,
            page_query.outcome,
        )
        return PANELS[name](conn, inputs)


def _choices(conn: Connection, query: ReportQuery) -> tuple[list[str], list[str]]:
    """The queues that the reader may see, and the sources that tickets came from."""
    queues = [
        name
        for name in conn.scalars(select(QUEUES.c.name))
        if query.visible_queues is None or name in query.visible_queues
    ]
    stores = conn.scalars(select(DAILY_TICKET_FACTS.c.source).distinct())
    return sorted(queues), sorted(stores)


def _period(page_query: PageQuery, days: int) -> str:
    """The query string for the last `days` days."""
    return to_query_string(
        replace(page_query.query, first=page_query.today - timedelta(days=days - 1), last=page_query.today),
        page_query.costs,
    )
