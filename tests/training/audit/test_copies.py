"""Near-copies: found by what they say, kept together, and told with what they do to the score."""

import time
from dataclasses import replace

import numpy as np
import pytest

from deskyard.features import count
from deskyard.ticket import Ticket
from training.audit import copies


def tickets(*texts):
    return [Ticket(id=str(n), body=text) for n, text in enumerate(texts)]


@pytest.fixture(scope="module")
def doubled(clean):
    """Every third ticket of a history without times once more, with another number in it."""
    again = range(0, len(clean), 3)
    copied = [replace(clean.tickets[i], id=f"{i} again", body=f"{clean.tickets[i].body} 77{i}") for i in again]
    labels = {target: [*values, *(values[i] for i in again)] for target, values in clean.labels.items()}
    return replace(clean, tickets=[replace(t, created_at=None) for t in [*clean.tickets, *copied]], labels=labels)


def test_copies_across_a_random_split_are_named_with_the_score_without_them(doubled, make_case):
    [found] = copies.probe(make_case(doubled, "category", ordered=False))
    assert found.severity == "serious"
    assert found.figures["with_a_copy"] > 0.25 * found.figures["judged"]
    assert found.figures["category"]["all"] > found.figures["category"]["without_copies"] + 0.02


def test_a_clean_history_has_too_few_to_name(clean_case):
    assert list(copies.probe(clean_case)) == []


def test_each_copy_is_in_the_group_of_its_original(doubled):
    group = copies.groups(doubled.tickets)
    copied = [(int(ticket.id.split()[0]), i) for i, ticket in enumerate(doubled.tickets) if ticket.id.endswith("again")]
    assert len(copied) > 200
    assert np.mean([group[a] == group[b] for a, b in copied]) > 0.95
    assert len(set(group.tolist())) > 0.8 * 700


LONG = "Der Drucker im zweiten Stock druckt seit heute morgen nicht mehr und blinkt rot, bitte um Hilfe bis Mittag"
ДЛИННЫЙ = "Добрый день, с утра не открывается база бухгалтерии, выдаёт ошибку подключения к серверу, посмотрите"


@pytest.mark.parametrize("text", [LONG, ДЛИННЫЙ])
def test_digits_case_endings_and_a_word_in_fifteen_make_no_difference(text):
    changed = [text.upper(), f"{text} 123456", text.replace("seit heute", "seit gestern").replace("с утра", "с вечера")]
    assert copies.groups(tickets(text, *changed, "something else entirely")).tolist() == [0, 0, 0, 0, 1]


def test_other_matters_in_like_words_are_no_copies():
    found = copies.groups(tickets("how do I top up my card", "how can I block my card", "how do I top up my account"))
    assert len(set(found.tolist())) == 3


def test_tickets_without_words_are_not_copies_of_each_other():
    assert copies.groups(tickets("", "!!!", "", "vpn")).tolist() == [0, 1, 2, 3]
    assert copies.groups([]).tolist() == []


def test_reading_before_or_here_gives_the_same_and_the_counts_stay_as_they_are(clean):
    counts = count(clean.tickets)
    before = [matrix.copy() for matrix in counts.matrices]
    assert (copies.groups(clean.tickets, counts) == copies.groups(clean.tickets)).all()
    for matrix, old in zip(counts.matrices, before, strict=True):
        assert (matrix != old).nnz == 0
        assert (matrix.indptr == old.indptr).all()


def test_8_000_tickets_take_seconds():
    rng = np.random.default_rng(0)
    words = np.array([f"word{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}" for i in range(5000)])
    texts = [" ".join(words[rng.integers(0, 5000, 20)]) for _ in range(4_000)]
    counts = count(tickets(*texts, *(f"{text} 9" for text in texts)))
    start = time.perf_counter()
    found = copies.groups([], counts)
    assert time.perf_counter() - start < 5
    assert (found[:4_000] == found[4_000:]).mean() > 0.99
