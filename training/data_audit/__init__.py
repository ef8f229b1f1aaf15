"""The data audit: checks a history for problems that mislead a model or its score, such as leaks and wrong labels.

Each probe gets a run's data and held-out predictions, and gives findings: what, on which tickets, what to do. Probes
only fit plain linear heads and change nothing; the same run gives the same findings.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from deskyard.errors import ExtraMissing
from training.data.history import History
from training.data_audit import (
    label_cells,
    label_issues,
    label_noise,
    leaky_fields,
    learnability,
    learning_curve,
    split_overlap,
    text_leaks,
    text_mix,
)
from training.data_audit.case import AuditCase
from training.data_audit.finding import SEVERITIES, Finding, Severity
from training.data_audit.rejected_share import find_rejections

__all__ = [
    "PROBES",
    "AuditCase",
    "Finding",
    "Severity",
    "audit_history",
    "findings_to_json",
    "format_findings",
    "has_serious",
]

PROBES: Final[dict[str, Callable[[AuditCase], Iterator[Finding]]]] = {
    "leaks": text_leaks.probe,
    "fields": leaky_fields.probe,
    "copies": split_overlap.probe,
    "noise": label_noise.probe,
    "labels": label_issues.probe,
    "learnable": learnability.probe,
    "curve": learning_curve.probe,
    "cells": label_cells.probe,
    "texts": text_mix.probe,
}
"""Name → probe; each is a module."""


def audit_history(case: AuditCase, history: History | None = None) -> list[Finding]:
    """The findings of all probes and about the rejected rows of `history`, by severity and then in the order of the
    probes.

    A probe whose library is not installed gives a note that names it.
    """
    found = list(find_rejections(history)) if history is not None else []
    for name, probe in PROBES.items():
        try:
            found += probe(case)
        except ExtraMissing as error:
            found.append(Finding(name, "note", None, "not looked for", str(error)))
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def has_serious(findings: Sequence[Finding]) -> bool:
    """Whether any finding is serious; a strict run then fails."""
    return any(finding.severity == "serious" for finding in findings)


def findings_to_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The findings as plain values, for the card."""
    return [asdict(finding) | {"examples": list(finding.examples)} for finding in findings]


def format_findings(findings: Sequence[Finding]) -> list[str]:
    """Two lines per finding: what it is and what to do; with at most five example ids.

    >>> format_findings([Finding("near-copies", "note", None, "3 tickets copy another", "look", ("7", "9"))])
    ['note: near-copies: 3 tickets copy another (tickets 7, 9)', '      look']
    """
    lines = []
    for finding in findings:
        shown = finding.examples[:5]
        ids = f" (tickets {', '.join(shown)}{', …' if len(finding.examples) > 5 else ''})" if shown else ""
        lines += [f"{finding.severity}: {finding.probe}: {finding.sentence}{ids}", f"      {finding.advice}"]
    return lines
