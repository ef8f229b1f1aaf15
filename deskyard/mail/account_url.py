"""Where a mailbox is and as whom we read it: what its URL says.

In comes that text, out goes an `Address`. Neither its `repr` nor any message about it shows the password.
"""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from deskyard.errors import BadInput

PORTS: Final = {"imap": 143, "imaps": 993}
OPTIONS: Final = ("address", "list")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One folder of one account. `ours` are our own addresses, `lists` the mailing lists through which people write to
    us."""

    scheme: str
    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    folder: str = "INBOX"
    ours: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()

    @classmethod
    def of(cls, url: str, secret: str = "") -> "Address":
        """What a URL says; `secret` stands in for one that it does not bear. Raises BadInput.

        >>> Address.of("imaps://desk%40example.org:s3cret@mail.example.org/INBOX/Support?list=help.example.org")
        Address(scheme='imaps', host='mail.example.org', port=993, user='desk@example.org', folder='INBOX/Support', \
ours=('desk@example.org',), lists=('help.example.org',))
        """
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host or parts.scheme not in PORTS or not parts.username:
            raise BadInput("write a mailbox as imaps://user@mail.example.org/INBOX (imap:// where it has no TLS port)")
        given = parse_qsl(parts.query)
        for name, _ in given:
            if name not in OPTIONS:
                raise BadInput(f"there is no option {name[:40]!r} for a mailbox; choose from {', '.join(OPTIONS)}")
        user = unquote(parts.username)
        ours = [value for name, value in given if name == "address"] or [user] * ("@" in user)
        return cls(
            scheme=parts.scheme,
            host=host,
            port=port or PORTS[parts.scheme],
            user=user,
            secret=unquote(parts.password or "") or secret,
            folder=unquote(parts.path.strip("/")) or "INBOX",
            ours=tuple(ours),
            lists=tuple(value for name, value in given if name == "list"),
        )

    @property
    def place(self) -> str:
        """The URL without the secret: it may be kept and shown.

        >>> Address.of("imap://desk:s3cret@127.0.0.1:1143?address=desk@example.org").place
        'imap://desk@127.0.0.1:1143/INBOX?address=desk%40example.org'
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        options = [("address", one) for one in self.ours if one != self.user] + [("list", one) for one in self.lists]
        netloc = f"{quote(self.user, safe='')}@{host}{port}"
        return urlunsplit((self.scheme, netloc, "/" + quote(self.folder), urlencode(options), ""))
