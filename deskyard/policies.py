"""The versions of the policy in the database: the newest is in force, none is ever changed.

In comes the session of whoever owns the transaction; out go versions. Reading and writing TOML is
`deskyard.policy_file`'s.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, cast

from sqlalchemy import Row, Table, bindparam, insert, select

from deskyard.database import Session
from deskyard.policy import Policy
from deskyard.policy_file import read_stored, write
from deskyard.tables import PolicyRow

_VERSIONS: Final = cast(Table, PolicyRow.__table__)
_NEWEST: Final = select(_VERSIONS).order_by(_VERSIONS.c.id.desc())
_CURRENT: Final = _NEWEST.limit(1)


@dataclass(frozen=True, slots=True)
class Version:
    """A policy as it was put in force; number 0 is the one of a fresh install, which nobody wrote.

    `text` is its TOML under the keys of this release, whatever release stored it.
    """

    number: int
    at: datetime | None
    actor: str
    policy: Policy
    text: str


class Policies:
    """The doors to the policy's versions."""

    @staticmethod
    def current(session: Session) -> Version:
        """The version in force."""
        row = session.execute(_CURRENT).first()
        return _version(row) if row is not None else Version(0, None, "deskyard", FRESH, write(FRESH))

    @staticmethod
    def put(session: Session, policy: Policy, actor: str, at: datetime) -> Version:
        """Put a policy in force, unless it is in force already."""
        current = Policies.current(session)
        if policy == current.policy:
            return current
        values = {"at": at, "actor": actor, "digest": policy.digest, "text": write(policy)}
        session.execute(insert(_VERSIONS), values)
        return Policies.current(session)

    @staticmethod
    def of_digest(session: Session, digest: str) -> Policy | None:
        """The policy that a decision names; None when it never was in force here."""
        if digest == FRESH.digest:
            return FRESH
        text = session.scalars(select(_VERSIONS.c.text).where(_VERSIONS.c.digest == digest).limit(1)).first()
        return None if text is None else _read(text)[0]

    @staticmethod
    def past(session: Session, n: int) -> list[Version]:
        """The newest `n` versions, newest first."""
        return [_version(row) for row in session.execute(_NEWEST.limit(bindparam("n")), {"n": n})]


FRESH: Final = Policy()
"""What is in force until somebody says otherwise: suggest, set nothing."""


def _version(row: Row[Any]) -> Version:
    policy, text = _read(row.text)
    return Version(row.id, row.at, row.actor, policy, text)


@lru_cache(maxsize=64)
def _read(stored: str) -> tuple[Policy, str]:
    """The policy of a stored text, and its text under today's keys."""
    policy = read_stored(stored)
    return policy, write(policy)
