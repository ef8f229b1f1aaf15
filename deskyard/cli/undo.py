"""The door of `deskyard undo`: shows what would go back; does it when told to."""

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
from deskyard.desk.ticket_history import Actor
from deskyard.errors import BadInput
from deskyard.journal import audit_log
from deskyard.review import undo
from deskyard.review.undo import Case
from deskyard.text.dates import read_time

SHOWN: Final = 50
"""Tickets that the table names; the rest are counted."""

_SPAN: Final = re.compile(r"(\d{1,5})\s*([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def undo_(
    since: Annotated[str, typer.Option(help="A moment such as 2026-01-31T09:00 (UTC), or a span: 30m, 2h, 3d, 1w.")],
    queue: Annotated[str, typer.Option(help="Only tickets that were put in this queue.")] = "",
    apply: Annotated[bool, typer.Option("--apply", help="Do it. Without this nothing is changed.")] = False,
) -> None:
    """Take back what the machine set since a moment, where nobody has touched the ticket; a dry run first.

    The queue goes back to triage, other fields to what they were. Tickets that a person changed or commented on, or
    that are resolved or closed, stay as they are.

    Example: `deskyard undo --since 2h --queue Billing`, look at it, then the same with `--apply`
    """
    now = datetime.now(UTC)
    begin, user = moment(since, now), getpass.getuser()
    with desk_database() as database:
        if apply:
            with database.writing() as conn:
                said = f"since {begin.isoformat(timespec='seconds')}" + (f" in {queue}" if queue else "")
                audit_log.note(conn, Actor("person", user), "undo", said, now)
        shown, stays, back = _table(apply), Counter[str](), 0
        for case in undo.look(database, begin, queue or None):
            done = undo.take_back(database, case, user, datetime.now(UTC)) if apply and case.back else case
            back += bool(done.back)
            if done.stays:
                stays[done.stays] += 1
            if done.back and back <= SHOWN:
                _show(shown, done)
    _tell(shown, back, stays, apply)


def moment(said: str, now: datetime) -> datetime:
    """What `--since` names. Raises BadInput for what is no moment of the past.

    >>> now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    >>> [moment(said, now).isoformat(" ", "minutes") for said in ("2h", "3d", "2026-01-30", "30.01.2026 15:00")]
    ['2026-01-31 10:00+00:00', '2026-01-28 12:00+00:00', '2026-01-30 00:00+00:00', '2026-01-30 15:00+00:00']
    """
    if span := _SPAN.fullmatch(said.strip().lower()):
        return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    found = read_time(said)
    if found is None:
        raise BadInput(f"--since {said}: write a moment such as 2026-01-31T09:00, or a span such as 30m, 2h, 3d, 1w.")
    if found > now:
        raise BadInput(f"--since {said}: that is still to come.")
    return found


def _table(applied: bool) -> Table:
    shown = Table(title="Undone" if applied else "Would be undone", title_justify="left", title_style="bold")
    for heading in ("ticket", "field", "from", "to", "decided (UTC)"):
        shown.add_column(heading, justify="right" if heading == "ticket" else "left")
    return shown


def _show(shown: Table, case: Case) -> None:
    for name, (was, to) in case.back.items():
        when = f"{case.at:%Y-%m-%d %H:%M}"
        shown.add_row(str(case.ticket), name, escape(was or "nothing"), escape(to or "nothing"), when)


def _tell(shown: Table, back: int, stays: Counter[str], applied: bool) -> None:
    out = Console()
    if not out.is_terminal:
        out = Console(width=130)
    if back:
        out.print(shown)
    if back > SHOWN:
        out.print(f"and {back - SHOWN:,} more tickets")
    out.print(f"{back:,} decisions {'were undone' if applied else 'would be undone'}.", highlight=False)
    for reason, count in stays.most_common():
        out.print(f"{count:,} stay, wholly or in part: {reason}.", highlight=False, markup=False)
    if back and not applied:
        out.print("Nothing was changed: say --apply to do it.")
