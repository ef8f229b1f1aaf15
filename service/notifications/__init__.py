"""Notices that a ticket reached a queue, sent by Slack, Telegram, e-mail or webhook.

A notice holds the ticket's number, its queue and a link, never its text or its requester. The module of a channel is
imported when the channel is first used.
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
"""Scheme of a channel's URL → its class ("module:class")."""


def open_channel(url: str, secret: str = "", allowed: Sequence[str] = (), language: str = "en") -> Channel:
    """The channel of a URL; `secret` is the part that the URL leaves out.

        slack:https://hooks.slack.com/services/T/B/X
        telegram:https://api.telegram.org/botTOKEN?chat=-100123
        smtp://user:password@mail.example.org:587/to@example.org?from=desk@example.org   (or smtps://)
        webhook:https://example.org/hook   (the secret, for signing, is never in the URL)

    `display_url` and `secret` of the channel open the same channel again. Raises BadInput, whose message quotes nothing
    of the URL but an unknown scheme.

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
