"""Changes of and comments on tickets by people and programs, each recorded in the journal.

`change_ticket` and `add_comment` open and commit a transaction; the other functions run within the caller's. A person's
choice of another label than the predicted one is a correction, of the same label a confirmation; the next training
learns from both.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from deskyard.active_learning import unlabelled_tickets
from deskyard.desk import changes, comments, tickets
from deskyard.desk.comments import Comment
from deskyard.desk.ticket_history import HistoryStep
from deskyard.domain.actors import Actor
from deskyard.domain.label_spelling import is_same_label
from deskyard.domain.ticket import TARGETS, Target
from deskyard.errors import StaleVersion, StoreConflict
from deskyard.journal.journal import CHANGED, COMMENTED, CONFIRMED, CORRECTED, Journal, is_same_value
from deskyard.policy.versions import Policies
from deskyard.review import suggestions
from deskyard.sync import connections, mirror
from service.runtime.context import AppContext


def change_ticket(
    context: AppContext,
    number: int,
    values: Mapping[str, str | None],
    actor: Actor,
    *,
    expected_version: int | None,
    why: str = "",
) -> list[HistoryStep]:
    """Change a ticket (`deskyard.desk.changes.change_ticket`) and record it in the journal."""
    with context.database.writing() as conn:
        return record_change(
            conn, number, values, actor, expected_version=expected_version, why=why, at=datetime.now(UTC)
        )


def record_change(
    conn: Connection,
    number: int,
    values: Mapping[str, str | None],
    actor: Actor,
    *,
    expected_version: int | None,
    why: str = "",
    at: datetime,
) -> list[HistoryStep]:
    """`change_ticket` within the caller's transaction."""
    refuse_mirrored(conn, number)
    steps = changes.change_ticket(conn, number, values, actor, at=at, why=why, expected_version=expected_version)
    record(conn, number, steps, at)
    return steps


def record(conn: Connection, number: int, steps: Sequence[HistoryStep], at: datetime) -> None:
    """Record steps of a ticket's history, made here or in an external help desk, in the journal.

    A person's value for a target is a confirmation if the last decision on the ticket gave the same value, in whatever
    spelling, and a correction if it gave another or none. All other steps are plain changes.
    """
    if not steps:
        return
    last = Journal.last_decisions(conn, [number]).get(number) if any(map(_is_choice, steps)) else None
    policy = Policies.current(conn).policy if last else None
    entries = []
    for step in steps:
        suggested = None
        if _is_choice(step) and last is not None and policy is not None:
            suggested = suggestions.find_suggested_value(last.content, policy, step.field)
            if is_same_value(last.content, step.field, suggested, step.became):
                suggested = step.became
        entries.append(step_entry(step, suggested))
    Journal.record(conn, Journal.make_header(conn, number, at), *entries)


def step_entry(step: HistoryStep, suggested: str | None = None) -> tuple[str, Mapping[str, str | None]]:
    """The kind and the content of the journal entry for a step; `suggested` is the value that the last decision gave
    the same field, None if it gave none."""
    kind = CHANGED
    if _is_choice(step):
        kind = CONFIRMED if suggested is not None and step.became == suggested else CORRECTED
    by = {"by": step.actor.name, "kind": step.actor.kind}
    return kind, {"field": step.field, "from": step.was, "to": step.became, **by}


def record_label(
    conn: Connection,
    number: int,
    target: Target,
    label: str,
    actor: Actor,
    *,
    expected_version: int | None,
    at: datetime,
    repeat: bool = True,
) -> bool:
    """Record a person's label for a target: as a change, or as a confirmation if the ticket has this label already.

    Returns False if nothing was recorded, because the label was confirmed before or, without `repeat`, set by a person
    before. `expected_version`: the version of the ticket that the person saw (None: any).

    Raises StoreRefused for a label that the desk does not have, StaleVersion, and StoreConflict for mirrored tickets.
    """
    refuse_mirrored(conn, number)
    ticket = tickets.get_ticket(conn, number, for_update=True)
    if expected_version is not None and ticket.version != expected_version:
        raise StaleVersion(f"ticket {number} was changed meanwhile")
    label = changes.spell_values(conn, ticket, {target: label})[target] or label
    if target == "category" and is_same_label(ticket.category, label):
        label = ticket.category or label
    if ticket.value(target) != label:
        record_change(conn, number, {target: label}, actor, expected_version=expected_version, at=at)
        return True
    if unlabelled_tickets.is_confirmed(conn, number, target) or (
        not repeat and unlabelled_tickets.has_human_label(conn, number, target)
    ):
        return False
    content = {"field": target, "from": label, "to": label, "by": actor.name, "kind": actor.kind}
    Journal.record(conn, Journal.make_header(conn, number, at), (CONFIRMED, content))
    return True


def add_comment(
    context: AppContext,
    number: int,
    actor: Actor,
    text: str,
    *,
    public: bool,
    key: str | None = None,
    shared: bool = False,
) -> tuple[Comment, bool]:
    """Comment on a ticket (`deskyard.desk.comments.add_comment`) and record it in the journal. Returns the comment, and
    whether it is new."""
    with context.database.writing() as conn:
        at = datetime.now(UTC)
        return record_comment(conn, number, actor, text, public=public, at=at, key=key, shared=shared)


def record_comment(
    conn: Connection,
    number: int,
    actor: Actor,
    text: str,
    *,
    public: bool,
    at: datetime,
    key: str | None = None,
    shared: bool = False,
) -> tuple[Comment, bool]:
    """`add_comment` within the caller's transaction."""
    refuse_mirrored(conn, number)
    comment, is_new = comments.add_comment(conn, number, actor, text, public=public, at=at, key=key, shared=shared)
    if is_new:
        content = {"comment": comment.id, "by": actor.name, "kind": actor.kind, "public": public}
        Journal.record(conn, Journal.make_header(conn, number, at), (COMMENTED, content))
    return comment, is_new


def refuse_mirrored(conn: Connection, number: int) -> None:
    """Raise StoreConflict for a mirrored ticket of an external help desk."""
    found = mirror.find_by_ticket(conn, number)
    if found is not None:
        store = connections.get_connection(conn, found[0]).name
        raise StoreConflict(
            f"ticket {number} lives in {store!r} as {found[1].ref!r}: change it there; it is read within a minute"
        )


def _is_choice(step: HistoryStep) -> bool:
    return step.actor.kind == "person" and step.field in TARGETS
