"""What every page has in common: language, time zone, head and navigation, safe headers, and parts that refresh.

In come a template's name and what it shows, out goes HTML. A page is complete without scripts; htmx refreshes parts of
it and does what is quicker in place. Nothing a page refers to lies outside this service.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from babel import negotiate_locale
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment

from deskyard import __version__
from deskyard.reports.i18n import N_, Language, Words
from deskyard.reports.templating import environment
from deskyard.settings import settings
from service.auth.authorization import GUEST, Caller
from service.http.guard_middleware import CALLER

LOCALES: Final = Path(__file__).parents[1] / "locales"
TEMPLATES: Final = Path(__file__).parents[1] / "templates"

LANGUAGE: Final = "deskyard_language"
"""The cookie of who chose a language."""

ROOMS: Final = (
    ("/", N_("Yard")),
    ("/review", N_("Review desk")),
    ("/reports", N_("Routing accuracy")),
    ("/models", N_("Models")),
)  # fmt: skip
"""Address and name of what the navigation shows, to those who may go there."""

SAFE: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Cookie, Accept-Language",
}

TAG: Final = "HX-PTag"
"""Names what a part of a page shows; a part that would show the same again is not sent."""


def page(request: Request, template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    """A whole page."""
    return HTMLResponse(written(request, template, **shown), status, SAFE)


def part(request: Request, template: str, **shown: Any) -> Response:
    """A part of a page; 304 where the browser shows it already."""
    html = written(request, template, **shown)
    tag = hashlib.sha256(html.encode()).hexdigest()[:16]
    if request.headers.get(TAG) == tag:
        return Response(status_code=304, headers={TAG: tag})
    return HTMLResponse(html, headers={**SAFE, TAG: tag})


def written(request: Request, template: str, **shown: Any) -> str:
    """A template with what it shows, in the reader's language."""
    caller = who(request)
    return _environment(language(request)).get_template(template).render(
        **shown,
        caller=caller,
        here=request.url.path,
        address=address(request),
        rooms=[(path, name) for path, name in ROOMS if caller.may("GET", path)],
        now=datetime.now(UTC),
        version=__version__,
    )  # fmt: skip


def who(request: Request) -> Caller:
    """Who looks at the page."""
    caller: Caller = request.scope.get(CALLER, GUEST)
    return caller


def language(request: Request) -> Language:
    """The one that was chosen, else the one the browser asks for, else English."""
    chosen = request.cookies.get(LANGUAGE)
    if chosen and chosen in list(Language):
        return Language(chosen)
    asked = [one.split(";")[0].strip() for one in request.headers.get("accept-language", "").split(",")]
    found = negotiate_locale([one.replace("-", "_") for one in asked if one], [one.value for one in Language])
    return Language(found) if found else Language.EN


def address(request: Request) -> str:
    """Path and question of what is looked at."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def words(request: Request) -> Words:
    """What says things in the reader's language."""
    return _words(language(request))


def go(to: str) -> RedirectResponse:
    """Look at another page instead."""
    return RedirectResponse(to, 303, {"Cache-Control": "no-store"})


def home_of(address: str) -> str:
    """An address of ours to go back to: nobody is sent to another site.

    >>> home_of("/queues/IT?x=1"), home_of("//evil.example"), home_of("https://evil.example"), home_of("/\\\\evil")
    ('/queues/IT?x=1', '/', '/', '/')
    """
    fine = address.startswith("/") and not address.startswith("//") and "\\" not in address and address.isprintable()
    return address if fine else "/"


@cache
def _words(language: Language) -> Words:
    return Words(language, LOCALES)


@cache
def _environment(language: Language) -> Environment:
    words, zone = _words(language), settings().time_zone
    made = environment(words, TEMPLATES)
    made.globals["languages"] = _LANGUAGES
    made.filters |= {
        "own_words": _own_words,
        "when": lambda moment: words.when(moment, zone),
        "iso": lambda moment: moment.isoformat(timespec="seconds"),
        "age": lambda moment: words.age(max(datetime.now(UTC) - moment, timedelta())),
        "in_path": lambda text: quote(text, safe=""),
    }
    return made


_LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "ru": "Русский"}


def _own_words(text: str) -> str:
    from deskyard.text.cleaning import clean  # only here: without a model the service starts without the language tools

    return clean(text)
