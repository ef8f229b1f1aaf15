"""A bundle as MLflow serves it: a table of tickets in, what `deskyard predict` writes of the same table out.

MLflow calls `_load_pyfunc` by its name; `training.publish.mlflow_tracking` says so when it logs a bundle. Nothing is
pickled, and this module imports no MLflow: it has to work wherever the model is loaded.
"""

from collections.abc import Mapping as Map
from pathlib import Path
from typing import Any

import pandas as pd

from deskyard.history.column_mapping import ColumnMapping
from deskyard.history.columns import check_columns, match_columns
from deskyard.inference.batch_prediction import check_precision, predict_rows, prediction_columns
from deskyard.registry import bundle
from deskyard.tabular.records import RecordTable, Row, as_text, unique_columns


class BundlePyfunc:
    """A loaded bundle with MLflow's one method."""

    def __init__(self, model: bundle.Bundle) -> None:
        """Of a bundle that was opened and checked."""
        self.model = model

    def predict(self, frame: pd.DataFrame, params: Map[str, Any] | None = None) -> pd.DataFrame:
        """One row of answers for each row, in order; cells are read as those of a Parquet file: missing ones are empty.

        `params` may hold `precision`. Lists are JSON, as in a CSV. Raises BadInput without an id or without any text
        column.
        """
        asked = (params or {}).get("precision")
        check_precision(asked, "precision")
        table = _frame_to_table(frame)
        check_columns(table, match_columns(table))
        rows = [answer for answer, _ in predict_rows(table, ColumnMapping(), self.model, asked)]
        names = prediction_columns(self.model.targets)
        said = pd.DataFrame(rows, columns=names, index=frame.index)
        for name in names:
            if name.endswith("_top"):
                said[name] = said[name].map(as_text)
        return said


def _load_pyfunc(path: str) -> BundlePyfunc:
    """The bundle in the folder `path`; every file is compared with its manifest first."""
    return BundlePyfunc(bundle.load_bundle(Path(path)))


def _frame_to_table(frame: pd.DataFrame) -> RecordTable:
    names, repeated = unique_columns([str(name) for name in frame.columns])
    cells = frame.astype(object).where(frame.notna(), None)
    rows = (
        Row(line, dict(zip(names, map(as_text, row), strict=True)))
        for line, row in enumerate(cells.itertuples(index=False, name=None), 1)
    )
    return RecordTable("the input", names, rows, repeated=repeated, unit="row")
