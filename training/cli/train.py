"""The door of `deskyard train`: read, train, hand over, show."""

import json
import os
import shlex
import sys
import time
from collections import Counter
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, get_args

import typer

from deskyard.cli.card import show
from deskyard.cli.progress import Shown, bar, console, lines, tell
from deskyard.db.database import desk_database
from deskyard.domain.ticket import TARGETS, Target
from deskyard.errors import BadInput
from deskyard.features.sentence_encoder import ENCODERS, open_encoder
from deskyard.history.columns import parse_map
from deskyard.inference.batch_prediction import check_precision
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies
from deskyard.registry.bundle import load as load_bundle
from deskyard.reports.i18n import Language, preferred
from deskyard.settings import settings
from training.data.history import History, load
from training.data.provenance import Origin
from training.data.rejected_rows import write_rejected
from training.data.taxonomy import of_today
from training.data_audit import report_lines, serious
from training.fit.backend import backend as on
from training.pipeline.run import Options
from training.pipeline.run import train as run
from training.publish import mlflow_tracking
from training.publish.handover import hand_over, leave_report, refuse_unwritable


class Effort(StrEnum):
    """How much is tried before a recipe is chosen."""

    QUICK = "quick"
    NORMAL = "normal"
    THOROUGH = "thorough"


class Favour(StrEnum):
    """Which labels a recipe is chosen for."""

    COMMON = "common"
    RARE = "rare"


class Following(StrEnum):
    """What is done about a desk that changes."""

    IGNORE = "ignore"
    FOLLOW = "follow"


class Order(StrEnum):
    """What tells old tickets from new ones."""

    TIME = "time"
    FILE = "file"


def train(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILES", help="Histories: CSV (.gz), XLSX, JSONL or Parquet.")
    ] = None,
    desk: Annotated[
        bool, typer.Option("--desk", help="Learn from the built-in desk's own tickets instead of files.")
    ] = False,
    targets: Annotated[str, typer.Option(help="What to learn, a comma list.")] = ",".join(TARGETS),
    precision: Annotated[float, typer.Option(help="The share of routed tickets that must be right.")] = 0.95,
    test: Annotated[Path | None, typer.Option(help="Judge on this file; it is never learnt from.")] = None,
    moves: Annotated[Path | None, typer.Option(help="The journey: id, at, actor, field, from, to.")] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help='OURS=THEIRS, such as body="Текст обращения", or a TOML file. Repeatable.'),
    ] = None,
    order: Annotated[Order, typer.Option(help="Old to new by created_at, or as the file stands.")] = Order.TIME,
    out: Annotated[Path | None, typer.Option(help="Write the bundle to this folder.")] = None,
    rejected: Annotated[Path, typer.Option(help="Where rows that can't be used are kept.")] = Path("rejected.csv"),
    champion: Annotated[bool, typer.Option("--champion", help="Make it the champion, whichever is now.")] = False,
    effort: Annotated[Effort, typer.Option(help="How much is tried before a recipe is chosen.")] = Effort.NORMAL,
    favour: Annotated[
        Favour, typer.Option(help="Count every ticket alike (common), or every label (rare: costs accuracy).")
    ] = Favour.COMMON,
    drift: Annotated[
        Following,
        typer.Option(help="Follow a desk that changes: leave labels out that come no more, doubt old evidence sooner."),
    ] = Following.IGNORE,
    encoder: Annotated[
        str,
        typer.Option(
            metavar="|".join([*ENCODERS, "FOLDER"]),
            help="Let an encoder read, too: a package, or a local folder of a model2vec or ONNX model.",
        ),
    ] = "",
    seed: Annotated[int, typer.Option(help="The same seed gives the same bundle.")] = 0,
    backend: Annotated[
        str, typer.Option(metavar="dask://HOST:PORT", help="Learn on a Dask cluster, not on this machine's cores.")
    ] = "",
    audit: Annotated[
        bool, typer.Option(help="Look for leaks, copies, wrong labels and the like in the history.")
    ] = True,
    strict: Annotated[
        bool, typer.Option("--strict", help="Save nothing when the audit finds a serious thing.")
    ] = False,
    lang: Annotated[Language | None, typer.Option(help="The report's language; that of LANG if not said.")] = None,
    with_texts: Annotated[
        bool, typer.Option("--with-texts", help="Show the texts of confident mistakes in report.html.")
    ] = False,
    mlflow: Annotated[
        bool, typer.Option(envvar="DESKYARD_MLFLOW", help="Log the run to MLflow, where installed.")
    ] = True,
    progress: Annotated[
        Shown, typer.Option(help="Bars for people, or lines of JSON on standard output for programs.")
    ] = Shown.BAR,
    as_text: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Learn category, priority, queue and assignee from a desk's own history.

    Columns: id, created_at, subject, body, category, priority, queue, assignee; optional requester, organisation,
    channel, language, first_response_at, resolved_at, and x_... for fields known at filing. Others are ignored and
    named.

    Example: `deskyard train history.csv --map body="Текст обращения" --precision 0.95`
    """
    check_precision(precision)
    if bool(files) == desk:
        raise BadInput("name the files of a history, or say --desk to learn from the desk's own tickets.")
    if strict and not audit:
        raise BadInput("--strict needs the audit: leave --no-audit out.")
    said = parse_map(mapping or [])
    options = Options(
        targets_of(targets), precision, order.value, seed, audit, effort.value, favour.value, said.parents, drift.value
    )
    refuse_unwritable(settings(), out)
    opened = open_encoder(encoder) if encoder else None
    start = time.perf_counter()
    walk = lines if progress is Shown.JSON else bar
    origin = Origin.of(files or [], moves, mapping or [], order.value, test)
    with origin.files() as (tables, journeys):
        history = load(tables, said, moves=journeys, order=order.value)
    # A priority means the same in both files, also where it depends on the spellings that occur ("Critical").
    levels = {**history.priority_levels, **said.priority}
    judge = load([test], replace(said, priority=levels), order=order.value) if test else None
    if out is None:  # what is written elsewhere is for a desk whose names nobody here knows
        policy = policy_in_force()
        history, judge = of_today(history, policy), None if judge is None else of_today(judge, policy)
    say_what_was_read([history, judge] if judge else [history], rejected)
    with on(backend):
        trained = run(history, options, judge, walk, opened)
    for line in report_lines(trained.findings):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if strict and serious(trained.findings):
        console.print("nothing was saved: the audit found something serious (--strict)", highlight=False, markup=False)
        raise typer.Exit(1)
    seconds = time.perf_counter() - start
    done = hand_over(trained, history, settings(), out, seconds, origin, champion)
    command = shlex.join(["deskyard", *sys.argv[1:]])
    told = leave_report(trained, done, command, lang or preferred(os.environ), with_texts)
    if mlflow:
        with console.status("logging to MLflow"):
            logged = mlflow_tracking.log(trained, history, done, seconds, settings())
        console.print(logged, highlight=False, markup=False, soft_wrap=True)
    if progress is Shown.JSON:
        console.print(told, done.told, highlight=False, markup=False, soft_wrap=True)
        tell(bundle=done.folder.name, digest=done.digest, champion=done.champion)
        return
    if as_text:
        console.print(told, highlight=False, markup=False, soft_wrap=True)
        typer.echo(json.dumps({"bundle": str(done.folder), "digest": done.digest} | trained.card, ensure_ascii=False))
        return
    show(load_bundle(done.folder))
    for line in (told, done.told):
        if line:
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def policy_in_force() -> Policy:
    """That of the desk here."""
    with desk_database() as database, database.reading() as conn:
        return Policies.current(conn).policy


def targets_of(said: str) -> tuple[Target, ...]:
    """Those of a comma list, in our order. Raises BadInput for any other name."""
    names = [name.strip() for name in said.split(",") if name.strip()]
    wrong = [name for name in names if name not in get_args(Target)]
    if wrong or not names:
        raise BadInput(f"--targets {said}: choose from {','.join(TARGETS)}.")
    return tuple(target for target in TARGETS if target in names)


def say_what_was_read(parts: list[History], rejected: Path) -> None:
    """Say what was read, what was ignored and what was rejected, before the long work begins."""
    for history, what in zip(parts, ("tickets read", "tickets to judge on"), strict=False):
        console.print(f"{len(history):,} {what}", highlight=False)
        for note in history.notes:
            console.print(f"  {note}", highlight=False, markup=False)
        for file, columns in history.ignored_columns.items():
            if columns:
                console.print(f"  {file}: ignored columns: {', '.join(columns[:20])}", highlight=False, markup=False)
    rows = [row for history in parts for row in history.rejected]
    if rows:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in Counter(row.reason for row in rows).most_common())
        write_rejected(rows, rejected)
        console.print(f"  {len(rows):,} rows rejected ({reasons}): see {rejected}", highlight=False, markup=False)
    known = {f"{t.subject}\n{t.body}" for t in parts[0].tickets} if len(parts) > 1 else set()
    repeated = sum(f"{t.subject}\n{t.body}" in known for t in parts[-1].tickets) if known else 0
    if repeated:
        console.print(f"  {repeated:,} tickets to judge on have the text of a learnt one: what they show flatters")
