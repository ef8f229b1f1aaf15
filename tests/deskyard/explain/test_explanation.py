"""Why: nothing is estimated, so what is told must add up and must come true."""

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


def linear_log_odds(scorer, ticket, target, because):
    head = scorer.heads[target]
    columns, weights, _ = scorer.vocabulary.vectorize(ticket)
    margins = scorer.margins(columns, weights)[head.span] * head.pool[0]
    return margins[head.labels.index(because.label)] - margins[head.labels.index(because.against)]


def row(scorer, said):
    """A row read from scratch."""
    columns, counts = np.unique(np.concatenate(scorer.vocabulary.read(said)[0]), return_counts=True)
    return columns, scorer.vocabulary.weights(columns, counts)


def says(scorer, said, target):
    """The most probable label of what a ticket says."""
    columns, weights = row(scorer, said)
    head = scorer.heads[target]
    found = scorer.pool_scores(head, scorer.margins(columns, weights), *scorer.memory.nearest(columns, weights))
    return head.labels[found.argmax()]


def log_odds(scorer, columns, weights, target, because):
    head = scorer.heads[target]
    margins = scorer.margins(columns, weights)[head.span] * head.pool[0]
    return margins[head.labels.index(because.label)] - margins[head.labels.index(because.against)]


def test_every_label_of_every_ticket_is_explained(scorer, some):
    assert len(some) == 35
    assert [set(explain(scorer, ticket).labels) for ticket in some] == [
        {"category", "priority", "queue", "assignee"}
    ] * 35


def test_words_and_base_add_up_to_the_linear_heads_log_odds(scorer, some):
    for ticket in some:
        for target, because in explain(scorer, ticket).labels.items():
            told = because.base + sum(weight for _, weight in because.words)
            assert told == pytest.approx(linear_log_odds(scorer, ticket, target, because), abs=1e-5)
            assert told == pytest.approx(because.heads["linear"], abs=1e-5)


def test_the_heads_add_up_to_the_log_odds_of_the_belief(scorer, some):
    for ticket, predicted in zip(some, scorer.predict(some), strict=True):
        for target, because in explain(scorer, ticket).labels.items():
            (first, p), (second, q) = predicted[target].top[:2]
            assert (because.label, because.runner_up) == (first, second)
            assert sum(because.heads.values()) == pytest.approx(np.log(p / q), abs=1e-4)


def test_every_word_and_field_of_the_ticket_is_told_once_and_nothing_else(scorer, some):
    for ticket in some:
        said = {*words(clean(ticket.subject)), *words(clean(ticket.body)), *field_values(ticket)}
        for because in explain(scorer, ticket).labels.values():
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
    for target, because in explain(scorer, ticket).labels.items():
        told = because.base + sum(weight for _, weight in because.words)
        assert told == pytest.approx(linear_log_odds(scorer, ticket, target, because), abs=1e-5)


def test_a_label_loses_when_the_words_for_it_are_gone(scorer, some):
    """The ten weightiest words for a label are taken out: its log-odds must fall."""
    fell = []
    for ticket in some:
        because = explain(scorer, ticket).labels["queue"]
        telling = {word for word, weight in because.words if weight > 0}
        left = [word for word in words(clean(f"{ticket.subject}\n{ticket.body}")) if word not in telling]
        without = replace(ticket, subject="", body=" ".join(left))
        fell.append(linear_log_odds(scorer, without, "queue", because) < because.heads["linear"])
    assert np.mean(fell) > 0.95


def test_taking_a_words_part_of_each_column_out_moves_the_score_by_exactly_what_was_claimed(scorer, some):
    """The columns keep their scale: of each, the word's share of its occurrences goes, half of it for a pair."""
    for ticket in some:
        parts = TokenColumns.build(scorer.vocabulary, TicketTokens.from_ticket(ticket))
        for target, because in explain(scorer, ticket).labels.items():
            whole = log_odds(scorer, parts.columns, parts.weights, target, because)
            for word, claimed in because.words[:5]:
                mine = parts.token_names.index(word)
                share = (np.bincount(parts.column_index[parts.first_token == mine], minlength=len(parts.columns))
                         + np.bincount(parts.column_index[parts.last_token == mine], minlength=len(parts.columns))) / 2  # fmt: skip
                left = parts.weights.astype(np.float64) * (1 - share / parts.counts)
                assert whole - log_odds(scorer, parts.columns, left, target, because) == pytest.approx(
                    claimed, abs=1e-6
                )


def test_deleting_the_top_word_moves_the_score_by_its_columns_and_the_new_scale_and_nothing_else(scorer, some):
    """Each block: what was there, less what the word takes along, plus pairs that are new, over the new length."""
    vocabulary = scorer.vocabulary
    for ticket in some:
        said = TicketTokens.from_ticket(ticket)
        parts = TokenColumns.build(vocabulary, said)
        for target, because in explain(scorer, ticket).labels.items():
            head = scorer.heads[target]
            first, second = (head.labels.index(name) + head.span.start for name in (because.label, because.runner_up))
            slopes = (scorer.coef[:, first].astype(float) - scorer.coef[:, second].astype(float)) * head.pool[0]
            word = because.words[0][0]
            columns, after = row(scorer, said.without({word}))
            rescaled = because.base
            for block, length in enumerate(BLOCK_NORMS):
                start, stop = vocabulary.starts[block : block + 2]
                before = (parts.columns >= start) & (parts.columns < stop)
                gone = parts.column_index[[word in (parts.token_names[i], parts.token_names[j])
                                 for i, j in zip(parts.first_token, parts.last_token, strict=True)]]  # fmt: skip
                counts = np.zeros(len(slopes))
                counts[parts.columns[before]] = parts.counts[before]
                np.subtract.at(counts, parts.columns[gone[before[gone]]], 1)
                if block == 0:
                    np.add.at(counts, vocabulary.read.joined(said, {word}), 1)
                left = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * vocabulary.idf
                rescaled += left @ slopes * length / max(np.sqrt(left @ left), 1e-12)
            assert log_odds(scorer, columns, after, target, because) == pytest.approx(rescaled, abs=1e-4)


def test_deleting_a_word_moves_the_score_the_way_and_about_as_far_as_was_claimed(scorer, some):
    """Over all tickets and targets: what each word takes along and the new scale leave the claim nearly as it was."""
    claims, moves, ranks = [], [], []
    for ticket in some:
        said = TicketTokens.from_ticket(ticket)
        for target, because in explain(scorer, ticket).labels.items():
            whole = linear_log_odds(scorer, ticket, target, because)
            told = because.words[:10]
            real = [whole - log_odds(scorer, *row(scorer, said.without({word})), target, because) for word, _ in told]
            claims.append(told[0][1])
            moves.append(real[0])
            ranks.append(spearmanr([weight for _, weight in told], real)[0])
    assert np.mean(np.sign(claims) == np.sign(moves)) > 0.97
    assert np.corrcoef(claims, moves)[0, 1] > 0.95
    assert 0.85 < np.median(np.array(moves) / claims) < 1.15
    assert np.median(ranks) > 0.85


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.sets(st.integers(0, 40), max_size=8))
def test_a_row_without_words_is_the_row_of_the_text_without_them(scorer, past, which, gone):
    said = TicketTokens.from_ticket(past.tickets[which % len(past)])
    parts = TokenColumns.build(scorer.vocabulary, said)
    gone = {i for i in gone if i < len(parts.token_names)}
    columns, weights = parts.row_without(gone)
    afresh = row(scorer, said.without({parts.token_names[i] for i in gone}))
    assert np.array_equal(columns, afresh[0])
    assert np.array_equal(weights, afresh[1])


def test_without_the_told_words_the_told_label_is_said_and_none_of_them_can_be_left_out(scorer, some):
    told = 0
    for ticket in some:
        said = TicketTokens.from_ticket(ticket)
        for target, because in explain(scorer, ticket).labels.items():
            if because.counterfactual is None:
                continue
            words = set(because.counterfactual.words)
            told += 1
            assert 1 <= len(words) == len(because.counterfactual.words) <= MAX_WORDS
            assert words <= {word for word, _ in because.words}
            assert says(scorer, said.without(words), target) == because.counterfactual.label != because.label
            for word in words:
                assert len(words) == 1 or says(scorer, said.without(words - {word}), target) == because.label
    assert told > len(some) / 2


def test_a_person_who_deletes_the_told_words_gets_the_told_label(scorer, some):
    """In the text itself, wherever deleting leaves words that are read as before."""
    told = 0
    for ticket in some:
        for target, because in explain(scorer, ticket).labels.items():
            if because.counterfactual is None or any("=" in word for word in because.counterfactual.words):
                continue
            left = TicketTokens.from_ticket(ticket).without(because.counterfactual.words)
            shorter = replace(ticket, subject=" ".join(left.subject), body=" ".join(left.body))
            if TicketTokens.from_ticket(shorter) == left:
                told += 1
                assert scorer.predict([shorter])[0][target].label == because.counterfactual.label
    assert told > len(some) / 4


def test_hardly_ever_a_smaller_set_would_do(scorer, some):
    """Against all single words, and all pairs of the ticket's ten weightiest, asked of the scorer one by one."""
    missed = tried = 0
    for ticket in some[:40]:
        said = TicketTokens.from_ticket(ticket)
        because = explain(scorer, ticket).labels["queue"]
        size = len(because.counterfactual.words) if because.counterfactual else MAX_WORDS + 1
        words = [word for word, _ in because.words]
        smaller = [{word} for word in words] if size > 1 else []
        smaller += [set(pair) for pair in combinations(words[:10], 2)] if size > 2 else []
        tried += 1
        missed += any(says(scorer, said.without(gone), "queue") != because.label for gone in smaller)
    assert missed <= 0.05 * tried
