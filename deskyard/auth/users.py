"""Users: people who sign in to the pages, with a role, a password and, if they want, a second factor.

In come names, passwords and the connection of whoever owns the transaction; out go users. Of a password only its argon2
hash is kept, so a lost one is replaced and never told. What a role may do is `service.auth.authorization`'s.
"""

import base64
import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import Connection, Row, bindparam, select, update

from deskyard.auth.api_keys import MAX_NAME_LENGTH, ROLES, Role
from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.auth import USERS
from deskyard.domain.actors import Actor
from deskyard.errors import BadInput
from deskyard.journal import audit_log

MIN_PASSWORD_LENGTH: Final = 10
"""Characters of a password: length is what a guesser pays for (NIST SP 800-63B asks for 8)."""

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""Argon2id with the costs that OWASP's Password Storage Cheat Sheet recommends: 19 MB, two passes, one thread."""

_LONGEST_PASSWORD: Final = 1_024
"""Bytes of a password that are read."""

_SCRYPT: Final = "scrypt$"
_SCRYPT_COST: Final = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 * 2**20}
"""How passwords were kept before; such a hash is accepted, and renewed when its user signs in."""

_DUMMY_HASH: Final = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""A hash that no password has, to spend the same time on names that nobody has."""

_BY_NAME: Final = select(USERS).where(USERS.c.name == bindparam("name"))
_BY_ID: Final = select(USERS).where(USERS.c.id == bindparam("number"))
_HUMAN_ROLES: Final = tuple(role for role in ROLES if role != "machine")


@dataclass(frozen=True, slots=True)
class User:
    """A user without what they know; `queues` empty: all may be seen. One who was disabled can't sign in."""

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
    """Make a user; an empty password is for those who sign in elsewhere. Raises BadInput.

    A name is given once, disabled users included: what was done under it stays somebody's.
    """
    if role not in _HUMAN_ROLES:
        raise BadInput(f"{role!r} is no role of a person; choose from {', '.join(_HUMAN_ROLES)}")
    if not name.strip() or name != name.strip() or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise BadInput(
            f"a user's name holds 1 to {MAX_NAME_LENGTH} characters that can be read, such as 'ann' or 'анна'"
        )
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
        raise BadInput(f"there is or was a user named {name!r}, and that name stays theirs: choose another")
    audit_log.record_action(conn, Actor("person", by), "user.create", f"{name} ({role})", at)
    return get_user(conn, name)


def get_user(conn: Connection, name: str) -> User:
    """The user of that name. Raises BadInput."""
    row = conn.execute(_BY_NAME, {"name": name}).first()
    if row is None:
        raise BadInput(f"there is no user named {name[:60]!r}; `deskyard user list` shows them")
    return to_user(row)


def find_active_user(conn: Connection, name: str) -> User | None:
    """The user of that name, who may sign in."""
    row = conn.execute(_BY_NAME, {"name": name}).first()
    return None if row is None or row.disabled_at is not None else to_user(row)


def list_users(conn: Connection) -> list[User]:
    """Everybody, by name."""
    return [to_user(row) for row in conn.execute(select(USERS).order_by(USERS.c.name))]


def has_any_user(conn: Connection) -> bool:
    """Whether somebody was ever made a user. Disabling the last one does not open the door again."""
    return conn.execute(select(USERS.c.id).limit(1)).first() is not None


def authenticate(conn: Connection, name: str, password: str, code: str, now: float) -> User | None:
    """The user who knows this password and, with a second factor, shows its code of now (seconds since 1970), each code
    once. None for anybody else; it takes as long for a name that nobody has. A password that was kept with an older
    function or lower costs is hashed anew."""
    row = conn.execute(_BY_NAME.with_for_update(), {"name": name}).first()
    stands = row.password if row is not None else ""
    right = verify_password(password, stands or _DUMMY_HASH) and bool(stands)
    if row is None or not right or row.disabled_at is not None:
        return None
    if row.totp:
        step = _find_totp_step(row.totp, code, now)
        if step is None or step <= row.totp_used:
            return None
        conn.execute(update(USERS).where(USERS.c.id == row.id).values(totp_used=step))
    if is_outdated(stands):
        conn.execute(update(USERS).where(USERS.c.id == row.id).values(password=_HASHER.hash(_read(password))))
    return to_user(row)


def set_password(conn: Connection, name: str, password: str, by: str, at: datetime) -> None:
    """Give a user another password. Raises BadInput."""
    _update_user(conn, name, by, at, "password", password=hash_password(password))


def set_role(conn: Connection, name: str, role: str, queues: Collection[str], by: str, at: datetime) -> None:
    """Give a user another role and other queues to see. Raises BadInput."""
    if role not in _HUMAN_ROLES:
        raise BadInput(f"{role!r} is no role of a person; choose from {', '.join(_HUMAN_ROLES)}")
    _update_user(
        conn, name, by, at, f"{role}; {', '.join(sorted(queues)) or 'all queues'}", role=role, queues=[*queues]
    )


def set_second_factor(conn: Connection, name: str, key: str | None, by: str, at: datetime) -> None:
    """Ask a user for a code beside the password from now on, or no more (None). Raises BadInput."""
    _update_user(conn, name, by, at, "second factor " + ("on" if key else "off"), totp=key, totp_used=0)


def disable_user(conn: Connection, name: str, by: str, at: datetime) -> None:
    """Let a user sign in no more. Raises BadInput."""
    get_user(conn, name)
    conn.execute(update(USERS).where(USERS.c.name == name).values(disabled_at=at))
    audit_log.record_action(conn, Actor("person", by), "user.disable", name, at)


def make_second_factor(name: str) -> tuple[str, str]:
    """A new key, and the address that an authenticator app reads (as a QR code)."""
    key = pyotp.random_base32()
    return key, pyotp.TOTP(key).provisioning_uri(name=name, issuer_name="deskyard")


def verify_code(key: str, code: str, now: float) -> bool:
    """Whether that is the key's code of now, or of half a minute before or after."""
    return _find_totp_step(key, code, now) is not None


def hash_password(password: str) -> str:
    """A password as it is kept: its argon2id hash, with salt and costs in it. Raises BadInput for one that is too short.

    >>> hash_password("password")
    Traceback (most recent call last):
    deskyard.errors.BadInput: a password has 10 characters and more; a few words that nobody else would put together do well
    """  # noqa: E501
    if len(password) < MIN_PASSWORD_LENGTH:
        raise BadInput(
            f"a password has {MIN_PASSWORD_LENGTH} characters and more; a few words that nobody else would put together do well"
        )
    return _HASHER.hash(_read(password))


def verify_password(password: str, stored_hash: str) -> bool:
    """Whether that is the password which is kept so: by argon2, or by scrypt as before version 0.2."""
    if stored_hash.startswith(_SCRYPT):
        _, salt, made = stored_hash.split("$")
        return hmac.compare_digest(_scrypt(password, base64.b64decode(salt)), base64.b64decode(made))
    try:
        return _HASHER.verify(stored_hash, _read(password))
    except VerifyMismatchError:
        return False


def is_outdated(stands: str) -> bool:
    """Whether a password that is kept so should be hashed anew: with another function or other costs than today's."""
    return stands.startswith(_SCRYPT) or _HASHER.check_needs_rehash(stands)


def _read(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")[:_LONGEST_PASSWORD]


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(_read(password), salt=salt, dklen=32, **_SCRYPT_COST)


def _find_totp_step(key: str, code: str, now: float) -> int | None:
    """The half minute that a code belongs to."""
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdigit()):
        return None
    made, step = pyotp.TOTP(key), int(now) // 30
    return next((at for at in (step, step - 1, step + 1) if hmac.compare_digest(made.generate_otp(at), digits)), None)


def _update_user(conn: Connection, name: str, by: str, at: datetime, description: str, **values: Any) -> None:
    get_user(conn, name)
    conn.execute(update(USERS).where(USERS.c.name == name).values(**values))
    audit_log.record_action(conn, Actor("person", by), "user.change", f"{name}: {description}", at)


def to_user(row: Row[Any]) -> User:
    """The user of a row of their table."""
    return User(row.id, row.name, row.role, tuple(row.queues), bool(row.totp), row.created_at, row.disabled_at)
