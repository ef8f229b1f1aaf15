"""Fills a desk's database with tickets that were decided on, moved, answered and solved at random, with a seed.

It is fast because it needs no model; for tests of figures. `fill` may be called again to add tickets.
"""

import random
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from deskyard.db.tables.desk import QUEUES, TICKETS
from deskyard.desk import comments, ticket_history, tickets
from deskyard.desk.queues import ensure_queues
from deskyard.desk.ticket_history import HistoryStep
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.ticket import Ticket
from deskyard.journal.journal import CHANGED, COMMENTED, CORRECTED, DECIDED, PLACED, RECEIVED, EntryHeader, Journal

QUEUE_NAMES = ("IT", "Billing", "HR", "=Mail+1", "Legal")
AGENTS = ("ann", "bob", "eve", None)
START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 70


def fill(database, n=300, seed=1, days=DAYS, start=START):
    """Add `n` tickets over `days` days; returns their numbers."""
    dice, numbers = random.Random(seed), []
    with database.writing() as conn:
        ensure_queues(conn, QUEUE_NAMES)
        for i in range(n):
            at = start + timedelta(days=days) * (i / n) + timedelta(minutes=dice.randrange(60))
            numbers.append(_file(conn, dice, f"{seed}-{i}", at))
            if dice.random() < 0.9:
                _simulate_people(conn, dice, numbers[-1], at)
    return numbers


def _file(conn, dice, name, at):
    queue = dice.choice(QUEUE_NAMES)
    routed = dice.random() < 0.7
    action = "route" if routed else "suggest" if dice.random() < 0.8 else "leave"
    others = dice.sample([one for one in QUEUE_NAMES if one != queue], 4)
    place = queue if routed else TRIAGE
    decisions = {"queue": _decision(action, queue, others), "priority": _decision("suggest", "low", ["medium", "high"])}
    if dice.random() < 0.5:
        decisions["category"] = _decision("route", f"about {queue}", ["about all"])
    values = {"category": f"about {queue}"} if "category" in decisions else {}
    source = dice.choice(["mail", "form"])
    ticket = Ticket(id=name, source=source, subject=f"secret of {name}", requester="who@example.org", created_at=at)
    number = tickets.file_ticket(conn, ticket, place, values, at=at)
    code = "queue" if routed else "triage"
    content = {
        "decisions": decisions,
        "placement": {"queue": place, "reason": {"code": code, "text": ""}},
        "set": values,
    }
    events = (RECEIVED, {"source": source, "external_id": name}), (DECIDED, content), (PLACED, {"queue": place})
    Journal.record(conn, EntryHeader(number, "h", at, "b", "p"), *events)
    return number


def _decision(action, label, others):
    top = [{"label": one, "confidence": 0.9 / (i + 1)} for i, one in enumerate((label, *others))]
    return {"label": label, "confidence": 0.9, "action": action, "top": top, "reasons": [{"code": "x", "text": ""}]}


def _simulate_people(conn, dice, number, at):
    for _ in range(dice.choice([0, 0, 0, 1, 1, 2, 4])):
        at += timedelta(minutes=dice.randrange(1, 2000))
        change(conn, number, "queue", dice.choice(QUEUE_NAMES), at)
    change(conn, number, "priority", dice.choice(["low", "medium", "high", "critical"]), at)
    change(conn, number, "assignee", dice.choice(AGENTS), at)
    for _ in range(dice.randrange(3)):
        at += timedelta(minutes=dice.randrange(1, 500))
        who, public = dice.choice(["ann", "bob", "who@example.org"]), dice.random() < 0.8
        say(conn, number, who, public, at)
    if dice.random() < 0.85:
        change(conn, number, "status", "resolved", at + timedelta(minutes=dice.randrange(1, 3000)))
        if dice.random() < 0.05:
            change(conn, number, "status", "open", at + timedelta(days=3))


def change(conn, number, field, becomes, at):
    """Set a field of a ticket as a person."""
    was = tickets.get_ticket(conn, number).value(field)
    if was == becomes:
        return
    values = {field: becomes}
    if field == "queue":
        values = {"queue_id": conn.scalar(select(QUEUES.c.id).where(QUEUES.c.name == becomes))}
    conn.execute(update(TICKETS).where(TICKETS.c.id == number).values(**values))
    ticket_history.add_steps(conn, number, [HistoryStep(at, Actor("person", "ann"), field, was, becomes, "")])
    body = {"field": field, "from": was, "to": becomes, "by": "ann", "kind": "person"}
    Journal.record(conn, EntryHeader(number, "h", at, "b", "p"), (CHANGED if field == "status" else CORRECTED, body))


def say(conn, number, who, public, at):
    """Add a comment of a person."""
    comments.add_comment(conn, number, Actor("person", who), "words", public=public, at=at)
    body = {"comment": 1, "by": who, "kind": "person", "public": public}
    Journal.record(conn, EntryHeader(number, "h", at, "b", "p"), (COMMENTED, body))
