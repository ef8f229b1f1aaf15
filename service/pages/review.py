"""The page `/review`: the review queue, one ticket at a time, the most urgent first, decided by one key.

An action is one POST, which answers with the next ticket. A blind review shows the ticket without the prediction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, BackgroundTasks, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from deskyard.desk import catalogue, comments, tickets
from deskyard.desk.tickets import DeskTicket
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import PLACING_TARGETS, Target
from deskyard.errors import DeskyardError, NotFound
from deskyard.journal.journal import Journal, JournalEntry
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies
from deskyard.review import suggestions
from deskyard.sync import connections, mirror
from deskyard.text.storable import storable
from service.auth.authorization import Caller
from service.http.dependencies import ContextDep
from service.pages import display_text, layout
from service.pages.message_sections import message_sections
from service.runtime.context import AppContext
from service.runtime.label_plan import LABELS_PER_WEEK, MAX_AGE, MAX_STALE_AGE, LabelPlan
from service.runtime.model_watcher import Champion
from service.tickets import review as review_actions
from service.tickets.review import LastAction, NextTicket

router: Final = APIRouter(include_in_schema=False)

MAX_SKIPS: Final = 200
"""Tickets that a reader may skip before the first of them is shown again."""

MAX_QUESTION: Final = 20_000
"""Characters of a question."""

Text = Annotated[str, Form(max_length=MAX_QUESTION)]
ViewParam = Annotated[str, Query(pattern="^(labels)?$")]
SkippedParam = Annotated[str, Query(max_length=20 * MAX_SKIPS, pattern=r"^[0-9,]*$")]


@dataclass(frozen=True, slots=True)
class SimilarTicket:
    """A similar solved ticket; `desk_ticket`: the ticket of the desk, where there is one that the reader may see."""

    name: str
    similarity: float
    labels: Mapping[Target, str]
    desk_ticket: DeskTicket | None


@router.get("/review")
def show_next(
    request: Request,
    context: ContextDep,
    after: BackgroundTasks,
    skipped: SkippedParam = "",
    ticket: str = "",
    view: ViewParam = "",
) -> Response:
    """The next ticket, or the one that `ticket` names; of those to review, or with `view=labels` of those to label."""
    skipped_numbers, number = _parse_numbers(skipped), tickets.parse_ticket_number(ticket) if ticket else None
    label_plan = _label_plan(context, layout.current_caller(request))
    next_ticket = _take_next(context, request, view, label_plan, skipped_numbers, number)
    if next_ticket.waiting is None and skipped_numbers:
        skipped_numbers, next_ticket = [], _take_next(context, request, view, label_plan)
    return _page(request, context, after, next_ticket, skipped_numbers, label_plan, view=view)


@router.post("/review/{id}")
def act_on_ticket(
    request: Request,
    context: ContextDep,
    after: BackgroundTasks,
    id: str,  # noqa: A002 - the name in the path
    version: Annotated[int, Form()],
    action: Text = "",
    queue: Text = "",
    question: Text = "",
    skipped: Annotated[str, Form(max_length=20 * MAX_SKIPS, pattern=r"^[0-9,]*$")] = "",
    view: Annotated[str, Form(pattern="^(labels)?$")] = "",
) -> Response:
    """Carry out the action, and show the next ticket; or this one again with an error."""
    caller, number, skipped_numbers = (
        layout.current_caller(request),
        tickets.parse_ticket_number(id),
        _parse_numbers(skipped),
    )
    done: LastAction | None = None
    error_text, shown_number = "", None
    try:
        if action == "undo":
            done = review_actions.undo_last(context, caller, number, version)
            shown_number = number
        elif action == "ask":
            done = review_actions.request_information(context, caller, number, storable(question).strip(), version)
        else:
            done = review_actions.assign_queue(context, caller, number, storable(queue), version)
    except DeskyardError as error:
        error_text, shown_number = str(display_text.refusal_text(layout.page_words(request), error)), number
    label_plan = _label_plan(context, caller)
    next_ticket = _take_next(context, request, view, label_plan, skipped_numbers, shown_number)
    return _page(
        request,
        context,
        after,
        next_ticket,
        skipped_numbers,
        label_plan,
        view=view,
        done=done,
        action=action,
        error_text=error_text,
        number=number,
    )


@router.post("/review/{id}/hold")
def renew_lease(request: Request, context: ContextDep, id: str) -> Response:  # noqa: A002
    """Renew the lease of the ticket that the reader looks at."""
    review_actions.renew_lease(context, layout.current_caller(request), tickets.parse_ticket_number(id))
    return Response(status_code=204)


def _label_plan(context: AppContext, caller: Caller, max_age: float = MAX_STALE_AGE) -> LabelPlan:
    """The label plan for the queues that the reader may see, up to `max_age` seconds old, so no page waits for it."""
    with context.database.reading() as conn:
        found = context.label_plans.get(conn, context.models.champion.bundle, LABELS_PER_WEEK, caller.queues, max_age)
    unlabelled, doubtful = (
        tuple(item for item in items if item.target == "queue") for items in (found.unlabelled, found.doubtful)
    )
    return replace(found, unlabelled=unlabelled, doubtful=doubtful)


def _take_next(
    context: AppContext,
    request: Request,
    view: str,
    label_plan: LabelPlan,
    skipped_numbers: Sequence[int] = (),
    number: int | None = None,
) -> NextTicket:
    items = [*label_plan.doubtful, *label_plan.unlabelled] if view else None
    return review_actions.take_next(context, layout.current_caller(request), skipped_numbers, number, items)


def _page(
    request: Request,
    context: AppContext,
    after: BackgroundTasks,
    next_ticket: NextTicket,
    skipped_numbers: Sequence[int],
    label_plan: LabelPlan,
    *,
    view: str = "",
    done: LastAction | None = None,
    action: str = "",
    error_text: str = "",
    number: int = 0,
) -> HTMLResponse:
    after.add_task(_label_plan, context, layout.current_caller(request), MAX_AGE)
    if next_ticket.next_number is not None:
        after.add_task(_prefetch_explanation, context, next_ticket.next_number)
    shown: dict[str, Any] = {"shown": None}
    if next_ticket.waiting is not None:
        with context.database.reading() as conn:
            shown = _ticket_context(
                conn, context, layout.current_caller(request), next_ticket.waiting.number, next_ticket.waiting.is_blind
            )
        shown |= {
            "skipped": _join_numbers(skipped_numbers),
            "next_skipped": _join_numbers([*skipped_numbers, next_ticket.waiting.number]),
        }
    template = "review_part.html" if request.headers.get("HX-Request") else "review.html"
    page_context: dict[str, Any] = {
        "done": done,
        "action": action,
        "error": error_text,
        "number": number,
        "total": next_ticket.total,
    }
    shown_number = next_ticket.waiting.number if next_ticket.waiting is not None and view else 0
    page_context |= {
        "view": view,
        "label_plan": label_plan,
        "candidate": next(
            (item for item in (*label_plan.doubtful, *label_plan.unlabelled) if item.ticket_id == shown_number), None
        ),
    }
    answer = layout.render_page(request, template, 200, **page_context, **shown)
    answer.background = after
    return answer


def _ticket_context(
    conn: Connection, context: AppContext, caller: Caller, number: int, is_blind: bool
) -> dict[str, Any]:
    """The template variables of a ticket and of what helps to decide on it."""
    from deskyard.text import highlighting  # only here: without a model the service starts without the language tools

    desk_ticket = tickets.get_ticket(conn, number)
    entry = Journal.last_decisions(conn, [number]).get(number)
    policy, desk_catalogue = Policies.current(conn).policy, catalogue.load_catalogue(conn, agent_names=())
    external = mirror.find_by_ticket(conn, number)
    why = (
        context.explanations.get(context.models.champion, desk_ticket)
        if not is_blind
        else {"explanations": {}, "similar": []}
    )
    explanation = next(
        (why["explanations"][target] for target in PLACING_TARGETS if target in why["explanations"]), None
    )
    weights = highlighting.strongest_words(
        [(one["word"], one["weight"]) for one in explanation["words"]] if explanation else []
    )
    sections = message_sections(desk_ticket.ticket.body, desk_ticket.ticket.subject)
    offered = suggestions.suggest_queues(entry.content, policy, desk_catalogue.queues) if entry and not is_blind else []
    return {
        "shown": desk_ticket,
        "is_blind": is_blind,
        "external": (connections.get_connection(conn, external[0]), external[1].ref) if external else None,
        "subject": highlighting.highlight(desk_ticket.ticket.subject, weights),
        "sections": [
            (one.is_folded, [(one.text, None)] if one.is_folded else highlighting.highlight(one.text, weights))
            for one in sections
        ],
        "explanation": explanation,
        "choices": offered,
        "queues": sorted(queue for queue in desk_catalogue.queues if queue not in (TRIAGE, policy.fallback)),
        "reasons": [] if is_blind or entry is None else list(_reasons(entry, policy, context.models.champion)),
        "similar": [_similar_ticket(conn, caller, one) for one in why["similar"]],
        "others": tickets.list_by_requester(conn, desk_ticket.ticket.requester, number, caller.queues, 5),
        "comments": comments.list_comments(conn, number),
        "names": display_text,
    }


def _reasons(entry: JournalEntry, policy: Policy, champion: Champion) -> Any:
    """Why it was not routed: (target, code of the reason, confidence, threshold), None for what is unknown."""
    placement = entry.content["placement"]
    if placement["reason"]["code"] in PLACING_TARGETS:
        return
    if not entry.content["decisions"]:
        yield None, placement["reason"]["code"], None, None
    for target in PLACING_TARGETS:
        decision = entry.content["decisions"].get(target)
        if decision is None:
            continue
        code, needed = decision["reasons"][0]["code"], None
        if code == "unsure" and champion.bundle is not None and champion.digest == entry.bundle:
            then = policy.for_day(entry.at.date())
            rule = then.effective_rule(target, then.destination_queue(target, decision["label"]))
            needed = champion.bundle.contracts(rule.precision, policy.out_of_scope_rate)[target].threshold
        yield target, "closed" if decision["action"] == "route" else code, decision["confidence"], needed


def _similar_ticket(conn: Connection, caller: Caller, past: Mapping[str, Any]) -> SimilarTicket:
    found = _find_ticket(conn, past["id"])
    there = found if found is not None and caller.may_see(found.queue) else None
    return SimilarTicket(past["id"], past["similarity"], past["labels"], there)


def _find_ticket(conn: Connection, name: str) -> DeskTicket | None:
    """The ticket with an id of an exported history (`deskyard.history.export.ticket_export_id`)."""
    source, slash, external = name.partition("/")
    if slash:
        return tickets.find_existing(conn, source.replace("%2F", "/").replace("%25", "%"), external, None)
    try:
        return tickets.find_ticket(conn, tickets.parse_ticket_number(name))
    except NotFound:
        return None


def _prefetch_explanation(context: AppContext, number: int) -> None:
    """Compute the explanation of the ticket that is likely to be shown next."""
    with context.database.reading() as conn:
        desk_ticket = tickets.find_ticket(conn, number)
    if desk_ticket is not None:
        context.explanations.get(context.models.champion, desk_ticket)


def _parse_numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part and len(part) < 19][-MAX_SKIPS:]


def _join_numbers(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers[-MAX_SKIPS:]))
