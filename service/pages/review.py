"""`/review`: the review desk: one ticket at a time, the most urgent first, sorted by one keystroke.

A deed is one POST that answers with the next ticket. What is asked about blindly comes without the machine's answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, BackgroundTasks, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from deskyard.db.tables.base import storable
from deskyard.desk import catalogue, comments, tickets
from deskyard.desk.tickets import Filed
from deskyard.domain.ticket import Target
from deskyard.errors import DeskyardError, NotThere
from deskyard.journal.journal import Entry, Journal
from deskyard.policy.policy import PLACING, TRIAGE, Policy
from deskyard.policy.versions import Policies
from deskyard.review import suggestions
from deskyard.sync import connections, mirror
from service.auth.authorization import Caller
from service.http.dependencies import InYard
from service.pages import display_text, layout
from service.runtime.context import Yard
from service.runtime.label_plan import FORGOTTEN, FRESH, PER_WEEK, Plan
from service.runtime.model_watcher import Champion
from service.tickets import review as reviewing
from service.tickets.review import Done, Next

router: Final = APIRouter(include_in_schema=False)

SKIPS: Final = 200
"""Tickets that somebody may pass by before they come again."""

LONGEST: Final = 20_000
"""Characters of a question."""

Text = Annotated[str, Form(max_length=LONGEST)]
Line = Annotated[str, Query(pattern="^(labels)?$")]
Skipped = Annotated[str, Query(max_length=20 * SKIPS, pattern=r"^[0-9,]*$")]


@dataclass(frozen=True, slots=True)
class Like:
    """A solved ticket like this one: the desk's own, if it is here and may be seen, else what the history says."""

    name: str
    similarity: float
    labels: Mapping[Target, str]
    filed: Filed | None


@router.get("/review")
def review(
    request: Request, yard: InYard, after: BackgroundTasks, skipped: Skipped = "", ticket: str = "", line: Line = ""
) -> Response:
    """The next ticket, or the one that is asked for; in the line of those that wait, or of wanted labels."""
    passed, wanted = _numbers(skipped), tickets.number_of(ticket) if ticket else None
    wishes = _wishes(yard, layout.who(request))
    given = _take(yard, request, line, wishes, passed, wanted)
    if given.waiting is None and passed:
        passed, given = [], _take(yard, request, line, wishes)
    return _page(request, yard, after, given, passed, wishes, line=line)


@router.post("/review/{id}")
def decide(
    request: Request,
    yard: InYard,
    after: BackgroundTasks,
    id: str,  # noqa: A002 - the address calls it so
    seen: Annotated[int, Form()],
    deed: Text = "",
    queue: Text = "",
    question: Text = "",
    skipped: Annotated[str, Form(max_length=20 * SKIPS, pattern=r"^[0-9,]*$")] = "",
    line: Annotated[str, Form(pattern="^(labels)?$")] = "",
) -> Response:
    """Do what was chosen, and show the next ticket; where somebody was quicker, say so."""
    caller, number, passed = layout.who(request), tickets.number_of(id), _numbers(skipped)
    done: Done | None = None
    trouble, wanted = "", None
    try:
        if deed == "undo":
            done = reviewing.take_back(yard, caller, number, seen)
            wanted = number
        elif deed == "ask":
            done = reviewing.ask_back(yard, caller, number, storable(question).strip(), seen)
        else:
            done = reviewing.sort(yard, caller, number, storable(queue), seen)
    except DeskyardError as error:
        trouble, wanted = str(display_text.refusal(layout.words(request), error)), number
    wishes = _wishes(yard, caller)
    given = _take(yard, request, line, wishes, passed, wanted)
    return _page(
        request, yard, after, given, passed, wishes, line=line, done=done, deed=deed, trouble=trouble, number=number
    )


@router.post("/review/{id}/hold")
def hold(request: Request, yard: InYard, id: str) -> Response:  # noqa: A002
    """Go on looking at a ticket."""
    reviewing.hold(yard, layout.who(request), tickets.number_of(id))
    return Response(status_code=204)


def _wishes(yard: Yard, caller: Caller, longest: float = FORGOTTEN) -> Plan:
    """What labels are wanted, of the queues that may be seen: as it was, so that nobody waits for it."""
    with yard.database.reading() as conn:
        found = yard.plans.look(conn, yard.models.champion.bundle, PER_WEEK, caller.queues, longest)
    wanted, doubtful = (
        tuple(item for item in items if item.target == "queue") for items in (found.wanted, found.doubtful)
    )
    return replace(found, wanted=wanted, doubtful=doubtful)


def _take(
    yard: Yard, request: Request, line: str, wishes: Plan, passed: Sequence[int] = (), wanted: int | None = None
) -> Next:
    items = [*wishes.doubtful, *wishes.wanted] if line else None
    return reviewing.take(yard, layout.who(request), passed, wanted, items)


def _page(
    request: Request,
    yard: Yard,
    after: BackgroundTasks,
    given: Next,
    passed: Sequence[int],
    wishes: Plan,
    *,
    line: str = "",
    done: Done | None = None,
    deed: str = "",
    trouble: str = "",
    number: int = 0,
) -> HTMLResponse:
    after.add_task(_wishes, yard, layout.who(request), FRESH)
    if given.following is not None:
        after.add_task(_look_ahead, yard, given.following)
    shown: dict[str, Any] = {"shown": None}
    if given.waiting is not None:
        with yard.database.reading() as conn:
            shown = _shown(conn, yard, layout.who(request), given.waiting.number, given.waiting.is_blind)
        shown |= {"skipped": _written(passed), "next_skipped": _written([*passed, given.waiting.number])}
    template = "review_part.html" if request.headers.get("HX-Request") else "review.html"
    told: dict[str, Any] = {"done": done, "deed": deed, "trouble": trouble, "number": number, "of": given.of}
    asked = given.waiting.number if given.waiting is not None and line else 0
    told |= {
        "line": line,
        "wishes": wishes,
        "item": next((item for item in (*wishes.doubtful, *wishes.wanted) if item.number == asked), None),
    }
    answer = layout.page(request, template, 200, **told, **shown)
    answer.background = after
    return answer


def _shown(conn: Connection, yard: Yard, caller: Caller, number: int, is_blind: bool) -> dict[str, Any]:
    """A ticket with all that helps to sort it."""
    from deskyard.text import (  # only here: without a model the service starts without the language tools
        cleaning,
        highlighting,
        quoted_replies,
    )

    filed = tickets.get(conn, number)
    entry = Journal.last_decisions(conn, [number]).get(number)
    policy, here = Policies.current(conn).policy, catalogue.catalogue(conn, asked=())
    elsewhere = mirror.of_ticket(conn, number)
    why = yard.explaining.of(yard.models.champion, filed) if not is_blind else {"because": {}, "similar": []}
    because = next((why["because"][target] for target in PLACING if target in why["because"]), None)
    weights = highlighting.strongest([(one["word"], one["weight"]) for one in because["words"]] if because else [])
    own, rest = quoted_replies.parted(cleaning.readable(filed.ticket.body))
    offered = suggestions.offered(entry.content, policy, here.queues) if entry and not is_blind else []
    return {
        "shown": filed,
        "is_blind": is_blind,
        "elsewhere": (connections.get(conn, elsewhere[0]), elsewhere[1].ref) if elsewhere else None,
        "subject": highlighting.marked(filed.ticket.subject, weights),
        "own": highlighting.marked(own, weights),
        "rest": rest.strip(),
        "because": because,
        "choices": offered,
        "queues": sorted(queue for queue in here.queues if queue not in (TRIAGE, policy.fallback)),
        "reasons": [] if is_blind or entry is None else list(_reasons(entry, policy, yard.models.champion)),
        "similar": [_like(conn, caller, one) for one in why["similar"]],
        "others": tickets.of_requester(conn, filed.ticket.requester, number, caller.queues, 5),
        "said": comments.of(conn, number),
        "names": display_text,
    }


def _reasons(entry: Entry, policy: Policy, champion: Champion) -> Any:
    """Why it was not routed: (target, reason's code, how sure, how sure it should be), what is not known is None."""
    placement = entry.content["placement"]
    if placement["reason"]["code"] in PLACING:
        return
    if not entry.content["decisions"]:
        yield None, placement["reason"]["code"], None, None
    for target in PLACING:
        decision = entry.content["decisions"].get(target)
        if decision is None:
            continue
        code, needed = decision["reasons"][0]["code"], None
        if code == "unsure" and champion.bundle is not None and champion.digest == entry.bundle:
            then = policy.on(entry.at.date())
            rule = then.rule(target, then.bound_for(target, decision["label"]))
            needed = champion.bundle.contracts(rule.precision, policy.out_of_scope_rate)[target].threshold
        yield target, "closed" if decision["action"] == "route" else code, decision["confidence"], needed


def _like(conn: Connection, caller: Caller, past: Mapping[str, Any]) -> Like:
    found = _past(conn, past["id"])
    there = found if found is not None and caller.sees(found.queue) else None
    return Like(past["id"], past["similarity"], past["labels"], there)


def _past(conn: Connection, name: str) -> Filed | None:
    """The desk's ticket of a name in a history that the desk exported (`deskyard.history.export.name`)."""
    source, slash, external = name.partition("/")
    if slash:
        return tickets.known(conn, source.replace("%2F", "/").replace("%25", "%"), external, None)
    try:
        return tickets.find(conn, tickets.number_of(name))
    except NotThere:
        return None


def _look_ahead(yard: Yard, number: int) -> None:
    """Work out why the model believes what it believes of the ticket that is likely to be next."""
    with yard.database.reading() as conn:
        filed = tickets.find(conn, number)
    if filed is not None:
        yard.explaining.of(yard.models.champion, filed)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part and len(part) < 19][-SKIPS:]


def _written(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers[-SKIPS:]))
