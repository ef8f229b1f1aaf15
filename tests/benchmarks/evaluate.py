"""Accuracy of deskyard on twelve real histories, compared with two peers and published figures: `make evaluate`.

Lays the cases out (`../shared/check/cases.py`, never committed), trains, predicts and scores each, runs both peers in
the same run, and writes docs/evaluation.md. Results in the working folder are kept:
`python -m tests.benchmarks.evaluate FOLDER [CASE ...]` continues where it stopped.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from deskyard.guarantees.intervals import interval, lower_bound, upper_bound

ROOT: Final = Path(__file__).parents[2]
CHECK: Final = ROOT.parent / "shared" / "check"
READINGS: Final = Path(__file__).with_name("readings.md")
PAGE: Final = ROOT / "docs" / "evaluation.md"
DRIFTING: Final = "## When the desk changes"
"""Heading of the first of the sections that other benchmarks write (`drifting`, `forwards`) and this one keeps."""

ASKED: Final = 0.95
ENOUGH: Final = 300
"""Routed tickets from which on a peer's required precision is judged as met or missed."""

PEERS: Final = ("logreg", "svc")
PEER_SECONDS: Final = 1800
SINGLE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Case:
    """A history: its split, its targets, the options of `deskyard train`, and published results."""

    name: str
    split: str
    targets: tuple[str, ...]
    options: tuple[str, ...] = ()
    published: Mapping[str, str] | None = None


CASES: Final = (
    Case("it_service", "random", ("category",), published={"category": "DistilBERT 87.3"}),
    Case("endava", "random", ("category", "priority", "queue")),
    Case("capstone", "random", ("queue",), published={"queue": "about 75"}),
    Case("banking77", "official", ("category",), published={"category": "BERT-large 93.7, ConvFiT 94.2"}),
    Case("clinc150", "official, in scope", ("category", "queue"), published={"category": "BERT 96.9 to 97.3"}),
    Case("hwu64", "official", ("category",), published={"category": "92.4"}),
    Case("cheboksary", "by time", ("category", "assignee")),
    Case("rutube", "random", ("category", "queue")),
    Case("kzgov", "random", ("category", "priority")),
    Case("hadoop", "by time", ("priority",)),
    Case("firefox", "in order", ("assignee",), ("--order", "file")),
    Case("noise", "random labels", ("category", "priority")),
)

BARS: Final[Mapping[tuple[str, str], tuple[Literal["accuracy", "macro_f1"], float]]] = {
    ("it_service", "category"): ("accuracy", 0.868),
    ("endava", "category"): ("accuracy", 0.85),
    ("endava", "queue"): ("accuracy", 0.66),
    ("capstone", "queue"): ("accuracy", 0.74),
    ("banking77", "category"): ("accuracy", 0.915),
    ("clinc150", "category"): ("accuracy", 0.93),
    ("hwu64", "category"): ("accuracy", 0.877),
    ("cheboksary", "category"): ("accuracy", 0.76),
    ("kzgov", "category"): ("accuracy", 0.86),
    ("kzgov", "priority"): ("accuracy", 0.54),
    ("hadoop", "priority"): ("macro_f1", 0.30),
    ("firefox", "assignee"): ("accuracy", 0.20),
}
"""The goals without an encoder, which were set before anything was built."""


def main() -> None:
    """Run the cases of the command line (default: all), and write the page from all results in the folder."""
    if not CHECK.is_dir():
        sys.exit("the evaluation needs the real cases beside the checkout (../shared), and they are not there")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="evaluate-"))
    selected = sys.argv[2:] or [case.name for case in CASES]
    for case in CASES:
        if case.name in selected:
            evaluate(case, folder)
    done = [case for case in CASES if (folder / case.name / "ours.json").exists()]
    drifting = "".join(PAGE.read_text(encoding="utf-8").partition(DRIFTING)[1:])
    PAGE.write_text("\n".join([*page(done, folder), "", drifting]).rstrip() + "\n", encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}, from {folder}")


def write_section(heading: str, lines: Iterable[str]) -> None:
    """Write a section of the page below those of this benchmark; the one of the same heading is replaced."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(f"{heading}\n")
    _, following, after = rest.partition("\n## ")
    parts = [before.rstrip("\n"), "", heading, "", "\n".join(lines).rstrip("\n"), (following + after).rstrip("\n")]
    PAGE.write_text("\n".join(parts).rstrip("\n") + "\n", encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")


def evaluate(case: Case, folder: Path) -> None:
    """Measure one case, and write the results as JSON files into its folder."""
    here = folder / case.name
    if not (here / "test.csv").exists():
        _run(sys.executable, CHECK / "cases.py", folder, case.name)
    for target in case.targets:
        for kind in PEERS:
            if not (here / f"{kind}-{target}.json").exists():
                _peer(here, target, kind)
    if not (here / "ours.json").exists():
        _ours(here, case)


def _peer(here: Path, target: str, kind: str) -> None:
    predictions_file = here / f"{kind}-{target}.csv"
    try:
        output = json.loads(
            _run(sys.executable, CHECK / "peer.py", here, target, kind, predictions_file, seconds=PEER_SECONDS)
        )
        found = {"cost": output, "score": _score(predictions_file, here)[target]}
    except subprocess.TimeoutExpired:
        found = {"cost": None, "score": None}
    _write(here / f"{kind}-{target}.json", found)
    print(f"{here.name} {target} {kind}: {_accuracy(found['score'])}", flush=True)


def _ours(here: Path, case: Case) -> None:
    bundle, predictions_file = here / "bundle", here / "ours.csv"
    command = [sys.executable, "-m", "deskyard"]
    start = time.perf_counter()
    output = _run(
        *command, "train", here / "train.csv", "--out", bundle, "--targets", ",".join(case.targets), "--json",
        "--no-mlflow", "--rejected", here / "rejected.csv", *case.options,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    _run(*command, "predict", bundle, here / "test.csv", "--out", predictions_file)
    found = {"card": json.loads(output), "score": _score(predictions_file, here), "seconds": round(seconds)}
    _write(here / "ours.json", found)
    print(
        f"{case.name} in {seconds:.0f} s: {[_accuracy(found['score'][target]) for target in case.targets]}", flush=True
    )


def _score(predictions_file: Path, here: Path) -> dict[str, Any]:
    return dict(json.loads(_run(sys.executable, CHECK / "score.py", predictions_file, here / "test.csv", "--json")))


def _run(*command: object, seconds: float | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True, timeout=seconds,
        env=os.environ | SINGLE_THREAD, cwd=ROOT,
    )  # fmt: skip
    return done.stdout


def _write(path: Path, found: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")


@dataclass(frozen=True)
class Row:
    """One target of one case: our score, the better peer's, and the card."""

    case: Case
    target: str
    ours: Mapping[str, Any]
    peer: Mapping[str, Any]
    peers: Mapping[str, Mapping[str, Any]]
    findings: Sequence[Mapping[str, Any]]
    seconds: float

    @property
    def wins(self) -> bool:
        """Whether deskyard is more accurate than both peers."""
        return bool(self.ours["accuracy"] > self.peer["accuracy"])

    @property
    def misses(self) -> bool:
        """Whether it is below the goal, if there is one."""
        figure, bar = BARS.get((self.case.name, self.target), ("accuracy", 0.0))
        return bool(self.ours[figure] < bar)

    @property
    def routes_less(self) -> bool:
        """Whether the peer routes more, with at least `ENOUGH` tickets and the required precision met."""
        n, right = _routed(self.peer)
        return n >= ENOUGH and upper_bound(right, n) >= ASKED and self.peer["coverage"] > self.ours["coverage"]

    @property
    def kept(self) -> bool | None:
        """Whether the routed tickets meet the required precision; None if none was routed."""
        n, right = _routed(self.ours)
        return upper_bound(right, n) >= ASKED if n else None


def rows(cases: Sequence[Case], folder: Path) -> Iterator[Row]:
    """A row for each case and target, from the files of a working folder."""
    for case in cases:
        ours = json.loads((folder / case.name / "ours.json").read_text(encoding="utf-8"))
        for target in case.targets:
            files = {kind: folder / case.name / f"{kind}-{target}.json" for kind in PEERS}
            peers = {kind: json.loads(file.read_text(encoding="utf-8"))["score"] for kind, file in files.items()}
            peers = {kind: score for kind, score in peers.items() if score}
            findings = [one for one in ours["card"]["findings"] if one["target"] in (None, target)]
            best = max(peers.values(), key=lambda score: float(score["accuracy"]))
            yield Row(case, target, ours["score"][target], best, peers, findings, ours["seconds"])


def page(cases: Sequence[Case], folder: Path) -> Iterator[str]:
    """The lines of docs/evaluation.md."""
    found = list(rows(cases, folder))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    yield "# Evaluation\n"
    yield f"`make evaluate`, {time.strftime('%Y-%m-%d')}, {machine}; written by that command, except the comments.\n"
    yield INTRODUCTION
    lacking = [case.name for case in CASES if case not in cases]
    if lacking:
        yield f"**Not run yet: {', '.join(lacking)}.**\n"
    yield "## Accuracy\n"
    yield f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}"
    yield from (_row(row) for row in found)
    won, lost = [row for row in found if row.wins], [row for row in found if not row.wins]
    yield f"\nAhead of the better baseline on {len(won)} of {len(found)} targets.\n"
    yield "## Routed automatically with a 95 % contract\n"
    yield "| case | target | better baseline: routed, precision | deskyard: routed, precision (interval) | contract |"
    yield "|---|---|---|---|---|"
    yield from (_contract(row) for row in found)
    kept = [row.kept for row in found if row.kept is not None]
    yield f"\nOf {len(kept)} targets that route tickets, {sum(kept)} meet the contract (the upper bound reaches it).\n"
    yield from _outside(found)
    yield "## Findings of the data audit\n"
    yield "Check and severity; the findings themselves contain words of real tickets, which are not published.\n"
    yield "| case | findings | training seconds, all targets |"
    yield "|---|---|---|"
    yield from _findings(found)
    yield "\n## Where a baseline is more accurate\n"
    yield from _readings([row for row in lost if row.case.name != "noise"], "")
    yield "## Where a baseline that meets the precision routes more\n"
    yield from _readings([row for row in found if row.routes_less], "routes: ")
    missed = [row for row in found if row.misses]
    barred = sum((row.case.name, row.target) in BARS for row in found)
    yield f"## Missed goals\n\nOf {barred} goals {barred - len(missed)} are met; these are not.\n"
    yield from _readings(missed, "bar: ")
    yield "## Calibration\n"
    yield _written()["calibration"].strip()


HEADINGS: Final = (
    "case (split)", "target", "tickets", "LogReg", "LinearSVC", "deskyard (95 % interval)",
    "macro F1: baseline, deskyard", "top 3", "calibration error", "goal", "published",
)  # fmt: skip

INTRODUCTION: Final = """Real histories; the test part of each was used neither for training nor for any choice. The
*baselines* are simple pipelines: TF-IDF of words 1–2 with LogisticRegression or LinearSVC, routed from the confidence
at which a held-out quarter of their training part is 95 % correct. deskyard is `deskyard train` with its defaults and
no encoder. Shares are in percent, intervals exact (Clopper-Pearson). Published figures are those of others, on the
same splits where these are official. A *goal* is what we aimed to reach without an encoder, set before anything was
built.
"""


def _row(row: Row) -> str:
    score, n = row.ours, row.ours["n"]
    low, high = interval(round(score["accuracy"] * n), n)
    peers = " | ".join(_accuracy(row.peers.get(kind)) for kind in PEERS)
    mark = "**" if row.wins else ""
    ours = f"{mark}{_percent(score['accuracy'])}{mark} ({_percent(low)} to {_percent(high)})"
    f1 = f"{_percent(row.peer['macro_f1'])}, {_percent(score['macro_f1'])}"
    published = (row.case.published or {}).get(row.target, "")
    figure, bar = BARS.get((row.case.name, row.target), ("", 0.0))
    aim = _percent(bar) + (" (macro F1)" if figure == "macro_f1" else "") if bar else ""
    return (
        f"| {row.case.name} ({row.case.split}) | {row.target} | {n:,} | {peers} | {ours} | {f1} | "
        f"{_percent(score['top3'])} | {score['ece']:.3f} | {aim} | {published} |"
    )


def _contract(row: Row) -> str:
    n, right = _routed(row.ours)
    low, high = lower_bound(right, n), upper_bound(right, n) if n else 1.0
    ours = (
        f"{_percent(row.ours['coverage'])}, {_percent(right / n)} ({_percent(low)} to {_percent(high)})" if n else "0"
    )
    verdict = {None: "none, nothing routed", True: "met", False: "**missed**"}[row.kept]
    peer_n, peer_right = _routed(row.peer)
    peer = f"{_percent(row.peer['coverage'])}, {_percent(peer_right / peer_n)}" if peer_n else "0"
    return f"| {row.case.name} | {row.target} | {peer} | {ours} | {verdict} |"


def _outside(found: Sequence[Row]) -> Iterator[str]:
    for row in found:
        if "oos_routed" in row.ours:
            yield (
                f"Out of scope ({row.case.name}): {_percent(row.ours['oos_routed'])} % of the out-of-scope questions "
                f"are routed; the better baseline routes {_percent(row.peer['oos_routed'])} %.\n"
            )


def _findings(found: Sequence[Row]) -> Iterator[str]:
    seen = set[str]()
    for row in found:
        if row.case.name not in seen:
            seen.add(row.case.name)
            mine = [one for other in found if other.case.name == row.case.name for one in other.findings]
            readings = dict.fromkeys(
                f"{one['severity']}: {one['probe']}" + (f" ({one['target']})" if one["target"] else "") for one in mine
            )
            yield f"| {row.case.name} | {'; '.join(readings) or 'none'} | {row.seconds:,} |"


def _readings(found: Sequence[Row], kind: str) -> Iterator[str]:
    """The paragraphs of readings.md on these rows, with a note where one is missing."""
    for row in found:
        name = f"{row.case.name}, {row.target}"
        yield f"**{name}.** {_written().get(kind + name, 'No reading yet.').strip()}\n"


def _written() -> dict[str, str]:
    """The paragraphs of readings.md by heading."""
    parts = READINGS.read_text(encoding="utf-8").split("\n## ")[1:]
    return dict(part.split("\n", 1) for part in parts if "\n" in part)


def _routed(score: Mapping[str, Any]) -> tuple[int, int]:
    n = round(score["coverage"] * score["n"])
    return n, round(n * score["precision"]) if n else 0


def _accuracy(score: Mapping[str, Any] | None) -> str:
    return _percent(score["accuracy"]) if score else "did not finish"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


if __name__ == "__main__":
    main()
