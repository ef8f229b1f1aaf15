"""Challengers: the bundle that is asked about each new ticket beside the model in use, and what both said.

In come sessions, whose owner commits; out go the challenger's name, answers, and what the two are worth by what people
made of the tickets. A challenger's answers are kept and never acted on. Asking it is
`service.background.shadow_scoring`'s.

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
from deskyard.db.tables.analytics import TARGET_FACTS
from deskyard.db.tables.journal import JOURNAL_ENTRIES
from deskyard.db.tables.registry import CHALLENGERS, SHADOW_ANSWERS
from deskyard.domain.ticket import Target
from deskyard.registry import active_model
from deskyard.registry.active_model import ActiveModel
from deskyard.registry.comparison import Comparison, ModelAnswers, TargetAnswers, compare_models


@dataclass(frozen=True, slots=True)
class Challenger:
    """A bundle named as challenger; it has been asked about the journal's decisions up to entry `advance_cursor`."""

    number: int
    at: datetime
    actor: str
    name: str
    digest: str
    read_to: int


@dataclass(frozen=True, slots=True)
class ShadowAnswer:
    """What both said of one target of a ticket, and whether their contracts would have let it be set."""

    target: Target
    challenger_label: str
    challenger_routed: bool
    champion_label: str
    champion_routed: bool


def get_challenger(conn: Connection) -> Challenger | None:
    """The challenger; None where none is named, or it is in use by now."""
    row = conn.execute(select(CHALLENGERS).order_by(CHALLENGERS.c.id.desc()).limit(1)).first()
    in_use = active_model.get_active(conn)
    if row is None or not row.name or (in_use and in_use.digest == row.digest):
        return None
    return Challenger(row.id, row.at, row.actor, row.name, row.digest, row.read_to)


def set_challenger(conn: Connection, name: str, digest: str, actor: str, at: datetime) -> None:
    """Name the challenger from the next ticket on; "" names none."""
    present = get_challenger(conn)
    if (present.name, present.digest) == (name, digest) if present else not name:
        return
    newest = conn.scalar(select(func.max(JOURNAL_ENTRIES.c.id))) or 0
    row = {"at": at, "actor": actor, "name": name, "digest": digest, "read_to": newest}
    conn.execute(insert(CHALLENGERS), row)


def record_answers(
    conn: Connection,
    challenger: Challenger,
    champion_digests: Mapping[int, str],
    answers: Mapping[int, Iterable[ShadowAnswer]],
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
            "champion": champion_digests[ticket],
            "at": at,
            "said": one.challenger_label,
            "said_routed": one.challenger_routed,
            "ours": one.champion_label,
            "ours_routed": one.champion_routed,
        }
        for ticket, said in answers.items()
        for one in said
    ]
    if rows:
        conn.execute(insert_or_ignore(conn, SHADOW_ANSWERS), rows)
    conn.execute(update(CHALLENGERS).where(CHALLENGERS.c.id == challenger.number).values(read_to=read_to))


def count_scored_tickets(conn: Connection, challenger: Challenger) -> int:
    """Of how many tickets it has been asked."""
    mine = SHADOW_ANSWERS.c.digest == challenger.digest
    return int(conn.scalar(select(func.count(SHADOW_ANSWERS.c.ticket_id.distinct())).where(mine)) or 0)


def compare_live(
    conn: Connection, challenger: Challenger, precision: Mapping[Target, float], champion: ActiveModel | None
) -> Comparison:
    """The challenger beside the model in use by what people made of the tickets that both were asked about.

    `precision`: what is asked of each target (0.95 unless said).

    Tickets of one hour of which both said the same are one ticket's worth of proof: they may be copies.
    """
    in_use = champion.digest if champion else ""
    both = (TARGET_FACTS.c.ticket_id == SHADOW_ANSWERS.c.ticket_id) & (TARGET_FACTS.c.target == SHADOW_ANSWERS.c.target)
    rows = conn.execute(
        select(SHADOW_ANSWERS, TARGET_FACTS.c.truth, TARGET_FACTS.c.source)
        .join(TARGET_FACTS, both, isouter=True)
        .where(SHADOW_ANSWERS.c.digest == challenger.digest, SHADOW_ANSWERS.c.champion == in_use)
        .order_by(SHADOW_ANSWERS.c.ticket_id)
    ).all()
    tickets: defaultdict[int, dict[Target, Any]] = defaultdict(dict)
    for row in rows:
        tickets[row.ticket_id][row.target] = row
    targets: list[Target] = sorted({row.target for row in rows})
    alike: dict[object, int] = {}
    stood = list(tickets.values())
    groups = [alike.setdefault(_duplicate_key(said), len(alike)) for said in stood]
    return compare_models(
        in_use,
        challenger.digest,
        {
            target: _target_answers([said.get(target) for said in stood], precision.get(target, 0.95))
            for target in targets
        },
        slices={"source": np.array([_ticket_source(said) for said in stood], np.str_)},
        groups=np.array(groups, np.int64),
        since=challenger.at.isoformat(),
    )


def _target_answers(rows: list[Any], precision: float) -> TargetAnswers:
    def said(name: str) -> ModelAnswers:
        routed = np.array([row is not None and bool(row._mapping[f"{name}_routed"]) for row in rows], bool)
        return ModelAnswers(_label_column(rows, name), routed, bool(routed.any()))

    return TargetAnswers(_label_column(rows, "truth"), said("ours"), said("said"), precision)


def _label_column(rows: list[Any], name: str) -> Any:
    return np.array([(row._mapping[name] or "") if row is not None else "" for row in rows], np.str_)


def _duplicate_key(rows: Mapping[Target, Any]) -> object:
    return tuple(sorted((target, row.at.strftime("%Y-%m-%d %H"), row.said, row.ours) for target, row in rows.items()))


def _ticket_source(rows: Mapping[Target, Any]) -> str:
    return next((row.source or "" for row in rows.values()), "")
