"""Verdicts of the training report: what is routed automatically at a precision, and what is needed where nothing is.

Shares are rounded down where rounding up would be optimistic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from deskyard.reports.i18n import Translator

VerdictRow = Mapping[str, Any]

_ROUNDING_TOLERANCE: Final = 1e-9
"""Makes 0.29 of 100 29, not 28, in spite of floating point."""


@dataclass(frozen=True, slots=True)
class PrecisionVerdict:
    """One precision of one target: the sentence, the `counts` behind it, and `remarks`.

    `share` of tickets that are routed (0..1), `per_100` the same as text; `is_kept`: the test tickets do not contradict
    the contract.
    """

    required_precision: str
    share: float
    per_100: str
    sentence: Markup
    counts: Markup | None
    remarks: tuple[Markup, ...]
    is_kept: bool


def build_verdicts(rows: Sequence[VerdictRow], translator: Translator) -> list[PrecisionVerdict]:
    """The verdicts of a target's rows, the lowest precision first."""
    return [
        _build_verdict(row, max((one["routed"] for one in rows[i + 1 :]), default=0), translator)
        for i, row in enumerate(rows)
    ]


def _build_verdict(row: VerdictRow, stricter: int, translator: Translator) -> PrecisionVerdict:
    """The verdict of a row; `stricter`: tickets routed at a stricter precision."""
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
                "%(routed)s of %(n)s test tickets, %(right)s of them correct.",
                routed=translator.number(routed),
                n=translator.number(n),
                right=translator.number(row["right"]),
            ),
            (*_contract_remarks(row, translator), *remarks),
            kept,
        )
    sentence = translator.gettext(
        "Nothing is routed automatically: no confidence threshold is proved to be correct often enough."
    )
    if row["threshold"] is not None:
        sentence = translator.gettext(
            "Nothing is routed automatically: there is a proved threshold, but no test ticket reached it."
        )
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
    """How many of 100 tickets are routed, and how many of 100 of those were correct."""
    return translator.gettext(
        "%(gone)s of 100 tickets are routed automatically; %(right)s of 100 of those were correct (at least "
        "%(least)s, with 95%% confidence).",
        gone=_format_per_100(row["routed"] / row["n"], translator),
        right=translator.number(_per_100(row["right"] / row["routed"])),
        least=translator.number(_per_100(row["lower95"])),
    )


def _format_per_100(share: float, translator: Translator) -> str:
    return str(translator.gettext("fewer than 1")) if share < 0.01 else translator.number(_per_100(share))


def _contract_remarks(row: VerdictRow, translator: Translator) -> list[Markup]:
    """Remarks where the required precision was not reached on the test tickets."""
    if row["upper95"] < row["asked"]:
        return [
            translator.gettext(
                "The required precision was missed on the test period: the tickets have changed since the "
                "evidence was collected. Retrain often, set a higher precision, or allow only suggestions here."
            )
        ]
    if row["right"] / row["routed"] < row["asked"]:
        return [
            translator.gettext(
                "Below the required precision on the test period, but the difference is not significant."
            )
        ]
    return []


def _needs_sentence(row: VerdictRow, translator: Translator) -> Markup:
    """What a contract needs."""
    needs = row["needs"]
    if needs["lacking"]:
        return _missing_evidence_sentence(row, translator)
    current_state = translator.gettext(
        "Of the %(surest)s most confident past tickets %(right)s were correct; a contract requires %(takes)s.",
        surest=translator.number(needs["surest"]),
        right=translator.number(needs["right"]),
        takes=translator.number(needs["takes"]),
    )
    if needs["times"]:
        next_step = translator.ngettext(
            "At the same accuracy, %(n)s times today's evidence is enough.",
            "At the same accuracy, %(n)s times today's evidence is enough.",
            needs["times"],
        )
    else:
        next_step = translator.gettext("More tickets alone will not help: labels or texts must become clearer.")
    return current_state + Markup(" ") + next_step


def _missing_evidence_sentence(row: VerdictRow, translator: Translator) -> Markup:
    needs = row["needs"]
    sentence = translator.gettext(
        "A contract requires at least %(least)s held-out tickets; there are %(have)s, so %(lacking)s more are needed.",
        least=translator.number(needs["least"]),
        have=translator.number(row["evidence"]["tickets"]),
        lacking=translator.number(needs["lacking"]),
    )
    if needs["more_history"] is None:
        return sentence
    more = translator.ngettext(
        "That is about %(n)s more ticket of history.",
        "That is about %(n)s more tickets of history.",
        needs["more_history"],
    )
    return sentence + Markup(" ") + more


def _fewer_routed_remark(row: VerdictRow, stricter: int, translator: Translator) -> Markup | None:
    """Why fewer tickets are routed than at a stricter precision."""
    if row["routed"] >= stricter:
        return None
    return translator.gettext(
        "Fewer than at a stricter precision: a looser contract lets more out-of-scope tickets through, so the "
        "out-of-scope guard or the choice of labels is stricter here."
    )


def _saved_model_remark(row: VerdictRow, translator: Translator) -> Markup | None:
    """Where the saved model, which has more evidence, has another contract than the tested one."""
    proved = row["saved"]["proved"]
    if proved == (row["threshold"] is not None):
        return None
    if proved:
        return translator.gettext(
            "The saved model also has the test tickets as evidence (%(n)s in all), and with them it can route here.",
            n=translator.number(row["saved"]["tickets"]),
        )
    return translator.gettext(
        "The saved model also has the test tickets as evidence (%(n)s in all), and with them it can't route here.",
        n=translator.number(row["saved"]["tickets"]),
    )


def _per_100(share: float) -> int:
    return int(100 * share + _ROUNDING_TOLERANCE)


def _percent_digits(required_precision: float) -> int:
    """Decimals of a required precision in per cent: 0, or 1 for values such as 0.975."""
    return 0 if abs(100 * required_precision - round(100 * required_precision)) < _ROUNDING_TOLERANCE else 1
