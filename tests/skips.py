"""Skipped tests: a paragraph at the end of a run says what was not run, why, and the line that installs it."""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """With DESKYARD_NO_SKIPS a skip is a failure, except for want of the data beside the checkout (../shared)."""
    report = yield
    if report.skipped and os.environ.get("DESKYARD_NO_SKIPS") and "../shared" not in str(report.longrepr):
        report.outcome, report.longrepr = "failed", f"skipped where nothing may be: {report.longrepr}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One paragraph at the end: how many tests were not run, why, and the line that installs what they need."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.write_line("")
        terminalreporter.write_line(not_run(Counter(reason(report.longrepr) for report in skipped)), yellow=True)


def reason(why: Any) -> str:
    """What a skipped test said of itself."""
    return str(why[2] if isinstance(why, tuple) else why).removeprefix("Skipped: ").rstrip(".")


def not_run(reasons: Counter[str]) -> str:
    """That paragraph. A reason names packages in a form of its own: "why: apt-get install one two"."""
    whys, packages = Counter[str](), dict[str, None]()
    for said, count in reasons.items():
        why, _, lacking = said.partition(": apt-get install ")
        whys[why] += count
        packages |= dict.fromkeys(lacking.split())
    told = "; ".join(f"{count} because {why}" for why, count in whys.most_common())
    total = f"{reasons.total()} tests were" if reasons.total() > 1 else "1 test was"
    install = f" To run them: apt-get install {' '.join(packages)}." if packages else ""
    return f"{total} not run: {told}.{install}"
