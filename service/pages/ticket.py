"""`/tickets/{id}`: one ticket: what was said, how it came to stand where it stands, and all that may be done to it.

A change bears the version that was looked at: where somebody was quicker, it is refused and told.
"""

import secrets
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from deskyard.desk import agents, catalogue, changes, comments, ticket_history, tickets, timeline
from deskyard.desk.tickets import DeskTicket
from deskyard.domain.ticket import PRIORITIES
from deskyard.errors import DeskyardError, NotFound
from deskyard.journal.journal import DECIDED, Journal
from deskyard.review import undo
from deskyard.review.undo import UndoCase
from deskyard.sync import connections, mirror
from deskyard.text.storable import storable
from service.auth.authorization import Caller
from service.http.dependencies import ContextDep
from service.pages import display_text, layout
from service.runtime.context import AppContext
from service.tickets import corrections, visibility
from service.tickets.replay import replay

router: Final = APIRouter(include_in_schema=False)

ADDRESS: Final = "/tickets/{id}"

MAX_COMMENT: Final = 100_000
"""Characters of a comment."""

Text = Annotated[str, Form(max_length=MAX_COMMENT)]
Number = Annotated[int, Form()]


@router.get(ADDRESS)
def show_ticket(request: Request, yard: ContextDep, id: str) -> HTMLResponse:  # noqa: A002 - the address calls it so
    """The page."""
    return _page(request, yard, _visible_ticket(request, yard, id))


@router.post(ADDRESS)
def update_ticket(
    request: Request,
    yard: ContextDep,
    id: str,  # noqa: A002
    seen: Number,
    queue: Text = "",
    category: Text = "",
    priority: Text = "",
    assignee: Text = "",
    status: Text = "",
) -> Response:
    """Change what the form says otherwise than the ticket."""
    now = _visible_ticket(request, yard, id)
    asked = {"queue": queue, "category": category, "priority": priority, "assignee": assignee, "status": status}
    wanted = {field: storable(value).strip() or None for field, value in asked.items()}
    changed = {field: value for field, value in wanted.items() if value != now.value(field)}
    try:
        corrections.change_ticket(yard, now.id, changed, layout.current_caller(request).actor, expected_version=seen)
    except DeskyardError as error:
        return _refused(request, yard, now, error)
    return _redirect_after_change(request, now.id, changed.get("queue") or now.queue)


@router.post(ADDRESS + "/comments")
def add_comment(
    request: Request,
    yard: ContextDep,
    id: str,  # noqa: A002
    text: Text = "",
    public: bool = Form(default=False),
    shared: bool = Form(default=False),
    key: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Say something; sent twice, it is said once."""
    now, words = _visible_ticket(request, yard, id), storable(text).strip()
    try:
        if words:
            by = layout.current_caller(request).actor
            corrections.add_comment(yard, now.id, by, words, public=public, key=storable(key) or None, shared=shared)
    except DeskyardError as error:
        return _refused(request, yard, now, error)
    return _redirect_after_change(request, now.id, now.queue)


@router.post(ADDRESS + "/verify")
def replay_decision(request: Request, yard: ContextDep, id: str, decision: Number) -> HTMLResponse:  # noqa: A002
    """Compute a decision of this ticket again, and say whether it is the same."""
    now = _visible_ticket(request, yard, id)
    _undo_case(yard, now, decision)
    found = replay(yard.database, yard.models.folder, decision)
    told = layout.page_words(request).gettext(display_text.REPLAY_FINDINGS[found.finding])
    return _page(request, yard, now, message=told, succeeded=found.finding == "same", decision=decision)


@router.post(ADDRESS + "/undo")
def undo_decision(request: Request, yard: ContextDep, id: str, decision: Number) -> Response:  # noqa: A002
    """Take a decision of the machine back, where nobody has touched the ticket since."""
    now = _visible_ticket(request, yard, id)
    case = _undo_case(yard, now, decision)
    done = undo.undo_decision(yard.database, case, layout.current_caller(request).actor.name, datetime.now(UTC))
    if not done.kept_reason and not layout.current_caller(request).may_see(
        done.reverted_fields.get("queue", (None, now.queue))[1] or now.queue
    ):
        return layout.redirect("/")
    words = layout.page_words(request)
    told = display_text.not_undone_text(words, done.kept_reason) or words.gettext("The decision was taken back.")
    return _page(
        request,
        yard,
        _visible_ticket(request, yard, id),
        message=told,
        succeeded=not done.kept_reason,
        decision=decision,
    )


def _visible_ticket(request: Request, context: AppContext, ref: str) -> DeskTicket:
    """The ticket, if it may be seen. Raises NotThere."""
    with context.database.reading() as conn:
        return visibility.visible_ticket(conn, layout.current_caller(request), tickets.parse_ticket_number(ref))


def _undo_case(context: AppContext, now: DeskTicket, decision: int) -> UndoCase:
    with context.database.reading() as conn:
        entry = Journal.find_decision(conn, decision)
    if entry is None or entry.ticket_id != now.id:
        raise NotFound(f"ticket {now.id} has no decision {decision}")
    return UndoCase(now.id, decision, entry.at)


def _redirect_after_change(request: Request, number: int, queue: str) -> Response:
    """Where to look after a change: what went out of sight can't be looked at."""
    return layout.redirect(f"/tickets/{number}" if layout.current_caller(request).may_see(queue) else "/")


def _refused(request: Request, context: AppContext, now: DeskTicket, error: DeskyardError) -> HTMLResponse:
    told = display_text.refusal_text(layout.page_words(request), error)
    return _page(request, context, _visible_ticket(request, context, str(now.id)), status=409, message=told)


def _page(
    request: Request,
    context: AppContext,
    now: DeskTicket,
    *,
    status: int = 200,
    message: Markup | str = "",
    succeeded: bool = False,
    decision: int | None = None,
) -> HTMLResponse:
    from deskyard.text import (  # only here: without a model the service starts without the language tools
        cleaning,
        quoted_replies,
    )

    caller: Caller = layout.current_caller(request)
    own, rest = quoted_replies.split_quoted(cleaning.to_plain_text(now.ticket.body))
    with context.database.reading() as conn:
        elsewhere = mirror.find_by_ticket(conn, now.id)
        entries, steps, talk = (
            Journal.list_entries(conn, now.id),
            ticket_history.list_steps(conn, now.id),
            comments.list_comments(conn, now.id),
        )
        here = catalogue.load_catalogue(conn, agent_names=())
        serving = agents.load_served_queues(conn, None, only_present=True)
        shown: dict[str, Any] = {
            "others": tickets.list_by_requester(conn, now.ticket.requester, now.id, caller.queues),
            "elsewhere": (connections.get_connection(conn, elsewhere[0]), elsewhere[1].ref) if elsewhere else None,
        }
    return layout.render_page(
        request,
        "ticket.html",
        status,
        **shown,
        filed=now,
        own=own,
        rest=rest.strip(),
        events=timeline.build_timeline(entries, steps, talk),
        decisions=sum(entry.kind == DECIDED for entry in entries),
        queues=sorted({*here.queues, now.queue}),
        assignees=sorted({who for who, queues in serving.items() if now.queue in queues} | ({now.assignee} - {None})),
        priorities=PRIORITIES,
        statuses=changes.STATUSES,
        may_work=caller.may("POST", ADDRESS),
        may_undo=caller.may("POST", ADDRESS + "/undo"),
        key=secrets.token_urlsafe(16),
        names=display_text,
        told=message,
        good=succeeded,
        about=decision,
    )
