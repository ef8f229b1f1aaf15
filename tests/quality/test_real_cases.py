"""Against a tutorial's pipeline on real tickets, which lie beside the checkout and are never committed."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from deskyard.domain.decision import Action
from deskyard.domain.ticket import Target
from deskyard.guarantees.contract_fitting import fit_contract
from deskyard.policy.policy import decide_targets
from training.data.history import History
from training.data.load import load_history
from training.pipeline.options import Options
from training.pipeline.run import train_model
from training.pipeline.trained import TrainingResult

SHARED = Path(__file__).parents[2].parent / "shared"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the real cases of ../shared are not here")


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    names = ("rutube", "kzgov", "noise", "hwu64")
    subprocess.run([sys.executable, SHARED / "check/cases.py", folder, *names], check=True, capture_output=True)
    return folder


def history(path: Path, most: int) -> History:
    """The first `most` tickets of a case (its order is random)."""
    csv.field_size_limit(10**9)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:most]
    short = path.with_name(f"first-{most}-{path.name}")
    with short.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return load_history([short])


def accuracy(trained: TrainingResult, test: History, target: Target) -> float:
    truth = test.labels[target]
    said = [beliefs[target].label for beliefs in trained.scorer.predict(test.tickets)]
    return float(np.mean([a == b for a, b in zip(said, truth, strict=True)]))


def peers(learn: History, test: History, target: Target) -> float:
    """The better of two pipelines from any tutorial."""
    texts = [[f"{t.subject}\n{t.body}" for t in part.tickets] for part in (learn, test)]
    best = 0.0
    for head in (LogisticRegression(max_iter=300), LinearSVC(C=0.5)):
        pipeline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), head)
        pipeline.fit(texts[0], learn.labels[target])
        best = max(best, float(np.mean(pipeline.predict(texts[1]) == np.array(test.labels[target]))))
    return best


@pytest.mark.parametrize(
    "case", ["kzgov", *(pytest.param(name, marks=pytest.mark.scale) for name in ("hwu64", "rutube"))]
)
def test_it_is_right_more_often_than_a_tutorial(cases: Path, case: str) -> None:
    target: Target = "category"
    learn, test = history(cases / case / "train.csv", 2500), history(cases / case / "test.csv", 1000)
    trained = train_model(learn, Options(targets=(target,)))
    assert accuracy(trained, test, target) > peers(learn, test, target)


def test_random_labels_route_nothing(cases: Path) -> None:
    learn, test = history(cases / "noise" / "train.csv", 1000), history(cases / "noise" / "test.csv", 500)
    trained = train_model(learn, Options(precision=0.9, effort="quick"))
    contracts = {
        target: fit_contract(target, trained.evidence[target], trained.scorer.heads[target].labels, 0.9)
        for target in trained.evidence
    }
    assert contracts
    for ticket, beliefs in zip(test.tickets, trained.scorer.predict(test.tickets), strict=True):
        for decision in decide_targets(ticket, beliefs, contracts).values():
            assert decision.action is not Action.ROUTE
