"""Whether a language's catalogues say every sentence of a folder's code and templates, and nothing else."""

import re
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

VALUE = re.compile(r"%(?:\((\w+)\)s|%|(.))")
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]


def extracted(folder: Path):
    """The sentences of a folder, each with its plural where it has one."""
    for _, _, message, _, _ in extract_from_dir(str(folder), METHODS, {}, KEYWORDS):
        yield message if isinstance(message, tuple) else (message,)


def read(files, language):
    """Sentence → its translation, and how many forms the language has for numbers."""
    found, plurals = {}, 1
    for file in files:
        with file.open("rb") as opened:
            catalogue = read_po(opened, locale=language)
        plurals = catalogue.num_plurals
        for message in catalogue:
            if message.id:
                found[message.id[0] if isinstance(message.id, tuple) else message.id] = message
    return found, plurals


def check(folder: Path, files, language: str, borrowed=()) -> None:
    """Assert that all of a folder's sentences are translated and take the same values; `borrowed`: other catalogues
    whose sentences it may use."""
    wanted = {message[0]: message for message in extracted(folder)}
    have, plurals = read(files, language)
    others, _ = read(borrowed, language)
    assert sorted(set(wanted) - set(have) - set(others)) == []
    assert sorted(set(have) - set(wanted)) == []
    for key, said in have.items():
        assert not said.fuzzy, key
        strings = said.string if isinstance(said.string, tuple) else (said.string,)
        assert len(strings) == (plurals if len(wanted[key]) == 2 else 1), key
        for string in strings:
            assert string, key
            # What is neither a named value nor a doubled per cent sign would fail when the sentence is told.
            assert {name for name, _ in VALUE.findall(string)} - {""} == {name for name, _ in VALUE.findall(key)} - {""}
            assert not [stray for _, stray in VALUE.findall(string) if stray], key
