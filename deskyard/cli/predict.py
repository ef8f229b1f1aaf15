"""`deskyard predict`: one row of predictions for each row of a file of tickets, in order.

No row is rejected: one that can't be read, has no text, or repeats an id gets the action `leave`.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from deskyard.cli.progress import console, track_with_bar
from deskyard.errors import BadInput
from deskyard.history.columns import check_mapping, parse_mapping, resolve_columns
from deskyard.inference.batch_prediction import check_precision, predict_rows, prediction_columns
from deskyard.registry import bundle
from deskyard.settings import settings
from deskyard.tabular.readers import open_table, open_writer


def predict(
    model: Annotated[str, typer.Argument(metavar="BUNDLE", help="A bundle's folder or name.")],
    file: Annotated[
        Path, typer.Argument(help="Tickets: CSV (.gz), XLSX, XLS, ODS, JSON, Parquet, or - for standard input.")
    ],
    out: Annotated[
        Path,
        typer.Option(help="The file to write: .csv, .jsonl, .parquet (also .gz), or - for CSV on standard output."),
    ] = Path("-"),
    precision: Annotated[
        float | None,
        typer.Option(help="The share of routed tickets that must be correct; that of training if left out."),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help='OURS=THEIRS, such as body="Текст", or a TOML file. Repeatable; kept from training.'
        ),
    ] = None,
    sheet: Annotated[str, typer.Option(help="The sheet that holds the tickets: its name or number.")] = "",
) -> None:
    """Predict the tickets of a file: for each target T the columns T, T_confidence, T_action and T_top.

    Columns are those that the model was trained with; --map changes them. T_action is what the model's contract allows
    at the required precision: route, suggest or leave. The result has the same rows in the same order.

    Example: `deskyard predict models/2026-01-31-120000 new.csv --out predictions.csv --precision 0.98`
    """
    check_precision(precision)
    if str(file) != "-" and out.exists() and file.exists() and out.samefile(file):
        raise BadInput(f"--out {out} is the file that is read: name another file.")
    loaded = bundle.load_bundle(bundle.find_bundle(settings().models, model))
    given = parse_mapping([*(mapping or []), *([f"sheet={sheet}"] if sheet else [])])
    counts = Counter[str]()
    with open_table(file, given.location) as table:
        check_mapping(given, [table])
        stored = loaded.build_info.get("columns") or {}
        column_mapping, notes = resolve_columns(table, given.with_stored(stored), use="predict")
        for note in notes:
            console.print(f"  {note}", highlight=False, markup=False)
        with open_writer(out, prediction_columns(loaded.targets)) as writer:
            for prediction, reason in track_with_bar(
                predict_rows(table, column_mapping, loaded, precision), None, "predicting"
            ):
                writer.write(prediction)
                counts[reason] += 1
    rejected = ", ".join(f"{n:,} {reason}" for reason, n in counts.items() if reason)
    note = f"; left to people: {rejected}" if rejected else ""
    console.print(f"{counts.total():,} rows predicted by {loaded.name}{note}", highlight=False, markup=False)
