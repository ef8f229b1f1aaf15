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
from deskyard.desk.changes import by_people
from deskyard.desk.tickets import READ, Filed, filed
from deskyard.domain.status import is_solved
from deskyard.domain.ticket import TARGETS
from deskyard.guarantees.intervals import lower_bound
from deskyard.journal.journal import Journal
from deskyard.sync import connections

HELD_BACK: Final = ("shadow", "suggest", "halted")
"""The first reason of a decision that the evidence allows and the policy holds back."""

_CHUNK: Final = 500


@dataclass(slots=True)
class Line:
    """One queue, or one label of another target: how often it would have been set, and what people then did."""

    target: str
    label: str
    would: int = 0
    agreed: int = 0
    differed: int = 0

    @property
    def judged(self) -> int:
        """How many of them people have spoken on."""
        return self.agreed + self.differed

    @property
    def surely(self) -> float:
        """The share that is right with 95 % confidence at least."""
        return lower_bound(self.agreed, self.judged) if self.judged else 0.0


@dataclass(slots=True)
class Report:
    """A store in shadow: tickets seen, and a line for each target and label, most frequent first."""

    store: str
    tickets: int
    lines: list[Line]


def shadow_report(
    store: Annotated[str, typer.Argument(help="The name of a connection; all of them if left out.")] = "",
    target: Annotated[str, typer.Option(help=f"Only this target: {', '.join(TARGETS)}.")] = "queue",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what would have been written into a foreign help desk, beside what people then did, queue by queue.

    Example: `deskyard shadow-report znuny`
    """
    with desk_database() as database, database.reading() as conn:
        named = [connections.named(conn, store)] if store else connections.every(conn)
        reports = [report(conn, one.id, one.name) for one in named if one.kind != "imap"]
    if as_json:
        typer.echo(json.dumps([_plain(one) for one in reports], ensure_ascii=False, indent=1))
        return
    if not reports:
        typer.echo("No help desk is connected: `deskyard connect URL` does it.")
    for one in reports:
        typer.echo(_told(one, target))


def report(conn: Connection, connection: int, name: str) -> Report:
    """What the decisions on a connection's tickets would have set, and what stands there now."""
    lines: dict[tuple[str, str], Line] = {}
    tickets = 0
    for ticket, content, spoken in _tickets(conn, connection):
        tickets += 1
        for target, label in _held_back(content):
            line = lines.setdefault((target, label), Line(target, label))
            line.would += 1
            if target in spoken or is_solved(ticket.status):
                if ticket.value(target) == label:
                    line.agreed += 1
                else:
                    line.differed += 1
    return Report(name, tickets, sorted(lines.values(), key=lambda line: (line.target, -line.would, line.label)))


def _tickets(conn: Connection, connection: int) -> Iterator[tuple[Filed, dict[str, Any], set[str]]]:
    """Each mirrored ticket, its first decision, and the fields that people set."""
    mine = select(MIRROR.c.ticket_id).where(MIRROR.c.connection_id == connection)
    after = 0
    rows = READ.where(TICKETS.c.id.in_(mine)).order_by(TICKETS.c.id).limit(_CHUNK)
    while found := [filed(row) for row in conn.execute(rows.where(TICKETS.c.id > after))]:
        after = found[-1].id
        decided = Journal.first_decisions(conn, [one.id for one in found])
        for one in found:
            if one.id in decided:
                yield one, decided[one.id].content, set(by_people(conn, one.id))


def _held_back(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(target, label) that the evidence allowed to set and the policy held back."""
    for target, decision in content["decisions"].items():
        if decision["reasons"] and decision["reasons"][0]["code"] in HELD_BACK and decision["label"] is not None:
            yield target, decision["label"]


def _plain(found: Report) -> dict[str, Any]:
    return {
        "store": found.store,
        "tickets": found.tickets,
        "lines": [
            {
                "target": line.target,
                "label": line.label,
                "would": line.would,
                "judged": line.judged,
                "agreed": line.agreed,
                "surely": round(line.surely, 4),
            }
            for line in found.lines
        ],
    }


def _told(found: Report, target: str) -> str:
    mine = [line for line in found.lines if line.target == target]
    if not mine:
        return (
            f"{found.store}: {found.tickets:,} tickets seen, and for none the evidence would have allowed to set the "
            f"{target} without a person while the policy held it back."
        )
    would, judged = sum(line.would for line in mine), sum(line.judged for line in mine)
    agreed = sum(line.agreed for line in mine)
    head = (
        f"{found.store}: of {found.tickets:,} tickets the {target} would have been set in {would:,}. "
        f"People have spoken on {judged:,} of these, and agreed on {agreed:,}."
    )
    width = max(len(line.label) for line in mine)
    rows = [f"  {'':<{width}}  would set  spoken on  agreed  right at least (95 % sure)"]
    rows += [
        f"  {line.label:<{width}}  {line.would:>9,}  {line.judged:>9,}  "
        f"{f'{line.agreed / line.judged:.0%}' if line.judged else '-':>6}  "
        f"{f'{line.surely:.0%}' if line.judged else 'nobody has spoken yet'}"
        for line in mine
    ]
    return "\n".join([head, *rows, "Go live for one of them: deskyard policy mode route --queue NAME"])
