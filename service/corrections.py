"""What people (and other programs) do to tickets: changes and comments, each with its entry in the journal.

`correct` and `say` alone open and commit their transaction. A person's choice of another label than the machine said is
a correction, of the same one a confirmation: the next training run learns from both.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from deskyard.database import Session
from deskyard.desk import changes, choices, comments, tickets, unspoken
from deskyard.desk.comments import Comment
from deskyard.desk.journey import Actor, Step
from deskyard.errors import Stale, StoreConflict
from deskyard.foreign import connections, mirror
from deskyard.journal import CHANGED, COMMENTED, CONFIRMED, CORRECTED, Journal
from deskyard.policies import Policies
from deskyard.ticket import TARGETS, Target
from service.yard import Yard


def correct(
    yard: Yard, number: int, wanted: Mapping[str, str | None], actor: Actor, *, seen: int | None, why: str = ""
) -> list[Step]:
    """Change a ticket as `deskyard.desk.changes.change` does, and write it down."""
    with yard.database.writing() as session:
        return change(session, number, wanted, actor, seen=seen, why=why, at=datetime.now(UTC))


def change(
    session: Session,
    number: int,
    wanted: Mapping[str, str | None],
    actor: Actor,
    *,
    seen: int | None,
    why: str = "",
    at: datetime,
) -> list[Step]:
    """The same in somebody's transaction."""
    refuse_elsewhere(session, number)
    steps = changes.change(session, number, wanted, actor, at=at, why=why, seen=seen)
    record(session, number, steps, at)
    return steps


def record(session: Session, number: int, steps: Sequence[Step], at: datetime) -> None:
    """Write steps that were taken on a ticket, here or in a foreign help desk, into the journal.

    A person's value for a target is a confirmation where the last decision on the ticket said the same, and a
    correction where it said another value or none; all other steps are plain changes.
    """
    if not steps:
        return
    last = Journal.last_decisions(session, [number]).get(number) if any(map(_is_choice, steps)) else None
    policy = Policies.current(session).policy if last else None
    events = []
    for step in steps:
        kind = CHANGED
        if _is_choice(step):
            said = choices.said(last.content, policy, step.field) if last and policy else None
            kind = CONFIRMED if said is not None and step.became == said else CORRECTED
        by = {"by": step.actor.name, "kind": step.actor.kind}
        events.append((kind, {"field": step.field, "from": step.was, "to": step.became, **by}))
    Journal.record(session, Journal.stamp(session, number, at), *events)


def settle(
    session: Session,
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
    refuse_elsewhere(session, number)
    now = tickets.get(session, number, to_change=True)
    if seen is not None and now.version != seen:
        raise Stale(f"ticket {number} was changed meanwhile")
    if now.value(target) != label:
        change(session, number, {target: label}, actor, seen=seen, at=at)
        return True
    if unspoken.agreed(session, number, target) or (not again and unspoken.chosen(session, number, target)):
        return False
    told = {"field": target, "from": label, "to": label, "by": actor.name, "kind": actor.kind}
    Journal.record(session, Journal.stamp(session, number, at), (CONFIRMED, told))
    return True


def say(
    yard: Yard, number: int, actor: Actor, text: str, *, public: bool, key: str | None = None, shared: bool = False
) -> tuple[Comment, bool]:
    """Comment on a ticket as `deskyard.desk.comments.add` does, and write down that it happened."""
    with yard.database.writing() as session:
        at = datetime.now(UTC)
        return speak(session, number, actor, text, public=public, at=at, key=key, shared=shared)


def speak(
    session: Session,
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
    refuse_elsewhere(session, number)
    said, is_new = comments.add(session, number, actor, text, public=public, at=at, key=key, shared=shared)
    if is_new:
        content = {"comment": said.id, "by": actor.name, "kind": actor.kind, "public": public}
        Journal.record(session, Journal.stamp(session, number, at), (COMMENTED, content))
    return said, is_new


def refuse_elsewhere(session: Session, number: int) -> None:
    """Raise StoreConflict for a ticket that is only mirrored here."""
    found = mirror.of_ticket(session, number)
    if found is not None:
        store = connections.get(session, found[0]).name
        raise StoreConflict(
            f"ticket {number} lives in {store!r} as {found[1].ref!r}: change it there, and it follows within a minute"
        )


def _is_choice(step: Step) -> bool:
    return step.actor.kind == "person" and step.field in TARGETS
