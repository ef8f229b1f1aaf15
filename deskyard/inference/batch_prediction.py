"""Answers: what a model says of the rows of a table, one for each row, in order.

In come a table of tickets and a bundle, out come plain values under fixed names. `deskyard predict` and a model served
by MLflow both ask here, so they can't differ. No row is rejected: one that can't be read, has no text, or repeats an id
is answered with `leave`. Writes nothing.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Map
from typing import Any, Final

from deskyard.domain.decision import Action, Decision
from deskyard.domain.ticket import Target, Ticket
from deskyard.errors import BadInput
from deskyard.history.columns import Mapping, match, to_ticket
from deskyard.policy.policy import decide
from deskyard.registry.bundle import Bundle
from deskyard.tabular.records import Broken, Table

PARTS: Final = ("", "_confidence", "_action", "_top")
"""What is told of each target: its label, how sure, what may be done, and the best labels with their probabilities."""


def columns(targets: Sequence[Target]) -> list[str]:
    """The names under which a row is answered.

    >>> columns(["queue"])
    ['id', 'queue', 'queue_confidence', 'queue_action', 'queue_top']
    """
    return ["id", *(f"{target}{part}" for target in targets for part in PARTS)]


def check_precision(asked: float | None, name: str = "--precision") -> None:
    """Raise BadInput unless `asked` is a share that may be asked for, or None."""
    if asked is not None and not 0.5 <= asked < 1:
        raise BadInput(f"{name} {asked}: ask for a share from 0.5 to below 1, such as 0.95.")


def answers(
    table: Table, said: Mapping, model: Bundle, precision: float | None
) -> Iterator[tuple[dict[str, Any], str]]:
    """Each row's answer, and why it is left to a person whatever the model thinks ("" if it is not)."""
    contracts = model.contracts(precision)
    places, width = match(table, said), len(table.columns)
    seen: set[str] = set()
    for row in table:
        if len(table.columns) > width:  # JSON lines may bring new columns at any line
            places, width = match(table, said), len(table.columns)
        if isinstance(row, Broken):
            ticket, why = Ticket(id=""), "unreadable"
        else:
            ticket = to_ticket(row.values, places, order=said.dates or "day")
            why = _lacking(ticket, seen)
        seen.add(ticket.id)
        decisions = decide(ticket, model.predict([ticket])[0], contracts)
        yield {"id": ticket.id} | _cells(decisions, leave=bool(why)), why


def _lacking(ticket: Ticket, seen: set[str]) -> str:
    if not ticket.id:
        return "without an id"
    if ticket.id in seen:
        return "with a repeated id"
    return "without text" if ticket.blank else ""


def _cells(decisions: Map[Target, Decision], leave: bool) -> dict[str, Any]:
    """A ticket's decisions under the names of `columns`."""
    return {
        f"{target}{part}": value
        for target, decision in decisions.items()
        for part, value in zip(
            PARTS,
            (
                decision.label,
                decision.confidence,
                (Action.LEAVE if leave else decision.action).value,
                [list(pair) for pair in decision.top],
            ),
            strict=True,
        )
    }
