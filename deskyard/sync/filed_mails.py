"""Which mails were filed, and under which id: mail programs give several mails one Message-ID.

The first mail with a Message-ID is filed under it. Another one with that Message-ID gets the Message-ID with a hash of
its sender, Date and text; the same mail gets its first id again, however often it is delivered.
"""

from collections.abc import Collection
from typing import Final

from sqlalchemy import ColumnElement, Connection, select, update

from deskyard.db.statements import insert_or_ignore
from deskyard.db.tables.desk import COMMENTS, TICKETS
from deskyard.db.tables.sync import MAILS
from deskyard.sync.connections import StoreConnection

COMMENT_KEY_PREFIX: Final = "mail "
"""What the keys of comments begin with that came by mail; the id of the mail follows."""

_HASH_LENGTH: Final = 16
"""Hexadecimal digits of the hash in an id."""

_ERASED: Final = "erased-"


def assign_external_id(
    conn: Connection, connection: StoreConnection, message_id: str, fingerprint: str, *, sender: str, text: str
) -> str:
    """The id under which a mail is filed, the same whenever the mail is read. Call it within a writing transaction.

    `sender` and `text` are compared with a ticket or comment that was filed before fingerprints were kept.
    """
    mine = MAILS.c.connection_id == connection.id
    known = dict(
        conn.execute(
            select(MAILS.c.fingerprint, MAILS.c.external_id).where(mine, MAILS.c.message_id == message_id)
        ).all()
    )
    if (found := _find_known(known, fingerprint)) is not None:
        return found
    names = [f"{message_id}#{fingerprint[:_HASH_LENGTH]}", f"{message_id}#{fingerprint}"]
    if not known and _is_free(conn, connection, message_id, sender, text):
        names.insert(0, message_id)
    key = {"connection_id": connection.id, "message_id": message_id, "fingerprint": fingerprint}
    for name in names:  # an id may just have been taken by another process
        row = {**key, "external_id": name, "ticket_id": None}
        if conn.execute(insert_or_ignore(conn, MAILS).returning(MAILS.c.id), row).scalar_one_or_none() is not None:
            return name
    return str(
        conn.execute(
            select(MAILS.c.external_id).where(
                mine, MAILS.c.message_id == message_id, MAILS.c.fingerprint == fingerprint
            )
        ).scalar_one()
    )


def record_ticket(conn: Connection, connection: StoreConnection, external_id: str, ticket: int) -> None:
    """Record the ticket that a mail became, or whose comment it became."""
    mine = (MAILS.c.connection_id == connection.id) & (MAILS.c.external_id == external_id)
    conn.execute(update(MAILS).where(mine, MAILS.c.ticket_id.is_(None)).values(ticket_id=ticket))


def erase_of_tickets(conn: Connection, tickets: Collection[int], requesters: Collection[str]) -> None:
    """Delete the hashes of mails that became these tickets or comments on them, and ids that hold a requester's name.

    A mail that was erased stays known by its Message-ID, so that it does not come back when a mailbox is read again.
    """
    _erase(conn, MAILS.c.ticket_id.in_(tickets), requesters)


def erase_of_comments(conn: Connection, keys: Collection[str | None], authors: Collection[str]) -> None:
    """The same for mails that became the comments with these keys."""
    ids = [key.removeprefix(COMMENT_KEY_PREFIX) for key in keys if key and key.startswith(COMMENT_KEY_PREFIX)]
    _erase(conn, MAILS.c.external_id.in_(ids), authors)


def _erase(conn: Connection, condition: ColumnElement[bool], names: Collection[str]) -> None:
    folded = [one.strip().casefold() for one in names if one.strip()]
    for row in conn.execute(select(MAILS).where(condition)).all():
        erased = {"fingerprint": f"{_ERASED}{row.id}"}
        for column in ("message_id", "external_id"):
            if any(one in getattr(row, column).casefold() for one in folded):
                erased[column] = f"{_ERASED}{row.id}"
        conn.execute(update(MAILS).where(MAILS.c.id == row.id).values(**erased))


def _find_known(known: dict[str, str], fingerprint: str) -> str | None:
    if fingerprint in known:
        return known[fingerprint]
    return next((found for name, found in known.items() if name.startswith(_ERASED)), None)


def _is_free(conn: Connection, connection: StoreConnection, message_id: str, sender: str, text: str) -> bool:
    """Whether the Message-ID is not that of another mail which was filed before fingerprints were kept."""
    filed = conn.execute(
        select(TICKETS.c.requester, TICKETS.c.body, TICKETS.c.erased_at).where(
            TICKETS.c.source == connection.name, TICKETS.c.external_id == message_id
        )
    ).all()
    commented = conn.execute(
        select(COMMENTS.c.actor.label("requester"), COMMENTS.c.text.label("body"), TICKETS.c.erased_at)
        .join(TICKETS, TICKETS.c.id == COMMENTS.c.ticket_id)
        .where(COMMENTS.c.key == COMMENT_KEY_PREFIX + message_id, TICKETS.c.source == connection.name)
    ).all()
    rows = [*filed, *commented]
    return not rows or any(
        row.erased_at is not None or row.requester == sender or _share_words(row.body, text) for row in rows
    )


def _share_words(one: str, other: str) -> bool:
    words = set(one.split()[:1_000])
    return bool(words) and len(words & set(other.split())) > len(words) / 2
