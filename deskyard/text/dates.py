"""Parses dates and times: ISO 8601, dates as people of seven languages and programs write them, numbers of seconds.

Results are in UTC; a time without a zone is taken as UTC, and so is one whose zone is not known (`parse_time` says so).
A date that can't be read is None, never an error, and times at the edges of the calendar (years 1 and 9999) are clipped
to it. Every pattern is matched against 100 characters at most.

dateparser and dateutil were tried: dateparser takes a millisecond a date and reads "12" or "Mai" as a date of today's
month, and dateutil knows English names only and drops zones that it does not know.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal, NamedTuple

from deskyard.errors import BadInput
from deskyard.text.time_zones import read_zone

Order = Literal["day", "month", ""]
"""What comes first in 03/04/2024; "" if unknown."""


class ParsedTime(NamedTuple):
    """A time in UTC; `zoned`: whether its text names a known zone; `unknown_zone`: the name of an unknown one."""

    moment: datetime
    zoned: bool
    unknown_zone: str = ""


_MAX_LENGTH: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXCEL_EPOCH: Final = datetime(1899, 12, 30, tzinfo=UTC)
_MIN, _MAX = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

_DIGITS: Final = re.compile(r"-?\d{9,19}(?:\.\d+)?")
_EXPONENT: Final = re.compile(r"(\d)(?:[.,](\d{1,18}))?[eE]\+?(\d{1,2})")
_JSON_DATE: Final = re.compile(r"\\?/?Date\((-?\d{1,16})([+-]\d{4})?\)\\?/?", re.IGNORECASE)
_EXCEL_SERIAL: Final = re.compile(r"([2-6]\d{4}|7[0-2]\d{3})(?:[.,](\d{1,15}))?")
"""Days since 1899-12-30, of the years 1954 to 2099."""

_WORD: Final = r"[^\W\d_]{2,12}"
_HALF: Final = r"(?:[AaPp]\.?\s?[Mm]\b\.?)"
_CLOCK: Final = (
    r"(?P<hour>\d{1,2})(?:"
    r"\s?(?:[:.h]|ч\.?|год\.?|Uhr)\s?(?P<minute>\d{2})(?:\s?(?:[:.]|m(?:in\b\.?)?|м(?:ин\b\.?)?|хв\b\.?)\s?(?P<second>\d{2})(?:[.,:](?P<fraction>\d{1,9}))?)?(?:\s?(?:s|с|min|мин|хв)\b\.?)?"
    r"|(?=\s?(?:Uhr|h\b|ч\b|[AaPp]\.?\s?[Mm]\b))"
    r")\s*(?P<half>" + _HALF + r")?"
)
_AFTER_DATE: Final = (
    r"(?:(?:\s|[T,;_@|\-–—:]|\b(?:um|at|à|às|as|a las|a la|las|kl|в|о|об|г|р|года|році|року|год)\b\.?)*)"
)
_AFTER_CLOCK: Final = r"\s*(?:\b(?:Uhr|h|hrs|hours|Std|ч|час|hs)\b\.?)?,?\s*"
_REST: Final = re.compile(_AFTER_DATE + r"(?:" + _CLOCK + _AFTER_CLOCK + r")?(?P<zone>[^\n]{0,60})", re.IGNORECASE)
_CLOCK_FIRST: Final = re.compile(_CLOCK + _AFTER_CLOCK + r"(?P<date>\D{0,30}\d.*)", re.IGNORECASE)

_NUMERIC: Final = re.compile(r"(\d{1,4})(\s?[./-]\s?)(\d{1,2})\2(\d{4}|\d{1,2}(?!\d))")
_DAY_NAME: Final = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|er|º|ª|°)?[\s./-]*(?:de |of )?("
    + _WORD
    + r")[\s./,-]*(?:de |del )?['’]?(\d{4}|\d{2}(?!\d))",
    re.IGNORECASE,
)
_NAME_DAY: Final = re.compile(
    r"(" + _WORD + r")[.\s]+(\d{1,2})(?:st|nd|rd|th)?(?:,\s?|\s)\s*(\d{4})(?!\d|\s?:)", re.IGNORECASE
)
_YEAR_NAME: Final = re.compile(r"(\d{4})[\s./-]+(" + _WORD + r")[\s./-]+(\d{1,2})(?!\d)", re.IGNORECASE)
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?=[\sT_-])")
_YEAR_LAST: Final = re.compile(r"(" + _WORD + r")\.?\s+(\d{1,2})\b,?\s+(\d{1,2}:\d{2}.{0,50}?)\s+(\d{4})")
"""What the command `date` and C's `ctime` print: Mon Jan  6 09:03:00 UTC 2025."""

_LEADING_ARTICLE: Final = re.compile(r"^(?:le|el|am|den|the|on|em|от|від)\s+(?=\S)", re.IGNORECASE)
_INVISIBLE: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_LEADING_WORD: Final = re.compile(r"([^\W\d_]{2,14})(?:-feira)?[.,]{0,2}\s+(?=\S)")
_WEEKDAY_NAMES: Final = (
    "monday tuesday wednesday thursday friday saturday sunday tues wednes thur thurs "
    "понедельник вторник среда четверг пятница суббота воскресенье пн вт ср чт пт сб вс "
    "понеділок вівторок середа четвер п'ятниця пятниця субота неділя нд "
    "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so "
    "lunes martes miércoles miercoles jueves viernes sábado sabado domingo lu ma ju vi "
    "lundi mardi mercredi jeudi vendredi samedi dimanche "
    "segunda terça terca quarta quinta sexta"
)
_WEEKDAYS: Final = frozenset(_WEEKDAY_NAMES.split())
_MONTH_NAMES: Final = (
    "january январь января січень січня januar jänner enero janvier janeiro",
    "february февраль февраля лютий лютого februar feber febrero février fevrier fevereiro",
    "march март марта березень березня märz maerz mrz marzo mars março marco",
    "april апрель апреля квітень квітня abril avril",
    "may май мая травень травня mai mayo maio",
    "june июнь июня червень червня juni junio juin junho",
    "july июль июля липень липня juli julio juillet julho",
    "august август августа серпень серпня agosto août aout",
    "september сентябрь сентября вересень вересня septiembre setiembre septembre setembro sept",
    "october октябрь октября жовтень жовтня oktober octubre octobre outubro",
    "november ноябрь ноября листопад листопада noviembre novembre novembro",
    "december декабрь декабря грудень грудня dezember diciembre décembre decembre dezembro",
)


def _prefixes(names: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Every beginning of at least three letters of these names → its number; ambiguous ones are left out."""
    found: dict[str, set[int]] = {}
    for name, number in names:
        for length in range(3, len(name) + 1):
            found.setdefault(name[:length], set()).add(number)
    return {beginning: numbers.pop() for beginning, numbers in found.items() if len(numbers) == 1}


_MONTHS: Final = _prefixes((name, month) for month, names in enumerate(_MONTH_NAMES, 1) for name in names.split())
_WEEKDAY_PREFIXES: Final = frozenset(_prefixes((name, 0) for name in _WEEKDAYS)) | _WEEKDAYS
_SPAN: Final = re.compile("[1-9][0-9]{0,4}[hdw]")


def read_time(text: str, order: Order = "day") -> datetime | None:
    """The time in `text`, in UTC; None if it can't be read as a time.

    `order` decides about 03/04/2024: "day" is 3 April, "month" is 4 March, "" gives None for an ambiguous date. Dates
    with dots always begin with the day. 9-11 digits are seconds since 1970, 12-14 milliseconds (14 digits that form a
    date, such as 20240102030405, are that date, and so are 12 that begin with 19 or 20), 15-16 microseconds, 18-19
    nanoseconds; five digits are Excel's number of a day.

    >>> for text in ("2024-03-04T10:00:00+03:00", "04.03.2024 7:00", "4/Mar/24 07:00", "03/04/2024 7:00 am",
    ...              "1709535600", "4 марта 2024 г., 07:00", "Mon Mar  4 08:00:00 CET 2024", "1.7095356E+12",
    ...              "/Date(1709535600000)/", "45355.291666667", "lunes 4 de marzo de 2024, 7:00 a. m.", "yesterday"):
    ...     print(read_time(text, "month"))
    2024-03-04 07:00:00+00:00
    2024-03-04 07:00:00+00:00
    2024-03-04 07:00:00+00:00
    2024-03-04 07:00:00+00:00
    2024-03-04 07:00:00+00:00
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
    parsed = parse_time(text, order)
    return parsed.moment if parsed else None


def parse_time(text: str, order: Order = "day") -> ParsedTime | None:
    """The time in `text` as `read_time` reads it, and what its zone is; None if it can't be read.

    >>> parse_time("06.01.2025 09:03 XYZT")
    ParsedTime(moment=datetime.datetime(2025, 1, 6, 9, 3, tzinfo=datetime.timezone.utc), zoned=False, \
unknown_zone='XYZT')
    """
    text = text.strip()
    if not text or len(text) > _MAX_LENGTH:
        return None
    if text[-1].isdigit() and ":" not in text and "-" not in text[1:] and (number := _parse_number(text)) is not None:
        return number
    if text.isdecimal():
        return None
    try:
        moment = datetime.fromisoformat(text)
        return ParsedTime(_to_utc(moment), moment.tzinfo is not None)
    except ValueError:
        pass
    if found := _JSON_DATE.fullmatch(text):
        read = _add_seconds(_EPOCH, int(found[1]) / 1000)
        return ParsedTime(read, True) if read else None
    try:
        return _parse_written_date(_normalise(text), order)
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
        found = _NUMERIC.match(_drop_weekday(text.strip()[:_MAX_LENGTH]))
        if found and "." not in found[2] and len(found[1]) < 3:
            day += int(found[1]) > 12
            month += int(found[3]) > 12
            american += bool(re.search(r"\d\s?[AP]M\b", text[found.end() : _MAX_LENGTH], re.IGNORECASE))
    if day or month:
        return ("day" if day >= month else "month"), True
    return ("month", True) if american else ("day", False)


def day_and_month(text: str) -> str:
    """The numbers of the day and the month, in the order of the text, of a date whose order its column must tell; ""
    for any other text.

    >>> day_and_month("03/04/2024 10:00"), day_and_month("Sat 13-04-2024"), day_and_month("2024-04-13")
    ('03/04', '13/04', '')
    """
    if "/" not in text and "-" not in text[1:]:
        return ""
    found = _NUMERIC.match(_drop_weekday(text[:_MAX_LENGTH].strip()))
    return f"{found[1]}/{found[3]}" if found and "." not in found[2] and len(found[1]) < 3 else ""


def names_zone(text: str) -> bool:
    """Whether a time names its zone (or is a count of seconds, which needs none).

    >>> names_zone("2024-01-02T03:04:05Z"), names_zone("1709535600"), names_zone("02.01.2024 03:04")
    (True, True, False)
    """
    parsed = parse_time(text)
    return parsed is not None and parsed.zoned


def _to_utc(moment: datetime) -> datetime:
    """The time in UTC, clipped to the calendar."""
    if moment.tzinfo is None or moment.tzinfo is UTC:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return _MIN if moment.year == 1 else _MAX


def _add_seconds(start: datetime, seconds: float) -> datetime | None:
    try:
        return start + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None


def _parse_number(text: str) -> ParsedTime | None:
    """A time that is a number: digits of a date, seconds since 1970 and its fractions, Excel's days."""
    if text.isascii() and (found := _EXPONENT.fullmatch(text)):
        decimals, power = found[2] or "", int(found[3])
        whole = int(found[1] + decimals) * 10 ** max(power - len(decimals), 0) // 10 ** max(len(decimals) - power, 0)
        return _parse_number(str(whole)) if 8 <= power <= 18 else None
    if found := _EXCEL_SERIAL.fullmatch(text):
        # Excel's fractions are rounded: the nearest second is what was meant.
        seconds = round(int(found[1]) * 86400 + float(f"0.{found[2] or 0}") * 86400)
        moment = _add_seconds(_EXCEL_EPOCH, seconds)
        return ParsedTime(moment, False) if moment else None
    if not _DIGITS.fullmatch(text) and not (text.isdecimal() and len(text) == 8):
        return None
    whole = text.partition(".")[0].lstrip("-")
    try:
        if len(whole) in (8, 12, 14) and whole == text and (len(whole) != 12 or whole.startswith(("19", "20"))):
            return ParsedTime(datetime.strptime(whole.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC), False)
    except ValueError:
        if len(whole) == 8:
            return None
    if not 9 <= len(whole) <= 19 or len(whole) == 17:
        return None
    digits = len(whole)
    scale = 1 if digits <= 11 else 1e3 if digits <= 14 else 1e6 if digits <= 16 else 1e9
    moment = _add_seconds(_EPOCH, float(text) / scale)
    return ParsedTime(moment, True) if moment else None


def _normalise(text: str) -> str:
    """The text with plain spaces and digits, without quotes around it and an article or a weekday before it."""
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    text = " ".join(text.strip(" \t'\"`").split())
    return _drop_weekday(text if text[:1].isdecimal() else _LEADING_ARTICLE.sub("", text, count=1))


def _drop_weekday(text: str) -> str:
    """The text without the weekday that it begins with; "mar 6" may be a Tuesday in French or a day of March."""
    found = _LEADING_WORD.match(text)
    if found is None:
        return text
    word = found[1].casefold()
    rest = text[found.end() :]
    if word in _WEEKDAY_PREFIXES and not (word in _MONTHS and re.match(r"\d{1,2}\b[^:/.]{0,2}\s\d", rest)):
        return rest
    return text


def _parse_written_date(text: str, order: Order) -> ParsedTime | None:
    """A date as people and programs write it; None if it has another form. Raises ValueError for impossible numbers."""
    parts = _split_date(text, order)
    if parts is None and (found := _CLOCK_FIRST.fullmatch(text)) and (found["minute"] or found["half"]):
        clock = text[: found.start("date")]
        parts = _split_date(_drop_weekday(found["date"]), order)
        if parts is not None and not parts[3].strip():
            parts = (*parts[:3], " " + clock)
    if parts is None:
        return None
    year, month, day, rest = parts
    found = _REST.fullmatch(rest)
    if found is None:
        return None
    return _make_time(year, month, day, found)


def _split_date(text: str, order: Order) -> tuple[int, int, int, str] | None:
    """Year, month, day, and the text after them."""
    if found := _NUMERIC.match(text):
        date = _order_numbers(found[1], found[2].strip(), found[3], found[4], order)
        return (*date, text[found.end() :]) if date else None
    if (found := _YEAR_LAST.fullmatch(text)) and (month := _MONTHS.get(found[1].casefold())):
        return int(found[4]), month, int(found[2]), " " + found[3]
    if (found := _DAY_NAME.match(text)) and (month := _MONTHS.get(found[2].casefold())):
        return _parse_year(found[3]), month, int(found[1]), text[found.end() :]
    if (found := _NAME_DAY.match(text)) and (month := _MONTHS.get(found[1].casefold())):
        return int(found[3]), month, int(found[2]), text[found.end() :]
    if (found := _YEAR_NAME.match(text)) and (month := _MONTHS.get(found[2].casefold())):
        return int(found[1]), month, int(found[3]), text[found.end() :]
    if found := _COMPACT.match(text):
        return int(found[1]), int(found[2]), int(found[3]), text[found.end() :]
    return None


def _order_numbers(first: str, separator: str, second: str, third: str, order: Order) -> tuple[int, int, int] | None:
    """Year, month and day of a date in numbers; None where it can't be told."""
    if len(first) == 4:
        return int(first), int(second), int(third)
    if len(first) > 2 or len(third) not in (2, 4):
        return None
    one, two = int(first), int(second)
    if separator == "." or one > 12:
        day, month = one, two
    elif two > 12:
        month, day = one, two
    elif one == two or order == "day":
        day, month = one, two
    elif order == "month":
        month, day = one, two
    else:
        return None
    return _parse_year(third), month, day


def _make_time(year: int, month: int, day: int, rest: re.Match[str]) -> ParsedTime | None:
    """The time of a date and of a match of `_REST`."""
    zone, zoned, unknown = _parse_zone(rest["zone"].strip(), bool(rest["hour"]))
    if zone is None:
        return None
    hours, half = int(rest["hour"] or 0), rest["half"]
    if half:
        hours = hours % 12 + (12 if half[0] in "Pp" else 0)
    micro = int((rest["fraction"] or "0")[:6].ljust(6, "0"))
    late = hours == 24
    second = int(rest["second"] or 0)
    moment = datetime(year, month, day, 0 if late else hours, int(rest["minute"] or 0), min(second, 59), micro, zone)
    if second > 60:
        raise ValueError(second)
    return ParsedTime(_to_utc(moment + timedelta(days=1) if late else moment), zoned, unknown)


_BRACKETED: Final = re.compile(r"(.*?)\s*[\[(]([^\])]{0,60})[\])]?")
_UNKNOWN_ZONE: Final = re.compile(r"[A-ZА-ЯЁІЇЄҐ]{2,6}|(?:[^\W\d_]{1,20}\.? ){1,4}Time")
_ZONE_BEGINNING: Final = re.compile(r"^(?:по|за)\s+(?=\w)", re.IGNORECASE)
_ERA: Final = re.compile(r"(?:г|р|год|года|року|рік|ad)\.?[\s,]*", re.IGNORECASE)


def _parse_zone(text: str, has_clock: bool) -> tuple[tzinfo | None, bool, str]:
    """The zone that a text after a date names: the zone (UTC where it names none or one that is unknown; None where
    the text is no zone at all), whether it is known, and the name of an unknown one."""
    if era := _ERA.match(text):
        text = text[era.end() :]
    text = _ZONE_BEGINNING.sub("", text)
    if not text:
        return UTC, False, ""
    if found := _BRACKETED.fullmatch(text):  # "GMT+0300 (Moscow Standard Time)", "+01:00[Europe/Berlin]", "(CET)"
        before, inside = found[1].strip(), found[2].strip()
        text = before or inside
        if not before and read_zone(inside) is None and not _UNKNOWN_ZONE.fullmatch(inside):
            return UTC, False, inside[:40]
    zone = UTC if text == "Coordinated Universal Time" else read_zone(text)
    if zone is None and " " in text:  # "+0300 MSK"
        zone = read_zone(text.partition(" ")[0])
    if zone is not None:
        return zone, True, ""
    if has_clock and _UNKNOWN_ZONE.fullmatch(text):
        return UTC, False, text
    return None, False, ""


def _parse_year(text: str) -> int:
    """The year; two digits stand for 1970-2069."""
    year = int(text)
    return year if len(text) > 2 else year + (2000 if year < 70 else 1900)


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
    """The time given with `--since`; now if it is empty, in whole seconds, as help desks and mail servers tell times.

    Raises BadInput.
    """
    if not since:
        return datetime.now(UTC).replace(microsecond=0)
    found = read_time(since)
    if found is None:
        raise BadInput(f"--since {since!r} is not a time; write it as in 2026-01-31 or 2026-01-31T12:00Z")
    return found
