"""Finds text leaks: text that was added after submission by people who knew the label.

Reported are closing lines that are the same in many tickets of one label, names of agents, resolution texts, and codes.
A word that predicts a label because of its meaning ("vpn") is not a leak; leaks are recognised by their position (at
the end, after the author's own words), their repetition, and their many requesters. Only the phrase itself is shown.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from training.data_audit import agent_names, resolution_text
from training.data_audit.case import AuditCase
from training.data_audit.finding import MAX_EXAMPLES, Finding, Severity, format_percent, shorten
from training.data_audit.masking import MaskingResult, measure_masking
from training.data_audit.suspect_phrases import MIN_TICKETS, SuspectPhrase, find_suspect_phrases, is_from_few_requesters
from training.data_audit.text_lines import SHORT_PIECE_WORDS, TextPiece, tail_pieces

MAX_TICKETS: Final = 50_000
"""The most tickets whose lines are checked, evenly spread."""

SERIOUS_TICKETS, SERIOUS_DROP = 20, 0.1
"""The number of tickets with a phrase, or the drop in accuracy without it, from which a leak is serious."""

LAST_PIECE_SHARE: Final = 0.9
"""The share of a phrase's tickets in which only pieces of up to `SHORT_PIECE_WORDS` words follow it."""

MIN_OWN_WORDS: Final = 5
"""The fewest words of the author's own before a closing line."""

MAX_FINDINGS: Final = 12
"""The most findings of one kind, the largest first."""

_CODE: Final = re.compile(r"\[[^\[\]\n]{2,40}\]|\b(?=\w*[A-ZА-Я])(?=[\w-]*\d)[A-ZА-Я][\w]*(?:[-_]\w+)+\b")

_NAME: Final = re.compile(r"\b[A-ZА-ЯЁ][a-zа-яё]+ [A-ZА-ЯЁ][a-zа-яё]+\b|@\w")
"""A person's first and last name, or an address."""


def probe(case: AuditCase) -> Iterator[Finding]:
    """Findings of leaks in the texts."""
    step = -(-len(case.tickets) // MAX_TICKETS)
    texts = [tail_pieces(ticket.body) if i % step == 0 else [] for i, ticket in enumerate(case.tickets)]
    resolutions = resolution_text.find_solutions(texts)
    yield from resolution_text.probe(case, resolutions)
    yield from _find_closing_lines(case, texts, set(resolutions))
    yield from agent_names.probe(case)
    yield from _find_codes(case)


def _find_closing_lines(case: AuditCase, texts: Sequence[list[TextPiece]], solved: set[int]) -> Iterator[Finding]:
    """Lines that close many tickets of one label after different texts, and closing sentences that name a person."""
    holders: defaultdict[str, list[int]] = defaultdict(list)
    fits = Counter[str]()
    written: dict[str, str] = {}
    for i, found in enumerate(texts):
        for piece in {piece.key: piece for piece in found}.values():
            holders[piece.key].append(i)
            fits[piece.key] += (
                piece.words_after <= SHORT_PIECE_WORDS
                and piece.words_before >= MIN_OWN_WORDS
                and (piece.whole_line or bool(_NAME.search(piece.text)))
            )
            written.setdefault(piece.key, piece.text)
    often = {
        key: np.array(found)
        for key, found in holders.items()
        if len(found) >= MIN_TICKETS
        and fits[key] >= LAST_PIECE_SHARE * len(found)
        and len(solved.intersection(found)) < len(found) / 2
    }
    suspects = [
        found
        for found in find_suspect_phrases(case, often)
        if not is_from_few_requesters(case, found) and _has_varied_context(texts, found.holders)
    ]
    for suspect in _largest_per_ticket_set(suspects):
        yield _make_finding(
            case,
            suspect,
            "closing line",
            shorten(written[suspect.phrase]),
            "the line {!r} closes",
            "if agents or the system add the line later, a new ticket does not have it: export texts as they were "
            "received, or remove it; a line of a form that people choose themselves may stay",
            measure_masking(case, suspect.target, _original_spellings(texts, suspect)),
        )


def _find_codes(case: AuditCase) -> Iterator[Finding]:
    """Codes and bracketed tags that occur with one label."""
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for i, ticket in enumerate(case.tickets):
        for code in set(_CODE.findall(f"{ticket.subject}\n{ticket.body[:4000]}")):
            holders[code].append(i)
    often = {code: np.array(found) for code, found in holders.items() if len(found) >= MIN_TICKETS}
    suspects = [found for found in find_suspect_phrases(case, often) if not is_from_few_requesters(case, found)]
    for suspect in _largest_per_ticket_set(suspects):
        yield _make_finding(
            case,
            suspect,
            "code",
            shorten(suspect.phrase),
            "the code {!r} occurs in",
            "fine if a form or a monitor writes it at creation; if it is set while the ticket is worked on, remove it",
        )


def _make_finding(
    case: AuditCase,
    suspect: SuspectPhrase,
    kind: str,
    phrase: str,
    begin: str,
    advice: str,
    masked: MaskingResult | None = None,
) -> Finding:
    """The finding of a phrase that occurs with one label; a note if there is no `masked` score."""
    y, label = case.data.y[suspect.target], case.labels(suspect.target)[suspect.label]
    n = int((y == suspect.label).sum())
    return Finding(
        f"leak: {kind}",
        _rate_severity(len(suspect.holders), masked),
        suspect.target,
        f"{begin.format(phrase)} {len(suspect.holders):,} tickets, {format_percent(suspect.purity)} of which have "
        f"{suspect.target} {label!r} ({n:,} tickets have it){masked.summary if masked else ''}",
        advice,
        case.ids(suspect.holders[:MAX_EXAMPLES]),
        {"phrase": phrase, "label": label, "tickets": len(suspect.holders), "share": suspect.purity, "of_label": n}
        | (masked.figures if masked else {}),
    )


def _rate_severity(n: int, masked: MaskingResult | None) -> Severity:
    if masked is None or not masked.is_read_by_model:
        return "note"
    return "serious" if n >= SERIOUS_TICKETS or masked.drop >= SERIOUS_DROP else "warning"


def _original_spellings(texts: Sequence[list[TextPiece]], suspect: SuspectPhrase) -> dict[int, list[str]]:
    """The spellings of the phrase in each ticket, by position."""
    return {i: [piece.text for piece in texts[i] if piece.key == suspect.phrase] for i in suspect.holders.tolist()}


def _has_varied_context(texts: Sequence[list[TextPiece]], holders: npt.NDArray[np.int64]) -> bool:
    """Whether the rest of the texts differs; alerts and forms are similar as a whole."""
    longest = {max(texts[i], key=lambda piece: len(piece.key)).key for i in holders.tolist()}
    return len(longest) >= 0.5 * len(holders)


def _largest_per_ticket_set(suspects: list[SuspectPhrase]) -> list[SuspectPhrase]:
    """The largest suspects, one for each set of tickets: that whose label has the fewest other tickets."""
    seen: list[set[int]] = []
    kept = []
    for suspect in sorted(suspects, key=lambda s: (-len(s.holders), -s.label_share, s.phrase, s.target)):
        tickets = set(suspect.holders.tolist())
        if not any(len(tickets & other) >= 0.8 * len(tickets) for other in seen):
            seen.append(tickets)
            kept.append(suspect)
    return kept[:MAX_FINDINGS]
