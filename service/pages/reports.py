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
from deskyard.analytics.drill_down import behind
from deskyard.analytics.panels import PANELS, Question
from deskyard.analytics.query import NOW, Asked, Only
from deskyard.analytics.savings import USUAL, Prices
from deskyard.db.tables.analytics import DAILY_TICKETS
from deskyard.db.tables.desk import QUEUES
from deskyard.desk import tickets
from deskyard.domain.ticket import TARGETS
from deskyard.errors import NotThere
from deskyard.policy.versions import Policies
from deskyard.reports import display_names
from deskyard.reports import panels as shown_panels
from deskyard.reports.panels import HEADINGS
from deskyard.settings import settings
from service.http.dependencies import InYard
from service.pages import layout
from service.runtime.context import Yard

router: Final = APIRouter(include_in_schema=False)

PERIODS: Final = (7, 30, 90)
SIZE: Final = 50
"""Tickets a page."""

AT_ONCE: Final = 0.1
"""Seconds that a page may count what is new before it is shown; the rest is counted in the background."""

Text = Annotated[str, Query(max_length=500)]
Number = Annotated[float, Query(ge=0, le=100_000)]


@dataclass(frozen=True, slots=True)
class Told:
    """What the address says; `turned`: whether labels have other names by now."""

    asked: Asked
    today: date
    prices: Prices
    fate: str
    turned: bool = False

    def address(self, only: Only | None = None) -> str:
        """The same as the question of another address."""
        return question(self.asked, self.prices, only)


async def _told(
    request: Request,
    yard: InYard,
    first: Annotated[str, Query(alias="from", max_length=10)] = "",
    last: Annotated[str, Query(alias="to", max_length=10)] = "",
    target: Text = "queue",
    queue: Text = "",
    store: Text = "",
    sort: Number = USUAL.sort,
    wrong: Number = USUAL.wrong,
    hour_costs: Number = USUAL.hour,
    fate: Text = "",
    taxonomy: Text = NOW,
) -> Told:
    today = datetime.now(settings().time_zone).date()
    turns = (await yard.glance.look()).policy.ledger(today).turns
    asked = Asked.of(first, last, today, target, queue, store, layout.who(request).queues, taxonomy, turns)
    return Told(asked, today, Prices(sort, wrong, hour_costs), "routed" if fate == "routed" else "", bool(turns))


InQuestion = Annotated[Told, Depends(_told)]


@router.get("/reports")
def reports(request: Request, yard: InYard, told: InQuestion) -> Response:
    """The page: what is asked, and where the panels will be."""
    state = rollups.refresh(yard.database, settings().time_zone, for_seconds=AT_ONCE)
    with yard.database.reading() as conn:
        queues, stores = _choices(conn, told.asked)
    return layout.page(
        request,
        "reports.html",
        **_common(told),
        state=state,
        queues=queues,
        stores=stores,
        targets=TARGETS,
        names=display_names.TARGETS,
        today=told.today,
        headings=HEADINGS,
        periods=[(days, _period(told, days)) for days in PERIODS],
        limited=told.asked.visible is not None,
    )


class TicketQuery(BaseModel):
    """Which of the tickets in question are listed, as the address says it, and where the page begins.

    The members are those of `deskyard.analytics.query.Only`; `before`: only tickets with a lower number.
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
    def only(self) -> Only:
        """The conditions."""
        said: dict[str, Any] = self.model_dump(exclude={"before"})
        said |= {name: tuple(said[name]) for name in ("said_others", "truth_others", "pair")}
        return Only(**said)


@router.get("/reports/tickets")
def listed(request: Request, yard: InYard, told: InQuestion, query: Annotated[TicketQuery, Query()]) -> Response:
    """The tickets behind a figure."""
    only = query.only
    with yard.database.reading() as conn:
        found = behind(conn, told.asked, only, SIZE, query.before)
        there = [tickets.find(conn, number) for number in found.numbers]
    caller = layout.who(request)
    return layout.page(
        request,
        "reports_tickets.html",
        **_common(told),
        found=found,
        tickets=[one for one in there if one and caller.sees(one.queue)],
        only=only,
        further=f"/reports/tickets?{told.address(only)}&before={found.after}" if found.after else "",
    )


@router.get("/reports/panels.css")
def style() -> Response:
    """The style of panels, which the weekly report shares."""
    return Response(shown_panels.STYLE.read_text(encoding="utf-8"), media_type="text/css", headers=layout.SAFE)


@router.get("/reports/csv/{name}")
def sheet(yard: InYard, told: InQuestion, name: str) -> Response:
    """A panel's table."""
    text = csv_export.written(name, _figures(yard, told, name))
    named = f"{name}-{told.asked.first}-{told.asked.last}.csv"
    headers = {**layout.SAFE, "Content-Disposition": f'attachment; filename="{named}"'}
    return Response(text.encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/reports/{name}")
def panel(request: Request, yard: InYard, told: InQuestion, name: str) -> Response:
    """A panel, for the page it stands on, or as a page of its own."""
    figures = _figures(yard, told, name)

    def href(asked: Asked, only: Only) -> str:
        return f"/reports/tickets?{question(asked, told.prices, only)}"

    shown = shown_panels.shown(name, figures, told.asked, layout.words(request), href)
    template = "reports_part.html" if request.headers.get("HX-Request") else "reports_panel.html"
    return layout.page(
        request,
        template,
        **{**shown, **_common(told)},
        panel=name,
        heading=HEADINGS[name],
        has_sheet=name in csv_export.SHEETS,
    )


def question(asked: Asked, prices: Prices, only: Only | None = None) -> str:
    """What an address asks."""
    said: dict[str, Any] = asked.address(only)
    for name, value, other in (
        ("sort", prices.sort, USUAL.sort),
        ("wrong", prices.wrong, USUAL.wrong),
        ("hour_costs", prices.hour, USUAL.hour),
    ):
        if value != other:
            said[name] = f"{value:g}"
    return urlencode(said, doseq=True)


def _common(told: Told) -> dict[str, Any]:
    return {"asked": told.asked, "told": told, "prices": told.prices, "question": told.address()}


def _figures(yard: Yard, told: Told, name: str) -> panels.Figures:
    if name not in PANELS:
        raise NotThere(f"there is no panel {name[:50]!r}")
    with yard.database.reading() as conn:
        policy = Policies.current(conn).policy
        asked = Question(told.asked, told.today, yard.models.champion.bundle, policy, told.prices, told.fate)
        return PANELS[name](conn, asked)


def _choices(conn: Connection, asked: Asked) -> tuple[list[str], list[str]]:
    """The queues that may be seen, and the stores that tickets came from."""
    queues = [name for name in conn.scalars(select(QUEUES.c.name)) if asked.visible is None or name in asked.visible]
    stores = conn.scalars(select(DAILY_TICKETS.c.source).distinct())
    return sorted(queues), sorted(stores)


def _period(told: Told, days: int) -> str:
    return question(replace(told.asked, first=told.today - timedelta(days=days - 1), last=told.today), told.prices)
