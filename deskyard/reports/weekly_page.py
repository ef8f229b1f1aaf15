"""The weekly report: the panels of the reports page for one week, as one HTML file for offline reading, and as PDF.

Figures link to the tickets behind them if the public URL of the service is set.
"""

import io
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from deskyard.analytics.query import DrillDownFilter, ReportQuery
from deskyard.errors import ExtraMissing
from deskyard.reports.i18n import Language, Translator
from deskyard.reports.panels import HEADINGS, panel_context, panel_template
from deskyard.reports.templating import make_environment

_FONT: Final = "IBM Plex Sans"
_FACES: Final = {weight: f"font:plex-{weight}" for weight in (400, 600, 700)}
"""Weight → address. The file is one variable font; PlutoPrint gives each address a weight of its own."""

_STYLE: Final = (
    "".join(
        f'@font-face {{ font-family: "{_FONT}"; font-weight: {weight}; src: url("{address}"); }}\n'
        for weight, address in _FACES.items()
    )
    + f'body, code, svg text {{ font-family: "{_FONT}", sans-serif !important; }}\n'
)

EXCLUDED_PANELS: Final = ("coverage",)
"""Panels that describe the model rather than the week."""


def make_week_query(day: date) -> ReportQuery:
    """The query for the week (Monday to Sunday) of a day.

    >>> week = make_week_query(date(2026, 3, 4))
    >>> print(week.first, week.last)
    2026-03-02 2026-03-08
    """
    first = day - timedelta(days=day.weekday())
    return ReportQuery(first, first + timedelta(days=6))


def render_week(
    query: ReportQuery, panels: Mapping[str, Mapping[str, Any]], language: Language, public_url: str = ""
) -> str:
    """The report. `panels`: name → figures (`deskyard.analytics.panels`). Raises ExtraMissing where charts can't be
    drawn."""
    words = Translator(language)
    templates = make_environment(words)

    def drill_down_url(of: ReportQuery, only: DrillDownFilter) -> str:
        address = urlencode(of.to_params(only), doseq=True)
        return f"{public_url.rstrip('/')}/reports/tickets?{address}" if public_url else ""

    written = {
        name: templates.get_template(panel_template(name)).render(
            panel_context(name, figures, query, words, drill_down_url)
        )
        for name, figures in panels.items()
        if name not in EXCLUDED_PANELS
    }
    return templates.get_template("week.html").render(query=query, panels=written, headings=HEADINGS)


def render_pdf(html: str) -> bytes:
    """The same as PDF, in a font that is embedded: no font and no system library need to be installed. Nothing outside
    the page is fetched.

    Raises ExtraMissing without PlutoPrint or the font.
    """
    try:
        import fontpkg
        import plutoprint

        font = fontpkg.path(_FONT).read_bytes()
    except (ImportError, LookupError) as error:
        raise ExtraMissing("a PDF needs PlutoPrint and its font: pip install 'deskyard[pdf]'.") from error

    class Fetcher(plutoprint.ResourceFetcher):
        """Hands out the font. An error raised here would be printed and passed over, so anything else is empty."""

        def fetch_url(self, url: str) -> plutoprint.ResourceData:
            return plutoprint.ResourceData(font if url in _FACES.values() else b"", "font/ttf")

    book = plutoprint.Book(plutoprint.PAGE_SIZE_A4)
    book.custom_resource_fetcher = Fetcher()
    book.load_html(html, user_style=_STYLE, base_url="file:///report.html")  # links within the page need an address
    made = io.BytesIO()
    book.write_to_pdf_stream(made)
    return made.getvalue()
