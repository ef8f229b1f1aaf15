"""Challengers: a bundle that predicts each new ticket beside the model in use, and the answers of both.

A challenger's answers are kept and never acted on; its predictions are made by `service.background.shadow_scoring`.
Functions take the caller's connection, which the caller commits.

The true label is known when a ticket is solved, and an unchanged label counts as correct. People tend to agree with an
answer that they see or find set, so the figures favour the model in use: a challenger that is better by them is better.
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
from deskyard.domain.label_spelling import is_same_label
from deskyard.domain.ticket import Target
from deskyard.registry import active_model
from deskyard.registry.active_model import ActiveModel
from deskyard.registry.comparison import Comparison, ModelAnswers, TargetAnswers, compare_models


@dataclass(frozen=True, slots=True)
class Challenger:
    """A bundle named as challenger; it has predicted the tickets of the journal's decisions up to entry `read_to`."""

    number: int
    at: datetime
    actor: str
    name: str
    digest: str
    read_to: int


@dataclass(frozen=True, slots=True)
class ShadowAnswer:
    """The predictions of both models for one target of a ticket, and whether their contracts allowed to route it."""

    target: Target
    challenger_label: str
    challenger_routed: bool
    champion_label: str
    champion_routed: bool


def get_challenger(conn: Connection) -> Challenger | None:
    """The challenger; None where there is none, or it is in use by now."""
    row = conn.execute(select(CHALLENGERS).order_by(CHALLENGERS.c.id.desc()).limit(1)).first()
    in_use = active_model.get_active(conn)
    if row is None or not row.name or (in_use and in_use.digest == row.digest):
        return None
    return Challenger(row.id, row.at, row.actor, row.name, row.digest, row.read_to)


def set_challenger(conn: Connection, name: str, digest: str, actor: str, at: datetime) -> None:
    """Set the challenger from the next ticket on; "" sets none."""
    current = get_challenger(conn)
    if (current.name, current.digest) == (name, digest) if current else not name:
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
    """Store the answers of both models (ticket → one for each target) and how far the journal is read (`read_to`);
    `champion_digests`: ticket → digest of the model in use then. Answers that exist already are kept."""
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
        for ticket, ticket_answers in answers.items()
        for one in ticket_answers
    ]
    if rows:
        conn.execute(insert_or_ignore(conn, SHADOW_ANSWERS), rows)
    conn.execute(update(CHALLENGERS).where(CHALLENGERS.c.id == challenger.number).values(read_to=read_to))


def count_scored_tickets(conn: Connection, challenger: Challenger) -> int:
    """The number of tickets that it has predicted."""
    answers = select(func.count(SHADOW_ANSWERS.c.ticket_id.distinct()))
    return int(conn.scalar(answers.where(SHADOW_ANSWERS.c.digest == challenger.digest)) or 0)


def compare_live(
    conn: Connection, challenger: Challenger, precision: Mapping[Target, float], champion: ActiveModel | None
) -> Comparison:
    """The comparison of the challenger with the model in use on the tickets that both predicted, by the final labels.

    `precision`: the required precision of each target (0.95 where left out). Tickets of the same hour with the same
    answers count as one, because they may be copies.
    """
    in_use = champion.digest if champion else ""
    same_target = (TARGET_FACTS.c.ticket_id == SHADOW_ANSWERS.c.ticket_id) & (
        TARGET_FACTS.c.target == SHADOW_ANSWERS.c.target
    )
    rows = conn.execute(
        select(SHADOW_ANSWERS, TARGET_FACTS.c.truth, TARGET_FACTS.c.source)
        .join(TARGET_FACTS, same_target, isouter=True)
        .where(SHADOW_ANSWERS.c.digest == challenger.digest, SHADOW_ANSWERS.c.champion == in_use)
        .order_by(SHADOW_ANSWERS.c.ticket_id)
    ).all()
    tickets: defaultdict[int, dict[Target, Any]] = defaultdict(dict)
    for row in rows:
        tickets[row.ticket_id][row.target] = row
    targets: list[Target] = sorted({row.target for row in rows})
    group_numbers: dict[object, int] = {}
    ticket_rows = list(tickets.values())
    groups = [group_numbers.setdefault(_duplicate_key(one), len(group_numbers)) for one in ticket_rows]
    return compare_models(
        in_use,
        challenger.digest,
        {
            target: _target_answers([one.get(target) for one in ticket_rows], precision.get(target, 0.95))
            for target in targets
        },
        slices={"source": np.array([_ticket_source(one) for one in ticket_rows], np.str_)},
        groups=np.array(groups, np.int64),
        since=challenger.at.isoformat(),
    )


def _target_answers(rows: list[Any], precision: float) -> TargetAnswers:
    def answers(name: str) -> ModelAnswers:
        routed = np.array([row is not None and bool(row._mapping[f"{name}_routed"]) for row in rows], bool)
        return ModelAnswers(_label_column(rows, name), routed, bool(routed.any()))

    return TargetAnswers(_label_column(rows, "truth"), answers("ours"), answers("said"), precision)


def _label_column(rows: list[Any], name: str) -> Any:
    """A label for each row, "" where there is none; a spelling of the true label is written as that."""
    labels = [("", None) if row is None else (row._mapping[name] or "", row.truth) for row in rows]
    return np.array([truth if is_same_label(label, truth) else label for label, truth in labels], np.str_)


def _duplicate_key(rows: Mapping[Target, Any]) -> object:
    return tuple(sorted((target, row.at.strftime("%Y-%m-%d %H"), row.said, row.ours) for target, row in rows.items()))


def _ticket_source(rows: Mapping[Target, Any]) -> str:
    return next((row.source or "" for row in rows.values()), "")
