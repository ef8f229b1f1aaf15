"""`/reports`: how well routing does. A head that answers a manager's five questions, panels below that come one by one,
the tickets behind every figure, and every table as CSV.

Period, target, queue and store stand in the address; what may not be seen is neither shown nor counted.
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
from deskyard.reports import panels as shown_panels
from deskyard.reports.panels import HEADINGS
from deskyard.settings import settings
from service.http.dependencies import ContextDep
from service.pages import layout
from service.runtime.context import AppContext

router: Final = APIRouter(include_in_schema=False)

PERIODS: Final = (7, 30, 90)
PAGE_SIZE: Final = 50
"""Tickets a page."""

COUNTING_SECONDS: Final = 0.1
"""Seconds that a page may count what is new before it is shown; the rest is counted in the background."""

Text = Annotated[str, Query(max_length=500)]
Number = Annotated[float, Query(ge=0, le=100_000)]


@dataclass(frozen=True, slots=True)
class PageQuery:
    """What the address says; `turned`: whether labels have other names by now."""

    query: ReportQuery
    today: date
    prices: RoutingCosts
    outcome: str
    has_taxonomy_changes: bool = False

    def query_string(self, only: DrillDownFilter | None = None) -> str:
        """The same as the question of another address."""
        return to_query_string(self.query, self.prices, only)


async def _page_query(
    request: Request,
    yard: ContextDep,
    first: Annotated[str, Query(alias="from", max_length=10)] = "",
    last: Annotated[str, Query(alias="to", max_length=10)] = "",
    target: Text = "queue",
    queue: Text = "",
    store: Text = "",
    sort: Number = DEFAULT_COSTS.sort,
    wrong: Number = DEFAULT_COSTS.wrong,
    hour_costs: Number = DEFAULT_COSTS.hour,
    fate: Text = "",
    taxonomy: Text = CURRENT_NAMES,
) -> PageQuery:
    today = datetime.now(settings().time_zone).date()
    turns = (await yard.policy_cache.get()).policy.build_ledger(today).changes
    asked = ReportQuery.from_params(
        first, last, today, target, queue, store, layout.current_caller(request).queues, taxonomy, turns
    )
    return PageQuery(
        asked, today, RoutingCosts(sort, wrong, hour_costs), "routed" if fate == "routed" else "", bool(turns)
    )


PageQueryDep = Annotated[PageQuery, Depends(_page_query)]


@router.get("/reports")
def show_reports(request: Request, yard: ContextDep, told: PageQueryDep) -> Response:
    """The page: what is asked, and where the panels will be."""
    state = rollups.refresh_rollups(yard.database, settings().time_zone, for_seconds=COUNTING_SECONDS)
    with yard.database.reading() as conn:
        queues, stores = _choices(conn, told.query)
    return layout.render_page(
        request,
        "reports.html",
        **_shared_context(told),
        state=state,
        queues=queues,
        stores=stores,
        targets=TARGETS,
        names=display_names.TARGET_NAMES,
        today=told.today,
        headings=HEADINGS,
        periods=[(days, _period(told, days)) for days in PERIODS],
        limited=told.query.visible_queues is not None,
    )


class TicketQuery(BaseModel):
    """Which of the tickets in question are listed, as the address says it, and where the page begins.

    The members are those of `deskyard.analytics.query.DrillDownFilter`; `before`: only tickets with a lower number.
    """

    fate: str = Field("", max_length=500)
    by: str = Field("", max_length=500)
    place: str = Field("", max_length=500)
    said: str | None = Field(None, max_length=500)
    truth: str | None = Field(None, max_length=500)
    said_others: list[str] = Field([], max_length=50)
    truth_others: list[str] = Field([], max_length=50)
    hour: int | None = Field(None, ge=0, le=23)
    weekday: int | None = Field(None, ge=0, le=6)
    day: str = Field("", max_length=500)
    agent: str | None = Field(None, max_length=500)
    state: str = Field("", max_length=500)
    speed: str = Field("", max_length=500)
    moved: str = Field("", max_length=500)
    was: str = Field("", max_length=500)
    became: str = Field("", max_length=500)
    pair: list[str] = Field([], max_length=2)
    blind: str = Field("", max_length=500)
    stars: int | None = Field(None, ge=0, le=5)
    ever: bool = False
    before: int | None = Field(None, ge=1, lt=2**63)

    @property
    def only(self) -> DrillDownFilter:
        """The conditions."""
        said: dict[str, Any] = self.model_dump(exclude={"before"})
        said |= {name: tuple(said[name]) for name in ("said_others", "truth_others", "pair")}
        return DrillDownFilter(**said)


@router.get("/reports/tickets")
def list_tickets(
    request: Request, yard: ContextDep, told: PageQueryDep, query: Annotated[TicketQuery, Query()]
) -> Response:
    """The tickets behind a figure."""
    only = query.only
    with yard.database.reading() as conn:
        found = find_tickets(conn, told.query, only, PAGE_SIZE, query.before)
        there = [tickets.find_ticket(conn, number) for number in found.numbers]
    caller = layout.current_caller(request)
    return layout.render_page(
        request,
        "reports_tickets.html",
        **_shared_context(told),
        found=found,
        tickets=[one for one in there if one and caller.may_see(one.queue)],
        only=only,
        further=f"/reports/tickets?{told.query_string(only)}&before={found.next_before}" if found.next_before else "",
    )


@router.get("/reports/panels.css")
def panel_styles() -> Response:
    """The style of panels, which the weekly report shares."""
    return Response(
        shown_panels.STYLE.read_text(encoding="utf-8"), media_type="text/css", headers=layout.SECURITY_HEADERS
    )


@router.get("/reports/csv/{name}")
def download_csv(yard: ContextDep, told: PageQueryDep, name: str) -> Response:
    """A panel's table."""
    text = csv_export.format_csv(name, _figures(yard, told, name))
    named = f"{name}-{told.query.first}-{told.query.last}.csv"
    headers = {**layout.SECURITY_HEADERS, "Content-Disposition": f'attachment; filename="{named}"'}
    return Response(text.encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/reports/{name}")
def show_panel(request: Request, yard: ContextDep, told: PageQueryDep, name: str) -> Response:
    """A panel, for the page it stands on, or as a page of its own."""
    figures = _figures(yard, told, name)

    def href(asked: ReportQuery, only: DrillDownFilter) -> str:
        return f"/reports/tickets?{to_query_string(asked, told.prices, only)}"

    shown = shown_panels.panel_context(name, figures, told.query, layout.page_words(request), href)
    template = "reports_part.html" if request.headers.get("HX-Request") else "reports_panel.html"
    return layout.render_page(
        request,
        template,
        **{**shown, **_shared_context(told)},
        panel=name,
        heading=HEADINGS[name],
        has_sheet=name in csv_export.CSV_TABLES,
    )


def to_query_string(query: ReportQuery, prices: RoutingCosts, only: DrillDownFilter | None = None) -> str:
    """What an address asks."""
    said: dict[str, Any] = query.to_params(only)
    for name, value, other in (
        ("sort", prices.sort, DEFAULT_COSTS.sort),
        ("wrong", prices.wrong, DEFAULT_COSTS.wrong),
        ("hour_costs", prices.hour, DEFAULT_COSTS.hour),
    ):
        if value != other:
            said[name] = f"{value:g}"
    return urlencode(said, doseq=True)


def _shared_context(page_query: PageQuery) -> dict[str, Any]:
    return {
        "asked": page_query.query,
        "told": page_query,
        "prices": page_query.prices,
        "question": page_query.query_string(),
    }


def _figures(context: AppContext, page_query: PageQuery, name: str) -> panels.PanelFigures:
    if name not in PANELS:
        raise NotFound(f"there is no panel {name[:50]!r}")
    with context.database.reading() as conn:
        policy = Policies.current(conn).policy
        asked = PanelInputs(
            page_query.query,
            page_query.today,
            context.models.champion.bundle,
            policy,
            page_query.prices,
            page_query.outcome,
        )
        return PANELS[name](conn, asked)


def _choices(conn: Connection, query: ReportQuery) -> tuple[list[str], list[str]]:
    """The queues that may be seen, and the stores that tickets came from."""
    queues = [
        name
        for name in conn.scalars(select(QUEUES.c.name))
        if query.visible_queues is None or name in query.visible_queues
    ]
    stores = conn.scalars(select(DAILY_TICKET_FACTS.c.source).distinct())
    return sorted(queues), sorted(stores)


def _period(page_query: PageQuery, days: int) -> str:
    return to_query_string(
        replace(page_query.query, first=page_query.today - timedelta(days=days - 1), last=page_query.today),
        page_query.prices,
    )
