"""How often somebody may fail to sign in, counted in the database, so that all processes of the service share it.

Failures are counted for the network they come from and for the name that was tried. A browser in which a user has
signed in before is counted by itself (a device cookie, as the OWASP Authentication Cheat Sheet calls it): whoever tries
that user's name elsewhere does not lock it out. An attempt is counted before the password is compared, so that many at
once are no more than one after another, and given back when it succeeds. Functions take the caller's connection, which
the caller commits.
"""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from deskyard.auth.sessions import hash_secret
from deskyard.auth.users import User
from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.auth import KNOWN_BROWSERS, SIGN_IN_FAILURES, USERS

SECONDS_PER_FAILURE: Final = 12.0
MOST_FAILURES: Final = 10
"""So many failures at once, and then one in so many seconds."""

KNOWN_FOR: Final = timedelta(days=180)
"""How long a browser is known after its user's last sign-in."""

MOST_BROWSERS: Final = 20
"""Browsers of one user that are known; the one that signed in longest ago is forgotten first."""

_UNTIL: Final = select(SIGN_IN_FAILURES.c.until)


def attempt_keys(network: str, name: str, browser: str) -> tuple[str, ...]:
    """What an attempt is counted for: `browser`, the cookie of a known browser, or else the network and the name."""
    counted = (f"browser {browser}",) if browser else (f"network {network}", f"name {name}")
    return tuple(sorted(map(hash_secret, counted)))


def find_wait(conn: Connection, keys: Collection[str], now: float) -> float:
    """Seconds until an attempt may be made; 0.0: now. Counts nothing."""
    return _wait(list(conn.scalars(_UNTIL.where(SIGN_IN_FAILURES.c.sha256.in_(keys)))), now)


def count_attempt(conn: Connection, keys: Collection[str], now: float) -> float:
    """Count an attempt; returns the seconds to wait, 0.0 if it may be made. `now`: seconds since 1970.

    Each key has the moment when it has no failures left to forget (the generic cell rate algorithm).
    """
    forgotten = select(SIGN_IN_FAILURES.c.id).where(SIGN_IN_FAILURES.c.until < now).with_for_update(skip_locked=True)
    conn.execute(delete(SIGN_IN_FAILURES).where(SIGN_IN_FAILURES.c.id.in_(forgotten)))
    for key in keys:  # in one order everywhere, so that two attempts wait for each other and never both
        conn.execute(insert_or_ignore(conn, SIGN_IN_FAILURES).values(sha256=key, until=now))
    locked = _UNTIL.where(SIGN_IN_FAILURES.c.sha256.in_(keys)).order_by(SIGN_IN_FAILURES.c.sha256).with_for_update()
    wait = _wait(list(conn.scalars(locked)), now)
    if not wait:
        _move(conn, keys, SECONDS_PER_FAILURE)
    return wait


def uncount_attempt(conn: Connection, keys: Collection[str]) -> None:
    """Take the count of an attempt back that was no failure."""
    _move(conn, keys, -SECONDS_PER_FAILURE)


def is_known_browser(conn: Connection, name: str, secret: str, at: datetime) -> bool:
    """Whether the user of that name has signed in in the browser with this cookie."""
    found = (
        select(KNOWN_BROWSERS.c.id)
        .join(USERS, USERS.c.id == KNOWN_BROWSERS.c.user_id)
        .where(
            USERS.c.name == name, KNOWN_BROWSERS.c.sha256 == hash_secret(secret), KNOWN_BROWSERS.c.at > at - KNOWN_FOR
        )
    )
    return conn.execute(found).first() is not None


def remember_browser(conn: Connection, user: User, known: str, at: datetime) -> str:
    """Remember that `user` has signed in, and return the secret of the browser's cookie for it. `known`: the one that
    it had for this user, which ends; "" if it had none."""
    conn.execute(
        delete(KNOWN_BROWSERS).where(
            (KNOWN_BROWSERS.c.sha256 == hash_secret(known)) | (KNOWN_BROWSERS.c.at < at - KNOWN_FOR)
        )
    )
    mine = select(KNOWN_BROWSERS.c.id).where(KNOWN_BROWSERS.c.user_id == user.id)
    kept = mine.order_by(KNOWN_BROWSERS.c.at.desc(), KNOWN_BROWSERS.c.id.desc()).limit(MOST_BROWSERS - 1)
    conn.execute(delete(KNOWN_BROWSERS).where(KNOWN_BROWSERS.c.user_id == user.id, KNOWN_BROWSERS.c.id.not_in(kept)))
    secret = secrets.token_urlsafe(32)
    conn.execute(insert(KNOWN_BROWSERS).values(user_id=user.id, sha256=hash_secret(secret), at=at))
    return secret


def _wait(until: Collection[float], now: float) -> float:
    return max(0.0, max(until, default=now) - now - (MOST_FAILURES - 1) * SECONDS_PER_FAILURE)


def _move(conn: Connection, keys: Collection[str], seconds: float) -> None:
    rows = SIGN_IN_FAILURES.c.sha256.in_(keys)
    conn.execute(update(SIGN_IN_FAILURES).where(rows).values(until=SIGN_IN_FAILURES.c.until + seconds))
