"""Names of time zones in written dates, as offsets from UTC: abbreviations, IANA names, GMT+1."""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

ZONE_MINUTES: Final[dict[str, int]] = {
    "Z": 0, "UTC": 0, "UT": 0, "GMT": 0, "WET": 0, "WEST": 60, "BST": 60, "IST": 330,
    "CET": 60, "MEZ": 60, "CEST": 120, "MESZ": 120, "EET": 120, "EEST": 180, "TRT": 180, "SAST": 120,
    "MSK": 180, "МСК": 180, "MSD": 240, "SAMT": 240, "YEKT": 300, "OMST": 360, "NOVT": 420, "KRAT": 420, "IRKT": 480,
    "YAKT": 540, "VLAT": 600, "MAGT": 660, "PETT": 720, "ЕКБ": 300,
    "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
    "AKST": -540, "AKDT": -480, "HST": -600, "AST": -240, "ADT": -180, "NST": -210, "NDT": -150,
    "BRT": -180, "BRST": -120, "ART": -180, "UYT": -180, "CLT": -240, "CLST": -180, "COT": -300, "PET": -300,
    "VET": -240, "BOT": -240, "GST": 240, "PKT": 300, "UZT": 300, "ICT": 420, "WIB": 420, "SGT": 480, "HKT": 480,
    "PHT": 480, "AWST": 480, "JST": 540, "KST": 540, "ACST": 570, "ACDT": 630, "AEST": 600, "AEDT": 660,
    "NZST": 720, "NZDT": 780,
}  # fmt: skip
"""Abbreviation → minutes east of UTC. Of those with several meanings the one of mail programs (RFC 5322) or of most
people is taken: CST is North American, IST Indian, BST British."""

_OFFSET: Final = re.compile(r"([+\-−–])(\d{1,2})(?::?(\d{2}))?(?::\d{2})?")
_NAMED: Final = re.compile(r"([^\W\d_]{1,5})\s?(?:([+\-−–])(\d{1,2})(?::?(\d{2}))?)?")
_REGION: Final = re.compile(r"[A-Za-z_]{2,20}(?:/[A-Za-z_+\-0-9]{1,30}){1,2}")
_MAX_MINUTES: Final = 24 * 60


def read_zone(name: str) -> tzinfo | None:
    """The zone called `name` in a date (an abbreviation, an offset, both, or an IANA name); None if it is unknown.

    >>> from datetime import datetime
    >>> for name in ("MSK", "GMT+1", "+0530", "-03", "MSK+2", "Europe/Berlin", "XYZ"):
    ...     zone = read_zone(name)
    ...     print(name, zone and zone.utcoffset(datetime(2025, 1, 6)))
    MSK 3:00:00
    GMT+1 1:00:00
    +0530 5:30:00
    -03 -1 day, 21:00:00
    MSK+2 5:00:00
    Europe/Berlin 1:00:00
    XYZ None
    """
    name = name.strip()
    if not name:
        return None
    if found := _OFFSET.fullmatch(name):
        return _fixed(0, *found.groups())
    if found := _NAMED.fullmatch(name):
        base = ZONE_MINUTES.get(found[1].upper())
        return None if base is None else _fixed(base, *found.groups()[1:])
    if not _REGION.fullmatch(name):
        return None
    return _open_region(name) or _open_region(name.title() if name.isupper() or name.islower() else name)


def _fixed(base: int, sign: str | None, hours: str | None, minutes: str | None) -> timezone | None:
    total = base
    if sign:
        more = int(hours or 0) * 60 + int(minutes or 0)
        total += more if sign == "+" else -more
    if total == 0:
        return UTC
    return timezone(timedelta(minutes=total)) if abs(total) < _MAX_MINUTES else None


@lru_cache(64)
def _open_region(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return None
