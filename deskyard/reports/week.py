"""The weekly report: the panels of the accuracy page for one week, as one HTML file that needs no network, and as PDF.

In come figures, out comes the page, with the templates and pictures of `/reports`. Figures link to the tickets behind
them where the service's address is known.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from deskyard.accuracy.asked import Asked, Only
from deskyard.errors import PartMissing, StoreRefused
from deskyard.reports.html import environment
from deskyard.reports.panels import HEADINGS, shown
from deskyard.reports.words import Language, Words

LEFT_OUT: Final = ("coverage",)
"""Panels of the page that are about the model more than the week."""


def week_of(day: date) -> Asked:
    """The week, Monday to Sunday, in which a day lies.

    >>> week = week_of(date(2026, 3, 4))
    >>> print(week.first, week.last)
    2026-03-02 2026-03-08
    """
    first = day - timedelta(days=day.weekday())
    return Asked(first, first + timedelta(days=6))


def page(asked: Asked, panels: Mapping[str, Mapping[str, Any]], language: Language, public_url: str = "") -> str:
    """The report. `panels`: name → figures (`deskyard.accuracy.panels`). Raises PartMissing where no picture can be
    drawn."""
    words = Words(language)
    templates = environment(words)

    def href(of: Asked, only: Only) -> str:
        address = urlencode(of.address(only), doseq=True)
        return f"{public_url.rstrip('/')}/reports/tickets?{address}" if public_url else ""

    written = {
        name: templates.get_template(f"panels/{name}.html").render(shown(name, figures, asked, words, href))
        for name, figures in panels.items()
        if name not in LEFT_OUT
    }
    return templates.get_template("week.html").render(asked=asked, panels=written, headings=HEADINGS)


def pdf(html: str) -> bytes:
    """The same as PDF; nothing outside the page is fetched. Raises PartMissing without WeasyPrint."""
    try:
        from weasyprint import HTML
    except (ModuleNotFoundError, OSError) as error:  # the latter where Pango is missing
        raise PartMissing(
            "a PDF needs WeasyPrint and Pango: pip install 'deskyard[pdf]', apt install libpango-1.0-0"
        ) from error
    made: bytes = HTML(string=html, url_fetcher=_nothing).write_pdf()
    return made


def _nothing(url: str, *_: object, **__: object) -> Any:
    raise StoreRefused("url", f"a report fetches nothing, {url[:50]!r} neither")
