"""Solutions: what was done about a ticket, in the text that should be as it was filed.

In come the closing pieces of bodies; out comes a finding where some begin like a solution ("Resolved by", «Решено:»)
and tickets with them are right more often, or they stand for labels, or many tickets end so.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from training.data_audit.case import Case
from training.data_audit.finding import SHOWN, Finding, percent, shorten
from training.data_audit.masking import mask
from training.data_audit.suspect_phrases import FEWEST, telling
from training.data_audit.text_lines import SHORT, Piece

HOLDING, AHEAD = 0.003, 0.03
"""The share of tickets with words of a solution, and how much more often they are right, from which it is said."""

CLOSING: Final = 0.01
"""The share of tickets that end with them, from which it is said in any case; of nine real histories none has 0.1 %."""

_SOLVED: Final = re.compile(
    r"(?:re)?(?:solution|resolution|resolved|solved|closed|fixed|root cause|closing (?:note|comment)|work ?around"
    r"|duplicate)\b\s*(?:[:–—-]|\b(?:by|as|with|of)\b|$|[.!])"
    r"|(?:решение|решено|решена|заявка (?:решена|закрыта|выполнена)|обращение (?:решено|закрыто)|закрыто|закрыта"
    r"|выполнено|исправлено|устранено|дубликат|причина|gelöst|lösung|resuelto|solución|вирішено|рішення|solucionado)"
    r"\b\s*(?:[:–—.,!-]|$|\b(?:как|специалистом|агентом|сотрудником|инженером|путем|группой|отделом|заменой)\b)",
    re.I,
)
"""How a piece begins that tells of the solution."""


def solved(texts: Sequence[list[Piece]]) -> dict[int, list[Piece]]:
    """The pieces below the author's own words that begin like a solution, by ticket."""
    found = {i: [p for p in parts if p.before >= SHORT and _SOLVED.match(p.written)] for i, parts in enumerate(texts)}
    return {i: parts for i, parts in found.items() if parts}


def probe(case: Case, solved: Mapping[int, list[Piece]]) -> Iterator[Finding]:
    """Words of a solution: serious where tickets that hold them are right more often, or they stand for labels."""
    where = np.array(list(solved), np.int64)
    if len(where) < max(FEWEST, HOLDING * len(case.tickets)):
        return
    by_phrase: defaultdict[str, list[int]] = defaultdict(list, {"": list(solved)})
    for i, parts in solved.items():
        for key in {piece.key for piece in parts}:
            by_phrase[key].append(i)
    phrases = {key: np.array(found) for key, found in by_phrase.items()}
    looked_at = []
    for target in case.targets:
        known = case.known[target]
        holds = np.isin(known.positions, where)
        if min(holds.sum(), (~holds).sum()) < FEWEST:
            continue
        with_, without = float(known.right[holds].mean()), float(known.right[~holds].mean())
        spread = math.sqrt(sum(float(np.var(known.right[part])) / int(part.sum()) for part in (holds, ~holds)))
        tells = any(telling(case, phrases, (target,)))
        ahead = with_ - without
        looked_at.append((tells, ahead > max(AHEAD, 2.58 * spread), ahead, target, with_, without))
    at_the_end = sum(any(piece.after <= SHORT for piece in parts) for parts in solved.values())
    if not looked_at:
        return
    tells, beyond, _, target, with_, without = max(looked_at)
    if not (tells or beyond) and at_the_end < CLOSING * len(case.tickets):
        return
    masked = mask(case, target, {i: [piece.written for piece in parts] for i, parts in solved.items()})
    starts = Counter(_begin(piece.written) for parts in solved.values() for piece in parts)
    shown = ", ".join(repr(start) for start, _ in starts.most_common(3))
    yield Finding(
        "leak: solution",
        "note" if not masked.read else "serious" if tells or beyond else "warning",
        target,
        f"{len(where):,} tickets hold words of a solution ({shown}); {target} is right in {percent(with_)} of them and "
        f"in {percent(without)} of the others{masked.told}",
        "a solution is not there when a ticket is filed: export texts as they were filed, or cut those lines",
        case.ids(where[:SHOWN]),
        {"phrases": shown, "tickets": len(where), "right_with": with_, "right_without": without} | masked.figures,
    )


def _begin(piece: str) -> str:
    match = _SOLVED.match(piece)
    return shorten(match[0].strip(" :–—-.,!")) if match else ""
