"""`deskyard forget`: show what would be erased, ask, erase it, and say what is left to do elsewhere."""

import getpass
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from deskyard.db.database import Database, desk_database
from deskyard.domain.actors import Actor
from deskyard.errors import BadInput
from deskyard.privacy import erasure
from deskyard.privacy.erasure import ErasurePlan, format_count
from deskyard.privacy.model_exposure import ModelExposure, find_exposed_models
from deskyard.settings import settings
from deskyard.text.dates import is_span, parse_span

FILE_NOT_CLEANED = (
    "The texts are erased, but the database file could not be rewritten now (it is being read, or the disk is full), "
    "so their bytes may still be in it: run the same command again."
)
"""The error where SQLite's file may still hold what was erased."""


def forget(
    requester: Annotated[
        str, typer.Option(help="Whose tickets: the address or name as it is in them; - reads it from standard input.")
    ] = "",
    older_than: Annotated[
        str, typer.Option(metavar="365d", help="Or: tickets that were solved and not changed for so long (d or w).")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be erased, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase what a requester wrote, or the texts of tickets solved long ago; this can't be undone.

    A ticket keeps its labels and decisions, so that reports still add up; its texts, comments, fields and the names of
    its writers are erased. After an interruption, run the same command again.

    Example: `deskyard forget --requester anna@example.org --dry-run`
    """
    if bool(requester) == bool(older_than):
        raise BadInput("give either --requester or --older-than.")
    if older_than and not (is_span(older_than) and parse_span(older_than).days):
        raise BadInput(f"--older-than {older_than}: write days or weeks, such as 365d or 52w.")
    requester = sys.stdin.readline().strip() if requester == "-" else requester
    with desk_database() as database:
        _run_erasure(database, requester, older_than, dry_run=dry_run, yes=yes)


def _run_erasure(database: Database, requester: str, older_than: str, *, dry_run: bool, yes: bool) -> None:
    with database.reading() as conn:
        found = (
            erasure.find_by_requester(conn, requester)
            if requester
            else erasure.find_solved_before(conn, datetime.now(UTC) - parse_span(older_than))
        )
    if found:
        for line in _plan_lines(found, find_exposed_models(settings().models, found.tickets, found.requester_names)):
            typer.echo(line)
        if dry_run:
            typer.echo("Nothing was changed: run it without --dry-run to erase this.")
            return
        if not yes:
            typer.confirm("Erase this? It can't be undone.", abort=True)
        reason = (
            erasure.pseudonymise_requester(requester)
            if requester
            else erasure.retention_reason(parse_span(older_than).days)
        )
        me = Actor("person", getpass.getuser())
        n = erasure.apply_erasure(database, found, reason, me, lambda: datetime.now(UTC))
        typer.echo(
            f"Erased: {format_count(n, 'ticket')}, {format_count(len(found.comments), 'comment')} on tickets of others."
        )
        if not database.is_sqlite:
            typer.echo("PostgreSQL's files keep the old rows until they are overwritten: VACUUM FULL does it at once.")
    else:
        typer.echo("There is nothing to erase: this desk has no such ticket or comment.")
        if dry_run:
            return
    if not erasure.clean_up_files(database, settings().state, time.time()):
        raise BadInput(FILE_NOT_CLEANED)


def _plan_lines(plan: ErasurePlan, bundles: Sequence[ModelExposure]) -> Iterator[str]:
    """What is to be erased, what is kept, and what is to be done elsewhere, as lines."""
    tickets, comments = format_count(len(plan.tickets), "ticket"), format_count(len(plan.comments), "comment")
    yield f"To be erased: {tickets}, {comments} on tickets of others."
    if plan.left_out_mails:
        yield f"And the record of {format_count(plan.left_out_mails, 'mail')} that became no ticket."
    if plan.unsolved_count:
        yield f"Not solved yet: {plan.unsolved_count:,} of these tickets. They stay in their queues, without texts."
    if plan.kept_comments:
        kept = format_count(plan.kept_comments, "comment")
        yield f"Kept: {kept} on tickets of others, written by one of the desk's own people."
    for store, n in plan.mirrored_counts.items():
        yield f"Elsewhere: {format_count(n, 'ticket')} mirrored from {store!r}: erase them there, too."
    if not bundles:
        yield "No bundle in the models folder was trained on any of these tickets."
        return
    for one in bundles:
        yield (
            f"Bundle {one.name} was trained on {one.seen_tickets:,} of these tickets; it holds no text, but of "
            f"{one.remembered_tickets:,} the id and the strongest words as numbers"
            f"{', and the name of the requester, or its hash' if one.knows_requester else ''}."
        )
    yield "To remove that, too: train without them (`deskyard retrain --desk`), then remove these bundles' folders"
    yield f"from {settings().models}, and their versions from MLflow, if they were logged there."
