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
from deskyard.errors import BadInput, DeskyardError, NotThere
from deskyard.mail import message
from deskyard.mail.account_url import Address
from deskyard.mail.imap_client import Folder, Listed, reading
from deskyard.mail.message import Mail
from deskyard.settings import settings

LARGEST: Final = 25_000_000
"""Bytes of a message that is read whole."""

BEGINNING: Final = 1_000_000
"""Bytes that are read of a larger one."""

_PAGE: Final = 50_000_000
"""Bytes after which a page ends, so that one pull is not endless."""

_CURSOR: Final = re.compile(r"([0-9]{1,10})\.([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class MailPage:
    """Messages in the order in which they came. `cursor` continues; `more`: there is something to continue with.

    `anew`: the mail server has numbered its messages anew (UIDVALIDITY changed), and everything in the folder comes
    again: drop what is known by its id, and what was received before the connection began.
    """

    messages: tuple[Mail, ...]
    cursor: str
    more: bool
    anew: bool = False


class Mailbox:
    """One folder of one account at one mail server."""

    def __init__(self, address: Address, source: str = "mail") -> None:
        """`source` is that of its tickets."""
        self._address = address
        self._source = source

    @classmethod
    def opened(cls, url: str, secret: str = "", source: str = "mail") -> Self:
        """The mailbox at `imaps://user:password@host:993/INBOX`, or `imap://` where TLS begins by STARTTLS.

        `secret` is the password, where the URL has none. Options: `address=` is an address of ours (several times; the
        user, if left out), whose messages are not taken for news; `list=` a mailing list (its List-Id) through which
        people write to us. Raises BadInput; asks nobody.
        """
        return cls(Address.of(url, secret), source)

    @property
    def place(self) -> str:
        """Its URL without the password."""
        return self._address.place

    def __repr__(self) -> str:
        """Without the password."""
        return f"Mailbox({self.place!r})"

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
            first = next((one.uid for one in folder.after(0) if one.received_at >= moment), folder.last + 1)
            return f"{folder.validity}.{first - 1}"

    def pull(self, cursor: str | None, limit: int) -> MailPage:
        """The messages after the cursor (None: all), at most `limit`.

        Raises BadInput for a strange cursor, StoreUnreachable, NotAllowed, NotThere for the folder.
        """
        validity, last = _read(cursor)
        with self._open() as folder:
            anew = cursor is not None and validity != folder.validity
            place = 0 if anew else last
            messages: list[Mail] = []
            size, more = 0, False
            for one in folder.after(place):
                if len(messages) >= limit or size > _PAGE:
                    more = True
                    break
                mail = self._message(folder, one)
                messages += [mail] if mail else []
                place, size = one.uid, size + min(one.size, LARGEST)
            place = place if more else max(place, folder.last)
            return MailPage(tuple(messages), f"{folder.validity}.{place}", more, anew)

    def close(self) -> None:
        """Nothing stays open between calls."""

    def _open(self) -> AbstractContextManager[Folder]:
        return reading(self._address, settings().store_timeout)

    def _message(self, folder: Folder, one: Listed) -> Mail | None:
        """A message; None where it is gone."""
        whole = one.size <= LARGEST
        try:
            raw = folder.read(one.uid) if whole else folder.read(one.uid, most=BEGINNING)
        except NotThere as error:
            return self._without_body(folder, one, str(error))
        return None if raw is None else self._understood(one, raw, None if whole else one.size)

    def _without_body(self, folder: Folder, one: Listed, why: str) -> Mail:
        """What is left of a message that the mail server does not hand out."""
        raw = None
        with suppress(NotThere):
            raw = folder.read(one.uid, "HEADER")
        mail = self._understood(one, raw or f"Message-ID: <{folder.validity}.{one.uid}@unreadable>".encode(), None)
        ticket = replace(mail.ticket, subject=mail.ticket.subject or message.UNREADABLE, body=f"[{why}]")
        return replace(mail, ticket=ticket)

    def _understood(self, one: Listed, raw: bytes, size: int | None) -> Mail:
        return message.read(
            raw,
            uid=one.uid,
            received_at=one.received_at,
            source=self._source,
            ours=self._address.ours,
            lists=self._address.lists,
            size=size,
        )


def _read(cursor: str | None) -> tuple[int, int]:
    if cursor is None:
        return 0, 0
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise BadInput("this is no cursor of a mailbox: leave it out to begin anew")
    return int(found[1]), int(found[2])
