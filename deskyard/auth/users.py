"""Users of the pages: people with a role, a password and, if they want, a second factor.

Only the argon2 hash of a password is stored, so a lost one must be replaced. What a role allows is defined in
`service.auth.authorization`. Functions take the caller's connection, which the caller commits.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from threading import BoundedSemaphore
from typing import Any, Final

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import Connection, Row, bindparam, select, update

from deskyard.auth.api_keys import MAX_NAME_LENGTH, ROLES, Role
from deskyard.auth.user_names import skeleton
from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.auth import USERS
from deskyard.domain.actors import Actor
from deskyard.errors import BadInput
from deskyard.journal import audit_log

MIN_PASSWORD_LENGTH: Final = 10
"""Minimum length of a password (NIST SP 800-63B requires 8)."""

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""Argon2id with the costs that OWASP's Password Storage Cheat Sheet recommends: 19 MB, two passes, one thread."""

_LONGEST_PASSWORD: Final = 1_024
"""Bytes of a password that are used; the rest is ignored."""

_SCRYPT: Final = "scrypt$"
_SCRYPT_COST: Final = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 * 2**20}
"""The hashes of version 0.1; they are accepted, and renewed when the user signs in."""

_DUMMY_HASH: Final = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""A hash that no password has, so that unknown names take the same time."""

_HASHING: Final = BoundedSemaphore(os.cpu_count() or 1)
"""Held while a password is compared: many at once would take all the memory, and none would be faster."""

_BY_NAME: Final = select(USERS).where(USERS.c.name == bindparam("name"))
_BY_ID: Final = select(USERS).where(USERS.c.id == bindparam("number"))
_HUMAN_ROLES: Final = tuple(role for role in ROLES if role != "machine")


@dataclass(frozen=True, slots=True)
class User:
    """A user without secrets; `queues` are the visible queues, empty for all. A disabled user can't sign in."""

    id: int
    name: str
    role: Role
    queues: tuple[str, ...]
    second_factor: bool
    created_at: datetime
    disabled_at: datetime | None


def create_user(
    conn: Connection, name: str, role: str, password: str, by: str, at: datetime, queues: Collection[str] = ()
) -> User:
    """Create a user; the password is empty for users of OpenID Connect. Raises BadInput for an invalid value.

    A name is used once only, disabled users included, so that histories stay unambiguous, and none that can be mistaken
    for another.
    """
    if role not in _HUMAN_ROLES:
        raise BadInput(f"{role!r} is not a role of a person; choose from {', '.join(_HUMAN_ROLES)}")
    if not name.strip() or name != name.strip() or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise BadInput(f"a user's name must have 1 to {MAX_NAME_LENGTH} printable characters, such as 'ann' or 'анна'")
    names = conn.execute(select(USERS.c.name)).scalars()
    if like := next((other for other in names if other != name and skeleton(other) == skeleton(name)), None):
        raise BadInput(f"{name!r} can be mistaken for the user {like!r}: choose another name")
    row = {
        "name": name,
        "role": role,
        "password": password and hash_password(password),
        "totp_used": 0,
        "queues": sorted(queues),
        "created_at": at,
        "created_by": by,
    }
    if conn.execute(insert_or_ignore(conn, USERS).values(row).returning(USERS.c.id)).first() is None:
        raise BadInput(f"there is or was a user named {name!r}: choose another name")
    audit_log.record_action(conn, Actor("person", by), "user.create", f"{name} ({role})", at)
    return get_user(conn, name)


def get_user(conn: Connection, name: str) -> User:
    """The user of that name. Raises BadInput where there is none."""
    row = conn.execute(_BY_NAME, {"name": name}).first()
    if row is None:
        raise BadInput(f"there is no user named {name[:60]!r}; `deskyard user list` shows them")
    return to_user(row)


def list_users(conn: Connection) -> list[User]:
    """All users, by name."""
    return [to_user(row) for row in conn.execute(select(USERS).order_by(USERS.c.name))]


def has_any_user(conn: Connection) -> bool:
    """Whether a user was ever created; after the last one is disabled, the pages still need a sign-in."""
    return conn.execute(select(USERS.c.id).limit(1)).first() is not None


@dataclass(frozen=True, slots=True)
class CheckedPassword:
    """The result of `check_password`: the stored hash that the password was compared with, whether it is that user's
    password, and a new hash where the stored one is of an older kind ("" otherwise)."""

    stored_hash: str
    is_correct: bool
    renewed_hash: str = ""


def get_password_hash(conn: Connection, name: str) -> str:
    """The stored hash of a user's password; "" for unknown users and those of OpenID Connect."""
    row = conn.execute(_BY_NAME, {"name": name}).first()
    return "" if row is None else str(row.password)


def check_password(password: str, stored_hash: str) -> CheckedPassword:
    """Compare a password with a stored hash (`get_password_hash`), in the same time for unknown users.

    It takes tens of milliseconds and 19 MB, so call it outside of transactions, which others wait for. A process
    compares as many at once as it has processors.
    """
    with _HASHING:
        is_correct = verify_password(password, stored_hash or _DUMMY_HASH) and bool(stored_hash)
        is_renewed = is_correct and is_outdated(stored_hash)
        return CheckedPassword(stored_hash, is_correct, _HASHER.hash(_password_bytes(password)) if is_renewed else "")


def authenticate(conn: Connection, name: str, checked: CheckedPassword, code: str, now: float) -> User | None:
    """The user with this name, a checked password and, with a second factor, code at the time `now` (seconds since
    1970); a code is accepted once. None otherwise, and where the password has changed since it was checked. A password
    of an older hash is stored with its new one."""
    row = conn.execute(_BY_NAME.with_for_update(), {"name": name}).first()
    if row is None or not checked.is_correct or row.password != checked.stored_hash or row.disabled_at is not None:
        return None
    if row.totp:
        step = _find_totp_step(row.totp, code, now)
        if step is None or step <= row.totp_used:
            return None
        conn.execute(update(USERS).where(USERS.c.id == row.id).values(totp_used=step))
    if checked.renewed_hash:
        conn.execute(update(USERS).where(USERS.c.id == row.id).values(password=checked.renewed_hash))
    return to_user(row)


def set_password(conn: Connection, name: str, password: str, by: str, at: datetime) -> None:
    """Change a user's password; a link to OpenID Connect ends. Raises BadInput."""
    _update_user(conn, name, by, at, "password", password=hash_password(password), oidc_issuer=None, oidc_subject=None)


def set_role(conn: Connection, name: str, role: str, queues: Collection[str], by: str, at: datetime) -> None:
    """Change a user's role and visible queues. Raises BadInput."""
    if role not in _HUMAN_ROLES:
        raise BadInput(f"{role!r} is not a role of a person; choose from {', '.join(_HUMAN_ROLES)}")
    _update_user(
        conn, name, by, at, f"{role}; {', '.join(sorted(queues)) or 'all queues'}", role=role, queues=[*queues]
    )


def set_second_factor(conn: Connection, name: str, key: str | None, by: str, at: datetime) -> None:
    """Turn a user's second factor on with this key, or off (None). Raises BadInput."""
    _update_user(conn, name, by, at, "second factor " + ("on" if key else "off"), totp=key, totp_used=0)


def disable_user(conn: Connection, name: str, by: str, at: datetime) -> None:
    """Disable a user. Raises BadInput where there is none."""
    get_user(conn, name)
    conn.execute(update(USERS).where(USERS.c.name == name).values(disabled_at=at))
    audit_log.record_action(conn, Actor("person", by), "user.disable", name, at)


def make_second_factor(name: str) -> tuple[str, str]:
    """A new key, and its otpauth:// address for an authenticator app."""
    key = pyotp.random_base32()
    return key, pyotp.TOTP(key).provisioning_uri(name=name, issuer_name="deskyard")


def verify_code(key: str, code: str, now: float) -> bool:
    """Whether the code is that of the key at `now`, or 30 seconds before or after."""
    return _find_totp_step(key, code, now) is not None


def hash_password(password: str) -> str:
    """The argon2id hash of a password, with salt and costs. Raises BadInput for a password that is too short.

    >>> hash_password("password")
    Traceback (most recent call last):
    deskyard.errors.BadInput: a password needs 10 characters or more, for example several unrelated words
    """
    if len(password) < MIN_PASSWORD_LENGTH:
        raise BadInput(
            f"a password needs {MIN_PASSWORD_LENGTH} characters or more, for example several unrelated words"
        )
    return _HASHER.hash(_password_bytes(password))


def verify_password(password: str, stored_hash: str) -> bool:
    """Whether the password has this stored hash, of argon2 or, as before version 0.2, scrypt."""
    if stored_hash.startswith(_SCRYPT):
        _, salt, made = stored_hash.split("$")
        return hmac.compare_digest(_scrypt(password, base64.b64decode(salt)), base64.b64decode(made))
    try:
        return _HASHER.verify(stored_hash, _password_bytes(password))
    except VerifyMismatchError:
        return False


def is_outdated(stored_hash: str) -> bool:
    """Whether a stored hash was made with another function or other costs than today's."""
    return stored_hash.startswith(_SCRYPT) or _HASHER.check_needs_rehash(stored_hash)


def _password_bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")[:_LONGEST_PASSWORD]


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(_password_bytes(password), salt=salt, dklen=32, **_SCRYPT_COST)


def _find_totp_step(key: str, code: str, now: float) -> int | None:
    """The 30-second step that a code belongs to; None where it is not valid."""
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdigit()):
        return None
    totp, step = pyotp.TOTP(key), int(now) // 30
    return next((at for at in (step, step - 1, step + 1) if hmac.compare_digest(totp.generate_otp(at), digits)), None)


def _update_user(conn: Connection, name: str, by: str, at: datetime, description: str, **values: Any) -> None:
    get_user(conn, name)
    conn.execute(update(USERS).where(USERS.c.name == name).values(**values))
    audit_log.record_action(conn, Actor("person", by), "user.change", f"{name}: {description}", at)


def to_user(row: Row[Any]) -> User:
    """The user of a row of the table."""
    return User(row.id, row.name, row.role, tuple(row.queues), bool(row.totp), row.created_at, row.disabled_at)
