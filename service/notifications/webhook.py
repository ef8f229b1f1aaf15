"""Notices to any program by a signed POST, whose signature covers the time and the body.

X-Deskyard-Signature: sha256=<HMAC-SHA256 of timestamp + "." + body under the secret, hexadecimal>
X-Deskyard-Timestamp: <seconds since 1970>
X-Deskyard-Delivery: <the notice's id, the same when it is sent again>
{"id": "n7", "event": "routed", "ticket": "12", "queue": "IT", "link": "https://…", "at": "2026-01-31T12:00:00+00:00"}
"""

import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC
from typing import Self

import httpx2

from deskyard.errors import BadInput
from service.notifications import http_post
from service.notifications.allowed_hosts import AllowedHosts
from service.notifications.message import Notice, checked_language


@dataclass(frozen=True, slots=True, repr=False)
class WebhookChannel:
    """URL: `webhook:https://example.org/hook`; the secret for the signature is given separately."""

    url: httpx2.URL
    secret: str
    allowed: AllowedHosts = field(default_factory=lambda: AllowedHosts.parse([]))

    @classmethod
    def from_url(cls, url: str, secret: str = "", allowed: Sequence[str] = (), language: str = "en") -> Self:
        """The channel of a URL; the body does not depend on the language. Raises BadInput."""
        checked_language(language)
        found = http_post.parse_url(url.partition(":")[2])
        if not secret:
            raise BadInput("a webhook needs a secret for its signature: choose one, and enter it at the receiver, too")
        return cls(found, secret, AllowedHosts.parse(allowed))

    @property
    def display_url(self) -> str:
        """The URL."""
        return f"webhook:{self.url}"

    def __repr__(self) -> str:
        """The URL without its path."""
        return f"Webhook('webhook:{http_post.origin(self.url)}')"

    def send(self, notice: Notice) -> None:
        """Post it; see `Channel.send`."""
        at = notice.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        body = json.dumps({**asdict(notice), "at": at}, ensure_ascii=False).encode()
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Deskyard-Signature": f"sha256={sign(self.secret, timestamp, body)}",
            "X-Deskyard-Timestamp": timestamp,
            "X-Deskyard-Delivery": notice.id,
        }
        http_post.check_answer(self.url, http_post.post(self.url, body, headers, self.allowed))


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The HMAC-SHA256 (RFC 2104) of the timestamp, a dot and the body, hexadecimal.

    >>> sign("key", "1700000000", b"{}")[:16]
    '9d713ed406bb7076'
    """
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
