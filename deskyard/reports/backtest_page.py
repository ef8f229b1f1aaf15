"""The page of a backtest: what a policy would have done with the past, as one HTML file that opens without a network.

In comes the document of `training.backtest.output.plain`, out comes the page in one language: no script, nothing outside.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from markupsafe import Markup

from deskyard.analytics.intervals import Share
from deskyard.reports import charts
from deskyard.reports.i18n import N_, Language, Words
from deskyard.reports.templating import environment

Document = Mapping[str, Any]

FATES: Final = {
    "right": N_("routed rightly"),
    "wrong": N_("routed wrongly"),
    "unknown": N_("routed, nobody knows whether rightly"),
    "people": N_("left to people"),
}

KEPT: Final = {"kept": N_("kept"), "open": N_("open"), "broken": N_("broken"), "": N_("nothing routed")}

OPEN: Final = N_("all that the evidence allows")
"""The policy that nobody had to write: everything is routed that keeps the promise."""

MISTAKES: Final = 12
"""Pairs of queues that the page shows."""


def page(document: Document, language: Language) -> str:
    """The page. Raises PartMissing where its chart can't be drawn."""
    words = Words(language)
    templates = environment(words)
    return templates.get_template("backtest.html").render(
        document=document,
        names=_names(document, words),
        share=lambda part: Share(part["right"], part["known"]),
        kept=lambda part: words.gettext(KEPT[Share(part["right"], part["known"]).keeps(part["promised"])]),
        fate=lambda name: words.gettext(FATES[name]),
        day=lambda moment: words.day(datetime.fromisoformat(moment).date().isoformat()),
        most=max(document["curve"], key=lambda point: (point["saved"], point["precision"])),
        curve=_curve(document, words),
        shown=MISTAKES,
    )


def _names(document: Document, words: Words) -> list[str]:
    """What the policies are called; the one that nobody wrote has a name in words."""
    return [str(words.gettext(OPEN)) if one["name"] == OPEN else one["name"] for one in document["policies"]]


def _curve(document: Document, words: Words) -> Markup:
    best = max(document["curve"], key=lambda point: (point["saved"], point["precision"]))
    alt = words.gettext(
        "Minutes saved by promise: most at %(promise)s, %(saved)s minutes.",
        promise=words.percent(best["precision"]),
        saved=words.number(best["saved"]),
    )
    asked = document["policies"][0]["promised"]
    return charts.draw(charts.savings(document["curve"], best, asked, words), words, str(alt))
