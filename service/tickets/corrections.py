"""What people (and other programs) do to tickets: changes and comments, each with its entry in the journal.

`correct` and `say` alone open and commit their transaction. A person's choice of another label than the machine said is
a correction, of the same one a confirmation: the next training run learns from both.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from deskyard.active_learning import unlabelled_tickets
from deskyard.desk import changes, comments, tickets
from deskyard.desk.comments import Comment
from deskyard.desk.ticket_history import Actor, Step
from deskyard.domain.ticket import TARGETS, Target
from deskyard.errors import Stale, StoreConflict
from deskyard.journal.journal import CHANGED, COMMENTED, CONFIRMED, CORRECTED, Journal
from deskyard.policy.versions import Policies
from deskyard.review import suggestions
from deskyard.sync import connections, mirror
from service.runtime.context import Yard


def correct(
    yard: Yard, number: int, wanted: Mapping[str, str | None], actor: Actor, *, seen: int | None, why: str = ""
) -> list[Step]:
    """Change a ticket as `deskyard.desk.changes.change` does, and write it down."""
    with yard.database.writing() as conn:
        return change(conn, number, wanted, actor, seen=seen, why=why, at=datetime.now(UTC))


def change(
    conn: Connection,
    number: int,
    wanted: Mapping[str, str | None],
    actor: Actor,
    *,
    seen: int | None,
    why: str = "",
    at: datetime,
) -> list[Step]:
    """The same in somebody's transaction."""
    refuse_elsewhere(conn, number)
    steps = changes.change(conn, number, wanted, actor, at=at, why=why, seen=seen)
    record(conn, number, steps, at)
    return steps


def record(conn: Connection, number: int, steps: Sequence[Step], at: datetime) -> None:
    """Write steps that were taken on a ticket, here or in a foreign help desk, into the journal.

    A person's value for a target is a confirmation where the last decision on the ticket said the same, and a
    correction where it said another value or none; all other steps are plain changes.
    """
    if not steps:
        return
    last = Journal.last_decisions(conn, [number]).get(number) if any(map(_is_choice, steps)) else None
    policy = Policies.current(conn).policy if last else None
    events = []
    for step in steps:
        kind = CHANGED
        if _is_choice(step):
            said = suggestions.said(last.content, policy, step.field) if last and policy else None
            kind = CONFIRMED if said is not None and step.became == said else CORRECTED
        by = {"by": step.actor.name, "kind": step.actor.kind}
        events.append((kind, {"field": step.field, "from": step.was, "to": step.became, **by}))
    Journal.record(conn, Journal.stamp(conn, number, at), *events)


def settle(
    conn: Connection,
    number: int,
    target: Target,
    label: str,
    actor: Actor,
    *,
    seen: int | None,
    at: datetime,
    again: bool = True,
) -> bool:
    """Keep what a person says of a target: a change, or where it stands so already, their agreement. False where there
    is nothing to keep: somebody agreed before, or, unless they looked `again`, had chosen it. `seen`: the version they
    looked at (None: whatever stands).

    Raises StoreRefused for a label that the desk does not have, Stale, and StoreConflict for tickets that live
    elsewhere.
    """
    refuse_elsewhere(conn, number)
    now = tickets.get(conn, number, to_change=True)
    if seen is not None and now.version != seen:
        raise Stale(f"ticket {number} was changed meanwhile")
    if now.value(target) != label:
        change(conn, number, {target: label}, actor, seen=seen, at=at)
        return True
    if unlabelled_tickets.agreed(conn, number, target) or (
        not again and unlabelled_tickets.chosen(conn, number, target)
    ):
        return False
    told = {"field": target, "from": label, "to": label, "by": actor.name, "kind": actor.kind}
    Journal.record(conn, Journal.stamp(conn, number, at), (CONFIRMED, told))
    return True


def say(
    yard: Yard, number: int, actor: Actor, text: str, *, public: bool, key: str | None = None, shared: bool = False
) -> tuple[Comment, bool]:
    """Comment on a ticket as `deskyard.desk.comments.add` does, and write down that it happened."""
    with yard.database.writing() as conn:
        at = datetime.now(UTC)
        return speak(conn, number, actor, text, public=public, at=at, key=key, shared=shared)


def speak(
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
    """The same in somebody's transaction."""
    refuse_elsewhere(conn, number)
    said, is_new = comments.add(conn, number, actor, text, public=public, at=at, key=key, shared=shared)
    if is_new:
        content = {"comment": said.id, "by": actor.name, "kind": actor.kind, "public": public}
        Journal.record(conn, Journal.stamp(conn, number, at), (COMMENTED, content))
    return said, is_new


def refuse_elsewhere(conn: Connection, number: int) -> None:
    """Raise StoreConflict for a ticket that is only mirrored here."""
    found = mirror.of_ticket(conn, number)
    if found is not None:
        store = connections.get(conn, found[0]).name
        raise StoreConflict(
            f"ticket {number} lives in {store!r} as {found[1].ref!r}: change it there, and it follows within a minute"
        )


def _is_choice(step: Step) -> bool:
    return step.actor.kind == "person" and step.field in TARGETS
