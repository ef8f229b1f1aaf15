"""The tickets behind a figure: counted and listed by the same conditions on single tickets."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, exists, func, or_, select

from deskyard.analytics.query import DrillDownFilter, ReportQuery
from deskyard.analytics.rollups import view_table
from deskyard.analytics.taxonomy_view import translate_column
from deskyard.analytics.ticket_facts import UNKNOWN_RANK
from deskyard.db.tables.analytics import QUEUE_MOVES, TARGET_FACTS, TICKET_FACTS
from deskyard.db.tables.desk import STATUS_LINKS
from deskyard.db.tables.review import BLIND_REVIEWS
from deskyard.errors import BadInput

_Conditions = dict[str, ColumnElement[bool]]


def _rank_conditions(target_facts: FromClause) -> _Conditions:
    place = target_facts.c.place
    return {
        "1": place == 1,
        "top3": place > 0,
        "wrong": place.in_([0, 2, 3]),
        "known": place != UNKNOWN_RANK,
        "unknown": place == UNKNOWN_RANK,
    }


@dataclass(frozen=True, slots=True)
class TicketPage:
    """`total` tickets, and the numbers of those on this page, newest first; `next_before` continues (None: the end)."""

    total: int
    numbers: list[int]
    next_before: int | None


def find_tickets(
    conn: Connection, query: ReportQuery, ticket_filter: DrillDownFilter, page_size: int, before: int | None = None
) -> TicketPage:
    """A page of the tickets; `before`: only those with a lower number."""
    rows = _select_tickets(query, ticket_filter)
    number = rows.selected_columns[0]
    n = conn.scalar(select(func.count()).select_from(rows.subquery())) or 0
    page = rows.order_by(number.desc()).limit(page_size + 1)
    found = list(conn.scalars(page.where(number < before) if before else page))
    return TicketPage(int(n), found[:page_size], found[page_size - 1] if len(found) > page_size else None)


def _select_tickets(query: ReportQuery, ticket_filter: DrillDownFilter) -> Select[Any]:
    facts, answers = view_table(TICKET_FACTS, query), view_table(TARGET_FACTS, query)
    rows = select(facts.c.ticket_id).where(
        *query.conditions(facts, any_day=ticket_filter.any_day), *_ticket_conditions(query, ticket_filter, facts)
    )
    of_answer = list(_target_conditions(ticket_filter, answers))
    if of_answer:
        same = (answers.c.ticket_id == facts.c.ticket_id) & (answers.c.target == query.target)
        if not ticket_filter.any_day:  # the same days, where the index begins
            rows = rows.where(answers.c.day.between(query.first.isoformat(), query.last.isoformat()))
        rows = rows.join(answers, same).where(*of_answer)
    return rows


def _target_conditions(ticket_filter: DrillDownFilter, target_facts: FromClause) -> Iterator[ColumnElement[bool]]:
    if ticket_filter.outcome:
        yield target_facts.c.fate == ticket_filter.outcome
    if ticket_filter.rank:
        yield _pick_condition(_rank_conditions(target_facts), ticket_filter.rank, "rank")
    if ticket_filter.predicted is not None:
        yield target_facts.c.said == ticket_filter.predicted
    if ticket_filter.actual is not None:
        yield target_facts.c.truth == ticket_filter.actual
    if ticket_filter.predicted_others:
        yield target_facts.c.said.not_in(ticket_filter.predicted_others)
    if ticket_filter.actual_others:
        yield target_facts.c.truth.not_in(ticket_filter.actual_others)


def _ticket_conditions(
    query: ReportQuery, ticket_filter: DrillDownFilter, facts: FromClause
) -> Iterator[ColumnElement[bool]]:
    if ticket_filter.state:
        solved = facts.c.solved
        yield _pick_condition({"solved": solved.is_(True), "unsolved": solved.is_(False)}, ticket_filter.state, "state")
    if ticket_filter.measure:
        measures = ("first_response", "replies", "resolution")
        yield _pick_condition({name: facts.c[name].is_not(None) for name in measures}, ticket_filter.measure, "measure")
    if ticket_filter.reassigned:
        yield _pick_condition(
            {"reassigned": facts.c.moves > 0, "returned": facts.c.returned}, ticket_filter.reassigned, "reassigned"
        )
    if ticket_filter.by:
        yield (facts.c.fate == "routed") if ticket_filter.by == "machine" else (facts.c.fate != "routed")
    if ticket_filter.hour is not None:
        yield facts.c.hour == ticket_filter.hour
    if ticket_filter.weekday is not None:
        yield facts.c.day.in_(
            [day.isoformat() for day in _period_days(query) if day.weekday() == ticket_filter.weekday]
        )
    if ticket_filter.day:
        yield facts.c.day == ticket_filter.day
    if ticket_filter.agent is not None:
        yield facts.c.assignee == ticket_filter.agent
    moves = view_table(QUEUE_MOVES, query)
    if ticket_filter.moved_from or ticket_filter.moved_to:
        yield exists().where(
            moves.c.ticket_id == facts.c.ticket_id,
            moves.c.was == ticket_filter.moved_from,
            moves.c.became == ticket_filter.moved_to,
        )
    if len(ticket_filter.queue_pair) == 2:
        one, other = ticket_filter.queue_pair
        there = (moves.c.was == one) & (moves.c.became == other)
        back = (moves.c.was == other) & (moves.c.became == one)
        yield exists().where(moves.c.ticket_id == facts.c.ticket_id, moves.c.back, or_(there, back))
    if ticket_filter.blind_review:
        answer = translate_column(BLIND_REVIEWS.c.answer, "queue", query.taxonomy_changes)
        same = BLIND_REVIEWS.c.ticket_id == facts.c.ticket_id
        kinds = {
            "answered": BLIND_REVIEWS.c.answer.is_not(None),
            "correct": answer == facts.c.placed,
            "wrong": answer != facts.c.placed,
        }
        yield exists().where(
            same, _pick_condition(kinds, ticket_filter.blind_review, "blind_review"), facts.c.fate == "routed"
        )
    if ticket_filter.stars is not None:
        stars = (
            (STATUS_LINKS.c.stars == ticket_filter.stars) if ticket_filter.stars else STATUS_LINKS.c.stars.is_not(None)
        )
        yield exists().where(STATUS_LINKS.c.ticket_id == facts.c.ticket_id, stars)


def _period_days(query: ReportQuery) -> Iterator[date]:
    return (query.first + timedelta(days=n) for n in range(query.days))


def _pick_condition(table: _Conditions, name: str, what: str) -> ColumnElement[bool]:
    if name not in table:
        raise BadInput(f"{what} is one of {', '.join(table)}")
    return table[name]
