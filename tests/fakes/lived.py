"""A desk with a past: simulated tickets of the last weeks, routed by a real model and solved by simulated people.

The rows are written by the same code as in production; only their times are set afterwards.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import bindparam, update

from deskyard.analytics import rollups
from deskyard.db.database import Database, open_database
from deskyard.db.tables.desk import COMMENTS, QUEUES, TICKET_HISTORY, TICKETS
from deskyard.db.tables.journal import JOURNAL_ENTRIES
from deskyard.desk import agents, ticket_history
from deskyard.desk.queues import ensure_queues
from deskyard.desk.ticket_history import HistoryStep
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import TRIAGE
from deskyard.journal.journal import COMMENTED, EntryHeader, Journal
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from deskyard.settings import settings
from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.simulated_ticket import SimulatedTicket
from deskyard.simulate.world import SimulatedWorld
from service.runtime.context import AppContext
from service.tickets.corrections import step_entry
from service.tickets.routing import IncomingTicket, route_batch
from tests.forked import run_command

BATCH = 500
FRESH, BACKLOG = timedelta(hours=3), timedelta(hours=20)
"""Tickets younger than this have not been seen by people; those in triage (`BACKLOG`) wait longer."""


def learnt(home: Path, tickets: int) -> None:
    """Train on a simulated history, and fill the home's `deskyard.db` with the model."""
    home.mkdir(parents=True, exist_ok=True)
    history = home / "history.csv"
    write_history(SimulatedWorld(seed=1, label_noise=0.02, ambiguous=0.05, distractions=0.1), 1200, history)
    command = ["train", history, "--effort", "quick", "--no-mlflow", "--precision", "0.9"]
    trained = run_command(*command, env={"DESKYARD_HOME": str(home), "DESKYARD_DATABASE_URL": ""}, timeout=600)
    assert trained.returncode == 0, trained.stderr
    history.unlink()
    live(home, f"sqlite:///{home}/deskyard.db", tickets)


def live(home: Path, database: str, tickets: int, days: int = 90, seed: int = 7, precision: float = 0.9) -> None:
    """Fill the database; its champion is that of the home's models."""
    now = datetime.now(UTC).replace(microsecond=0)
    world = SimulatedWorld(seed=seed, days=days, start=now - timedelta(days=days))
    opened = open_database(database)
    try:
        with opened.writing() as conn:
            ensure_queues(conn)
            agents.ensure_agents(conn, {one.login: tuple(one.skills) for one in world.desk.agents})
            Policies.add_version(conn, Policy(mode=Mode.ROUTE, precision=precision), "ann", now - timedelta(days=days))
        context, dice = AppContext(opened, home / "models"), random.Random(seed)
        batch: list[SimulatedTicket] = []
        for one in world.tickets(tickets):
            batch.append(one)
            if len(batch) == BATCH:
                _run_batch(context, batch, now, dice)
                batch = []
        if batch:
            _run_batch(context, batch, now, dice)
        rollups.refresh_rollups(opened, settings().time_zone)
    finally:
        opened.close()


def _run_batch(context: AppContext, batch: Sequence[SimulatedTicket], now: datetime, dice: random.Random) -> None:
    answered = route_batch(context, [IncomingTicket(one.ticket) for one in batch])
    numbers = [int(one.answer["ticket"]["id"]) for one in answered]
    database: Database = context.database
    with database.writing() as conn:
        placed = {
            row.id: row
            for row in conn.execute(
                TICKETS.join(QUEUES, QUEUES.c.id == TICKETS.c.queue_id)
                .select()
                .where(TICKETS.c.id.in_(numbers))
                .with_only_columns(
                    TICKETS.c.id,
                    QUEUES.c.name.label("queue"),
                    TICKETS.c.category,
                    TICKETS.c.priority,
                    TICKETS.c.assignee,
                )
            )
        }
        queues = {row.name: row.id for row in conn.execute(QUEUES.select())}
        created = [{"number": n, "moment": one.ticket.created_at} for n, one in zip(numbers, batch, strict=True)]
        for table, column in ((JOURNAL_ENTRIES, "ticket_id"), (TICKET_HISTORY, "ticket_id")):
            conn.execute(
                update(table).where(table.c[column] == bindparam("number")).values(at=bindparam("moment")), created
            )
        firsts = Journal.first_decisions(conn, numbers)
        steps, events, rows, comments = {}, [], [], []
        for number, one in zip(numbers, batch, strict=True):
            ticket_steps, status = _simulate_people(one, placed[number], queues, now, dice)
            steps[number] = ticket_steps
            ends = {name: getattr(placed[number], name) for name in ("queue", "category", "priority", "assignee")}
            ends |= {step.field: step.became for step in ticket_steps if step.field != "status"}
            last = max([one.ticket.created_at, *(step.at for step in ticket_steps)])
            rows.append(
                {
                    "number": number,
                    "moment": one.ticket.created_at,
                    "last": last,
                    "q": queues[ends["queue"]],
                    "c": ends["category"],
                    "p": ends["priority"],
                    "a": ends["assignee"],
                    "s": status,
                    "v": 1 + len({step.at for step in ticket_steps}),
                }
            )
            first = firsts[number]
            header = EntryHeader(number, first.ticket_hash, now, first.bundle, first.policy)
            events += [(replace(header, at=step.at), *step_entry(step)) for step in ticket_steps]
            answer_at = one.first_response_at
            if answer_at and answer_at < now and ticket_steps:
                by = ends["assignee"] or "ann"
                answer = {"actor_kind": "person", "actor": by, "public": True, "text": "We are on it.", "key": None}
                comments.append({"ticket_id": number, "at": answer_at, **answer})
                body = {"comment": 0, "by": by, "kind": "person", "public": True}
                events.append((replace(header, at=answer_at), COMMENTED, body))
        ticket_history.add_steps_by_ticket(conn, steps)
        Journal.record_all(conn, events)
        if comments:
            conn.execute(COMMENTS.insert(), comments)
        conn.execute(
            update(TICKETS)
            .where(TICKETS.c.id == bindparam("number"))
            .values(
                created_at=bindparam("moment"),
                received_at=bindparam("moment"),
                updated_at=bindparam("last"),
                queue_id=bindparam("q"),
                category=bindparam("c"),
                priority=bindparam("p"),
                assignee=bindparam("a"),
                status=bindparam("s"),
                version=bindparam("v"),
            ),
            rows,
        )


def _simulate_people(
    one: SimulatedTicket, placed, queues, now: datetime, dice: random.Random
) -> tuple[list[HistoryStep], str]:
    """The steps of people on a ticket until now, and its status."""
    created = one.ticket.created_at
    if now - created < (BACKLOG if placed.queue == TRIAGE else FRESH):
        return [], "new"
    taken_at = one.first_response_at or created + timedelta(hours=dice.random() * 8)
    taken_at = min(taken_at, now)
    steps = list(_triage_steps(one, placed, queues, created, taken_at, dice))
    who = Actor("person", one.labels["assignee"])
    status = "open"
    steps.append(HistoryStep(taken_at, who, "status", "new", "open", ""))
    solved = one.resolved_at
    if solved is not None and solved < now:
        steps.append(HistoryStep(max(solved, taken_at), who, "status", "open", "resolved", ""))
        status = "resolved"
    return steps, status


def _triage_steps(one, placed, queues, created, taken_at, dice) -> Iterator[HistoryStep]:
    """A dispatcher or the wrong queue's agent moves the ticket, and the right queue's agent takes it."""
    truth = one.truth.labels["queue"]
    at = created + (taken_at - created) * 0.5
    if placed.queue != truth and truth in queues:
        sorter = Actor("person", "dispatcher" if placed.queue == TRIAGE else one.labels["assignee"])
        where = placed.queue
        if dice.random() < 0.08:  # by way of a third queue, and sometimes back
            other = dice.choice([name for name in queues if name not in (where, truth, TRIAGE)])
            yield HistoryStep(at - (taken_at - created) * 0.2, sorter, "queue", where, other, "")
            where = other
        yield HistoryStep(at, sorter, "queue", where, truth, "")
    who = Actor("person", one.labels["assignee"])
    for field in ("category", "priority", "assignee"):
        was, becomes = getattr(placed, field), one.labels[field]
        if was != becomes:
            yield HistoryStep(taken_at, who, field, was, becomes, "")
