"""The door of `deskyard retrain`: history → challenger → comparison with the champion → its place, or not.

Nothing is lost where it is cut off: the history's moment and each finished fit are kept in the home, and the same
command begun again takes up from there. Until the end there is no bundle, and a bundle appears whole or not at all.
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
from training.cli.train import Effort, print_read_summary
from training.compare import side_by_side
from training.data.history import History, load_history
from training.data.provenance import Provenance
from training.data.taxonomy import to_current_names
from training.fit import checkpoints
from training.pipeline.options import Options
from training.pipeline.run import train_model as run
from training.pipeline.trained import TrainingResult
from training.publish import mlflow_tracking
from training.publish.handover import Handover, check_writable, hand_over, write_report

RETRAINING_ACTOR = Actor("machine", "deskyard retrain")


def retrain(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILES", help="Histories: CSV (.gz), XLSX, JSONL or Parquet.")
    ] = None,
    desk: Annotated[bool, typer.Option("--desk", help="Learn from the built-in desk's own tickets.")] = False,
    if_corrections: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only if people corrected so often since.")
    ] = None,
    every: Annotated[str, typer.Option(metavar="7d", help="Only if so much time has gone since: h, d or w.")] = "",
    promote: Annotated[
        bool, typer.Option("--promote/--no-promote", help="Let it take the champion's place where it has earned it.")
    ] = True,
    precision: Annotated[float | None, typer.Option(help="As the champion was trained for, if not said.")] = None,
    effort: Annotated[Effort | None, typer.Option(help="As the champion was trained with, if not said.")] = None,
    seed: Annotated[int | None, typer.Option(help="As the champion was trained with, if not said.")] = None,
    moves: Annotated[Path | None, typer.Option(help="The journey: id, at, actor, field, from, to.")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="As in `deskyard train`. Repeatable.")] = None,
    rejected: Annotated[Path, typer.Option(help="Where rows that can't be used are kept.")] = Path("rejected.csv"),
    mlflow: Annotated[
        bool, typer.Option(envvar="DESKYARD_MLFLOW", help="Log the run to MLflow, where installed.")
    ] = True,
    progress: Annotated[
        ProgressStyle, typer.Option(help="Bars for people, or track_as_json of JSON on standard output for programs.")
    ] = ProgressStyle.BAR,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Learn anew, compare with the champion on the newest tickets, and take its place if that is earned.

    The challenger is judged on tickets that neither it nor the champion has learnt from; `deskyard compare` says how.
    With --if-corrections and --every either is enough; cron may call it every hour.

    Example: `deskyard retrain --desk --every 7d --if-corrections 200`
    """
    if bool(files) == desk:
        raise BadInput("name the files of a history, or say --desk to learn from the desk's own tickets.")
    if every and not is_span(every):
        raise BadInput(f"--every {every}: write hours, days or weeks, such as 12h, 7d or 2w.")
    check_precision(precision)
    check_writable(settings(), None)
    with desk_database() as database:
        champion, policy = _load_champion(database)
        if not _is_due(database, champion, parse_span(every) if every else None, if_corrections):
            console.print("nothing to do: neither is it time nor have people corrected so often", highlight=False)
            return
        given = {"precision": precision, "effort": effort and effort.value, "seed": seed}
        asked = _RetrainingPlan(
            champion, policy, rejected, {name: value for name, value in given.items() if value is not None}
        )
        origin = Provenance.from_files(files or [], moves, mapping or [])
        begun = datetime.now(UTC)
        try:
            done, compared = _run_retraining(
                database,
                asked,
                origin,
                promote,
                mlflow,
                track_as_json if progress is ProgressStyle.JSON else track_with_bar,
            )
        except DeskyardError as error:
            _record_outcome(database, "", str(error), begun)
            raise
        outcome = done.message
        _record_outcome(database, done.folder.name, outcome, begun)
    if progress is ProgressStyle.JSON:
        print_json_line(bundle=done.folder.name, digest=done.digest, champion=done.champion, told=outcome)
    elif as_json:
        shown = json.loads(comparison_file.to_json(compared)) if compared else None
        told = {"bundle": str(done.folder), "digest": done.digest, "champion": done.champion, "told": outcome}
        typer.echo(json.dumps(told | {"comparison": shown}, ensure_ascii=False))
    elif compared is not None:
        print_comparison(compared)
    console.print(outcome, highlight=False, markup=False, soft_wrap=True)


class _RetrainingPlan:
    """What a retraining is about: the champion (None before the first), the policy, and what was said otherwise."""

    def __init__(self, champion: Bundle | None, policy: Policy, rejected: Path, overrides: Mapping[str, Any]) -> None:
        self.champion, self.policy, self.rejected = champion, policy, rejected
        then = champion.card.get("options", {}) if champion else {}
        known = {name: then[name] for name in ("precision", "seed", "effort", "favour", "audit") if name in then}
        self.options = Options(tuple(then.get("targets", TARGETS)), **{**known, **overrides})

    def count_holdout(self, history: History) -> int | None:
        """How many of the newest tickets judge; None: a fifth, as nothing can be compared."""
        if self.champion is None or not history.dated:
            return None
        try:
            return side_by_side.count_holdout(history, side_by_side.last_trained_ticket(self.champion))
        except BadInput:
            return None

    def compare(self, trained: TrainingResult, digest: str, history: History) -> tuple[Comparison | None, str]:
        """The comparison; or why there is none."""
        if self.champion is None:
            return None, "there was no champion to compare it with"
        try:
            asked = side_by_side.required_precisions(self.champion, self.policy)
            return side_by_side.compare_trained(self.champion, trained, digest, history, asked), ""
        except BadInput as error:
            return None, f"it could not be compared: {error}"


def _run_retraining(
    database: Database, plan: _RetrainingPlan, origin: Provenance, promote: bool, mlflow: bool, progress: Any
) -> tuple[Handover, Comparison | None]:
    start = time.perf_counter()
    attempts = settings().state / "training" / "retrain"
    origin = _resume_attempt(attempts, origin, plan)
    said = parse_mapping(list(origin.mapping))
    with origin.open_files() as (tables, journeys):
        history = to_current_names(load_history(tables, said, moves=journeys, order=origin.order), plan.policy)
    print_read_summary([history], plan.rejected)
    options = replace(plan.options, parents=said.parents, order=origin.order, newest=plan.count_holdout(history))
    encoder = plan.champion.scorer.encoder if plan.champion else None
    finished = checkpoints.open_checkpoints(
        attempts, history.digest, asdict(options), encoder.digest if encoder else ""
    )
    trained = run(history, options, None, progress, encoder, finished)
    seconds = time.perf_counter() - start
    done = hand_over(trained, history, settings(), None, seconds, origin)
    compared, why = (None, "") if done.champion else plan.compare(trained, done.digest, history)
    if not done.champion:
        done = _promote_if_better(database, plan, done, compared, why, promote)
    left = write_report(trained, done, shlex.join(["deskyard", *sys.argv[1:]]), preferred_language(os.environ), False)
    console.print(left, highlight=False, markup=False, soft_wrap=True)
    if mlflow:
        logged = mlflow_tracking.log_run(trained, history, done, seconds, settings(), compared)
        console.print(logged, highlight=False, markup=False, soft_wrap=True)
    shutil.rmtree(finished.folder or attempts, ignore_errors=True)
    (attempts / "attempt.json").unlink(missing_ok=True)
    return done, compared


def _promote_if_better(
    database: Database,
    plan: _RetrainingPlan,
    handover: Handover,
    comparison: Comparison | None,
    why: str,
    promote: bool,
) -> Handover:
    """Keep the comparison, and put the challenger in use where it has earned it."""
    name, champion = handover.folder.name, plan.champion
    if comparison is None or champion is None:
        return replace(handover, message=f"{name} waits: {why}. `deskyard promote {name}` puts it in use all the same.")
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
    """The champion, if it can be used, and the policy."""
    with database.reading() as conn:
        row, policy = active_model.get_active(conn), Policies.current(conn).policy
    try:
        return (promotion.open_active_bundle(settings().models, row) if row else None), policy
    except BundleError as error:
        console.print(f"the champion can't be used ({error}): there is nothing to compare with", highlight=False)
        return None, policy


def _is_due(database: Database, champion: Bundle | None, every: timedelta | None, corrections: int | None) -> bool:
    if champion is None or (every is None and corrections is None):
        return True
    with database.reading() as conn:
        found = retraining_requests.find_due_reasons(
            conn, datetime.fromisoformat(champion.build_info["at"]), datetime.now(UTC), every, corrections
        )
    for _, why in found:
        console.print(why, highlight=False)
    return bool(found)


def _resume_attempt(attempts: Path, origin: Provenance, plan: _RetrainingPlan) -> Provenance:
    """What is to be read: as it stood when the same was asked before and did not come to its end, not long ago."""
    attempts.mkdir(parents=True, exist_ok=True)
    place = attempts / "attempt.json"
    same = {
        "asked": json.loads(json.dumps([asdict(plan.options), replace(origin, desk="").to_json()])),
        "champion": plan.champion.digest if plan.champion else "",
    }
    try:
        before = json.loads(place.read_text(encoding="utf-8"))
        fresh = time.time() - place.stat().st_mtime < checkpoints.MAX_AGE_SECONDS
        if fresh and origin.desk and {name: before[name] for name in same} == same:
            console.print(f"taken up where it was cut off: the desk as of {before['desk']}", highlight=False)
            return replace(origin, desk=before["desk"])
    except (OSError, ValueError, KeyError):
        pass
    atomic_files.write_file(place, json.dumps(same | {"desk": origin.desk}).encode())
    return origin


def _record_outcome(database: Database, name: str, outcome: str, started_at: datetime) -> None:
    """Whatever was wanted before it began is answered."""
    with database.writing() as conn:
        if any(wish.at <= started_at for wish in retraining_requests.list_pending(conn)):
            retraining_requests.finish_pending(conn, name, outcome, datetime.now(UTC), started_at)
        else:
            retraining_requests.record_retraining(conn, "person", "", name, outcome, started_at, datetime.now(UTC))
