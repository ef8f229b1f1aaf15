"""`deskyard shadow-report`: what the model would have set in a foreign help desk, compared with what people did.

For each queue it counts how often people set the same value as the model would have set, with the lower bound at 95 %
confidence. A ticket counts only after a person has set the value, or the ticket is solved: unchanged is not the same as
correct.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, select

from deskyard.db.database import desk_database
from deskyard.db.tables.desk import TICKETS
from deskyard.db.tables.sync import MIRROR
from deskyard.desk.changes import load_human_steps
from deskyard.desk.tickets import SELECT_TICKETS, DeskTicket, to_desk_ticket
from deskyard.domain.status import is_solved
from deskyard.domain.ticket import TARGETS
from deskyard.guarantees.intervals import lower_bound
from deskyard.journal.journal import Journal, is_same_value
from deskyard.sync import connections

HELD_BACK_CODES: Final = ("shadow", "suggest", "halted")
"""Codes of the first reason of decisions that the contract allows and the policy holds back."""

_BATCH_SIZE: Final = 500
_PIPED_WIDTH: Final = 200
"""Columns outside a terminal: no row is wrapped."""


@dataclass(slots=True)
class ShadowLine:
    """One label: how often it would have been set, and how often people then agreed or differed."""

    target: str
    label: str
    would_set: int = 0
    agreed: int = 0
    differed: int = 0

    @property
    def reviewed(self) -> int:
        """How many of the tickets people have decided on."""
        return self.agreed + self.differed

    @property
    def agreement_lower95(self) -> float:
        """Lower bound (0..1) of the share of agreement at 95 % confidence; 0 without reviewed tickets."""
        return lower_bound(self.agreed, self.reviewed) if self.reviewed else 0.0


@dataclass(slots=True)
class ShadowReport:
    """The report of a connection: its tickets, and a line for each target and label, most frequent first."""

    connection: str
    tickets: int
    lines: list[ShadowLine]


def shadow_report(
    store: Annotated[str, typer.Argument(help="The name of a connection; all if left out.")] = "",
    target: Annotated[str, typer.Option(help=f"Only this target: {', '.join(TARGETS)}.")] = "queue",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Show for each queue what the model would have set in a foreign help desk, and what people did.

    Example: `deskyard shadow-report znuny`
    """
    with desk_database() as database, database.reading() as conn:
        named = [connections.find_by_name(conn, store)] if store else connections.list_connections(conn)
        reports = [build_report(conn, one.id, one.name) for one in named if one.kind != "imap"]
    if as_json:
        typer.echo(json.dumps([_to_dict(one) for one in reports], ensure_ascii=False, indent=1))
        return
    if not reports:
        typer.echo("No help desk is connected: `deskyard connect URL` connects one.")
    out = Console(highlight=False, markup=False, soft_wrap=True)
    out = out if out.is_terminal else Console(width=_PIPED_WIDTH, highlight=False, markup=False, soft_wrap=True)
    for one in reports:
        _print_report(out, one, target)


def build_report(conn: Connection, connection_id: int, name: str) -> ShadowReport:
    """The report of a connection: what the decisions on its tickets would have set, and the values now."""
    lines: dict[tuple[str, str], ShadowLine] = {}
    tickets = 0
    for ticket, content, set_by_people in _iter_mirrored_tickets(conn, connection_id):
        tickets += 1
        for target, label in _held_back_labels(content):
            line = lines.setdefault((target, label), ShadowLine(target, label))
            line.would_set += 1
            if target in set_by_people or is_solved(ticket.status):
                if is_same_value(content, target, ticket.value(target), label):
                    line.agreed += 1
                else:
                    line.differed += 1
    return ShadowReport(
        name, tickets, sorted(lines.values(), key=lambda line: (line.target, -line.would_set, line.label))
    )


def _iter_mirrored_tickets(
    conn: Connection, connection_id: int
) -> Iterator[tuple[DeskTicket, dict[str, Any], set[str]]]:
    """Each mirrored ticket, the content of its first decision, and the fields that people set."""
    mine = select(MIRROR.c.ticket_id).where(MIRROR.c.connection_id == connection_id)
    after = 0
    rows = SELECT_TICKETS.where(TICKETS.c.id.in_(mine)).order_by(TICKETS.c.id).limit(_BATCH_SIZE)
    while found := [to_desk_ticket(row) for row in conn.execute(rows.where(TICKETS.c.id > after))]:
        after = found[-1].id
        decided = Journal.first_decisions(conn, [one.id for one in found])
        for one in found:
            if one.id in decided:
                yield one, decided[one.id].content, set(load_human_steps(conn, one.id))


def _held_back_labels(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(target, label) of what the contract allowed to set and the policy held back."""
    for target, decision in content["decisions"].items():
        if decision["reasons"] and decision["reasons"][0]["code"] in HELD_BACK_CODES and decision["label"] is not None:
            yield target, decision["label"]


def _to_dict(report: ShadowReport) -> dict[str, Any]:
    return {
        "connection": report.connection,
        "tickets": report.tickets,
        "lines": [
            {
                "target": line.target,
                "label": line.label,
                "would_set": line.would_set,
                "reviewed": line.reviewed,
                "agreed": line.agreed,
                "agreement_lower95": round(line.agreement_lower95, 4),
            }
            for line in report.lines
        ],
    }


def _print_report(console: Console, report: ShadowReport, target: str) -> None:
    lines = [line for line in report.lines if line.target == target]
    name = report.connection
    if not lines:
        console.print(
            f"{name}: {report.tickets:,} tickets; in none of them would the model have set the {target} if the policy "
            "allowed it."
        )
        return
    would_set, reviewed = sum(line.would_set for line in lines), sum(line.reviewed for line in lines)
    agreed = sum(line.agreed for line in lines)
    console.print(
        f"{name}: in {would_set:,} of {report.tickets:,} tickets the model would have set the {target}. "
        f"People have reviewed {reviewed:,} of these and agreed in {agreed:,}."
    )
    table = Table(box=None, padding=(0, 2))
    table.add_column(target, overflow="fold")
    for heading in ("would set", "reviewed", "agreed", "correct at least (95 % confidence)"):
        table.add_column(heading, justify="right")
    for line in lines:
        shares = (f"{line.agreed / line.reviewed:.0%}", f"{line.agreement_lower95:.0%}") if line.reviewed else (
            "-", "not reviewed yet"
        )  # fmt: skip
        table.add_row(line.label, f"{line.would_set:,}", f"{line.reviewed:,}", *shares)
    console.print(table)
    console.print("To route one of them: deskyard policy mode route --queue NAME")
