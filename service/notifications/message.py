"""A notice: a ticket's number, its queue and a link, and nothing of what the ticket says or who asked.

In comes what happened; out goes a sentence in the reader's language, and the interface that every channel keeps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, Self

from deskyard.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is told. `id` is the same when it is told again; `link` may be empty; `at` carries a time zone."""

    id: str
    event: str
    ticket: str
    queue: str
    link: str
    at: datetime


class Channel(Protocol):
    """A way to somebody's eyes."""

    @classmethod
    def from_url(cls, url: str, secret: str, allowed: Sequence[str], language: str = "en") -> Self:
        """The channel at a URL, which may lack its secret; `allowed`: see `service.notifications.allowed_hosts`.
        Raises BadInput; asks nobody."""
        ...

    @property
    def display_url(self) -> str:
        """Its URL without the secret: it may be kept and shown, and `opened` takes it back with the secret beside."""
        ...

    @property
    def secret(self) -> str:
        """The secret, to be kept apart."""
        ...

    def send(self, notice: Notice) -> None:
        """Tell it.

        Raises StoreUnreachable (try again later; it may have been told), NotAllowed, BadInput for an address that we
        may not call, and StoreRefused. No message shows a secret.
        """
        ...


TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "routed": "Ticket {ticket} came to {queue}",
        "waits": "Ticket {ticket} waits for a person in {queue}",
        "tripped": "Too many tickets went wrong in {queue}, last {ticket}: they are only suggested from now on",
        "": "Ticket {ticket} in {queue}: {event}",
    },
    "ru": {
        "routed": "Заявка {ticket} попала в очередь «{queue}»",
        "waits": "Заявка {ticket} ждёт человека в очереди «{queue}»",
        "tripped": "Слишком много ошибок в «{queue}», последняя — заявка {ticket}: теперь только подсказки",
        "": "Заявка {ticket} в очереди «{queue}»: {event}",
    },
}
"""Language → event → sentence; the event "" is any other."""


def checked_language(language: str) -> str:
    """The language. Raises BadInput for one that has no sentences."""
    if language not in TEXTS:
        raise BadInput(f"notices speak {' and '.join(TEXTS)}, not {language[:20]!r}")
    return language


def headline(notice: Notice, language: str) -> str:
    """The notice in one line.

    >>> from datetime import UTC
    >>> seen = Notice(id="n1", event="routed", ticket="7", queue="IT", link="", at=datetime(2026, 1, 31, tzinfo=UTC))
    >>> headline(seen, "en"), headline(seen, "ru")
    ('Ticket 7 came to IT', 'Заявка 7 попала в очередь «IT»')
    """
    texts = TEXTS[language]
    told = {"ticket": notice.ticket, "queue": notice.queue, "event": notice.event}
    return " ".join(texts.get(notice.event, texts[""]).format(**told).split())


def message_text(notice: Notice, language: str) -> str:
    """The notice with its link on a line of its own, where it has one."""
    return f"{headline(notice, language)}\n{notice.link}".strip()
