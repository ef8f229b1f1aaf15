"""Status links: the secret address that opens one ticket to its requester, and the requester's rating.

Only the SHA-256 of the secret is stored, so nobody who reads the database can open a ticket with it.
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
"""Maximum length of the comment with a rating; longer ones are cut."""


@dataclass(frozen=True, slots=True)
class StatusLink:
    """A ticket's link and rating; `stars` is None until it is rated."""

    ticket: int
    created_at: datetime
    stars: int | None
    comment: str
    rated_at: datetime | None


def add_link(conn: Connection, ticket: int, secret: str, at: datetime) -> None:
    """Add a secret that opens a ticket, unless the ticket has one."""
    row = {"ticket_id": ticket, "sha256": hash_secret(secret), "created_at": at, "said": ""}
    conn.execute(insert_or_ignore(conn, STATUS_LINKS), row)


def find_link(conn: Connection, secret: str) -> StatusLink:
    """The link with this secret. Raises NotFound where there is none."""
    row = conn.execute(_BY_SECRET, {"sha256": hash_secret(secret)}).first()
    if row is None:
        raise NotFound("this address is not valid: copy it again, completely")
    return _to_link(row)


def rate_solution(conn: Connection, link: StatusLink, stars: int, comment: str, at: datetime) -> None:
    """Rate the solution, replacing an earlier rating. Raises BadInput for an invalid number of stars."""
    if stars not in STARS:
        raise BadInput(f"{stars} stars is not a rating: choose 1 to 5")
    values = {"stars": stars, "said": comment.strip()[:MAX_COMMENT_LENGTH], "rated_at": at}
    conn.execute(update(STATUS_LINKS).where(STATUS_LINKS.c.ticket_id == link.ticket).values(values))


def hash_secret(secret: str) -> str:
    """The SHA-256 of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


_BY_SECRET: Final = select(STATUS_LINKS).where(STATUS_LINKS.c.sha256 == bindparam("sha256"))


def _to_link(row: Row[Any]) -> StatusLink:
    return StatusLink(row.ticket_id, row.created_at, row.stars, row.said, row.rated_at)
