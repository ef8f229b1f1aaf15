"""The command `deskyard train`: read a history, train a model, save and register it, print the results."""

import json
import os
import shlex
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from deskyard.cli.card import print_card
from deskyard.cli.options import options_from_dataclass
from deskyard.cli.progress import ProgressStyle, console, print_json_line, track_as_json, track_with_bar
from deskyard.db.database import desk_database
from deskyard.desk import tickets
from deskyard.desk.catalogue import load_catalogue
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.label_spelling import select_spellings
from deskyard.domain.ticket import TARGETS, Target
from deskyard.errors import BadInput
from deskyard.features.sentence_encoder import ENCODERS, open_encoder
from deskyard.history.column_recognition import list_names
from deskyard.history.columns import ColumnMapping, parse_mapping
from deskyard.inference.batch_prediction import check_precision
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies
from deskyard.registry.bundle import load_bundle
from deskyard.reports.i18n import Language, preferred_language
from deskyard.settings import settings
from training.data.history import History
from training.data.label_cleaning import NO_NAMES, KnownLabels, label_names
from training.data.load import load_history
from training.data.provenance import Provenance
from training.data.rejected_rows import describe_rejections, write_rejected
from training.data.taxonomy import to_current_names
from training.data_audit import format_findings, has_serious
from training.fit.backend import use_backend
from training.pipeline.options import Options
from training.pipeline.run import train_model
from training.pipeline.trained import TrainingResult
from training.publish import mlflow_tracking
from training.publish.handover import Handover, check_writable, hand_over, write_report


class Effort(StrEnum):
    """How much is spent on tuning."""

    QUICK = "quick"
    NORMAL = "normal"
    THOROUGH = "thorough"


class ClassWeight(StrEnum):
    """Whether rare labels count more than their tickets."""

    NONE = "none"
    BALANCED = "balanced"


class DriftHandling(StrEnum):
    """How to treat a desk that changes."""

    IGNORE = "ignore"
    FOLLOW = "follow"


class RowOrder(StrEnum):
    """How tickets are ordered from old to new."""

    TIME = "time"
    FILE = "file"


@dataclass(frozen=True)
class TrainOptions:
    """The arguments and options of `deskyard train`."""

    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILES", help="Histories: CSV (.gz), XLSX, XLS, ODS, JSON, Parquet.")
    ] = None
    desk: Annotated[bool, typer.Option("--desk", help="Train on the built-in desk's own tickets instead of files.")] = (
        False
    )
    targets: Annotated[str, typer.Option(help="Targets to predict, separated by commas.")] = ",".join(TARGETS)
    precision: Annotated[float, typer.Option(help="The share of routed tickets that must be right.")] = 0.95
    test: Annotated[Path | None, typer.Option(help="Evaluate on this file; it is not trained on.")] = None
    moves: Annotated[Path | None, typer.Option(help="The ticket history: id, at, actor, field, from, to.")] = None
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help='OURS=THEIRS, such as body="Текст обращения", or a TOML file. Repeatable.'),
    ] = None
    sheet: Annotated[str, typer.Option(help="The sheet that holds the tickets: its name or number.")] = ""
    order: Annotated[RowOrder, typer.Option(help="Order by created_at, or as in the file.")] = RowOrder.TIME
    out: Annotated[Path | None, typer.Option(help="Write the bundle to this folder.")] = None
    rejected: Annotated[Path, typer.Option(help="Where to write rows that can't be used.")] = Path("rejected.csv")
    champion: Annotated[bool, typer.Option("--champion", help="Make it the champion in any case.")] = False
    effort: Annotated[Effort, typer.Option(help="How much is spent on tuning.")] = Effort.NORMAL
    class_weight: Annotated[
        ClassWeight,
        typer.Option(
            help="Weigh tickets equally (none), or labels equally (balanced: finds rare labels, costs accuracy)."
        ),
    ] = ClassWeight.NONE
    drift: Annotated[
        DriftHandling,
        typer.Option(help="Follow a desk that changes: drop discontinued labels, discount old evidence sooner."),
    ] = DriftHandling.IGNORE
    encoder: Annotated[
        str,
        typer.Option(
            metavar="|".join([*ENCODERS, "FOLDER"]),
            help="Also use a sentence encoder: a package, or a local folder of a model2vec or ONNX model.",
        ),
    ] = ""
    seed: Annotated[int, typer.Option(help="The same seed gives the same bundle.")] = 0
    backend: Annotated[
        str, typer.Option(metavar="dask://HOST:PORT", help="Train on a Dask cluster instead of this machine.")
    ] = ""
    audit: Annotated[
        bool, typer.Option(help="Check the history for leaks, duplicates, wrong labels and similar problems.")
    ] = True
    strict: Annotated[
        bool, typer.Option("--strict", help="Save nothing if the data audit finds a serious problem.")
    ] = False
    lang: Annotated[Language | None, typer.Option(help="The report's language; by default that of LANG.")] = None
    with_texts: Annotated[
        bool, typer.Option("--with-texts", help="Show the texts of confident mistakes in report.html.")
    ] = False
    mlflow: Annotated[bool, typer.Option(envvar="DESKYARD_MLFLOW", help="Log the run to MLflow, if installed.")] = True
    progress: Annotated[ProgressStyle, typer.Option(help="Progress bars, or lines of JSON on standard output.")] = (
        ProgressStyle.BAR
    )
    as_text: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False

    def check(self) -> None:
        """Raises BadInput for options that can't be combined."""
        check_precision(self.precision)
        if bool(self.files) == self.desk:
            raise BadInput("name the files of a history, or use --desk for the desk's own tickets.")
        if self.strict and not self.audit:
            raise BadInput("--strict needs the audit: leave --no-audit out.")

    def to_run_options(self, mapping: ColumnMapping) -> Options:
        """The options of the training run; `mapping` is the parsed --map."""
        return Options(
            targets=parse_targets(self.targets),
            precision=self.precision,
            order=self.order.value,
            seed=self.seed,
            audit=self.audit,
            effort=self.effort.value,
            class_weight=self.class_weight.value,
            parents=mapping.parents,
            drift=self.drift.value,
        )


@options_from_dataclass(TrainOptions)
def train(arguments: TrainOptions) -> None:
    """Train a model for category, priority, queue and assignee on a desk's history.

    Columns: id, created_at, subject, body, category, priority, queue, assignee; optionally requester, organisation,
    channel, language, first_response_at, resolved_at, and x_... for fields known when a ticket is received. Columns of
    help desks' exports are recognised by their names and cells; other columns are ignored and listed.

    Example: `deskyard train history.csv --map body="Текст обращения" --precision 0.95`
    """
    arguments.check()
    said = [*(arguments.mapping or []), *([f"sheet={arguments.sheet}"] if arguments.sheet else [])]
    mapping = parse_mapping(said)
    options = arguments.to_run_options(mapping)
    check_writable(settings(), arguments.out)
    encoder = open_encoder(arguments.encoder) if arguments.encoder else None
    start = time.perf_counter()
    origin = Provenance.from_files(arguments.files or [], arguments.moves, said, arguments.order.value, arguments.test)
    history, test = _load(arguments, mapping, origin)
    origin = origin.with_labels_of(history)
    print_read_summary([history, test] if test else [history], arguments.rejected)
    progress = track_as_json if arguments.progress is ProgressStyle.JSON else track_with_bar
    with use_backend(arguments.backend):
        trained = train_model(history, options, test, progress, encoder)
    for line in format_findings(trained.findings):
        _print_message(line)
    if arguments.strict and has_serious(trained.findings):
        _print_message("nothing was saved: the audit found something serious (--strict)")
        raise typer.Exit(1)
    seconds = time.perf_counter() - start
    handover = hand_over(trained, history, settings(), arguments.out, seconds, origin, arguments.champion)
    command = shlex.join(["deskyard", *sys.argv[1:]])
    language = arguments.lang or preferred_language(os.environ)
    report = write_report(trained, handover, command, language, arguments.with_texts)
    if arguments.mlflow:
        with console.status("logging to MLflow"):
            logged = mlflow_tracking.log_run(trained, history, handover, seconds, settings())
        _print_message(logged)
    _print_result(arguments, trained, handover, report)


def _load(arguments: TrainOptions, mapping: ColumnMapping, origin: Provenance) -> tuple[History, History | None]:
    """The history, and the test history if one was given."""
    order: Literal["time", "file"] = arguments.order.value
    known = desk_names() if arguments.out is None else NO_NAMES
    with origin.open_files() as (tables, moves):
        history = load_history(tables, mapping, moves=moves, order=order, known_labels=known)
    test = load_test_history(arguments.test, history, order) if arguments.test else None
    if arguments.out is not None:  # a bundle for another desk, whose taxonomy is not known here
        return history, test
    policy = active_policy()
    return to_current_names(history, policy), None if test is None else to_current_names(test, policy)


def _print_result(arguments: TrainOptions, trained: TrainingResult, handover: Handover, report: str) -> None:
    """Print the result for a program or for a person; `report` says where the report is."""
    if arguments.progress is ProgressStyle.JSON:
        _print_message(report, handover.message)
        print_json_line(bundle=handover.folder.name, digest=handover.digest, champion=handover.champion)
    elif arguments.as_text:
        _print_message(report)
        document = {"bundle": str(handover.folder), "digest": handover.digest} | trained.card
        typer.echo(json.dumps(document, ensure_ascii=False))
    else:
        print_card(load_bundle(handover.folder))
        for line in (report, handover.message):
            if line:
                _print_message(line)


def _print_message(*parts: str) -> None:
    console.print(*parts, highlight=False, markup=False, soft_wrap=True)


def load_test_history(path: Path | str, history: History, order: Literal["time", "file"]) -> History:
    """The test file of a history: its labels and priorities are spelled and understood as in that history."""
    mapping = history.mapping
    # A priority has the same meaning in both files, even if it depends on the spellings that occur ("Critical").
    levels = {**history.priority_levels, **mapping.priority}
    return load_history([path], replace(mapping, priority=levels), order=order, known_labels=label_names(history))


def desk_names() -> KnownLabels:
    """The names of the desk's open queues and present agents, whose spelling labels get.

    Of spellings of one queue, those without any ticket are left out where another one has tickets.
    """
    with desk_database() as database, database.reading() as conn:
        catalogue, used = load_catalogue(conn), tickets.count_by_queue(conn)
    queues = [name for name in catalogue.queues if name in used or not select_spellings(used, [name])]
    return {"queue": [name for name in queues if name != TRIAGE], "assignee": list(catalogue.agents)}


def active_policy() -> Policy:
    """The current policy of the desk."""
    with desk_database() as database, database.reading() as conn:
        return Policies.current(conn).policy


def parse_targets(text: str) -> tuple[Target, ...]:
    """The targets in a comma-separated list, in canonical order. Raises BadInput for unknown names."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in get_args(Target)]
    if unknown or not names:
        raise BadInput(f"--targets {text}: choose from {','.join(TARGETS)}.")
    return tuple(target for target in TARGETS if target in names)


def print_read_summary(histories: list[History], rejected: Path) -> None:
    """Print what was read, ignored and rejected, before the training starts."""
    for history, what in zip(histories, ("tickets read", "tickets to evaluate on"), strict=False):
        console.print(f"{len(history):,} {what}", highlight=False)
        for note in history.notes:
            console.print(f"  {note}", highlight=False, markup=False, soft_wrap=True)
        for file, columns in history.ignored_columns.items():
            if columns:
                console.print(f"  {file}: ignored columns: {list_names(columns)}", highlight=False, markup=False)
    rows = [row for history in histories for row in history.rejected]
    if rows:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in Counter(row.reason for row in rows).most_common())
        write_rejected(rows, rejected)
        console.print(f"  {len(rows):,} rows rejected ({reasons}): see {rejected}", highlight=False, markup=False)
        for history in histories:
            if loud := describe_rejections(history.rejected, len(history)):
                _print_message(f"warning: {loud[0]}: {loud[1]}")
    known = {f"{t.subject}\n{t.body}" for t in histories[0].tickets} if len(histories) > 1 else set()
    repeated = sum(f"{t.subject}\n{t.body}" in known for t in histories[-1].tickets) if known else 0
    if repeated:
        console.print(
            f"  {repeated:,} tickets to evaluate on have the text of a training ticket: the score is optimistic"
        )
