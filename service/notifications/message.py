"""The notice, its text in English and Russian, and the interface of a channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, Self

from deskyard.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice about a ticket. `id` stays the same when it is sent again; `link` may be empty; `at` has a time zone."""

    id: str
    event: str
    ticket: str
    queue: str
    link: str
    at: datetime


class Channel(Protocol):
    """A way to send notices."""

    @classmethod
    def from_url(cls, url: str, secret: str, allowed: Sequence[str], language: str = "en") -> Self:
        """The channel of a URL, which may leave out its secret; `allowed`: see `service.notifications.allowed_hosts`.
        Makes no request. Raises BadInput."""
        ...

    @property
    def display_url(self) -> str:
        """Its URL without the secret: it may be stored and shown; `open_channel` takes it with the secret."""
        ...

    @property
    def secret(self) -> str:
        """The secret, to be stored apart."""
        ...

    def send(self, notice: Notice) -> None:
        """Send a notice.

        Raises StoreUnreachable (try again later; it may have been received), AccessDenied, BadInput for an address that
        may not be called, and StoreRefused. No message shows a secret.
        """
        ...


TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "routed": "Ticket {ticket} was routed to {queue}",
        "waits": "Ticket {ticket} is waiting for triage in {queue}",
        "tripped": "Circuit breaker: too many tickets were routed wrongly to {queue} (last: {ticket}); "
        "from now on they are only suggested",
        "": "Ticket {ticket} in {queue}: {event}",
    },
    "ru": {
        "routed": "Заявка {ticket} направлена в очередь «{queue}»",
        "waits": "Заявка {ticket} ждёт разбора в очереди «{queue}»",
        "tripped": "Предохранитель: слишком много ошибок в очереди «{queue}» (последняя заявка — {ticket}); "
        "теперь она только предлагается",
        "": "Заявка {ticket} в очереди «{queue}»: {event}",
    },
}
"""Language → event → sentence; "" stands for any other event."""


def checked_language(language: str) -> str:
    """The language, unchanged. Raises BadInput for one that has no texts."""
    if language not in TEXTS:
        raise BadInput(f"there are notices in {' and '.join(TEXTS)}, not in {language[:20]!r}")
    return language


def headline(notice: Notice, language: str) -> str:
    """The notice in one line.

    >>> from datetime import UTC
    >>> notice = Notice(id="n1", event="routed", ticket="7", queue="IT", link="", at=datetime(2026, 1, 31, tzinfo=UTC))
    >>> headline(notice, "en"), headline(notice, "ru")
    ('Ticket 7 was routed to IT', 'Заявка 7 направлена в очередь «IT»')
    """
    texts = TEXTS[language]
    text = texts.get(notice.event, texts[""])
    return " ".join(text.format(ticket=notice.ticket, queue=notice.queue, event=notice.event).split())


def message_text(notice: Notice, language: str) -> str:
    """The headline and, if there is one, the link on a line of its own."""
    return f"{headline(notice, language)}\n{notice.link}".strip()
