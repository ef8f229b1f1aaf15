"""The tickets behind a figure: the same conditions on the facts of single tickets, counted and listed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Select, Table, exists, func, or_, select

from deskyard.accuracy.asked import Asked, Only
from deskyard.accuracy.facts import UNKNOWN
from deskyard.accuracy.rightness import BLIND
from deskyard.accuracy.rollups import ANSWERS, FACTS, MOVES
from deskyard.database import Session
from deskyard.errors import BadInput
from deskyard.tables import StatusLinkRow

RATED: Final = cast(Table, StatusLinkRow.__table__)

_Named = dict[str, ColumnElement[bool]]

_PLACES: Final[_Named] = {
    "1": ANSWERS.c.place == 1,
    "top3": ANSWERS.c.place > 0,
    "wrong": ANSWERS.c.place.in_([0, 2, 3]),
    "known": ANSWERS.c.place != UNKNOWN,
    "unknown": ANSWERS.c.place == UNKNOWN,
}
_STATES: Final[_Named] = {"solved": FACTS.c.solved.is_(True), "unsolved": FACTS.c.solved.is_(False)}
_SPEEDS: Final[_Named] = {name: FACTS.c[name].is_not(None) for name in ("first_response", "replies", "resolution")}
_MOVED: Final[_Named] = {"moved": FACTS.c.moves > 0, "returned": FACTS.c.returned.is_(True)}
_BLIND: Final[_Named] = {
    "asked": BLIND.c.answer.is_not(None),
    "right": BLIND.c.answer == FACTS.c.placed,
    "wrong": BLIND.c.answer != FACTS.c.placed,
}


@dataclass(frozen=True, slots=True)
class Behind:
    """How many tickets, and the numbers of those on this page, newest first; `after` continues it (None: the end)."""

    n: int
    numbers: list[int]
    after: int | None


def behind(session: Session, asked: Asked, only: Only, size: int, before: int | None = None) -> Behind:
    """The tickets; `before`: only those with a lower number."""
    rows = _chosen(asked, only)
    n = session.scalar(select(func.count()).select_from(rows.subquery())) or 0
    page = rows.order_by(FACTS.c.ticket_id.desc()).limit(size + 1)
    found = list(session.scalars(page.where(FACTS.c.ticket_id < before) if before else page))
    return Behind(int(n), found[:size], found[size - 1] if len(found) > size else None)


def _chosen(asked: Asked, only: Only) -> Select[Any]:
    rows = select(FACTS.c.ticket_id).where(*asked.where(FACTS, ever=only.ever), *_of_ticket(asked, only))
    of_answer = list(_of_answer(asked, only))
    if of_answer:
        same = (ANSWERS.c.ticket_id == FACTS.c.ticket_id) & (ANSWERS.c.target == asked.target)
        if not only.ever:  # the same days, said where the index begins
            rows = rows.where(ANSWERS.c.day.between(asked.first.isoformat(), asked.last.isoformat()))
        rows = rows.join(ANSWERS, same).where(*of_answer)
    return rows


def _of_answer(asked: Asked, only: Only) -> Iterator[ColumnElement[bool]]:
    if only.fate:
        yield ANSWERS.c.fate == only.fate
    if only.place:
        yield _named(_PLACES, only.place, "place")
    if only.said is not None:
        yield ANSWERS.c.said == only.said
    if only.truth is not None:
        yield ANSWERS.c.truth == only.truth
    if only.said_others:
        yield ANSWERS.c.said.not_in(only.said_others)
    if only.truth_others:
        yield ANSWERS.c.truth.not_in(only.truth_others)


def _of_ticket(asked: Asked, only: Only) -> Iterator[ColumnElement[bool]]:
    for table, name, what in (
        (_STATES, only.state, "state"),
        (_SPEEDS, only.speed, "speed"),
        (_MOVED, only.moved, "moved"),
    ):
        if name:
            yield _named(table, name, what)
    if only.by:
        yield (FACTS.c.fate == "routed") if only.by == "machine" else (FACTS.c.fate != "routed")
    if only.hour is not None:
        yield FACTS.c.hour == only.hour
    if only.weekday is not None:
        yield FACTS.c.day.in_([day.isoformat() for day in _days(asked) if day.weekday() == only.weekday])
    if only.day:
        yield FACTS.c.day == only.day
    if only.agent is not None:
        yield FACTS.c.assignee == only.agent
    if only.was or only.became:
        yield exists().where(
            MOVES.c.ticket_id == FACTS.c.ticket_id, MOVES.c.was == only.was, MOVES.c.became == only.became
        )
    if len(only.pair) == 2:
        one, other = only.pair
        there = (MOVES.c.was == one) & (MOVES.c.became == other)
        back = (MOVES.c.was == other) & (MOVES.c.became == one)
        yield exists().where(MOVES.c.ticket_id == FACTS.c.ticket_id, MOVES.c.back, or_(there, back))
    if only.blind:
        same = BLIND.c.ticket_id == FACTS.c.ticket_id
        yield exists().where(same, _named(_BLIND, only.blind, "blind"), FACTS.c.fate == "routed")
    if only.stars is not None:
        stars = (RATED.c.stars == only.stars) if only.stars else RATED.c.stars.is_not(None)
        yield exists().where(RATED.c.ticket_id == FACTS.c.ticket_id, stars)


def _days(asked: Asked) -> Iterator[date]:
    return (asked.first + timedelta(days=n) for n in range(asked.days))


def _named(table: _Named, name: str, what: str) -> ColumnElement[bool]:
    if name not in table:
        raise BadInput(f"{what} is one of {', '.join(table)}")
    return table[name]
