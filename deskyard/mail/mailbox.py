"""Reads the new messages of a mailbox page by page, without changing anything in it.

Each call opens its own session, so a `Mailbox` can be shared between threads and survives failures of the mail server.
A message that can't be read does not stop the others.
"""

import re
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from deskyard.connectors.base.ticket_store import Health
from deskyard.errors import BadInput, DeskyardError, NotFound
from deskyard.mail import message
from deskyard.mail.account_url import MailAccount
from deskyard.mail.imap_client import ListedMessage, MailFolder, open_folder
from deskyard.mail.message import MailMessage
from deskyard.settings import settings

MAX_MESSAGE_BYTES: Final = 25_000_000
"""The largest message that is read whole, in bytes."""

HEAD_BYTES: Final = 1_000_000
"""Bytes that are read of a larger message."""

_MAX_PAGE_BYTES: Final = 50_000_000
"""Bytes after which a page ends, so that a pull takes bounded time."""

_CURSOR: Final = re.compile(r"([0-9]{1,10})\.([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class MailPage:
    """Messages in the order of their UIDs. `cursor` gives the next page; `more`: there is one.

    `restarted`: the mail server has renumbered its messages (UIDVALIDITY changed), so everything in the folder comes
    again: drop messages whose id is known, and those received before the connection was made.
    """

    messages: tuple[MailMessage, ...]
    cursor: str
    more: bool
    restarted: bool = False


class Mailbox:
    """One folder of one account at one mail server."""

    def __init__(self, account: MailAccount, source: str = "mail") -> None:
        """`source` becomes the `source` of its tickets."""
        self._address = account
        self._source = source

    @classmethod
    def from_url(cls, url: str, secret: str = "", source: str = "mail") -> Self:
        """The mailbox at `imaps://user:password@host:993/INBOX`, or at `imap://...` with STARTTLS.

        `secret` is the password if the URL has none. Options (all may be repeated): `address=` is an address of ours,
        whose messages are ignored (default: the user); `list=` is the List-Id of a mailing list through which people
        write to us; `machine=` is the address of a program whose mail is wanted. Raises BadInput. Connects to nothing.
        """
        return cls(MailAccount.from_url(url, secret), source)

    @property
    def display_url(self) -> str:
        """The URL without the password."""
        return self._address.display_url

    def __repr__(self) -> str:
        """Without the password."""
        return f"Mailbox({self.display_url!r})"

    def health(self) -> Health:
        """Whether the mailbox can be read; never raises."""
        missing = []
        try:
            with self._open() as folder:
                if not folder.validity:
                    missing.append("the mail server keeps no permanent numbers of messages (no UIDVALIDITY)")
        except DeskyardError as error:
            missing.append(str(error))
        return Health("IMAP4rev1", self._address.user, None, tuple(missing))

    def cursor_at(self, moment: datetime) -> str:
        """The cursor from which a pull gives the messages received since that time, and all after them."""
        with self._open() as folder:
            return f"{folder.validity}.{_last_before(folder, moment)}"

    def fetch(self, place: str) -> MailMessage:
        """The message at a place that `MailMessage.uid` and the cursor of its page tell, as in "7.42".

        Raises NotFound if it is not there any more, or the mail server has renumbered its messages since.
        """
        validity, uid = _parse_cursor(place)
        with self._open() as folder:
            one = next((one for one in folder.list_after(uid - 1) if one.uid >= uid), None)
            mail = self._read_message(folder, one) if folder.validity == validity and one and one.uid == uid else None
        if mail is None:
            raise NotFound("the message is no longer in the folder: move it back there, and it is read as a new one")
        return mail

    def pull(self, cursor: str | None, limit: int, since: datetime | None = None) -> MailPage:
        """The messages after the cursor (None: all), at most `limit`.

        If the mail server has renumbered its messages, the folder is read again from the first message on that was
        received at `since` or later (None: all). Raises BadInput for an unknown cursor, NotFound if the folder does not
        exist, StoreUnreachable and AccessDenied.
        """
        validity, last = _parse_cursor(cursor)
        with self._open() as folder:
            restarted = cursor is not None and validity != folder.validity
            last_read = last if not restarted else _last_before(folder, since) if since else 0
            messages: list[MailMessage] = []
            size, more = 0, False
            for one in folder.list_after(last_read):
                if len(messages) >= limit or size > _MAX_PAGE_BYTES:
                    more = True
                    break
                mail = self._read_message(folder, one)
                messages += [mail] if mail else []
                last_read, size = one.uid, size + min(one.size, MAX_MESSAGE_BYTES)
            last_read = last_read if more else max(last_read, folder.last)
            return MailPage(tuple(messages), f"{folder.validity}.{last_read}", more, restarted)

    def close(self) -> None:
        """Do nothing: no session stays open between calls."""

    def _open(self) -> AbstractContextManager[MailFolder]:
        return open_folder(self._address, settings().store_timeout)

    def _read_message(self, folder: MailFolder, listed: ListedMessage) -> MailMessage | None:
        """A message; None if it is gone."""
        fits = listed.size <= MAX_MESSAGE_BYTES
        try:
            raw = folder.fetch(listed.uid) if fits else folder.fetch(listed.uid, limit=HEAD_BYTES)
        except NotFound as error:
            return self._make_headless(folder, listed, str(error))
        return None if raw is None else self._parse_message(listed, raw, None if fits else listed.size)

    def _make_headless(self, folder: MailFolder, listed: ListedMessage, reason: str) -> MailMessage:
        """A message made of its headers alone, for one whose body the mail server does not deliver."""
        raw = None
        with suppress(NotFound):
            raw = folder.fetch(listed.uid, "HEADER")
        mail = self._parse_message(
            listed, raw or f"Message-ID: <{folder.validity}.{listed.uid}@unreadable>".encode(), None
        )
        ticket = replace(mail.ticket, subject=mail.ticket.subject or message.UNREADABLE, body=f"[{reason}]")
        return replace(mail, ticket=ticket)

    def _parse_message(self, listed: ListedMessage, raw: bytes, size: int | None) -> MailMessage:
        return message.parse_message(
            raw,
            uid=listed.uid,
            received_at=listed.received_at,
            source=self._source,
            own_addresses=self._address.own_addresses,
            mailing_lists=self._address.mailing_lists,
            machines=self._address.machines,
            size=size,
        )


def _last_before(folder: MailFolder, moment: datetime) -> int:
    """The greatest UID before the first message that was received at that time or later."""
    recent = (one.uid for one in folder.list_after(0) if one.received_at is None or one.received_at >= moment)
    return next(recent, folder.last + 1) - 1


def _parse_cursor(cursor: str | None) -> tuple[int, int]:
    if cursor is None:
        return 0, 0
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise BadInput("this is not a cursor of a mailbox: leave it out to start from the beginning")
    return int(found[1]), int(found[2])
