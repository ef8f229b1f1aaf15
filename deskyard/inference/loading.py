"""A bundle loaded for use from Python: a DataFrame of tickets in, a DataFrame of predictions out."""

from collections.abc import Mapping as Map
from pathlib import Path
from typing import Any

import pandas as pd

from deskyard.history.column_mapping import ColumnMapping
from deskyard.history.columns import resolve_columns
from deskyard.inference.batch_prediction import check_precision, predict_rows, prediction_columns
from deskyard.registry import bundle
from deskyard.tabular.records import RecordTable, Row, as_text, unique_columns


class LoadedBundle:
    """A bundle that predicts DataFrames as `deskyard predict` predicts files."""

    def __init__(self, model: bundle.Bundle) -> None:
        """`model` is a bundle that was opened and checked."""
        self.model = model

    def predict(
        self, frame: pd.DataFrame, params: Map[str, Any] | None = None, *, precision: float | None = None
    ) -> pd.DataFrame:
        """One row of predictions for each row of `frame`, in order and under its index.

        Columns of `frame` are those of the history that the model was trained on, or have our own names (`subject` or
        `body` at least; missing cells are empty; rows without an id are numbered); the result has `id` and for each
        target T the columns T, T_confidence, T_action and T_top (JSON). `precision` (0.5..1, also as
        `params["precision"]`, which is how MLflow passes it) is the share of routed tickets that must be correct; None
        means that of training. Raises BadInput without any text column.
        """
        required_precision = precision if precision is not None else (params or {}).get("precision")
        check_precision(required_precision, "precision")
        table = _frame_to_table(frame)
        stored = ColumnMapping().with_stored(self.model.build_info.get("columns") or {})
        mapping, _ = resolve_columns(table, stored, use="predict")
        rows = [answer for answer, _ in predict_rows(table, mapping, self.model, required_precision)]
        names = prediction_columns(self.model.targets)
        predictions = pd.DataFrame(rows, columns=names, index=frame.index)
        for name in names:
            if name.endswith("_top"):
                predictions[name] = predictions[name].map(as_text)
        return predictions


def load(name: str = "champion", models: Path | None = None) -> LoadedBundle:
    """The bundle called `name` in the folder `models` (None: the configured one); `name` may also be a bundle's path.

    Raises BundleMissing when there is none, BundleBroken when a file is not as its manifest says.
    """
    from deskyard.settings import settings  # only here: what MLflow serves needs no settings

    return LoadedBundle(bundle.load_bundle(bundle.find_bundle(models or settings().models, name)))


def _frame_to_table(frame: pd.DataFrame) -> RecordTable:
    names, repeated = unique_columns([str(name) for name in frame.columns])
    cells = frame.astype(object).where(frame.notna(), None)
    rows = (
        Row(line, dict(zip(names, map(as_text, row), strict=True)))
        for line, row in enumerate(cells.itertuples(index=False, name=None), 1)
    )
    return RecordTable("the input", names, rows, repeated=repeated, unit="row")
