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
from deskyard.breaker.change_detector import Alarm, Observation
from deskyard.db.tables.analytics import ROLLUP_STATE, TARGET_FACTS
from deskyard.db.tables.breaker import BREAKER_OPENINGS
from deskyard.db.tables.desk import TICKETS
from deskyard.db.tables.review import BLIND_REVIEWS
from deskyard.domain.actors import Actor
from deskyard.domain.ticket import TARGETS, Target
from deskyard.errors import BundleError, NotFound
from deskyard.journal import audit_log
from deskyard.journal.journal import Journal
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies
from deskyard.registry import active_model, retraining_requests
from deskyard.registry.active_model import ActiveModel
from deskyard.sync import notifications

BREAKER_ACTOR: Final = Actor("machine", "machine: breaker")
"""Who trips it; no person and no key may bear that name (it has a colon and a space)."""

MAX_RECENT_TICKETS: Final = 5_000
"""Routed tickets of a target that a look goes back over: what is older than that has long told what it had to tell."""

Notify = Callable[[Connection, int, str, int, str], object]
"""Tells whoever wants to know: ticket, queue, decision, event."""


@dataclass(frozen=True, slots=True)
class BreakerOpening:
    """The breaker took a label out at a ticket: `wrong` of the last `of` tickets were wrong, where `promised` (0..1)
    should be right; `closed_at` and `closed_by` once that is over."""

    number: int
    opened_at: datetime
    target: Target
    label: str
    ticket: int
    wrong: int
    total: int
    required_precision: float
    bundle: str
    closed_at: datetime | None
    closed_by: str | None
    closed_ticket: int | None

    @property
    def summary(self) -> str:
        """In a sentence."""
        return (
            f"{self.target} {self.label!r}: {self.wrong} of the last {self.total} tickets were wrong, "
            f"where {self.required_precision:.0%} should be right"
        )


def list_current_openings(conn: Connection) -> list[BreakerOpening]:
    """The trips that hold, oldest first."""
    return [_to_opening(row) for row in conn.execute(_ALL_OPENINGS.where(BREAKER_OPENINGS.c.closed_at.is_(None)))]


def list_recent_openings(conn: Connection, n: int) -> list[BreakerOpening]:
    """The newest `n` trips, newest first, over or not."""
    return [
        _to_opening(row)
        for row in conn.execute(select(BREAKER_OPENINGS).order_by(BREAKER_OPENINGS.c.id.desc()).limit(n))
    ]


def check_labels(conn: Connection, models: Path, at: datetime, notify: Notify | None = None) -> list[BreakerOpening]:
    """Trip for every class that broke its promise, and close what another model has put an end to; the new trips.

    `models` is the folder of bundles. Many processes may look: the row that says how far the journal is counted is the
    one that they take turns at. Without a model nothing is looked at.
    """
    conn.execute(select(ROLLUP_STATE).with_for_update()).one()
    now, policy = active_model.get_active(conn), Policies.current(conn).policy
    if now is None:
        return []
    held = [one for one in _close_superseded(conn, policy, now, at) if one.closed_at is None]
    policy = Policies.current(conn).policy
    new = []
    for (target, label), found, promised in _find_broken_contracts(conn, models, now, policy):
        if label not in policy.tripped.get(target, ()) and (target, label) not in [(t.target, t.label) for t in held]:
            new.append(_record_opening(conn, target, label, found, promised, now, at))
    if not new:
        return []
    for one in new:
        policy = hold_back_label(policy, one.target, one.label)
        _notify(conn, one, at, notify)
    version = Policies.add_version(conn, policy, BREAKER_ACTOR.name, at)
    audit_log.record_action(
        conn, BREAKER_ACTOR, "breaker.trip", f"version {version.number}: {'; '.join(one.summary for one in new)}", at
    )
    retraining_requests.request_retraining(conn, "drift", "; ".join(one.summary for one in new), at)
    return new


def close_breaker(conn: Connection, target: Target, label: str, actor: Actor, at: datetime) -> None:
    """Let the machine fill a class again, by a person's word; only tickets that come from now on count. Raises
    NotThere where the breaker does not hold it."""
    policy = Policies.current(conn).policy
    if label not in policy.tripped.get(target, ()):
        raise NotFound(f"the breaker does not hold {target} {label[:100]!r} back: `deskyard breaker show` lists all")
    version = Policies.add_version(conn, release_label(policy, target, label), actor.name, at)
    _mark_closed(
        conn, [one for one in list_current_openings(conn) if (one.target, one.label) == (target, label)], actor.name, at
    )
    audit_log.record_action(conn, actor, "breaker.close", f"version {version.number}: {target} {label}", at)


def hold_back_label(policy: Policy, target: Target, label: str) -> Policy:
    """The policy with one more label held back."""
    return _set_held_back(policy, target, {*policy.tripped.get(target, ()), label})


def release_label(policy: Policy, target: Target, label: str) -> Policy:
    """The policy with one label held back no more."""
    return _set_held_back(policy, target, set(policy.tripped.get(target, ())) - {label})


def _set_held_back(policy: Policy, target: Target, labels: set[str]) -> Policy:
    held = {**policy.tripped, target: tuple(sorted(labels))}
    return replace(policy, tripped={name: held[name] for name in TARGETS if held.get(name)})


def _close_superseded(conn: Connection, policy: Policy, active: ActiveModel, at: datetime) -> list[BreakerOpening]:
    """The trips that stood, with those closed that a newer model, or a policy without them, has put an end to."""
    found = list_current_openings(conn)
    replaced = [one for one in found if active.at > one.opened_at and active.digest != one.bundle]
    for one in replaced:
        policy = release_label(policy, one.target, one.label)
    if replaced:
        version = Policies.add_version(conn, policy, BREAKER_ACTOR.name, at)
        told = "; ".join(f"{one.target} {one.label}" for one in replaced)
        audit_log.record_action(
            conn, BREAKER_ACTOR, "breaker.close", f"version {version.number}, {active.name} is in use: {told}", at
        )
    over = [one for one in found if one.label not in policy.tripped.get(one.target, ())]
    _mark_closed(conn, over, Policies.current(conn).actor, at)
    return list_current_openings(conn)


def _mark_closed(conn: Connection, openings: list[BreakerOpening], by: str, at: datetime) -> None:
    newest = conn.scalar(select(func.max(TICKETS.c.id))) or 0
    mine = BREAKER_OPENINGS.c.id.in_([one.number for one in openings])
    conn.execute(update(BREAKER_OPENINGS).where(mine).values(closed_at=at, closed_by=by, closed_ticket=newest))


def _find_broken_contracts(
    conn: Connection, models: Path, active: ActiveModel, policy: Policy
) -> Iterator[tuple[tuple[Target, str], Alarm, float]]:
    """The classes that surely break their promise, at which ticket, and what was promised."""
    usual = _trained_precision(models, active)
    if usual is None:
        return
    since = _watched_from(conn, active)
    for target in TARGETS:
        for label, answers in _load_observations(conn, target, since).items():
            promised = policy.effective_rule(target, policy.destination_queue(target, label)).precision or usual
            outcomes = [Observation(ticket, wrong, 1 - promised) for ticket, wrong, _ in answers]
            blindly = [one for one, (_, _, blind) in zip(outcomes, answers, strict=True) if blind]
            found = [
                one
                for one in (change_detector.detect_alarm(outcomes), change_detector.detect_alarm(blindly))
                if one is not None
            ]
            if found:
                yield (target, label), min(found, key=lambda one: one.ticket), promised


def _trained_precision(models: Path, active: ActiveModel) -> float | None:
    """The precision that was asked when the model in use was trained; None where it can't be opened: then nothing is
    routed by it either."""
    from deskyard.registry import bundle  # only here: without a model the service needs no learning library

    try:
        return float(bundle.read_manifest_and_card(models / active.name)[1]["asked_precision"])
    except BundleError:
        return None


def _watched_from(conn: Connection, active: ActiveModel) -> Callable[[Target, str], int]:
    """The ticket after which a class is watched: the newest when the model came, or when the class was let go."""
    came = conn.scalar(select(func.max(TICKETS.c.id)).where(TICKETS.c.received_at < active.at)) or 0
    closed: Mapping[tuple[str, str], int] = {
        (row.target, row.label): int(row.ticket)
        for row in conn.execute(
            select(
                BREAKER_OPENINGS.c.target,
                BREAKER_OPENINGS.c.label,
                func.max(BREAKER_OPENINGS.c.closed_ticket).label("ticket"),
            )
            .where(BREAKER_OPENINGS.c.closed_ticket.is_not(None))
            .group_by(BREAKER_OPENINGS.c.target, BREAKER_OPENINGS.c.label)
        )
    }
    return lambda target, label: max(int(came), closed.get((target, label), 0))


def _load_observations(
    conn: Connection, target: Target, watched_from: Callable[[Target, str], int]
) -> dict[str, list[tuple[int, bool, bool]]]:
    """Of each label the routed tickets in order: number, whether it was wrong, whether a person sorted it blindly."""
    same = (BLIND_REVIEWS.c.ticket_id == TARGET_FACTS.c.ticket_id) & (TARGET_FACTS.c.target == "queue")
    rows = conn.execute(
        select(
            TARGET_FACTS.c.ticket_id,
            TARGET_FACTS.c.said,
            TARGET_FACTS.c.heard,
            TARGET_FACTS.c.agreed,
            BLIND_REVIEWS.c.answer,
        )
        .select_from(TARGET_FACTS.outerjoin(BLIND_REVIEWS, same))
        .where(TARGET_FACTS.c.target == target, TARGET_FACTS.c.fate == ROUTED)
        .order_by(TARGET_FACTS.c.ticket_id.desc())
        .limit(MAX_RECENT_TICKETS)
    ).all()
    found: defaultdict[str, list[tuple[int, bool, bool]]] = defaultdict(list)
    for row in reversed(rows):
        if row.ticket_id > watched_from(target, row.said):
            blind = row.answer is not None
            wrong = row.answer != row.said if blind else bool(row.heard) and not row.agreed
            found[row.said].append((row.ticket_id, wrong, blind))
    return found


def _record_opening(
    conn: Connection,
    target: Target,
    label: str,
    alarm: Alarm,
    required_precision: float,
    active: ActiveModel,
    at: datetime,
) -> BreakerOpening:
    row = {
        "at": at, "target": target, "label": label, "ticket_id": alarm.ticket, "wrong": alarm.wrong, "of": alarm.total,
        "promised": required_precision, "bundle": active.digest,
    }  # fmt: skip
    number = conn.execute(insert(BREAKER_OPENINGS).returning(BREAKER_OPENINGS.c.id), row).scalar_one()
    return _to_opening(conn.execute(_ALL_OPENINGS.where(BREAKER_OPENINGS.c.id == number)).one())


def _notify(conn: Connection, opening: BreakerOpening, at: datetime, notify: Notify | None) -> None:
    """An alert to whoever wants to hear of the queue, or of everything; by the decision on the last ticket."""
    entry = Journal.first_decision(conn, opening.ticket)
    if entry is None:
        return
    if notify is None:
        notifications.add_notifications(conn, opening.ticket, opening.label, entry.id, notifications.EVENT_TRIPPED, at)
    else:
        notify(conn, opening.ticket, opening.label, entry.id, notifications.EVENT_TRIPPED)


_ALL_OPENINGS: Final = select(BREAKER_OPENINGS).order_by(BREAKER_OPENINGS.c.id)


def _to_opening(row: Row[Any]) -> BreakerOpening:
    told = dict(row._mapping)
    return BreakerOpening(number=told.pop("id"), ticket=told.pop("ticket_id"), **told)
