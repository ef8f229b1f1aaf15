"""`deskyard undo`: show which decisions would be undone, and undo them with `--apply`."""

import getpass
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deskyard.db.database import desk_database
from deskyard.domain.actors import Actor
from deskyard.errors import BadInput
from deskyard.journal import audit_log
from deskyard.review import undo
from deskyard.review.undo import UndoCase
from deskyard.text.dates import read_time

MAX_SHOWN_TICKETS: Final = 50
"""How many tickets the table lists; the rest are counted."""

_SPAN: Final = re.compile(r"(\d{1,5})\s*([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def undo_(
    since: Annotated[str, typer.Option(help="A time such as 2026-01-31T09:00 (UTC), or a span: 30m, 2h, 3d, 1w.")],
    queue: Annotated[str, typer.Option(help="Only tickets that were routed to this queue.")] = "",
    apply: Annotated[bool, typer.Option("--apply", help="Undo them. Without this option nothing is changed.")] = False,
) -> None:
    """Undo what the model set since a time, in tickets that nobody has changed since; without --apply only show it.

    The queue goes back to triage, other fields to their former values. Tickets that a person changed or commented on,
    or that are resolved or closed, stay as they are.

    Example: `deskyard undo --since 2h --queue Billing`, check the list, then the same with `--apply`
    """
    now = datetime.now(UTC)
    start, user = parse_since(since, now), getpass.getuser()
    with desk_database() as database:
        if apply:
            with database.writing() as conn:
                subject = f"since {start.isoformat(timespec='seconds')}" + (f" in {queue}" if queue else "")
                audit_log.record_action(conn, Actor("person", user), "undo", subject, now)
        table, kept_reasons, undone = _result_table(apply), Counter[str](), 0
        for case in undo.preview_undo(database, start, queue or None):
            done = (
                undo.undo_decision(database, case, user, datetime.now(UTC)) if apply and case.reverted_fields else case
            )
            undone += bool(done.reverted_fields)
            if done.kept_reason:
                kept_reasons[done.kept_reason] += 1
            if done.reverted_fields and undone <= MAX_SHOWN_TICKETS:
                _add_rows(table, done)
    _print_result(table, undone, kept_reasons, apply)


def parse_since(text: str, now: datetime) -> datetime:
    """The time of `--since`. Raises BadInput for anything but a time in the past.

    >>> now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    >>> [parse_since(text, now).isoformat(" ", "minutes") for text in ("2h", "3d", "2026-01-30", "30.01.2026 15:00")]
    ['2026-01-31 10:00+00:00', '2026-01-28 12:00+00:00', '2026-01-30 00:00+00:00', '2026-01-30 15:00+00:00']
    """
    if span := _SPAN.fullmatch(text.strip().lower()):
        return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    found = read_time(text)
    if found is None:
        raise BadInput(f"--since {text}: write a time such as 2026-01-31T09:00, or a span such as 30m, 2h, 3d, 1w.")
    if found > now:
        raise BadInput(f"--since {text}: that is in the future.")
    return found


def _result_table(applied: bool) -> Table:
    table = Table(title="Undone" if applied else "Would be undone", title_justify="left", title_style="bold")
    for heading in ("ticket", "field", "from", "to", "decided (UTC)"):
        table.add_column(heading, justify="right" if heading == "ticket" else "left")
    return table


def _add_rows(table: Table, case: UndoCase) -> None:
    for name, (was, to) in case.reverted_fields.items():
        when = f"{case.at:%Y-%m-%d %H:%M}"
        table.add_row(str(case.ticket), name, escape(was or "nothing"), escape(to or "nothing"), when)


def _print_result(table: Table, undone: int, kept_reasons: Counter[str], applied: bool) -> None:
    out = Console()
    if not out.is_terminal:
        out = Console(width=130)
    if undone:
        out.print(table)
    if undone > MAX_SHOWN_TICKETS:
        out.print(f"and {undone - MAX_SHOWN_TICKETS:,} more tickets")
    out.print(f"{undone:,} decisions {'were undone' if applied else 'would be undone'}.", highlight=False)
    for reason, count in kept_reasons.most_common():
        out.print(f"{count:,} are kept, wholly or in part: {reason}.", highlight=False, markup=False)
    if undone and not applied:
        out.print("Nothing was changed: add --apply to undo them.")
