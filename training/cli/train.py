"""The door of `deskyard train`: read, train, hand over, show."""

import json
import os
import shlex
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, get_args

import typer

from deskyard.cli.card import print_card
from deskyard.cli.options import takes
from deskyard.cli.progress import ProgressStyle, console, print_json_line, track_as_json, track_with_bar
from deskyard.db.database import desk_database
from deskyard.domain.ticket import TARGETS, Target
from deskyard.errors import BadInput
from deskyard.features.sentence_encoder import ENCODERS, open_encoder
from deskyard.history.columns import ColumnMapping, parse_mapping
from deskyard.inference.batch_prediction import check_precision
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies
from deskyard.registry.bundle import load_bundle as load_bundle
from deskyard.reports.i18n import Language, preferred_language
from deskyard.settings import settings
from training.data.history import History, load_history
from training.data.provenance import Provenance
from training.data.rejected_rows import write_rejected
from training.data.taxonomy import to_current_names
from training.data_audit import format_findings, has_serious
from training.fit.backend import use_backend as on
from training.pipeline.options import Options
from training.pipeline.run import train_model as run
from training.pipeline.trained import TrainingResult
from training.publish import mlflow_tracking
from training.publish.handover import Handover, check_writable, hand_over, write_report


class Effort(StrEnum):
    """How much is tried before a recipe is chosen."""

    QUICK = "quick"
    NORMAL = "normal"
    THOROUGH = "thorough"


class ClassWeight(StrEnum):
    """Which labels a recipe is chosen for."""

    COMMON = "common"
    RARE = "rare"


class DriftHandling(StrEnum):
    """What is done about a desk that changes."""

    IGNORE = "ignore"
    FOLLOW = "follow"


class RowOrder(StrEnum):
    """What tells old tickets from new ones."""

    TIME = "time"
    FILE = "file"


@dataclass(frozen=True)
class TrainOptions:
    """What `deskyard train` was asked."""

    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILES", help="Histories: CSV (.gz), XLSX, JSONL or Parquet.")
    ] = None
    desk: Annotated[
        bool, typer.Option("--desk", help="Learn from the built-in desk's own tickets instead of files.")
    ] = False
    targets: Annotated[str, typer.Option(help="What to learn, a comma list.")] = ",".join(TARGETS)
    precision: Annotated[float, typer.Option(help="The share of routed tickets that must be right.")] = 0.95
    test: Annotated[Path | None, typer.Option(help="Judge on this file; it is never learnt from.")] = None
    moves: Annotated[Path | None, typer.Option(help="The journey: id, at, actor, field, from, to.")] = None
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help='OURS=THEIRS, such as body="Текст обращения", or a TOML file. Repeatable.'),
    ] = None
    order: Annotated[RowOrder, typer.Option(help="Old to new by created_at, or as the file stands.")] = RowOrder.TIME
    out: Annotated[Path | None, typer.Option(help="Write the bundle to this folder.")] = None
    rejected: Annotated[Path, typer.Option(help="Where rows that can't be used are kept.")] = Path("rejected.csv")
    champion: Annotated[bool, typer.Option("--champion", help="Make it the champion, whichever is now.")] = False
    effort: Annotated[Effort, typer.Option(help="How much is tried before a recipe is chosen.")] = Effort.NORMAL
    favour: Annotated[
        ClassWeight, typer.Option(help="Count every ticket alike (common), or every label (rare: costs accuracy).")
    ] = ClassWeight.COMMON
    drift: Annotated[
        DriftHandling,
        typer.Option(help="Follow a desk that changes: leave labels out that come no more, doubt old evidence sooner."),
    ] = DriftHandling.IGNORE
    encoder: Annotated[
        str,
        typer.Option(
            metavar="|".join([*ENCODERS, "FOLDER"]),
            help="Let an encoder read, too: a package, or a local folder of a model2vec or ONNX model.",
        ),
    ] = ""
    seed: Annotated[int, typer.Option(help="The same seed gives the same bundle.")] = 0
    backend: Annotated[
        str, typer.Option(metavar="dask://HOST:PORT", help="Learn on a Dask cluster, not on this machine's cores.")
    ] = ""
    audit: Annotated[bool, typer.Option(help="Look for leaks, copies, wrong labels and the like in the history.")] = (
        True
    )
    strict: Annotated[bool, typer.Option("--strict", help="Save nothing when the audit finds a has_serious thing.")] = (
        False
    )
    lang: Annotated[Language | None, typer.Option(help="The report's language; that of LANG if not said.")] = None
    with_texts: Annotated[
        bool, typer.Option("--with-texts", help="Show the texts of confident mistakes in report.html.")
    ] = False
    mlflow: Annotated[bool, typer.Option(envvar="DESKYARD_MLFLOW", help="Log the run to MLflow, where installed.")] = (
        True
    )
    progress: Annotated[
        ProgressStyle, typer.Option(help="Bars for people, or track_as_json of JSON on standard output for programs.")
    ] = ProgressStyle.BAR
    as_text: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False

    def checked(self) -> None:
        """Raise BadInput where options don't go together."""
        check_precision(self.precision)
        if bool(self.files) == self.desk:
            raise BadInput("name the files of a history, or say --desk to learn from the desk's own tickets.")
        if self.strict and not self.audit:
            raise BadInput("--strict needs the audit: leave --no-audit out.")

    def of_run(self, said: ColumnMapping) -> Options:
        """What of it the training run is asked; `said` is what --map says."""
        return Options(
            targets=parse_targets(self.targets),
            precision=self.precision,
            order=self.order.value,
            seed=self.seed,
            audit=self.audit,
            effort=self.effort.value,
            favour=self.favour.value,
            parents=said.parents,
            drift=self.drift.value,
        )


@takes(TrainOptions)
def train(asked: TrainOptions) -> None:
    """Learn category, priority, queue and assignee from a desk's own history.

    Columns: id, created_at, subject, body, category, priority, queue, assignee; optional requester, organisation,
    channel, language, first_response_at, resolved_at, and x_... for fields known at filing. Others are ignored and
    named.

    Example: `deskyard train history.csv --map body="Текст обращения" --precision 0.95`
    """
    asked.checked()
    said = parse_mapping(asked.mapping or [])
    options = asked.of_run(said)
    check_writable(settings(), asked.out)
    opened = open_encoder(asked.encoder) if asked.encoder else None
    start = time.perf_counter()
    origin = Provenance.from_files(asked.files or [], asked.moves, asked.mapping or [], asked.order.value, asked.test)
    history, judge = _read(asked, said, origin)
    print_read_summary([history, judge] if judge else [history], asked.rejected)
    with on(asked.backend):
        trained = run(
            history, options, judge, track_as_json if asked.progress is ProgressStyle.JSON else track_with_bar, opened
        )
    for line in format_findings(trained.findings):
        _say(line)
    if asked.strict and has_serious(trained.findings):
        _say("nothing was saved: the audit found something serious (--strict)")
        raise typer.Exit(1)
    seconds = time.perf_counter() - start
    done = hand_over(trained, history, settings(), asked.out, seconds, origin, asked.champion)
    command = shlex.join(["deskyard", *sys.argv[1:]])
    told = write_report(trained, done, command, asked.lang or preferred_language(os.environ), asked.with_texts)
    if asked.mlflow:
        with console.status("logging to MLflow"):
            logged = mlflow_tracking.log_run(trained, history, done, seconds, settings())
        _say(logged)
    _tell(asked, trained, done, told)


def _read(asked: TrainOptions, said: ColumnMapping, origin: Provenance) -> tuple[History, History | None]:
    """The history, and the one that judges where one was named."""
    with origin.open_files() as (tables, journeys):
        history = load_history(tables, said, moves=journeys, order=asked.order.value)
    # A priority means the same in both files, also where it depends on the spellings that occur ("Critical").
    levels = {**history.priority_levels, **said.priority}
    judge = load_history([asked.test], replace(said, priority=levels), order=asked.order.value) if asked.test else None
    if asked.out is not None:  # what is written elsewhere is for a desk whose names nobody here knows
        return history, judge
    policy = active_policy()
    return to_current_names(history, policy), None if judge is None else to_current_names(judge, policy)


def _tell(asked: TrainOptions, trained: TrainingResult, done: Handover, told: str) -> None:
    """Say what was made, to a program or to a person."""
    if asked.progress is ProgressStyle.JSON:
        _say(told, done.message)
        print_json_line(bundle=done.folder.name, digest=done.digest, champion=done.champion)
    elif asked.as_text:
        _say(told)
        typer.echo(json.dumps({"bundle": str(done.folder), "digest": done.digest} | trained.card, ensure_ascii=False))
    else:
        print_card(load_bundle(done.folder))
        for line in (told, done.message):
            if line:
                _say(line)


def _say(*parts: str) -> None:
    console.print(*parts, highlight=False, markup=False, soft_wrap=True)


def active_policy() -> Policy:
    """That of the desk here."""
    with desk_database() as database, database.reading() as conn:
        return Policies.current(conn).policy


def parse_targets(text: str) -> tuple[Target, ...]:
    """Those of a comma list, in our order. Raises BadInput for any other name."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = [name for name in names if name not in get_args(Target)]
    if wrong or not names:
        raise BadInput(f"--targets {text}: choose from {','.join(TARGETS)}.")
    return tuple(target for target in TARGETS if target in names)


def print_read_summary(histories: list[History], rejected: Path) -> None:
    """Say what was read, what was ignored and what was rejected, before the long work begins."""
    for history, what in zip(histories, ("tickets read", "tickets to judge on"), strict=False):
        console.print(f"{len(history):,} {what}", highlight=False)
        for note in history.notes:
            console.print(f"  {note}", highlight=False, markup=False)
        for file, columns in history.ignored_columns.items():
            if columns:
                console.print(f"  {file}: ignored columns: {', '.join(columns[:20])}", highlight=False, markup=False)
    rows = [row for history in histories for row in history.rejected]
    if rows:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in Counter(row.reason for row in rows).most_common())
        write_rejected(rows, rejected)
        console.print(f"  {len(rows):,} rows rejected ({reasons}): see {rejected}", highlight=False, markup=False)
    known = {f"{t.subject}\n{t.body}" for t in histories[0].tickets} if len(histories) > 1 else set()
    repeated = sum(f"{t.subject}\n{t.body}" in known for t in histories[-1].tickets) if known else 0
    if repeated:
        console.print(f"  {repeated:,} tickets to judge on have the text of a learnt one: what they show flatters")
