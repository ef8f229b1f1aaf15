"""The tickets behind a figure: the same conditions on the facts of single tickets, counted and listed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, exists, func, or_, select

from deskyard.analytics.query import Asked, Only
from deskyard.analytics.rollups import seen
from deskyard.analytics.taxonomy_view import called
from deskyard.analytics.ticket_facts import UNKNOWN
from deskyard.db.tables.analytics import ANSWERS, MOVES, TICKET_FACTS
from deskyard.db.tables.desk import STATUS_LINKS
from deskyard.db.tables.review import BLIND_REVIEWS
from deskyard.errors import BadInput

_Named = dict[str, ColumnElement[bool]]


def _places(answers: FromClause) -> _Named:
    place = answers.c.place
    return {
        "1": place == 1,
        "top3": place > 0,
        "wrong": place.in_([0, 2, 3]),
        "known": place != UNKNOWN,
        "unknown": place == UNKNOWN,
    }


@dataclass(frozen=True, slots=True)
class Behind:
    """How many tickets, and the numbers of those on this page, newest first; `after` continues it (None: the end)."""

    n: int
    numbers: list[int]
    after: int | None


def behind(conn: Connection, asked: Asked, only: Only, size: int, before: int | None = None) -> Behind:
    """The tickets; `before`: only those with a lower number."""
    rows = _chosen(asked, only)
    number = rows.selected_columns[0]
    n = conn.scalar(select(func.count()).select_from(rows.subquery())) or 0
    page = rows.order_by(number.desc()).limit(size + 1)
    found = list(conn.scalars(page.where(number < before) if before else page))
    return Behind(int(n), found[:size], found[size - 1] if len(found) > size else None)


def _chosen(asked: Asked, only: Only) -> Select[Any]:
    facts, answers = seen(TICKET_FACTS, asked), seen(ANSWERS, asked)
    rows = select(facts.c.ticket_id).where(*asked.where(facts, ever=only.ever), *_of_ticket(asked, only, facts))
    of_answer = list(_of_answer(only, answers))
    if of_answer:
        same = (answers.c.ticket_id == facts.c.ticket_id) & (answers.c.target == asked.target)
        if not only.ever:  # the same days, said where the index begins
            rows = rows.where(answers.c.day.between(asked.first.isoformat(), asked.last.isoformat()))
        rows = rows.join(answers, same).where(*of_answer)
    return rows


def _of_answer(only: Only, answers: FromClause) -> Iterator[ColumnElement[bool]]:
    if only.fate:
        yield answers.c.fate == only.fate
    if only.place:
        yield _named(_places(answers), only.place, "place")
    if only.said is not None:
        yield answers.c.said == only.said
    if only.truth is not None:
        yield answers.c.truth == only.truth
    if only.said_others:
        yield answers.c.said.not_in(only.said_others)
    if only.truth_others:
        yield answers.c.truth.not_in(only.truth_others)


def _of_ticket(asked: Asked, only: Only, facts: FromClause) -> Iterator[ColumnElement[bool]]:
    if only.state:
        solved = facts.c.solved
        yield _named({"solved": solved.is_(True), "unsolved": solved.is_(False)}, only.state, "state")
    if only.speed:
        measures = ("first_response", "replies", "resolution")
        yield _named({name: facts.c[name].is_not(None) for name in measures}, only.speed, "speed")
    if only.moved:
        yield _named({"moved": facts.c.moves > 0, "returned": facts.c.returned}, only.moved, "moved")
    if only.by:
        yield (facts.c.fate == "routed") if only.by == "machine" else (facts.c.fate != "routed")
    if only.hour is not None:
        yield facts.c.hour == only.hour
    if only.weekday is not None:
        yield facts.c.day.in_([day.isoformat() for day in _days(asked) if day.weekday() == only.weekday])
    if only.day:
        yield facts.c.day == only.day
    if only.agent is not None:
        yield facts.c.assignee == only.agent
    moves = seen(MOVES, asked)
    if only.was or only.became:
        yield exists().where(
            moves.c.ticket_id == facts.c.ticket_id, moves.c.was == only.was, moves.c.became == only.became
        )
    if len(only.pair) == 2:
        one, other = only.pair
        there = (moves.c.was == one) & (moves.c.became == other)
        back = (moves.c.was == other) & (moves.c.became == one)
        yield exists().where(moves.c.ticket_id == facts.c.ticket_id, moves.c.back, or_(there, back))
    if only.blind:
        answer = called(BLIND_REVIEWS.c.answer, "queue", asked.turns)
        same = BLIND_REVIEWS.c.ticket_id == facts.c.ticket_id
        kinds = {
            "asked": BLIND_REVIEWS.c.answer.is_not(None),
            "right": answer == facts.c.placed,
            "wrong": answer != facts.c.placed,
        }
        yield exists().where(same, _named(kinds, only.blind, "blind"), facts.c.fate == "routed")
    if only.stars is not None:
        stars = (STATUS_LINKS.c.stars == only.stars) if only.stars else STATUS_LINKS.c.stars.is_not(None)
        yield exists().where(STATUS_LINKS.c.ticket_id == facts.c.ticket_id, stars)


def _days(asked: Asked) -> Iterator[date]:
    return (asked.first + timedelta(days=n) for n in range(asked.days))


def _named(table: _Named, name: str, what: str) -> ColumnElement[bool]:
    if name not in table:
        raise BadInput(f"{what} is one of {', '.join(table)}")
    return table[name]
