"""The scorer answers what learning would have answered, for any ticket, on any thread, before and after saving."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.svm import LinearSVC

from deskyard.domain.decision import MAX_SHOWN_LABELS
from deskyard.domain.ticket import Ticket
from deskyard.features.vectorizer import count_ngrams
from deskyard.features.vocabulary import Vocabulary
from deskyard.guarantees.contract import EVIDENCE_DTYPE
from deskyard.model import opinion_pool
from deskyard.model.hyperparameters import PLAIN_RECIPE, Recipe
from deskyard.model.likeness import UNGUARDED_LIKENESS, LikenessModel, MarginProfile
from deskyard.model.linear_head import ABSENT_INTERCEPT, LinearHead
from deskyard.model.ticket_model import TicketModel
from deskyard.registry import bundle
from training.data.label_sets import build_label_sets

TARGETS = ("queue", "assignee", "priority", "category")
"""Not in the order of the alphabet: a bundle once came back with its heads' weights exchanged."""

POOLS = {
    "queue": [4.0, 0.3, 0.0], "assignee": [1.5, 1.1, 0.4], "priority": [0.0, 2.0, 1.0], "category": [4.5, 0.1, 0.2],
}  # fmt: skip


class Learnt:
    """A model of simulated tickets, its scorer, and learning's own road to a belief."""

    def __init__(self, history):
        self.tickets = history.tickets
        self.sets = build_label_sets(history.labels, TARGETS)
        self.y = {target: self.sets[target].positions(history.labels[target]) for target in TARGETS}
        sizes = {target: len(self.sets[target].labels) for target in TARGETS}
        counts = count_ngrams(self.tickets)
        recipes = {"assignee": Recipe(), "priority": Recipe(ordered=True, recency=0.3, blocks=(1, 0.5, 0, 1))}
        self.model = TicketModel(sizes, recipes | {"queue": PLAIN_RECIPE, "category": PLAIN_RECIPE}).fit(
            counts, self.y, [ticket.id for ticket in self.tickets]
        )
        self.X = self.model.vectorizer_.transform_counts(counts)
        self.pools = {target: np.array(POOLS[target]) for target in TARGETS}
        margins = self.model.log_scores(counts)["queue"][0]
        profile = MarginProfile.fit(margins, margins.argmax(axis=1), np.ones(margins.shape, bool))
        self.scorer = self.model.to_scorer(
            {target: self.sets[target].labels for target in TARGETS},
            self.pools,
            {"queue": LikenessModel(np.array([0.1, -0.7, 1.3, 2.1, 0.9, 3.3]), profile)},
        )

    def probabilities(self, asked):
        counts = count_ngrams([*self.tickets, *asked])
        new = np.arange(len(self.tickets), len(counts))
        scores = self.model.log_scores(counts[new])
        return {target: opinion_pool.predict_proba(scores[target], self.pools[target]) for target in TARGETS}


@pytest.fixture(scope="module")
def learnt(make_history):
    return Learnt(make_history(120))


WORDS = st.sampled_from(
    ["vpn", "printer", "invoice", "пароль", "принтер", "счёт", "не", "работает", "the", "is", "broken", "отпуск", "zzz",
     "Rechnung", "Drucker", "🔥", "\n", "<b>", "\x00", "\ud800", "ghbynth", "0x80070005", "ann@example.org"]
)  # fmt: skip
TEXTS = st.lists(WORDS, max_size=40).map(" ".join) | st.text(max_size=60)
TICKETS = st.builds(
    Ticket,
    id=st.just("new"),
    subject=TEXTS,
    body=TEXTS,
    channel=st.sampled_from(["", "email", "pigeon"]),
    requester=st.text(max_size=5),
    fields=st.dictionaries(st.sampled_from(["product", "x"]), st.text(max_size=5), max_size=2),
)


@given(st.lists(TICKETS, max_size=3))
@example([])
@example([Ticket(id="new")])
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
def test_the_scorer_answers_as_scikit_learns_own_path_does(learnt, tickets):
    expected = learnt.probabilities(tickets)
    for place, ticket in enumerate(tickets):
        probabilities = learnt.scorer.predict_proba(ticket)
        assert list(probabilities) == list(TARGETS)
        for target in TARGETS:
            assert np.abs(probabilities[target] - expected[target][place]).max() < 1e-6


def test_the_scorer_answers_so_for_real_tickets_too(learnt, past):
    asked = [*past.tickets[-40:], *learnt.tickets[:10]]
    expected = learnt.probabilities(asked)
    for place, ticket in enumerate(asked):
        probabilities = learnt.scorer.predict_proba(ticket)
        for target in TARGETS:
            assert np.abs(probabilities[target] - expected[target][place]).max() < 1e-6


def test_linear_margins_are_linear_svcs_with_its_coefficients_in_half_precision(learnt, past):
    X = learnt.model.vectorizer_.transform(past.tickets[-40:])
    for target in ("queue", "category"):
        known = learnt.y[target] >= 0
        seen = (
            learnt.X[known]
            .multiply(learnt.model.vectorizer_.vocabulary_.expand_block_factors(PLAIN_RECIPE.blocks))
            .tocsr()
        )
        theirs = LinearSVC(C=1.0, tol=0.01, random_state=0).fit(seen, learnt.y[target][known])
        assert theirs.classes_.tolist() == list(range(len(learnt.sets[target].labels)))
        theirs.coef_ = theirs.coef_.astype(np.float16).astype(np.float64)
        margins = np.array([learnt.scorer.margins(X[[i]].indices, X[[i]].data) for i in range(40)])
        span = learnt.scorer.heads[target].span
        assert np.abs(margins[:, span] - theirs.decision_function(X)).max() < 1e-4


def test_one_ticket_alone_gets_the_same_answer_as_in_a_batch(learnt, past):
    asked = past.tickets[-30:]
    assert learnt.scorer.predict(asked) == [learnt.scorer.predict([ticket])[0] for ticket in asked]
    assert learnt.scorer.predict(asked[::-1]) == learnt.scorer.predict(asked)[::-1]
    likenesses = {answer["queue"].likeness for answer in learnt.scorer.predict(asked)}
    assert len(likenesses) > 20
    assert {answer["category"].likeness for answer in learnt.scorer.predict(asked)} == {UNGUARDED_LIKENESS}


def test_a_prediction_ranks_the_most_probable_labels(learnt, past):
    (prediction,) = learnt.scorer.predict(past.tickets[-1:])
    probabilities = learnt.scorer.predict_proba(past.tickets[-1])
    for target in TARGETS:
        top = prediction[target].top
        assert len(top) == min(MAX_SHOWN_LABELS, len(probabilities[target]))
        assert [p for _, p in top] == sorted(probabilities[target].tolist(), reverse=True)[: len(top)]
        assert prediction[target].label == learnt.sets[target].labels[int(probabilities[target].argmax())]
        assert sum(p for _, p in top) <= 1 + 1e-9
        assert prediction[target].target == target


def test_a_loaded_bundle_answers_exactly_as_before_saving(learnt, past, tmp_path):
    evidence = {target: np.zeros(0, EVIDENCE_DTYPE) for target in TARGETS}
    bundle.save_bundle(tmp_path / "b", learnt.scorer, evidence, {"asked_precision": 0.9}, {})
    loaded = bundle.load_bundle(tmp_path / "b")
    assert loaded.targets == TARGETS
    assert loaded.predict(past.tickets[:200]) == learnt.scorer.predict(past.tickets[:200])
    for target in TARGETS:
        assert loaded.labels(target) == learnt.sets[target].labels


def without_memories(scorer):
    """The same scorer that has read no word yet."""
    known = scorer.vocabulary
    return replace(scorer, vocabulary=Vocabulary(known.latin, known.names, known.idf))


def test_many_threads_get_the_same_answers(learnt, past):
    asked = past.tickets[-60:]
    fresh = without_memories(learnt.scorer)
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: fresh.predict(asked), range(6)))
    assert all(answer == learnt.scorer.predict(asked) for answer in answers)


def test_a_word_too_many_to_be_remembered_is_read_all_the_same(learnt, past, monkeypatch):
    monkeypatch.setattr("deskyard.features.ngrams.CACHE_SIZE", 3)
    forgetful = without_memories(learnt.scorer)
    assert forgetful.predict(past.tickets[-20:] * 2) == learnt.scorer.predict(past.tickets[-20:] * 2)


def test_a_label_that_the_learnt_tickets_do_not_hold_stays_far_off(learnt):
    y = np.where(learnt.y["queue"] == 0, 1, learnt.y["queue"])
    head = LinearHead(len(learnt.sets["queue"].labels)).fit(learnt.X, y)
    assert (head.margins(learnt.X)[:, 0] == ABSENT_INTERCEPT).all()
    assert head.margins(learnt.X)[:, 1:].max() > ABSENT_INTERCEPT


@pytest.mark.parametrize("held", [[], [1], [0, 1], [0, 1, 2]])
def test_any_number_of_labels_can_be_learnt(learnt, held):
    rows = np.arange(60 if held else 0)
    y = np.array(held or [0], np.int32)[rows % max(len(held), 1)]
    margins = LinearHead(3).fit(learnt.X[rows], y).margins(learnt.X)
    assert margins.shape == (120, 3)
    if len(held) > 1:
        assert (margins[:60].argmax(axis=1) == y).mean() > 0.8


def test_the_estimators_keep_the_promises_of_scikit_learn():
    head, model = LinearHead(3, Recipe(C=0.5), seed=4), TicketModel({"queue": 2}, {"queue": PLAIN_RECIPE}, seed=4)
    assert clone(head).get_params() == head.get_params() == {"labels": 3, "recipe": Recipe(C=0.5), "seed": 4}
    assert (
        clone(model).get_params()
        == model.get_params()
        == {"labels": {"queue": 2}, "recipes": {"queue": PLAIN_RECIPE}, "seed": 4}
    )
    nothing = count_ngrams([])
    for ask in (
        lambda: head.margins(nothing.matrices[0]),
        lambda: model.log_scores(nothing),
        lambda: model.to_scorer({}, {}),
    ):
        with pytest.raises(NotFittedError):
            ask()
