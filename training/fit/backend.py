"""Runs the fits of a training in parallel, on this machine's cores or on the workers of a Dask cluster.

The results do not depend on where they are computed, as long as the workers have the same versions and processor type.
"""

import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from joblib import Parallel, delayed, parallel_config
from joblib.parallel import get_active_backend
from threadpoolctl import threadpool_limits

from deskyard.errors import BadInput, ExtraMissing, StoreUnreachable
from training.fit.checkpoints import library_versions

ADDRESS: Final = re.compile(r"dask://([^\s/:]+|\[[0-9a-fA-F:]+\]):(\d{1,5})/?")
CONNECT_TIMEOUT: Final = 10
"""Seconds to wait for a scheduler."""

MIN_TICKETS_FOR_PROCESSES: Final = 2_000
"""With fewer tickets, starting a second process takes longer than the fits."""

Job = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


@contextmanager
def use_backend(address: str) -> Iterator[None]:
    """A context in which work is sent to the Dask scheduler at `address` (dask://HOST:PORT); "" is this machine.

    Raises BadInput for an invalid address and for workers with other versions, ExtraMissing without Dask,
    StoreUnreachable when no scheduler answers.
    """
    if not address:
        yield
        return
    found = ADDRESS.fullmatch(address)
    if found is None:
        raise BadInput(f"--backend {address}: write the scheduler's address, such as dask://10.0.0.5:8786")
    try:
        from distributed import Client
    except ImportError as error:
        raise ExtraMissing("--backend dask://… needs Dask: pip install 'deskyard[dask]'") from error
    connect: Callable[..., Any] = Client  # distributed has no types for its arguments
    try:
        client = connect(f"tcp://{found[1]}:{found[2]}", timeout=CONNECT_TIMEOUT, set_as_default=True)
    except OSError as error:
        raise StoreUnreachable(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        _check_workers(client)
        with parallel_config(backend="dask", n_jobs=-1), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")  # each target's tickets go once to one worker
            yield


def run_parallel(jobs: Iterable[Job], tickets: int) -> Iterator[Any]:
    """The results of the jobs, in order: computed on a cluster, on all cores, or (few tickets) one after another."""
    if _uses_cluster():
        jobs = [delayed(_single_threaded)(work, *given, **named) for work, given, named in jobs]
        return iter(Parallel(return_as="generator")(jobs))
    cores = (os.cpu_count() or 1) if tickets >= MIN_TICKETS_FOR_PROCESSES else 1
    return iter(Parallel(n_jobs=cores, return_as="generator")(jobs))


def _uses_cluster() -> bool:
    return type(get_active_backend()[0]).__name__ == "DaskDistributedBackend"


def _single_threaded(work: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Run a fit with one BLAS thread: more threads than cores are slower, and change the order of sums."""
    with threadpool_limits(1):
        return work(*given, **named)


def _check_workers(client: Any) -> None:
    """Raises BadInput if there is no worker, or one with other versions."""
    try:
        found = client.run(library_versions)
    except ModuleNotFoundError as error:
        raise BadInput(f"a worker of the cluster lacks {error.name}: install deskyard there as it is here") from error
    if not found:
        raise BadInput("the cluster has no worker: start one with `dask worker`")
    here = library_versions()
    for worker, there in sorted(found.items()):
        other = [f"{name} {there.get(name)} instead of {here[name]}" for name in here if there.get(name) != here[name]]
        if other:
            raise BadInput(f"the worker {worker} has {', '.join(other)}: it would train a different model")
