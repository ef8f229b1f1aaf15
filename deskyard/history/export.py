"""`deskyard export-history`: the desk's tickets, with their final labels, as a table that `deskyard train` reads.

It writes two files: the tickets as they were filed, and all changes since (moves). A label is exported only if a person
chose it, or the ticket was solved with it, and a column beside it says who is responsible for it
(`deskyard.domain.label_trust`): a model should not be trained on its own unreviewed predictions. `triage` is never a
label. Only a thousand tickets are held in memory.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from sqlalchemy import Connection, select

from deskyard.db.database import Database, desk_database
from deskyard.db.tables.desk import TICKET_HISTORY, TICKETS
from deskyard.desk import ticket_history
from deskyard.desk.ticket_history import TAKEN_BACK, HistoryStep
from deskyard.desk.tickets import SELECT_TICKETS, DeskTicket, to_desk_ticket
from deskyard.domain import label_trust
from deskyard.domain.catalogue import TRIAGE
from deskyard.domain.status import is_solved
from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput
from deskyard.history.column_mapping import MOVE_COLUMNS
from deskyard.journal.journal import Journal
from deskyard.review import blind_review
from deskyard.tabular.writer import SUFFIXES, open_writer

COLUMNS: Final = (
    "id", "created_at", "subject", "body", "channel", "language", "requester", "organisation", "category", "priority",
    "queue", "assignee", "resolved_at", *map(label_trust.trust_column, TARGETS),
)  # fmt: skip
"""Columns of every table, followed by one for each custom field (x_product)."""

BATCH_SIZE: Final = 1_000
_LONE_RETURN: Final = re.compile("\r(?!\n)")


@dataclass(slots=True)
class ExportCounts:
    """How many tickets and moves were written, how many tickets have a label of each target, and how many erased ones
    were left out."""

    tickets: int = 0
    moves: int = 0
    erased: int = 0
    labels: Counter[str] = field(default_factory=Counter)


def export_history(
    out: Annotated[Path, typer.Option(help=f"The table of tickets: {', '.join(SUFFIXES)}; - for standard output.")],
    moves: Annotated[Path | None, typer.Option(help="The file of changes; FILE.moves.csv if left out.")] = None,
) -> None:
    """Write the desk's tickets with their final labels as a history to train on.

    Example: `deskyard export-history --out history.csv`, then `deskyard train history.csv --moves history.moves.csv`
    """
    moves = default_moves_path(out) if moves is None and str(out) != "-" else moves
    if moves is not None and moves.absolute() == out.absolute():
        raise BadInput(f"--moves {moves}: this is the table of tickets; name another file.")
    with desk_database() as database:
        counts = export_tickets(database, out, moves)
    labels = ", ".join(f"{counts.labels[target]:,} {target}" for target in TARGETS)
    typer.echo(f"{counts.tickets:,} tickets to {out}; labels set or accepted by people: {labels}.", err=True)
    if counts.erased:
        typer.echo(f"{describe_erased(counts.erased)}.", err=True)
    if moves is not None:
        typer.echo(f"{counts.moves:,} moves to {moves}.", err=True)


def export_tickets(database: Database, out: Path, moves: Path | None, until: datetime | None = None) -> ExportCounts:
    """Write the table, and the moves if `moves` is not None; each file is written completely or not at all.

    `until`: export the desk as it was at that moment, by the tickets' histories (None: as it is now).
    """
    counts = ExportCounts()
    with database.reading() as conn, ExitStack() as stack:
        fields = _list_field_columns(conn, until)
        table = stack.enter_context(open_writer(out, [*COLUMNS, *fields], numbers=()))
        moves_writer = stack.enter_context(open_writer(moves, MOVE_COLUMNS, numbers=())) if moves is not None else None
        normalise = _normalise_newlines if _is_csv(out) else dict
        for ticket, steps, confirmations in _iter_tickets(conn, until):
            if ticket.erased_at is not None:
                counts.erased += 1
                continue
            row = _ticket_row(ticket, steps, confirmations, fields)
            table.write(normalise(row))
            counts.tickets += 1
            counts.labels.update(target for target in TARGETS if row[target])
            if moves_writer is not None:
                for step in steps:
                    moves_writer.write(_move_row(row["id"], step))
                counts.moves += len(steps)
    return counts


def describe_erased(erased: int) -> str:
    """The note on erased tickets, without a full stop.

    >>> describe_erased(1), describe_erased(1200)
    ('1 erased ticket is left out', '1,200 erased tickets are left out')
    """
    return f"{erased:,} erased {'ticket is' if erased == 1 else 'tickets are'} left out"


def default_moves_path(out: Path) -> Path:
    """The default file of moves for a table.

    >>> default_moves_path(Path("data/history.csv.gz")).as_posix()
    'data/history.moves.csv'
    """
    ending = max((known for known in SUFFIXES if out.name.lower().endswith(known)), key=len, default="")
    return out.with_name(out.name[: len(out.name) - len(ending)] + ".moves.csv")


Confirmations = Mapping[tuple[str, str], str]
"""(target, label) → the trust of a label that people agreed with (`deskyard.domain.label_trust`)."""


def _iter_tickets(
    conn: Connection, until: datetime | None
) -> Iterator[tuple[DeskTicket, list[HistoryStep], Confirmations]]:
    """Every ticket received by then, with its history until then and the labels that people confirmed, oldest first."""
    after = 0
    while rows := conn.execute(
        SELECT_TICKETS.where(TICKETS.c.id > after).order_by(TICKETS.c.id).limit(BATCH_SIZE)
    ).all():
        tickets = [to_desk_ticket(row) for row in rows]
        after = tickets[-1].id
        steps: defaultdict[int, list[HistoryStep]] = defaultdict(list)
        mine = TICKET_HISTORY.c.ticket_id.in_([ticket.id for ticket in tickets])
        for row in conn.execute(select(TICKET_HISTORY).where(mine).order_by(TICKET_HISTORY.c.id)):
            steps[row.ticket_id].append(ticket_history.to_step(row))
        confirmations = _load_confirmations(conn, [ticket.id for ticket in tickets], until)
        for ticket in tickets:
            if until is None:
                yield ticket, steps[ticket.id], confirmations[ticket.id]
            elif ticket.received_at <= until:
                steps_until = [step for step in steps[ticket.id] if step.at <= until]
                yield _rewind_ticket(ticket, steps[ticket.id], until), steps_until, confirmations[ticket.id]


def _load_confirmations(
    conn: Connection, numbers: Sequence[int], until: datetime | None
) -> Mapping[int, Confirmations]:
    """Ticket → the labels that people agreed with; blind reviews take precedence."""
    found: defaultdict[int, dict[tuple[str, str], str]] = defaultdict(dict)
    for entry in Journal.iter_confirmed(conn, numbers):
        if until is None or entry.at <= until:
            found[entry.ticket_id][entry.content["field"], entry.content["to"]] = label_trust.CONFIRMED
    for number, queue in blind_review.load_answers(conn, numbers, until).items():
        found[number]["queue", queue] = label_trust.BLIND
    return found


def _rewind_ticket(ticket: DeskTicket, steps: Sequence[HistoryStep], until: datetime) -> DeskTicket:
    """The ticket as it was at `until`."""
    former: dict[str, Any] = {step.field: step.was for step in reversed(steps) if step.at > until}
    return replace(ticket, **{name: value for name, value in former.items() if name in (*TARGETS, "status")})


def _ticket_row(
    desk_ticket: DeskTicket, steps: Sequence[HistoryStep], confirmations: Confirmations, columns: Mapping[str, None]
) -> dict[str, str | None]:
    ticket, resolved_at = desk_ticket.ticket, _find_resolved_at(steps) if is_solved(desk_ticket.status) else None
    row: dict[str, str | None] = {
        "id": ticket_export_id(desk_ticket),
        "created_at": (ticket.created_at or desk_ticket.received_at).isoformat(),
        "subject": ticket.subject,
        "body": ticket.body,
        "channel": ticket.channel,
        "language": ticket.language,
        "requester": ticket.requester,
        "organisation": ticket.organisation,
        "resolved_at": resolved_at.isoformat() if resolved_at else None,
    }
    row |= {target: _trusted_label(desk_ticket, target, steps) for target in TARGETS}
    row |= {
        label_trust.trust_column(target): _label_trust(target, row[target], steps, confirmations) for target in TARGETS
    }
    for key, value in ticket.fields.items():
        if (column := _field_column(key)) in columns and value:
            row.setdefault(column, value)
    return row


def ticket_export_id(ticket: DeskTicket) -> str:
    """The id of a ticket in the table."""
    return format_export_id(ticket.id, ticket.ticket.source, ticket.external_id)


def format_export_id(number: int, source: str, external_id: str | None) -> str:
    """The id of a ticket in the table: source and external id, or the desk's number where it has none.

    A `/` in the name of a source is written as %2F, so that ids are unique.
    """
    if not external_id:
        return str(number)
    source = source.replace("%", "%25").replace("/", "%2F")
    return f"{source}/{external_id}"


def _trusted_label(ticket: DeskTicket, target: str, steps: Sequence[HistoryStep]) -> str | None:
    """The current label, if a person chose it or the ticket is solved; else None."""
    value = ticket.value(target)
    if value is None or (target == "queue" and value == TRIAGE):
        return None
    chosen = _last_step(steps, target)
    return value if is_solved(ticket.status) or (chosen is not None and _is_human_choice(chosen)) else None


def _label_trust(
    target: str, label: str | None, steps: Sequence[HistoryStep], confirmations: Confirmations
) -> str | None:
    """The trust of a label; None where there is no label, and where the ticket was filed with it."""
    if label is None:
        return None
    last = _last_step(steps, target)
    if last is None or (target, label) in confirmations:
        return confirmations.get((target, label))
    return label_trust.CORRECTED if _is_human_choice(last) else label_trust.UNREVIEWED


def _last_step(steps: Sequence[HistoryStep], target: str) -> HistoryStep | None:
    return next((step for step in reversed(steps) if step.field == target), None)


def _is_human_choice(step: HistoryStep) -> bool:
    """Whether a person chose the new value; neither rules of the desk nor reverting one's own step count."""
    return step.actor.kind == "person" and step.why != TAKEN_BACK


def _find_resolved_at(steps: Sequence[HistoryStep]) -> datetime | None:
    """When the ticket was last solved; closing a resolved ticket does not count."""
    found = None
    for step in steps:
        if step.field == "status":
            found = (found or step.at) if is_solved(step.became) else None
    return found


def _move_row(ticket: str | None, step: HistoryStep) -> dict[str, str | None]:
    """A step as a row of moves; other actors than people have their kind as prefix (`machine:4f1c...`, `rule:desk`)."""
    actor = step.actor.name if step.actor.kind == "person" else f"{step.actor.kind}:{step.actor.name}"
    values = (ticket, step.at.isoformat(), actor, step.field, step.was, step.became)
    return dict(zip(MOVE_COLUMNS, values, strict=True))


def _list_field_columns(conn: Connection, until: datetime | None) -> dict[str, None]:
    """A column for each custom field of any ticket, sorted; names that differ only in case are one field."""
    found: set[str] = set()
    query = select(TICKETS.c.fields)
    query = query if until is None else query.where(TICKETS.c.received_at <= until)
    for fields in conn.scalars(query.execution_options(yield_per=BATCH_SIZE)):
        found.update(fields)
    return dict.fromkeys(sorted(column for column in map(_field_column, found) if column != "x_"))


def _field_column(key: str) -> str:
    return f"x_{key.strip().casefold()}"


def _is_csv(out: Path) -> bool:
    return str(out) == "-" or out.name.lower().endswith((".csv", ".csv.gz"))


def _normalise_newlines(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with single carriage returns as line feeds: CSV readers take them for line ends, and Python's writer does
    not quote them."""
    return {key: _LONE_RETURN.sub("\n", value) if value else value for key, value in row.items()}
