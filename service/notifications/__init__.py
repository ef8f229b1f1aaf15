"""Notices out: telling people that a ticket reached a queue, by its number, its queue and a link.

In come a channel's URL and a notice; each channel is a file, opened by its name at the moment it is needed. What a
ticket says, and who asked, never leaves by this way.
"""

import importlib
from collections.abc import Sequence
from typing import Final

from deskyard.errors import BadInput
from service.notifications.message import TEXTS, Channel, Notice

__all__ = ["CHANNELS", "TEXTS", "Channel", "Notice", "open_channel"]

CHANNELS: Final[dict[str, str]] = {
    "slack": "service.notifications.slack:SlackChannel",
    "smtp": "service.notifications.smtp:SmtpChannel",
    "smtps": "service.notifications.smtp:SmtpChannel",
    "telegram": "service.notifications.telegram:TelegramChannel",
    "webhook": "service.notifications.webhook:WebhookChannel",
}
"""What a channel's URL begins with → where its class is ("module:class")."""


def open_channel(url: str, secret: str = "", allowed: Sequence[str] = (), language: str = "en") -> Channel:
    """The channel that a URL names; `secret` is what the URL lacks.

        slack:https://hooks.slack.com/services/T/B/X
        telegram:https://api.telegram.org/botTOKEN?chat=-100123
        smtp://user:password@mail.example.org:587/to@example.org?from=desk@example.org   (or smtps://)
        webhook:https://example.org/hook   (the secret, for signing, is never in the URL)

    Its `place` and `secret` are the parts to keep; together they open the same channel. Raises BadInput, which quotes
    nothing of the URL.

    >>> channel = open_channel("slack:https://hooks.slack.com/services/T/B/X")
    >>> channel, channel.secret
    (Slack('slack:https://hooks.slack.com'), '/services/T/B/X')
    >>> open_channel("pigeon:roof")
    Traceback (most recent call last):
    deskyard.errors.BadInput: there is no channel 'pigeon'; choose from slack, smtp, smtps, telegram, webhook
    """
    name = url.strip().partition(":")[0]
    if name not in CHANNELS:
        raise BadInput(f"there is no channel {name[:20]!r}; choose from {', '.join(CHANNELS)}")
    module, _, kind = CHANNELS[name].partition(":")
    found: type[Channel] = getattr(importlib.import_module(module), kind)
    return found.from_url(url.strip(), secret, allowed, language)
