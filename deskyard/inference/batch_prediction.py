"""Predicts the rows of a table: one result for each row, in order, as plain values under fixed column names.

`deskyard predict` and a model served by MLflow both use it, so their results can't differ. No row is rejected: one that
can't be read, has no text, or repeats an id gets the action `leave`. Writes nothing.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Map
from typing import Any, Final

from deskyard.domain.decision import Action, Decision
from deskyard.domain.ticket import Target, Ticket
from deskyard.errors import BadInput
from deskyard.history.columns import ColumnMapping, match_columns, to_ticket
from deskyard.policy.policy import decide_targets
from deskyard.registry.bundle import Bundle
from deskyard.tabular.records import BrokenRow, RecordTable

COLUMN_SUFFIXES: Final = ("", "_confidence", "_action", "_top")
"""Column suffixes of each target: its label, confidence, action, and the best labels with their probabilities."""


def prediction_columns(targets: Sequence[Target]) -> list[str]:
    """The names of the columns of a result.

    >>> prediction_columns(["queue"])
    ['id', 'queue', 'queue_confidence', 'queue_action', 'queue_top']
    """
    return ["id", *(f"{target}{part}" for target in targets for part in COLUMN_SUFFIXES)]


def check_precision(precision: float | None, name: str = "--precision") -> None:
    """Raise BadInput unless `precision` is None or from 0.5 to below 1; `name` is that of the option."""
    if precision is not None and not 0.5 <= precision < 1:
        raise BadInput(f"{name} {precision}: give a share from 0.5 to below 1, such as 0.95.")


def predict_rows(
    table: RecordTable, mapping: ColumnMapping, model: Bundle, precision: float | None
) -> Iterator[tuple[dict[str, Any], str]]:
    """The result of each row, and why it is rejected, whatever the model predicts ("" if it is not)."""
    contracts = model.contracts(precision)
    columns, width = match_columns(table, mapping), len(table.columns)
    seen: set[str] = set()
    for number, row in enumerate(table, 1):
        if len(table.columns) > width:  # JSON lines may bring new columns at any line
            columns, width = match_columns(table, mapping), len(table.columns)
        if isinstance(row, BrokenRow):
            ticket, reason = Ticket(id=""), "unreadable"
        else:
            values = columns.join_repeated(row.values)
            ticket = to_ticket(values, columns, order=mapping.dates or "day", number=number)
            reason = _reject_reason(ticket, seen)
        seen.add(ticket.id)
        decisions = decide_targets(ticket, model.predict([ticket])[0], contracts)
        yield {"id": ticket.id} | _decision_cells(decisions, leave=bool(reason)), reason


def _reject_reason(ticket: Ticket, seen: set[str]) -> str:
    if not ticket.id:
        return "without an id"
    if ticket.id in seen:
        return "with a repeated id"
    return "without text" if ticket.blank else ""


def _decision_cells(decisions: Map[Target, Decision], leave: bool) -> dict[str, Any]:
    """The decisions of a ticket under the names of `prediction_columns`."""
    return {
        f"{target}{part}": value
        for target, decision in decisions.items()
        for part, value in zip(
            COLUMN_SUFFIXES,
            (
                decision.label,
                decision.confidence,
                (Action.LEAVE if leave else decision.action).value,
                [list(pair) for pair in decision.top],
            ),
            strict=True,
        )
    }
