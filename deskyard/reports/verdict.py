"""Verdict: what goes by itself at a precision, in words for a manager, and what it takes where nothing does.

In comes a row of the report's figures, out come sentences. Shares are rounded down where rounding up would flatter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from deskyard.reports.i18n import Translator

VerdictRow = Mapping[str, Any]

_ROUNDING_TOLERANCE: Final = 1e-9
"""So that 0.29 of 100 is 29, not 28."""


@dataclass(frozen=True, slots=True)
class PrecisionVerdict:
    """One precision of one target: what goes, `counts` behind it, and `remarks`.

    `share` is that of the routed tickets, `of_100` the same for people; `kept`: the judged window does not speak
    against the promise.
    """

    required_precision: str
    share: float
    per_100: str
    sentence: Markup
    counts: Markup | None
    remarks: tuple[Markup, ...]
    is_kept: bool


def build_verdicts(rows: Sequence[VerdictRow], translator: Translator) -> list[PrecisionVerdict]:
    """The sentences of a target's rows, the loosest precision first."""
    return [
        _build_verdict(row, max((one["routed"] for one in rows[i + 1 :]), default=0), translator)
        for i, row in enumerate(rows)
    ]


def _build_verdict(row: VerdictRow, stricter: int, translator: Translator) -> PrecisionVerdict:
    """The sentences of a row; `stricter`: how many tickets go at a stricter precision."""
    n, routed = row["n"], row["routed"]
    remarks = [
        one for one in (_fewer_routed_remark(row, stricter, translator), _saved_model_remark(row, translator)) if one
    ]
    if routed:
        kept = row["upper95"] >= row["asked"]
        return PrecisionVerdict(
            translator.percent(row["asked"], _percent_digits(row["asked"])),
            routed / n,
            _format_per_100(routed / n, translator),
            _routed_sentence(row, translator),
            translator.gettext(
                "%(routed)s of %(n)s judged tickets, %(right)s of them right.",
                routed=translator.number(routed),
                n=translator.number(n),
                right=translator.number(row["right"]),
            ),
            (*_contract_remarks(row, translator), *remarks),
            kept,
        )
    sentence = translator.gettext("Nothing goes by itself: no confidence is proved to be right often enough.")
    if row["threshold"] is not None:
        sentence = translator.gettext("Nothing goes by itself: it is proved, but no judged ticket was that sure.")
    needs = [_needs_sentence(row, translator)] if row["needs"] else []
    return PrecisionVerdict(
        translator.percent(row["asked"], _percent_digits(row["asked"])),
        0,
        "0",
        sentence,
        None,
        (*needs, *remarks),
        True,
    )


def _routed_sentence(row: VerdictRow, translator: Translator) -> Markup:
    """So many of 100 go, so many of 100 of those were right."""
    return translator.gettext(
        "%(gone)s of 100 tickets go by themselves; %(right)s of 100 of those were right (at least %(least)s, with 95%% "
        "confidence).",
        gone=_format_per_100(row["routed"] / row["n"], translator),
        right=translator.number(_per_100(row["right"] / row["routed"])),
        least=translator.number(_per_100(row["lower95"])),
    )


def _format_per_100(share: float, translator: Translator) -> str:
    return str(translator.gettext("fewer than 1")) if share < 0.01 else translator.number(_per_100(share))


def _contract_remarks(row: VerdictRow, translator: Translator) -> list[Markup]:
    """Whether the promise held on the judged window."""
    if row["upper95"] < row["asked"]:
        return [
            translator.gettext(
                "The promise was not kept on the judged window: the desk has changed since the evidence. Train again "
                "often, ask for more precision, or let the machine only suggest here."
            )
        ]
    if row["right"] / row["routed"] < row["asked"]:
        return [
            translator.gettext(
                "Fewer than promised were right on the judged window, though no more than chance explains."
            )
        ]
    return []


def _needs_sentence(row: VerdictRow, translator: Translator) -> Markup:
    """What a proof takes."""
    needs = row["needs"]
    if needs["lacking"]:
        return _missing_evidence_sentence(row, translator)
    today = translator.gettext(
        "Of the surest %(surest)s past tickets %(right)s were right; a proof takes %(takes)s.",
        surest=translator.number(needs["surest"]),
        right=translator.number(needs["right"]),
        takes=translator.number(needs["takes"]),
    )
    if needs["times"]:
        further = translator.ngettext(
            "If the next ones are as surely right, %(n)s times today's evidence is enough.",
            "If the next ones are as surely right, %(n)s times today's evidence is enough.",
            needs["times"],
        )
    else:
        further = translator.gettext(
            "More tickets of this kind alone do not prove it: labels or texts must become clearer."
        )
    return today + Markup(" ") + further


def _missing_evidence_sentence(row: VerdictRow, translator: Translator) -> Markup:
    needs = row["needs"]
    told = translator.gettext(
        "A proof takes at least %(least)s past tickets that no model had learnt from; there are %(have)s, so "
        "%(lacking)s more are needed.",
        least=translator.number(needs["least"]),
        have=translator.number(row["evidence"]["tickets"]),
        lacking=translator.number(needs["lacking"]),
    )
    if needs["more_history"] is None:
        return told
    more = translator.ngettext(
        "That is about %(n)s more ticket of history.",
        "That is about %(n)s more tickets of history.",
        needs["more_history"],
    )
    return told + Markup(" ") + more


def _fewer_routed_remark(row: VerdictRow, stricter: int, translator: Translator) -> Markup | None:
    """Why fewer go than where more is asked."""
    if row["routed"] >= stricter:
        return None
    return translator.gettext(
        "Fewer than at a stricter precision: what is proved looser lets more strangers in, so the guard against "
        "tickets unlike the history, or the choice of labels, is stricter here."
    )


def _saved_model_remark(row: VerdictRow, translator: Translator) -> Markup | None:
    """Where the saved model, with more evidence, may do something else than the judged one."""
    proved = row["saved"]["proved"]
    if proved == (row["threshold"] is not None):
        return None
    if proved:
        return translator.gettext(
            "The saved model has the judged tickets as evidence too (%(n)s in all), and with them it may route here.",
            n=translator.number(row["saved"]["tickets"]),
        )
    return translator.gettext(
        "The saved model has the judged tickets as evidence too (%(n)s in all), and with them it may not route here.",
        n=translator.number(row["saved"]["tickets"]),
    )


def _per_100(share: float) -> int:
    return int(100 * share + _ROUNDING_TOLERANCE)


def _percent_digits(required_precision: float) -> int:
    """Decimals that an asked precision such as 0.975 needs."""
    return 0 if abs(100 * required_precision - round(100 * required_precision)) < _ROUNDING_TOLERANCE else 1
