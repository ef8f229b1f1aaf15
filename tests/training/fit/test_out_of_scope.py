"""Strangers: labels that are alike are left out together, and what is fitted on some keeps out others."""

import numpy as np
import pytest
from scipy import sparse

from deskyard.domain.decision import Action
from deskyard.domain.ticket import Ticket
from deskyard.guarantees.contract import EVIDENCE_DTYPE
from deskyard.model.likeness import LIKENESS_FEATURES, UNGUARDED_LIKENESS, LikenessModel
from deskyard.policy.policy import decide_targets
from deskyard.registry import bundle
from training.data.history import History
from training.data.label_sets import build_label_sets
from training.data.splits import Fold
from training.fit.cross_fitting import HeldOutPredictions, TrainingData, build_evidence, fit_pools
from training.fit.out_of_scope import HELD_OUT_CLUSTERS, MIN_LABELS, N_CLUSTERS, cluster_labels, out_of_scope_folds
from training.pipeline.options import Options
from training.pipeline.run import no_progress, train_model

THEMES = {
    "card": "debit card plastic chip", "travel": "flight hotel luggage visa", "kitchen": "recipe oven dough spice",
    "car": "engine tyre brake petrol", "music": "song album concert guitar", "garden": "flower seed lawn shovel",
}  # fmt: skip
MATTERS = ("lost", "ordered", "broken", "late", "price")


def history(themes, n=1800, seed=0):
    """Thirty labels of six themes: the theme's words, the matter's word, and chatter."""
    rng = np.random.default_rng(seed)
    tickets, labels = [], []
    for i in range(n):
        theme, matter = themes[rng.integers(len(themes))], MATTERS[rng.integers(len(MATTERS))]
        chatter = rng.choice(["please", "help", "hello", "my", "the", "today", "again", "now"], 3)
        words = [matter, *rng.choice(THEMES[theme].split(), 2, replace=False), *chatter]
        tickets.append(Ticket(id=f"{seed}-{i}", subject=" ".join(rng.permutation(words))))
        labels.append(f"{theme} {matter}")
    return History(tickets=tickets, labels={"category": labels}, digest=f"themes {seed}")


@pytest.fixture(scope="module")
def found():
    return train_model(history([*THEMES][:5]), Options(targets=("category",), precision=0.8, effort="quick"))


def test_a_kind_holds_labels_that_are_alike():
    themes = np.repeat(np.arange(5), 4)
    y = np.tile(np.arange(20), 30).astype(np.int32)
    words = np.eye(5)[themes[y]] * 3 + np.eye(20)[y] @ np.eye(20, 5)
    order = np.random.default_rng(0).permutation(20)
    clusters = cluster_labels(sparse.csr_array(words), order[y].astype(np.int32), 20)
    assert sorted(set(clusters.tolist())) == list(range(N_CLUSTERS))
    for theme in range(5):
        assert len(set(clusters[order[themes == theme]].tolist())) == 1


def test_unlabelled_tickets_and_labels_without_tickets_are_of_some_kind_too():
    words = sparse.csr_array(np.ones((6, 3)))
    clusters = cluster_labels(words, np.array([-1, 0, 1, -2, 0, 1], np.int32), 25)
    assert len(clusters) == 25
    assert set(clusters.tolist()) <= set(range(N_CLUSTERS))


def test_the_evidence_holds_out_of_scope_tickets_and_their_likeness(found):
    rows = found.evidence["category"]
    assert set(rows["kind"].tolist()) == {0, 1, 2, 3}
    strange = rows["kind"] > 0
    assert (rows["truth"][strange] < 0).all()
    assert rows["likeness"][~strange].mean() > rows["likeness"][strange].mean() + 1
    assert len(found.scorer.heads["category"].likeness.weights) == 1 + len(LIKENESS_FEATURES)


def test_a_matter_that_no_label_was_learnt_for_is_hardly_ever_routed(found):
    contract = bundle.fit_contract("category", found.evidence["category"], found.scorer.heads["category"].labels, 0.8)

    def routed(tickets):
        answers = found.scorer.predict(tickets)
        return np.mean([contract.decide(answer["category"])[0] is Action.ROUTE for answer in answers])

    assert routed(history([*THEMES][:5], 300, seed=1).tickets) > 0.7
    assert routed(history(["garden"], 300, seed=2).tickets) < 0.1


def test_the_scorer_finds_the_likeness_that_learning_found(found, tmp_path):
    bundle.save_bundle(tmp_path / "b", found.scorer, found.evidence, found.card, {})
    loaded = bundle.load_bundle(tmp_path / "b")
    asked = history([*THEMES], 100, seed=3).tickets
    assert loaded.predict(asked) == found.scorer.predict(asked)
    assert (loaded.evidence["category"] == found.evidence["category"]).all()
    assert loaded.evidence["category"].dtype == EVIDENCE_DTYPE
    likenesses = [answer["category"].likeness for answer in loaded.predict(asked)]
    assert np.std(likenesses) > 0


def test_one_ticket_has_the_likeness_that_it_had_among_many_in_learning():
    past = history([*THEMES])
    material = TrainingData.build(
        past.tickets, past.labels, build_label_sets(past.labels, ("category",), {}), 0, no_progress
    )
    rows, some = np.arange(1200), np.arange(1150, 1400)
    asked = HeldOutPredictions.fit_predict(material, Fold(rows, some))
    pools = fit_pools(asked, material)
    like = LikenessModel(np.arange(1.0, 2 + len(LIKENESS_FEATURES)), asked.margin_profile("category", pools))
    among = build_evidence(asked, "category", pools, material, like)
    labels = {"category": material.label_sets["category"].labels}
    scorer = material.fit(rows).to_scorer(labels, pools, {"category": like})
    alone = [answer["category"].likeness for answer in scorer.predict([past.tickets[i] for i in some])]
    assert alone == pytest.approx(among["likeness"], abs=1e-4)


def test_the_labels_left_out_are_not_heard_of():
    past = history([*THEMES])
    material = TrainingData.build(
        past.tickets, past.labels, build_label_sets(past.labels, ("category",), {}), 0, no_progress
    )
    cut = list(out_of_scope_folds(material, np.arange(len(past))))
    assert [target for target, _ in cut] == ["category"] * len(HELD_OUT_CLUSTERS)
    for target, fold in cut:
        asked = HeldOutPredictions.fit_predict(material, fold)
        left_out = np.unique(asked.true_labels(material, target))
        assert not asked.seen_labels[target][:, left_out].any()
        assert (~asked.seen_labels[target]).sum(axis=1).tolist() == [len(left_out)] * len(fold.predict)


def test_the_card_says_what_the_guard_does(found, make_history):
    past = make_history(500, seed=21, label_noise=0.0, misroutes=0.0)
    trained = train_model(past, Options(targets=("queue",), precision=0.5, effort="quick", audit=False))
    guard = trained.card["targets"]["queue"]["contract"]["guard"]
    assert 0 <= guard["after"] < guard["before"] <= 1
    assert guard["held_out"] >= 100
    assert found.card["targets"]["category"]["contract"]["guard"] is None, "its labels are told apart with certainty"
    assert "by_label" in found.card["targets"]["category"]["contract"]


def test_few_labels_few_tickets_and_other_targets_are_not_guarded(make_history):
    few = history([*THEMES][:1], 300)
    assert len(MATTERS) < MIN_LABELS
    short = make_history(150)
    for past, target in ((few, "category"), (short, "queue"), (short, "assignee")):
        trained = train_model(past, Options(targets=(target,), effort="quick"))
        assert (trained.evidence[target]["kind"] == 0).all()
        assert trained.scorer.heads[target].likeness is None
        assert (trained.evidence[target]["likeness"] == UNGUARDED_LIKENESS).all()


def test_where_the_matter_is_anybodys_guess_the_theme_is_told():
    past = history([*THEMES], 1500)
    guessed = np.random.default_rng(4).choice(MATTERS, 1500)
    labels = [f"{label.split()[0]} > {matter}" for label, matter in zip(past.labels["category"], guessed, strict=True)]
    trained = train_model(
        History(tickets=past.tickets, labels={"category": labels}, digest="guess"),
        Options(targets=("category",), precision=0.9, effort="quick"),
    )
    contract = bundle.fit_contract(
        "category", trained.evidence["category"], trained.scorer.heads["category"].labels, 0.9
    )
    assert contract.threshold is None
    asked = history([*THEMES], 200, seed=9)
    decisions = [
        decide_targets(ticket, answer, {"category": contract})["category"]
        for ticket, answer in zip(asked.tickets, trained.scorer.predict(asked.tickets), strict=True)
    ]
    told = [(d.label, label.split()[0]) for d, label in zip(decisions, asked.labels["category"], strict=True)
            if d.action is Action.ROUTE]  # fmt: skip
    assert len(told) > 150
    assert np.mean([said == theme for said, theme in told]) >= 0.9
    assert trained.card["targets"]["category"]["contract"]["parents"]["labels"] == sorted(THEMES)
