"""Columns: the same row however a ticket is read, weighed as scikit-learn weighs, with nothing private in a name."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer

from deskyard.domain.ticket import Ticket
from deskyard.features.ngrams import BLOCKS, char_ngrams, field_values, word_ngrams
from deskyard.features.vectorizer import CountsView, TicketVectorizer, count_ngrams
from deskyard.features.vocabulary import BLOCK_NORMS
from deskyard.text.cleaning import clean, clean_subject, stem, words

SECRETS = ("ann.lee@example.org", "+7 900 123-45-67", "40817810099910004312", "123456", "8 (800) 555-35-35")


@pytest.fixture(scope="module")
def tickets(past):
    return past.tickets[:150]


@pytest.fixture(scope="module")
def vectorizer(tickets):
    return TicketVectorizer().fit(tickets)


def assert_same(found, expected):
    assert found.shape == expected.shape
    assert np.abs((found - expected).toarray()).max(initial=0) < 1e-6


def test_rows_are_the_same_whether_tickets_were_counted_together_or_read_anew(vectorizer, tickets):
    counts = count_ngrams(tickets)
    assert_same(vectorizer.transform(tickets), vectorizer.transform_counts(counts))
    assert_same(vectorizer.transform(tickets), TicketVectorizer().fit_counts(counts).transform_counts(counts))


def test_one_ticket_alone_gets_the_same_row_as_in_a_batch(vectorizer, tickets):
    together = vectorizer.transform(tickets)
    for place in (0, 7, 149):
        alone = vectorizer.transform([tickets[place]])
        assert (alone != together[[place]]).nnz == 0


def test_columns_weigh_what_scikit_learns_own_tfidf_gives_them(vectorizer, tickets):
    def stems(ticket):
        return [stem(word) for word in found(ticket)]

    def found(ticket):
        return words(clean_subject(ticket.subject)) + words(clean(ticket.body, ticket.subject))

    readers = (
        lambda ticket: word_ngrams(stems(ticket)),
        lambda ticket: [gram for word in found(ticket) for gram in char_ngrams(word)],
        field_values,
    )
    ours = vectorizer.transform(tickets).toarray()
    for block, reader in enumerate(readers):
        theirs = TfidfVectorizer(analyzer=reader, min_df=2, sublinear_tf=True)
        expected = theirs.fit_transform(tickets).toarray() * BLOCK_NORMS[block]
        place = theirs.vocabulary_
        names = vectorizer.vocabulary_.names[block]
        assert set(names) == set(place)
        start = vectorizer.vocabulary_.starts[block]
        mine = ours[:, start : start + len(names)]
        assert np.abs(mine - expected[:, [place[name] for name in names]]).max() < 1e-6


def test_each_part_of_a_row_has_its_own_length_or_is_empty(vectorizer, tickets):
    X = vectorizer.transform([*tickets, Ticket(id="x")]).toarray()
    starts = vectorizer.vocabulary_.starts
    for block, length in enumerate(BLOCK_NORMS):
        lengths = np.linalg.norm(X[:, starts[block] : starts[block + 1]], axis=1)
        assert np.isclose(lengths, length, atol=1e-5).sum() > 100
        assert (np.isclose(lengths, length, atol=1e-5) | (lengths == 0)).all()
        assert lengths[-1] == 0


def test_a_vectorizer_keeps_the_promises_of_scikit_learn(vectorizer):
    made = TicketVectorizer(latin="german", min_tickets=3, max_ngrams=70)
    assert made.get_params() == {"latin": "german", "min_tickets": 3, "max_ngrams": 70}
    assert clone(made).get_params() == made.get_params()
    assert clone(vectorizer).get_params() == vectorizer.get_params()
    assert made.set_params(min_tickets=1) is made
    nothing = count_ngrams([])
    for ask in (
        lambda: made.transform([]),
        lambda: made.transform_counts(nothing),
        lambda: made.known_share(nothing),
        made.get_feature_names_out,
    ):
        with pytest.raises(NotFittedError):
            ask()
    fitted = made.fit([Ticket(id="1", subject="Der Drucker druckt")])
    assert fitted is made
    assert {name for name in vars(fitted) if name.endswith("_")} == {"kept_", "vocabulary_"}
    assert fitted.get_params() == {"latin": "german", "min_tickets": 1, "max_ngrams": 70}


def test_a_columns_name_says_which_gram_it_counts(vectorizer):
    names = vectorizer.get_feature_names_out()
    row = vectorizer.transform([Ticket(id="1", subject="the printers", channel="email")])
    assert len(names) == row.shape[1] == len(vectorizer.vocabulary_)
    assert len(set(names)) == len(names)
    named = set(names[row.indices])
    assert {"words:printer", "chars:print", "chars: pri", "fields:channel=email"} <= named
    known = {f"words:{gram}" for gram in word_ngrams(["the", "printer"])}
    known |= {f"chars:{gram}" for word in ("the", "printers") for gram in char_ngrams(word)}
    known |= {f"subject:{gram}" for gram in word_ngrams(["the", "printer"])}
    assert named <= known | {"fields:channel=email"}


def test_nothing_private_and_no_word_of_a_single_ticket_reaches_a_columns_name():
    told = [
        Ticket(
            id=str(n),
            subject=f"printer {secret}",
            body=f"write to {secret} please, or {SECRETS[0]}; only{n}once",
            requester=SECRETS[0],
            organisation="ACME",
            fields={"phone": secret, "account": "40817810099910004312"},
        )
        for n, secret in enumerate(SECRETS * 4)
    ]
    names = TicketVectorizer().fit(told).get_feature_names_out()
    assert {"words:printer", "words:email_", "words:phone_", "fields:organisation=acme"} <= set(names)
    grams = [name.split(":", 1)[1] for name in names]
    for private in (r"@", r"\d{5,}", r"example", r"ann\b", r"only\d+once"):
        assert not [g for g in grams if re.search(private, re.sub("#[0-9a-f]{12}", "", g))], private


def test_a_gram_of_too_few_tickets_is_no_column_and_the_most_frequent_stay():
    told = [Ticket(id="1", subject="a b"), Ticket(id="2", subject="a b"), Ticket(id="3", subject="a c")]
    assert TicketVectorizer().fit(told).vocabulary_.names[0] == ["a", "b", "a b"]
    assert TicketVectorizer(min_tickets=3).fit(told).vocabulary_.names[0] == ["a"]
    assert TicketVectorizer(min_tickets=1, max_ngrams=2).fit(told).vocabulary_.names[0] == ["a", "b"]


@pytest.mark.parametrize("value", ["ann@example.org", "+7 900 123 45 67", "1234567", "acct 99-88-77-66"])
def test_a_field_value_that_could_name_a_person_or_a_number_is_hashed(value):
    (one,) = field_values(Ticket(id="1", requester=value))
    assert re.fullmatch(r"requester=#[0-9a-f]{12}", one)
    assert field_values(Ticket(id="2", requester=f" {value.upper()} ")) == [one]
    assert field_values(Ticket(id="2", requester=f"{value}1")) != [one]


def test_plain_field_values_stay_readable_and_empty_ones_say_nothing():
    ticket = Ticket(id="1", channel=" Mail ", requester=" ", fields={"product": "Laptop", "floor": "3", "note": ""})
    assert field_values(ticket) == ["channel=mail", "product=laptop", "floor=3"]


def test_it_says_how_much_of_a_ticket_is_known_words_and_of_unknown_ones_nothing_is(vectorizer, tickets):
    strange = [Ticket(id="x", subject="xyzzy plugh"), Ticket(id="y"), Ticket(id="z", channel="email")]
    counts = count_ngrams([*tickets, *strange])
    known = vectorizer.known_share(counts)
    assert (known[: len(tickets)] > 0).mean() > 0.95
    assert known[len(tickets) :].tolist() == [0, 0, 0]
    assert known.max() <= 1
    assert [vectorizer.vocabulary_.vectorize(ticket)[2] for ticket in [*tickets, *strange]] == pytest.approx(
        known.tolist()
    )


@given(
    st.builds(
        Ticket, id=st.just(""), subject=st.text(max_size=40), body=st.text(max_size=80), channel=st.text(max_size=9),
        requester=st.text(max_size=9), fields=st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3),
    )
)  # fmt: skip
@settings(max_examples=60)
def test_any_ticket_has_a_row_of_finite_weights(vectorizer, ticket):
    columns, weights, known = vectorizer.vocabulary_.vectorize(ticket)
    assert len(columns) == len(weights)
    assert (np.diff(columns) > 0).all()
    assert np.isfinite(weights).all()
    assert (weights > 0).all()
    assert 0 <= known <= 1
    assert len(vectorizer.vocabulary_.starts) == len(BLOCKS) + 1


def test_grams_of_a_single_ticket_are_left_out_and_still_count_as_unknown():
    tickets = [Ticket(id=str(n), body=body) for n, body in enumerate(["vpn down", "vpn up", "zebra down now"])]
    counts = count_ngrams(tickets)
    few = counts.drop_singletons()
    assert set(few.names[0]) == {"vpn", "down"}
    vectorizer, other = (TicketVectorizer().fit_counts(c) for c in (counts, few))
    assert vectorizer.vocabulary_.names == other.vocabulary_.names
    assert (vectorizer.transform_counts(counts) != other.transform_counts(few)).nnz == 0
    assert (
        vectorizer.known_share(counts).tolist()
        == other.known_share(few).tolist()
        == pytest.approx([2 / 3, 1 / 3, 1 / 5])
    )


def test_tickets_are_read_and_weighed_alike_however_many_at_once(past, monkeypatch):
    tickets = past.tickets[:90]
    whole = count_ngrams(tickets)
    rows = np.arange(80, 10, -1)
    expected = TicketVectorizer().fit_counts(whole[rows]).transform_counts(whole[rows])
    monkeypatch.setattr("deskyard.features.vectorizer.BATCH_SIZE", 7)
    parts = count_ngrams(tickets)
    assert parts.names == whole.names
    assert all((a != b).nnz == 0 for a, b in zip(parts.matrices, whole.matrices, strict=True))
    part = CountsView(parts, rows)
    assert (TicketVectorizer().fit_counts(part).transform_counts(part) != expected).nnz == 0


def test_of_many_grams_the_most_frequent_stay():
    tickets = [Ticket(id=str(n), body="vpn down" if n % 2 else "vpn up") for n in range(8)] + [
        Ticket(id="x", body="up")
    ]
    vectorizer = TicketVectorizer(max_ngrams=2).fit(tickets)
    assert set(vectorizer.vocabulary_.names[0]) == {"vpn", "up"}
    assert max(map(len, vectorizer.vocabulary_.names)) == 2
