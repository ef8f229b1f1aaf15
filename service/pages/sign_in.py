"""`/sign-in`, `/sign-out`, `/set-up/…`, `/language`: how people come in, and the tongue they are spoken to in."""

import time
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import quote, unquote, urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from deskyard.auth import sessions, users
from deskyard.auth.users import User
from deskyard.errors import BadInput, NotAllowed
from deskyard.reports.i18n import Language
from deskyard.settings import settings
from service.auth import oidc
from service.auth.authorization import COOKIE, Access, cookie
from service.http.dependencies import InYard
from service.pages import layout

router: Final = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=1000)]


@router.get("/sign-in")
def form(request: Request, to: str = "/") -> Response:
    """The form; who is in already goes on."""
    if layout.who(request).role != "guest":
        return layout.go(layout.home_of(to))
    return _form(request, to)


@router.post("/sign-in")
def enter(
    request: Request, yard: InYard, name: Text = "", password: Text = "", code: Text = "", to: Text = "/"
) -> Response:
    """Let somebody in who knows the password, and has the code where one is asked for."""
    access: Access = request.app.state.access
    access.guess((request.client.host if request.client else ""), name)
    with yard.database.writing() as conn:
        user = users.proved(conn, name, password, code, time.time())
        secret = sessions.begin(conn, user, datetime.now(UTC)) if user else ""
    if not secret:
        return _form(request, to, 401, wrong=True, name=name)
    return _signed_in(request, secret, to)


@router.get("/sign-in/elsewhere")
def elsewhere(request: Request, to: str = "/") -> Response:
    """Go to the provider; what this attempt needs stays in the browser."""
    try:
        address, kept = _provider().begin()
    except NotAllowed as error:
        raise HTTPException(403, str(error)) from error
    answer = layout.go(address)
    _keep(answer, request, oidc.COOKIE, f"{kept}.{quote(layout.home_of(to), safe='')}", max_age=600)
    return answer


@router.get(oidc.BACK)
def back(request: Request, yard: InYard) -> Response:
    """Let somebody in whom the provider vouches for."""
    kept, _, to = request.cookies.get(oidc.COOKIE, "").rpartition(".")
    try:
        name = _provider().vouched(kept, str(request.url))
    except NotAllowed as error:
        raise HTTPException(403, str(error)) from error
    chosen, now = settings(), datetime.now(UTC)
    with yard.database.writing() as conn:
        user = users.find(conn, name)
        if user is None and chosen.oidc_role:
            user = users.create(conn, name, chosen.oidc_role, "", chosen.oidc_issuer, now)
        secret = sessions.begin(conn, user, now) if user else ""
    if not secret:
        raise HTTPException(403, f"{name[:60]!r} is no user here: `deskyard user create NAME --elsewhere` makes one")
    answer = _signed_in(request, secret, unquote(to))
    answer.delete_cookie(oidc.COOKIE)
    return answer


@router.post("/sign-out")
def leave(request: Request, yard: InYard) -> Response:
    """End this browser's session."""
    with yard.database.writing() as conn:
        sessions.end(conn, cookie(request.headers))
    answer = layout.go("/sign-in")
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/set-up/{word}")
def invitation(request: Request, yard: InYard, word: str) -> Response:
    """The form that makes the first user."""
    _check_invitation(yard, word)
    return layout.page(request, "set_up.html", name="", wrong="")


@router.post("/set-up/{word}")
def first_user(request: Request, yard: InYard, word: str, name: Text = "", password: Text = "") -> Response:
    """Make the first user, an admin, and let them in."""
    _check_invitation(yard, word)
    try:
        with yard.database.writing() as conn:
            now = datetime.now(UTC)
            user: User = users.create(conn, name, "admin", password or " ", name, now)
            sessions.used(conn)
            secret = sessions.begin(conn, user, now)
    except BadInput as error:
        return layout.page(request, "set_up.html", 422, name=name, wrong=str(error))
    access: Access = request.app.state.access
    access.forget()
    return _signed_in(request, secret, "/")


@router.post("/language")
def speak(language: Annotated[Language, Form()], to: Text = "/") -> Response:
    """Speak another language from now on."""
    answer = layout.go(layout.home_of(to))
    answer.set_cookie(layout.LANGUAGE, language.value, max_age=31_536_000, httponly=True, samesite="lax")
    return answer


def _form(request: Request, to: str, status: int = 200, *, wrong: bool = False, name: str = "") -> Response:
    provider = oidc.Provider.of(settings())
    host = urlsplit(provider.issuer).hostname if provider else None
    return layout.page(request, "sign_in.html", status, to=layout.home_of(to), wrong=wrong, name=name, elsewhere=host)


def _check_invitation(yard: InYard, word: str) -> None:
    with yard.database.reading() as conn:
        if not sessions.invited(conn, word, datetime.now(UTC)):
            raise HTTPException(404, "this invitation has ended: start the service again, or `deskyard user create`")


def _provider() -> oidc.Provider:
    found = oidc.Provider.of(settings())
    if found is None:
        raise HTTPException(404, "nobody vouches for people here: DESKYARD_OIDC_ISSUER would name who does")
    return found


def _signed_in(request: Request, secret: str, to: str) -> Response:
    answer = layout.go(layout.home_of(to))
    _keep(answer, request, COOKIE, secret)
    return answer


def _keep(answer: Response, request: Request, name: str, value: str, max_age: int | None = None) -> None:
    """A cookie that no script reads and no other site's form sends."""
    secure = request.url.scheme == "https" or settings().public_url.startswith("https:")
    answer.set_cookie(name, value, max_age=max_age, httponly=True, samesite="lax", secure=secure)
