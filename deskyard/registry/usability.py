"""Whether a bundle can be used: it is opened, checked and asked in a process of its own, which may fail without harm.

The files of a bundle can be as they were saved and still be of no use: arrays of the wrong shape, numbers that are not
finite, positions outside of an array, which end a whole process. `python -m deskyard.registry.usability FOLDER` is that
process.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import TARGETS, Ticket
from deskyard.errors import BundleBroken, BundleError, BundleMissing, EncoderMissing
from deskyard.registry.bundle import Bundle, load_bundle
from deskyard.registry.bundle_files import compute_seal, read_manifest

SECONDS: Final = 120.0
"""Time for the check; that of a bundle of 38,000 tickets takes 1.3 seconds."""

_ERRORS: Final = {error.__name__: error for error in (BundleBroken, BundleMissing, EncoderMissing)}
_QUESTIONS: Final = (
    Ticket(id="1", subject="Printer does not print", body="Since this morning, please help."),
    Ticket(id="2", subject="Не могу войти в почту", body="Пишет, что пароль неверный."),
    Ticket(id="3", subject="", body="12345"),
)


def check_usable(folder: Path) -> None:
    """Return if the bundle can be used. Raises BundleMissing, EncoderMissing or, with the reason, BundleBroken."""
    _check_in_child(folder, compute_seal(read_manifest(folder)))


@lru_cache(maxsize=64)
def _check_in_child(folder: Path, seal: str) -> None:
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "deskyard.registry.usability", str(folder.absolute())]
    try:
        done = subprocess.run(  # noqa: S603 - this very program
            command, capture_output=True, text=True, check=False, timeout=SECONDS, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise BundleBroken(f"{folder} could not be checked within {SECONDS:.0f} seconds.") from error
    if done.returncode == 0:
        return
    try:
        told = json.loads(done.stdout)
        refusal = _ERRORS[told["error"]](told["text"])
    except (ValueError, KeyError, TypeError) as error:
        raise BundleBroken(
            f"{folder} ends the process that opens it (code {done.returncode}): train again or restore the folder."
        ) from error
    raise refusal


def find_problems(bundle: Bundle) -> Iterator[str]:
    """What makes the model unusable, most basic first. Later checks may fail where an earlier one found something."""
    scorer = bundle.scorer
    columns, index, ids = len(scorer.vocabulary.idf), scorer.neighbour_index.index, scorer.neighbour_index.ids
    labels = sum(len(head.labels) for head in scorer.heads.values())
    if not scorer.heads or not set(scorer.heads) <= set(TARGETS):
        yield f"it predicts {', '.join(map(str, scorer.heads)) or 'nothing'}"
    if scorer.coef.shape != (columns, labels) or scorer.intercept.shape != (labels,):
        yield f"its weights are not {columns:,} columns by {labels:,} labels"
    arrays: dict[str, npt.NDArray[Any]] = {
        "idf": scorer.vocabulary.idf, "coef": scorer.coef, "intercept": scorer.intercept, "memory": index.data
    }  # fmt: skip
    yield from (f"{name} has numbers that are not finite" for name, a in arrays.items() if not np.isfinite(a).all())
    if len(index.indices) and not 0 <= index.indices.min() <= index.indices.max() < len(ids):
        yield "its memory names tickets that it does not hold"
    if len(index.indptr) != columns + 1 or (np.diff(index.indptr) < 0).any() or index.indptr[-1] != len(index.indices):
        yield "the columns of its memory are out of order"
    for target, head in scorer.heads.items():
        size = len(head.labels)
        if not all(isinstance(label, str) and label.strip() for label in head.labels) or len(set(head.labels)) != size:
            yield f"labels of {target} are empty or repeated"
        if head.shares.shape != (size,) or not np.isfinite(head.shares).all():
            yield f"the shares of {target} are not {size:,} numbers"
        if not np.isfinite(head.pool).all():
            yield f"the pool of {target} has numbers that are not finite"
        remembered = head.remembered
        if remembered.shape != (len(ids),) or (remembered >= size).any():  # a negative one has no label
            yield f"its memory of {target} does not fit its labels"


def check_here(folder: Path) -> None:
    """As `check_usable`, in this process, which a bundle can end."""
    bundle = load_bundle(folder)
    try:
        problem = next(find_problems(bundle), "") or _ask(bundle)
    except Exception as error:
        problem = f"it fails on a ticket ({type(error).__name__})"
    if problem:
        raise BundleBroken(f"{folder} can't be used: {problem}. Train again or restore the folder.")


def _ask(bundle: Bundle) -> str:
    """What is wrong with the answers to a few tickets; "" if nothing is."""
    bundle.contracts()
    for ticket, answer in zip(_QUESTIONS, bundle.predict(_QUESTIONS), strict=True):
        bundle.explain(ticket)
        if set(answer) != set(bundle.targets):
            return "it does not answer for each target"
    shares = [share for one in bundle.scorer.predict_proba(_QUESTIONS[0]).values() for share in one]
    return "" if np.isfinite(shares).all() else "its probabilities are not finite"


def main() -> None:
    """Check the bundle of the command line; the reason is printed as JSON, and the exit code is then 1."""
    try:
        check_here(Path(sys.argv[1]))
    except BundleError as error:
        print(json.dumps({"error": type(error).__name__, "text": str(error)}))
        sys.exit(1)


if __name__ == "__main__":
    main()
