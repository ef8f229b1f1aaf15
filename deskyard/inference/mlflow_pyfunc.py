"""A bundle as MLflow serves it: a table of tickets in, what `deskyard predict` writes of the same table out.

MLflow calls `_load_pyfunc` by its name; `training.publish.mlflow_tracking` says so when it logs a bundle. Nothing is
pickled, and this module imports no MLflow: it has to work wherever the model is loaded.
"""

from pathlib import Path

from deskyard.inference.loading import LoadedBundle
from deskyard.registry import bundle


def _load_pyfunc(path: str) -> LoadedBundle:
    """The bundle in the folder `path`; every file is compared with its manifest first."""
    return LoadedBundle(bundle.load_bundle(Path(path)))
