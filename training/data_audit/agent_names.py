"""Finds names of assignees in the texts of their tickets: requesters do not know who will answer."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

import numpy as np

from training.data_audit.case import AuditCase
from training.data_audit.finding import MAX_EXAMPLES, Finding, format_percent, shorten
from training.data_audit.suspect_phrases import find_suspect_phrases, is_from_few_requesters

_WORD: Final = re.compile(r"[^\W\d_]{4,}")


def probe(case: AuditCase) -> Iterator[Finding]:
    """Findings for assignees whose name occurs in the texts of their tickets."""
    if "assignee" not in case.targets:
        return
    names = [frozenset(_WORD.findall(label.lower())) for label in case.labels("assignee")]
    every = frozenset().union(*names)
    common = {
        word for word, n in Counter(word for name in names for word in name).items() if n > max(3, len(names) // 4)
    }
    holders: defaultdict[int, list[int]] = defaultdict(list)
    by_word: defaultdict[str, list[int]] = defaultdict(list)
    for label, name in enumerate(names):
        for word in name - common:
            by_word[word].append(label)
    for i, ticket in enumerate(case.tickets):
        words = every & set(_WORD.findall(f"{ticket.subject} {ticket.body}".lower()))
        for label in {label for word in words for label in by_word[word]}:
            if names[label] - common <= words:
                holders[label].append(i)
    tickets_by_name = {case.labels("assignee")[label]: np.array(found) for label, found in sorted(holders.items())}
    for suspect in find_suspect_phrases(case, tickets_by_name, ("assignee",)):
        if case.labels("assignee")[suspect.label] == suspect.phrase and not is_from_few_requesters(case, suspect):
            yield Finding(
                "leak: agent",
                "serious",
                "assignee",
                f"the name of {shorten(suspect.phrase)!r} occurs in {len(suspect.holders):,} tickets, "
                f"{format_percent(suspect.purity)} of which were assigned to them",
                "agents sign replies, and requesters do not know who will reply: export texts as they were received, "
                "or remove the signature",
                case.ids(suspect.holders[:MAX_EXAMPLES]),
                {
                    "phrase": shorten(suspect.phrase),
                    "tickets": len(suspect.holders),
                    "share": suspect.purity,
                    "of_theirs": suspect.label_share,
                },
            )
