"""Reads one folder of a mailbox by IMAP: sizes, times and bytes of messages by UID.

The folder is opened for reading only, and flags stay as they are (EXAMINE, BODY.PEEK). The password is sent only over
TLS or to this machine, and never shown.
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

from deskyard.errors import AccessDenied, NotFound, StoreUnreachable
from deskyard.mail.account_url import MailAccount

_TIMEOUT: Final = 60.0
_MAX_QUOTED: Final = 200
_UID_WINDOW: Final = 1000
"""UIDs that are listed at once; the window doubles after a stretch without messages."""

_TEMPORARY: Final = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT)\]", re.I)
_UID: Final = re.compile(rb"\bUID ([0-9]+)", re.I)
_SIZE: Final = re.compile(rb"\bRFC822\.SIZE ([0-9]+)", re.I)
_RECEIVED: Final = re.compile(rb"\bINTERNALDATE \"([^\"]*)\"", re.I)
_NOT_PRINTABLE: Final = re.compile("[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """A message before it is read: its UID, its size in bytes, and when the mail server received it (None: untold)."""

    uid: int
    size: int
    received_at: datetime | None


class MailFolder:
    """A folder that is open for reading. `validity` and a UID together identify a message permanently."""

    def __init__(self, connection: imaplib.IMAP4, account: MailAccount) -> None:
        """Open the folder. Raises NotFound."""
        self._connection = connection
        self._secret = account.secret
        typ, response = connection.select(_quote(_encode_utf7(account.folder)), readonly=True)
        if typ != "OK":
            where = f"there is no folder {account.folder[:60]!r} for {account.user!r} at {account.host}"
            raise NotFound(
                f"{where}{self._response_text(response)}: write the folder at the end of the address, as in /INBOX"
            )
        self.validity = self._status_number("UIDVALIDITY")
        following = self._status_number("UIDNEXT")
        self.last = following - 1 if following else max((one.uid for one in self._list_uids("*")), default=0)
        """The greatest UID at the time of opening."""

    def list_after(self, uid: int) -> Iterator[ListedMessage]:
        """The messages with a greater UID, in the order of UIDs."""
        first, window = uid + 1, _UID_WINDOW
        while first <= self.last:
            end = min(first + window - 1, self.last)
            # A server that has none of these UIDs may answer with its last one.
            found = [one for one in self._list_uids(f"{first}:{end}") if first <= one.uid <= end]
            yield from sorted(found, key=lambda one: one.uid)
            first, window = end + 1, _UID_WINDOW if found else 2 * window

    def fetch(self, uid: int, part: str = "", limit: int = 0) -> bytes | None:
        """A message or its `part`, at most `limit` bytes (0: all); None if it is gone. Raises NotFound if the server
        does not deliver it."""
        section = f"(BODY.PEEK[{part}]{f'<0.{limit}>' if limit else ''})"
        typ, response = self._connection.uid("FETCH", str(uid), section)
        if typ != "OK":
            if _TEMPORARY.search(self._response_text(response)):
                self._require_ok(typ, response)
            raise NotFound(f"the mail server does not deliver message {uid}{self._response_text(response)}")
        literal = next((one[1] for one in response if isinstance(one, tuple)), None)
        return literal if literal is not None or not any(response) else b""

    def _list_uids(self, uids: str) -> Iterator[ListedMessage]:
        typ, response = self._connection.uid("FETCH", uids, "(UID RFC822.SIZE INTERNALDATE)")
        self._require_ok(typ, response)
        for line in response:
            if isinstance(line, bytes) and (uid := _UID.search(line)):
                size, received = _SIZE.search(line), _RECEIVED.search(line)
                moment = _parse_moment(received[1].decode("ascii", "replace") if received else "")
                yield ListedMessage(int(uid[1]), int(size[1]) if size else 0, moment)

    def _status_number(self, name: str) -> int:
        response = self._connection.response(name)[1]
        found = response[-1] if response else None
        return int(found) if isinstance(found, bytes) and found.isdigit() else 0

    def _require_ok(self, typ: str, response: Sequence[Any]) -> None:
        if typ != "OK":
            raise StoreUnreachable(f"the mail server refused the request{self._response_text(response)}", _TIMEOUT)

    def _response_text(self, response: Sequence[Any]) -> str:
        text = " ".join(one.decode("utf-8", "replace") for one in response if isinstance(one, bytes))
        text = text.replace(self._secret, "***") if self._secret else text
        return f" ({text[:_MAX_QUOTED]})" if text else ""


@contextmanager
def open_folder(account: MailAccount, timeout: float) -> Iterator[MailFolder]:
    """The folder of an account, open for reading.

    Raises StoreUnreachable, AccessDenied if the login fails or would not be encrypted, NotFound for the folder.
    """
    where = f"the mail server at {account.host}:{account.port}"
    connection: imaplib.IMAP4 | None = None
    try:
        context = ssl.create_default_context()
        if account.scheme == "imaps":
            connection = imaplib.IMAP4_SSL(account.host, account.port, ssl_context=context, timeout=timeout)
        else:
            connection = imaplib.IMAP4(account.host, account.port, timeout=timeout)
            _start_tls(connection, context, where)
        _log_in(connection, account, where)
        yield MailFolder(connection, account)
        with suppress(OSError, imaplib.IMAP4.error):
            connection.logout()
    except ssl.SSLCertVerificationError as error:
        message = f"{where} has a certificate that can't be trusted ({error.verify_message})"
        raise StoreUnreachable(
            f"{message}: renew it, or name the file of its issuer in SSL_CERT_FILE", _TIMEOUT
        ) from None
    except (OSError, imaplib.IMAP4.error) as error:
        message = "did not answer in time" if isinstance(error, TimeoutError) else "can't be reached, or broke off"
        raise StoreUnreachable(f"{where} {message} ({type(error).__name__})", _TIMEOUT) from None
    finally:
        if connection is not None:
            with suppress(OSError):
                connection.shutdown()


def _start_tls(connection: imaplib.IMAP4, context: ssl.SSLContext, where: str) -> None:
    """Encrypt the connection before the password is sent. Raises AccessDenied if the server offers no TLS."""
    peer = ipaddress.ip_address(connection.sock.getpeername()[0].partition("%")[0])
    if peer.is_loopback and "LOGINDISABLED" not in connection.capabilities:
        return
    if "STARTTLS" not in connection.capabilities:
        raise AccessDenied(f"{where} offers no TLS at this port, and the password was not sent: use imaps://")
    connection.starttls(context)


def _log_in(connection: imaplib.IMAP4, account: MailAccount, where: str) -> None:
    def plain(_: bytes) -> bytes:
        return f"\0{account.user}\0{account.secret}".encode()

    try:
        if "AUTH=PLAIN" in connection.capabilities:
            connection.authenticate("PLAIN", plain)
        elif _NOT_PRINTABLE.search(account.user + account.secret):
            raise AccessDenied(f"{where} accepts no user or password with characters beyond ASCII: choose other ones")
        else:
            connection.login(_quote(account.user), account.secret)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        if _TEMPORARY.search(str(error)):
            raise StoreUnreachable(f"{where} accepts no logins just now", _TIMEOUT) from None
        message = f"{where} refuses the login of {account.user!r}: check the user and the password"
        raise AccessDenied(f"{message} (many providers need a password made for the application)") from None


def _parse_moment(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text.strip()).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _encode_utf7(folder: str) -> str:
    """The name of a folder in the encoding of IMAP (RFC 3501, 5.1.3).

    >>> _encode_utf7("INBOX/Отпуска & Co")
    'INBOX/&BB4EQgQ,BEMEQQQ6BDA- &- Co'
    """

    def shifted(found: re.Match[str]) -> str:
        packed = base64.b64encode(found[0].encode("utf-16-be", "surrogatepass")).decode().rstrip("=")
        return f"&{packed.replace('/', ',')}-"

    return _NOT_PRINTABLE.sub(shifted, folder.replace("&", "&-"))
