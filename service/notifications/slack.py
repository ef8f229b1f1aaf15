"""Notices to Slack by an incoming webhook, whose path is the secret; Mattermost and Rocket.Chat work alike."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import httpx2

from deskyard.errors import BadInput
from service.notifications import http_post
from service.notifications.allowed_hosts import AllowedHosts
from service.notifications.message import Notice, checked_language, message_text

_ERROR_CODE: Final = re.compile(r"[a-z_]{2,60}")


@dataclass(frozen=True, slots=True, repr=False)
class SlackChannel:
    """URL: `slack:https://hooks.slack.com/services/T/B/X`, or without the path, which is then given as the secret."""

    base: httpx2.URL
    secret: str
    allowed: AllowedHosts = field(default_factory=lambda: AllowedHosts.parse([]))
    language: str = "en"

    @classmethod
    def from_url(cls, url: str, secret: str = "", allowed: Sequence[str] = (), language: str = "en") -> Self:
        """The channel of a URL. Raises BadInput."""
        found = http_post.parse_url(url.partition(":")[2])
        path = found.raw_path.decode()
        path = secret if path == "/" else path
        if not path.strip("/"):
            raise BadInput("write the whole URL of Slack's incoming webhook: https://hooks.slack.com/services/…")
        whole = http_post.parse_url(f"{http_post.origin(found)}/{path.lstrip('/')}")
        base, path = whole.copy_with(raw_path=b"/"), whole.raw_path.decode()
        return cls(base, path, AllowedHosts.parse(allowed), checked_language(language))

    @property
    def display_url(self) -> str:
        """The URL with the host only."""
        return f"slack:{http_post.origin(self.base)}"

    def __repr__(self) -> str:
        """The display URL."""
        return f"Slack({self.display_url!r})"

    def send(self, notice: Notice) -> None:
        """Post it; see `Channel.send`."""
        text = message_text(notice, self.language).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        body = json.dumps({"text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False})
        url = self.base.copy_with(raw_path=self.secret.encode())
        headers = {"Content-Type": "application/json"}
        answer = http_post.post(url, body.encode(), headers, self.allowed, secret_path=True)
        reason = answer.raw.decode("ascii", "replace").strip()
        http_post.check_answer(url, answer, reason if _ERROR_CODE.fullmatch(reason) else "")
