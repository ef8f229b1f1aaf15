"""MLflow: a run can be looked up with all its figures, and its registered version answers as `deskyard predict`."""

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld

pytestmark = pytest.mark.filterwarnings("ignore")  # mlflow's own

TARGETS = ("priority", "queue")
PARTS = ("", "_confidence", "_action", "_top")
NEW = (
    "id,subject,body,created_at,x_product,x_unheard\n"
    "007,VPN drops,the vpn client disconnects every hour,2025-03-04,VPN,1\n"
    "б-1,Не печатает принтер,Мигает красная лампа «бумага»,,,\n"
    "3,,,,,\n"
    "007,again,the same id,yesterday,,\n"
    ",without an id,an invoice is wrong,,,\n"
    '4,"a ""quoted"", subject","two\nlines 🔥",04.03.2025,Mail,\n'
)


class Logged(NamedTuple):
    """A home in which one training was logged, and what the command said."""

    home: Path
    history: Path
    said: str

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.home / 'mlflow.db'}"


def deskyard(home, *words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "deskyard", *map(str, words)],
        env=os.environ | {"DESKYARD_HOME": str(home), "MLFLOW_TRACKING_URI": "", **environment},
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logged")
    write_history(SimulatedWorld(seed=3, label_noise=0.01, misroutes=0.01), 800, folder / "history.csv")
    asked = ("--targets", ",".join(TARGETS), "--precision", "0.8", "--effort", "quick")
    said = deskyard(folder / "home", "train", folder / "history.csv", *asked, "--mlflow")
    assert said.returncode == 0, said.stderr
    assert "Warning" not in said.stderr
    assert "INFO" not in said.stderr
    return Logged(folder / "home", folder / "history.csv", said.stderr)


@pytest.fixture
def client(logged, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", logged.uri)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setattr(sys, "path", list(sys.path))
    from mlflow import MlflowClient

    return MlflowClient()


@pytest.fixture
def run(client):
    (found,) = client.search_runs([client.get_experiment_by_name("deskyard").experiment_id])
    return found


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A history that is learnt in a moment."""
    path = tmp_path_factory.mktemp("tiny") / "history.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "body", "queue"))
        writer.writerows((n, ("vpn is down", "invoice is wrong")[n % 2], "AB"[n % 2]) for n in range(40))
    return path


@pytest.fixture(scope="module")
def expected(logged):
    """What `deskyard predict` writes of some difficult rows, at two precisions."""
    new = logged.home.parent / "new.csv"
    new.write_text(NEW, "utf-8")
    said = {}
    for precision in (0.8, 0.6):
        done = deskyard(logged.home, "predict", "champion", new, "--precision", precision)
        said[precision] = list(csv.reader(io.StringIO(done.stdout)))
    return said


def cells(frame):
    """As a CSV would hold them."""
    return list(csv.reader(io.StringIO(frame.to_csv(index=False))))


def asked_of_mlflow():
    return pd.read_csv(io.StringIO(NEW), dtype=str, keep_default_na=False)


def test_a_run_holds_what_was_asked_what_came_out_and_where_it_came_from(logged, client, run):
    bundle = (logged.home / "models" / "CURRENT").read_text().strip()
    card = json.loads(next((logged.home / "models" / bundle).glob("*/card.json")).read_text("utf-8"))
    digest = json.loads((logged.home / "models" / bundle / "manifest.json").read_text("utf-8"))["digest"]
    assert run.info.run_name == bundle
    assert run.info.status == "FINISHED"
    asked = {"targets": "priority,queue", "precision": "0.8", "order": "time", "seed": "0", "audit": "True"}
    assert run.data.params.items() >= (asked | {"files": "1", "tickets": "800", "tickets_judged": "160"}).items()
    tags = {name: value for name, value in run.data.tags.items() if name.startswith("deskyard.")}
    assert tags == {
        "deskyard.data": card["learnt_from"]["digest"],
        "deskyard.bundle": digest,
        "deskyard.version": card["versions"]["deskyard"],
    }
    for target in TARGETS:
        score = {name: value for name, value in card["targets"][target]["score"].items() if value is not None}
        assert {name: run.data.metrics[f"{target}/{name}"] for name in score} == pytest.approx(score)
    severities = [finding["severity"] for finding in card["findings"]]
    assert run.data.metrics["findings/note"] == severities.count("note") > 0
    (dataset,) = run.inputs.dataset_inputs
    assert card["learnt_from"]["digest"].startswith(dataset.dataset.digest)
    folder = Path(client.download_artifacts(run.info.run_id, ""))
    assert json.loads((folder / "card.json").read_text("utf-8")) == card
    assert json.loads((folder / "findings.json").read_text("utf-8")) == card["findings"]
    assert f"numpy=={card['versions']['numpy']}" in (folder / "environment.txt").read_text().splitlines()


def test_curves_have_steps_and_agree_with_the_score(client, run):
    learnt = [point.step for point in client.get_metric_history(run.info.run_id, "queue/learning_curve")]
    assert learnt == sorted(learnt)
    assert len(learnt) == 4
    coverage = {p.step: p.value for p in client.get_metric_history(run.info.run_id, "queue/coverage_at")}
    precision = {p.step: p.value for p in client.get_metric_history(run.info.run_id, "queue/precision_at")}
    assert list(coverage) == list(range(800, 1000, 10))
    assert coverage[800] == run.data.metrics["queue/coverage"] > 0
    assert precision[800] == run.data.metrics["queue/precision"]
    assert coverage[990] == 0
    assert 990 not in precision


def test_the_first_bundle_is_challenger_and_champion_of_the_registered_model(logged, client, run):
    for alias in ("challenger", "champion"):
        found = client.get_model_version_by_alias("deskyard", alias)
        assert (str(found.version), found.run_id) == ("1", run.info.run_id)
    assert found.tags["deskyard.bundle"] == run.data.tags["deskyard.bundle"]
    assert f"Logged to MLflow ({logged.uri}): version 1 of the registered model deskyard, challenger and champion." in (
        logged.said
    )


def test_nothing_is_pickled_and_no_ticket_reaches_the_store(logged):
    files = [path for path in (logged.home / "mlflow-artifacts").rglob("*") if path.is_file()]
    kept = {path.name: path.read_bytes() for path in [logged.home / "mlflow.db", *files]}
    assert {"MLmodel", "manifest.json", "card.json", "mlflow_pyfunc.py"} <= set(kept)
    assert not [name for name in kept if name.endswith((".pkl", ".pickle", ".joblib", ".cloudpickle", ".pyc"))]
    with logged.history.open(encoding="utf-8", newline="") as file:
        texts = {text.strip() for row in csv.DictReader(file) for text in (row["body"], *row["body"].splitlines())}
    long = [text.encode() for text in texts if len(text) > 60]
    assert len(long) > 300
    assert not [text for text in long if any(text in content for content in kept.values())]
    elsewhere = {path.name for path in logged.home.parent.iterdir()}
    assert "mlruns" not in elsewhere
    environment = kept["environment.txt"].decode() + kept["requirements.txt"].decode()
    assert "/" not in environment
    assert "@" not in environment


def test_a_loaded_model_answers_as_predict_does(client, expected):
    import mlflow

    model = mlflow.pyfunc.load_model("models:/deskyard@challenger")
    assert cells(model.predict(asked_of_mlflow())) == expected[0.8]
    assert cells(model.predict(asked_of_mlflow(), params={"precision": 0.6})) == expected[0.6]
    assert cells(model.predict(pd.read_csv(io.StringIO(NEW), dtype={"id": str}))) == expected[0.8]
    assert {row[7] for row in expected[0.8]} > {"queue_action", "leave"}


@pytest.mark.spark
def test_local_spark_answers_as_predict_does(client, expected, monkeypatch):
    for name in ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"):
        monkeypatch.setenv(name, sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    import mlflow
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import struct

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.driver.host", "127.0.0.1").getOrCreate()
    try:
        version, asked = "models:/deskyard@challenger", asked_of_mlflow()
        new = spark.createDataFrame(asked.astype(object).values.tolist(), schema=list(asked.columns)).coalesce(1)
        shape = ", ".join(
            f"{name} {'double' if name.endswith('_confidence') else 'string'}" for name in expected[0.6][0]
        )
        answer = mlflow.pyfunc.spark_udf(
            spark, version, result_type=shape, env_manager="local", params={"precision": 0.6}
        )
        told = new.select(answer(struct(*asked.columns)).alias("told")).select("told.*").toPandas()
    finally:
        spark.stop()
    assert cells(told) == expected[0.6]


def test_a_loaded_model_takes_any_cells_and_any_columns(client):
    import mlflow

    model = mlflow.pyfunc.load_model("models:/deskyard@champion")
    names = [spec["name"] for spec in model.metadata.signature.outputs.to_dict()]
    typed = model.predict(pd.DataFrame({"id": [12.0, None], "subject": ["VPN drops", "VPN"], "x_new": [[1], {}]}))
    assert typed["id"].tolist() == ["12", ""]
    assert list(typed.columns) == names == ["id", *[f"{t}{p}" for t in TARGETS for p in PARTS]]
    none = model.predict(pd.DataFrame({"id": [], "body": []}))
    assert (list(none.columns), len(none)) == (names, 0)
    for wrong, says in (({"body": ["x"]}, "missing inputs"), ({"id": ["1"]}, "neither 'subject' nor 'body'")):
        with pytest.raises(Exception, match=says):
            model.predict(pd.DataFrame(wrong))
    with pytest.raises(Exception, match="share from 0"):
        model.predict(pd.DataFrame({"id": ["1"], "body": ["x"]}), params={"precision": 2.0})


NEEDS = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"mlflow", "sklearn", "typer", "sqlalchemy", "pydantic_settings", "fastapi", "joblib"}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Absent())
sys.path.insert(0, sys.argv[1])
import pandas as pd
from deskyard.inference import mlflow_pyfunc
assert mlflow_pyfunc.__file__.startswith(sys.argv[1])
print(mlflow_pyfunc._load_pyfunc(sys.argv[2]).predict(pd.DataFrame({"id": ["1"], "body": ["vpn"]})).to_csv(index=False))
"""


def test_a_registered_version_needs_no_deskyard_and_only_the_libraries_it_names(client):
    folder = Path(client.get_logged_model(client.search_logged_models(["1"])[0].model_id).artifact_location[7:])
    (data,) = (folder / "data").iterdir()
    said = subprocess.run(
        [sys.executable, "-c", NEEDS, folder / "code", data], capture_output=True, text=True, env={"PATH": ""}
    )
    assert said.stdout.startswith("id,priority,"), said.stderr


def test_a_served_model_answers_as_predict_does(logged, expected):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/deskyard@challenger"]
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls uvicorn by its name
    environment = os.environ | {"MLFLOW_TRACKING_URI": logged.uri, "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": beside}
    environment.pop("PYTHONPATH", None)
    frame = asked_of_mlflow()
    body = {"dataframe_split": frame.drop(columns="x_unheard").to_dict("split", index=False)}
    with (logged.home / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)],
            cwd=logged.home,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        for precision, params in ((0.8, {}), (0.6, {"params": {"precision": 0.6}})):
            answer = answered(server, port, body | params)
            assert cells(pd.DataFrame(answer["predictions"])) == expected[precision]
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


def answered(server, port, body, patience=120.0):
    """The answer of a server that may still be starting."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    until = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error
        except OSError:
            assert server.poll() is None
            assert time.monotonic() < until
            time.sleep(0.2)


WITHOUT = """
import sys
sys.modules["mlflow"] = None
from deskyard.cli.main import main
sys.argv = ["deskyard", "train", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize(("word", "says"), [("--mlflow", "pip install 'deskyard[training]'"), ("--no-mlflow", "")])
def test_training_works_without_mlflow(tiny, tmp_path, word, says):
    words = [tiny, "--no-audit", "--out", tmp_path / "b", word]
    done = subprocess.run([sys.executable, "-c", WITHOUT, *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "b" / "manifest.json").exists()
    assert says in done.stderr
    assert ("mlflow" in done.stderr) == bool(says)
    assert not (tmp_path / "var").exists()


def test_mlflow_is_imported_by_nothing_but_a_training_that_logs():
    modules = "training.cli.train, deskyard.cli.predict, deskyard.inference.mlflow_pyfunc"
    code = f"import {modules}, sys; print('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_a_store_that_is_down_costs_a_sentence_and_tells_no_password(tiny, tmp_path):
    down = {"MLFLOW_TRACKING_URI": "http://me:secret@127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    words = ("train", tiny, "--no-audit", "--out", tmp_path / "b", "--mlflow")
    done = deskyard(tmp_path / "home", *words, **down)
    assert done.returncode == 0
    assert (tmp_path / "b" / "manifest.json").exists()
    (line,) = [line for line in done.stderr.splitlines() if "mlflow" in line.lower()]
    assert line.startswith("not logged to MLflow (")
    assert line.endswith("the bundle is saved, and --no-mlflow skips logging")
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_trainings_that_begin_together_are_all_logged(tiny, tmp_path):
    words = [sys.executable, "-m", "deskyard", "train", tiny, "--no-audit", "--mlflow", "--targets", "queue"]
    environment = os.environ | {"DESKYARD_HOME": str(tmp_path / "home"), "MLFLOW_TRACKING_URI": ""}
    both = [
        subprocess.Popen([*words, "--out", tmp_path / name], cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
        for name in ("a", "b")
    ]
    said = [process.communicate(timeout=200)[1].decode() for process in both]
    logged = sorted(line.split("version ")[1][0] for text in said for line in text.splitlines() if "Logged to" in line)
    assert logged == ["1", "2"], said
