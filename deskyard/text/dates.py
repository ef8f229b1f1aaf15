"""Parses dates and times: ISO 8601, dotted and slashed dates, month names, mail dates, seconds since 1970.

Results are in UTC; a time without a zone is taken as UTC. A date that can't be read is None, never an error, and times
at the edges of the calendar (years 1 and 9999) are clipped to it.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Literal

from deskyard.errors import BadInput

Order = Literal["day", "month", ""]
"""What comes first in 03/04/2024; "" if unknown."""

_DIGITS: Final = re.compile(r"-?\d{9,16}(?:\.\d+)?")
_CLOCK: Final = (
    r"(?:[\sT,]+(?:um |в |at |г\.,? )?(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([AaPp]\.?[Mm]\.?)?"
    r"\s*(Z|UTC|GMT|МСК|MSK|[+-]\d{2}:?\d{2})?)?"
)
_NUMERIC: Final = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})" + _CLOCK, re.IGNORECASE)
_DAY_NAME: Final = re.compile(
    r"(\d{1,2})[\s./-]+(?:de )?([^\W\d_]{3,})[\s./,-]+(?:de )?(\d{2,4})" + _CLOCK, re.IGNORECASE
)
_NAME_DAY: Final = re.compile(r"([^\W\d_]{3,})[.\s]+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})" + _CLOCK, re.IGNORECASE)
_WEEKDAY: Final = re.compile(r"^[^\W\d_]{2,}\.?,\s*|\s+г\.?(?=,|\s|$)|\s*\([A-Z]{2,5}\)$")
_MONTHS: Final = {
    name: month
    for month, names in enumerate(
        (
            "jan янв січ ene", "feb фев лют fev", "mar мар бер mär", "apr апр кві abr", "may май мая тра mai",
            "jun июн чер", "jul июл лип", "aug авг сер ago", "sep сен вер set", "oct окт жов okt out",
            "nov ноя лис", "dec дек гру dez dic",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_ZONE: Final = re.compile(r"(?:Z|UTC|GMT|МСК|MSK|:\d{2}(?:[.,]\d+)?\s*[+-]\d{2}:?\d{2})(?:\s*\(\w+\))?$", re.IGNORECASE)
_SPAN: Final = re.compile("[1-9][0-9]{0,4}[hdw]")
_MIN, _MAX = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def read_time(text: str, order: Order = "day") -> datetime | None:
    """The time in `text`, in UTC; None if it can't be read as a time.

    `order` decides about 03/04/2024: "day" is 3 April, "month" is 4 March, "" gives None for an ambiguous date. Dates
    with dots always begin with the day. 9-11 digits are seconds since 1970, 12-14 milliseconds (14 digits that form a
    date, such as 20240102030405, are that date), 15-16 microseconds.

    >>> for text in ("2024-03-04T10:00:00+03:00", "04.03.2024 7:00", "4/Mar/24 07:00", "03/04/2024 7:00 am",
    ...              "1709535600", "4 марта 2024 г., 07:00", "yesterday"):
    ...     print(read_time(text, "month"))
    2024-03-04 07:00:00+00:00
    2024-03-04 07:00:00+00:00
    2024-03-04 07:00:00+00:00
    2024-03-04 07:00:00+00:00
    2024-03-04 07:00:00+00:00
    2024-03-04 07:00:00+00:00
    None
    >>> print(read_time("0001-01-01T00:00:00+03:00"), read_time("9999-12-31T23:59:59-01:00").year)
    0001-01-01 00:00:00+00:00 9999
    """
    text = text.strip()
    if not text or len(text) > 100:
        return None
    if text.isdigit() or (text[-1:].isdigit() and _DIGITS.fullmatch(text)):
        return _parse_timestamp(text)
    try:
        return _to_utc(datetime.fromisoformat(text))
    except ValueError:
        pass
    try:
        return _parse_written_date(_WEEKDAY.sub("", text), order)
    except (ValueError, OverflowError):
        return None


def detect_date_order(texts: Iterable[str]) -> tuple[Order, bool]:
    """Whether the dates of a column begin with the day or the month, and whether there is evidence for it.

    A first number above 12 means day first, a second one month first; if both occur, the more frequent wins. AM and PM
    mean month first. Without evidence: ("day", False).

    >>> detect_date_order(["03/04/2024", "25/04/2024"]), detect_date_order(["03/04/2024", "04/25/2024"])
    (('day', True), ('month', True))
    >>> detect_date_order(["03/04/2024"])
    ('day', False)
    """
    day = month = american = 0
    for text in texts:
        found = _NUMERIC.fullmatch(text.strip())
        if found and found[2] != "." and len(found[1]) < 3:
            day += int(found[1]) > 12
            month += int(found[3]) > 12
            american += bool(found[9])
    if day or month:
        return ("day" if day >= month else "month"), True
    return ("month", True) if american else ("day", False)


def names_zone(text: str) -> bool:
    """Whether a time names its zone (or is a count of seconds, which needs none).

    >>> names_zone("2024-01-02T03:04:05Z"), names_zone("1709535600"), names_zone("02.01.2024 03:04")
    (True, True, False)
    """
    text = text.strip()
    return bool(_ZONE.search(text)) or (len(text) != 14 and bool(_DIGITS.fullmatch(text)))


def _to_utc(moment: datetime) -> datetime:
    """The time in UTC, clipped to the calendar."""
    if moment.tzinfo is None or moment.tzinfo is UTC:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _MIN if moment.year == 1 else _MAX


def _parse_timestamp(text: str) -> datetime | None:
    whole = text.partition(".")[0].lstrip("-")
    try:
        if len(whole) in (8, 14) and whole == text:
            day = datetime(int(text[:4]), int(text[4:6]), int(text[6:8]), tzinfo=UTC)
            clock = [int(text[at : at + 2]) for at in range(8, len(text), 2)] or [0, 0, 0]
            return day.replace(hour=clock[0], minute=clock[1], second=clock[2])
    except ValueError:
        if len(whole) == 8:
            return None
    if not 9 <= len(whole) <= 16:
        return None
    scale = 1 if len(whole) <= 11 else 1000 if len(whole) <= 14 else 1_000_000
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(text) / scale)
    except (ValueError, OverflowError):
        return None


def _parse_written_date(text: str, order: Order) -> datetime | None:
    """A date as people and reports write it; None if it has another form. Raises ValueError for impossible numbers."""
    if found := _NUMERIC.fullmatch(text):
        first, separator, second, third = int(found[1]), found[2], int(found[3]), int(found[4])
        if len(found[1]) == 4:
            year, month, day = first, second, third
        elif len(found[1]) > 2 or len(found[4]) not in (2, 4):
            return None
        else:
            if separator == "." or first > 12:
                day, month = first, second
            elif second > 12:
                month, day = first, second
            elif first == second or order == "day":
                day, month = first, second
            elif order == "month":
                month, day = first, second
            else:
                return None
            year = _parse_year(found[4])
        clock = found.groups()[4:]
    elif found := _DAY_NAME.fullmatch(text):
        day, month, year, clock = int(found[1]), _parse_month(found[2]), _parse_year(found[3]), found.groups()[3:]
    elif found := _NAME_DAY.fullmatch(text):
        day, month, year, clock = int(found[2]), _parse_month(found[1]), _parse_year(found[3]), found.groups()[3:]
    else:
        return None
    return _make_moment(year, month, day, clock)


def _make_moment(year: int, month: int, day: int, clock: tuple[str | None, ...]) -> datetime:
    """The time of a date and the six groups of `_CLOCK`: hour, minute, second, fraction, AM or PM, zone."""
    hour, minute, second, fraction, half, zone = clock
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half[0] in "Pp" else 0)
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    late = hours == 24
    moment = datetime(
        year, month, day, 0 if late else hours, int(minute or 0), int(second or 0), micro, _parse_zone(zone)
    )
    return _to_utc(moment + timedelta(days=1) if late else moment)


def _parse_zone(name: str | None) -> timezone:
    if not name or name.upper() in ("Z", "UTC", "GMT"):
        return UTC
    if name.upper() in ("МСК", "MSK"):
        return timezone(timedelta(hours=3))
    minutes = int(name[1:3]) * 60 + int(name[-2:])
    return timezone(timedelta(minutes=-minutes if name[0] == "-" else minutes))


def _parse_year(text: str) -> int:
    """The year; two digits stand for 1970-2069."""
    year = int(text)
    return year if len(text) > 2 else year + (2000 if year < 70 else 1900)


def _parse_month(name: str) -> int:
    month = _MONTHS.get(name[:3].casefold())
    if month is None:
        raise ValueError(name)
    return month


def is_span(text: str) -> bool:
    """Whether a text is a length of time such as 12h, 7d or 2w.

    >>> is_span("7d"), is_span("12h"), is_span("0d"), is_span("soon")
    (True, True, False, False)
    """
    return bool(_SPAN.fullmatch(text))


def parse_span(text: str) -> timedelta:
    """A length of time: hours (h), days (d) or weeks (w). Raises ValueError for anything else.

    >>> parse_span("2w").days
    14
    """
    if not is_span(text):
        raise ValueError(text)
    return timedelta(**{{"h": "hours", "d": "days", "w": "weeks"}[text[-1]]: int(text[:-1])})


def parse_since(since: str) -> datetime:
    """The time given with `--since`; now if it is empty. Raises BadInput."""
    if not since:
        return datetime.now(UTC)
    found = read_time(since)
    if found is None:
        raise BadInput(f"--since {since!r} is not a time; write it as in 2026-01-31 or 2026-01-31T12:00Z")
    return found
