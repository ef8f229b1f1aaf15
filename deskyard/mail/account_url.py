"""Parses the URL of a mailbox into a `MailAccount`. Neither its `repr` nor any message shows the password."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from deskyard.errors import BadInput

DEFAULT_PORTS: Final = {"imap": 143, "imaps": 993}
URL_OPTIONS: Final = ("address", "list", "machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailAccount:
    """One folder of one account.

    `own_addresses` are ours, `mailing_lists` those through which people write to us. `machines` are addresses (or
    `@domains`) whose mail becomes tickets though no person writes it, such as the alerts of a monitor.
    """

    scheme: str
    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    folder: str = "INBOX"
    own_addresses: tuple[str, ...] = ()
    mailing_lists: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()

    @classmethod
    def from_url(cls, url: str, secret: str = "") -> "MailAccount":
        """The account that a URL names; `secret` is the password if the URL has none. Raises BadInput.

        >>> MailAccount.from_url("imaps://ann%40example.org:s3cret@mail.example.org/INBOX/IT?list=help.example.org")
        MailAccount(scheme='imaps', host='mail.example.org', port=993, user='ann@example.org', folder='INBOX/IT', \
own_addresses=('ann@example.org',), mailing_lists=('help.example.org',), machines=())
        """
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host or parts.scheme not in DEFAULT_PORTS or not parts.username:
            raise BadInput("write a mailbox as imaps://user@mail.example.org/INBOX (imap:// if it has no TLS port)")
        given = parse_qsl(parts.query)
        for name, _ in given:
            if name not in URL_OPTIONS:
                raise BadInput(f"there is no option {name[:40]!r} for a mailbox; choose from {', '.join(URL_OPTIONS)}")
        if wrong := [value for name, value in given if name == "machine" and "@" not in value]:
            raise BadInput(
                f"machine={wrong[0][:60]}: write an address (monitor@mon.example) or a domain (@mon.example)"
            )
        user = unquote(parts.username)
        own_addresses = [value for name, value in given if name == "address"] or [user] * ("@" in user)
        return cls(
            scheme=parts.scheme,
            host=host,
            port=port or DEFAULT_PORTS[parts.scheme],
            user=user,
            secret=unquote(parts.password or "") or secret,
            folder=unquote(parts.path.strip("/")) or "INBOX",
            own_addresses=tuple(own_addresses),
            mailing_lists=tuple(value for name, value in given if name == "list"),
            machines=tuple(value for name, value in given if name == "machine"),
        )

    @property
    def display_url(self) -> str:
        """The URL without the secret: it may be stored and shown.

        >>> MailAccount.from_url("imap://desk:s3cret@127.0.0.1:1143?address=desk@example.org").display_url
        'imap://desk@127.0.0.1:1143/INBOX?address=desk%40example.org'
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        options = [
            *(("address", one) for one in self.own_addresses if one != self.user),
            *(("list", one) for one in self.mailing_lists),
            *(("machine", one) for one in self.machines),
        ]
        netloc = f"{quote(self.user, safe='')}@{host}{port}"
        return urlunsplit((self.scheme, netloc, "/" + quote(self.folder), urlencode(options), ""))
