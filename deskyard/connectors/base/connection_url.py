"""Parses the address, account and options of a help desk: what follows the connector's name in a store's URL.

    znuny:https://router:secret@desk.example.org/otrs/nph-genericinterface.pl/Webservice/Deskyard?category=Category
          ─────── address, with user and secret ──────────────────────────────────────────────── ─── options ────

Neither the `repr` of a `ConnectionUrl` nor any message shows a secret.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from deskyard.errors import BadInput

SECRET_OPTIONS = ("hook_secret",)
"""Options that are secrets."""


@dataclass(frozen=True, slots=True)
class ConnectionUrl:
    """An address without a trailing slash, a user, a secret (both may be empty), and options."""

    url: str
    user: str = ""
    secret: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, text: str, allowed_options: Collection[str] = ()) -> "ConnectionUrl":
        """The parts of a text. Raises BadInput if it is not a web address, and for options that are not allowed.

        >>> ConnectionUrl.parse("https://ann:s3cret@desk.example.org/rt/?category=Kind", ["category"]).options
        {'category': 'Kind'}
        >>> ConnectionUrl.parse("desk.example.org")
        Traceback (most recent call last):
        deskyard.errors.BadInput: write the help desk's address with https:// (or http://) after the store's name
        """
        parts = urlsplit(text.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput("write the help desk's address with https:// (or http://) after the store's name")
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        for name in options:
            if name not in (*allowed_options, *SECRET_OPTIONS):
                raise BadInput(
                    f"there is no option {name[:40]!r} for this store; choose from {', '.join(sorted(allowed_options))}"
                )
        host = parts.netloc.rpartition("@")[2]
        address = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        return cls(address, unquote(parts.username or ""), unquote(parts.password or ""), options)

    def format(self, *, secrets: bool) -> str:
        """The text that `parse` reads back; without `secrets` it may be stored and shown.

        >>> url = ConnectionUrl.parse("https://ann:s3cret@desk.example.org?hook_secret=x&a=1", ["a"])
        >>> url.format(secrets=False)
        'https://ann@desk.example.org?a=1'
        >>> ConnectionUrl.parse(url.format(secrets=True), ["a"]) == url
        True
        """
        parts = urlsplit(self.url)
        user = quote(self.user, safe="")
        if secrets and self.secret:
            user += ":" + quote(self.secret, safe="")
        options = {name: value for name, value in self.options.items() if secrets or name not in SECRET_OPTIONS}
        netloc = f"{user}@{parts.netloc}" if user else parts.netloc
        return urlunsplit((parts.scheme, netloc, parts.path, urlencode(options), ""))
