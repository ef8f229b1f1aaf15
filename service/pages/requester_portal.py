"""`/submit` and `/status/…`: whoever needs help asks for it, sees how it stands, answers, and says whether it helped.

In come forms of people without an account, out go pages. What is shown of others is only what the desk's people marked
as an answer for everybody; a request is shown to whoever has its address, which is told once and written down nowhere.
"""

import secrets
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from deskyard.desk import shared_answers
from deskyard.reports.i18n import N_
from deskyard.settings import settings
from deskyard.text.storable import storable
from service.auth.authorization import AccessControl
from service.http.dependencies import ContextDep
from service.pages import layout
from service.runtime.context import AppContext
from service.tickets import requester_portal
from service.tickets.requester_portal import MAX_TEXT, HelpRequest

router: Final = APIRouter(include_in_schema=False)

MAX_SHORT_TEXT: Final = 300
"""Characters of a subject, and of a name."""

PRIVATE_HEADERS: Final = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
"""For pages whose address must not be passed on."""

STATE_TEXTS: Final = {
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
def show_form(request: Request, subject: str = "") -> Response:
    """The form; a link may fill in the subject."""
    return _form_page(request, HelpRequest(storable(subject)[:MAX_SHORT_TEXT], "", "", secrets.token_urlsafe(32)))


@router.post("/submit")
def submit(
    request: Request,
    yard: ContextDep,
    subject: Text = "",
    body: Text = "",
    requester: Text = "",
    token: Text = "",
    website: Text = "",
    sure: Text = "",
) -> Response:
    """File a request: at once if there is nothing to say about it, else after a look at that."""
    if website:  # nobody sees this field, so a program filled it in
        return layout.render_page(request, "ask_thanks.html")
    subject, body, requester = (storable(one).strip() for one in (subject, body, requester))
    asked = HelpRequest(subject, body, requester, storable(token)[:100])
    if asked.ticket.blank:
        return _form_page(request, asked, 422, wrong="blank")
    if len(subject) > MAX_SHORT_TEXT or len(requester) > MAX_SHORT_TEXT or len(body) > MAX_TEXT:
        return _form_page(request, asked, 422, wrong="long")
    if sure != "yes":
        found = _suggestions(request, yard, asked)
        if found["like"] or found["vague"]:
            return _form_page(request, asked, **found)
    access: AccessControl = request.app.state.access
    if wait := access.submission_wait(_address(request)):
        answer = _form_page(request, asked, 429, wrong="often", sure=True)
        answer.headers["Retry-After"] = str(wait)
        return answer
    return layout.redirect(f"/status/{requester_portal.submit_request(yard, asked)}?new=1")


@router.post("/submit/answers")
def suggest_answers(request: Request, yard: ContextDep, subject: Text = "", body: Text = "") -> Response:
    """What others were answered to something like what is being written."""
    asked = HelpRequest(storable(subject)[:MAX_SHORT_TEXT], storable(body)[:MAX_TEXT], "", "")
    return layout.render_part(request, "ask_like.html", like=_suggestions(request, yard, asked)["like"])


@router.get("/status/{secret}")
def show_status(request: Request, yard: ContextDep, secret: str, new: bool = False) -> Response:
    """How a request stands."""
    return _status_page(request, yard, secret, new=new)


@router.post("/status/{secret}/answer")
def reply(request: Request, yard: ContextDep, secret: str, text: Text = "", key: Text = "") -> Response:
    """Say something more."""
    said = storable(text).strip()
    if not said or len(said) > MAX_TEXT:
        return _status_page(request, yard, secret, 422, text=said, wrong="long" if said else "blank")
    access: AccessControl = request.app.state.access
    if access.submission_wait(_address(request)):
        return _status_page(request, yard, secret, 429, text=said, wrong="often")
    requester_portal.add_reply(yard, secret, said, storable(key)[:100])
    return _redirect(f"/status/{secret}#said")


@router.post("/status/{secret}/stars")
def rate_solution(
    request: Request, yard: ContextDep, secret: str, stars: Annotated[int, Form()] = 0, said: Text = ""
) -> Response:
    """Say how good the solution was."""
    requester_portal.rate_solution(yard, secret, stars, storable(said))
    return _redirect(f"/status/{secret}#stars")


def _form_page(request: Request, help_request: HelpRequest, status: int = 200, **shown: Any) -> HTMLResponse:
    usual = {"like": [], "vague": False, "wrong": "", "sure": False}
    return layout.render_page(
        request, "ask.html", status, **usual | shown, asked=help_request, short=MAX_SHORT_TEXT, longest=MAX_TEXT
    )


def _suggestions(request: Request, context: AppContext, help_request: HelpRequest) -> dict[str, Any]:
    """What is worth a look before a request is sent."""
    from deskyard.text.informativeness import is_vague  # only here: the service starts without the language tools

    text, access = f"{help_request.subject}\n{help_request.body}", request.app.state.access
    found: list[str] = []
    if text.strip() and access.may_search_answers(_address(request)):
        with context.database.reading() as conn:
            found = shared_answers.find_similar_answers(conn, text)
    return {"like": found, "vague": is_vague(text), "sure": True}


def _status_page(request: Request, context: AppContext, secret: str, status: int = 200, **shown: Any) -> HTMLResponse:
    usual = {"new": False, "text": "", "wrong": ""}
    shown = (
        usual
        | shown
        | {"stands": requester_portal.get_status(context, secret), "states": STATE_TEXTS, "longest": MAX_TEXT}
    )
    base = settings().public_url.rstrip("/") or str(request.base_url).rstrip("/")
    page = layout.render_page(
        request,
        "status.html",
        status,
        **shown,
        own=f"{base}/status/{secret}",
        secret=secret,
        key=secrets.token_urlsafe(16),
    )
    page.headers.update(PRIVATE_HEADERS)
    return page


def _redirect(to: str) -> Response:
    answer = layout.redirect(to)
    answer.headers.update(PRIVATE_HEADERS)
    return answer


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
