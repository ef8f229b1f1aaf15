"""Sessions of signed-in users, by their cookies, and the invitation that creates the first user.

Only the SHA-256 of secrets is stored. A session ends after `IDLE_TIMEOUT` without a request, after `MAX_SESSION_AGE`,
or when its user signs out or is disabled. Functions take the caller's connection, which the caller commits.
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
"""How often the time of the last request is updated."""

INVITATION_LIFETIME: Final = timedelta(minutes=15)

_USER_BY_SECRET: Final = (
    select(USERS, SESSIONS.c.created_at.label("began"), SESSIONS.c.seen_at)
    .join(USERS, USERS.c.id == SESSIONS.c.user_id)
    .where(SESSIONS.c.sha256 == bindparam("sha256"), USERS.c.disabled_at.is_(None))
)


def start_session(conn: Connection, user: User, at: datetime) -> str:
    """Start a session and return the secret of its cookie; ended sessions are deleted."""
    conn.execute(
        delete(SESSIONS).where(
            (SESSIONS.c.seen_at < at - IDLE_TIMEOUT) | (SESSIONS.c.created_at < at - MAX_SESSION_AGE)
        )
    )
    secret = secrets.token_urlsafe(32)
    row = {"user_id": user.id, "sha256": hash_secret(secret), "created_at": at, "seen_at": at}
    conn.execute(insert(SESSIONS).values(row))
    return secret


def find_session_user(conn: Connection, secret: str, at: datetime) -> tuple[User, bool] | None:
    """The user of a cookie, and whether `touch_session` is due; None where the session is unknown or has ended."""
    row = conn.execute(_USER_BY_SECRET, {"sha256": hash_secret(secret)}).first()
    if row is None or at - row.seen_at > IDLE_TIMEOUT or at - row.began > MAX_SESSION_AGE:
        return None
    return to_user(row), at - row.seen_at > SEEN_UPDATE_INTERVAL


def touch_session(conn: Connection, secret: str, at: datetime) -> None:
    """Update the time of the session's last request."""
    conn.execute(update(SESSIONS).where(SESSIONS.c.sha256 == hash_secret(secret)).values(seen_at=at))


def end_session(conn: Connection, secret: str) -> None:
    """End a session."""
    conn.execute(delete(SESSIONS).where(SESSIONS.c.sha256 == hash_secret(secret)))


def end_user_sessions(conn: Connection, user: User) -> None:
    """End all sessions of a user, as after a new password."""
    conn.execute(delete(SESSIONS).where(SESSIONS.c.user_id == user.id))


def create_invitation(conn: Connection, at: datetime) -> str:
    """Create an invitation and return its token, with which the first user can be created within `INVITATION_LIFETIME`;
    earlier invitations become invalid."""
    conn.execute(delete(INVITATIONS))
    secret = secrets.token_urlsafe(24)
    conn.execute(insert(INVITATIONS).values({"sha256": hash_secret(secret), "until": at + INVITATION_LIFETIME}))
    return secret


def is_invitation_valid(conn: Connection, secret: str, at: datetime) -> bool:
    """Whether the token may create the first user now."""
    found = select(INVITATIONS.c.id).where(INVITATIONS.c.sha256 == hash_secret(secret), INVITATIONS.c.until > at)
    return conn.execute(found).first() is not None and not has_any_user(conn)


def use_invitation(conn: Connection, secret: str, at: datetime) -> bool:
    """Use the invitation up, in the transaction that creates the first user; False where it is not valid any more.

    Of several requests with one token at the same time one gets True: the others wait for its transaction.
    """
    used = delete(INVITATIONS).where(INVITATIONS.c.sha256 == hash_secret(secret), INVITATIONS.c.until > at)
    if conn.execute(used.returning(INVITATIONS.c.id)).first() is None or has_any_user(conn):
        return False
    conn.execute(delete(INVITATIONS))
    return True


def hash_secret(secret: str) -> str:
    """The SHA-256 of a secret in hexadecimal digits, which is stored in its place."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
