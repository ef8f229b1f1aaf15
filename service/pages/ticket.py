"""The page `/tickets/{id}`: a ticket with its messages and history, and the forms to change it.

Every change carries the version that the reader saw; if somebody else changed the ticket meanwhile, it is refused.
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
from service.pages.message_sections import message_sections
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
def show_ticket(request: Request, context: ContextDep, id: str) -> HTMLResponse:  # noqa: A002 - the name in the path
    """The page."""
    return _page(request, context, _visible_ticket(request, context, id))


@router.post(ADDRESS)
def update_ticket(
    request: Request,
    context: ContextDep,
    id: str,  # noqa: A002
    version: Number,
    queue: Text = "",
    category: Text = "",
    priority: Text = "",
    assignee: Text = "",
    status: Text = "",
) -> Response:
    """Change the fields in which the form differs from the ticket."""
    now = _visible_ticket(request, context, id)
    form = {"queue": queue, "category": category, "priority": priority, "assignee": assignee, "status": status}
    new_values = {field: storable(value).strip() or None for field, value in form.items()}
    changed = {field: value for field, value in new_values.items() if value != now.value(field)}
    try:
        corrections.change_ticket(
            context, now.id, changed, layout.current_caller(request).actor, expected_version=version
        )
    except DeskyardError as error:
        return _refused(request, context, now, error)
    return _redirect_after_change(request, now.id, changed.get("queue") or now.queue)


@router.post(ADDRESS + "/comments")
def add_comment(
    request: Request,
    context: ContextDep,
    id: str,  # noqa: A002
    text: Text = "",
    public: bool = Form(default=False),
    shared: bool = Form(default=False),
    key: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Add a comment; the same form sent twice adds it once."""
    now, words = _visible_ticket(request, context, id), storable(text).strip()
    try:
        if words:
            by = layout.current_caller(request).actor
            corrections.add_comment(context, now.id, by, words, public=public, key=storable(key) or None, shared=shared)
    except DeskyardError as error:
        return _refused(request, context, now, error)
    return _redirect_after_change(request, now.id, now.queue)


@router.post(ADDRESS + "/verify")
def replay_decision(request: Request, context: ContextDep, id: str, decision: Number) -> HTMLResponse:  # noqa: A002
    """Compute a decision of this ticket again, and show whether the result is the same."""
    now = _visible_ticket(request, context, id)
    _undo_case(context, now, decision)
    found = replay(context.database, context.models.folder, decision)
    message = layout.page_words(request).gettext(display_text.REPLAY_FINDINGS[found.finding])
    return _page(request, context, now, message=message, succeeded=found.finding == "same", decision=decision)


@router.post(ADDRESS + "/undo")
def undo_decision(request: Request, context: ContextDep, id: str, decision: Number) -> Response:  # noqa: A002
    """Undo an automatic decision, unless somebody has changed the ticket since."""
    now = _visible_ticket(request, context, id)
    case = _undo_case(context, now, decision)
    done = undo.undo_decision(context.database, case, layout.current_caller(request).actor.name, datetime.now(UTC))
    if not done.kept_reason and not layout.current_caller(request).may_see(
        done.reverted_fields.get("queue", (None, now.queue))[1] or now.queue
    ):
        return layout.redirect("/")
    words = layout.page_words(request)
    message = display_text.not_undone_text(words, done.kept_reason) or words.gettext("The decision was undone.")
    return _page(
        request,
        context,
        _visible_ticket(request, context, id),
        message=message,
        succeeded=not done.kept_reason,
        decision=decision,
    )


def _visible_ticket(request: Request, context: AppContext, ref: str) -> DeskTicket:
    """The ticket. Raises NotFound where there is none that the reader may see."""
    with context.database.reading() as conn:
        return visibility.visible_ticket(conn, layout.current_caller(request), tickets.parse_ticket_number(ref))


def _undo_case(context: AppContext, now: DeskTicket, decision: int) -> UndoCase:
    with context.database.reading() as conn:
        entry = Journal.find_decision(conn, decision)
    if entry is None or entry.ticket_id != now.id:
        raise NotFound(f"ticket {now.id} has no decision {decision}")
    return UndoCase(now.id, decision, entry.at)


def _redirect_after_change(request: Request, number: int, queue: str) -> Response:
    """Redirect to the ticket, or to the overview where the reader may no longer see it."""
    return layout.redirect(f"/tickets/{number}" if layout.current_caller(request).may_see(queue) else "/")


def _refused(request: Request, context: AppContext, now: DeskTicket, error: DeskyardError) -> HTMLResponse:
    message = display_text.refusal_text(layout.page_words(request), error)
    return _page(request, context, _visible_ticket(request, context, str(now.id)), status=409, message=message)


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
    caller: Caller = layout.current_caller(request)
    with context.database.reading() as conn:
        external = mirror.find_by_ticket(conn, now.id)
        entries, steps, thread = (
            Journal.list_entries(conn, now.id),
            ticket_history.list_steps(conn, now.id),
            comments.list_comments(conn, now.id),
        )
        desk_catalogue = catalogue.load_catalogue(conn, agent_names=())
        served_queues = agents.load_served_queues(conn, None, only_present=True)
        shown: dict[str, Any] = {
            "others": tickets.list_by_requester(conn, now.ticket.requester, now.id, caller.queues),
            "external": (connections.get_connection(conn, external[0]), external[1].ref) if external else None,
        }
    return layout.render_page(
        request,
        "ticket.html",
        status,
        **shown,
        desk_ticket=now,
        sections=message_sections(now.ticket.body, now.ticket.subject),
        events=timeline.build_timeline(entries, steps, thread),
        decisions=sum(entry.kind == DECIDED for entry in entries),
        queues=sorted({*desk_catalogue.queues, now.queue}),
        assignees=sorted(
            {who for who, queues in served_queues.items() if now.queue in queues} | ({now.assignee} - {None})
        ),
        priorities=PRIORITIES,
        statuses=changes.STATUSES,
        may_work=caller.may("POST", ADDRESS),
        may_undo=caller.may("POST", ADDRESS + "/undo"),
        key=secrets.token_urlsafe(16),
        names=display_text,
        message=message,
        succeeded=succeeded,
        decision=decision,
    )
