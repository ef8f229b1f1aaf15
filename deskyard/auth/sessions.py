"""Who is signed in: browsers by their cookies, and the invitation that makes the first user.

In come secrets and the connection of whoever owns the transaction; out go users. Only SHA-256 of secrets are kept. A
session ends when it was idle for `IDLE_TIMEOUT`, is older than `MAX_SESSION_AGE`, its user signs out or is disabled.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from deskyard.auth.users import User, has_any_user, to_user
from deskyard.db.tables.auth import INVITATIONS, SESSIONS, USERS

IDLE_TIMEOUT: Final = timedelta(hours=2)
MAX_SESSION_AGE: Final = timedelta(hours=12)
"""A working day."""

SEEN_UPDATE_INTERVAL: Final = timedelta(minutes=1)
"""How often it is written down that somebody is still there."""

INVITATION_LIFETIME: Final = timedelta(minutes=15)

_USER_BY_SECRET: Final = (
    select(USERS, SESSIONS.c.created_at.label("began"), SESSIONS.c.seen_at)
    .join(USERS, USERS.c.id == SESSIONS.c.user_id)
    .where(SESSIONS.c.sha256 == bindparam("sha256"), USERS.c.disabled_at.is_(None))
)


def start_session(conn: Connection, user: User, at: datetime) -> str:
    """Sign a user in; the cookie's secret, once. Sessions that ended are forgotten."""
    conn.execute(
        delete(SESSIONS).where(
            (SESSIONS.c.seen_at < at - IDLE_TIMEOUT) | (SESSIONS.c.created_at < at - MAX_SESSION_AGE)
        )
    )
    secret = secrets.token_urlsafe(32)
    row = {"user_id": user.id, "sha256": _hash_secret(secret), "created_at": at, "seen_at": at}
    conn.execute(insert(SESSIONS).values(row))
    return secret


def find_session_user(conn: Connection, secret: str, at: datetime) -> tuple[User, bool] | None:
    """Whose cookie that is, and whether it is time to write down that they are there (`touch_session`)."""
    row = conn.execute(_USER_BY_SECRET, {"sha256": _hash_secret(secret)}).first()
    if row is None or at - row.seen_at > IDLE_TIMEOUT or at - row.began > MAX_SESSION_AGE:
        return None
    return to_user(row), at - row.seen_at > SEEN_UPDATE_INTERVAL


def touch_session(conn: Connection, secret: str, at: datetime) -> None:
    """Somebody is still there."""
    conn.execute(update(SESSIONS).where(SESSIONS.c.sha256 == _hash_secret(secret)).values(seen_at=at))


def end_session(conn: Connection, secret: str) -> None:
    """Sign out."""
    conn.execute(delete(SESSIONS).where(SESSIONS.c.sha256 == _hash_secret(secret)))


def end_user_sessions(conn: Connection, user: User) -> None:
    """Sign a user out everywhere, as after a new password."""
    conn.execute(delete(SESSIONS).where(SESSIONS.c.user_id == user.id))


def create_invitation(conn: Connection, at: datetime) -> str:
    """A word with which the first user can be made within `INVITATION_LIFETIME`; words of before are worth nothing any
    more."""
    conn.execute(delete(INVITATIONS))
    secret = secrets.token_urlsafe(24)
    conn.execute(insert(INVITATIONS).values({"sha256": _hash_secret(secret), "until": at + INVITATION_LIFETIME}))
    return secret


def is_invitation_valid(conn: Connection, secret: str, at: datetime) -> bool:
    """Whether that word makes the first user now."""
    found = select(INVITATIONS.c.id).where(INVITATIONS.c.sha256 == _hash_secret(secret), INVITATIONS.c.until > at)
    return conn.execute(found).first() is not None and not has_any_user(conn)


def delete_invitations(conn: Connection) -> None:
    """The invitation was followed."""
    conn.execute(delete(INVITATIONS))


def _hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
