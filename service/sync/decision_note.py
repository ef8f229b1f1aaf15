"""The note that a delivery leaves in a foreign ticket: what deskyard set, how sure it was, and why. Never the text."""

import re
from collections.abc import Mapping
from typing import Final

from deskyard.domain.ticket import Ticket
from deskyard.policy.policy import RoutingResult

_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "head": "Sorted by deskyard.",
        "queue": "Queue",
        "category": "Category",
        "priority": "Priority",
        "assignee": "Assignee",
        "foot": "Decision {decision}, model {model}. If this is wrong, just change it: it stays as you set it.",
    },
    "ru": {
        "head": "Распределено deskyard.",
        "queue": "Очередь",
        "category": "Категория",
        "priority": "Приоритет",
        "assignee": "Исполнитель",
        "foot": "Решение {decision}, модель {model}. Если это неверно, просто измените: будет так, как решите вы.",
    },
}

_CYRILLIC: Final = re.compile("[А-яЁё]")
_LATIN: Final = re.compile("[A-Za-z]")


def write_note(
    ticket: Ticket, verdict: RoutingResult, values: Mapping[str, str | None], decision: int, model: str | None
) -> str:
    """The note for these values, in Russian for a ticket in Cyrillic letters and in English for any other."""
    text = f"{ticket.subject} {ticket.body[:2000]}"
    words = _TEXTS["ru" if len(_CYRILLIC.findall(text)) > len(_LATIN.findall(text)) else "en"]
    lines = [words["head"]]
    for field, value in values.items():
        told = f"{words[field]}: {value}"
        made = next((one for one in verdict.decisions.values() if one.target == field), None)
        if made is None or made.label != value:  # a queue that a category is bound for
            made = verdict.decisions.get("category") if field == "queue" else None
        if made is not None:
            told += f" ({made.reasons[0].text})"
        lines.append(told)
    lines.append(words["foot"].format(decision=decision, model=(model or "")[:12] or "-"))
    return "\n".join(lines)
