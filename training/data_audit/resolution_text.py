"""Finds resolution texts ("Resolved by", «Решено:») in bodies, which should hold the text as submitted.

They are reported where tickets with them are right more often, where they stand for labels, or where many tickets end
with them.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from training.data_audit.case import AuditCase
from training.data_audit.finding import MAX_EXAMPLES, Finding, format_percent, shorten
from training.data_audit.masking import measure_masking
from training.data_audit.suspect_phrases import MIN_TICKETS, find_suspect_phrases
from training.data_audit.text_lines import SHORT_PIECE_WORDS, TextPiece

MIN_SHARE, MIN_ACCURACY_GAIN = 0.003, 0.03
"""The share of tickets with a resolution text, and the gain in accuracy, from which it is reported."""

CLOSING_SHARE: Final = 0.01
"""The share of tickets ending with one from which it is reported in any case; nine real histories have below 0.1 %."""

_SOLUTION_START: Final = re.compile(
    r"(?:re)?(?:solution|resolution|resolved|solved|closed|fixed|root cause|closing (?:note|comment)|work ?around"
    r"|duplicate)\b\s*(?:[:–—-]|\b(?:by|as|with|of)\b|$|[.!])"
    r"|(?:решение|решено|решена|заявка (?:решена|закрыта|выполнена)|обращение (?:решено|закрыто)|закрыто|закрыта"
    r"|выполнено|исправлено|устранено|дубликат|причина|gelöst|lösung|resuelto|solución|вирішено|рішення|solucionado)"
    r"\b\s*(?:[:–—.,!-]|$|\b(?:как|специалистом|агентом|сотрудником|инженером|путем|группой|отделом|заменой)\b)",
    re.I,
)
"""The beginning of a resolution text."""


def find_solutions(texts: Sequence[list[TextPiece]]) -> dict[int, list[TextPiece]]:
    """The pieces after the author's own words that begin like a resolution, by ticket position."""
    found = {
        i: [p for p in parts if p.words_before >= SHORT_PIECE_WORDS and _SOLUTION_START.match(p.text)]
        for i, parts in enumerate(texts)
    }
    return {i: parts for i, parts in found.items() if parts}


def probe(case: AuditCase, solutions: Mapping[int, list[TextPiece]]) -> Iterator[Finding]:
    """The finding of resolution texts; serious where they raise accuracy or stand for labels."""
    where = np.array(list(solutions), np.int64)
    if len(where) < max(MIN_TICKETS, MIN_SHARE * len(case.tickets)):
        return
    by_phrase: defaultdict[str, list[int]] = defaultdict(list, {"": list(solutions)})
    for i, parts in solutions.items():
        for key in {piece.key for piece in parts}:
            by_phrase[key].append(i)
    phrases = {key: np.array(found) for key, found in by_phrase.items()}
    checked = []
    for target in case.targets:
        known = case.all_predictions[target]
        holds = np.isin(known.positions, where)
        if min(holds.sum(), (~holds).sum()) < MIN_TICKETS:
            continue
        with_, without = float(known.right[holds].mean()), float(known.right[~holds].mean())
        spread = math.sqrt(sum(float(np.var(known.right[part])) / int(part.sum()) for part in (holds, ~holds)))
        tells = any(find_suspect_phrases(case, phrases, (target,)))
        ahead = with_ - without
        checked.append((tells, ahead > max(MIN_ACCURACY_GAIN, 2.58 * spread), ahead, target, with_, without))
    at_the_end = sum(any(piece.words_after <= SHORT_PIECE_WORDS for piece in parts) for parts in solutions.values())
    if not checked:
        return
    tells, beyond, _, target, with_, without = max(checked)
    if not (tells or beyond) and at_the_end < CLOSING_SHARE * len(case.tickets):
        return
    masked = measure_masking(case, target, {i: [piece.text for piece in parts] for i, parts in solutions.items()})
    starts = Counter(_opening_words(piece.text) for parts in solutions.values() for piece in parts)
    shown = ", ".join(repr(start) for start, _ in starts.most_common(3))
    yield Finding(
        "leak: solution",
        "note" if not masked.is_read_by_model else "serious" if tells or beyond else "warning",
        target,
        f"{len(where):,} tickets contain resolution text ({shown}); the accuracy of {target} on them is "
        f"{format_percent(with_)}, on the others {format_percent(without)}"
        f"{masked.summary}",
        "a new ticket has no resolution: export texts as they were received, or remove those lines",
        case.ids(where[:MAX_EXAMPLES]),
        {"phrases": shown, "tickets": len(where), "right_with": with_, "right_without": without} | masked.figures,
    )


def _opening_words(piece: str) -> str:
    match = _SOLUTION_START.match(piece)
    return shorten(match[0].strip(" :–—-.,!")) if match else ""
