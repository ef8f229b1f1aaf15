"""Views of the report tables with the label names of today, by the taxonomy ledger.

Rows hold the names of the day on which a ticket was received. A view shows renamed and merged labels under their
current names, and counts predictions as correct that are so by these names; without changes it is the table itself.
Access still depends on the queue in which a ticket really is (column `stands`).

The second and third predictions, and whether a ticket came back to an earlier queue, stay as they were counted.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Table, and_, case, exists, func, literal, select

from deskyard.domain.taxonomy import TaxonomyChange, make_translator
from deskyard.domain.ticket import TARGETS, Target

QUEUE_COLUMNS: Final = ("placed", "queue", "was", "became")
"""Columns of the tables that hold the name of a queue."""

LABEL_COLUMNS: Final = ("said", "truth")
"""Columns that hold a label of the row's target."""


def apply_taxonomy(table: Table, target: str, taxonomy_changes: Sequence[TaxonomyChange], moves: Table) -> FromClause:
    """The table with current names; `target`: that of the query, `moves`: the table of moves."""
    if not taxonomy_changes:
        return table
    chosen: Target = next((one for one in TARGETS if one == target), "queue")
    columns: dict[str, Any] = {column.name: column for column in table.c}
    for name, of in _translated_columns(table, chosen):
        columns[name] = translate_column(table.c[name], of, taxonomy_changes)
    if "said" in columns and "place" in columns:
        alike = and_(columns["said"] == columns["truth"], table.c.said != "", table.c.place != 1, table.c.place >= 0)
        columns["place"] = case((alike, 1), else_=table.c.place)
    if "returned" in columns:
        columns |= _recount_moves(table, moves, taxonomy_changes)
    rows = select(*(column.label(name) for name, column in columns.items()), table.c.queue.label("stands"))
    if table is moves:
        rows = rows.where(columns["was"] != columns["became"])
    return rows.subquery(table.name)


def translate_column(
    column: ColumnElement[Any], target: Target, taxonomy_changes: Sequence[TaxonomyChange]
) -> ColumnElement[Any]:
    """A column with the current names of its labels."""
    name = make_translator(taxonomy_changes, target)
    old = sorted({label for change in taxonomy_changes if change.target == target for label in change.labels})
    new = [(column == label, literal(name(label))) for label in old if name(label) != label]
    return case(*new, else_=column) if new else column


def _translated_columns(table: Table, target: Target) -> Iterator[tuple[str, Target]]:
    for name in (column.name for column in table.c):
        if name in QUEUE_COLUMNS:
            yield name, "queue"
        elif name in LABEL_COLUMNS:
            yield name, target
        elif name == "assignee":
            yield name, "assignee"


def _recount_moves(table: Table, moves: Table, taxonomy_changes: Sequence[TaxonomyChange]) -> dict[str, Any]:
    """How often a ticket was reassigned and whether it came back, without moves within one queue of today."""
    mine = and_(
        moves.c.ticket_id == table.c.ticket_id,
        translate_column(moves.c.was, "queue", taxonomy_changes)
        != translate_column(moves.c.became, "queue", taxonomy_changes),
    )
    counted = select(func.count()).where(mine).scalar_subquery()
    return {
        "moves": case((table.c.moves > 0, counted), else_=0),
        "returned": and_(table.c.returned.is_(True), exists().where(mine, moves.c.back.is_(True))),
    }
