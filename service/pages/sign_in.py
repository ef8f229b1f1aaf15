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
from deskyard.errors import AccessDenied, BadInput
from deskyard.reports.i18n import Language
from deskyard.settings import settings
from service.auth import oidc
from service.auth.authorization import SESSION_COOKIE, AccessControl, session_cookie
from service.http.dependencies import ContextDep
from service.pages import layout

router: Final = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=1000)]


@router.get("/sign-in")
def show_sign_in(request: Request, to: str = "/") -> Response:
    """The form; who is in already goes on."""
    if layout.current_caller(request).role != "guest":
        return layout.redirect(layout.safe_redirect_target(to))
    return _sign_in_page(request, to)


@router.post("/sign-in")
def sign_in_user(
    request: Request, yard: ContextDep, name: Text = "", password: Text = "", code: Text = "", to: Text = "/"
) -> Response:
    """Let somebody in who knows the password, and has the code where one is asked for."""
    access: AccessControl = request.app.state.access
    access.count_password_attempt((request.client.host if request.client else ""), name)
    with yard.database.writing() as conn:
        user = users.authenticate(conn, name, password, code, time.time())
        secret = sessions.start_session(conn, user, datetime.now(UTC)) if user else ""
    if not secret:
        return _sign_in_page(request, to, 401, wrong=True, name=name)
    return _signed_in(request, secret, to)


@router.get("/sign-in/elsewhere")
def start_oidc(request: Request, to: str = "/") -> Response:
    """Go to the provider; what this attempt needs stays in the browser."""
    try:
        address, kept = _provider().start_sign_in()
    except AccessDenied as error:
        raise HTTPException(403, str(error)) from error
    answer = layout.redirect(address)
    _set_cookie(
        answer, request, oidc.STATE_COOKIE, f"{kept}.{quote(layout.safe_redirect_target(to), safe='')}", max_age=600
    )
    return answer


@router.get(oidc.CALLBACK_PATH)
def finish_oidc(request: Request, yard: ContextDep) -> Response:
    """Let somebody in whom the provider vouches for."""
    kept, _, to = request.cookies.get(oidc.STATE_COOKIE, "").rpartition(".")
    try:
        name = _provider().verify_callback(kept, str(request.url))
    except AccessDenied as error:
        raise HTTPException(403, str(error)) from error
    chosen, now = settings(), datetime.now(UTC)
    with yard.database.writing() as conn:
        user = users.find_active_user(conn, name)
        if user is None and chosen.oidc_role:
            user = users.create_user(conn, name, chosen.oidc_role, "", chosen.oidc_issuer, now)
        secret = sessions.start_session(conn, user, now) if user else ""
    if not secret:
        raise HTTPException(403, f"{name[:60]!r} is no user here: `deskyard user create NAME --elsewhere` makes one")
    answer = _signed_in(request, secret, unquote(to))
    answer.delete_cookie(oidc.STATE_COOKIE)
    return answer


@router.post("/sign-out")
def sign_out(request: Request, yard: ContextDep) -> Response:
    """End this browser's session."""
    with yard.database.writing() as conn:
        sessions.end_session(conn, session_cookie(request.headers))
    answer = layout.redirect("/sign-in")
    answer.delete_cookie(SESSION_COOKIE)
    return answer


@router.get("/set-up/{word}")
def show_invitation(request: Request, yard: ContextDep, word: str) -> Response:
    """The form that makes the first user."""
    _check_invitation(yard, word)
    return layout.render_page(request, "set_up.html", name="", wrong="")


@router.post("/set-up/{word}")
def create_first_user(request: Request, yard: ContextDep, word: str, name: Text = "", password: Text = "") -> Response:
    """Make the first user, an admin, and let them in."""
    _check_invitation(yard, word)
    try:
        with yard.database.writing() as conn:
            now = datetime.now(UTC)
            user: User = users.create_user(conn, name, "admin", password or " ", name, now)
            sessions.delete_invitations(conn)
            secret = sessions.start_session(conn, user, now)
    except BadInput as error:
        return layout.render_page(request, "set_up.html", 422, name=name, wrong=str(error))
    access: AccessControl = request.app.state.access
    access.reload_keys()
    return _signed_in(request, secret, "/")


@router.post("/language")
def set_language(language: Annotated[Language, Form()], to: Text = "/") -> Response:
    """Speak another language from now on."""
    answer = layout.redirect(layout.safe_redirect_target(to))
    answer.set_cookie(layout.LANGUAGE_COOKIE, language.value, max_age=31_536_000, httponly=True, samesite="lax")
    return answer


def _sign_in_page(request: Request, to: str, status: int = 200, *, wrong: bool = False, name: str = "") -> Response:
    provider = oidc.Provider.from_settings(settings())
    host = urlsplit(provider.issuer).hostname if provider else None
    return layout.render_page(
        request, "sign_in.html", status, to=layout.safe_redirect_target(to), wrong=wrong, name=name, elsewhere=host
    )


def _check_invitation(context: ContextDep, word: str) -> None:
    with context.database.reading() as conn:
        if not sessions.is_invitation_valid(conn, word, datetime.now(UTC)):
            raise HTTPException(404, "this invitation has ended: start the service again, or `deskyard user create`")


def _provider() -> oidc.Provider:
    found = oidc.Provider.from_settings(settings())
    if found is None:
        raise HTTPException(404, "nobody vouches for people here: DESKYARD_OIDC_ISSUER would name who does")
    return found


def _signed_in(request: Request, secret: str, to: str) -> Response:
    answer = layout.redirect(layout.safe_redirect_target(to))
    _set_cookie(answer, request, SESSION_COOKIE, secret)
    return answer


def _set_cookie(answer: Response, request: Request, name: str, value: str, max_age: int | None = None) -> None:
    """A cookie that no script reads and no other site's form sends."""
    secure = request.url.scheme == "https" or settings().public_url.startswith("https:")
    answer.set_cookie(name, value, max_age=max_age, httponly=True, samesite="lax", secure=secure)
