"""Every sentence of the pages is translated into every language."""

from pathlib import Path

import pytest

import service
from deskyard.reports import i18n
from deskyard.reports.i18n import Language
from service.runtime.locales import LOCALES
from tests import translated


@pytest.mark.parametrize("language", [one.value for one in Language if one is not Language.EN])
def test_every_sentence_of_the_pages_is_translated_and_takes_the_same_values(language):
    files = sorted((LOCALES / language).glob("*.po"))
    translated.check(Path(service.__file__).parent, files, language, [i18n.LOCALES_FOLDER / f"{language}.po"])
