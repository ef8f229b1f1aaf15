"""What people (and other programs) do to tickets: changes and comments, each with its entry in the journal.

`correct` and `say` alone open and commit their transaction. A person's choice of another label is a correction: the
next training run learns from it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from deskyard.database import Session
from deskyard.desk import changes, comments
from deskyard.desk.comments import Comment
from deskyard.desk.journey import Actor, Step
from deskyard.errors import StoreConflict
from deskyard.foreign import connections, mirror
from deskyard.journal import CHANGED, COMMENTED, CORRECTED, Journal
from deskyard.ticket import TARGETS
from service.yard import Yard


def correct(
    yard: Yard, number: int, wanted: Mapping[str, str | None], actor: Actor, *, seen: int | None, why: str = ""
) -> list[Step]:
    """Change a ticket as `deskyard.desk.changes.change` does, and write it down."""
    at = datetime.now(UTC)
    with yard.database.writing() as session:
        _refuse_elsewhere(session, number)
        steps = changes.change(session, number, wanted, actor, at=at, why=why, seen=seen)
        if steps:
            Journal.record(session, Journal.stamp(session, number, at), *(_told(step) for step in steps))
    return steps


def say(
    yard: Yard, number: int, actor: Actor, text: str, *, public: bool, key: str | None = None
) -> tuple[Comment, bool]:
    """Comment on a ticket as `deskyard.desk.comments.add` does, and write down that it happened."""
    at = datetime.now(UTC)
    with yard.database.writing() as session:
        _refuse_elsewhere(session, number)
        said, is_new = comments.add(session, number, actor, text, public=public, at=at, key=key)
        if is_new:
            content = {"comment": said.id, "by": actor.name, "kind": actor.kind, "public": public}
            Journal.record(session, Journal.stamp(session, number, at), (COMMENTED, content))
    return said, is_new


def _refuse_elsewhere(session: Session, number: int) -> None:
    """Raise StoreConflict for a ticket that is only mirrored here."""
    found = mirror.of_ticket(session, number)
    if found is not None:
        store = connections.get(session, found[0]).name
        raise StoreConflict(
            f"ticket {number} lives in {store!r} as {found[1].ref!r}: change it there, and it follows within a minute"
        )


def _told(step: Step) -> tuple[str, Mapping[str, str | None]]:
    kind = CORRECTED if step.actor.kind == "person" and step.field in TARGETS else CHANGED
    by = {"by": step.actor.name, "kind": step.actor.kind}
    return kind, {"field": step.field, "from": step.was, "to": step.became, **by}
