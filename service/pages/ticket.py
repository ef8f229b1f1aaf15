"""`/tickets/{id}`: one ticket: what was said, how it came to stand where it stands, and all that may be done to it.

A change bears the version that was looked at: where somebody was quicker, it is refused and told.
"""

import secrets
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from deskyard.db.tables.base import storable
from deskyard.desk import agents, catalogue, changes, comments, ticket_history, tickets, timeline
from deskyard.desk.tickets import Filed
from deskyard.domain.ticket import PRIORITIES
from deskyard.errors import DeskyardError, NotThere
from deskyard.journal.journal import DECIDED, Journal
from deskyard.review import undo
from deskyard.review.undo import Case
from deskyard.sync import connections, mirror
from service.auth.authorization import Caller
from service.http.dependencies import InYard
from service.pages import display_text, layout
from service.runtime.context import Yard
from service.tickets import corrections, visibility
from service.tickets.replay import again

router: Final = APIRouter(include_in_schema=False)

ADDRESS: Final = "/tickets/{id}"

LONGEST: Final = 100_000
"""Characters of a comment."""

Text = Annotated[str, Form(max_length=LONGEST)]
Number = Annotated[int, Form()]


@router.get(ADDRESS)
def ticket(request: Request, yard: InYard, id: str) -> HTMLResponse:  # noqa: A002 - the address calls it so
    """The page."""
    return _page(request, yard, _found(request, yard, id))


@router.post(ADDRESS)
def change(
    request: Request,
    yard: InYard,
    id: str,  # noqa: A002
    seen: Number,
    queue: Text = "",
    category: Text = "",
    priority: Text = "",
    assignee: Text = "",
    status: Text = "",
) -> Response:
    """Change what the form says otherwise than the ticket."""
    now = _found(request, yard, id)
    asked = {"queue": queue, "category": category, "priority": priority, "assignee": assignee, "status": status}
    wanted = {field: storable(value).strip() or None for field, value in asked.items()}
    changed = {field: value for field, value in wanted.items() if value != now.value(field)}
    try:
        corrections.correct(yard, now.id, changed, layout.who(request).actor, seen=seen)
    except DeskyardError as error:
        return _refused(request, yard, now, error)
    return _after(request, now.id, changed.get("queue") or now.queue)


@router.post(ADDRESS + "/comments")
def comment(
    request: Request,
    yard: InYard,
    id: str,  # noqa: A002
    text: Text = "",
    public: bool = Form(default=False),
    shared: bool = Form(default=False),
    key: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Say something; sent twice, it is said once."""
    now, words = _found(request, yard, id), storable(text).strip()
    try:
        if words:
            by = layout.who(request).actor
            corrections.say(yard, now.id, by, words, public=public, key=storable(key) or None, shared=shared)
    except DeskyardError as error:
        return _refused(request, yard, now, error)
    return _after(request, now.id, now.queue)


@router.post(ADDRESS + "/verify")
def verify(request: Request, yard: InYard, id: str, decision: Number) -> HTMLResponse:  # noqa: A002
    """Compute a decision of this ticket again, and say whether it is the same."""
    now = _found(request, yard, id)
    _decision_of(yard, now, decision)
    found = again(yard.database, yard.models.folder, decision)
    told = layout.words(request).gettext(display_text.FINDINGS[found.finding])
    return _page(request, yard, now, told=told, good=found.finding == "same", about=decision)


@router.post(ADDRESS + "/undo")
def take_back(request: Request, yard: InYard, id: str, decision: Number) -> Response:  # noqa: A002
    """Take a decision of the machine back, where nobody has touched the ticket since."""
    now = _found(request, yard, id)
    case = _decision_of(yard, now, decision)
    done = undo.take_back(yard.database, case, layout.who(request).actor.name, datetime.now(UTC))
    if not done.stays and not layout.who(request).sees(done.back.get("queue", (None, now.queue))[1] or now.queue):
        return layout.go("/")
    words = layout.words(request)
    told = display_text.stays(words, done.stays) or words.gettext("The decision was taken back.")
    return _page(request, yard, _found(request, yard, id), told=told, good=not done.stays, about=decision)


def _found(request: Request, yard: Yard, ref: str) -> Filed:
    """The ticket, if it may be seen. Raises NotThere."""
    with yard.database.reading() as conn:
        return visibility.ticket(conn, layout.who(request), tickets.number_of(ref))


def _decision_of(yard: Yard, now: Filed, decision: int) -> Case:
    with yard.database.reading() as conn:
        entry = Journal.decision(conn, decision)
    if entry is None or entry.ticket_id != now.id:
        raise NotThere(f"ticket {now.id} has no decision {decision}")
    return Case(now.id, decision, entry.at)


def _after(request: Request, number: int, queue: str) -> Response:
    """Where to look after a change: what went out of sight can't be looked at."""
    return layout.go(f"/tickets/{number}" if layout.who(request).sees(queue) else "/")


def _refused(request: Request, yard: Yard, now: Filed, error: DeskyardError) -> HTMLResponse:
    told = display_text.refusal(layout.words(request), error)
    return _page(request, yard, _found(request, yard, str(now.id)), status=409, told=told)


def _page(
    request: Request,
    yard: Yard,
    now: Filed,
    *,
    status: int = 200,
    told: Markup | str = "",
    good: bool = False,
    about: int | None = None,
) -> HTMLResponse:
    from deskyard.text import (  # only here: without a model the service starts without the language tools
        cleaning,
        quoted_replies,
    )

    caller: Caller = layout.who(request)
    own, rest = quoted_replies.parted(cleaning.readable(now.ticket.body))
    with yard.database.reading() as conn:
        elsewhere = mirror.of_ticket(conn, now.id)
        entries, steps, talk = Journal.of(conn, now.id), ticket_history.of(conn, now.id), comments.of(conn, now.id)
        here = catalogue.catalogue(conn, asked=())
        serving = agents.served(conn, None, only_present=True)
        shown: dict[str, Any] = {
            "others": tickets.of_requester(conn, now.ticket.requester, now.id, caller.queues),
            "elsewhere": (connections.get(conn, elsewhere[0]), elsewhere[1].ref) if elsewhere else None,
        }
    return layout.page(
        request,
        "ticket.html",
        status,
        **shown,
        filed=now,
        own=own,
        rest=rest.strip(),
        events=timeline.told(entries, steps, talk),
        decisions=sum(entry.kind == DECIDED for entry in entries),
        queues=sorted({*here.queues, now.queue}),
        assignees=sorted({who for who, queues in serving.items() if now.queue in queues} | ({now.assignee} - {None})),
        priorities=PRIORITIES,
        statuses=changes.STATUSES,
        may_work=caller.may("POST", ADDRESS),
        may_undo=caller.may("POST", ADDRESS + "/undo"),
        key=secrets.token_urlsafe(16),
        names=display_text,
        told=told,
        good=good,
        about=about,
    )
