"""Check that the catalogues of a language translate every sentence of a folder's code and templates, and no others."""

import re
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

VALUE = re.compile(r"%(?:\((\w+)\)s|%|(.))")
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]


def extracted(folder: Path):
    """The sentences of a folder, each as a tuple with its plural, if it has one."""
    for _, _, message, _, _ in extract_from_dir(str(folder), METHODS, {}, KEYWORDS):
        yield message if isinstance(message, tuple) else (message,)


def read(files, language):
    """Sentence → its message in the catalogues, and the number of plural forms of the language."""
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
    """Assert that all sentences of a folder are translated with the same values; `borrowed`: further catalogues whose
    sentences it may use."""
    sentences = {message[0]: message for message in extracted(folder)}
    translated, plurals = read(files, language)
    borrowed_messages, _ = read(borrowed, language)
    assert sorted(set(sentences) - set(translated) - set(borrowed_messages)) == []
    assert sorted(set(translated) - set(sentences)) == []
    for key, message in translated.items():
        assert not message.fuzzy, key
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert len(strings) == (plurals if len(sentences[key]) == 2 else 1), key
        for string in strings:
            assert string, key
            assert {name for name, _ in VALUE.findall(string)} - {""} == {name for name, _ in VALUE.findall(key)} - {""}
        # Anything but a named value or a doubled per cent sign would fail when the sentence is formatted.
        for sentence in (*sentences[key], *strings):
            assert not [stray for _, stray in VALUE.findall(sentence) if stray], sentence
            assert sentence % {name: "x" for name, _ in VALUE.findall(sentence)}, sentence
