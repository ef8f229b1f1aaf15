"""Notices to a Telegram chat by a bot, whose token is the secret and part of every URL."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import quote

import httpx2

from deskyard.errors import BadInput, StoreRefused, StoreUnreachable
from service.notifications import http_post
from service.notifications.allowed_hosts import AllowedHosts
from service.notifications.message import Notice, checked_language, message_text

_PATH: Final = re.compile(r"(?P<before>(?:/[A-Za-z0-9._~-]+)*?)(?:/bot(?P<token>[A-Za-z0-9_:-]{1,200}))?/?")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_:-]{1,200}")
_CHAT: Final = re.compile(r"-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64}")
_MAX_WAIT: Final = 3600.0


@dataclass(frozen=True, slots=True, repr=False)
class TelegramChannel:
    """URL: `telegram:https://api.telegram.org/botTOKEN?chat=-100123`, or without `/botTOKEN`, the token given as the
    secret. A self-hosted Bot API server has another host."""

    base: httpx2.URL
    chat: str
    secret: str
    allowed: AllowedHosts = field(default_factory=lambda: AllowedHosts.parse([]))
    language: str = "en"

    @classmethod
    def from_url(cls, url: str, secret: str = "", allowed: Sequence[str] = (), language: str = "en") -> Self:
        """The channel of a URL. Raises BadInput."""
        found = http_post.parse_url(url.partition(":")[2])
        path = _PATH.fullmatch(found.path)
        token = (path["token"] if path else "") or secret
        if path is None or not _TOKEN.fullmatch(token):
            raise BadInput("write the bot's URL as https://api.telegram.org/botTOKEN?chat=…")
        chat = found.params.get("chat", "")
        if not _CHAT.fullmatch(chat) or set(found.params) != {"chat"}:
            raise BadInput("name the chat: ?chat=-100123 (its number), or ?chat=@name for a public channel")
        base = found.copy_with(raw_path=(path["before"] or "/").encode())
        return cls(base, chat, token, AllowedHosts.parse(allowed), checked_language(language))

    @property
    def display_url(self) -> str:
        """The URL with the host and the chat, without the token."""
        before = self.base.path.rstrip("/")
        return f"telegram:{http_post.origin(self.base)}{before}?chat={quote(self.chat, safe='@')}"

    def __repr__(self) -> str:
        """The display URL."""
        return f"Telegram({self.display_url!r})"

    def send(self, notice: Notice) -> None:
        """Send it; see `Channel.send`."""
        body = {
            "chat_id": self.chat,
            "text": message_text(notice, self.language),
            "link_preview_options": {"is_disabled": True},
        }
        path = f"{self.base.path.rstrip('/')}/bot{self.secret}/sendMessage"
        url = self.base.copy_with(raw_path=path.encode())
        headers = {"Content-Type": "application/json"}
        answer = http_post.post(url, json.dumps(body).encode(), headers, self.allowed, secret_path=True)
        content = _parse_answer(answer.raw)
        reason = " ".join(str(content.get("description", "")).replace(self.secret, "***").split())
        details = content.get("parameters")
        details = details if isinstance(details, dict) else {}
        if answer.status == 429 and isinstance(wait := details.get("retry_after"), int | float):
            raise StoreUnreachable(f"Telegram asks to wait ({reason[:200]})", min(max(float(wait), 1.0), _MAX_WAIT))
        if new_chat := str(details.get("migrate_to_chat_id", ""))[:24]:
            raise StoreRefused("chat", f"the chat has a new number: write ?chat={new_chat}")
        if answer.status == 400:
            raise StoreRefused("chat", f"Telegram answered 400 ({reason[:200]})")
        http_post.check_answer(url, answer, reason)


def _parse_answer(raw: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
