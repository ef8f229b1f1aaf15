"""The pages `/submit` and `/status/…`, on which people without an account file a request, follow it, reply and rate it.

Of other people's requests only answers are shown that agents marked as shared. A request is shown to whoever has its
secret address, which is given once and of which only a hash is stored.
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
"""Headers of pages whose address is a secret."""

STATE_TEXTS: Final = {
    "received": N_("Received. We are finding the right team."),
    "placed": N_("Assigned to a team and waiting in its queue."),
    "taken": N_("In progress."),
    "asked": N_("We need more information: please reply below."),
    "solved": N_("Solved. If the problem remains, reply below."),
    "closed": N_("Closed. If the problem returns, please submit a new request."),
    "erased": N_("Deleted: your messages and our replies are no longer stored."),
}

Text = Annotated[str, Form()]


@router.get("/submit")
def show_form(request: Request, subject: str = "") -> Response:
    """The form; a link may set the subject."""
    return _form_page(request, HelpRequest(storable(subject)[:MAX_SHORT_TEXT], "", "", secrets.token_urlsafe(32)))


@router.post("/submit")
def submit(
    request: Request,
    context: ContextDep,
    subject: Text = "",
    body: Text = "",
    requester: Text = "",
    token: Text = "",
    website: Text = "",
    confirmed: Text = "",
) -> Response:
    """File a request, unless there are shared answers or a question to show first (`confirmed=yes` skips them)."""
    if website:  # the field is hidden, so a program filled it in
        return layout.render_page(request, "submit_thanks.html")
    subject, body, requester = (storable(one).strip() for one in (subject, body, requester))
    help_request = HelpRequest(subject, body, requester, storable(token)[:100])
    if help_request.ticket.blank:
        return _form_page(request, help_request, 422, wrong="blank")
    if len(subject) > MAX_SHORT_TEXT or len(requester) > MAX_SHORT_TEXT or len(body) > MAX_TEXT:
        return _form_page(request, help_request, 422, wrong="long")
    if confirmed != "yes":
        found = _suggestions(request, context, help_request)
        if found["suggestions"] or found["vague"]:
            return _form_page(request, help_request, **found)
    access: AccessControl = request.app.state.access
    if wait := access.submission_wait(_address(request)):
        answer = _form_page(request, help_request, 429, wrong="often", confirmed=True)
        answer.headers["Retry-After"] = str(wait)
        return answer
    return layout.redirect(f"/status/{requester_portal.submit_request(context, help_request)}?new=1")


@router.post("/submit/suggestions")
def suggest_answers(request: Request, context: ContextDep, subject: Text = "", body: Text = "") -> Response:
    """Shared answers to requests like the one that is being written."""
    help_request = HelpRequest(storable(subject)[:MAX_SHORT_TEXT], storable(body)[:MAX_TEXT], "", "")
    return layout.render_part(
        request, "submit_suggestions.html", suggestions=_suggestions(request, context, help_request)["suggestions"]
    )


@router.get("/status/{secret}")
def show_status(request: Request, context: ContextDep, secret: str, new: bool = False) -> Response:
    """The status of a request."""
    return _status_page(request, context, secret, new=new)


@router.post("/status/{secret}/reply")
def reply(request: Request, context: ContextDep, secret: str, text: Text = "", key: Text = "") -> Response:
    """Add a reply of the requester."""
    reply_text = storable(text).strip()
    if not reply_text or len(reply_text) > MAX_TEXT:
        return _status_page(request, context, secret, 422, text=reply_text, wrong="long" if reply_text else "blank")
    access: AccessControl = request.app.state.access
    if access.submission_wait(_address(request)):
        return _status_page(request, context, secret, 429, text=reply_text, wrong="often")
    requester_portal.add_reply(context, secret, reply_text, storable(key)[:100])
    return _redirect(f"/status/{secret}#messages")


@router.post("/status/{secret}/rating")
def rate_solution(
    request: Request, context: ContextDep, secret: str, stars: Annotated[int, Form()] = 0, comment: Text = ""
) -> Response:
    """Rate the solution, with an optional comment."""
    requester_portal.rate_solution(context, secret, stars, storable(comment))
    return _redirect(f"/status/{secret}#rating")


def _form_page(request: Request, help_request: HelpRequest, status: int = 200, **shown: Any) -> HTMLResponse:
    defaults: dict[str, Any] = {"suggestions": [], "vague": False, "wrong": "", "confirmed": False}
    return layout.render_page(
        request,
        "submit.html",
        status,
        **defaults | shown,
        help_request=help_request,
        short=MAX_SHORT_TEXT,
        longest=MAX_TEXT,
    )


def _suggestions(request: Request, context: AppContext, help_request: HelpRequest) -> dict[str, Any]:
    """What to show before a request is filed: shared answers, and whether the text is too vague."""
    from deskyard.text.informativeness import is_vague  # only here: the service starts without the language tools

    text, access = f"{help_request.subject}\n{help_request.body}", request.app.state.access
    found: list[str] = []
    if text.strip() and access.may_search_answers(_address(request)):
        with context.database.reading() as conn:
            found = shared_answers.find_similar_answers(conn, text)
    return {"suggestions": found, "vague": is_vague(text), "confirmed": True}


def _status_page(request: Request, context: AppContext, secret: str, status: int = 200, **shown: Any) -> HTMLResponse:
    defaults = {"new": False, "text": "", "wrong": ""}
    shown = (
        defaults
        | shown
        | {"request_status": requester_portal.get_status(context, secret), "states": STATE_TEXTS, "longest": MAX_TEXT}
    )
    base = settings().public_url.rstrip("/")  # never from the Host header, which whoever asks may write
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
