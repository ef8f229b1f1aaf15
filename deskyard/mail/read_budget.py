"""The budget of reading one message: parts, nesting, bytes, characters and seconds; what exceeds it is left unread.

One budget is handed to every reader of a message, so that a mail within a mail within a compressed part costs no more
than one mail.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

MAX_PARTS: Final = 2_000
MAX_DEPTH: Final = 12
MAX_BYTES: Final = 60_000_000
MAX_CHARACTERS: Final = 600_000
MAX_SECONDS: Final = 10.0


@dataclass(slots=True)
class ReadBudget:
    """What is left for one message. `exceeded` names the limits that were reached.

    >>> budget = ReadBudget(characters=8)
    >>> budget.cut_text("Не печатает"), budget.cut_text("принтер"), budget.exceeded
    ('Не печат', '', ['text'])
    """

    parts: int = MAX_PARTS
    depth: int = MAX_DEPTH
    octets: int = MAX_BYTES
    characters: int = MAX_CHARACTERS
    seconds: float = MAX_SECONDS
    clock: Callable[[], float] = time.monotonic
    exceeded: list[str] = field(default_factory=list)
    _started_at: float | None = None

    def take_part(self, depth: int = 0) -> bool:
        """Whether one more part, nested that deep, may be read; counts it."""
        now = self.clock()
        self._started_at = now if self._started_at is None else self._started_at
        if self.parts <= 0:
            return self._exceed("parts")
        if depth > self.depth:
            return self._exceed("nesting")
        if now - self._started_at > self.seconds:
            return self._exceed("time")
        self.parts -= 1
        return True

    def take_bytes(self, count: int) -> bool:
        """Whether so many more bytes may be parsed; counts them."""
        if count > self.octets:
            return self._exceed("bytes")
        self.octets -= count
        return True

    def cut_text(self, text: str) -> str:
        """The text as far as it fits; counts it."""
        kept = text[: self.characters]
        self.characters -= len(kept)
        if len(kept) < len(text):
            self._exceed("text")
        return kept

    def _exceed(self, name: str) -> bool:
        if name not in self.exceeded:
            self.exceeded.append(name)
        return False
