"""A bundle as a model of MLflow: a table of tickets in, the result of `deskyard predict` out.

MLflow calls `_load_pyfunc` by its name, which `training.publish.mlflow_tracking` gives when it logs a bundle. Nothing
is pickled, and this module imports no MLflow: it must work wherever the model is loaded.
"""

from pathlib import Path

from deskyard.inference.loading import LoadedBundle
from deskyard.registry import bundle


def _load_pyfunc(path: str) -> LoadedBundle:
    """The bundle in the folder `path`; every file is compared with its manifest first."""
    return LoadedBundle(bundle.load_bundle(Path(path)))
