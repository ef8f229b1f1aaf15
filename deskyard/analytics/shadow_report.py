"""`deskyard shadow-report`: what the machine would have written into a foreign help desk, beside what people then did.

In comes the journal and the mirrored tickets; out goes, queue by queue, how often people ended where the machine would
have gone, with the bound that is sure at 95 %. Nothing is counted as right before a person, or the end of the ticket,
has spoken: "not changed" is not "right".
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from sqlalchemy import Connection, select

from deskyard.db.database import desk_database
from deskyard.db.tables.desk import TICKETS
from deskyard.db.tables.sync import MIRROR
from deskyard.desk.changes import load_human_steps
from deskyard.desk.tickets import SELECT_TICKETS, DeskTicket, to_desk_ticket
from deskyard.domain.status import is_solved
from deskyard.domain.ticket import TARGETS
from deskyard.guarantees.intervals import lower_bound
from deskyard.journal.journal import Journal
from deskyard.sync import connections

HELD_BACK_CODES: Final = ("shadow", "suggest", "halted")
"""The first reason of a decision that the evidence allows and the policy holds back."""

_BATCH_SIZE: Final = 500


@dataclass(slots=True)
class ShadowLine:
    """One queue, or one label of another target: how often it would have been set, and what people then did."""

    target: str
    label: str
    would_set: int = 0
    agreed: int = 0
    differed: int = 0

    @property
    def judged(self) -> int:
        """How many of them people have spoken on."""
        return self.agreed + self.differed

    @property
    def agreement_lower95(self) -> float:
        """The share that is right with 95 % confidence at least."""
        return lower_bound(self.agreed, self.judged) if self.judged else 0.0


@dataclass(slots=True)
class ShadowReport:
    """A store in shadow: tickets seen, and a line for each target and label, most frequent first."""

    store: str
    tickets: int
    lines: list[ShadowLine]


def shadow_report(
    store: Annotated[str, typer.Argument(help="The name of a connection; all of them if left out.")] = "",
    target: Annotated[str, typer.Option(help=f"Only this target: {', '.join(TARGETS)}.")] = "queue",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what would have been written into a foreign help desk, beside what people then did, queue by queue.

    Example: `deskyard shadow-report znuny`
    """
    with desk_database() as database, database.reading() as conn:
        named = [connections.find_by_name(conn, store)] if store else connections.list_connections(conn)
        reports = [build_report(conn, one.id, one.name) for one in named if one.kind != "imap"]
    if as_json:
        typer.echo(json.dumps([_to_dict(one) for one in reports], ensure_ascii=False, indent=1))
        return
    if not reports:
        typer.echo("No help desk is connected: `deskyard connect URL` does it.")
    for one in reports:
        typer.echo(_format_report(one, target))


def build_report(conn: Connection, connection_id: int, name: str) -> ShadowReport:
    """What the decisions on a connection's tickets would have set, and what stands there now."""
    lines: dict[tuple[str, str], ShadowLine] = {}
    tickets = 0
    for ticket, content, spoken in _iter_mirrored_tickets(conn, connection_id):
        tickets += 1
        for target, label in _held_back_labels(content):
            line = lines.setdefault((target, label), ShadowLine(target, label))
            line.would_set += 1
            if target in spoken or is_solved(ticket.status):
                if ticket.value(target) == label:
                    line.agreed += 1
                else:
                    line.differed += 1
    return ShadowReport(
        name, tickets, sorted(lines.values(), key=lambda line: (line.target, -line.would_set, line.label))
    )


def _iter_mirrored_tickets(
    conn: Connection, connection_id: int
) -> Iterator[tuple[DeskTicket, dict[str, Any], set[str]]]:
    """Each mirrored ticket, its first decision, and the fields that people set."""
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
    """(target, label) that the evidence allowed to set and the policy held back."""
    for target, decision in content["decisions"].items():
        if decision["reasons"] and decision["reasons"][0]["code"] in HELD_BACK_CODES and decision["label"] is not None:
            yield target, decision["label"]


def _to_dict(report: ShadowReport) -> dict[str, Any]:
    return {
        "store": report.store,
        "tickets": report.tickets,
        "lines": [
            {
                "target": line.target,
                "label": line.label,
                "would": line.would_set,
                "judged": line.judged,
                "agreed": line.agreed,
                "surely": round(line.agreement_lower95, 4),
            }
            for line in report.lines
        ],
    }


def _format_report(report: ShadowReport, target: str) -> str:
    mine = [line for line in report.lines if line.target == target]
    if not mine:
        return (
            f"{report.store}: {report.tickets:,} tickets seen, and for none the evidence would have allowed to set the "
            f"{target} without a person while the policy held it back."
        )
    would, judged = sum(line.would_set for line in mine), sum(line.judged for line in mine)
    agreed = sum(line.agreed for line in mine)
    head = (
        f"{report.store}: of {report.tickets:,} tickets the {target} would have been set in {would:,}. "
        f"People have spoken on {judged:,} of these, and agreed on {agreed:,}."
    )
    width = max(len(line.label) for line in mine)
    rows = [f"  {'':<{width}}  would set  spoken on  agreed  right at least (95 % sure)"]
    rows += [
        f"  {line.label:<{width}}  {line.would_set:>9,}  {line.judged:>9,}  "
        f"{f'{line.agreed / line.judged:.0%}' if line.judged else '-':>6}  "
        f"{f'{line.agreement_lower95:.0%}' if line.judged else 'nobody has spoken yet'}"
        for line in mine
    ]
    return "\n".join([head, *rows, "Go live for one of them: deskyard policy mode route --queue NAME"])
