"""API keys of the service: create, list, revoke, and find the one that a secret belongs to.

The secret of a new key is returned once; only its SHA-256 is stored, so a lost secret must be replaced. What a role
allows is defined in `service.auth.authorization`. Functions take the caller's connection, which the caller commits.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from sqlalchemy import Connection, Row, select, update

from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.auth import API_KEYS, USERS
from deskyard.domain.actors import Actor
from deskyard.errors import BadInput
from deskyard.journal import audit_log

Role = Literal["viewer", "agent", "manager", "admin", "machine"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

KEY_PREFIX: Final = "dy_"
"""Prefix of secrets, so that people and secret scanners recognise them."""

MAX_NAME_LENGTH: Final = 100
"""Maximum length of a key's name."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret; a revoked one is refused."""

    name: str
    role: Role
    created_at: datetime
    created_by: str
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActiveKeys:
    """The keys that are valid now. `is_required`: a key or user was created once, so all requests need credentials."""

    is_required: bool
    by_hash: Mapping[str, ApiKey]

    def find_key(self, secret: str) -> ApiKey | None:
        """The key with this secret; None where there is none."""
        return self.by_hash.get(_hash_secret(secret))


def create_key(conn: Connection, name: str, role: str, created_by: str, at: datetime) -> str:
    """Create a key and return its secret: `dy_` and 256 random bits. Raises BadInput for an invalid name or role.

    A name is used once only, revoked keys included, so that histories stay unambiguous.
    """
    if role not in ROLES:
        raise BadInput(f"{role!r} is not a role; choose from {', '.join(ROLES)}")
    if not name.strip() or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise BadInput(f"a key's name must have 1 to {MAX_NAME_LENGTH} printable characters, such as 'mail-gateway'")
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    row = {"name": name, "role": role, "sha256": _hash_secret(secret), "created_at": at, "created_by": created_by}
    if not _row_changed(conn, insert_or_ignore(conn, API_KEYS).values(row)):
        raise BadInput(f"there is or was a key named {name!r}: choose another name")
    audit_log.record_action(conn, Actor("person", created_by), "key.create", f"{name} ({role})", at)
    return secret


def revoke_key(conn: Connection, name: str, revoked_by: str, at: datetime) -> None:
    """Revoke a key. Raises BadInput when no such key is in use."""
    open_keys = update(API_KEYS).where(API_KEYS.c.name == name, API_KEYS.c.revoked_at.is_(None))
    if not _row_changed(conn, open_keys.values(revoked_at=at)):
        raise BadInput(f"no key named {name!r} is in use; `deskyard key list` shows them")
    audit_log.record_action(conn, Actor("person", revoked_by), "key.revoke", name, at)


def list_keys(conn: Connection) -> list[ApiKey]:
    """All keys, revoked ones included, oldest first."""
    return [_to_key(row) for row in conn.execute(select(API_KEYS).order_by(API_KEYS.c.id))]


def has_any_key(conn: Connection) -> bool:
    """Whether a key was ever created; after the last one is revoked, requests still need credentials."""
    return conn.execute(select(API_KEYS.c.id).limit(1)).first() is not None


def requires_credentials(conn: Connection) -> bool:
    """Whether requests need credentials, because a key or a user was created."""
    return has_any_key(conn) or conn.execute(select(USERS.c.id).limit(1)).first() is not None


def load_active_keys(conn: Connection) -> ActiveKeys:
    """The keys that are valid now, by their hashes."""
    rows = conn.execute(select(API_KEYS).where(API_KEYS.c.revoked_at.is_(None))).all()
    return ActiveKeys(bool(rows) or requires_credentials(conn), {row.sha256: _to_key(row) for row in rows})


def _row_changed(conn: Connection, statement: Any) -> bool:
    """Whether the statement affected a row (PostgreSQL's driver does not count inserted ones)."""
    return conn.execute(statement.returning(API_KEYS.c.id)).first() is not None


def _hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _to_key(row: Row[Any]) -> ApiKey:
    return ApiKey(row.name, row.role, row.created_at, row.created_by, row.revoked_at)
