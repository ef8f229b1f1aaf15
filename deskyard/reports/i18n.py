"""Translation of reports and pages: sentences, numbers and dates in the reader's language.

English stands in the code and the templates; other languages are gettext catalogues (`.po` files, compiled in memory).
A sentence without a translation is shown in English; a test finds such sentences.
"""

import gettext as gnu
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup

LOCALES_FOLDER: Final = Path(__file__).parent / "locales"


class Language(StrEnum):
    """Languages of reports and pages."""

    EN = "en"
    RU = "ru"


def preferred_language(environment: Mapping[str, str]) -> Language:
    """The language of the environment by the rules of POSIX; English if it is not supported.

    >>> preferred_language({"LANG": "ru_RU.UTF-8"}), preferred_language({"LANG": "ru_RU.UTF-8", "LC_ALL": "C"}).value
    (<Language.RU: 'ru'>, 'en')
    """
    code = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return next((language for language in Language if code.lower().startswith(language.value)), Language.EN)


class Translator:
    """Translates into one language; every value in a sentence is escaped for HTML."""

    def __init__(self, language: Language, *more: Path) -> None:
        """Read the catalogues of reports, and those of the folders `more`."""
        self.language = language
        self.locale: Final = Locale.parse(language.value)
        self._translations: Final = load_translations(language, *more)

    def gettext(self, message: str, **values: object) -> Markup:
        """The translation with values for `%(name)s`; a literal per cent sign is written twice."""
        return Markup(self._translations.gettext(message)) % values  # noqa: S704 - ours; values are escaped

    def ngettext(self, one: str, many: str, n: int, **values: object) -> Markup:
        """The translation in the plural form for `n`; `%(n)s` is the number."""
        translation = self._translations.ngettext(one, many, n)
        return Markup(translation) % ({"n": self.number(n)} | values)  # noqa: S704 - ours; values are escaped

    def number(self, value: float, digits: int = 0) -> str:
        """A number with separated thousands and `digits` decimals."""
        return format_decimal(value, "#,##0" + ("." + "0" * digits if digits else ""), locale=self.locale)

    def percent(self, share: float | None, digits: int = 1) -> str:
        """A share (0..1) in per cent; a dash for None.

        >>> Translator(Language.EN).percent(0.9731), Translator(Language.RU).percent(0.9731).replace("\\xa0", " ")
        ('97.3%', '97,3 %')
        """
        if share is None:
            return "–"
        pattern = self.locale.percent_formats[None].pattern
        return format_percent(
            share, pattern.replace("#,##0", "#,##0" + ("." + "0" * digits if digits else "")), self.locale
        )

    def share_range(self, low: float, high: float) -> str:
        """Two shares (0..1) as a range in per cent.

        >>> Translator(Language.EN).share_range(0.914, 1.0)
        '91–100%'
        """
        return f"{self.number(100 * low)}–{self.percent(high, 0)}"

    def percentage_points(self, difference: float) -> str:
        """A difference of two shares (0..1) in percentage points, with its sign."""
        sign = "+" if difference >= 0 else "−"
        return sign + self.number(abs(100 * difference), 1)

    def long_date(self, moment: str) -> str:
        """The date of an ISO date or time, with the name of the month."""
        return format_date(datetime.fromisoformat(moment).date(), "long", locale=self.locale)

    def long_datetime(self, moment: str) -> str:
        """Date and time of an ISO time, with its zone."""
        return format_datetime(datetime.fromisoformat(moment), "d MMMM y, HH:mm zzz", tzinfo=None, locale=self.locale)

    def short_datetime(self, moment: datetime, zone: tzinfo) -> str:
        """Date and time in a time zone, with a short name of the month.

        >>> from zoneinfo import ZoneInfo
        >>> noon = datetime.fromisoformat("2026-01-31T12:00:00+00:00")
        >>> Translator(Language.RU).short_datetime(noon, ZoneInfo("Europe/Moscow"))
        '31 янв. 2026, 15:00'
        """
        return format_datetime(moment, "d MMM y, HH:mm", tzinfo=zone, locale=self.locale)

    def duration(self, time: timedelta) -> str:
        """A rounded duration, in minutes or larger units.

        >>> Translator(Language.EN).duration(timedelta(hours=30))
        '30 hours'
        """
        return format_timedelta(time, threshold=1.5, granularity="minute", locale=self.locale)

    def short_date(self, day: date) -> str:
        """A date without its year.

        >>> Translator(Language.EN).short_date(date(2026, 1, 31)), Translator(Language.RU).short_date(date(2026, 1, 31))
        ('31 Jan', '31 янв.')
        """
        return format_date(day, "d MMM", locale=self.locale)

    def month(self, month: str) -> str:
        """The name and year of a month that is given as `2025-01`."""
        return format_date(date.fromisoformat(f"{month}-01"), "LLLL y", locale=self.locale)

    def megabytes(self, size: int) -> str:
        """A size in bytes, in megabytes."""
        return str(self.gettext("%(n)s MB", n=self.number(size / 1e6, 1)))

    def language_name(self, code: str) -> str:
        """The name of the language with this code; the code itself where it is unknown."""
        return str(self.locale.languages.get(code, code))


@cache
def load_translations(language: Language, *more: Path) -> gnu.NullTranslations:
    """The translations of reports, and of every `.po` file in the language's folder within `more`."""
    whole = gnu.NullTranslations()
    if language is not Language.EN:
        for file in (LOCALES_FOLDER / f"{language.value}.po", *_catalogue_files(language, more)):
            one = _read_catalogue(file, language)
            one.add_fallback(whole)
            whole = one
    return whole


def _catalogue_files(language: Language, folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((folder / language.value).glob("*.po"))


def _read_catalogue(file: Path, language: Language) -> gnu.GNUTranslations:
    compiled = io.BytesIO()
    with file.open("rb") as opened:
        write_mo(compiled, read_po(opened, locale=language.value))
    compiled.seek(0)
    return gnu.GNUTranslations(compiled)


def N_(message: str) -> str:  # noqa: N802 - gettext's own name
    """Return the sentence, which this marks for extraction; it is translated where it is shown."""
    return message
