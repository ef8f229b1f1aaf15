"""Changing the policy: a new version that is in force for every process at once, with an entry in the audit log."""

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
    """The policy was changed since the version that the change is based on."""


def update_policy(
    context: AppContext, actor: Actor, change: PolicyChange, expected_number: int | None = None
) -> PolicyVersion:
    """Put a changed policy in force from the next ticket on, and return its version.

    `expected_number`: the version that the change is based on; None: whichever is in force. Raises PolicyConflict if
    another one is in force; then nothing is stored.
    """
    at = datetime.now(UTC)
    with context.changing_settings() as conn:
        current = Policies.current(conn)
        if expected_number is not None and expected_number != current.number:
            raise PolicyConflict(f"version {current.number} of the policy is now in force: read it, then decide")
        version = Policies.add_version(conn, change(current.policy), actor.name, at)
        if version.number != current.number:
            audit_log.record_action(conn, actor, "policy.put", f"version {version.number}", at)
    return version
