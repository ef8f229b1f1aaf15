"""The door of `deskyard forget`: shows what would be erased, asks, does it, and says what is left to do elsewhere."""

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
from deskyard.privacy import erasure as forgetting
from deskyard.privacy.erasure import ErasurePlan, format_count
from deskyard.privacy.model_exposure import ModelExposure, find_exposed_models
from deskyard.settings import settings
from deskyard.text.dates import is_span, parse_span

FILE_NOT_CLEANED = (
    "The texts are gone, but the database file could not be written anew just now (it is being read, or the disk is "
    "full), so their bytes may still lie in it: run the same command again."
)
"""What is said where SQLite's file still holds what was erased."""


def forget(
    requester: Annotated[
        str, typer.Option(help="Whose tickets: the address or name as it stands there; - reads it from standard input.")
    ] = "",
    older_than: Annotated[
        str, typer.Option(metavar="365d", help="Or: tickets solved, and not touched for so long (d or w).")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be erased, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase what a requester wrote, or the texts of tickets solved long ago; nobody can bring them back.

    A ticket stays with its labels and decisions, so that reports still add up; its texts, comments, fields and the
    names of those who wrote go. Run again, it goes on where it was cut off.

    Example: `deskyard forget --requester anna@example.org --dry-run`
    """
    if bool(requester) == bool(older_than):
        raise BadInput("say either --requester, or --older-than.")
    if older_than and not (is_span(older_than) and parse_span(older_than).days):
        raise BadInput(f"--older-than {older_than}: write days or weeks, such as 365d or 52w.")
    requester = sys.stdin.readline().strip() if requester == "-" else requester
    with desk_database() as database:
        _run_erasure(database, requester, older_than, dry_run=dry_run, yes=yes)


def _run_erasure(database: Database, requester: str, older_than: str, *, dry_run: bool, yes: bool) -> None:
    with database.reading() as conn:
        found = (
            forgetting.find_by_requester(conn, requester)
            if requester
            else forgetting.find_solved_before(conn, datetime.now(UTC) - parse_span(older_than))
        )
    if found:
        for line in _plan_lines(found, find_exposed_models(settings().models, found.tickets, found.requester_names)):
            typer.echo(line)
        if dry_run:
            typer.echo("Nothing was changed: leave --dry-run out to do it.")
            return
        if not yes:
            typer.confirm("Erase this? It can't be undone.", abort=True)
        why = (
            forgetting.pseudonymise_requester(requester)
            if requester
            else forgetting.retention_reason(parse_span(older_than).days)
        )
        me = Actor("person", getpass.getuser())
        n = forgetting.apply_erasure(database, found, why, me, lambda: datetime.now(UTC))
        typer.echo(
            f"Erased: {format_count(n, 'ticket')}, {format_count(len(found.comments), 'comment')} on tickets of others."
        )
        if not database.is_sqlite:
            typer.echo("PostgreSQL's files hold the old rows until they are overwritten: VACUUM FULL does it at once.")
    else:
        typer.echo("There is nothing to erase: no ticket and no comment of that kind is on this desk.")
        if dry_run:
            return
    if not forgetting.clean_up_files(database, settings().state, time.time()):
        raise BadInput(FILE_NOT_CLEANED)


def _plan_lines(plan: ErasurePlan, bundles: Sequence[ModelExposure]) -> Iterator[str]:
    """What is to be erased, what stays, and what is to be done elsewhere."""
    tickets, comments = format_count(len(plan.tickets), "ticket"), format_count(len(plan.comments), "comment")
    yield f"To be erased: {tickets}, {comments} on tickets of others."
    if plan.unsolved_count:
        yield f"Not solved yet: {plan.unsolved_count:,} of these tickets. They stay in their queues, without a text."
    if plan.kept_comments:
        yield f"Left: {format_count(plan.kept_comments, 'comment')} on tickets of others, written as one of the desk's own people."
    for store, n in plan.mirrored_counts.items():
        yield f"Elsewhere: {format_count(n, 'ticket')} in {store!r}, mirrored here: erase those there, too."
    if not bundles:
        yield "No bundle on the shelf has seen any of these tickets."
        return
    for one in bundles:
        yield (
            f"Bundle {one.name} has seen {one.seen_tickets:,} of these tickets; no text is in it, but of {one.remembered_tickets:,} it "
            f"remembers the id and the strongest words as numbers"
            f"{', and it knows the name of the requester, or its hash' if one.knows_requester else ''}."
        )
    yield "To be rid of that: `deskyard retrain --desk` learns without them; then remove the folders of these bundles"
    yield f"from {settings().models}, and their versions from MLflow, if they were logged there."
