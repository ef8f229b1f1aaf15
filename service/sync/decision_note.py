"""The note that a delivery adds to a ticket of an external help desk: the values that were set, and why."""

import re
from collections.abc import Mapping
from typing import Final

from deskyard.domain.ticket import Ticket
from deskyard.policy.policy import RoutingResult

_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "head": "Routed by deskyard.",
        "queue": "Queue",
        "category": "Category",
        "priority": "Priority",
        "assignee": "Assignee",
        "foot": "Decision {decision}, model {model}. If this is wrong, change it: your value is kept.",
    },
    "ru": {
        "head": "Направлено deskyard.",
        "queue": "Очередь",
        "category": "Категория",
        "priority": "Приоритет",
        "assignee": "Исполнитель",
        "foot": "Решение {decision}, модель {model}. Если это неверно, измените: ваше значение сохранится.",
    },
}

_CYRILLIC: Final = re.compile("[А-яЁё]")
_LATIN: Final = re.compile("[A-Za-z]")


def write_note(
    ticket: Ticket, routing: RoutingResult, values: Mapping[str, str | None], decision: int, model: str | None
) -> str:
    """The note on these values, in Russian if the ticket's text is mostly Cyrillic, else in English."""
    text = f"{ticket.subject} {ticket.body[:2000]}"
    texts = _TEXTS["ru" if len(_CYRILLIC.findall(text)) > len(_LATIN.findall(text)) else "en"]
    lines = [texts["head"]]
    for field, value in values.items():
        line = f"{texts[field]}: {value}"
        decision_on_field = next((one for one in routing.decisions.values() if one.target == field), None)
        if decision_on_field is None or decision_on_field.label != value:  # the queue follows from the category
            decision_on_field = routing.decisions.get("category") if field == "queue" else None
        if decision_on_field is not None:
            line += f" ({decision_on_field.reasons[0].text})"
        lines.append(line)
    lines.append(texts["foot"].format(decision=decision, model=(model or "")[:12] or "-"))
    return "\n".join(lines)
