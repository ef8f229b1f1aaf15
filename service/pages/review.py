"""`/review`: the review desk: one ticket at a time, the most urgent first, sorted by one keystroke.

A deed is one POST that answers with the next ticket. What is asked about blindly comes without the machine's answer.
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
from service.runtime.context import AppContext
from service.runtime.label_plan import LABELS_PER_WEEK, MAX_AGE, MAX_STALE_AGE, LabelPlan
from service.runtime.model_watcher import Champion
from service.tickets import review as reviewing
from service.tickets.review import LastAction, NextTicket

router: Final = APIRouter(include_in_schema=False)

MAX_SKIPS: Final = 200
"""Tickets that somebody may pass by before they come again."""

MAX_QUESTION: Final = 20_000
"""Characters of a question."""

Text = Annotated[str, Form(max_length=MAX_QUESTION)]
QueueParam = Annotated[str, Query(pattern="^(labels)?$")]
SkippedParam = Annotated[str, Query(max_length=20 * MAX_SKIPS, pattern=r"^[0-9,]*$")]


@dataclass(frozen=True, slots=True)
class SimilarTicket:
    """A solved ticket like this one: the desk's own, if it is here and may be seen, else what the history says."""

    name: str
    similarity: float
    labels: Mapping[Target, str]
    desk_ticket: DeskTicket | None


@router.get("/review")
def show_next(
    request: Request,
    yard: ContextDep,
    after: BackgroundTasks,
    skipped: SkippedParam = "",
    ticket: str = "",
    line: QueueParam = "",
) -> Response:
    """The next ticket, or the one that is asked for; in the line of those that wait, or of wanted labels."""
    passed, wanted = _parse_numbers(skipped), tickets.parse_ticket_number(ticket) if ticket else None
    wishes = _label_plan(yard, layout.current_caller(request))
    given = _take_next(yard, request, line, wishes, passed, wanted)
    if given.waiting is None and passed:
        passed, given = [], _take_next(yard, request, line, wishes)
    return _page(request, yard, after, given, passed, wishes, line=line)


@router.post("/review/{id}")
def act_on_ticket(
    request: Request,
    yard: ContextDep,
    after: BackgroundTasks,
    id: str,  # noqa: A002 - the address calls it so
    seen: Annotated[int, Form()],
    deed: Text = "",
    queue: Text = "",
    question: Text = "",
    skipped: Annotated[str, Form(max_length=20 * MAX_SKIPS, pattern=r"^[0-9,]*$")] = "",
    line: Annotated[str, Form(pattern="^(labels)?$")] = "",
) -> Response:
    """Do what was chosen, and show the next ticket; where somebody was quicker, say so."""
    caller, number, passed = layout.current_caller(request), tickets.parse_ticket_number(id), _parse_numbers(skipped)
    done: LastAction | None = None
    trouble, wanted = "", None
    try:
        if deed == "undo":
            done = reviewing.undo_last(yard, caller, number, seen)
            wanted = number
        elif deed == "ask":
            done = reviewing.request_information(yard, caller, number, storable(question).strip(), seen)
        else:
            done = reviewing.assign_queue(yard, caller, number, storable(queue), seen)
    except DeskyardError as error:
        trouble, wanted = str(display_text.refusal_text(layout.page_words(request), error)), number
    wishes = _label_plan(yard, caller)
    given = _take_next(yard, request, line, wishes, passed, wanted)
    return _page(
        request, yard, after, given, passed, wishes, line=line, done=done, deed=deed, trouble=trouble, number=number
    )


@router.post("/review/{id}/hold")
def renew_lease(request: Request, yard: ContextDep, id: str) -> Response:  # noqa: A002
    """Go on looking at a ticket."""
    reviewing.renew_lease(yard, layout.current_caller(request), tickets.parse_ticket_number(id))
    return Response(status_code=204)


def _label_plan(context: AppContext, caller: Caller, max_age: float = MAX_STALE_AGE) -> LabelPlan:
    """What labels are wanted, of the queues that may be seen: as it was, so that nobody waits for it."""
    with context.database.reading() as conn:
        found = context.label_plans.get(conn, context.models.champion.bundle, LABELS_PER_WEEK, caller.queues, max_age)
    wanted, doubtful = (
        tuple(item for item in items if item.target == "queue") for items in (found.unlabelled, found.doubtful)
    )
    return replace(found, unlabelled=wanted, doubtful=doubtful)


def _take_next(
    context: AppContext,
    request: Request,
    queue_name: str,
    wishes: LabelPlan,
    passed: Sequence[int] = (),
    number: int | None = None,
) -> NextTicket:
    items = [*wishes.doubtful, *wishes.unlabelled] if queue_name else None
    return reviewing.take_next(context, layout.current_caller(request), passed, number, items)


def _page(
    request: Request,
    context: AppContext,
    after: BackgroundTasks,
    given: NextTicket,
    passed: Sequence[int],
    wishes: LabelPlan,
    *,
    line: str = "",
    done: LastAction | None = None,
    deed: str = "",
    trouble: str = "",
    number: int = 0,
) -> HTMLResponse:
    after.add_task(_label_plan, context, layout.current_caller(request), MAX_AGE)
    if given.next_number is not None:
        after.add_task(_prefetch_explanation, context, given.next_number)
    shown: dict[str, Any] = {"shown": None}
    if given.waiting is not None:
        with context.database.reading() as conn:
            shown = _ticket_context(
                conn, context, layout.current_caller(request), given.waiting.number, given.waiting.is_blind
            )
        shown |= {"skipped": _join_numbers(passed), "next_skipped": _join_numbers([*passed, given.waiting.number])}
    template = "review_part.html" if request.headers.get("HX-Request") else "review.html"
    told: dict[str, Any] = {"done": done, "deed": deed, "trouble": trouble, "number": number, "of": given.total}
    asked = given.waiting.number if given.waiting is not None and line else 0
    told |= {
        "line": line,
        "wishes": wishes,
        "item": next((item for item in (*wishes.doubtful, *wishes.unlabelled) if item.ticket_id == asked), None),
    }
    answer = layout.render_page(request, template, 200, **told, **shown)
    answer.background = after
    return answer


def _ticket_context(
    conn: Connection, context: AppContext, caller: Caller, number: int, is_blind: bool
) -> dict[str, Any]:
    """A ticket with all that helps to sort it."""
    from deskyard.text import (  # only here: without a model the service starts without the language tools
        cleaning,
        highlighting,
        quoted_replies,
    )

    filed = tickets.get_ticket(conn, number)
    entry = Journal.last_decisions(conn, [number]).get(number)
    policy, here = Policies.current(conn).policy, catalogue.load_catalogue(conn, agent_names=())
    elsewhere = mirror.find_by_ticket(conn, number)
    why = context.explanations.get(context.models.champion, filed) if not is_blind else {"because": {}, "similar": []}
    because = next((why["because"][target] for target in PLACING_TARGETS if target in why["because"]), None)
    weights = highlighting.strongest_words(
        [(one["word"], one["weight"]) for one in because["words"]] if because else []
    )
    own, rest = quoted_replies.split_quoted(cleaning.to_plain_text(filed.ticket.body))
    offered = suggestions.suggest_queues(entry.content, policy, here.queues) if entry and not is_blind else []
    return {
        "shown": filed,
        "is_blind": is_blind,
        "elsewhere": (connections.get_connection(conn, elsewhere[0]), elsewhere[1].ref) if elsewhere else None,
        "subject": highlighting.highlight(filed.ticket.subject, weights),
        "own": highlighting.highlight(own, weights),
        "rest": rest.strip(),
        "because": because,
        "choices": offered,
        "queues": sorted(queue for queue in here.queues if queue not in (TRIAGE, policy.fallback)),
        "reasons": [] if is_blind or entry is None else list(_reasons(entry, policy, context.models.champion)),
        "similar": [_similar_ticket(conn, caller, one) for one in why["similar"]],
        "others": tickets.list_by_requester(conn, filed.ticket.requester, number, caller.queues, 5),
        "said": comments.list_comments(conn, number),
        "names": display_text,
    }


def _reasons(entry: JournalEntry, policy: Policy, champion: Champion) -> Any:
    """Why it was not routed: (target, reason's code, how sure, how sure it should be), what is not known is None."""
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
    """The desk's ticket of a name in a history that the desk exported (`deskyard.history.export.ticket_export_id`)."""
    source, slash, external = name.partition("/")
    if slash:
        return tickets.find_existing(conn, source.replace("%2F", "/").replace("%25", "%"), external, None)
    try:
        return tickets.find_ticket(conn, tickets.parse_ticket_number(name))
    except NotFound:
        return None


def _prefetch_explanation(context: AppContext, number: int) -> None:
    """Work out why the model believes what it believes of the ticket that is likely to be next."""
    with context.database.reading() as conn:
        filed = tickets.find_ticket(conn, number)
    if filed is not None:
        context.explanations.get(context.models.champion, filed)


def _parse_numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part and len(part) < 19][-MAX_SKIPS:]


def _join_numbers(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers[-MAX_SKIPS:]))
