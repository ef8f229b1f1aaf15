"""Tickets from a mailbox: each message becomes a new ticket or a comment, or is skipped.

Each message is stored in a transaction of its own, and the position in the mailbox after them. A message that is read
again is recognised by its Message-ID. The mailbox itself is not changed.
"""

import getpass
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import structlog
import typer
from sqlalchemy import Connection, select

from deskyard.db.database import desk_database
from deskyard.db.tables.desk import COMMENTS, TICKETS
from deskyard.desk import tickets
from deskyard.domain.actors import ANONYMOUS_REQUESTER, Actor
from deskyard.errors import BadInput
from deskyard.journal import audit_log
from deskyard.mail.account_url import MailAccount
from deskyard.mail.mailbox import Mailbox, MailPage
from deskyard.mail.message import MailMessage
from deskyard.sync import connections, credentials
from deskyard.sync.connections import StoreConnection
from service.runtime.context import AppContext
from service.tickets import corrections, rescoring, routing

log: Final = structlog.get_logger(__name__)

MAIL_KIND: Final = "imap"
PAGE_SIZE: Final = 50
_COMMENT_KEY_PREFIX: Final = "mail "


def pull_mail(context: AppContext, connection: StoreConnection) -> bool:
    """Store the next messages; returns whether there are more. Raises StoreUnreachable and AccessDenied."""
    mailbox = Mailbox.from_url(connection.place, credentials.read_secret(connection.name), connection.name)
    page = mailbox.pull(connection.cursor, PAGE_SIZE)
    file_messages(context, connection, page)
    return page.more


def file_messages(context: AppContext, connection: StoreConnection, page: MailPage) -> None:
    """Store the messages of a page, and the position after it."""
    created = commented = skipped = 0
    for mail in page.messages:
        if mail.automatic_reason is not None or mail.received_at < connection.since:
            skipped += 1
            log.info("mail_skipped", uid=mail.uid, reason=mail.automatic_reason or "received before the connection")
        elif (number := _find_replied_ticket(context, connection, mail)) is not None:
            requester = Actor("person", mail.ticket.requester or ANONYMOUS_REQUESTER)
            text, key = mail.ticket.body, _COMMENT_KEY_PREFIX + mail.ticket.id  # with what it quotes, which pages fold
            if corrections.add_comment(context, number, requester, text, public=True, key=key)[1]:
                rescoring.rescore(context, number)
            commented += 1
        else:
            created += routing.route_ticket(context, mail.ticket).is_new
    with context.database.writing() as conn:
        connections.advance_cursor(conn, connection, page.cursor, datetime.now(UTC))
    if page.messages:
        log.info("mail", mailbox=connection.name, created=created, comments=commented, skipped=skipped)


def connect_mailbox(url: str, name: str, since: str, *, check: bool) -> None:
    """`deskyard connect imaps://…`: check that the mailbox can be read, and store the connection."""
    from deskyard.text.dates import parse_since

    name = name or "mail"
    account = MailAccount.from_url(url, credentials.read_secret(name))
    if not account.secret and sys.stdin.isatty():
        account = replace(account, secret=getpass.getpass(f"The password of {account.display_url}: "))
    if not account.secret:
        variable = f"DESKYARD_SECRET_{name.upper().replace('-', '_')}"
        raise BadInput(
            f"there is no password for {account.display_url}: set {variable}, or run this command at a terminal"
        )
    mailbox = Mailbox(account, name)
    health, start = mailbox.health(), parse_since(since)
    if not health.ok:
        raise BadInput("the mailbox can't be read yet: " + "; ".join(health.missing))
    typer.echo(f"Connected to {health.version} as {health.me!r}. Messages are not changed.")
    cursor = mailbox.cursor_at(start)
    if check:
        typer.echo("The check passed. Nothing was stored.")
        return
    credentials.save_secret(name, account.secret)
    with desk_database() as database, database.writing() as conn:
        connections.save_connection(conn, name, MAIL_KIND, mailbox.display_url, since=start, cursor=cursor)
        audit_log.record_action(conn, Actor("person", getpass.getuser()), "store.connect", name, datetime.now(UTC))
    typer.echo(f"Stored as {name!r}. New messages become tickets of the built-in desk while `deskyard serve` runs.")


def _find_replied_ticket(context: AppContext, connection: StoreConnection, mail: MailMessage) -> int | None:
    """The ticket to which a message is a comment: that of the first stored message which it answers, else None.

    Erased tickets get no comments: the message then becomes a new ticket.
    """
    with context.database.reading() as conn:
        if (number := _find_commented_ticket(conn, connection, mail.ticket.id)) is not None:
            return number
        for name in mail.references:
            ticket = tickets.find_existing(conn, connection.name, name, None)
            if ticket is not None and ticket.erased_at is None:
                return ticket.id
            if (number := _find_commented_ticket(conn, connection, name)) is not None and not _is_erased(conn, number):
                return number
    return None


def _is_erased(conn: Connection, number: int) -> bool:
    return tickets.get_ticket(conn, number).erased_at is not None


def _find_commented_ticket(conn: Connection, connection: StoreConnection, message_id: str) -> int | None:
    comments = select(COMMENTS.c.ticket_id).join(TICKETS, TICKETS.c.id == COMMENTS.c.ticket_id)
    found = conn.scalars(
        comments.where(COMMENTS.c.key == _COMMENT_KEY_PREFIX + message_id, TICKETS.c.source == connection.name)
    ).first()
    return None if found is None else int(found)
