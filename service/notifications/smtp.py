"""Notices by e-mail.

Mails are marked as automatic, so that no machine answers them and no connected mailbox takes them for tickets. A
password is sent over TLS, or to this machine, only.
"""

import base64
import random
import re
import smtplib
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final, Self
from urllib.parse import quote

import httpx2

from deskyard.errors import AccessDenied, BadInput, StoreRefused, StoreUnreachable
from deskyard.mail.auto_reply import DESKYARD_HEADER
from service.notifications.allowed_hosts import AllowedHosts, is_loopback, resolve
from service.notifications.http_post import DEADLINE, READ_TIMEOUT, Deadline
from service.notifications.message import Notice, checked_language, headline, message_text

DEFAULT_PORTS: Final = {"smtp": 587, "smtps": 465}
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")


@dataclass(frozen=True, slots=True, repr=False)
class SmtpChannel:
    """URL: `smtp://user:password@mail.example.org:587/to@example.org?from=desk@example.org`, or `smtps://` for TLS from
    the start. Several recipients are separated by commas."""

    scheme: str
    host: str
    port: int
    user: str
    secret: str
    to: tuple[str, ...]
    sender: str
    allowed: AllowedHosts = field(default_factory=lambda: AllowedHosts.parse([]))
    language: str = "en"

    @classmethod
    def from_url(cls, url: str, secret: str = "", allowed: Sequence[str] = (), language: str = "en") -> Self:
        """The channel of a URL. Raises BadInput."""
        try:
            found = httpx2.URL(url)
            port = found.port or DEFAULT_PORTS[found.scheme]
            to, sender = tuple(found.path.strip("/").split(",")), found.params.get("from", "")
            known = set(found.params) == {"from"} and found.raw_host and 0 < port < 65536
        except (httpx2.InvalidURL, ValueError, KeyError):
            known, to, sender, port = False, (), "", 0
        if not known or not all(_ADDRESS.fullmatch(one) for one in (*to, sender)):
            raise BadInput(
                "write the mail server as smtp://user:password@mail.example.org:587/to@example.org?from=desk@example.org"
            )
        return cls(
            scheme=found.scheme,
            host=found.raw_host.decode(),
            port=port,
            user=found.username,
            secret=found.password or secret,
            to=to,
            sender=sender,
            allowed=AllowedHosts.parse(allowed),
            language=checked_language(language),
        )

    @property
    def display_url(self) -> str:
        """The URL without the password."""
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        to = ",".join(quote(one, safe="@") for one in self.to)
        return f"{self.scheme}://{user}{host}:{self.port}/{to}?from={quote(self.sender, safe='@')}"

    def __repr__(self) -> str:
        """The display URL."""
        return f"Smtp({self.display_url!r})"

    def send(self, notice: Notice) -> None:
        """Send it as a mail; see `Channel.send`."""
        mail = self.new_mail(notice.id, headline(notice, self.language), notice.at)
        mail.set_content(message_text(notice, self.language) + "\n")
        self.send_mail(mail)

    def new_mail(self, number: str, subject: str, at: datetime) -> EmailMessage:
        """An automatic mail without a text; `number` stays the same when it is sent again."""
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"] = self.sender, ", ".join(self.to)
        mail["Subject"] = subject
        mail["Date"] = format_datetime(at)
        # The same when it is sent again, so that mail servers and clients drop duplicates.
        mail["Message-ID"] = f"<{re.sub('[^A-Za-z0-9-]', '-', number)}.deskyard@{self.sender.partition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail[DESKYARD_HEADER] = "notice"
        return mail

    def send_mail(self, mail: EmailMessage) -> None:
        """Send a mail. Raises what `Channel.send` raises."""
        server = f"the mail server at {self.host}:{self.port}"
        found = resolve(self.host, self.port, self.allowed)
        with Deadline(DEADLINE) as deadline:
            try:
                self._deliver(mail, found, deadline, server)
            except OSError as error:  # all exceptions of smtplib are OSErrors
                raise self._error_for(error, deadline, server) from None

    def _deliver(self, mail: EmailMessage, found: list[str], deadline: Deadline, server: str) -> None:
        session = self._connect(found, deadline)
        try:
            self._secure(session, deadline, server)
            if self.user:
                self._log_in(session, server)
            refused = session.send_message(mail, self.sender, list(self.to))
            with suppress(smtplib.SMTPException, OSError):  # the mail is accepted, however the session ends
                session.quit()
        finally:
            session.close()
        if refused:
            raise StoreRefused("to", f"{server} refused these recipients: {', '.join(sorted(refused))[:200]}")

    def _connect(self, found: list[str], deadline: Deadline) -> "_PinnedSmtp":
        error: OSError = OSError()
        for ip in found:
            try:
                return _PinnedSmtp(
                    self.host, self.port, ip, ssl.create_default_context() if self.scheme == "smtps" else None, deadline
                )
            except smtplib.SMTPException:
                raise
            except OSError as failure:
                error = failure
        raise error

    def _secure(self, session: "_PinnedSmtp", deadline: Deadline, server: str) -> None:
        session.ehlo_or_helo_if_needed()
        if self.scheme == "smtps" or is_loopback(session.ip):
            return
        if session.has_extn("starttls"):
            session.starttls(context=ssl.create_default_context())
            deadline.watch(session.sock)  # type: ignore[arg-type]
            session.ehlo_or_helo_if_needed()
        elif self.user:
            raise AccessDenied(f"{server} offers no TLS at this port, so the password was not sent: use smtps://")

    def _log_in(self, session: "_PinnedSmtp", server: str) -> None:
        methods = session.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in methods:
            credentials = base64.b64encode(f"\0{self.user}\0{self.secret}".encode()).decode()
            code, answer = session.docmd("AUTH", f"PLAIN {credentials}")
            if code != 235:
                raise smtplib.SMTPAuthenticationError(code, answer)
        elif (self.user + self.secret).isascii():
            session.login(self.user, self.secret)
        else:
            raise AccessDenied(f"{server} accepts no user or password with characters beyond ASCII: choose other ones")

    def _error_for(self, error: OSError, deadline: Deadline, server: str) -> Exception:
        if isinstance(error, ssl.SSLCertVerificationError):
            message = f"{server} has a certificate that can't be trusted ({error.verify_message})"
            return StoreUnreachable(f"{message}: renew it, or set SSL_CERT_FILE to a file with its issuer", 60.0)
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return AccessDenied(f"{server} offers no login at this port: leave the user out, or use another port")
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            return self._refusal_error(error, *next(iter(error.recipients.values())), server)
        if isinstance(error, smtplib.SMTPResponseException):
            return self._refusal_error(error, error.smtp_code, error.smtp_error, server)
        silent = deadline.expired or isinstance(error, TimeoutError)
        failure = "did not answer in time" if silent else "can't be reached, or broke the connection off"
        return StoreUnreachable(f"{server} {failure}", random.uniform(3, 8))

    def _refusal_error(self, error: OSError, code: int, answer: bytes | str, server: str) -> Exception:
        text = " ".join((answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer).split())
        text = text.replace(self.secret, "***") if self.secret else text
        message = f"{server} answered {code} ({text[:200]})"
        if not 500 <= code < 600:
            return StoreUnreachable(message, random.uniform(30, 90))
        if isinstance(error, smtplib.SMTPAuthenticationError) or code == 530:
            return AccessDenied(f"{server} refused the login of {self.user!r}: check the user and the password")
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            return StoreRefused("to", message)
        return StoreRefused("from" if isinstance(error, smtplib.SMTPSenderRefused) else "notice", message)


class _PinnedSmtp(smtplib.SMTP):
    """An SMTP session with the checked address, under the host name of its certificate."""

    def __init__(self, host: str, port: int, ip: str, tls: ssl.SSLContext | None, deadline: Deadline) -> None:
        self.ip = ip
        self._tls = tls
        self._deadline = deadline
        name = socket.gethostname()  # not getfqdn(): it would wait for a DNS server that does not answer
        super().__init__(host, port, name if "." in name else "[127.0.0.1]", READ_TIMEOUT)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found = socket.create_connection((self.ip, port), timeout)
        self._deadline.watch(found)
        if self._tls is None:
            return found
        try:
            wrapped = self._tls.wrap_socket(found, server_hostname=host)
        except BaseException:
            found.close()
            raise
        self._deadline.watch(wrapped)
        return wrapped
