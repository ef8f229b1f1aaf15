"""Costs and benefits of longer histories, with both peers in the same run; part of `make bench` (half an hour).

A history of N tickets is the train part of a real case (laid out by `../shared/check/cases.py`, never committed),
enlarged by noise: every ticket as it is, then copies with misspellings, dropped and swapped words, and changed
numbers. The test part is not changed, and no copy of it is used for training. Prints Markdown tables for
docs/performance.md. Sizes may be given: `python -m tests.benchmarks.growth 10000 100000`.
"""

import csv
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from deskyard.simulate.rng import Rng
from deskyard.simulate.text_noise import add_misspellings

CASE, TARGET = "it_service", "category"
SIZES = (10_000, 100_000, 1_000_000)
LIMIT = 600
"""Seconds after which a fit is ended and reported as not finished."""
WARM, TIMED = 300, 600
HEADINGS = (
    "tickets", "model", "fit s", "CPU s", "peak GB", "saved MB", "right %", "one ticket ms", "bulk tickets/s",
)  # fmt: skip
SHARED = Path(__file__).parents[2].parent / "shared"
_NUMBER = re.compile(r"\d+")


def main(sizes: Sequence[int]) -> None:
    """Print a row for each size and model."""
    csv.field_size_limit(10**9)
    if not SHARED.is_dir():
        sys.exit("the benchmark needs the real cases beside the checkout (../shared), and they are not there")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, {time.strftime('%Y-%m-%d')}\n")
    print(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        subprocess.run([sys.executable, SHARED / "check/cases.py", home, CASE], check=True, stdout=subprocess.DEVNULL)
        real, test, history = home / CASE / "train.csv", home / CASE / "test.csv", home / "history.csv"
        for size in sizes:
            enlarge(real, history, size)
            for kind in ("logreg", "svc"):
                print(_row(size, f"peer, {kind}", *_ran(["peer", kind, history, test], home)), flush=True)
            words = ["train", history, "--effort", "quick", "--no-audit", "--no-mlflow", "--out", home / "bundle"]
            _, spent = _ran(words, home, module="deskyard")
            scored = json.loads(_ran(["score", home / "bundle", test], home)[0] or "{}") if spent["finished"] else {}
            print(_row(size, "deskyard", json.dumps(scored), spent), flush=True)


def enlarge(real: Path, out: Path, size: int) -> None:
    """Write `size` tickets: those of `real` in random order, and noisy copies of each when they are used up."""
    with real.open(encoding="utf-8", newline="") as file:
        tickets = list(csv.DictReader(file))
    chance = random.Random(size)
    copies = -(-size // len(tickets))
    drawn = [n for copy in range(copies) for n in chance.sample(range(copy * len(tickets), (copy + 1) * len(tickets)),
             min(len(tickets), size - copy * len(tickets)))]  # fmt: skip
    chance.shuffle(drawn)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(tickets[0]))
        writer.writeheader()
        for n in drawn:
            copy, place = divmod(n, len(tickets))
            ticket = tickets[place]
            if copy:
                dice = Rng(f"growth/{copy}/{place}")
                ticket = ticket | {part: noisy(ticket[part], dice) for part in ("subject", "body")}
            writer.writerow(ticket | {"id": str(n)})


def noisy(text: str, dice: Rng) -> str:
    """The text with words misspelt, a tenth of the words dropped or swapped with the next, and numbers changed."""
    kept: list[str] = []
    for word in add_misspellings(text, dice).split(" "):
        if dice.chance(0.05):
            continue
        kept.insert(len(kept) - dice.chance(0.05), word)
    return _NUMBER.sub(lambda found: str(dice.integer(10 ** len(found[0]))), " ".join(kept))


def peer(kind: str, history: Path, test: Path) -> dict[str, Any]:
    """Words and pairs by TF-IDF, one linear model: fitted on the history, and scored on the test part."""
    import pickle

    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    start, cpu = time.perf_counter(), time.process_time()
    learn = [(_text(row), row[TARGET]) for row in _rows(history) if row[TARGET]]
    head = LogisticRegression(max_iter=1000) if kind == "logreg" else LinearSVC(C=0.5)
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), head)
    model.fit([text for text, _ in learn], np.array([label for _, label in learn]))
    fit, spent = time.perf_counter() - start, time.process_time() - cpu
    ask = model.predict_proba if kind == "logreg" else model.decision_function
    new = list(_rows(test))
    texts = [_text(row) for row in new]
    start = time.process_time()
    output = model.classes_[ask(texts).argmax(axis=1)]
    bulk = len(texts) / (time.process_time() - start)
    return {
        "fit": fit,
        "cpu": spent,
        "saved": len(pickle.dumps(model)) / 1e6,
        "right": float(np.mean([a == row[TARGET] for a, row in zip(output, new, strict=True)])),
        "single": _median(lambda text: ask([text]), texts[:WARM]),
        "bulk": bulk,
    }


def score(folder: Path, test: Path) -> dict[str, Any]:
    """Score the test part with a bundle, one ticket at a time and all at once."""
    from deskyard.domain.ticket import Ticket
    from deskyard.registry import bundle

    model = bundle.load_bundle(folder)
    rows = list(_rows(test))
    tickets = [Ticket(id=row["id"], subject=row["subject"], body=row["body"]) for row in rows]
    model.predict(tickets[:WARM])
    single = _median(lambda ticket: model.predict([ticket]), tickets[WARM : WARM + TIMED])
    start = time.process_time()
    answers = model.predict(tickets)
    bulk = len(tickets) / (time.process_time() - start)
    right = [answer[TARGET].label == row[TARGET] for answer, row in zip(answers, rows, strict=True)]  # type: ignore[index]
    return {
        "saved": sum(path.stat().st_size for path in folder.rglob("*.*") if path.name[:6] != "report") / 1e6,
        "right": statistics.mean(right),
        "single": single,
        "bulk": bulk,
    }


def _row(size: int, name: str, output: str, spent: dict[str, Any]) -> str:
    if not spent["finished"]:
        return f"| {size:,} | {name} | did not finish in {LIMIT:,} s | | {spent['peak']:.1f} | | | | |"
    figures = {**spent, **json.loads(output)}
    cells = (
        f"{figures['fit']:,.0f}", f"{figures['cpu']:,.0f}", f"{spent['peak']:.1f}", f"{figures['saved']:,.0f}",
        f"{100 * figures['right']:.1f}", f"{figures['single']:.2f}", f"{figures['bulk']:,.0f}",
    )  # fmt: skip
    return f"| {size:,} | {name} | {' | '.join(cells)} |"


def _ran(words: Sequence[object], home: Path, module: str = "tests.benchmarks.growth") -> tuple[str, dict[str, Any]]:
    """The output of a process, and its wall and CPU seconds and peak memory with all its children."""
    before, start = os.factor(), time.perf_counter()
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, words)],
        cwd=home,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths, "DESKYARD_HOME": str(home)},
    )
    peak = [0.0]
    watch = threading.Thread(target=_watch, args=(process, peak))
    watch.start()
    finished = True
    try:
        output = process.communicate(timeout=LIMIT)[0]
    except subprocess.TimeoutExpired:
        finished = False
        process.kill()
        output = process.communicate()[0]
    watch.join()
    if finished and process.returncode:
        sys.exit(f"{' '.join(map(str, words))} failed")
    after = os.factor()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return output, {"fit": time.perf_counter() - start, "cpu": cpu, "peak": peak[0], "finished": finished}


def _watch(process: "subprocess.Popen[str]", peak: list[float]) -> None:
    """Record the peak memory of a process and its children in GB; shared memory is counted once."""
    while process.poll() is None:
        held = [_held(pid) for pid in _family(process.pid)]
        peak[0] = max(peak[0], (sum(own for own, _ in held) + max(shared for _, shared in held)) / 1e6)
        time.sleep(0.2)


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _held(pid: int) -> tuple[int, int]:
    """Kilobytes of private memory, and of files and shared memory."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    kept = {
        name: int(output.split()[0]) for name, _, output in (line.partition(":") for line in lines) if name[:3] == "Rss"
    }
    return kept.get("RssAnon", 0), kept.get("RssFile", 0) + kept.get("RssShmem", 0)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


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
    csv.field_size_limit(10**9)
    match sys.argv[1:]:
        case ["peer", kind, history, test]:
            print(json.dumps(peer(kind, Path(history), Path(test))))
        case ["score", folder, test]:
            print(json.dumps(score(Path(folder), Path(test))))
        case sizes:
            main([int(size) for size in sizes] or SIZES)
