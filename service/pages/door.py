"""`/sign-in`, `/sign-out`, `/set-up/…`, `/language`: how people come in, and the tongue they are spoken to in."""

import time
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from deskyard import sign_in, users
from deskyard.errors import BadInput
from deskyard.reports.words import Language
from deskyard.settings import settings
from deskyard.users import User
from service.access import COOKIE, Access, cookie
from service.api.doors import InYard
from service.pages import shell

router: Final = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=1000)]


@router.get("/sign-in")
def form(request: Request, to: str = "/") -> Response:
    """The form; who is in already goes on."""
    if shell.who(request).role != "guest":
        return shell.go(shell.home_of(to))
    return shell.page(request, "sign_in.html", to=shell.home_of(to), wrong=False, name="")


@router.post("/sign-in")
def enter(
    request: Request, yard: InYard, name: Text = "", password: Text = "", code: Text = "", to: Text = "/"
) -> Response:
    """Let somebody in who knows the password, and has the code where one is asked for."""
    access: Access = request.app.state.access
    access.guess((request.client.host if request.client else ""), name)
    with yard.database.writing() as session:
        user = users.proved(session, name, password, code, time.time())
        secret = sign_in.begin(session, user, datetime.now(UTC)) if user else ""
    if not secret:
        return shell.page(request, "sign_in.html", 401, to=shell.home_of(to), wrong=True, name=name)
    return _signed_in(request, secret, to)


@router.post("/sign-out")
def leave(request: Request, yard: InYard) -> Response:
    """End this browser's session."""
    with yard.database.writing() as session:
        sign_in.end(session, cookie(request.headers))
    answer = shell.go("/sign-in")
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/set-up/{word}")
def invitation(request: Request, yard: InYard, word: str) -> Response:
    """The form that makes the first user."""
    _check_invitation(yard, word)
    return shell.page(request, "set_up.html", name="", wrong="")


@router.post("/set-up/{word}")
def first_user(request: Request, yard: InYard, word: str, name: Text = "", password: Text = "") -> Response:
    """Make the first user, an admin, and let them in."""
    _check_invitation(yard, word)
    try:
        with yard.database.writing() as session:
            now = datetime.now(UTC)
            user: User = users.create(session, name, "admin", password or " ", name, now)
            sign_in.used(session)
            secret = sign_in.begin(session, user, now)
    except BadInput as error:
        return shell.page(request, "set_up.html", 422, name=name, wrong=str(error))
    access: Access = request.app.state.access
    access.forget()
    return _signed_in(request, secret, "/")


@router.post("/language")
def speak(language: Annotated[Language, Form()], to: Text = "/") -> Response:
    """Speak another language from now on."""
    answer = shell.go(shell.home_of(to))
    answer.set_cookie(shell.LANGUAGE, language.value, max_age=31_536_000, httponly=True, samesite="lax")
    return answer


def _check_invitation(yard: InYard, word: str) -> None:
    with yard.database.reading() as session:
        if not sign_in.invited(session, word, datetime.now(UTC)):
            raise HTTPException(404, "this invitation has ended: start the service again, or `deskyard user create`")


def _signed_in(request: Request, secret: str, to: str) -> Response:
    secure = request.url.scheme == "https" or settings().public_url.startswith("https:")
    answer = shell.go(shell.home_of(to))
    answer.set_cookie(COOKIE, secret, httponly=True, samesite="lax", secure=secure)
    return answer
