"""A bundle as MLflow serves it: a table of tickets in, what `deskyard predict` writes of the same table out.

MLflow calls `_load_pyfunc` by its name; `training.publish.mlflow_tracking` says so when it logs a bundle. Nothing is pickled, and this
module imports no MLflow: it has to work wherever the model is loaded.
"""

from collections.abc import Mapping as Map
from pathlib import Path
from typing import Any

import pandas as pd

from deskyard.history.column_mapping import Mapping
from deskyard.history.columns import check_columns, match
from deskyard.inference.batch_prediction import answers, check_precision, columns
from deskyard.registry import bundle
from deskyard.tabular.records import Row, Table, as_text, name_columns


class Served:
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
        table = _table(frame)
        check_columns(table, match(table))
        rows = [answer for answer, _ in answers(table, Mapping(), self.model, asked)]
        names = columns(self.model.targets)
        said = pd.DataFrame(rows, columns=names, index=frame.index)
        for name in names:
            if name.endswith("_top"):
                said[name] = said[name].map(as_text)
        return said


def _load_pyfunc(path: str) -> Served:
    """The bundle in the folder `path`; every file is compared with its manifest first."""
    return Served(bundle.load(Path(path)))


def _table(frame: pd.DataFrame) -> Table:
    names, repeated = name_columns([str(name) for name in frame.columns])
    cells = frame.astype(object).where(frame.notna(), None)
    rows = (
        Row(line, dict(zip(names, map(as_text, row), strict=True)))
        for line, row in enumerate(cells.itertuples(index=False, name=None), 1)
    )
    return Table("the input", names, rows, repeated=repeated, unit="row")
