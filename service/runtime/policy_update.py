"""Changing the policy: a new version for everybody at once, noted down; what was not seen is never overwritten.

In come a change and the version it was thought out for, out goes the version in force.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from deskyard.domain.actors import Actor
from deskyard.errors import StaleVersion
from deskyard.journal import audit_log
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies, PolicyVersion
from service.runtime.context import AppContext

PolicyChange = Callable[[Policy], Policy]


class PolicyConflict(StaleVersion):
    """Somebody changed the policy meanwhile: look at it as it is now, then decide."""


def update_policy(
    context: AppContext, actor: Actor, change: PolicyChange, expected_number: int | None = None
) -> PolicyVersion:
    """Put a changed policy in force from the next ticket on.

    `seen` is the number of the version that the change is based on (None: whichever is in force). Raises Overtaken when
    another is in force by now; then nothing was written.
    """
    at = datetime.now(UTC)
    with context.changing_settings() as conn:
        now = Policies.current(conn)
        if expected_number is not None and expected_number != now.number:
            raise PolicyConflict(f"version {now.number} of the policy is in force by now: look at it, then decide")
        version = Policies.add_version(conn, change(now.policy), actor.name, at)
        if version.number != now.number:
            audit_log.record_action(conn, actor, "policy.put", f"version {version.number}", at)
    return version
