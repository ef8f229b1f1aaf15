"""When a mail was sent: its Date, unless that is missing or far from the time at which the mail server received it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from deskyard.text.dates import parse_time, read_time

MAX_DEVIATION: Final = timedelta(days=7)
"""How far a Date may be from the time of receipt; a clock that was never set is further off."""

_MAX_READ: Final = 200
_COMMENT: Final = re.compile(r"\([^()]{0,100}\)")
_STANDARD: Final = re.compile(r":\d\d [+-]\d{4}$")
"""The end of a Date as RFC 5322 has it; what ends otherwise is read as the times in files."""


@dataclass(frozen=True, slots=True)
class SentTime:
    """The time of a mail, and what is to be noted about it; "" if its Date was taken as it is."""

    moment: datetime
    note: str = ""


def read_sent_time(date: str, received_at: datetime) -> SentTime:
    """The time that a Date header gives, else the time of receipt.

    >>> received = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> read_sent_time("Sun, 01 Mar 2026 13:00:00 +0300", received).moment.hour
    10
    >>> read_sent_time("Sat, 01 Jan 2000 00:00:12 +0000", received).note
    'Sat, 01 Jan 2000 00:00:12 +0000 (more than 7 days from the time of receipt, which is used)'
    """
    date = " ".join(date[:_MAX_READ].split())
    if not date:
        return SentTime(received_at)
    moment, zone_known = _parse_date(date)
    if moment is None:
        return SentTime(received_at, f"{date} (no time that can be read: the time of receipt is used)")
    if abs(moment - received_at) > MAX_DEVIATION:
        return SentTime(received_at, f"{date} (more than 7 days from the time of receipt, which is used)")
    return SentTime(moment, "" if zone_known else f"{date} (its time zone is unknown and was taken for UTC)")


def newest_received(received: Iterable[str]) -> datetime | None:
    """The newest time in Received headers (they end with it, after a semicolon); None if there is none.

    >>> newest_received(["by mx.example.org; Sun, 1 Mar 2026 12:00:00 +0000", "by a; 1 Mar 2026 11:00 +0000"])
    datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.timezone.utc)
    """
    found = [_parse_date(" ".join(one.rpartition(";")[2].split())[:_MAX_READ])[0] for one in received]
    return max((one for one in found if one is not None), default=None)


def _parse_date(date: str) -> tuple[datetime | None, bool]:
    """The time, None if unreadable, and whether its zone is known. A name of a zone means what it means in files."""
    bare = " ".join(_COMMENT.sub(" ", date).split())
    if not _STANDARD.search(bare) and (found := parse_time(bare)) is not None:
        return found.moment, not found.unknown_zone
    try:
        parsed = parsedate_to_datetime(bare)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC), True
    except (ValueError, TypeError, IndexError, OverflowError):
        return read_time(bare), True
