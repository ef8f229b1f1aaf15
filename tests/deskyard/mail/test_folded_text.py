"""Phrases are found whatever their case, accents and spaces."""

import re

from deskyard.mail.folded_text import MAX_READ, any_of, compile_folded, fold_text


def test_phrases_and_patterns_are_found_in_folded_texts():
    text = fold_text("RÉPONSE\n  Automatique, Йод і Їжак, it’s")
    assert text == "reponse automatique, иод і іжак, it's"
    for phrase in ("Réponse automatique", "йод", "їжак", "it's"):
        assert re.search(any_of(["x", phrase]), text)
        assert compile_folded(phrase.lower()).search(text)


def test_only_the_beginning_of_a_text_is_read():
    assert len(fold_text("a" * 2 * MAX_READ)) == MAX_READ
