"""Mail as a way in: each message is a new ticket, says something about one that is here, or is nobody's word.

In comes a mailbox's connection; its messages are filed one after the other, each in a transaction of its own, and how
far it was read is kept after them. A message that comes again is known by its Message-ID. The mailbox stays as it is.
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
    """File the next messages; whether there are more. Raises StoreUnreachable and NotAllowed."""
    mailbox = Mailbox.from_url(connection.place, credentials.read_secret(connection.name), connection.name)
    page = mailbox.pull(connection.cursor, PAGE_SIZE)
    file_messages(context, connection, page)
    return page.more


def file_messages(context: AppContext, connection: StoreConnection, page: MailPage) -> None:
    """File the messages of a page, and keep its place."""
    filed = said = left = 0
    for mail in page.messages:
        if mail.automatic_reason is not None or mail.received_at < connection.since:
            left += 1
            log.info("mail_left", uid=mail.uid, reason=mail.automatic_reason or "received before the connection")
        elif (number := _find_replied_ticket(context, connection, mail)) is not None:
            by = Actor("person", mail.ticket.requester or ANONYMOUS_REQUESTER)
            text, key = mail.own_text or mail.ticket.body, _COMMENT_KEY_PREFIX + mail.ticket.id
            if corrections.add_comment(context, number, by, text, public=True, key=key)[1]:
                rescoring.rescore(context, number)
            said += 1
        else:
            filed += routing.route_ticket(context, mail.ticket).is_new
    with context.database.writing() as conn:
        connections.advance_cursor(conn, connection, page.cursor, datetime.now(UTC))
    if page.messages:
        log.info("mail", mailbox=connection.name, filed=filed, said=said, left=left)


def connect_mailbox(url: str, name: str, since: str, *, check: bool) -> None:
    """`deskyard connect imaps://…`: look whether the mailbox can be read, and keep it."""
    from deskyard.text.dates import parse_since

    name = name or "mail"
    address = MailAccount.from_url(url, credentials.read_secret(name))
    if not address.secret and sys.stdin.isatty():
        address = replace(address, secret=getpass.getpass(f"The password of {address.display_url}: "))
    if not address.secret:
        variable = f"DESKYARD_SECRET_{name.upper().replace('-', '_')}"
        raise BadInput(
            f"there is no password for {address.display_url}: put it into {variable}, or run this at a terminal"
        )
    mailbox = Mailbox(address, name)
    health, begin = mailbox.health(), parse_since(since)
    if not health.ok:
        raise BadInput("it can't be read yet: " + "; ".join(health.missing))
    typer.echo(f"It answers: {health.version}, we are {health.me!r} there. Messages stay as they are.")
    cursor = mailbox.cursor_at(begin)
    if check:
        typer.echo("It can be read. Nothing was kept.")
        return
    credentials.save_secret(name, address.secret)
    with desk_database() as database, database.writing() as conn:
        connections.save_connection(conn, name, MAIL_KIND, mailbox.display_url, since=begin, cursor=cursor)
        audit_log.record_action(conn, Actor("person", getpass.getuser()), "store.connect", name, datetime.now(UTC))
    typer.echo(f"Connected as {name!r}. New mail becomes tickets of the built-in desk while `deskyard serve` runs.")


def _find_replied_ticket(context: AppContext, connection: StoreConnection, mail: MailMessage) -> int | None:
    """The ticket that a message says something about: of the messages it answers, the first that is here.

    About an erased ticket nothing new is said: then the message is a ticket of its own.
    """
    with context.database.reading() as conn:
        if (number := _find_commented_ticket(conn, connection, mail.ticket.id)) is not None:
            return number
        for name in mail.references:
            known = tickets.find_existing(conn, connection.name, name, None)
            if known is not None and known.erased_at is None:
                return known.id
            if (number := _find_commented_ticket(conn, connection, name)) is not None and not _is_erased(conn, number):
                return number
    return None


def _is_erased(conn: Connection, number: int) -> bool:
    return tickets.get_ticket(conn, number).erased_at is not None


def _find_commented_ticket(conn: Connection, connection: StoreConnection, message_id: str) -> int | None:
    mine = select(COMMENTS.c.ticket_id).join(TICKETS, TICKETS.c.id == COMMENTS.c.ticket_id)
    found = conn.scalars(
        mine.where(COMMENTS.c.key == _COMMENT_KEY_PREFIX + message_id, TICKETS.c.source == connection.name)
    ).first()
    return None if found is None else int(found)
