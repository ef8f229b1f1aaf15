"""The accuracy that a history loses when many of its tickets came in as forwarded mails.

The bodies of 40 % of the training tickets are wrapped as forwards of many mail programs and languages, half of them
with a "Fwd:" subject and a few words of the person who passed them on. `python -m tests.benchmarks.forwards FOLDER`
trains on each history as it is and with the forwards, compares both on the plain test part, and writes its section of
docs/evaluation.md. Results in the folder are kept.
"""

import csv
import html
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from deskyard.text.html_text import is_html
from tests.benchmarks.evaluate import CHECK, ROOT, SINGLE_THREAD, write_section

HEADING: Final = "## When tickets come in as forwards"
CASES: Final = ("simulated", "capstone", "endava")
SHARE: Final = 0.4
TARGET: Final = "queue"
KINDS: Final = ("plain", "forwarded")

Row = dict[str, str]

NOTES: Final = (
    "FYI", "Hi all, can somebody take this? Thanks, Bea", "Прошу взять в работу.\n\nС уважением,\nВера Зайцева",
    "Zur Info, bitte übernehmen.\n\nMit freundlichen Grüßen\nBea Krug", "¿Podéis verlo? Gracias", "Podem ver isto?",
    "Merci de traiter.\n\nCordialement,\nBéa", "Гляньте, будь ласка", "Please see below.\n\n-- \nBea\nReception",
)  # fmt: skip

_FORWARDS: Final = """\
---------- Forwarded message ---------
From: {name} <{mail}>
Date: Tue, 3 Feb 2026 at 10:00
Subject: {subject}
To: Bea <bea@desk.example>
%
Begin forwarded message:

From: {name} <{mail}>
Subject: {subject}
Date: 3 February 2026 at 10:00:00 CET
To: bea@desk.example
%
________________________________
Von: {name} <{mail}>
Gesendet: Dienstag, 3. Februar 2026 10:00
An: Bea
Betreff: {subject}
%
-----Original Message-----
From: {name} [mailto:{mail}]
Sent: Tuesday, February 3, 2026 10:00 AM
To: Bea
Subject: {subject}
%
De : {name} <{mail}>
Envoyé : mardi 3 février 2026 10:00
À : Bea <bea@desk.example>
Objet : {subject}
%
-------- Mensaje reenviado --------
Asunto:  {subject}
Fecha:  Tue, 3 Feb 2026 10:00:00 +0100
De:  {name} <{mail}>
Para:  bea@desk.example
%
-------- Mensagem encaminhada --------
Assunto:  {subject}
Data:  Tue, 3 Feb 2026 10:00:00 +0000
De:  {name} <{mail}>
Para:  bea@desk.example
%
-------- Пересылаемое сообщение --------
03.02.2026, 10:00, "{name}" <{mail}>:
%
-------- Пересылаемое сообщение --------
От кого: {name} <{mail}>
Кому: bea@desk.example
Дата: вторник, 3 февраля 2026, 10:00 +03:00
Тема: {subject}
%
От: {name} <{mail}>
Отправлено: 3 февраля 2026 г. 10:00
Кому: Bea <bea@desk.example>
Тема: {subject}
%
-------- Переслане повідомлення --------
Тема:  {subject}
Дата:  Tue, 3 Feb 2026
Від:  {name} <{mail}>
Кому:  bea@desk.example
%
----- Forwarded by Bea/HR/Corp on 03.02.2026 10:00 -----

From: {name}/HR/Corp
To: Bea/HR/Corp@Corp
Date: 03.02.2026 09:00
Subject: {subject}
%
----- Weitergeleitete Nachricht von {name} <{mail}> -----
  Datum: Tue, 03 Feb 2026
    Von: {name} <{mail}>
Betreff: {subject}
     An: bea@desk.example
"""
"""Markers and repeated headers of forwards, with a line `%` between them."""

FORWARDS: Final = tuple(f"{one}\n\n" for one in _FORWARDS.split("%\n"))


def main() -> None:
    """Measure each history, and write the section."""
    if not CHECK.is_dir():
        sys.exit("this needs the real cases beside the checkout (../shared), and they are not there")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="forwards-"))
    found = {case: {kind: _measure(folder / case, kind) for kind in KINDS} for case in CASES}
    write_section(HEADING, section(found))


def _measure(here: Path, kind: str) -> Mapping[str, Any]:
    """The accuracy on the plain test part of a model that was trained on this kind of the history."""
    result = here / f"{kind}.json"
    if not result.exists():
        _lay_out(here)
        bundle, predictions = here / f"{kind}-bundle", here / f"{kind}-predicted.csv"
        _deskyard(
            "train", here / f"{kind}.csv", "--out", bundle, "--targets", TARGET, "--effort", "quick", "--no-mlflow",
            "--no-audit", "--rejected", here / "rejected.csv",
        )  # fmt: skip
        _deskyard("predict", bundle, here / "test.csv", "--out", predictions)
        trained = sum(bool(row[TARGET]) for row in _read(here / f"{kind}.csv"))
        truth = {row["id"]: row[TARGET] for row in _read(here / "test.csv") if row[TARGET]}
        said = {row["id"]: row[TARGET] for row in _read(predictions)}
        right = sum(said.get(ticket) == label for ticket, label in truth.items())
        result.write_text(json.dumps({"trained": trained, "n": len(truth), "right": right}), encoding="utf-8")
        print(f"{here.name}, {kind}: {right / len(truth):.1%} of {len(truth)}", flush=True)
    return dict(json.loads(result.read_text(encoding="utf-8")))


def _lay_out(here: Path) -> None:
    """Write the training part as it is and with forwards, and the test part."""
    if (here / "forwarded.csv").exists():
        return
    here.mkdir(parents=True, exist_ok=True)
    if here.name == "simulated":
        _deskyard("simulate", "--tickets", "6000", "--seed", "1", "--out", here / "all.csv")
        rows = _read(here / "all.csv")
        train, test = rows[:4800], rows[4800:]
        _write(here / "test.csv", test)
    else:
        if not (here / "train.csv").exists():
            subprocess.run([sys.executable, CHECK / "cases.py", here.parent, here.name], check=True)
        train = _read(here / "train.csv")
    _write(here / "plain.csv", train)
    _write(here / "forwarded.csv", wrap_some(train))


def wrap_some(rows: Sequence[Row]) -> list[Row]:
    """The rows with `SHARE` of them wrapped as forwards, every second one with a note and a "Fwd:" subject.

    >>> rows = [{"subject": "VPN", "body": f"It is down in room {room}"} for room in range(100)]
    >>> wrapped = wrap_some(rows)
    >>> sum(one != row for one, row in zip(wrapped, rows)), sum(one["subject"] == "Fwd: VPN" for one in wrapped)
    (40, 20)
    """
    chance = random.Random(8)
    chosen = chance.sample(range(len(rows)), round(SHARE * len(rows)))
    wrapped = [dict(row) for row in rows]
    for place, number in enumerate(chosen):
        row, has_note = wrapped[number], place % 2 == 0
        name, client = chance.choice(("Cora Lind", "Олег Ким", "José Sá")), chance.randrange(500)
        header = chance.choice(FORWARDS).format(name=name, mail=f"c{client}@client.example", subject=row["subject"])
        above = f"{chance.choice(NOTES)}\n\n{header}" if has_note else header
        if is_html(row["body"]):
            above = "".join(f"<div>{html.escape(line) or '<br>'}</div>" for line in above.split("\n"))
        row["body"] = above + row["body"]
        if has_note:
            row["subject"] = f"Fwd: {row['subject']}"
    return wrapped


def _deskyard(*arguments: object) -> None:
    command = [sys.executable, "-m", "deskyard", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | SINGLE_THREAD, cwd=ROOT)


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def section(found: Mapping[str, Mapping[str, Mapping[str, int]]]) -> Iterator[str]:
    """The lines of the section."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {_gigabytes()} GB, Python {platform.python_version()}"
    yield f"`python -m tests.benchmarks.forwards`, {time.strftime('%Y-%m-%d')}, {machine}; written by that command.\n"
    yield INTRODUCTION
    yield "| history | tickets for training, test | as it is | 40 % forwards | difference, points |"
    yield "|---|---|---|---|---|"
    for case, kinds in found.items():
        plain, forwarded = (100 * kinds[kind]["right"] / kinds[kind]["n"] for kind in KINDS)
        n, trained = kinds["plain"]["n"], kinds["plain"]["trained"]
        yield f"| {case} | {trained:,}, {n:,} | {plain:.1f} | {forwarded:.1f} | {forwarded - plain:+.1f} |"


def _gigabytes() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


INTRODUCTION: Final = f"""The bodies of {SHARE:.0%} of the training tickets are wrapped as forwards of {len(FORWARDS)}
kinds (mail programs and languages); every second of them has a "Fwd:" subject and a few words of the person who passed
it on. Both models (`--effort quick --targets {TARGET}`) are tested on the same plain tickets. Accuracy in percent.
The aim is to lose at most two points.
"""

if __name__ == "__main__":
    main()
