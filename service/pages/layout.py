"""What all pages share: language, time zone, navigation, security headers, and parts that are refreshed.

Every page works without scripts; htmx refreshes parts of it and sends forms in place. Pages load nothing from other
hosts.
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
from service.pages.message_sections import reply_sections
from service.runtime.locales import LOCALES

TEMPLATES: Final = Path(__file__).parents[1] / "templates"

LANGUAGE_COOKIE: Final = "deskyard_language"
"""The cookie that holds the chosen language."""

NAVIGATION: Final = (
    ("/", N_("Overview")),
    ("/review", N_("Review queue")),
    ("/reports", N_("Routing accuracy")),
    ("/models", N_("Models")),
)  # fmt: skip
"""Path and name of the entries of the navigation; a reader sees those that they may open."""

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "Vary": "Cookie, Accept-Language",
}

PART_TAG: Final = "HX-PTag"
"""The header with a hash of a part of a page; an unchanged part is not sent again."""


def render_page(request: Request, template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    """A whole page."""
    return HTMLResponse(render_html(request, template, **shown), status, SECURITY_HEADERS)


def render_part(request: Request, template: str, **shown: Any) -> Response:
    """A part of a page; 304 where the browser already shows it."""
    html = render_html(request, template, **shown)
    tag = hashlib.sha256(html.encode()).hexdigest()[:16]
    if request.headers.get(PART_TAG) == tag:
        return Response(status_code=304, headers={PART_TAG: tag})
    return HTMLResponse(html, headers={**SECURITY_HEADERS, PART_TAG: tag})


def render_html(request: Request, template: str, **shown: Any) -> str:
    """The HTML of a template in the reader's language; `shown` are its variables."""
    caller = current_caller(request)
    return _environment(page_language(request)).get_template(template).render(
        **shown,
        caller=caller,
        current_path=request.url.path,
        address=current_address(request),
        navigation=[(path, name) for path, name in NAVIGATION if caller.may("GET", path)],
        now=datetime.now(UTC),
        version=__version__,
    )  # fmt: skip


def current_caller(request: Request) -> Caller:
    """The caller of the request; a guest where nobody is signed in."""
    caller: Caller = request.scope.get(CALLER_KEY, GUEST)
    return caller


def page_language(request: Request) -> Language:
    """The language that the reader chose, else the one that the browser asks for, else English."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen and chosen in list(Language):
        return Language(chosen)
    accepted = [one.split(";")[0].strip() for one in request.headers.get("accept-language", "").split(",")]
    found = negotiate_locale([one.replace("-", "_") for one in accepted if one], [one.value for one in Language])
    return Language(found) if found else Language.EN


def current_address(request: Request) -> str:
    """Path and question of what is looked at."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def page_words(request: Request) -> Translator:
    """What says things in the reader's language."""
    return _words(page_language(request))


def redirect(to: str) -> RedirectResponse:
    """A redirect (303) to another page."""
    return RedirectResponse(to, 303)


def safe_redirect_target(target: str) -> str:
    """The target if it is a path of this service, else "/": nobody is sent to another site.

    >>> safe_redirect_target("/queues/IT?x=1"), safe_redirect_target("//evil.example")
    ('/queues/IT?x=1', '/')
    >>> safe_redirect_target("https://evil.example"), safe_redirect_target("/\\\\evil")
    ('/', '/')
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
        "reply_sections": reply_sections,
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
