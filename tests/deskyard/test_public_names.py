"""`import deskyard` costs nothing, and its few names do what they say."""

import subprocess
import sys

import pandas as pd
import pytest

import deskyard
from deskyard.errors import BundleMissing
from deskyard.settings import settings
from training.pipeline.options import Options


def test_the_import_loads_no_library_until_a_name_is_used():
    code = (
        "import sys, deskyard; heavy = {'numpy', 'pandas', 'sklearn', 'scipy', 'sqlalchemy', 'fastapi', 'mlflow'};"
        "print(sorted(heavy & set(sys.modules))); deskyard.load; print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "True"]


def test_the_public_names_are_listed_and_no_others_resolve():
    assert deskyard.__all__ == ["Ticket", "__version__", "load", "train"]
    assert set(deskyard.__all__) <= set(dir(deskyard))
    for name in deskyard.__all__:
        assert getattr(deskyard, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'predict'"):
        deskyard.predict  # noqa: B018


def test_a_loaded_champion_answers_a_dataframe_as_the_command_answers_a_file(champion, monkeypatch, command, tmp_path):
    tickets = pd.DataFrame(
        {"id": ["b", "a"], "subject": ["the vpn client drops the connection", "the invoice shows a wrong amount"]},
        index=[7, 3],
    )
    file = tmp_path / "new.csv"
    tickets.to_csv(file, index=False)
    monkeypatch.setenv("DESKYARD_HOME", str(champion))
    settings.cache_clear()
    predictions = deskyard.load("champion").predict(tickets)
    assert list(predictions.index) == [7, 3]
    assert command("predict", "champion", file, "--out", tmp_path / "out.csv").code == 0
    by_command = pd.read_csv(tmp_path / "out.csv", dtype=str)
    assert list(predictions.columns) == list(by_command.columns)
    assert predictions["queue"].tolist() == by_command["queue"].tolist() == ["IT", "Billing"]
    assert predictions["queue_top"].tolist() == by_command["queue_top"].tolist()


def test_a_stricter_precision_routes_no_more(champion):
    model = deskyard.load(str(champion / "models" / "tiny"))
    tickets = pd.DataFrame({"id": ["1"], "subject": ["the vpn client drops the connection and the laptop is offline"]})
    actions = [model.predict(tickets, precision=share)["queue_action"][0] for share in (0.9, 0.9999)]
    assert actions == ["route", "suggest"]


def test_a_name_that_is_no_bundle_is_refused_with_what_to_do(champion):
    with pytest.raises(BundleMissing, match="deskyard train"):
        deskyard.load("champion", champion / "empty")


@pytest.mark.slow
def test_train_fits_a_history(past):
    result = deskyard.train(past, Options(precision=0.8, effort="quick", targets=("queue",)), with_random_split=False)
    assert set(result.evaluations) == {"queue"}
