"""The glossary: one row a term, where it lives, and the Russian word that the pages use."""

import re
from functools import cache

import pytest
from babel.messages.pofile import read_po

from tests.docs.markdown import ROOT

GLOSSARY = ROOT / "docs" / "glossary.md"


def rows():
    """Term, meaning, places and Russian word of each row; rows in bold are headings."""
    for line in GLOSSARY.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[1] not in ("", "meaning"):
            assert len(cells) == 4, line
            yield cells


ROWS = list(rows())


@cache
def russian_text() -> str:
    """All that is said in Russian: pages, reports and documentation, in lower case."""
    texts = [page.read_text(encoding="utf-8") for page in [*ROOT.glob("docs/ru/*.md"), ROOT / "README.ru.md"]]
    for file in [*ROOT.glob("service/**/*.po"), *ROOT.glob("deskyard/**/*.po")]:
        with file.open("rb") as opened:
            for message in read_po(opened):
                strings = message.string if isinstance(message.string, tuple) else (message.string,)
                texts += [str(string) for string in strings]
    return " ".join(re.findall(r"[\w-]+", " ".join(texts).lower().replace("ё", "е")))


def stem(word: str) -> str:
    """The part of a Russian word that its endings leave alone, nearly."""
    return word if len(word) <= 4 else word[: max(4, len(word) - 4)]


def occurs(phrase: str) -> bool:
    """Whether a phrase's words stand one after the other, whatever their endings."""
    words = re.findall(r"[\w-]+", phrase.lower().replace("ё", "е"))
    return re.search(r"\b" + r"\w* ".join(re.escape(stem(word)) for word in words), russian_text()) is not None


def phrases(cell: str) -> list[str]:
    """The words of a Russian cell: several are separated by commas, and some have others in brackets."""
    return [
        one.strip() for one in re.split(r"[,()]|:", cell) if one.strip() and one.strip() not in ("—", "для requesters")
    ]


def test_no_term_stands_twice():
    terms = [term for row in ROWS for term in re.sub(r"\s*\(.*?\)", "", row[0]).split(", ")]
    assert len(terms) > 80
    assert sorted({term for term in terms if terms.count(term) > 1}) == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_term_has_a_meaning_and_lives_where_the_glossary_says(row):
    assert row[1].endswith(".")
    places = re.findall(r"`([^`]+)`", row[2])
    assert places
    assert [place for place in places if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("row", [row for row in ROWS if row[3] != "—"], ids=lambda row: row[0])
def test_the_russian_word_of_a_term_is_used_in_russian(row):
    russian = [phrase for phrase in phrases(row[3]) if re.search("[а-я]", phrase)]
    assert russian
    assert [phrase for phrase in russian if not occurs(phrase)] == []


def test_a_russian_word_that_nobody_uses_would_be_found():
    assert occurs("очередь ручного разбора")
    assert not occurs("полосатый рейс")
