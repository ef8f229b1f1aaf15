"""The pages `/sign-in`, `/sign-out`, `/set-up/…` and `/language`: signing in and out, the first user, the language."""

import time
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import quote, unquote, urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from deskyard.auth import oidc_identities, sessions, sign_in_limits, users
from deskyard.auth.api_keys import MAX_NAME_LENGTH
from deskyard.auth.users import User
from deskyard.domain.actors import Actor
from deskyard.errors import AccessDenied, BadInput
from deskyard.journal import audit_log
from deskyard.reports.i18n import Language
from deskyard.settings import settings
from service.auth import oidc
from service.auth.authorization import SESSION_COOKIE, AccessControl, network_of, refuse_if, session_cookie
from service.http.dependencies import ContextDep
from service.http.response_headers import is_behind_tls
from service.pages import layout

router: Final = APIRouter(include_in_schema=False)

BROWSER_COOKIE: Final = "deskyard_browser"
"""The cookie of a browser in which a user has signed in before."""

Text = Annotated[str, Form(max_length=1000)]

_TOO_MANY: Final = "too many attempts to sign in"
_INVITATION_EXPIRED: Final = "this invitation has expired: restart the service, or run `deskyard user create`"


@router.get("/sign-in")
def show_sign_in(request: Request, to: str = "/") -> Response:
    """The form; somebody who is signed in is sent on."""
    if layout.current_caller(request).role != "guest":
        return layout.redirect(layout.safe_redirect_target(to))
    return _sign_in_page(request, to)


@router.post("/sign-in")
def sign_in_user(
    request: Request, context: ContextDep, name: Text = "", password: Text = "", code: Text = "", to: Text = "/"
) -> Response:
    """Sign in with a password, and a one-time code where the user has set one up."""
    name = name if name.isprintable() else ""  # the name of nobody, and no text that every database takes
    browser, now = request.cookies.get(BROWSER_COOKIE, ""), datetime.now(UTC)
    network = network_of(request.client.host if request.client else "")
    with context.database.reading() as conn:
        known = browser if sign_in_limits.is_known_browser(conn, name, browser, now) else ""
        keys = sign_in_limits.attempt_keys(network, name, known)
        wait = sign_in_limits.find_wait(conn, keys, now.timestamp())
        stored_hash = users.get_password_hash(conn, name)
    refuse_if(wait, _TOO_MANY)  # before the write lock, which others wait for
    with context.database.writing() as conn:
        wait = sign_in_limits.count_attempt(conn, keys, now.timestamp())
    refuse_if(wait, _TOO_MANY)
    checked = users.check_password(password, stored_hash)
    with context.database.writing() as conn:
        user = users.authenticate(conn, name, checked, code, time.time())
        if user is not None:
            sign_in_limits.uncount_attempt(conn, keys)
            secret = sessions.start_session(conn, user, now)
            browser = sign_in_limits.remember_browser(conn, user, known, now)
        action: audit_log.ActionName = "sign_in" if user else "sign_in.fail"
        audit_log.record_action(conn, Actor("person", name[:MAX_NAME_LENGTH]), action, network, now)
    if user is None:
        return _sign_in_page(request, to, 401, wrong=True, name=name)
    answer = _signed_in(request, secret, to)
    _set_cookie(answer, request, BROWSER_COOKIE, browser, int(sign_in_limits.KNOWN_FOR.total_seconds()))
    return answer


@router.get("/sign-in/oidc")
def start_oidc(request: Request, to: str = "/") -> Response:
    """Redirect to the OpenID Connect provider; the state of this attempt is kept in a cookie."""
    try:
        address, state = _provider().start_sign_in()
    except AccessDenied as error:
        raise HTTPException(403, str(error)) from error
    answer = layout.redirect(address)
    _set_cookie(
        answer, request, oidc.STATE_COOKIE, f"{state}.{quote(layout.safe_redirect_target(to), safe='')}", max_age=600
    )
    return answer


@router.get(oidc.CALLBACK_PATH)
def finish_oidc(request: Request, context: ContextDep) -> Response:
    """Sign in the user that the provider names."""
    *attempt, to = request.cookies.get(oidc.STATE_COOKIE, "").split(".", 3)
    try:
        identity = _provider().verify_callback(".".join(attempt), str(request.url))
        with context.database.writing() as conn:
            now = datetime.now(UTC)
            user = oidc_identities.sign_in_identity(conn, identity, settings().oidc_role, now)
            secret = sessions.start_session(conn, user, now)
    except AccessDenied as error:
        raise HTTPException(403, str(error)) from error
    answer = _signed_in(request, secret, unquote(to))
    answer.delete_cookie(oidc.STATE_COOKIE)
    return answer


@router.post("/sign-out")
def sign_out(request: Request, context: ContextDep) -> Response:
    """End this browser's session."""
    with context.database.writing() as conn:
        sessions.end_session(conn, session_cookie(request.headers))
    answer = layout.redirect("/sign-in")
    answer.delete_cookie(SESSION_COOKIE)
    return answer


@router.get("/set-up/{token}")
def show_invitation(request: Request, context: ContextDep, token: str) -> Response:
    """The form for the first user."""
    _check_invitation(context, token)
    return layout.render_page(request, "set_up.html", name="", wrong="")


@router.post("/set-up/{token}")
def create_first_user(
    request: Request, context: ContextDep, token: str, name: Text = "", password: Text = ""
) -> Response:
    """Create the first user, an administrator, and sign them in."""
    _check_invitation(context, token)
    try:
        with context.database.writing() as conn:
            now = datetime.now(UTC)
            if not sessions.use_invitation(conn, token, now):
                raise HTTPException(404, _INVITATION_EXPIRED)
            user: User = users.create_user(conn, name, "admin", password or " ", name, now)
            secret = sessions.start_session(conn, user, now)
    except BadInput as error:
        return layout.render_page(request, "set_up.html", 422, name=name, wrong=str(error))
    access: AccessControl = request.app.state.access
    access.reload_keys()
    return _signed_in(request, secret, "/")


@router.post("/language")
def set_language(language: Annotated[Language, Form()], to: Text = "/") -> Response:
    """Choose the language of the pages."""
    answer = layout.redirect(layout.safe_redirect_target(to))
    answer.set_cookie(layout.LANGUAGE_COOKIE, language.value, max_age=31_536_000, httponly=True, samesite="lax")
    return answer


def _sign_in_page(request: Request, to: str, status: int = 200, *, wrong: bool = False, name: str = "") -> Response:
    provider = oidc.Provider.from_settings(settings())
    host = urlsplit(provider.issuer).hostname if provider else None
    return layout.render_page(
        request, "sign_in.html", status, to=layout.safe_redirect_target(to), wrong=wrong, name=name, elsewhere=host
    )


def _check_invitation(context: ContextDep, token: str) -> None:
    with context.database.reading() as conn:
        if not sessions.is_invitation_valid(conn, token, datetime.now(UTC)):
            raise HTTPException(404, _INVITATION_EXPIRED)


def _provider() -> oidc.Provider:
    found = oidc.Provider.from_settings(settings())
    if found is None:
        missing = ", ".join(settings().oidc_missing) or "DESKYARD_OIDC_ISSUER"
        raise HTTPException(404, f"no OpenID Connect provider is set up: set {missing}")
    return found


def _signed_in(request: Request, secret: str, to: str) -> Response:
    answer = layout.redirect(layout.safe_redirect_target(to))
    _set_cookie(answer, request, SESSION_COOKIE, secret)
    return answer


def _set_cookie(answer: Response, request: Request, name: str, value: str, max_age: int | None = None) -> None:
    """Set a cookie that scripts can't read and that forms of other sites do not send."""
    secure = is_behind_tls(request.url.scheme)
    answer.set_cookie(name, value, max_age=max_age, httponly=True, samesite="lax", secure=secure)
