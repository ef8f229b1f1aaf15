"""What people (and other programs) do to tickets: changes and comments, each with its entry in the journal.

`change_ticket` and `add_comment` alone open and commit their transaction. A person's choice of another label than the
machine said is a correction, of the same one a confirmation: the next training run learns from both.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from deskyard.active_learning import unlabelled_tickets
from deskyard.desk import changes, comments, tickets
from deskyard.desk.comments import Comment
from deskyard.desk.ticket_history import HistoryStep
from deskyard.domain.actors import Actor
from deskyard.domain.ticket import TARGETS, Target
from deskyard.errors import StaleVersion, StoreConflict
from deskyard.journal.journal import CHANGED, COMMENTED, CONFIRMED, CORRECTED, Journal
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
    """Change a ticket as `deskyard.desk.changes.change_ticket` does, and write it down."""
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
    """The same in somebody's transaction."""
    refuse_mirrored(conn, number)
    steps = changes.change_ticket(conn, number, values, actor, at=at, why=why, expected_version=expected_version)
    record(conn, number, steps, at)
    return steps


def record(conn: Connection, number: int, steps: Sequence[HistoryStep], at: datetime) -> None:
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
            said = suggestions.find_suggested_value(last.content, policy, step.field) if last and policy else None
            kind = CONFIRMED if said is not None and step.became == said else CORRECTED
        by = {"by": step.actor.name, "kind": step.actor.kind}
        events.append((kind, {"field": step.field, "from": step.was, "to": step.became, **by}))
    Journal.record(conn, Journal.make_header(conn, number, at), *events)


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
    """Keep what a person says of a target: a change, or where it stands so already, their agreement. False where there
    is nothing to keep: somebody agreed before, or, unless they looked `again`, had chosen it. `seen`: the version they
    looked at (None: whatever stands).

    Raises StoreRefused for a label that the desk does not have, Stale, and StoreConflict for tickets that live
    elsewhere.
    """
    refuse_mirrored(conn, number)
    now = tickets.get_ticket(conn, number, for_update=True)
    if expected_version is not None and now.version != expected_version:
        raise StaleVersion(f"ticket {number} was changed meanwhile")
    if now.value(target) != label:
        record_change(conn, number, {target: label}, actor, expected_version=expected_version, at=at)
        return True
    if unlabelled_tickets.is_confirmed(conn, number, target) or (
        not repeat and unlabelled_tickets.has_human_label(conn, number, target)
    ):
        return False
    told = {"field": target, "from": label, "to": label, "by": actor.name, "kind": actor.kind}
    Journal.record(conn, Journal.make_header(conn, number, at), (CONFIRMED, told))
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
    """Comment on a ticket as `deskyard.desk.comments.add_comment` does, and write down that it happened."""
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
    """The same in somebody's transaction."""
    refuse_mirrored(conn, number)
    said, is_new = comments.add_comment(conn, number, actor, text, public=public, at=at, key=key, shared=shared)
    if is_new:
        content = {"comment": said.id, "by": actor.name, "kind": actor.kind, "public": public}
        Journal.record(conn, Journal.make_header(conn, number, at), (COMMENTED, content))
    return said, is_new


def refuse_mirrored(conn: Connection, number: int) -> None:
    """Raise StoreConflict for a ticket that is only mirrored here."""
    found = mirror.find_by_ticket(conn, number)
    if found is not None:
        store = connections.get_connection(conn, found[0]).name
        raise StoreConflict(
            f"ticket {number} lives in {store!r} as {found[1].ref!r}: change it there, and it follows within a minute"
        )


def _is_choice(step: HistoryStep) -> bool:
    return step.actor.kind == "person" and step.field in TARGETS
