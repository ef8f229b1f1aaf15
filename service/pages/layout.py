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

from deskyard.reports.i18n import N_, Language, Translator
from deskyard.reports.templating import make_environment
from deskyard.settings import settings
from deskyard.version import __version__
from service.auth.authorization import GUEST, Caller
from service.http.guard_middleware import CALLER_KEY
from service.runtime.locales import LOCALES

TEMPLATES: Final = Path(__file__).parents[1] / "templates"

LANGUAGE_COOKIE: Final = "deskyard_language"
"""The cookie of who chose a language."""

NAVIGATION: Final = (
    ("/", N_("Yard")),
    ("/review", N_("Review desk")),
    ("/reports", N_("Routing accuracy")),
    ("/models", N_("Models")),
)  # fmt: skip
"""Address and name of what the navigation shows, to those who may go there."""

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Cookie, Accept-Language",
}

PART_TAG: Final = "HX-PTag"
"""Names what a part of a page shows; a part that would show the same again is not sent."""


def render_page(request: Request, template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    """A whole page."""
    return HTMLResponse(render_html(request, template, **shown), status, SECURITY_HEADERS)


def render_part(request: Request, template: str, **shown: Any) -> Response:
    """A part of a page; 304 where the browser shows it already."""
    html = render_html(request, template, **shown)
    tag = hashlib.sha256(html.encode()).hexdigest()[:16]
    if request.headers.get(PART_TAG) == tag:
        return Response(status_code=304, headers={PART_TAG: tag})
    return HTMLResponse(html, headers={**SECURITY_HEADERS, PART_TAG: tag})


def render_html(request: Request, template: str, **shown: Any) -> str:
    """A template with what it shows, in the reader's language."""
    caller = current_caller(request)
    return _environment(page_language(request)).get_template(template).render(
        **shown,
        caller=caller,
        here=request.url.path,
        address=current_address(request),
        rooms=[(path, name) for path, name in NAVIGATION if caller.may("GET", path)],
        now=datetime.now(UTC),
        version=__version__,
    )  # fmt: skip


def current_caller(request: Request) -> Caller:
    """Who looks at the page."""
    caller: Caller = request.scope.get(CALLER_KEY, GUEST)
    return caller


def page_language(request: Request) -> Language:
    """The one that was chosen, else the one the browser asks for, else English."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen and chosen in list(Language):
        return Language(chosen)
    asked = [one.split(";")[0].strip() for one in request.headers.get("accept-language", "").split(",")]
    found = negotiate_locale([one.replace("-", "_") for one in asked if one], [one.value for one in Language])
    return Language(found) if found else Language.EN


def current_address(request: Request) -> str:
    """Path and question of what is looked at."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def page_words(request: Request) -> Translator:
    """What says things in the reader's language."""
    return _words(page_language(request))


def redirect(to: str) -> RedirectResponse:
    """Look at another page instead."""
    return RedirectResponse(to, 303, {"Cache-Control": "no-store"})


def safe_redirect_target(target: str) -> str:
    """An address of ours to go back to: nobody is sent to another site.

    >>> safe_redirect_target("/queues/IT?x=1"), safe_redirect_target("//evil.example"), safe_redirect_target("https://evil.example"), safe_redirect_target("/\\\\evil")
    ('/queues/IT?x=1', '/', '/', '/')
    """
    fine = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if fine else "/"


@cache
def _words(language: Language) -> Translator:
    return Translator(language, LOCALES)


@cache
def _environment(language: Language) -> Environment:
    words, zone = _words(language), settings().time_zone
    made = make_environment(words, TEMPLATES)
    made.globals["languages"] = _LANGUAGES
    made.filters |= {
        "own_words": _text_without_quotes,
        "when": lambda moment: words.short_datetime(moment, zone),
        "iso": lambda moment: moment.isoformat(timespec="seconds"),
        "age": lambda moment: words.duration(max(datetime.now(UTC) - moment, timedelta())),
        "in_path": lambda text: quote(text, safe=""),
    }
    return made


_LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "ru": "Русский"}


def _text_without_quotes(text: str) -> str:
    from deskyard.text.cleaning import clean  # only here: without a model the service starts without the language tools

    return clean(text)
