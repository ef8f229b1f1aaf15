"""A requester's own address: the secret that opens one ticket to whoever filed it, and what they thought of the answer.

In come sessions, whose owner commits; out go ticket numbers and ratings. The secret itself is kept nowhere, only its
SHA-256: who reads the database opens no ticket with it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, select, update

from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.desk import STATUS_LINKS
from deskyard.errors import BadInput, NotFound

STARS: Final = (1, 2, 3, 4, 5)
MAX_COMMENT_LENGTH: Final = 1_000
"""Characters of what is said beside the stars."""


@dataclass(frozen=True, slots=True)
class StatusLink:
    """The ticket that a secret opens, and its rating: `stars` is None until there is one."""

    ticket: int
    created_at: datetime
    stars: int | None
    comment: str
    rated_at: datetime | None


def add_link(conn: Connection, ticket: int, secret: str, at: datetime) -> None:
    """Let a secret open a ticket; the first one stays."""
    row = {"ticket_id": ticket, "sha256": hash_secret(secret), "created_at": at, "said": ""}
    conn.execute(insert_or_ignore(conn, STATUS_LINKS), row)


def find_link(conn: Connection, secret: str) -> StatusLink:
    """What a secret opens. Raises NotThere for one that opens nothing."""
    row = conn.execute(_BY_SECRET, {"sha256": hash_secret(secret)}).first()
    if row is None:
        raise NotFound("this address opens no request: copy it once more, whole")
    return _to_link(row)


def rate_solution(conn: Connection, link: StatusLink, stars: int, comment: str, at: datetime) -> None:
    """Say how good the solution was; the last word counts. Raises BadInput for what is no rating."""
    if stars not in STARS:
        raise BadInput(f"{stars} stars: choose from 1 to 5")
    values = {"stars": stars, "said": comment.strip()[:MAX_COMMENT_LENGTH], "rated_at": at}
    conn.execute(update(STATUS_LINKS).where(STATUS_LINKS.c.ticket_id == link.ticket).values(values))


def hash_secret(secret: str) -> str:
    """The SHA-256 of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


_BY_SECRET: Final = select(STATUS_LINKS).where(STATUS_LINKS.c.sha256 == bindparam("sha256"))


def _to_link(row: Row[Any]) -> StatusLink:
    return StatusLink(row.ticket_id, row.created_at, row.stars, row.said, row.rated_at)
