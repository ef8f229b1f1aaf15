"""The versions of the policy in the database: the newest is in force, and none is ever changed.

The caller commits. `deskyard.policy.toml_format` parses and formats them.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select

from deskyard.db.tables.policy import POLICY_VERSIONS
from deskyard.policy.policy import Policy
from deskyard.policy.toml_format import format_policy, read_stored

_NEWEST_FIRST: Final = select(POLICY_VERSIONS).order_by(POLICY_VERSIONS.c.id.desc())
_CURRENT: Final = _NEWEST_FIRST.limit(1)


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A policy that was put in force: by whom and when. Number 0 is the default policy of a new installation.

    `text` is its TOML with the keys of this release, whatever release stored it.
    """

    number: int
    at: datetime | None
    actor: str
    policy: Policy
    text: str


class Policies:
    """Reads and adds versions."""

    @staticmethod
    def current(conn: Connection) -> PolicyVersion:
        """The version in force."""
        row = conn.execute(_CURRENT).first()
        return (
            _to_version(row)
            if row is not None
            else PolicyVersion(0, None, "deskyard", DEFAULT_POLICY, format_policy(DEFAULT_POLICY))
        )

    @staticmethod
    def add_version(conn: Connection, policy: Policy, actor: str, at: datetime) -> PolicyVersion:
        """Put a policy in force, unless it is already; returns the version in force."""
        current = Policies.current(conn)
        if policy == current.policy:
            return current
        values = {"at": at, "actor": actor, "digest": policy.digest, "text": format_policy(policy)}
        conn.execute(insert(POLICY_VERSIONS), values)
        return Policies.current(conn)

    @staticmethod
    def find_by_digest(conn: Connection, digest: str) -> Policy | None:
        """The policy with the digest that a decision names; None if it was never in force here."""
        if digest == DEFAULT_POLICY.digest:
            return DEFAULT_POLICY
        text = conn.scalars(select(POLICY_VERSIONS.c.text).where(POLICY_VERSIONS.c.digest == digest).limit(1)).first()
        return None if text is None else _parse_cached(text)[0]

    @staticmethod
    def list_recent(conn: Connection, n: int) -> list[PolicyVersion]:
        """The newest `n` versions, newest first."""
        return [_to_version(row) for row in conn.execute(_NEWEST_FIRST.limit(bindparam("n")), {"n": n})]


DEFAULT_POLICY: Final = Policy()
"""The policy of a new installation: suggest everything, set nothing."""


def _to_version(row: Row[Any]) -> PolicyVersion:
    policy, text = _parse_cached(row.text)
    return PolicyVersion(row.id, row.at, row.actor, policy, text)


@lru_cache(maxsize=64)
def _parse_cached(stored: str) -> tuple[Policy, str]:
    """The policy of a stored text, and its text with the keys of this release."""
    policy = read_stored(stored)
    return policy, format_policy(policy)
