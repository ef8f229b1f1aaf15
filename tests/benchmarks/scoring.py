"""How long one ticket takes, part by part, beside the tutorial's pipeline in the same run: `make bench`.

Trains on real cases laid out by `../shared/check/cases.py` (never committed) and prints a Markdown table for
docs/performance.md.
"""

import csv
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from deskyard.domain.ticket import Ticket
from deskyard.registry import bundle
from deskyard.text.cleaning import clean

CASES = (("banking77", "category"), ("endava", "queue"), ("capstone", "queue"))
HEADINGS = (
    "case", "characters", "past tickets", "targets", "peer, one target", "linear heads, all targets", "cleaning",
    "memory", "all together", "why",
)  # fmt: skip
SHARED = Path(__file__).parents[2].parent / "shared"
WARM, TIMED = 300, 600


def main() -> None:
    """Print a row for each case; medians in milliseconds."""
    csv.field_size_limit(10**9)
    if not SHARED.is_dir():
        sys.exit("the benchmark needs the real cases beside the checkout (../shared), and they are not there")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, {time.strftime('%Y-%m-%d')}\n")
    print(f"| {' | '.join(HEADINGS)} |")
    print("|" + "---|" * len(HEADINGS))
    with tempfile.TemporaryDirectory() as folder:
        for case, target in CASES:
            subprocess.run(
                [sys.executable, SHARED / "check/cases.py", folder, case], check=True, stdout=subprocess.DEVNULL
            )
            print(_row(Path(folder), case, target), flush=True)


def _row(folder: Path, case: str, target: str) -> str:
    train, test = _rows(folder / case / "train.csv"), _rows(folder / case / "test.csv")
    learn = [row for row in train if row[target]]
    peer = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), LogisticRegression(max_iter=200)
    )
    peer.fit([_text(row) for row in learn], [row[target] for row in learn])
    history = folder / case / "train.csv"
    command = [sys.executable, "-m", "deskyard", "train", history, "--no-mlflow", "--out", folder / "bundle"]
    subprocess.run(command, check=True, cwd=folder, capture_output=True)
    model = bundle.load_bundle(folder / "bundle")
    scorer = model.scorer
    tickets = [Ticket(id=row["id"], subject=row["subject"], body=row["body"]) for row in test[: WARM + TIMED]]
    model.predict(tickets[:WARM])
    new = tickets[WARM:]
    rows = [scorer.vocabulary.vectorize(ticket)[:2] for ticket in tickets[:WARM]]
    cleaning = _median(lambda t: clean(f"{t.subject}\n{t.body}"), new)
    reading = _median(scorer.vocabulary.vectorize, new)
    linear = reading - cleaning + _median(lambda row: scorer.margins(*row), rows)
    figures = (
        _median(lambda text: peer.predict_proba([text]), [_text(row) for row in test[:WARM]]),
        linear,
        cleaning,
        _median(lambda row: scorer.neighbour_index.nearest(*row), rows),
        _median(lambda ticket: model.predict([ticket]), new),
        _median(model.explain, new),
    )
    length = statistics.median(len(_text(row)) for row in test)
    shown = " | ".join(f"{figure:.2f}" for figure in figures)
    return f"| {case} | {length:.0f} | {len(scorer.neighbour_index.ids):,} | {len(model.targets)} | {shown} |"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _text(row: dict[str, str]) -> str:
    return f"{row['subject']}\n{row['body']}"


def _median(call: Callable[[Any], object], things: Sequence[Any]) -> float:
    """Milliseconds per call."""
    took = []
    for thing in things:
        start = time.perf_counter()
        call(thing)
        took.append(1000 * (time.perf_counter() - start))
    return statistics.median(took)


if __name__ == "__main__":
    main()
