"""Template variables of the report panels: the figures of `deskyard.analytics.panels` with names, charts and links.

The templates in `templates/panels` are used by the reports page and by the weekly report.
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
"""The function that gives the address of the tickets behind a figure; "" for no link."""

HEADINGS: Final = {
    "summary": N_("Summary"),
    "accuracy": N_("Accuracy of routing"),
    "contracts": N_("Contracts: required and actual precision"),
    "confusion": N_("Confusions"),
    "bounces": N_("Reassignments"),
    "response-times": N_("Response and resolution times"),
    "workload": N_("Workload per agent"),
    "volume": N_("Volume and forecast"),
    "savings": N_("Savings"),
    "coverage": N_("Coverage and precision"),
    "satisfaction": N_("Satisfaction"),
}

STYLE: Final = TEMPLATES_FOLDER / "panels" / "panels.css"

_DAYS_SHOWN: Final = 35
"""Past days in the chart of the forecast."""


def panel_template(name: str) -> str:
    """The file of a panel's template."""
    return f"panels/{name.replace('-', '_')}.html"


def panel_context(
    name: str, figures: PanelFigures, query: ReportQuery, translator: Translator, drill_down_url: DrillDownUrl
) -> dict[str, Any]:
    """The variables of a panel's template. Raises ExtraMissing where a chart can't be drawn."""

    def behind(text: object, target: str = "", queue_pair: Any = (), **only: Any) -> Markup:
        of = replace(query, target=target) if target else query
        address = drill_down_url(of, DrillDownFilter(queue_pair=tuple(queue_pair), **only))
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
    """The filter for the tickets of a cell of the matrix; without a column for those of the row."""
    found: dict[str, Any] = {}
    known = tuple(confusion.labels)
    for name, at in (("actual", i), ("predicted", j)):
        if at is not None:
            found |= {name: known[at]} if at < len(known) else {f"{name}_others": known}
    return found


def _render_picture(name: str, figures: PanelFigures, translator: Translator) -> Markup | None:
    if name == "coverage" and figures["curve"]:
        now = figures["period"]
        alt = translator.gettext(
            "Coverage and precision: %(coverage)s of tickets are routed, %(precision)s of them correctly.",
            coverage=translator.percent(now.routed_share.share),
            precision=translator.percent(now.right.share),
        )
        return charts.render_chart(
            charts.current_coverage_spec(figures["curve"], now, figures["asked_for"], translator), translator, str(alt)
        )
    if name == "volume" and figures["ahead"].forecast:
        ahead = figures["ahead"]
        alt = translator.gettext(
            "Tickets per day: last %(days)s days, and a forecast for the next seven: %(n)s tickets.",
            days=translator.number(min(_DAYS_SHOWN, len(ahead.days))),
            n=translator.number(ahead.forecast.total),
        )
        past = list(ahead.days.items())[-_DAYS_SHOWN:]
        ranges: list[tuple[date, float, float, float]] = [
            (day, n, *span)
            for day, n, span in zip(ahead.next_days, ahead.forecast.best, ahead.forecast.ranges, strict=True)
        ]
        return charts.render_chart(charts.forecast_spec(past, ranges, translator), translator, str(alt))
    return None
