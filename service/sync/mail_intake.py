"""Tickets from a mailbox: each message becomes a new ticket or a comment, or is left out and counted with the reason.

Each message is stored in a transaction of its own, and the position in the mailbox after them. A message that is read
again is recognised by its Message-ID, sender, Date and text. What was left out is taken in after all if a person wants
it. The mailbox itself is not changed.
"""

import getpass
import sys
from collections import Counter
from collections.abc import Callable, Sequence
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
from deskyard.errors import BadInput, NotFound
from deskyard.journal import audit_log
from deskyard.mail.account_url import MailAccount
from deskyard.mail.auto_reply import EARLIER, LeftOutReason
from deskyard.mail.mailbox import Mailbox, MailPage
from deskyard.mail.message import MailMessage
from deskyard.sync import connections, credentials, filed_mails, left_out_mails
from deskyard.sync.connections import StoreConnection
from deskyard.sync.filed_mails import COMMENT_KEY_PREFIX
from service.runtime.context import AppContext
from service.tickets import corrections, rescoring, routing

log: Final = structlog.get_logger(__name__)

MAIL_KIND: Final = "imap"
PAGE_SIZE: Final = 50


def pull_mail(context: AppContext, connection: StoreConnection) -> bool:
    """Store the next messages; returns whether there are more. Raises StoreUnreachable and AccessDenied."""
    mailbox = Mailbox.from_url(connection.place, credentials.read_secret(connection.name), connection.name)
    take_in_requested(context, connection, mailbox.fetch)
    page = mailbox.pull(connection.cursor, PAGE_SIZE, connection.since)
    file_messages(context, connection, page)
    return page.more


def file_messages(context: AppContext, connection: StoreConnection, page: MailPage) -> None:
    """Store the messages of a page, and the position after it."""
    filed = Counter[str]()
    for mail in page.messages:
        reason = mail.automatic_reason
        if reason is None and mail.received_at < connection.since:
            reason = LeftOutReason(EARLIER, "it was received before the mailbox was connected")
        if reason is None:
            filed[file_message(context, connection, mail)[1]] += 1
        else:
            filed["left_out"] += 1
            _record_left_out(context, connection, mail, reason, page.cursor.partition(".")[0])
            log.info("mail_left_out", uid=mail.uid, kind=reason.kind, reason=reason.text)
    with context.database.writing() as conn:
        connections.advance_cursor(conn, connection, page.cursor, datetime.now(UTC))
    if page.messages:
        log.info("mail", mailbox=connection.name, **filed)


def file_message(context: AppContext, connection: StoreConnection, mail: MailMessage) -> tuple[int, str]:
    """Store a message as a ticket or a comment; returns the number of the ticket, and "created", "known" or
    "commented"."""
    external_id = _assign_external_id(context, connection, mail)
    number = _find_replied_ticket(context, connection, external_id, mail.references)
    if number is None:
        receipt = routing.route_ticket(context, replace(mail.ticket, id=external_id))
        number, result = int(receipt.answer["ticket"]["id"]), "created" if receipt.is_new else "known"
    else:
        requester = Actor("person", mail.ticket.requester or ANONYMOUS_REQUESTER)
        # The text with what it quotes, which pages fold.
        text, key = mail.ticket.body, COMMENT_KEY_PREFIX + external_id
        if corrections.add_comment(context, number, requester, text, public=True, key=key)[1]:
            rescoring.rescore(context, number)
        result = "commented"
    with context.database.writing() as conn:
        filed_mails.record_ticket(conn, connection, external_id, number)
    return number, result


def take_in_requested(context: AppContext, connection: StoreConnection, fetch: Callable[[str], MailMessage]) -> None:
    """Store the left-out messages that people want after all; `fetch` reads one from its place in the folder."""
    with context.database.reading() as conn:
        requested = left_out_mails.list_requested(conn, connection.id)
    for one in requested:
        ticket, trouble = None, ""
        try:
            ticket, _ = file_message(context, connection, fetch(one.place))
        except NotFound as error:
            trouble = str(error)
        with context.database.writing() as conn:
            left_out_mails.finish_request(conn, one.id, ticket=ticket, trouble=trouble)
        log.info("mail_taken_in", mail=one.id, ticket=ticket, trouble=trouble)


def _record_left_out(
    context: AppContext, connection: StoreConnection, mail: MailMessage, reason: LeftOutReason, validity: str
) -> None:
    with context.database.writing() as conn:
        left_out_mails.record(
            conn,
            connection.id,
            message_id=mail.ticket.id,
            fingerprint=mail.fingerprint,
            place=f"{validity}.{mail.uid}",
            kind=reason.kind,
            reason=reason.text,
            sender=mail.sender,
            subject=mail.ticket.subject,
            received_at=mail.received_at,
            at=datetime.now(UTC),
        )


def _assign_external_id(context: AppContext, connection: StoreConnection, mail: MailMessage) -> str:
    with context.database.writing() as conn:
        return filed_mails.assign_external_id(
            conn,
            connection,
            mail.ticket.id,
            mail.fingerprint,
            sender=mail.ticket.requester,
            text=mail.ticket.body,
        )


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
    typer.echo("Automatic replies, bounces, lists and programs get no ticket: `deskyard connections` counts them.")
    typer.echo(f"Stored as {name!r}. New messages become tickets of the built-in desk while `deskyard serve` runs.")


def _find_replied_ticket(
    context: AppContext, connection: StoreConnection, external_id: str, references: Sequence[str]
) -> int | None:
    """The ticket to which a message is a comment: that of the first stored message which it answers, else None.

    Erased tickets get no comments: the message then becomes a new ticket.
    """
    with context.database.reading() as conn:
        if (number := _find_commented_ticket(conn, connection, external_id)) is not None:
            return number
        for name in references:
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
        comments.where(COMMENTS.c.key == COMMENT_KEY_PREFIX + message_id, TICKETS.c.source == connection.name)
    ).first()
    return None if found is None else int(found)
