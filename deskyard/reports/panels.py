"""Panels as people read them: the figures of `deskyard.analytics.panels` with their names, pictures and links.

In come figures, words and what makes an address of a question; out goes what the templates in `templates/panels` show,
on the page and in the weekly report alike.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from babel.dates import format_date
from markupsafe import Markup, escape

from deskyard.analytics.confusion import ConfusionMatrix
from deskyard.analytics.query import DrillDownFilter, ReportQuery
from deskyard.reports import charts, display_names
from deskyard.reports.i18n import N_, Translator
from deskyard.reports.templating import TEMPLATES_FOLDER

PanelFigures = Mapping[str, Any]
DrillDownUrl = Callable[[ReportQuery, DrillDownFilter], str]
"""The address of the tickets behind a figure; empty where there is none."""

HEADINGS: Final = {
    "answers": N_("At a glance"),
    "right": N_("How often routing is right"),
    "promises": N_("Contracts: promised and kept"),
    "confusion": N_("What is taken for what"),
    "bounces": N_("Bounces"),
    "speed": N_("How long requesters wait"),
    "load": N_("Load per agent"),
    "volume": N_("Volume and forecast"),
    "savings": N_("What it saves"),
    "coverage": N_("Coverage against precision"),
    "ratings": N_("What requesters say"),
}

STYLE: Final = TEMPLATES_FOLDER / "panels" / "panels.css"

_DAYS_SHOWN: Final = 35
"""Past days beside the forecast."""


def panel_context(
    name: str, figures: PanelFigures, query: ReportQuery, translator: Translator, drill_down_url: DrillDownUrl
) -> dict[str, Any]:
    """What the template of a panel shows. Raises PartMissing where a picture can't be drawn."""

    def behind(text: object, target: str = "", pair: Any = (), **only: Any) -> Markup:
        of = replace(query, target=target) if target else query
        address = drill_down_url(of, DrillDownFilter(pair=tuple(pair), **only))
        return Markup('<a href="{}">{}</a>').format(address, text) if address else escape(text)

    return {
        **figures,
        "behind": behind,
        "cell": _cell_filter,
        "target": query.target,
        "target_name": display_names.target_name(translator, query.target),
        "reason": lambda code: display_names.display_name(translator, display_names.STATE_NAMES, code),
        "lasts": lambda seconds: translator.duration(timedelta(seconds=seconds)),
        "weekday_name": lambda number: translator.locale.days["stand-alone"]["abbreviated"][number],
        "weekday_of": lambda day: format_date(day, "EEEE", locale=translator.locale),
        "day_of": lambda day: format_date(day, "EEE, d MMM", locale=translator.locale),
        "picture": _render_picture(name, figures, translator),
    }


def _cell_filter(confusion: ConfusionMatrix, i: int, j: int | None) -> dict[str, Any]:
    """What names the tickets of a cell; those of a whole row without a column."""
    found: dict[str, Any] = {}
    known = tuple(confusion.labels)
    for name, at in (("truth", i), ("said", j)):
        if at is not None:
            found |= {name: known[at]} if at < len(known) else {f"{name}_others": known}
    return found


def _render_picture(name: str, figures: PanelFigures, translator: Translator) -> Markup | None:
    if name == "coverage" and figures["curve"]:
        now = figures["period"]
        alt = translator.gettext(
            "Coverage against precision: today %(coverage)s of the tickets are routed, %(precision)s of them right.",
            coverage=translator.percent(now.share_routed.share),
            precision=translator.percent(now.right.share),
        )
        return charts.render_chart(
            charts.current_coverage_spec(figures["curve"], now, figures["asked_for"], translator), translator, str(alt)
        )
    if name == "volume" and figures["ahead"].forecast:
        ahead = figures["ahead"]
        alt = translator.gettext(
            "Tickets a day: the last %(days)s days, and the forecast of the next seven: %(n)s tickets.",
            days=translator.number(min(_DAYS_SHOWN, len(ahead.days))),
            n=translator.number(ahead.forecast.total),
        )
        past = list(ahead.days.items())[-_DAYS_SHOWN:]
        ranges: list[tuple[date, float, float, float]] = [
            (day, n, *span)
            for day, n, span in zip(ahead.next_days, ahead.forecast.shown, ahead.forecast.ranges, strict=True)
        ]
        return charts.render_chart(charts.forecast_spec(past, ranges, translator), translator, str(alt))
    return None
