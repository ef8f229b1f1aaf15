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
from starlette.testclient import TestClient

from deskyard.cli.predict import predict
from deskyard.registry import bundle
from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld

pytestmark = pytest.mark.filterwarnings("ignore")  # mlflow's own

TARGETS = ("priority", "queue")
TICKETS = 600
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
    write_history(SimulatedWorld(seed=3, label_noise=0.01, misroutes=0.01), TICKETS, folder / "history.csv")
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
        out = logged.home.parent / f"said-{precision}.csv"
        predict(str(bundle.find_bundle(logged.home / "models", "champion")), new, out, precision)
        with out.open(encoding="utf-8", newline="") as file:
            said[precision] = list(csv.reader(file))
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
    assert (
        run.data.params.items()
        >= (asked | {"files": "1", "tickets": str(TICKETS), "tickets_judged": str(TICKETS // 5)}).items()
    )
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
    assert len(long) > 150
    # The code of the package, which is logged too, holds the sentences of the simulated tickets.
    told = [kept["mlflow.db"], *(path.read_bytes() for path in files if "code" not in path.parts)]
    assert not [text for text in long if any(text in content for content in told)]
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


ASKED = ((0.8, {}), (0.6, {"params": {"precision": 0.6}}))


def served_body():
    """The rows, without a column that the model doesn't know, as MLflow's server takes them."""
    return {"dataframe_split": asked_of_mlflow().drop(columns="x_unheard").to_dict("split", index=False)}


def test_a_served_model_answers_as_predict_does(client, expected):
    """MLflow's server in this process."""
    from mlflow.pyfunc import load_model, scoring_server

    with TestClient(scoring_server.init(load_model("models:/deskyard@challenger"))) as server:
        for precision, params in ASKED:
            answer = server.post("/invocations", json=served_body() | params)
            assert cells(pd.DataFrame(answer.json()["predictions"])) == expected[precision]


@pytest.mark.scale
def test_a_model_served_by_mlflows_own_command_answers_as_predict_does(logged, expected):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/deskyard@challenger"]
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls uvicorn by its name
    environment = os.environ | {"MLFLOW_TRACKING_URI": logged.uri, "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": beside}
    environment.pop("PYTHONPATH", None)
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
        for precision, params in ASKED:
            answer = answered(server, port, served_body() | params)
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


@pytest.mark.parametrize(("word", "says"), [("--mlflow", "pip install 'deskyard[training]'"), ("--no-mlflow", "")])
def test_training_works_without_mlflow(tiny, command, home, tmp_path, monkeypatch, word, says):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    done = command("train", tiny, "--no-audit", "--effort", "quick", "--out", tmp_path / "b", word)
    assert done.code == 0, done.err
    assert (tmp_path / "b" / "manifest.json").exists()
    assert says in done.err
    assert ("mlflow" in done.err) == bool(says)
    assert not list(Path.cwd().iterdir())
    assert not list(home.glob("*mlflow*.db"))


def test_mlflow_is_imported_by_nothing_but_a_training_that_logs():
    modules = "training.cli.train, deskyard.cli.predict, deskyard.inference.mlflow_pyfunc"
    code = f"import {modules}, sys; print('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_a_store_that_is_down_costs_a_sentence_and_tells_no_password(tiny, command, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    done = command("train", tiny, "--no-audit", "--effort", "quick", "--out", tmp_path / "b", "--mlflow")
    assert done.code == 0
    assert (tmp_path / "b" / "manifest.json").exists()
    (line,) = [line for line in done.err.splitlines() if "mlflow" in line.lower()]
    assert line.startswith("not logged to MLflow (")
    assert line.endswith("the bundle is saved, and --no-mlflow skips logging")
    assert "secret" not in done.err
    assert "Traceback" not in done.err


TOGETHER = """
import os, sys
import mlflow.pyfunc, training.cli.train
from deskyard.cli.main import main
for name in ("a", "b"):
    if not os.fork():
        sys.argv = ["deskyard", "train", *sys.argv[1:], "--out", name]
        sys.stderr = open(f"{name}.txt", "w")
        sys.exit(main())
for _ in range(2):
    os.wait()
"""
"""Two trainings, each in a process that has MLflow already, so that they reach its store at the same time."""


def test_trainings_that_begin_together_are_all_logged(tiny, tmp_path):
    words = [tiny, "--no-audit", "--effort", "quick", "--mlflow"]
    environment = os.environ | {"DESKYARD_HOME": str(tmp_path / "home"), "MLFLOW_TRACKING_URI": ""}
    subprocess.run([sys.executable, "-c", TOGETHER, *words], cwd=tmp_path, env=environment, timeout=300, check=True)
    said = [(tmp_path / f"{name}.txt").read_text() for name in ("a", "b")]
    logged = sorted(line.split("version ")[1][0] for text in said for line in text.splitlines() if "Logged to" in line)
    assert logged == ["1", "2"], said
