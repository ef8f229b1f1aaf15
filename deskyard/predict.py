"""The door of `deskyard predict`: a file of tickets in, one line of predictions out for each row, in order.

No row is rejected: one that can't be read, has no text, or repeats an id is answered with `leave`.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from deskyard import bundle
from deskyard.columns import Mapping, check_columns, check_map, match, parse_map, to_ticket
from deskyard.decision import Action, Decision
from deskyard.errors import BadInput
from deskyard.policy import decide
from deskyard.progress import bar, console
from deskyard.settings import settings
from deskyard.stores.files import Broken, Table, open_writer, read_rows
from deskyard.ticket import Target, Ticket


def predict(
    model: Annotated[str, typer.Argument(metavar="BUNDLE", help="A bundle's folder, or its name among the models.")],
    file: Annotated[Path, typer.Argument(help="Tickets: CSV (.gz), XLSX, JSONL, Parquet, or - for standard input.")],
    out: Annotated[Path, typer.Option(help="Where to: .csv, .jsonl, .parquet (also .gz), or - for CSV.")] = Path("-"),
    precision: Annotated[
        float | None, typer.Option(help="The share of routed tickets that must be right; as in training if not said.")
    ] = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help='OURS=THEIRS, such as body="Текст", or a TOML file. Repeatable.')
    ] = None,
) -> None:
    """Predict the tickets of a file: for each target T the columns T, T_confidence, T_action and T_top.

    T_action is what the model's contract allows at the asked precision: route, suggest or leave. Rows come out in the
    order and number they came in.

    Example: `deskyard predict models/2026-01-31-120000 new.csv --out predictions.csv --precision 0.98`
    """
    if precision is not None and not 0.5 <= precision < 1:
        raise BadInput(f"--precision {precision}: ask for a share from 0.5 to below 1, such as 0.95.")
    if str(file) != "-" and out.exists() and file.exists() and out.samefile(file):
        raise BadInput(f"--out {out} is the file that is read: name another.")
    loaded = bundle.load(bundle.find(settings().models, model))
    said = parse_map(mapping or [])
    columns = ["id", *(f"{target}{part}" for target in loaded.targets for part in ("", *_PARTS))]
    left = Counter[str]()
    with read_rows(file) as table:
        check_map(said, [table])
        check_columns(table, match(table, said))
        with open_writer(out, columns) as writer:
            for answer, why in bar(_answers(table, said, loaded, precision), None, "predicting"):
                writer.write(answer)
                left[why] += 1
    people = ", ".join(f"{n:,} {why}" for why, n in left.items() if why)
    told = f"; left to people: {people}" if people else ""
    console.print(f"{left.total():,} rows answered by {loaded.name}{told}", highlight=False, markup=False)


_PARTS = ("_confidence", "_action", "_top")


def _answers(
    table: Table, said: Mapping, loaded: bundle.Bundle, precision: float | None
) -> Iterator[tuple[dict[str, Any], str]]:
    """Each row's answer, and why it is left to a person whatever the model thinks ("" if it is not)."""
    contracts = loaded.contracts(precision)
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
        decisions = decide(ticket, loaded.predict([ticket])[0], contracts)
        yield {"id": ticket.id} | _cells(decisions, leave=bool(why)), why


def _lacking(ticket: Ticket, seen: set[str]) -> str:
    if not ticket.id:
        return "without an id"
    if ticket.id in seen:
        return "with a repeated id"
    return "without text" if ticket.blank else ""


def _cells(decisions: dict[Target, Decision], leave: bool) -> dict[str, Any]:
    """A ticket's decisions as the columns of the file."""
    return {
        f"{target}{part}": value
        for target, decision in decisions.items()
        for part, value in (
            ("", decision.label),
            ("_confidence", decision.confidence),
            ("_action", (Action.LEAVE if leave else decision.action).value),
            ("_top", [list(pair) for pair in decision.top]),
        )
    }
