"""Tables of authentication: API keys, users, their sessions and browsers, failures to sign in, and invitations."""

from typing import Final

from sqlalchemy import JSON, Column, Double, ForeignKey, Index, Table, Text, UniqueConstraint

from deskyard.db.tables.base import INT64, METADATA, ROW_ID, Moment

API_KEYS: Final = Table(
    "access_keys",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked_at", Moment),
    UniqueConstraint("name"),
    UniqueConstraint("sha256"),
    sqlite_autoincrement=True,
)
"""An API key: its role, and the SHA-256 of its secret, which itself is not stored."""

USERS: Final = Table(
    "access_users",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("totp", Text),
    Column("totp_used", INT64, nullable=False, default=0),
    Column("queues", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("disabled_at", Moment),
    Column("oidc_issuer", Text),
    Column("oidc_subject", Text),
    UniqueConstraint("name"),
    Index("ix_access_users_oidc", "oidc_issuer", "oidc_subject", unique=True),
    sqlite_autoincrement=True,
)
"""A user of the pages. `password` is an argon2 hash (scrypt for users who have not signed in since version 0.1), empty
for users of OpenID Connect, who are known by `oidc_issuer` and `oidc_subject` (the claims iss and sub) from their first
sign-in on; `totp` the key of the second factor. `queues`: the visible queues, all if empty.
"""

SESSIONS: Final = Table(
    "access_sessions",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("user_id", ROW_ID, ForeignKey("access_users.id"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    UniqueConstraint("sha256"),
    Index(None, "user_id"),
    sqlite_autoincrement=True,
)
"""A session of a signed-in user: the SHA-256 of its cookie, and the time of its last request."""

KNOWN_BROWSERS: Final = Table(
    "access_known_browsers",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("user_id", ROW_ID, ForeignKey("access_users.id"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("sha256"),
    Index(None, "user_id"),
    sqlite_autoincrement=True,
)
"""A browser in which a user has signed in, at the last time: the SHA-256 of its cookie."""

SIGN_IN_FAILURES: Final = Table(
    "access_sign_in_failures",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("until", Double, nullable=False),
    UniqueConstraint("sha256"),
    Index(None, "until"),
    sqlite_autoincrement=True,
)
"""Failures to sign in of a network, a name or a known browser, whose SHA-256 it is: `until` (seconds since 1970) moves
on by a failure's time with each, and the row means nothing when it has passed."""

INVITATIONS: Final = Table(
    "access_invitations",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("until", Moment, nullable=False),
    UniqueConstraint("sha256"),
    sqlite_autoincrement=True,
)
"""An invitation to create the first user: the SHA-256 of its secret, and until when it is valid."""
