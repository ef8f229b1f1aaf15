"""The door of `deskyard backtest`: read, live through it again, tell."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from deskyard.analytics.savings import DEFAULT_COSTS, RoutingCosts
from deskyard.cli.progress import track_with_bar
from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput
from deskyard.history.columns import parse_mapping
from deskyard.inference.batch_prediction import check_precision
from deskyard.policy import toml_format
from deskyard.policy.policy import Mode, Policy
from deskyard.reports.backtest_page import UNRESTRICTED_POLICY, render_backtest
from deskyard.reports.i18n import Language, preferred_language
from deskyard.reports.report_files import write_page
from deskyard.tabular.readers import open_writer
from deskyard.text.dates import is_span, parse_span, read_time
from training.backtest import output
from training.backtest.run import BacktestSchedule
from training.backtest.run import run_backtest as run
from training.cli.train import DriftHandling, Effort, active_policy, parse_targets
from training.data.history import load_history
from training.data.provenance import Provenance
from training.fit.backend import use_backend as on
from training.pipeline.options import Options


def backtest(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILES", help="Histories: CSV (.gz), XLSX, JSONL or Parquet.")
    ] = None,
    desk: Annotated[bool, typer.Option("--desk", help="Live through the built-in desk's own past instead.")] = False,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE|desk",
            help="A policy in TOML, or the one in force. Twice: their difference, ticket by ticket.",
        ),
    ] = None,
    every: Annotated[str, typer.Option(help="How long a model serves until the next is trained, such as 30d.")] = "30d",
    settled_after: Annotated[
        str, typer.Option(help="When a ticket without resolved_at is settled, after it came.")
    ] = "7d",
    begin: Annotated[str, typer.Option(help="The first model's day; when a fifth has come, if not said.")] = "",
    window: Annotated[int, typer.Option(min=50, help="The newest tickets that a model learns from.")] = 10_000,
    targets: Annotated[str, typer.Option(help="What is learnt, a comma list.")] = ",".join(TARGETS),
    precision: Annotated[float, typer.Option(help="The promise where a policy asks for none.")] = 0.95,
    effort: Annotated[Effort, typer.Option(help="How much is tried before a recipe is chosen.")] = Effort.QUICK,
    drift: Annotated[
        DriftHandling, typer.Option(help="What is done about a desk that changes.")
    ] = DriftHandling.IGNORE,
    seed: Annotated[int, typer.Option(help="The same seed gives the same figures.")] = 0,
    sort_minutes: Annotated[float, typer.Option(help="Minutes of work to sort a ticket by hand.")] = DEFAULT_COSTS.sort,
    wrong_minutes: Annotated[
        float, typer.Option(help="Minutes of work each time it is passed on.")
    ] = DEFAULT_COSTS.wrong,
    moves: Annotated[Path | None, typer.Option(help="The journey: id, at, actor, field, from, to.")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="OURS=THEIRS, as for `deskyard train`.")] = None,
    backend: Annotated[
        str, typer.Option(metavar="dask://HOST:PORT", help="Live through it on a Dask cluster, not on these cores.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Write a table, a ticket a row; of two policies those that fare otherwise.")
    ] = None,
    priced: Annotated[
        Path | None, typer.Option(help="Write the first policy with the promise that pays asked of each queue.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a render_backtest for managers, with the curve of costs.")
    ] = None,
    lang: Annotated[
        Language | None, typer.Option(help="The render_backtest's language; that of LANG if not said.")
    ] = None,
    as_text: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Say what a policy would have done with the past: the model of each day, rules, promises, the breaker.

    Each model learns what people had settled by its first day and is asked about tickets that came after it. Without
    --policy all is routed that the evidence allows. Nothing of the desk is changed.

    Example: `deskyard backtest history.csv --moves history.moves.csv --policy now.toml --policy bolder.toml`
    """
    if bool(files) == desk:
        raise BadInput("name the files of a history, or say --desk to live through the desk's own past.")
    check_precision(precision)
    policies = _load_policies(policy or [])
    rhythm = BacktestSchedule(
        _parse_span(every, "--every"), _parse_span(settled_after, "--settled-after"), window, _parse_day(begin)
    )
    options = Options(parse_targets(targets), precision, seed=seed, effort=effort.value, drift=drift.value)
    with Provenance.from_files(files or [], moves).open_files() as (tables, journeys):
        history = load_history(tables, parse_mapping(mapping or []), moves=journeys)
    with on(backend):
        found = run(history, policies, options, rhythm, RoutingCosts(sort_minutes, wrong_minutes), track_with_bar)
    if out is not None:
        rows = output.to_table(found)
        with open_writer(
            out, list(rows.columns), numbers=("minutes", "hops", "by_hand", "hours", "confidence")
        ) as file:
            for row in rows.to_dict("records"):
                file.write({str(column): value for column, value in row.items()})
    if priced is not None:
        _write_file(priced, toml_format.format_policy(found.curve.apply_to(next(iter(policies.values())))))
    document = output.to_json(found, policies, precision)
    if report is not None:
        write_page(report, render_backtest(document, lang or preferred_language(os.environ)))
    if as_text:
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    for line in output.format_lines(found, policies, precision):
        typer.echo(line)


def _load_policies(names: list[str]) -> dict[str, Policy]:
    if len(names) > 2 or len(set(names)) < len(names):
        raise BadInput("--policy: name one policy, or two that differ.")
    short = {name: Path(name).name for name in names}
    called = short if len(set(short.values())) == len(names) else {name: name for name in names}
    return {called[name]: _load_policy(name) for name in names} or {UNRESTRICTED_POLICY: Policy(mode=Mode.ROUTE)}


def _load_policy(name: str) -> Policy:
    if name == "desk":
        return active_policy()
    try:
        return toml_format.parse_policy(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--policy {name}: the file can't be read ({error})") from error


def _parse_span(text: str, option: str) -> timedelta:
    if not is_span(text):
        raise BadInput(f"{option} {text}: write hours, days or weeks, such as 30d")
    return parse_span(text)


def _parse_day(text: str) -> datetime | None:
    if not text:
        return None
    at = read_time(text)
    if at is None:
        raise BadInput(f"--begin {text}: write a day, such as 2026-01-31")
    return at


def _write_file(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} can't be written ({error.strerror or error})") from error
