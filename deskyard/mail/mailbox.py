"""A mailbox as a way in: its new messages page by page, none left out, nothing in it changed.

In come a URL and a cursor; out go mails (`deskyard.mail.message`). Each call opens a session of its own, so a mailbox
may be shared between threads and outlives any trouble of the mail server. A message that can't be read never stops the
others.
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
"""Bytes of a message that is read whole."""

HEAD_BYTES: Final = 1_000_000
"""Bytes that are read of a larger one."""

_MAX_PAGE_BYTES: Final = 50_000_000
"""Bytes after which a page ends, so that one pull is not endless."""

_CURSOR: Final = re.compile(r"([0-9]{1,10})\.([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class MailPage:
    """Messages in the order in which they came. `cursor` continues; `more`: there is something to continue with.

    `anew`: the mail server has numbered its messages anew (UIDVALIDITY changed), and everything in the folder comes
    again: drop what is known by its id, and what was received before the connection began.
    """

    messages: tuple[MailMessage, ...]
    cursor: str
    more: bool
    restarted: bool = False


class Mailbox:
    """One folder of one account at one mail server."""

    def __init__(self, account: MailAccount, source: str = "mail") -> None:
        """`source` is that of its tickets."""
        self._address = account
        self._source = source

    @classmethod
    def from_url(cls, url: str, secret: str = "", source: str = "mail") -> Self:
        """The mailbox at `imaps://user:password@host:993/INBOX`, or `imap://` where TLS begins by STARTTLS.

        `secret` is the password, where the URL has none. Options: `address=` is an address of ours (several times; the
        user, if left out), whose messages are not taken for news; `list=` a mailing list (its List-Id) through which
        people write to us. Raises BadInput; asks nobody.
        """
        return cls(MailAccount.from_url(url, secret), source)

    @property
    def display_url(self) -> str:
        """Its URL without the password."""
        return self._address.display_url

    def __repr__(self) -> str:
        """Without the password."""
        return f"Mailbox({self.display_url!r})"

    def health(self) -> Health:
        """Whether it can be read; never raises."""
        missing = []
        try:
            with self._open() as folder:
                if not folder.validity:
                    missing.append("the mail server does not number its messages for good (no UIDVALIDITY)")
        except DeskyardError as error:
            missing.append(str(error))
        return Health("IMAP4rev1", self._address.user, None, tuple(missing))

    def cursor_at(self, moment: datetime) -> str:
        """The cursor after which a pull gives what was received since that moment, and what came later than that."""
        with self._open() as folder:
            first = next((one.uid for one in folder.list_after(0) if one.received_at >= moment), folder.last + 1)
            return f"{folder.validity}.{first - 1}"

    def pull(self, cursor: str | None, limit: int) -> MailPage:
        """The messages after the cursor (None: all), at most `limit`.

        Raises BadInput for a strange cursor, StoreUnreachable, NotAllowed, NotThere for the folder.
        """
        validity, last = _parse_cursor(cursor)
        with self._open() as folder:
            anew = cursor is not None and validity != folder.validity
            place = 0 if anew else last
            messages: list[MailMessage] = []
            size, more = 0, False
            for one in folder.list_after(place):
                if len(messages) >= limit or size > _MAX_PAGE_BYTES:
                    more = True
                    break
                mail = self._read_message(folder, one)
                messages += [mail] if mail else []
                place, size = one.uid, size + min(one.size, MAX_MESSAGE_BYTES)
            place = place if more else max(place, folder.last)
            return MailPage(tuple(messages), f"{folder.validity}.{place}", more, anew)

    def close(self) -> None:
        """Nothing stays open between calls."""

    def _open(self) -> AbstractContextManager[MailFolder]:
        return open_folder(self._address, settings().store_timeout)

    def _read_message(self, folder: MailFolder, listed: ListedMessage) -> MailMessage | None:
        """A message; None where it is gone."""
        whole = listed.size <= MAX_MESSAGE_BYTES
        try:
            raw = folder.fetch(listed.uid) if whole else folder.fetch(listed.uid, limit=HEAD_BYTES)
        except NotFound as error:
            return self._make_headless(folder, listed, str(error))
        return None if raw is None else self._parse_message(listed, raw, None if whole else listed.size)

    def _make_headless(self, folder: MailFolder, listed: ListedMessage, why: str) -> MailMessage:
        """What is left of a message that the mail server does not hand out."""
        raw = None
        with suppress(NotFound):
            raw = folder.fetch(listed.uid, "HEADER")
        mail = self._parse_message(
            listed, raw or f"Message-ID: <{folder.validity}.{listed.uid}@unreadable>".encode(), None
        )
        ticket = replace(mail.ticket, subject=mail.ticket.subject or message.UNREADABLE, body=f"[{why}]")
        return replace(mail, ticket=ticket)

    def _parse_message(self, listed: ListedMessage, raw: bytes, size: int | None) -> MailMessage:
        return message.parse_message(
            raw,
            uid=listed.uid,
            received_at=listed.received_at,
            source=self._source,
            own_addresses=self._address.own_addresses,
            mailing_lists=self._address.mailing_lists,
            size=size,
        )


def _parse_cursor(cursor: str | None) -> tuple[int, int]:
    if cursor is None:
        return 0, 0
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise BadInput("this is no cursor of a mailbox: leave it out to begin anew")
    return int(found[1]), int(found[2])
