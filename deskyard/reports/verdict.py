"""Verdict: what goes by itself at a precision, in words for a manager, and what it takes where nothing does.

In comes a row of the report's figures, out come sentences. Shares are rounded down where rounding up would flatter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from deskyard.reports.i18n import Words

Row = Mapping[str, Any]

_SLACK: Final = 1e-9
"""So that 0.29 of 100 is 29, not 28."""


@dataclass(frozen=True, slots=True)
class Said:
    """One precision of one target: what goes, `counts` behind it, and `remarks`.

    `share` is that of the routed tickets, `of_100` the same for people; `kept`: the judged window does not speak
    against the promise.
    """

    asked: str
    share: float
    of_100: str
    sentence: Markup
    counts: Markup | None
    remarks: tuple[Markup, ...]
    kept: bool


def say(rows: Sequence[Row], words: Words) -> list[Said]:
    """The sentences of a target's rows, the loosest precision first."""
    return [_say(row, max((one["routed"] for one in rows[i + 1 :]), default=0), words) for i, row in enumerate(rows)]


def _say(row: Row, stricter: int, words: Words) -> Said:
    """The sentences of a row; `stricter`: how many tickets go at a stricter precision."""
    n, routed = row["n"], row["routed"]
    remarks = [one for one in (_fewer(row, stricter, words), _saved(row, words)) if one]
    if routed:
        kept = row["upper95"] >= row["asked"]
        return Said(
            words.percent(row["asked"], _digits(row["asked"])),
            routed / n,
            _share(routed / n, words),
            _gone(row, words),
            words.gettext(
                "%(routed)s of %(n)s judged tickets, %(right)s of them right.",
                routed=words.number(routed),
                n=words.number(n),
                right=words.number(row["right"]),
            ),
            (*_held(row, words), *remarks),
            kept,
        )
    sentence = words.gettext("Nothing goes by itself: no confidence is proved to be right often enough.")
    if row["threshold"] is not None:
        sentence = words.gettext("Nothing goes by itself: it is proved, but no judged ticket was that sure.")
    needs = [_needs(row, words)] if row["needs"] else []
    return Said(words.percent(row["asked"], _digits(row["asked"])), 0, "0", sentence, None, (*needs, *remarks), True)


def _gone(row: Row, words: Words) -> Markup:
    """So many of 100 go, so many of 100 of those were right."""
    return words.gettext(
        "%(gone)s of 100 tickets go by themselves; %(right)s of 100 of those were right (at least %(least)s, with 95%% "
        "confidence).",
        gone=_share(row["routed"] / row["n"], words),
        right=words.number(_of_100(row["right"] / row["routed"])),
        least=words.number(_of_100(row["lower95"])),
    )


def _share(share: float, words: Words) -> str:
    return str(words.gettext("fewer than 1")) if share < 0.01 else words.number(_of_100(share))


def _held(row: Row, words: Words) -> list[Markup]:
    """Whether the promise held on the judged window."""
    if row["upper95"] < row["asked"]:
        return [
            words.gettext(
                "The promise was not kept on the judged window: the desk has changed since the evidence. Train again "
                "often, ask for more precision, or let the machine only suggest here."
            )
        ]
    if row["right"] / row["routed"] < row["asked"]:
        return [
            words.gettext("Fewer than promised were right on the judged window, though no more than chance explains.")
        ]
    return []


def _needs(row: Row, words: Words) -> Markup:
    """What a proof takes."""
    needs = row["needs"]
    if needs["lacking"]:
        return _lacking(row, words)
    today = words.gettext(
        "Of the surest %(surest)s past tickets %(right)s were right; a proof takes %(takes)s.",
        surest=words.number(needs["surest"]),
        right=words.number(needs["right"]),
        takes=words.number(needs["takes"]),
    )
    if needs["times"]:
        further = words.ngettext(
            "If the next ones are as surely right, %(n)s times today's evidence is enough.",
            "If the next ones are as surely right, %(n)s times today's evidence is enough.",
            needs["times"],
        )
    else:
        further = words.gettext("More tickets of this kind alone do not prove it: labels or texts must become clearer.")
    return today + Markup(" ") + further


def _lacking(row: Row, words: Words) -> Markup:
    needs = row["needs"]
    told = words.gettext(
        "A proof takes at least %(least)s past tickets that no model had learnt from; there are %(have)s, so "
        "%(lacking)s more are needed.",
        least=words.number(needs["least"]),
        have=words.number(row["evidence"]["tickets"]),
        lacking=words.number(needs["lacking"]),
    )
    if needs["more_history"] is None:
        return told
    more = words.ngettext(
        "That is about %(n)s more ticket of history.",
        "That is about %(n)s more tickets of history.",
        needs["more_history"],
    )
    return told + Markup(" ") + more


def _fewer(row: Row, stricter: int, words: Words) -> Markup | None:
    """Why fewer go than where more is asked."""
    if row["routed"] >= stricter:
        return None
    return words.gettext(
        "Fewer than at a stricter precision: what is proved looser lets more strangers in, so the guard against "
        "tickets unlike the history, or the choice of labels, is stricter here."
    )


def _saved(row: Row, words: Words) -> Markup | None:
    """Where the saved model, with more evidence, may do something else than the judged one."""
    proved = row["saved"]["proved"]
    if proved == (row["threshold"] is not None):
        return None
    if proved:
        return words.gettext(
            "The saved model has the judged tickets as evidence too (%(n)s in all), and with them it may route here.",
            n=words.number(row["saved"]["tickets"]),
        )
    return words.gettext(
        "The saved model has the judged tickets as evidence too (%(n)s in all), and with them it may not route here.",
        n=words.number(row["saved"]["tickets"]),
    )


def _of_100(share: float) -> int:
    return int(100 * share + _SLACK)


def _digits(asked: float) -> int:
    """Decimals that an asked precision such as 0.975 needs."""
    return 0 if abs(100 * asked - round(100 * asked)) < _SLACK else 1
