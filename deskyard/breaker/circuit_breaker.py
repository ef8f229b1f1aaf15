"""Trips: the circuit breaker at work on a desk. Classes whose tickets go wrong too often fall back to *suggest*.

In come sessions, whose owner commits: what people said of the machine's answers (`report_answers`), the policy in force
and the model in use. What is written: a new version of the policy that holds the label back, the trip, a deed in the
audit log, and notices; a trip that stands proposes to learn anew. No ticket is moved, no bundle's arrays opened.

What counts, class by class (a label of a target), in the order in which tickets came: those that the machine routed
since the model in use was put there, or since somebody closed the breaker. A ticket is wrong where a person chose
another value; all others are taken for right, spoken on or not. That makes alarms later and never false: what is
not known yet can only add to the suspicion. Beside it stands the same test on blind answers alone (queues), which
nobody's silence flatters. Both together: one false alarm in `breaker.PATIENCE` routed tickets at most, where
promises are just kept, blind ones counted twice.

A trip ends when a person closes it, or when another model than the one that tripped is put in use: that one was
proved on newer evidence, and is watched from its first ticket.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from deskyard.analytics.ticket_facts import ROUTED
from deskyard.breaker import change_detector
from deskyard.breaker.change_detector import Outcome, Tripped
from deskyard.db.tables.analytics import ANSWERS, ROLLUP_STATE
from deskyard.db.tables.breaker import BREAKER_TRIPS
from deskyard.db.tables.desk import TICKETS
from deskyard.db.tables.review import BLIND_REVIEWS
from deskyard.desk.ticket_history import Actor
from deskyard.domain.ticket import TARGETS, Target
from deskyard.errors import BundleError, NotThere
from deskyard.journal import audit_log
from deskyard.journal.journal import Journal
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies
from deskyard.registry import active_model, retraining_requests
from deskyard.registry.active_model import Active
from deskyard.sync import notifications

MACHINE: Final = Actor("machine", "machine: breaker")
"""Who trips it; no person and no key may bear that name (it has a colon and a space)."""

NEWEST: Final = 5_000
"""Routed tickets of a target that a look goes back over: what is older than that has long told what it had to tell."""

Tell = Callable[[Connection, int, str, int, str], object]
"""Tells whoever wants to know: ticket, queue, decision, event."""


@dataclass(frozen=True, slots=True)
class Trip:
    """The breaker took a label out at a ticket: `wrong` of the last `of` tickets were wrong, where `promised` (0..1)
    should be right; `closed_at` and `closed_by` once that is over."""

    number: int
    at: datetime
    target: Target
    label: str
    ticket: int
    wrong: int
    of: int
    promised: float
    bundle: str
    closed_at: datetime | None
    closed_by: str | None
    closed_ticket: int | None

    @property
    def why(self) -> str:
        """In a sentence."""
        return (
            f"{self.target} {self.label!r}: {self.wrong} of the last {self.of} tickets were wrong, "
            f"where {self.promised:.0%} should be right"
        )


def standing(conn: Connection) -> list[Trip]:
    """The trips that hold, oldest first."""
    return [_trip(row) for row in conn.execute(_ALL.where(BREAKER_TRIPS.c.closed_at.is_(None)))]


def past(conn: Connection, n: int) -> list[Trip]:
    """The newest `n` trips, newest first, over or not."""
    return [_trip(row) for row in conn.execute(select(BREAKER_TRIPS).order_by(BREAKER_TRIPS.c.id.desc()).limit(n))]


def look(conn: Connection, models: Path, at: datetime, tell: Tell | None = None) -> list[Trip]:
    """Trip for every class that broke its promise, and close what another model has put an end to; the new trips.

    `models` is the folder of bundles. Many processes may look: the row that says how far the journal is counted is the
    one that they take turns at. Without a model nothing is looked at.
    """
    conn.execute(select(ROLLUP_STATE).with_for_update()).one()
    now, policy = active_model.current(conn), Policies.current(conn).policy
    if now is None:
        return []
    held = [one for one in _settled(conn, policy, now, at) if one.closed_at is None]
    policy = Policies.current(conn).policy
    new = []
    for (target, label), found, promised in _broken(conn, models, now, policy):
        if label not in policy.tripped.get(target, ()) and (target, label) not in [(t.target, t.label) for t in held]:
            new.append(_keep(conn, target, label, found, promised, now, at))
    if not new:
        return []
    for one in new:
        policy = tripped(policy, one.target, one.label)
        _tell(conn, one, at, tell)
    version = Policies.put(conn, policy, MACHINE.name, at)
    audit_log.note(conn, MACHINE, "breaker.trip", f"version {version.number}: {'; '.join(one.why for one in new)}", at)
    retraining_requests.want(conn, "drift", "; ".join(one.why for one in new), at)
    return new


def close(conn: Connection, target: Target, label: str, actor: Actor, at: datetime) -> None:
    """Let the machine fill a class again, by a person's word; only tickets that come from now on count. Raises
    NotThere where the breaker does not hold it."""
    policy = Policies.current(conn).policy
    if label not in policy.tripped.get(target, ()):
        raise NotThere(f"the breaker does not hold {target} {label[:100]!r} back: `deskyard breaker show` lists all")
    version = Policies.put(conn, restored(policy, target, label), actor.name, at)
    _end(conn, [one for one in standing(conn) if (one.target, one.label) == (target, label)], actor.name, at)
    audit_log.note(conn, actor, "breaker.close", f"version {version.number}: {target} {label}", at)


def tripped(policy: Policy, target: Target, label: str) -> Policy:
    """The policy with one more label held back."""
    return _holding(policy, target, {*policy.tripped.get(target, ()), label})


def restored(policy: Policy, target: Target, label: str) -> Policy:
    """The policy with one label held back no more."""
    return _holding(policy, target, set(policy.tripped.get(target, ())) - {label})


def _holding(policy: Policy, target: Target, labels: set[str]) -> Policy:
    held = {**policy.tripped, target: tuple(sorted(labels))}
    return replace(policy, tripped={name: held[name] for name in TARGETS if held.get(name)})


def _settled(conn: Connection, policy: Policy, now: Active, at: datetime) -> list[Trip]:
    """The trips that stood, with those closed that a newer model, or a policy without them, has put an end to."""
    found = standing(conn)
    replaced = [one for one in found if now.at > one.at and now.digest != one.bundle]
    for one in replaced:
        policy = restored(policy, one.target, one.label)
    if replaced:
        version = Policies.put(conn, policy, MACHINE.name, at)
        told = "; ".join(f"{one.target} {one.label}" for one in replaced)
        audit_log.note(conn, MACHINE, "breaker.close", f"version {version.number}, {now.name} is in use: {told}", at)
    over = [one for one in found if one.label not in policy.tripped.get(one.target, ())]
    _end(conn, over, Policies.current(conn).actor, at)
    return standing(conn)


def _end(conn: Connection, found: list[Trip], by: str, at: datetime) -> None:
    newest = conn.scalar(select(func.max(TICKETS.c.id))) or 0
    mine = BREAKER_TRIPS.c.id.in_([one.number for one in found])
    conn.execute(update(BREAKER_TRIPS).where(mine).values(closed_at=at, closed_by=by, closed_ticket=newest))


def _broken(
    conn: Connection, models: Path, now: Active, policy: Policy
) -> Iterator[tuple[tuple[Target, str], Tripped, float]]:
    """The classes that surely break their promise, at which ticket, and what was promised."""
    usual = _asked(models, now)
    if usual is None:
        return
    since = _since(conn, now)
    for target in TARGETS:
        for label, answers in _answered(conn, target, since).items():
            promised = policy.rule(target, policy.bound_for(target, label)).precision or usual
            outcomes = [Outcome(ticket, wrong, 1 - promised) for ticket, wrong, _ in answers]
            blindly = [one for one, (_, _, blind) in zip(outcomes, answers, strict=True) if blind]
            found = [
                one for one in (change_detector.tripped(outcomes), change_detector.tripped(blindly)) if one is not None
            ]
            if found:
                yield (target, label), min(found, key=lambda one: one.ticket), promised


def _asked(models: Path, now: Active) -> float | None:
    """The precision that was asked when the model in use was trained; None where it can't be opened: then nothing is
    routed by it either."""
    from deskyard.registry import bundle  # only here: without a model the service needs no learning library

    try:
        return float(bundle.peek(models / now.name)[1]["asked_precision"])
    except BundleError:
        return None


def _since(conn: Connection, now: Active) -> Callable[[Target, str], int]:
    """The ticket after which a class is watched: the newest when the model came, or when the class was let go."""
    came = conn.scalar(select(func.max(TICKETS.c.id)).where(TICKETS.c.received_at < now.at)) or 0
    closed: Mapping[tuple[str, str], int] = {
        (row.target, row.label): int(row.ticket)
        for row in conn.execute(
            select(
                BREAKER_TRIPS.c.target, BREAKER_TRIPS.c.label, func.max(BREAKER_TRIPS.c.closed_ticket).label("ticket")
            )
            .where(BREAKER_TRIPS.c.closed_ticket.is_not(None))
            .group_by(BREAKER_TRIPS.c.target, BREAKER_TRIPS.c.label)
        )
    }
    return lambda target, label: max(int(came), closed.get((target, label), 0))


def _answered(
    conn: Connection, target: Target, since: Callable[[Target, str], int]
) -> dict[str, list[tuple[int, bool, bool]]]:
    """Of each label the routed tickets in order: number, whether it was wrong, whether a person sorted it blindly."""
    same = (BLIND_REVIEWS.c.ticket_id == ANSWERS.c.ticket_id) & (ANSWERS.c.target == "queue")
    rows = conn.execute(
        select(ANSWERS.c.ticket_id, ANSWERS.c.said, ANSWERS.c.heard, ANSWERS.c.agreed, BLIND_REVIEWS.c.answer)
        .select_from(ANSWERS.outerjoin(BLIND_REVIEWS, same))
        .where(ANSWERS.c.target == target, ANSWERS.c.fate == ROUTED)
        .order_by(ANSWERS.c.ticket_id.desc())
        .limit(NEWEST)
    ).all()
    found: defaultdict[str, list[tuple[int, bool, bool]]] = defaultdict(list)
    for row in reversed(rows):
        if row.ticket_id > since(target, row.said):
            blind = row.answer is not None
            wrong = row.answer != row.said if blind else bool(row.heard) and not row.agreed
            found[row.said].append((row.ticket_id, wrong, blind))
    return found


def _keep(
    conn: Connection, target: Target, label: str, found: Tripped, promised: float, now: Active, at: datetime
) -> Trip:
    row = {
        "at": at, "target": target, "label": label, "ticket_id": found.ticket, "wrong": found.wrong, "of": found.of,
        "promised": promised, "bundle": now.digest,
    }  # fmt: skip
    number = conn.execute(insert(BREAKER_TRIPS).returning(BREAKER_TRIPS.c.id), row).scalar_one()
    return _trip(conn.execute(_ALL.where(BREAKER_TRIPS.c.id == number)).one())


def _tell(conn: Connection, trip: Trip, at: datetime, tell: Tell | None) -> None:
    """An alert to whoever wants to hear of the queue, or of everything; by the decision on the last ticket."""
    entry = Journal.first_decision(conn, trip.ticket)
    if entry is None:
        return
    if tell is None:
        notifications.keep(conn, trip.ticket, trip.label, entry.id, notifications.TRIPPED, at)
    else:
        tell(conn, trip.ticket, trip.label, entry.id, notifications.TRIPPED)


_ALL: Final = select(BREAKER_TRIPS).order_by(BREAKER_TRIPS.c.id)


def _trip(row: Row[Any]) -> Trip:
    told = dict(row._mapping)
    return Trip(number=told.pop("id"), ticket=told.pop("ticket_id"), **told)
