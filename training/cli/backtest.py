"""The command `deskyard backtest`: read a history, replay it under policies, print or write the results."""

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
from training.backtest.run import BacktestSchedule, run_backtest
from training.cli.train import DriftHandling, Effort, active_policy, parse_targets
from training.data.load import load_history
from training.data.provenance import Provenance
from training.fit.backend import use_backend
from training.pipeline.options import Options


def backtest(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILES", help="Histories: CSV (.gz), XLSX, XLS, ODS, JSON, Parquet.")
    ] = None,
    desk: Annotated[bool, typer.Option("--desk", help="Use the built-in desk's own tickets instead of files.")] = False,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE|desk",
            help="A policy in TOML, or the desk's current one. Give it twice to compare two policies.",
        ),
    ] = None,
    every: Annotated[
        str, typer.Option(help="How long a model is used before the next one is trained, such as 30d.")
    ] = "30d",
    settled_after: Annotated[
        str, typer.Option(help="How long after it was received a ticket without resolved_at counts as settled.")
    ] = "7d",
    begin: Annotated[str, typer.Option(help="The first model's day; by default after a fifth of the tickets.")] = "",
    window: Annotated[
        int, typer.Option(min=50, help="The most tickets that a model is trained on, the newest.")
    ] = 10_000,
    targets: Annotated[str, typer.Option(help="Targets to predict, separated by commas.")] = ",".join(TARGETS),
    precision: Annotated[float, typer.Option(help="The required precision where a policy sets none.")] = 0.95,
    effort: Annotated[Effort, typer.Option(help="How much is spent on tuning.")] = Effort.QUICK,
    drift: Annotated[DriftHandling, typer.Option(help="How to treat a desk that changes.")] = DriftHandling.IGNORE,
    seed: Annotated[int, typer.Option(help="The same seed gives the same results.")] = 0,
    triage_minutes: Annotated[
        float, typer.Option(help="Minutes of work to triage a ticket by hand.")
    ] = DEFAULT_COSTS.triage_minutes,
    misroute_minutes: Annotated[
        float, typer.Option(help="Minutes of work for each reassignment.")
    ] = DEFAULT_COSTS.misroute_minutes,
    moves: Annotated[Path | None, typer.Option(help="The ticket history: id, at, actor, field, from, to.")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="OURS=THEIRS, as for `deskyard train`.")] = None,
    backend: Annotated[
        str, typer.Option(metavar="dask://HOST:PORT", help="Run on a Dask cluster instead of this machine.")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write a table with one row per ticket; for two policies, of tickets with different outcomes."
        ),
    ] = None,
    policy_out: Annotated[
        Path | None, typer.Option(help="Write the first policy with the best precision for each queue.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report for managers, with the cost curve.")] = None,
    lang: Annotated[Language | None, typer.Option(help="The report's language; by default that of LANG.")] = None,
    as_text: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Show what a policy would have done with past tickets: the model of each day, rules, contracts, circuit breaker.

    Each model is trained on the tickets settled by its first day and predicts the tickets received after it. Without
    --policy everything is routed that the evidence allows. The desk is not changed.

    Example: `deskyard backtest history.csv --moves history.moves.csv --policy now.toml --policy bolder.toml`
    """
    if bool(files) == desk:
        raise BadInput("name the files of a history, or use --desk for the desk's own tickets.")
    check_precision(precision)
    policies = _load_policies(policy or [])
    schedule = BacktestSchedule(
        _parse_span(every, "--every"), _parse_span(settled_after, "--settled-after"), window, _parse_day(begin)
    )
    options = Options(parse_targets(targets), precision, seed=seed, effort=effort.value, drift=drift.value)
    with Provenance.from_files(files or [], moves).open_files() as (tables, moves_file):
        history = load_history(tables, parse_mapping(mapping or []), moves=moves_file)
    with use_backend(backend):
        result = run_backtest(
            history, policies, options, schedule, RoutingCosts(triage_minutes, misroute_minutes), track_with_bar
        )
    if out is not None:
        rows = output.to_table(result)
        with open_writer(
            out,
            list(rows.columns),
            numbers=("minutes", "reassignments", "manual_minutes", "misrouted_hours", "confidence"),
        ) as file:
            for row in rows.to_dict("records"):
                file.write({str(column): value for column, value in row.items()})
    if policy_out is not None:
        _write_file(policy_out, toml_format.format_policy(result.curve.apply_to(next(iter(policies.values())))))
    document = output.to_json(result, policies, precision)
    if report is not None:
        write_page(report, render_backtest(document, lang or preferred_language(os.environ)))
    if as_text:
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    for line in output.format_lines(result, policies, precision):
        typer.echo(line)


def _load_policies(names: list[str]) -> dict[str, Policy]:
    if len(names) > 2 or len(set(names)) < len(names):
        raise BadInput("--policy: name one policy, or two different ones.")
    short = {name: Path(name).name for name in names}
    display_names = short if len(set(short.values())) == len(names) else {name: name for name in names}
    return {display_names[name]: _load_policy(name) for name in names} or {UNRESTRICTED_POLICY: Policy(mode=Mode.ROUTE)}


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
