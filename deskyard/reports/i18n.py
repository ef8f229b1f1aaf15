"""Words: the sentences, numbers and dates of reports and pages in the reader's language.

In comes a language, out comes what says things in it. English stands in the code and the templates; every other
language is catalogues in folders (gettext's own text format, read as they stand: nothing is compiled and kept).
Never guesses: a sentence that a catalogue lacks is shown in English, and a test counts them.
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
    """What reports can be read in."""

    EN = "en"
    RU = "ru"


def preferred_language(environment: Mapping[str, str]) -> Language:
    """The language that the environment asks for, as POSIX reads it; English if it is none of ours.

    >>> preferred_language({"LANG": "ru_RU.UTF-8"}), preferred_language({"LANG": "ru_RU.UTF-8", "LC_ALL": "C"}).value
    (<Language.RU: 'ru'>, 'en')
    """
    said = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return next((language for language in Language if said.lower().startswith(language.value)), Language.EN)


class Translator:
    """Says things in one language; every value that is put into a sentence is escaped for HTML."""

    def __init__(self, language: Language, *more: Path) -> None:
        """Read the catalogues once: of reports, and of the folders named."""
        self.language = language
        self.locale: Final = Locale.parse(language.value)
        self._translations: Final = load_translations(language, *more)

    def gettext(self, message: str, **values: object) -> Markup:
        """A sentence with its values (`%(name)s`); a per cent sign of its own is written twice."""
        return Markup(self._translations.gettext(message)) % values  # noqa: S704 - ours; values are escaped

    def ngettext(self, one: str, many: str, n: int, **values: object) -> Markup:
        """The same for `n` things, in the form that the language has for so many; `%(n)s` is the number."""
        told = self._translations.ngettext(one, many, n)
        return Markup(told) % ({"n": self.number(n)} | values)  # noqa: S704 - ours; values are escaped

    def number(self, value: float, digits: int = 0) -> str:
        """A number, with thousands set apart."""
        return format_decimal(value, "#,##0" + ("." + "0" * digits if digits else ""), locale=self.locale)

    def percent(self, share: float | None, digits: int = 1) -> str:
        """A share of 1 in per cent; a dash where there is none.

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
        """Two shares as one range.

        >>> Translator(Language.EN).span(0.914, 1.0)
        '91–100%'
        """
        return f"{self.number(100 * low)}–{self.percent(high, 0)}"

    def percentage_points(self, difference: float) -> str:
        """A difference of two shares, in points, with its sign."""
        sign = "+" if difference >= 0 else "−"
        return sign + self.number(abs(100 * difference), 1)

    def long_date(self, moment: str) -> str:
        """The day of an ISO moment."""
        return format_date(datetime.fromisoformat(moment).date(), "long", locale=self.locale)

    def long_datetime(self, moment: str) -> str:
        """Day and time of an ISO moment, with its zone."""
        return format_datetime(datetime.fromisoformat(moment), "d MMMM y, HH:mm zzz", tzinfo=None, locale=self.locale)

    def short_datetime(self, moment: datetime, zone: tzinfo) -> str:
        """Day and time of a moment in a zone, short.

        >>> from zoneinfo import ZoneInfo
        >>> Translator(Language.RU).short_datetime(datetime.fromisoformat("2026-01-31T12:00:00+00:00"), ZoneInfo("Europe/Moscow"))
        '31 янв. 2026, 15:00'
        """
        return format_datetime(moment, "d MMM y, HH:mm", tzinfo=zone, locale=self.locale)

    def duration(self, time: timedelta) -> str:
        """How long, roughly.

        >>> Translator(Language.EN).duration(timedelta(hours=30)), Translator(Language.RU).duration(timedelta(minutes=5))
        ('30 hours', '5 минут')
        """
        return format_timedelta(time, threshold=1.5, granularity="minute", locale=self.locale)

    def short_date(self, day: date) -> str:
        """A day without its year.

        >>> Translator(Language.EN).short_date(date(2026, 1, 31)), Translator(Language.RU).short_date(date(2026, 1, 31))
        ('31 Jan', '31 янв.')
        """
        return format_date(day, "d MMM", locale=self.locale)

    def month(self, month: str) -> str:
        """A month written `2025-01`."""
        return format_date(date.fromisoformat(f"{month}-01"), "LLLL y", locale=self.locale)

    def megabytes(self, size: int) -> str:
        """A size of files in megabytes."""
        return str(self.gettext("%(n)s MB", n=self.number(size / 1e6, 1)))

    def language_name(self, code: str) -> str:
        """The name of the language with that code, the code itself where nobody knows it."""
        return str(self.locale.languages.get(code, code))


@cache
def load_translations(language: Language, *more: Path) -> gnu.NullTranslations:
    """The language's sentences, of reports and of every `.po` file in the language's folder of `more`."""
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


def N_(message: str) -> str:  # noqa: N802 - gettext's own name: what it holds is in the catalogue, and told later
    """Mark a sentence that stands in a table."""
    return message
