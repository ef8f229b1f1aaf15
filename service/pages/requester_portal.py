"""`/submit` and `/status/…`: whoever needs help asks for it, sees how it stands, answers, and says whether it helped.

In come forms of people without an account, out go pages. What is shown of others is only what the desk's people marked
as an answer for everybody; a request is shown to whoever has its address, which is told once and written down nowhere.
"""

import secrets
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from deskyard.db.tables.base import storable
from deskyard.desk import shared_answers
from deskyard.reports.i18n import N_
from deskyard.settings import settings
from service.auth.authorization import Access
from service.http.dependencies import InYard
from service.pages import layout
from service.runtime.context import Yard
from service.tickets import requester_portal
from service.tickets.requester_portal import LONGEST, Asked

router: Final = APIRouter(include_in_schema=False)

SHORT: Final = 300
"""Characters of a subject, and of a name."""

SECRETIVE: Final = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
"""For pages whose address must not be passed on."""

STATES: Final = {
    "received": N_("We have it. Somebody is looking who can help best."),
    "placed": N_("It is with the people who know such things, and waits for one of them."),
    "taken": N_("Somebody works on it."),
    "asked": N_("We need to know more: please answer below."),
    "solved": N_("It is solved, as far as we know. If not, say so below."),
    "closed": N_("It is closed. If it comes up again, please file a new request."),
    "erased": N_("It is erased: what you wrote, and what was answered, is not kept any more."),
}

Text = Annotated[str, Form()]


@router.get("/submit")
def form(request: Request, subject: str = "") -> Response:
    """The form; a link may fill in the subject."""
    return _form(request, Asked(storable(subject)[:SHORT], "", "", secrets.token_urlsafe(32)))


@router.post("/submit")
def send(
    request: Request,
    yard: InYard,
    subject: Text = "",
    body: Text = "",
    requester: Text = "",
    token: Text = "",
    website: Text = "",
    sure: Text = "",
) -> Response:
    """File a request: at once if there is nothing to say about it, else after a look at that."""
    if website:  # nobody sees this field, so a program filled it in
        return layout.page(request, "ask_thanks.html")
    subject, body, requester = (storable(one).strip() for one in (subject, body, requester))
    asked = Asked(subject, body, requester, storable(token)[:100])
    if asked.ticket.blank:
        return _form(request, asked, 422, wrong="blank")
    if len(subject) > SHORT or len(requester) > SHORT or len(body) > LONGEST:
        return _form(request, asked, 422, wrong="long")
    if sure != "yes":
        found = _offered(request, yard, asked)
        if found["like"] or found["vague"]:
            return _form(request, asked, **found)
    access: Access = request.app.state.access
    if wait := access.ask(_address(request)):
        answer = _form(request, asked, 429, wrong="often", sure=True)
        answer.headers["Retry-After"] = str(wait)
        return answer
    return layout.go(f"/status/{requester_portal.file(yard, asked)}?new=1")


@router.post("/submit/answers")
def offer(request: Request, yard: InYard, subject: Text = "", body: Text = "") -> Response:
    """What others were answered to something like what is being written."""
    asked = Asked(storable(subject)[:SHORT], storable(body)[:LONGEST], "", "")
    return layout.part(request, "ask_like.html", like=_offered(request, yard, asked)["like"])


@router.get("/status/{secret}")
def status(request: Request, yard: InYard, secret: str, new: bool = False) -> Response:
    """How a request stands."""
    return _status(request, yard, secret, new=new)


@router.post("/status/{secret}/answer")
def answer(request: Request, yard: InYard, secret: str, text: Text = "", key: Text = "") -> Response:
    """Say something more."""
    said = storable(text).strip()
    if not said or len(said) > LONGEST:
        return _status(request, yard, secret, 422, text=said, wrong="long" if said else "blank")
    access: Access = request.app.state.access
    if access.ask(_address(request)):
        return _status(request, yard, secret, 429, text=said, wrong="often")
    requester_portal.answer(yard, secret, said, storable(key)[:100])
    return _go(f"/status/{secret}#said")


@router.post("/status/{secret}/stars")
def rate(request: Request, yard: InYard, secret: str, stars: Annotated[int, Form()] = 0, said: Text = "") -> Response:
    """Say how good the solution was."""
    requester_portal.rate(yard, secret, stars, storable(said))
    return _go(f"/status/{secret}#stars")


def _form(request: Request, asked: Asked, status: int = 200, **shown: Any) -> HTMLResponse:
    usual = {"like": [], "vague": False, "wrong": "", "sure": False}
    return layout.page(request, "ask.html", status, **usual | shown, asked=asked, short=SHORT, longest=LONGEST)


def _offered(request: Request, yard: Yard, asked: Asked) -> dict[str, Any]:
    """What is worth a look before a request is sent."""
    from deskyard.text.informativeness import vague  # only here: the service starts without the language tools

    text, access = f"{asked.subject}\n{asked.body}", request.app.state.access
    found: list[str] = []
    if text.strip() and access.may_look(_address(request)):
        with yard.database.reading() as conn:
            found = shared_answers.like(conn, text)
    return {"like": found, "vague": vague(text), "sure": True}


def _status(request: Request, yard: Yard, secret: str, status: int = 200, **shown: Any) -> HTMLResponse:
    usual = {"new": False, "text": "", "wrong": ""}
    shown = usual | shown | {"stands": requester_portal.standing(yard, secret), "states": STATES, "longest": LONGEST}
    base = settings().public_url.rstrip("/") or str(request.base_url).rstrip("/")
    page = layout.page(
        request,
        "status.html",
        status,
        **shown,
        own=f"{base}/status/{secret}",
        secret=secret,
        key=secrets.token_urlsafe(16),
    )
    page.headers.update(SECRETIVE)
    return page


def _go(to: str) -> Response:
    answer = layout.go(to)
    answer.headers.update(SECRETIVE)
    return answer


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
