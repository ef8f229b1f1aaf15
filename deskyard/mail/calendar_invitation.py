"""Tells a calendar invitation (text/calendar, RFC 5545) in words: what, when, where, by whom, and what it asks.

`icalendar` was not taken: it builds every component and rule of a calendar, of which seven lines are read here.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

_MAX_LINES: Final = 5_000
_MAX_EVENTS: Final = 5
_MAX_VALUE_LENGTH: Final = 20_000
_FOLD: Final = re.compile(r"\r?\n[ \t]")
_LINE: Final = re.compile(r'([A-Za-z0-9-]{1,60})([^:"]*+(?:"[^"]*+"[^:"]*+)*+):(.*)', re.S)
_PARAMETER: Final = re.compile(r';([A-Za-z0-9-]{1,60})="?([^";]{0,300})')
_WHEN: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})\d{0,2})?(Z?)")
_CYRILLIC: Final = re.compile("[а-яёіїєґ]", re.I)
_ESCAPED: Final = re.compile(r"\\([\\;,nN])")

_WORDS: Final = {
    "en": {
        "REQUEST": "Invitation", "PUBLISH": "Calendar entry", "CANCEL": "Cancellation of an invitation",
        "COUNTER": "Proposal of another time", "REPLY": "Answer to an invitation", "ACCEPTED": "accepted",
        "DECLINED": "declined", "TENTATIVE": "tentatively accepted", "start": "Start", "end": "End", "place": "Place",
        "organizer": "Organiser",
    },
    "ru": {
        "REQUEST": "Приглашение", "PUBLISH": "Запись календаря", "CANCEL": "Отмена приглашения",
        "COUNTER": "Предложение другого времени", "REPLY": "Ответ на приглашение", "ACCEPTED": "принято",
        "DECLINED": "отклонено", "TENTATIVE": "принято предварительно", "start": "Начало", "end": "Конец",
        "place": "Место", "organizer": "Организатор",
    },
}  # fmt: skip
"""The words, in Russian for a calendar that is written in Cyrillic letters, else in English."""


def tell_invitation(calendar: str) -> tuple[str, str]:
    """The events of a calendar in words, and their descriptions; both empty if it has no events. Never raises.

    >>> tell_invitation("METHOD:REQUEST\\nBEGIN:VEVENT\\nSUMMARY:New laptops\\nDTSTART:20260303T100000Z\\nEND:VEVENT")
    ('Invitation: New laptops. Start: 2026-03-03 10:00 UTC.', '')
    """
    method, events = "PUBLISH", list[dict[str, tuple[str, str]]]()
    event: dict[str, tuple[str, str]] | None = None
    within = ""
    for name, parameters, value in _lines(calendar):
        if name == "METHOD":
            method = value.strip().upper()
        elif name == "BEGIN" and value.strip().upper() in ("VEVENT", "VTODO"):
            event = {}
        elif name == "END" and value.strip().upper() in ("VEVENT", "VTODO") and event is not None:
            events.append(event)
            event = None
            if len(events) >= _MAX_EVENTS:
                break
        elif event is not None and name == "BEGIN":  # a component of the event, such as its alarm
            within = within or value.strip().upper()
        elif name == "END" and value.strip().upper() == within:
            within = ""
        elif event is not None and not within and name not in event:
            event[name] = parameters, value
    events += [event] if event else []  # a calendar that was cut off
    told = [_tell_event(method, one) for one in events]
    descriptions = [_unescape(one.get("DESCRIPTION", ("", ""))[1]).strip() for one in events]
    return "\n".join(told), "\n\n".join(one for one in descriptions if one)


def _lines(calendar: str) -> Iterator[tuple[str, str, str]]:
    """Name, parameters and value of each line."""
    for line in _FOLD.sub("", calendar).split("\n", _MAX_LINES)[:_MAX_LINES]:
        if found := _LINE.match(line[:_MAX_VALUE_LENGTH].rstrip("\r")):
            yield found[1].upper(), found[2], found[3]


def _tell_event(method: str, event: dict[str, tuple[str, str]]) -> str:
    summary, place = (_unescape(event.get(name, ("", ""))[1]).strip() for name in ("SUMMARY", "LOCATION"))
    words = _WORDS["ru" if _CYRILLIC.search(summary + place) else "en"]
    kind = words.get(method, words["PUBLISH"])
    if method == "REPLY":
        answer = _parameters(event.get("ATTENDEE", ("", ""))[0]).get("PARTSTAT", "").upper()
        kind += f" ({words[answer]})" if answer in ("ACCEPTED", "DECLINED", "TENTATIVE") else ""
    parameters, organizer = event.get("ORGANIZER", ("", ""))
    details = {
        "start": _tell_time(*event.get("DTSTART", ("", ""))),
        "end": _tell_time(*event.get("DTEND", event.get("DUE", ("", "")))),
        "place": " ".join(place.split()),
        "organizer": _parameters(parameters).get("CN") or re.sub(r"(?i)^mailto:", "", organizer.strip()),
    }
    told = [f"{kind}: {' '.join(summary.split())}" if summary else kind]
    told += [f"{words[name]}: {value}" for name, value in details.items() if value]
    return ". ".join(one.rstrip(".") for one in told) + "."


def _tell_time(parameters: str, value: str) -> str:
    found = _WHEN.match(value.strip())
    if found is None:
        return ""
    try:
        moment = datetime(*(int(one or 0) for one in found.groups()[:5]))  # type: ignore[arg-type]
    except ValueError:
        return ""
    zone = " UTC" if found[6] else f" ({name})" if (name := _parameters(parameters).get("TZID")) else ""
    return f"{moment:%Y-%m-%d %H:%M}{zone}" if found[4] else f"{moment:%Y-%m-%d}"


def _parameters(text: str) -> dict[str, str]:
    return {name.upper(): value.strip() for name, value in _PARAMETER.findall(text)}


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], text)
