"""Groups of near-copies: found by what tickets say, in any language, and never by chance."""

from dataclasses import replace

import numpy as np
import pytest

from deskyard.domain.ticket import Ticket
from deskyard.features.vectorizer import count_ngrams
from training.data import near_duplicates


def tickets(*texts):
    return [Ticket(id=str(n), body=text) for n, text in enumerate(texts)]


def test_each_copy_is_in_the_group_of_its_original(past):
    again = range(0, len(past), 3)
    copied = [replace(past.tickets[i], id=f"{i} again", body=f"{past.tickets[i].body} 77{i}") for i in again]
    group = near_duplicates.group_near_duplicates([*past.tickets, *copied])
    assert np.mean([group[i] == group[len(past) + n] for n, i in enumerate(again)]) > 0.95
    assert len(set(group.tolist())) > 0.8 * len(past)


LONG = "Der Drucker im zweiten Stock druckt seit heute morgen nicht mehr und blinkt rot, bitte um Hilfe bis Mittag"
ДЛИННЫЙ = "Добрый день, с утра не открывается база бухгалтерии, выдаёт ошибку подключения к серверу, посмотрите"


@pytest.mark.parametrize("text", [LONG, ДЛИННЫЙ])
def test_digits_case_endings_and_a_word_in_fifteen_make_no_difference(text):
    changed = [text.upper(), f"{text} 123456", text.replace("seit heute", "seit gestern").replace("с утра", "с вечера")]
    assert near_duplicates.group_near_duplicates(tickets(text, *changed, "something else entirely")).tolist() == [
        0,
        0,
        0,
        0,
        1,
    ]


def test_other_matters_in_like_words_are_no_copies():
    found = near_duplicates.group_near_duplicates(
        tickets("how do I top up my card", "how can I block my card", "how do I top up my account")
    )
    assert len(set(found.tolist())) == 3


def test_tickets_without_words_are_not_copies_of_each_other():
    assert near_duplicates.group_near_duplicates(tickets("", "!!!", "", "vpn")).tolist() == [0, 1, 2, 3]
    assert near_duplicates.group_near_duplicates([]).tolist() == []


def test_reading_before_or_here_gives_the_same_and_the_counts_stay_as_they_are(past):
    counts = count_ngrams(past.tickets)
    before = [matrix.copy() for matrix in counts.matrices]
    assert (
        near_duplicates.group_near_duplicates(past.tickets, counts)
        == near_duplicates.group_near_duplicates(past.tickets)
    ).all()
    for matrix, old in zip(counts.matrices, before, strict=True):
        assert (matrix != old).nnz == 0
        assert (matrix.indptr == old.indptr).all()


def test_of_thousands_each_finds_its_copy():
    rng = np.random.default_rng(0)
    words = np.array([f"word{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}" for i in range(5000)])
    texts = [" ".join(words[rng.integers(0, 5000, 20)]) for _ in range(1_000)]
    counts = count_ngrams(tickets(*texts, *(f"{text} 9" for text in texts)))
    found = near_duplicates.group_near_duplicates([], counts)
    assert (found[:1_000] == found[1_000:]).mean() > 0.99
    assert len(set(found.tolist())) > 900
