"""Challengers: the bundle that is asked about each new ticket beside the model in use, and what both said.

In come sessions, whose owner commits; out go the challenger's name, answers, and what the two are worth by what people
made of the tickets. A challenger's answers are kept and never acted on. Asking it is `service.background.shadow_scoring`'s.

What is right is known when a ticket is solved, and what nobody changed counts as right. Who saw an answer, or found it
set, leans to it: the figures flatter the model in use, and a challenger that is better by them is better.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, insert, select, update

from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.analytics import ANSWERS
from deskyard.db.tables.journal import JOURNAL_ENTRIES
from deskyard.db.tables.registry import CHALLENGERS, SHADOW_ANSWERS
from deskyard.domain.ticket import Target
from deskyard.registry import active_model
from deskyard.registry.active_model import Active
from deskyard.registry.comparison import Answers, Comparison, Said, compare


@dataclass(frozen=True, slots=True)
class Challenger:
    """A bundle named as challenger; it has been asked about the journal's decisions up to entry `read_to`."""

    number: int
    at: datetime
    actor: str
    name: str
    digest: str
    read_to: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What both said of one target of a ticket, and whether their contracts would have let it be set."""

    target: Target
    said: str
    said_routed: bool
    ours: str
    ours_routed: bool


def now(conn: Connection) -> Challenger | None:
    """The challenger; None where none is named, or it is in use by now."""
    row = conn.execute(select(CHALLENGERS).order_by(CHALLENGERS.c.id.desc()).limit(1)).first()
    in_use = active_model.current(conn)
    if row is None or not row.name or (in_use and in_use.digest == row.digest):
        return None
    return Challenger(row.id, row.at, row.actor, row.name, row.digest, row.read_to)


def put(conn: Connection, name: str, digest: str, actor: str, at: datetime) -> None:
    """Name the challenger from the next ticket on; "" names none."""
    present = now(conn)
    if (present.name, present.digest) == (name, digest) if present else not name:
        return
    newest = conn.scalar(select(func.max(JOURNAL_ENTRIES.c.id))) or 0
    row = {"at": at, "actor": actor, "name": name, "digest": digest, "read_to": newest}
    conn.execute(insert(CHALLENGERS), row)


def keep(
    conn: Connection,
    challenger: Challenger,
    champion: Mapping[int, str],
    answered: Mapping[int, Iterable[Answered]],
    read_to: int,
    at: datetime,
) -> None:
    """Keep answers (ticket → what both said of its targets; `champion`: ticket → the model in use then), and how far
    the journal is read. An answer that is there already stays."""
    rows = [
        {
            "digest": challenger.digest,
            "ticket_id": ticket,
            "target": one.target,
            "champion": champion[ticket],
            "at": at,
            "said": one.said,
            "said_routed": one.said_routed,
            "ours": one.ours,
            "ours_routed": one.ours_routed,
        }
        for ticket, said in answered.items()
        for one in said
    ]
    if rows:
        conn.execute(insert_or_ignore(conn, SHADOW_ANSWERS), rows)
    conn.execute(update(CHALLENGERS).where(CHALLENGERS.c.id == challenger.number).values(read_to=read_to))


def asked(conn: Connection, challenger: Challenger) -> int:
    """Of how many tickets it has been asked."""
    mine = SHADOW_ANSWERS.c.digest == challenger.digest
    return int(conn.scalar(select(func.count(SHADOW_ANSWERS.c.ticket_id.distinct())).where(mine)) or 0)


def compare_live(
    conn: Connection, challenger: Challenger, precision: Mapping[Target, float], champion: Active | None
) -> Comparison:
    """The challenger beside the model in use by what people made of the tickets that both were asked about.

    `precision`: what is asked of each target (0.95 unless said).

    Tickets of one hour of which both said the same are one ticket's worth of proof: they may be copies.
    """
    in_use = champion.digest if champion else ""
    both = (ANSWERS.c.ticket_id == SHADOW_ANSWERS.c.ticket_id) & (ANSWERS.c.target == SHADOW_ANSWERS.c.target)
    rows = conn.execute(
        select(SHADOW_ANSWERS, ANSWERS.c.truth, ANSWERS.c.source)
        .join(ANSWERS, both, isouter=True)
        .where(SHADOW_ANSWERS.c.digest == challenger.digest, SHADOW_ANSWERS.c.champion == in_use)
        .order_by(SHADOW_ANSWERS.c.ticket_id)
    ).all()
    tickets: defaultdict[int, dict[Target, Any]] = defaultdict(dict)
    for row in rows:
        tickets[row.ticket_id][row.target] = row
    targets: list[Target] = sorted({row.target for row in rows})
    alike: dict[object, int] = {}
    stood = list(tickets.values())
    groups = [alike.setdefault(_alike(said), len(alike)) for said in stood]
    return compare(
        in_use,
        challenger.digest,
        {target: _answers([said.get(target) for said in stood], precision.get(target, 0.95)) for target in targets},
        slices={"source": np.array([_source(said) for said in stood], np.str_)},
        groups=np.array(groups, np.int64),
        since=challenger.at.isoformat(),
    )


def _answers(rows: list[Any], precision: float) -> Answers:
    def said(name: str) -> Said:
        routed = np.array([row is not None and bool(row._mapping[f"{name}_routed"]) for row in rows], bool)
        return Said(_column(rows, name), routed, bool(routed.any()))

    return Answers(_column(rows, "truth"), said("ours"), said("said"), precision)


def _column(rows: list[Any], name: str) -> Any:
    return np.array([(row._mapping[name] or "") if row is not None else "" for row in rows], np.str_)


def _alike(said: Mapping[Target, Any]) -> object:
    return tuple(sorted((target, row.at.strftime("%Y-%m-%d %H"), row.said, row.ours) for target, row in said.items()))


def _source(said: Mapping[Target, Any]) -> str:
    return next((row.source or "" for row in said.values()), "")
