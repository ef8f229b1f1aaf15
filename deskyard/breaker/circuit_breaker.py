"""The circuit breaker of a desk: labels whose tickets are wrong too often are only suggested.

It reads people's reviews of predictions (`report_answers`), the policy in force and the model in use. It writes a new
version of the policy that holds the label back, the opening, an entry in the audit log, and notifications; an opening
also requests a retraining. No ticket is moved, and no bundle's arrays are opened. Functions take the caller's
connection, which the caller commits.

For each label of a target it counts, in the order in which tickets were received, those that were routed since the
model in use was activated, or since somebody closed the breaker. A ticket is wrong where a person chose another value;
all others count as correct, reviewed or not. That makes alarms later but never false: what is not known yet can only
add evidence. The same test runs on blind reviews alone (queues), which are not biased by unreviewed tickets. Both
together raise at most one false alarm in `change_detector.AVERAGE_RUN_LENGTH` routed tickets, where contracts hold
without any margin and blind reviews are counted twice.

An opening ends when a person closes it, or when another model is put in use: that one has a contract on newer evidence,
and is watched from its first ticket.
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
"""The actor of its changes; no person and no key can have that name (it has a colon and a space)."""

MAX_RECENT_TICKETS: Final = 5_000
"""Routed tickets of a target that one check reads; older ones were checked often enough."""

Notify = Callable[[Connection, int, str, int, str], object]
"""Enqueues notifications: connection, ticket, queue, decision, event."""


@dataclass(frozen=True, slots=True)
class BreakerOpening:
    """The breaker opened for a label at a ticket: `wrong` of the last `total` tickets were wrong, although
    `required_precision` (0..1) should be correct; `closed_at` and `closed_by` are None while it is open."""

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
        """The opening as a sentence, without a full stop."""
        return (
            f"{self.target} {self.label!r}: {self.wrong} of the last {self.total} tickets were wrong, "
            f"{self.required_precision:.0%} should be correct"
        )


def list_current_openings(conn: Connection) -> list[BreakerOpening]:
    """The openings that are not closed, oldest first."""
    return [_to_opening(row) for row in conn.execute(_ALL_OPENINGS.where(BREAKER_OPENINGS.c.closed_at.is_(None)))]


def list_recent_openings(conn: Connection, n: int) -> list[BreakerOpening]:
    """The newest `n` openings, newest first, closed or not."""
    return [
        _to_opening(row)
        for row in conn.execute(select(BREAKER_OPENINGS).order_by(BREAKER_OPENINGS.c.id.desc()).limit(n))
    ]


def check_labels(conn: Connection, models: Path, at: datetime, notify: Notify | None = None) -> list[BreakerOpening]:
    """Open the breaker for every label that broke its contract, and close openings of replaced models; returns the new
    openings.

    `models` is the folder of bundles. Many processes may call this: they lock the row that says how far the journal is
    counted. Without a model nothing is checked.
    """
    conn.execute(select(ROLLUP_STATE).with_for_update()).one()
    active, policy = active_model.get_active(conn), Policies.current(conn).policy
    if active is None:
        return []
    open_now = [one for one in _close_superseded(conn, policy, active, at) if one.closed_at is None]
    policy = Policies.current(conn).policy
    opened = []
    for (target, label), alarm, required in _find_broken_contracts(conn, models, active, policy):
        if label not in policy.tripped.get(target, ()) and (target, label) not in [
            (t.target, t.label) for t in open_now
        ]:
            opened.append(_record_opening(conn, target, label, alarm, required, active, at))
    if not opened:
        return []
    for one in opened:
        policy = hold_back_label(policy, one.target, one.label)
        _notify(conn, one, at, notify)
    version = Policies.add_version(conn, policy, BREAKER_ACTOR.name, at)
    audit_log.record_action(
        conn, BREAKER_ACTOR, "breaker.trip", f"version {version.number}: {'; '.join(one.summary for one in opened)}", at
    )
    retraining_requests.request_retraining(conn, "drift", "; ".join(one.summary for one in opened), at)
    return opened


def close_breaker(conn: Connection, target: Target, label: str, actor: Actor, at: datetime) -> None:
    """Close the breaker for a label, on a person's behalf; only tickets received from now on count. Raises NotFound
    where it is not open."""
    policy = Policies.current(conn).policy
    if label not in policy.tripped.get(target, ()):
        raise NotFound(
            f"the breaker does not hold {target} {label[:100]!r} back: `deskyard breaker show` lists all openings"
        )
    version = Policies.add_version(conn, release_label(policy, target, label), actor.name, at)
    _mark_closed(
        conn, [one for one in list_current_openings(conn) if (one.target, one.label) == (target, label)], actor.name, at
    )
    audit_log.record_action(conn, actor, "breaker.close", f"version {version.number}: {target} {label}", at)


def hold_back_label(policy: Policy, target: Target, label: str) -> Policy:
    """The policy with this label held back, too."""
    return _set_held_back(policy, target, {*policy.tripped.get(target, ()), label})


def release_label(policy: Policy, target: Target, label: str) -> Policy:
    """The policy with this label no longer held back."""
    return _set_held_back(policy, target, set(policy.tripped.get(target, ())) - {label})


def _set_held_back(policy: Policy, target: Target, labels: set[str]) -> Policy:
    open_now = {**policy.tripped, target: tuple(sorted(labels))}
    return replace(policy, tripped={name: open_now[name] for name in TARGETS if open_now.get(name)})


def _close_superseded(conn: Connection, policy: Policy, active: ActiveModel, at: datetime) -> list[BreakerOpening]:
    """Close the openings of replaced models and of labels that the policy no longer holds back; returns the others."""
    found = list_current_openings(conn)
    replaced = [one for one in found if active.at > one.opened_at and active.digest != one.bundle]
    for one in replaced:
        policy = release_label(policy, one.target, one.label)
    if replaced:
        version = Policies.add_version(conn, policy, BREAKER_ACTOR.name, at)
        labels_text = "; ".join(f"{one.target} {one.label}" for one in replaced)
        audit_log.record_action(
            conn,
            BREAKER_ACTOR,
            "breaker.close",
            f"version {version.number}, {active.name} is in use: {labels_text}",
            at,
        )
    ended = [one for one in found if one.label not in policy.tripped.get(one.target, ())]
    _mark_closed(conn, ended, Policies.current(conn).actor, at)
    return list_current_openings(conn)


def _mark_closed(conn: Connection, openings: list[BreakerOpening], by: str, at: datetime) -> None:
    newest = conn.scalar(select(func.max(TICKETS.c.id))) or 0
    condition = BREAKER_OPENINGS.c.id.in_([one.number for one in openings])
    conn.execute(update(BREAKER_OPENINGS).where(condition).values(closed_at=at, closed_by=by, closed_ticket=newest))


def _find_broken_contracts(
    conn: Connection, models: Path, active: ActiveModel, policy: Policy
) -> Iterator[tuple[tuple[Target, str], Alarm, float]]:
    """The labels that significantly break their contract, with the alarm and the required precision (0..1)."""
    default_precision = _trained_precision(models, active)
    if default_precision is None:
        return
    since = _watched_from(conn, active)
    for target in TARGETS:
        for label, answers in _load_observations(conn, target, since).items():
            required = (
                policy.effective_rule(target, policy.destination_queue(target, label)).precision or default_precision
            )
            observations = [Observation(ticket, wrong, 1 - required) for ticket, wrong, _ in answers]
            blind_observations = [one for one, (_, _, blind) in zip(observations, answers, strict=True) if blind]
            found = [
                one
                for one in (
                    change_detector.detect_alarm(observations),
                    change_detector.detect_alarm(blind_observations),
                )
                if one is not None
            ]
            if found:
                yield (target, label), min(found, key=lambda one: one.ticket), required


def _trained_precision(models: Path, active: ActiveModel) -> float | None:
    """The required precision (0..1) with which the model in use was trained; None where it can't be opened: then it
    routes nothing either."""
    from deskyard.registry import bundle  # only here: without a model the service needs no such library

    try:
        return float(bundle.read_manifest_and_card(models / active.name)[1]["asked_precision"])
    except BundleError:
        return None


def _watched_from(conn: Connection, active: ActiveModel) -> Callable[[Target, str], int]:
    """The ticket after which a label is watched: the newest when the model was activated or the breaker closed."""
    newest_then = conn.scalar(select(func.max(TICKETS.c.id)).where(TICKETS.c.received_at < active.at)) or 0
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
    return lambda target, label: max(int(newest_then), closed.get((target, label), 0))


def _load_observations(
    conn: Connection, target: Target, watched_from: Callable[[Target, str], int]
) -> dict[str, list[tuple[int, bool, bool]]]:
    """Label → its routed tickets in order: number, whether it was wrong, whether it was reviewed blindly."""
    same_ticket = (BLIND_REVIEWS.c.ticket_id == TARGET_FACTS.c.ticket_id) & (TARGET_FACTS.c.target == "queue")
    rows = conn.execute(
        select(
            TARGET_FACTS.c.ticket_id,
            TARGET_FACTS.c.said,
            TARGET_FACTS.c.heard,
            TARGET_FACTS.c.agreed,
            BLIND_REVIEWS.c.answer,
        )
        .select_from(TARGET_FACTS.outerjoin(BLIND_REVIEWS, same_ticket))
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
    """Enqueue notifications about the queue, with the decision on the last ticket."""
    entry = Journal.first_decision(conn, opening.ticket)
    if entry is None:
        return
    if notify is None:
        notifications.add_notifications(conn, opening.ticket, opening.label, entry.id, notifications.EVENT_TRIPPED, at)
    else:
        notify(conn, opening.ticket, opening.label, entry.id, notifications.EVENT_TRIPPED)


_ALL_OPENINGS: Final = select(BREAKER_OPENINGS).order_by(BREAKER_OPENINGS.c.id)


def _to_opening(row: Row[Any]) -> BreakerOpening:
    return BreakerOpening(
        number=row.id,
        opened_at=row.at,
        target=row.target,
        label=row.label,
        ticket=row.ticket_id,
        wrong=row.wrong,
        total=row.of,
        required_precision=row.promised,
        bundle=row.bundle,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        closed_ticket=row.closed_ticket,
    )
