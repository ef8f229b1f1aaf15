"""Why: nothing is estimated, so what is told must add up and must come true."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskyard import bundle
from deskyard.explain import explain
from deskyard.grams import field_values
from deskyard.text import clean, words
from deskyard.ticket import Ticket


@pytest.fixture(scope="module")
def scorer(learnt):
    return bundle.load(learnt).scorer


@pytest.fixture(scope="module")
def some(past):
    return past.tickets[::20]


def linear_log_odds(scorer, ticket, target, because):
    head = scorer.heads[target]
    columns, weights, _ = scorer.vocabulary.row(ticket)
    margins = scorer.margins(columns, weights)[head.span] * head.pool[0]
    return margins[head.labels.index(because.label)] - margins[head.labels.index(because.against)]


def test_words_and_base_add_up_to_the_linear_heads_log_odds(scorer, some):
    for ticket in some:
        for target, because in explain(scorer, ticket).because.items():
            told = because.base + sum(weight for _, weight in because.words)
            assert told == pytest.approx(linear_log_odds(scorer, ticket, target, because), abs=1e-5)
            assert told == pytest.approx(because.heads["linear"], abs=1e-5)


def test_the_heads_add_up_to_the_log_odds_of_the_belief(scorer, some):
    for ticket, predicted in zip(some, scorer.predict(some), strict=True):
        for target, because in explain(scorer, ticket).because.items():
            (first, p), (second, q) = predicted[target].top[:2]
            assert (because.label, because.against) == (first, second)
            assert sum(because.heads.values()) == pytest.approx(np.log(p / q), abs=1e-4)


def test_every_word_and_field_of_the_ticket_is_told_once_and_nothing_else(scorer, some):
    for ticket in some:
        said = {*words(clean(ticket.subject)), *words(clean(ticket.body)), *field_values(ticket)}
        for because in explain(scorer, ticket).because.values():
            assert sorted(word for word, _ in because.words) == sorted(said)


def test_a_past_ticket_is_most_similar_to_itself(scorer, some):
    for ticket in some:
        similar = explain(scorer, ticket).similar
        assert ticket.id in {past.id for past in similar}
        assert similar[0].similarity > 0.8
        assert set(similar[0].labels) == set(scorer.heads)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_explained_and_adds_up(scorer, subject, body):
    ticket = Ticket(id="x", subject=subject, body=body)
    for target, because in explain(scorer, ticket).because.items():
        told = because.base + sum(weight for _, weight in because.words)
        assert told == pytest.approx(linear_log_odds(scorer, ticket, target, because), abs=1e-5)


def test_a_label_loses_when_the_words_for_it_are_gone(scorer, some):
    """The ten weightiest words for a label are taken out: its log-odds must fall."""
    fell = []
    for ticket in some:
        because = explain(scorer, ticket).because["queue"]
        telling = {word for word, weight in because.words if weight > 0}
        left = [word for word in words(clean(f"{ticket.subject}\n{ticket.body}")) if word not in telling]
        without = replace(ticket, subject="", body=" ".join(left))
        fell.append(linear_log_odds(scorer, without, "queue", because) < because.heads["linear"])
    assert np.mean(fell) > 0.95
