"""The door of `deskyard predict`: a file of tickets in, one line of predictions out for each row, in order.

No row is rejected: one that can't be read, has no text, or repeats an id is answered with `leave`.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from deskyard.cli.progress import console, track_with_bar
from deskyard.errors import BadInput
from deskyard.history.columns import check_columns, check_mapping, match_columns, parse_mapping
from deskyard.inference.batch_prediction import check_precision, predict_rows, prediction_columns
from deskyard.registry import bundle
from deskyard.settings import settings
from deskyard.tabular.readers import open_table, open_writer


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
    check_precision(precision)
    if str(file) != "-" and out.exists() and file.exists() and out.samefile(file):
        raise BadInput(f"--out {out} is the file that is read: name another.")
    loaded = bundle.load_bundle(bundle.find_bundle(settings().models, model))
    said = parse_mapping(mapping or [])
    left = Counter[str]()
    with open_table(file) as table:
        check_mapping(said, [table])
        check_columns(table, match_columns(table, said))
        with open_writer(out, prediction_columns(loaded.targets)) as writer:
            for answer, why in track_with_bar(predict_rows(table, said, loaded, precision), None, "predicting"):
                writer.write(answer)
                left[why] += 1
    people = ", ".join(f"{n:,} {why}" for why, n in left.items() if why)
    told = f"; left to people: {people}" if people else ""
    console.print(f"{left.total():,} rows answered by {loaded.name}{told}", highlight=False, markup=False)
