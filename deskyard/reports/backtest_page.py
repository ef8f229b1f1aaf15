"""The page of a backtest in one language, from the document of `training.backtest.output.to_json`.

One HTML file without scripts, which loads nothing and can be opened offline.
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
    "right": N_("routed correctly"),
    "wrong": N_("misrouted"),
    "unknown": N_("routed, correctness unknown"),
    "people": N_("for manual triage"),
}

STATUS_NAMES: Final = {
    "met": N_("met"),
    "undecided": N_("not decided"),
    "missed": N_("missed"),
    "": N_("nothing routed"),
}

UNRESTRICTED_POLICY: Final = N_("no policy: everything the contracts allow")
"""Name of the policy that routes everything the contracts allow; it is not written by anybody."""

MAX_MISTAKES: Final = 12
"""Pairs of queues on the page."""


def render_backtest(document: Document, language: Language) -> str:
    """The page. Raises ExtraMissing where its chart can't be drawn."""
    words = Translator(language)
    templates = make_environment(words)
    return templates.get_template("backtest.html").render(
        document=document,
        names=_policy_names(document, words),
        share=lambda part: Proportion(part["correct"], part["judged"]),
        contract_status=lambda part: words.gettext(
            STATUS_NAMES[Proportion(part["correct"], part["judged"]).contract_status(part["required_precision"])]
        ),
        outcome_name=lambda name: words.gettext(OUTCOME_NAMES[name]),
        day=lambda moment: words.long_date(datetime.fromisoformat(moment).date().isoformat()),
        most=max(document["curve"], key=lambda point: (point["minutes_saved"], point["precision"])),
        curve=_render_curve(document, words),
        shown=MAX_MISTAKES,
    )


def _policy_names(document: Document, translator: Translator) -> list[str]:
    """The names of the policies; that of `UNRESTRICTED_POLICY` is translated."""
    return [
        str(translator.gettext(UNRESTRICTED_POLICY)) if one["name"] == UNRESTRICTED_POLICY else one["name"]
        for one in document["policies"]
    ]


def _render_curve(document: Document, translator: Translator) -> Markup:
    best = max(document["curve"], key=lambda point: (point["minutes_saved"], point["precision"]))
    alt = translator.gettext(
        "Minutes saved by required precision: most at %(precision)s, %(saved)s minutes.",
        precision=translator.percent(best["precision"]),
        saved=translator.number(best["minutes_saved"]),
    )
    required_precision = document["policies"][0]["required_precision"]
    return charts.render_chart(
        charts.savings_spec(document["curve"], best, required_precision, translator), translator, str(alt)
    )
