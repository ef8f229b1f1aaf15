"""The wire to a mailbox: one session in one folder, opened for reading only, its secret never shown.

In comes an address, out come sizes, moments and bytes of messages by UID. Flags stay as they are (EXAMINE, BODY.PEEK).
A password goes over TLS alone, or to this very machine.
"""

import base64
import imaplib
import ipaddress
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from deskyard.errors import NotAllowed, NotThere, StoreUnreachable
from deskyard.mail.account_url import Address

_WAIT: Final = 60.0
_QUOTED: Final = 200
_WINDOW: Final = 1000
"""UIDs that are listed at once; twice as many after a stretch without any."""

_PASSING: Final = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT)\]", re.I)
_UID: Final = re.compile(rb"\bUID ([0-9]+)", re.I)
_SIZE: Final = re.compile(rb"\bRFC822\.SIZE ([0-9]+)", re.I)
_RECEIVED: Final = re.compile(rb"\bINTERNALDATE \"([^\"]*)\"", re.I)
_NOT_PRINTABLE: Final = re.compile("[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Listed:
    """A message before it is read: its UID, its bytes, and when the mail server received it."""

    uid: int
    size: int
    received_at: datetime


class Folder:
    """One folder that is open for reading. `validity` and a UID together name a message for ever."""

    def __init__(self, wire: imaplib.IMAP4, address: Address) -> None:
        """Open it. Raises NotThere."""
        self._wire = wire
        self._secret = address.secret
        typ, told = wire.select(_quoted(_utf7(address.folder)), readonly=True)
        if typ != "OK":
            where = f"there is no folder {address.folder[:60]!r} for {address.user!r} at {address.host}"
            raise NotThere(f"{where}{self._said(told)}: write the folder at the end of the address, as in /INBOX")
        self.validity = self._number("UIDVALIDITY")
        following = self._number("UIDNEXT")
        self.last = following - 1 if following else max((one.uid for one in self._listed("*")), default=0)
        """No message that is here now has a greater UID."""

    def after(self, uid: int) -> Iterator[Listed]:
        """The messages that are here with a greater UID, in its order."""
        first, window = uid + 1, _WINDOW
        while first <= self.last:
            end = min(first + window - 1, self.last)
            # A server that has none of these may answer with the last one it has.
            found = [one for one in self._listed(f"{first}:{end}") if first <= one.uid <= end]
            yield from sorted(found, key=lambda one: one.uid)
            first, window = end + 1, _WINDOW if found else 2 * window

    def read(self, uid: int, part: str = "", most: int = 0) -> bytes | None:
        """A message or its `part`, at most `most` bytes (0: all); None where it is gone. Raises NotThere where the
        server does not hand it out."""
        typ, told = self._wire.uid("FETCH", str(uid), f"(BODY.PEEK[{part}]{f'<0.{most}>' if most else ''})")
        if typ != "OK":
            if _PASSING.search(self._said(told)):
                self._must(typ, told)
            raise NotThere(f"the mail server does not hand out message {uid}{self._said(told)}")
        literal = next((one[1] for one in told if isinstance(one, tuple)), None)
        return literal if literal is not None or not any(told) else b""

    def _listed(self, uids: str) -> Iterator[Listed]:
        typ, told = self._wire.uid("FETCH", uids, "(UID RFC822.SIZE INTERNALDATE)")
        self._must(typ, told)
        for line in told:
            if isinstance(line, bytes) and (uid := _UID.search(line)):
                size, received = _SIZE.search(line), _RECEIVED.search(line)
                moment = _moment(received[1].decode("ascii", "replace") if received else "")
                yield Listed(int(uid[1]), int(size[1]) if size else 0, moment)

    def _number(self, name: str) -> int:
        told = self._wire.response(name)[1]
        found = told[-1] if told else None
        return int(found) if isinstance(found, bytes) and found.isdigit() else 0

    def _must(self, typ: str, told: Sequence[Any]) -> None:
        if typ != "OK":
            raise StoreUnreachable(f"the mail server did not answer what was asked{self._said(told)}", _WAIT)

    def _said(self, told: Sequence[Any]) -> str:
        text = " ".join(one.decode("utf-8", "replace") for one in told if isinstance(one, bytes))
        text = text.replace(self._secret, "***") if self._secret else text
        return f" ({text[:_QUOTED]})" if text else ""


@contextmanager
def reading(address: Address, timeout: float) -> Iterator[Folder]:
    """The folder of an address, open for reading.

    Raises StoreUnreachable, NotAllowed where we are not let in or could be only in the clear, NotThere for the folder.
    """
    where = f"the mail server at {address.host}:{address.port}"
    wire: imaplib.IMAP4 | None = None
    try:
        context = ssl.create_default_context()
        if address.scheme == "imaps":
            wire = imaplib.IMAP4_SSL(address.host, address.port, ssl_context=context, timeout=timeout)
        else:
            wire = imaplib.IMAP4(address.host, address.port, timeout=timeout)
            _secure(wire, context, where)
        _let_in(wire, address, where)
        yield Folder(wire, address)
        with suppress(OSError, imaplib.IMAP4.error):
            wire.logout()
    except ssl.SSLCertVerificationError as error:
        told = f"{where} shows a certificate that can't be trusted ({error.verify_message})"
        raise StoreUnreachable(f"{told}: renew it, or name the file of its issuer in SSL_CERT_FILE", _WAIT) from None
    except (OSError, imaplib.IMAP4.error) as error:
        told = "did not answer in time" if isinstance(error, TimeoutError) else "can't be reached, or broke off"
        raise StoreUnreachable(f"{where} {told} ({type(error).__name__})", _WAIT) from None
    finally:
        if wire is not None:
            with suppress(OSError):
                wire.shutdown()


def _secure(wire: imaplib.IMAP4, context: ssl.SSLContext, where: str) -> None:
    """Nobody between us and the server hears the password."""
    peer = ipaddress.ip_address(wire.sock.getpeername()[0].partition("%")[0])
    if peer.is_loopback and "LOGINDISABLED" not in wire.capabilities:
        return
    if "STARTTLS" not in wire.capabilities:
        raise NotAllowed(f"{where} offers no TLS at this port, and the password was not sent: use imaps://")
    wire.starttls(context)


def _let_in(wire: imaplib.IMAP4, address: Address, where: str) -> None:
    def plain(_: bytes) -> bytes:
        return f"\0{address.user}\0{address.secret}".encode()

    try:
        if "AUTH=PLAIN" in wire.capabilities:
            wire.authenticate("PLAIN", plain)
        elif _NOT_PRINTABLE.search(address.user + address.secret):
            raise NotAllowed(f"{where} takes no user or password with letters beyond ASCII: choose other ones")
        else:
            wire.login(_quoted(address.user), address.secret)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        if _PASSING.search(str(error)):
            raise StoreUnreachable(f"{where} can't let anybody in just now", _WAIT) from None
        told = f"{where} does not let {address.user!r} in: check the user and the password"
        raise NotAllowed(f"{told} (many providers want a password made for the application)") from None


def _moment(text: str) -> datetime:
    try:
        return parsedate_to_datetime(text.strip()).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return datetime.now(UTC)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _utf7(folder: str) -> str:
    """The name of a folder as IMAP writes it (RFC 3501, 5.1.3).

    >>> _utf7("INBOX/Отпуска & Co")
    'INBOX/&BB4EQgQ,BEMEQQQ6BDA- &- Co'
    """

    def shifted(found: re.Match[str]) -> str:
        packed = base64.b64encode(found[0].encode("utf-16-be", "surrogatepass")).decode().rstrip("=")
        return f"&{packed.replace('/', ',')}-"

    return _NOT_PRINTABLE.sub(shifted, folder.replace("&", "&-"))
