"""Changing the policy: a new version for everybody at once, noted down; what was not seen is never overwritten.

In come a change and the version it was thought out for, out goes the version in force.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from deskyard.desk.ticket_history import Actor
from deskyard.errors import Stale
from deskyard.journal import audit_log
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies, Version
from service.runtime.context import Yard

Change = Callable[[Policy], Policy]


class Overtaken(Stale):
    """Somebody changed the policy meanwhile: look at it as it is now, then decide."""


def rule(yard: Yard, actor: Actor, change: Change, seen: int | None = None) -> Version:
    """Put a changed policy in force from the next ticket on.

    `seen` is the number of the version that the change is based on (None: whichever is in force). Raises Overtaken when
    another is in force by now; then nothing was written.
    """
    at = datetime.now(UTC)
    with yard.changing() as conn:
        now = Policies.current(conn)
        if seen is not None and seen != now.number:
            raise Overtaken(f"version {now.number} of the policy is in force by now: look at it, then decide")
        version = Policies.put(conn, change(now.policy), actor.name, at)
        if version.number != now.number:
            audit_log.note(conn, actor, "policy.put", f"version {version.number}", at)
    return version
