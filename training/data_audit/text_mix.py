"""Finds forwarded mail, texts that are mostly cut, mail of machines and the mix of languages, and what each costs.

The cost is measured on tickets that the predicting model was not trained on: the accuracy on tickets of a kind, on the
others, and how far the kind moves the accuracy of all.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import Target
from deskyard.text.cleaning import detect_language, to_plain_text
from training.data_audit.case import AuditCase
from training.data_audit.finding import MAX_EXAMPLES, Finding, Severity, format_percent
from training.data_audit.mail_kinds import is_forward, is_machine_mail, is_mostly_cut

SAMPLE_SIZE: Final = 5_000
"""The most tickets that are checked, evenly spread."""

LANGUAGE_SAMPLE: Final = 1_000
"""The most tickets whose language is detected: a millisecond each."""

MIN_TICKETS, MIN_SHARE = 10, 0.01
"""The fewest tickets of a kind, and their share of those checked, that are reported."""

MIN_MEASURED: Final = 10
"""The fewest held-out tickets of a kind, and of the others, for a measurement."""

WARNING_COST: Final = 0.01
"""The loss of accuracy over all tickets from which a finding is a warning."""

MAX_Z: Final = 2.58
"""Standard errors from which a difference is taken as real."""

MIN_REPEATS, MIN_REPEATED_WORDS = 20, 6
"""The tickets with one text, numbers aside, and its words, from which a machine is taken to have written it."""

_LANGUAGE_CODE: Final = re.compile(r"\s*([a-z]{2})(?:[-_]\w*)*\s*")
"""en, pt-BR, de_CH; "German" is none."""

_DIGITS: Final = re.compile(r"\d+")

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class KindCost:
    """The accuracy of a target on held-out tickets of a kind (`inside`) and on the `others`.

    `effect`: accuracy of all minus that of the others, thus negative where the kind costs accuracy. `is_sure`: whether
    the difference is greater than chance.
    """

    target: Target
    n: int
    inside: float
    others: float
    effect: float
    is_sure: bool

    @property
    def summary(self) -> str:
        """The end of a sentence."""
        accuracy = (
            f"; accuracy of {self.target} on them {format_percent(self.inside)}, on the others "
            f"{format_percent(self.others)}"
        )
        if not self.is_sure:
            return f"{accuracy}: no more than chance"
        change = f"{abs(100 * self.effect):.1f} points"
        return f"{accuracy}: they {'cost' if self.effect < 0 else 'add'} {change} of the accuracy of all"

    @property
    def figures(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "target": self.target,
            "n": self.n,
            "inside": self.inside,
            "others": self.others,
            "effect": self.effect,
            "sure": self.is_sure,
        }


def probe(case: AuditCase) -> Iterator[Finding]:
    """Findings of forwards, cut texts, machines and languages."""
    chosen = _spread(len(case.tickets), SAMPLE_SIZE)
    texts = {i: to_plain_text(case.tickets[i].body) for i in chosen.tolist()}
    subjects = {i: case.tickets[i].subject for i in texts}
    yield from _report(
        case,
        chosen,
        [i for i, text in texts.items() if is_forward(subjects[i], text)],
        "forwarded mail",
        "are forwarded mails",
        "what was forwarded is the matter: check that its text is in the export, and not only the note above it",
    )
    yield from _report(
        case,
        chosen,
        [i for i, text in texts.items() if is_mostly_cut(subjects[i], text)],
        "cut texts",
        "have more text cut as quotation or signature than kept",
        "export the first message of a ticket instead of the last answer; if these are first messages, look at the "
        "examples and report what was cut wrongly",
    )
    yield from _report(
        case,
        chosen,
        _find_machines(case, texts),
        "machine mail",
        "are written by machines (monitoring alerts, automatic replies, one text again and again)",
        "route alerts by a rule and leave automatic replies out of the history: the accuracy for people is that on the "
        "others",
    )
    yield from _report_languages(case, texts)


def _spread(n: int, most: int) -> npt.NDArray[np.int64]:
    """At most `most` of the positions of `n` tickets, evenly spread."""
    return np.arange(0, n, max(-(-n // most), 1))


def _find_machines(case: AuditCase, texts: dict[int, str]) -> list[int]:
    """The positions of alerts, automatic replies, and texts that few requesters sent many times with other numbers."""
    by_text: defaultdict[str, list[int]] = defaultdict(list)
    for i, text in texts.items():
        words = _DIGITS.sub("0", f"{case.tickets[i].subject} {text[:2000]}").split()
        if len(words) >= MIN_REPEATED_WORDS:
            by_text[" ".join(words)].append(i)
    found = {
        i for i, text in texts.items() if is_machine_mail(case.tickets[i].subject, case.tickets[i].requester, text)
    }
    for positions in by_text.values():
        if len(positions) >= MIN_REPEATS and len({case.tickets[i].requester for i in positions}) <= 3:
            found.update(positions)
    return sorted(found)


def _report(
    case: AuditCase, chosen: npt.NDArray[np.int64], positions: list[int], name: str, what: str, advice: str
) -> Iterator[Finding]:
    """The finding of the tickets at `positions` among those `chosen`, if they are enough."""
    if len(positions) < max(MIN_TICKETS, MIN_SHARE * len(chosen)):
        return
    cost = measure_cost(case, chosen, np.array(positions))
    share = len(positions) / len(chosen)
    yield Finding(
        name,
        _rate_severity(cost),
        cost.target if cost else None,
        f"{len(positions):,} of {len(chosen):,} tickets ({format_percent(share)}) {what}"
        + (cost.summary if cost else ""),
        advice,
        case.ids(positions[:MAX_EXAMPLES]),
        {"tickets": len(positions), "of": len(chosen), "share": share, "cost": cost.figures if cost else None},
    )


def _rate_severity(cost: KindCost | None) -> Severity:
    return "warning" if cost is not None and cost.is_sure and cost.effect <= -WARNING_COST else "note"


def measure_cost(case: AuditCase, chosen: npt.ArrayLike, positions: npt.ArrayLike) -> KindCost | None:
    """What the tickets at `positions` cost, of the tickets `chosen`: for the target that they cost most.

    None where too few of them, or of the others, were predicted by a model that was not trained on them.
    """
    costs = []
    for target in case.targets:
        known = case.all_predictions[target]
        known = known[np.isin(known.positions, np.asarray(chosen))]
        inside = np.isin(known.positions, np.asarray(positions))
        if min(inside.sum(), (~inside).sum()) < MIN_MEASURED:
            continue
        right = known.right
        here, there, all_ = (float(right[mask].mean()) for mask in (inside, ~inside, np.ones(len(right), bool)))
        spread = math.sqrt(sum(float(np.var(right[mask])) / int(mask.sum()) for mask in (inside, ~inside)))
        sure = abs(here - there) > MAX_Z * spread
        costs.append(KindCost(target, int(inside.sum()), here, there, all_ - there, sure))
    return min(costs, key=lambda cost: (not cost.is_sure, cost.effect if cost.is_sure else 0.0), default=None)


def _report_languages(case: AuditCase, texts: dict[int, str]) -> Iterator[Finding]:
    """The shares of languages, and what those beside the most frequent one cost."""
    positions = list(texts)
    sample = [positions[at] for at in _spread(len(positions), LANGUAGE_SAMPLE).tolist()]
    found = {i: _language_of(case, i, texts[i]) for i in sample}
    known = {i: code for i, code in found.items() if code}
    counts = Counter(known.values())
    if len(counts) < 2:
        return
    main = min(counts, key=lambda code: (-counts[code], code))
    others = [i for i, code in known.items() if code != main]
    if len(others) < max(MIN_TICKETS, MIN_SHARE * len(known)):
        return
    cost = measure_cost(case, list(known), others)
    shares = {code: n / len(known) for code, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))}
    shown = ", ".join(f"{code} {format_percent(share)}" for code, share in shares.items() if share >= MIN_SHARE)
    yield Finding(
        "languages",
        _rate_severity(cost),
        cost.target if cost else None,
        f"languages of {len(known):,} tickets: {shown}; {len(others):,} are not in {main}"
        + (cost.summary if cost else ""),
        "a language with few tickets is learnt slowly: collect more of them, or route it by a rule; an encoder "
        "(--encoder) helps where it knows both languages",
        case.ids(others[:MAX_EXAMPLES]),
        {"shares": shares, "main": main, "tickets": len(others), "of": len(known), "cost": cost and cost.figures},
    )


def _language_of(case: AuditCase, i: int, text: str) -> str:
    """The language that the history names by its code, else that of the text; "" where it is too short."""
    code = _LANGUAGE_CODE.fullmatch(case.tickets[i].language[:20].casefold())
    return code[1] if code else detect_language(f"{case.tickets[i].subject} {text}")
