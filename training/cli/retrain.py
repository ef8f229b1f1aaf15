"""The command `deskyard retrain`: trains a challenger, compares it with the champion, and promotes it if it is better.

An interrupted run can be resumed: the time of the desk's export and each finished fit are stored, and the same command
continues from there. The bundle is written at the end, completely or not at all.
"""

import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from deskyard import atomic_files
from deskyard.cli.progress import ProgressStyle, console, print_json_line, track_as_json, track_with_bar
from deskyard.db.database import Database, desk_database
from deskyard.domain.actors import Actor
from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput, BundleError, DeskyardError
from deskyard.history.columns import parse_mapping
from deskyard.inference.batch_prediction import check_precision
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies
from deskyard.registry import active_model, comparison_file, promotion, retraining_requests
from deskyard.registry.bundle import Bundle
from deskyard.registry.comparison import Comparison
from deskyard.reports.i18n import preferred_language
from deskyard.settings import settings
from deskyard.text.dates import is_span, parse_span
from training.cli.compare import print_comparison
from training.cli.train import Effort, desk_names, print_read_summary
from training.compare import side_by_side
from training.data.history import History
from training.data.label_cleaning import KnownLabels
from training.data.label_spellings import add_names
from training.data.load import load_history
from training.data.provenance import Provenance
from training.data.taxonomy import to_current_names
from training.fit import checkpoints
from training.pipeline.options import Options, read_stored_options
from training.pipeline.run import train_model
from training.pipeline.trained import TrainingResult
from training.publish import mlflow_tracking
from training.publish.handover import Handover, check_writable, hand_over, write_report

RETRAINING_ACTOR = Actor("machine", "deskyard retrain")


def retrain(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILES", help="Histories: CSV (.gz), XLSX, XLS, ODS, JSON, Parquet.")
    ] = None,
    desk: Annotated[bool, typer.Option("--desk", help="Train on the built-in desk's own tickets.")] = False,
    if_corrections: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only if people have made so many corrections since.")
    ] = None,
    every: Annotated[str, typer.Option(metavar="7d", help="Only if the last training is so long ago: h, d or w.")] = "",
    promote: Annotated[
        bool, typer.Option("--promote/--no-promote", help="Promote it if it is better than the champion.")
    ] = True,
    precision: Annotated[float | None, typer.Option(help="The required precision; by default the champion's.")] = None,
    effort: Annotated[
        Effort | None, typer.Option(help="How much is spent on tuning; by default as for the champion.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The seed; by default the champion's.")] = None,
    moves: Annotated[Path | None, typer.Option(help="The ticket history: id, at, actor, field, from, to.")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="As in `deskyard train`. Repeatable.")] = None,
    rejected: Annotated[Path, typer.Option(help="Where to write rows that can't be used.")] = Path("rejected.csv"),
    mlflow: Annotated[bool, typer.Option(envvar="DESKYARD_MLFLOW", help="Log the run to MLflow, if installed.")] = True,
    progress: Annotated[
        ProgressStyle, typer.Option(help="Progress bars, or lines of JSON on standard output.")
    ] = ProgressStyle.BAR,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Retrain, compare with the champion on the newest tickets, and promote the new model if it is better.

    The comparison uses tickets that neither model was trained on; see `deskyard compare`. If both --if-corrections and
    --every are given, one of them is enough; the command can be run by cron every hour.

    Example: `deskyard retrain --desk --every 7d --if-corrections 200`
    """
    if bool(files) == desk:
        raise BadInput("name the files of a history, or use --desk for the desk's own tickets.")
    if every and not is_span(every):
        raise BadInput(f"--every {every}: write hours, days or weeks, such as 12h, 7d or 2w.")
    check_precision(precision)
    check_writable(settings(), None)
    with desk_database() as database:
        champion, policy = _load_champion(database)
        if not _is_due(database, champion, parse_span(every) if every else None, if_corrections):
            console.print(
                "nothing to do: not enough time has passed, and not enough corrections were made", highlight=False
            )
            return
        given = {"precision": precision, "effort": effort and effort.value, "seed": seed}
        plan = _RetrainingPlan(
            champion, policy, rejected, {name: value for name, value in given.items() if value is not None}
        )
        origin = Provenance.from_files(files or [], moves, mapping or [])
        started_at = datetime.now(UTC)
        try:
            handover, comparison = _run_retraining(
                database,
                plan,
                origin,
                promote,
                mlflow,
                track_as_json if progress is ProgressStyle.JSON else track_with_bar,
            )
        except DeskyardError as error:
            _record_outcome(database, "", str(error), started_at)
            raise
        outcome = handover.message
        _record_outcome(database, handover.folder.name, outcome, started_at)
    if progress is ProgressStyle.JSON:
        print_json_line(
            bundle=handover.folder.name, digest=handover.digest, champion=handover.champion, message=outcome
        )
    elif as_json:
        document = {
            "bundle": str(handover.folder),
            "digest": handover.digest,
            "champion": handover.champion,
            "message": outcome,
            "comparison": json.loads(comparison_file.to_json(comparison)) if comparison else None,
        }
        typer.echo(json.dumps(document, ensure_ascii=False))
    elif comparison is not None:
        print_comparison(comparison)
    console.print(outcome, highlight=False, markup=False, soft_wrap=True)


class _RetrainingPlan:
    """The champion (None before the first), the policy, where to write rejected rows, and overridden options."""

    def __init__(self, champion: Bundle | None, policy: Policy, rejected: Path, overrides: Mapping[str, Any]) -> None:
        self.champion, self.policy, self.rejected = champion, policy, rejected
        then: dict[str, Any] = read_stored_options(champion.card.get("options", {})) if champion else {}
        kept = ("precision", "seed", "effort", "class_weight", "audit")
        known: dict[str, Any] = {name: then[name] for name in kept if name in then}
        self.options = Options(tuple(then.get("targets", TARGETS)), **{**known, **overrides})

    def known_labels(self) -> KnownLabels:
        """The names whose spelling labels get: those of the desk, then those of the champion."""
        names = dict(desk_names())
        for target, head in self.champion.scorer.heads.items() if self.champion else ():
            names[target] = add_names(names.get(target, ()), head.labels)
        return names

    def count_holdout(self, history: History) -> int | None:
        """The number of newest tickets to hold out; None: a fifth, as nothing can be compared."""
        if self.champion is None or not history.dated:
            return None
        try:
            return side_by_side.count_holdout(history, side_by_side.last_trained_ticket(self.champion))
        except BadInput:
            return None

    def compare(self, trained: TrainingResult, digest: str, history: History) -> tuple[Comparison | None, str]:
        """The comparison of the champion with a trained challenger, or None and the reason."""
        if self.champion is None:
            return None, "there was no champion to compare it with"
        try:
            precisions = side_by_side.required_precisions(self.champion, self.policy)
            return side_by_side.compare_trained(self.champion, trained, digest, history, precisions), ""
        except BadInput as error:
            return None, f"it could not be compared: {error}"


def _run_retraining(
    database: Database, plan: _RetrainingPlan, origin: Provenance, promote: bool, mlflow: bool, progress: Any
) -> tuple[Handover, Comparison | None]:
    start = time.perf_counter()
    attempts = settings().state / "training" / "retrain"
    origin = _resume_attempt(attempts, origin, plan)
    columns = parse_mapping(list(origin.mapping))
    with origin.open_files() as (tables, moves):
        read = load_history(tables, columns, moves=moves, order=origin.order, known_labels=plan.known_labels())
    history, origin = to_current_names(read, plan.policy), origin.with_labels_of(read)
    print_read_summary([history], plan.rejected)
    options = replace(plan.options, parents=columns.parents, order=origin.order, newest=plan.count_holdout(history))
    encoder = plan.champion.scorer.encoder if plan.champion else None
    saved = checkpoints.open_checkpoints(attempts, history.digest, asdict(options), encoder.digest if encoder else "")
    trained = train_model(history, options, None, progress, encoder, saved)
    seconds = time.perf_counter() - start
    handover = hand_over(trained, history, settings(), None, seconds, origin)
    comparison, reason = (None, "") if handover.champion else plan.compare(trained, handover.digest, history)
    if not handover.champion:
        handover = _promote_if_better(database, plan, handover, comparison, reason, promote)
    report = write_report(
        trained, handover, shlex.join(["deskyard", *sys.argv[1:]]), preferred_language(os.environ), False
    )
    console.print(report, highlight=False, markup=False, soft_wrap=True)
    if mlflow:
        logged = mlflow_tracking.log_run(trained, history, handover, seconds, settings(), comparison)
        console.print(logged, highlight=False, markup=False, soft_wrap=True)
    shutil.rmtree(saved.folder or attempts, ignore_errors=True)
    (attempts / "attempt.json").unlink(missing_ok=True)
    return handover, comparison


def _promote_if_better(
    database: Database,
    plan: _RetrainingPlan,
    handover: Handover,
    comparison: Comparison | None,
    reason: str,
    promote: bool,
) -> Handover:
    """Store the comparison, and promote the challenger if it is better; `reason`: why there is no comparison."""
    name, champion = handover.folder.name, plan.champion
    if comparison is None or champion is None:
        return replace(
            handover, message=f"{name} waits: {reason}. `deskyard promote {name}` puts it in use all the same."
        )
    comparison_file.write_comparison(handover.folder, comparison)
    if not comparison.promote:
        return replace(handover, message=f"{champion.name} stays in use; {name} waits: {comparison.verdict}.")
    if not promote:
        return replace(handover, message=f"{name} waits for `deskyard promote {name}`: {comparison.verdict}.")
    try:
        promotion.promote(database, settings().models, name, RETRAINING_ACTOR, expected_digest=champion.digest)
    except BadInput as error:
        return replace(handover, message=f"{name} waits: {error}.")
    return replace(
        handover, champion=True, message=f"{name} is in use instead of {champion.name}: {comparison.verdict}."
    )


def _load_champion(database: Database) -> tuple[Bundle | None, Policy]:
    """The champion, if it can be loaded, and the current policy."""
    with database.reading() as conn:
        active, policy = active_model.get_active(conn), Policies.current(conn).policy
    try:
        return (promotion.open_active_bundle(settings().models, active) if active else None), policy
    except BundleError as error:
        console.print(f"the champion can't be loaded ({error}): there is nothing to compare with", highlight=False)
        return None, policy


def _is_due(database: Database, champion: Bundle | None, every: timedelta | None, corrections: int | None) -> bool:
    if champion is None or (every is None and corrections is None):
        return True
    with database.reading() as conn:
        found = retraining_requests.find_due_reasons(
            conn, datetime.fromisoformat(champion.build_info["at"]), datetime.now(UTC), every, corrections
        )
    for _, reason in found:
        console.print(reason, highlight=False)
    return bool(found)


def _resume_attempt(attempts: Path, origin: Provenance, plan: _RetrainingPlan) -> Provenance:
    """The provenance to use: that of a recent, interrupted run with the same options, else the given one."""
    attempts.mkdir(parents=True, exist_ok=True)
    file = attempts / "attempt.json"
    attempt = {
        "asked": json.loads(json.dumps([asdict(plan.options), replace(origin, desk="").to_json()])),
        "champion": plan.champion.digest if plan.champion else "",
    }
    try:
        former = json.loads(file.read_text(encoding="utf-8"))
        recent = time.time() - file.stat().st_mtime < checkpoints.MAX_AGE_SECONDS
        if recent and origin.desk and {name: former[name] for name in attempt} == attempt:
            console.print(f"resuming the interrupted run: the desk as of {former['desk']}", highlight=False)
            return replace(origin, desk=former["desk"])
    except (OSError, ValueError, KeyError):
        pass
    atomic_files.write_file(file, json.dumps(attempt | {"desk": origin.desk}).encode())
    return origin


def _record_outcome(database: Database, name: str, outcome: str, started_at: datetime) -> None:
    """Record the outcome, and close the requests that were pending when the run started."""
    with database.writing() as conn:
        if any(request.at <= started_at for request in retraining_requests.list_pending(conn)):
            retraining_requests.finish_pending(conn, name, outcome, datetime.now(UTC), started_at)
        else:
            retraining_requests.record_retraining(conn, "person", "", name, outcome, started_at, datetime.now(UTC))
