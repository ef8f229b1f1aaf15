"""The page of a backtest: what a policy would have done with the past, as one HTML file that opens without a network.

In comes the document of `training.backtest.output.to_json`, out comes the page in one language: no script, nothing
outside.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from markupsafe import Markup

from deskyard.analytics.intervals import Proportion
from deskyard.reports import charts
from deskyard.reports.i18n import N_, Language, Translator
from deskyard.reports.templating import make_environment

Document = Mapping[str, Any]

OUTCOME_NAMES: Final = {
    "right": N_("routed rightly"),
    "wrong": N_("routed wrongly"),
    "unknown": N_("routed, nobody knows whether rightly"),
    "people": N_("left to people"),
}

STATUS_NAMES: Final = {"kept": N_("kept"), "open": N_("open"), "broken": N_("broken"), "": N_("nothing routed")}

UNRESTRICTED_POLICY: Final = N_("all that the evidence allows")
"""The policy that nobody had to write: everything is routed that keeps the promise."""

MAX_MISTAKES: Final = 12
"""Pairs of queues that the page shows."""


def render_backtest(document: Document, language: Language) -> str:
    """The page. Raises PartMissing where its chart can't be drawn."""
    words = Translator(language)
    templates = make_environment(words)
    return templates.get_template("backtest.html").render(
        document=document,
        names=_policy_names(document, words),
        share=lambda part: Proportion(part["right"], part["known"]),
        kept=lambda part: words.gettext(
            STATUS_NAMES[Proportion(part["right"], part["known"]).contract_status(part["promised"])]
        ),
        fate=lambda name: words.gettext(OUTCOME_NAMES[name]),
        day=lambda moment: words.long_date(datetime.fromisoformat(moment).date().isoformat()),
        most=max(document["curve"], key=lambda point: (point["saved"], point["precision"])),
        curve=_render_curve(document, words),
        shown=MAX_MISTAKES,
    )


def _policy_names(document: Document, translator: Translator) -> list[str]:
    """What the policies are called; the one that nobody wrote has a name in words."""
    return [
        str(translator.gettext(UNRESTRICTED_POLICY)) if one["name"] == UNRESTRICTED_POLICY else one["name"]
        for one in document["policies"]
    ]


def _render_curve(document: Document, translator: Translator) -> Markup:
    best = max(document["curve"], key=lambda point: (point["saved"], point["precision"]))
    alt = translator.gettext(
        "Minutes saved by promise: most at %(promise)s, %(saved)s minutes.",
        promise=translator.percent(best["precision"]),
        saved=translator.number(best["saved"]),
    )
    asked = document["policies"][0]["promised"]
    return charts.render_chart(charts.savings_spec(document["curve"], best, asked, translator), translator, str(alt))
