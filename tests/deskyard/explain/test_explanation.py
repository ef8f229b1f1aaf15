"""Explanations are exact: their parts add up, and counterfactuals come true."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from deskyard.domain.ticket import Ticket
from deskyard.explain.counterfactuals import MAX_WORDS
from deskyard.explain.explanation import explain
from deskyard.explain.token_columns import TokenColumns
from deskyard.features.ngrams import TicketTokens, field_values
from deskyard.features.vocabulary import BLOCK_NORMS
from deskyard.registry import bundle
from deskyard.text.cleaning import clean, words


@pytest.fixture(scope="module")
def scorer(learnt):
    return bundle.load_bundle(learnt).scorer


@pytest.fixture(scope="module")
def some(past):
    return past.tickets[::20]


def linear_log_odds(scorer, ticket, target, explanation):
    head = scorer.heads[target]
    columns, weights, _ = scorer.vocabulary.vectorize(ticket)
    margins = scorer.margins(columns, weights)[head.span] * head.pool[0]
    return margins[head.labels.index(explanation.label)] - margins[head.labels.index(explanation.runner_up)]


def row(scorer, tokens):
    """The row of a ticket's tokens, read from scratch."""
    columns, counts = np.unique(np.concatenate(scorer.vocabulary.reader(tokens)[0]), return_counts=True)
    return columns, scorer.vocabulary.weights(columns, counts)


def predict_tokens(scorer, tokens, target):
    """The most probable label of a ticket's tokens."""
    columns, weights = row(scorer, tokens)
    head = scorer.heads[target]
    found = scorer.pool_scores(
        head, scorer.margins(columns, weights), *scorer.neighbour_index.nearest(columns, weights)
    )
    return head.labels[found.argmax()]


def log_odds(scorer, columns, weights, target, explanation):
    head = scorer.heads[target]
    margins = scorer.margins(columns, weights)[head.span] * head.pool[0]
    return margins[head.labels.index(explanation.label)] - margins[head.labels.index(explanation.runner_up)]


def test_every_label_of_every_ticket_is_explained(scorer, some):
    assert len(some) == 35
    assert [set(explain(scorer, ticket).labels) for ticket in some] == [
        {"category", "priority", "queue", "assignee"}
    ] * 35


def test_words_and_base_add_up_to_the_linear_heads_log_odds(scorer, some):
    for ticket in some:
        for target, explanation in explain(scorer, ticket).labels.items():
            told = explanation.intercept + sum(weight for _, weight in explanation.words)
            assert told == pytest.approx(linear_log_odds(scorer, ticket, target, explanation), abs=1e-5)
            assert told == pytest.approx(explanation.heads["linear"], abs=1e-5)


def test_the_heads_add_up_to_the_log_odds_of_the_belief(scorer, some):
    for ticket, predicted in zip(some, scorer.predict(some), strict=True):
        for target, explanation in explain(scorer, ticket).labels.items():
            (first, p), (second, q) = predicted[target].top[:2]
            assert (explanation.label, explanation.runner_up) == (first, second)
            assert sum(explanation.heads.values()) == pytest.approx(np.log(p / q), abs=1e-4)


def test_every_word_and_field_of_the_ticket_is_told_once_and_nothing_else(scorer, some):
    for ticket in some:
        tokens = {*words(clean(ticket.subject)), *words(clean(ticket.body)), *field_values(ticket)}
        for explanation in explain(scorer, ticket).labels.values():
            assert sorted(word for word, _ in explanation.words) == sorted(tokens)


def test_a_past_ticket_is_most_similar_to_itself(scorer, some):
    for ticket in some:
        similar = explain(scorer, ticket).similar
        assert ticket.id in {past.id for past in similar}
        assert similar[0].similarity > 0.8
        assert set(similar[0].labels) == set(scorer.heads)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_explained_and_adds_up(scorer, subject, body):
    ticket = Ticket(id="x", subject=subject, body=body)
    for target, explanation in explain(scorer, ticket).labels.items():
        told = explanation.intercept + sum(weight for _, weight in explanation.words)
        assert told == pytest.approx(linear_log_odds(scorer, ticket, target, explanation), abs=1e-5)


def test_a_label_loses_when_the_words_for_it_are_gone(scorer, some):
    """The ten weightiest words for a label are taken out: its log-odds must fall."""
    fell = []
    for ticket in some:
        explanation = explain(scorer, ticket).labels["queue"]
        telling = {word for word, weight in explanation.words if weight > 0}
        left = [word for word in words(clean(f"{ticket.subject}\n{ticket.body}")) if word not in telling]
        without = replace(ticket, subject="", body=" ".join(left))
        fell.append(linear_log_odds(scorer, without, "queue", explanation) < explanation.heads["linear"])
    assert np.mean(fell) > 0.95


def test_taking_a_words_part_of_each_column_out_moves_the_score_by_exactly_what_was_claimed(scorer, some):
    """The columns keep their scale: of each, the word's share of its occurrences goes, half of it for a pair."""
    for ticket in some:
        parts = TokenColumns.build(scorer.vocabulary, TicketTokens.from_ticket(ticket))
        for target, explanation in explain(scorer, ticket).labels.items():
            whole = log_odds(scorer, parts.columns, parts.weights, target, explanation)
            for word, claimed in explanation.words[:5]:
                mine = parts.token_names.index(word)
                index, n = parts.column_index, len(parts.columns)
                share = (
                    np.bincount(index[parts.first_token == mine], minlength=n)
                    + np.bincount(index[parts.last_token == mine], minlength=n)
                ) / 2
                left = parts.weights.astype(np.float64) * (1 - share / parts.counts)
                assert whole - log_odds(scorer, parts.columns, left, target, explanation) == pytest.approx(
                    claimed, abs=1e-6
                )


def test_deleting_the_top_word_moves_the_score_by_its_columns_and_the_new_scale_and_nothing_else(scorer, some):
    """Each block: what was there, less what the word takes along, plus pairs that are new, over the new length."""
    vocabulary = scorer.vocabulary
    for ticket in some:
        tokens = TicketTokens.from_ticket(ticket)
        parts = TokenColumns.build(vocabulary, tokens)
        for target, explanation in explain(scorer, ticket).labels.items():
            head = scorer.heads[target]
            first, second = (
                head.labels.index(name) + head.span.start for name in (explanation.label, explanation.runner_up)
            )
            slopes = (scorer.coef[:, first].astype(float) - scorer.coef[:, second].astype(float)) * head.pool[0]
            word = explanation.words[0][0]
            columns, after = row(scorer, tokens.without({word}))
            rescaled = explanation.intercept
            for block, length in enumerate(BLOCK_NORMS):
                start, stop = vocabulary.starts[block : block + 2]
                before = (parts.columns >= start) & (parts.columns < stop)
                removed = parts.column_index[[word in (parts.token_names[i], parts.token_names[j])
                                 for i, j in zip(parts.first_token, parts.last_token, strict=True)]]  # fmt: skip
                counts = np.zeros(len(slopes))
                counts[parts.columns[before]] = parts.counts[before]
                np.subtract.at(counts, parts.columns[removed[before[removed]]], 1)
                if block == 0:
                    np.add.at(counts, vocabulary.reader.new_pairs(tokens, {word}), 1)
                left = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * vocabulary.idf
                rescaled += left @ slopes * length / max(np.sqrt(left @ left), 1e-12)
            assert log_odds(scorer, columns, after, target, explanation) == pytest.approx(rescaled, abs=1e-4)


def test_deleting_a_word_moves_the_score_the_way_and_about_as_far_as_was_claimed(scorer, some):
    """Over all tickets and targets: what each word takes along and the new scale leave the claim nearly as it was."""
    claims, moves, ranks = [], [], []
    for ticket in some:
        tokens = TicketTokens.from_ticket(ticket)
        for target, explanation in explain(scorer, ticket).labels.items():
            whole = linear_log_odds(scorer, ticket, target, explanation)
            told = explanation.words[:10]
            real = [
                whole - log_odds(scorer, *row(scorer, tokens.without({word})), target, explanation) for word, _ in told
            ]
            claims.append(told[0][1])
            moves.append(real[0])
            ranks.append(spearmanr([weight for _, weight in told], real)[0])
    assert np.mean(np.sign(claims) == np.sign(moves)) > 0.97
    assert np.corrcoef(claims, moves)[0, 1] > 0.95
    assert 0.85 < np.median(np.array(moves) / claims) < 1.15
    assert np.median(ranks) > 0.85


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.sets(st.integers(0, 40), max_size=8))
def test_a_row_without_words_is_the_row_of_the_text_without_them(scorer, past, which, removed):
    tokens = TicketTokens.from_ticket(past.tickets[which % len(past)])
    parts = TokenColumns.build(scorer.vocabulary, tokens)
    removed = {i for i in removed if i < len(parts.token_names)}
    columns, weights = parts.row_without(removed)
    afresh = row(scorer, tokens.without({parts.token_names[i] for i in removed}))
    assert np.array_equal(columns, afresh[0])
    assert np.array_equal(weights, afresh[1])


def test_without_the_told_words_the_told_label_is_said_and_none_of_them_can_be_left_out(scorer, some):
    told = 0
    for ticket in some:
        tokens = TicketTokens.from_ticket(ticket)
        for target, explanation in explain(scorer, ticket).labels.items():
            if explanation.counterfactual is None:
                continue
            words = set(explanation.counterfactual.words)
            told += 1
            assert 1 <= len(words) == len(explanation.counterfactual.words) <= MAX_WORDS
            assert words <= {word for word, _ in explanation.words}
            assert (
                predict_tokens(scorer, tokens.without(words), target)
                == explanation.counterfactual.label
                != explanation.label
            )
            for word in words:
                assert (
                    len(words) == 1
                    or predict_tokens(scorer, tokens.without(words - {word}), target) == explanation.label
                )
    assert told > len(some) / 2


def test_a_person_who_deletes_the_told_words_gets_the_told_label(scorer, some):
    """In the text itself, wherever deleting leaves words that are read as before."""
    told = 0
    for ticket in some:
        for target, explanation in explain(scorer, ticket).labels.items():
            if explanation.counterfactual is None or any("=" in word for word in explanation.counterfactual.words):
                continue
            left = TicketTokens.from_ticket(ticket).without(explanation.counterfactual.words)
            shorter = replace(ticket, subject=" ".join(left.subject), body=" ".join(left.body))
            if TicketTokens.from_ticket(shorter) == left:
                told += 1
                assert scorer.predict([shorter])[0][target].label == explanation.counterfactual.label
    assert told > len(some) / 4


def test_hardly_ever_a_smaller_set_would_do(scorer, some):
    """Against all single words, and all pairs of the ticket's ten weightiest, asked of the scorer one by one."""
    missed = tried = 0
    for ticket in some[:40]:
        tokens = TicketTokens.from_ticket(ticket)
        explanation = explain(scorer, ticket).labels["queue"]
        size = len(explanation.counterfactual.words) if explanation.counterfactual else MAX_WORDS + 1
        words = [word for word, _ in explanation.words]
        smaller = [{word} for word in words] if size > 1 else []
        smaller += [set(pair) for pair in combinations(words[:10], 2)] if size > 2 else []
        tried += 1
        missed += any(
            predict_tokens(scorer, tokens.without(removed), "queue") != explanation.label for removed in smaller
        )
    assert missed <= 0.05 * tried
