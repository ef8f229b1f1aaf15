"""Findings: what an audit found, told in the reader's language from its figures.

In comes a finding as the card keeps it, out come a heading, a sentence and what to do. The console's sentence is
English and made by the probe; here each probe has a sentence of its own that takes the same figures. A finding that is
not known here, or lacks a figure, is told in the probe's own words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from deskyard.reports.display_names import display_name, target_name
from deskyard.reports.i18n import N_, Translator

SEVERITIES: Final = {"serious": N_("serious"), "warning": N_("warning"), "note": N_("note")}

SentenceValues = dict[str, object]
FindingData = Mapping[str, Any]

MAX_NAMED_LABELS: Final = 10
"""Labels named of a long list."""


@dataclass(frozen=True, slots=True)
class FindingTemplate:
    """How one probe's findings are told: heading, sentence, advice, and the values that the sentence takes."""

    heading: str
    sentence: str
    advice: str
    values: Callable[[Translator, FindingData], SentenceValues]
    other_advice: str = ""
    """Another advice, where `other` says so."""
    takes_other_advice: Callable[[FindingData], bool] = lambda finding: False


@dataclass(frozen=True, slots=True)
class RenderedFinding:
    """A finding as it is shown."""

    heading: str
    severity: str
    level: str
    target: str | None
    sentence: str
    advice: str
    examples: tuple[str, ...]


def render_finding(finding: FindingData, translator: Translator) -> RenderedFinding:
    """One finding in the reader's language."""
    kind = FINDING_TEMPLATES.get(finding["probe"])
    sentence, advice = escape(finding["sentence"]), escape(finding["advice"])
    if kind is not None:
        try:
            values = {"target": target_name(translator, finding["target"])} | kind.values(
                translator, finding["figures"]
            )
            sentence = translator.gettext(kind.sentence, **values) + masking_sentence(translator, finding["figures"])
            advice = translator.gettext(
                kind.other_advice if kind.takes_other_advice(finding) else kind.advice, **values
            )
        except (KeyError, TypeError):  # an older or newer audit: its own words stand
            pass
    return RenderedFinding(
        heading=str(translator.gettext(kind.heading)) if kind else finding["probe"],
        severity=display_name(translator, SEVERITIES, finding["severity"]),
        level=finding["severity"],
        target=target_name(translator, finding["target"]) if finding["target"] else None,
        sentence=sentence,
        advice=advice,
        examples=tuple(finding["examples"]),
    )


def masking_sentence(translator: Translator, figures: FindingData) -> Markup:
    """What becomes of the score when the text of a leak is taken out."""
    found = figures.get("masked")
    if found is None:
        return Markup("")
    if not figures["read_by_the_model"]:
        return Markup(" ") + translator.gettext("deskyard cuts it off as a signature, so its model does not see it.")
    if found["before"] is None or found["after"] is None:
        return Markup("")
    return Markup(" ") + translator.gettext(
        "Of %(n)s such judging tickets %(before)s are right with it and %(after)s without.",
        n=translator.number(found["n"]),
        before=translator.percent(found["before"]),
        after=translator.percent(found["after"]),
    )


def _phrase_values(translator: Translator, figures: FindingData) -> SentenceValues:
    return {
        "phrase": figures["phrase"],
        "label": figures.get("label", ""),
        "n": translator.number(figures["tickets"]),
        "share": translator.percent(figures["share"]),
        "of": translator.number(figures.get("of_label", figures.get("of_theirs", 0))),
    }


def _solution_values(translator: Translator, figures: FindingData) -> SentenceValues:
    return {
        "phrases": figures["phrases"],
        "n": translator.number(figures["tickets"]),
        "with_": translator.percent(figures["right_with"]),
        "without": translator.percent(figures["right_without"]),
    }


def _changed_field_values(translator: Translator, figures: FindingData) -> SentenceValues:
    return {
        "field": figures["field"],
        "n": translator.number(figures["changed"]),
        "of": translator.number(figures["of"]),
        "last": translator.number(figures["holds_the_last"]),
    }


def _telling_field_values(translator: Translator, figures: FindingData) -> SentenceValues:
    return {
        "field": figures["field"],
        "right": translator.percent(figures["right"]),
        "n": translator.number(figures["n"]),
        "majority": translator.percent(figures["majority"]),
    }


def _copies_values(translator: Translator, figures: FindingData) -> SentenceValues:
    shares = [
        translator.gettext(
            "%(target)s %(all)s of all and %(alone)s of those without one",
            target=target_name(translator, target),
            all=translator.percent(one["all"]),
            alone=translator.percent(one["without_copies"]),
        )
        for target, one in figures.items()
        if isinstance(one, Mapping)
    ]
    return {
        "n": translator.number(figures["with_a_copy"]),
        "of": translator.number(figures["judged"]),
        "share": translator.percent(figures["with_a_copy"] / figures["judged"]),
        "shares": Markup("; ").join(shares),
    }


def _noise_values(translator: Translator, figures: FindingData) -> SentenceValues:
    return {
        "share": translator.percent(figures["share"]),
        "proved": translator.percent(figures["proved"]),
        "n": translator.number(figures["suspected"]),
        "worst": translator.number(len(figures["worst"])),
        "gain": translator.percentage_points(figures["gain_of_fixing"]),
    }


def _dead_labels_values(translator: Translator, figures: FindingData) -> SentenceValues:
    shown = [f"{label} ({translator.number(one['tickets'])})" for label, one in figures.items()]
    return {"labels": ", ".join(shown[:MAX_NAMED_LABELS]) + (", …" if len(shown) > MAX_NAMED_LABELS else "")}


def _renamed_label_values(translator: Translator, figures: FindingData) -> SentenceValues:
    return {
        "old": figures["old"],
        "new": figures["new"],
        "n_old": translator.number(figures["old_tickets"]),
        "n_new": translator.number(figures["new_tickets"]),
    }


def _overlapping_labels_values(translator: Translator, figures: FindingData) -> SentenceValues:
    first, second = figures["labels"]
    return {
        "first": first,
        "second": second,
        "share": translator.percent(figures["confused"]),
        "auc": translator.number(figures["auc"], 2),
    }


def _unlearnable_values(translator: Translator, figures: FindingData) -> SentenceValues:
    return {"majority": translator.percent(figures["majority"]), "model": translator.percent(figures["model"])}


def _time_gap_values(translator: Translator, figures: FindingData) -> SentenceValues:
    mixed, later = figures["at_random"], figures["by_time"]
    return {
        "random": translator.percent(mixed),
        "time": translator.percent(later),
        "gap": translator.percentage_points(later - mixed),
    }


def _history_values(translator: Translator, figures: FindingData) -> SentenceValues:
    return {
        "gain": translator.percentage_points(figures["gain"]),
        "low": translator.percentage_points(figures["from"]),
        "high": translator.percentage_points(figures["to"]),
    }


FINDING_TEMPLATES: Final[Mapping[str, FindingTemplate]] = {
    "leak: closing line": FindingTemplate(
        N_("Leak: a closing line"),
        N_(
            "The line “%(phrase)s” closes %(n)s tickets, %(share)s of which have “%(label)s” (%(target)s; %(of)s "
            "tickets bear it)."
        ),
        N_(
            "A line that agents or the system add later is not there when a ticket is filed: export texts as they were "
            "filed, or cut it. A line of a form that people choose themselves may stay."
        ),
        _phrase_values,
    ),
    "leak: code": FindingTemplate(
        N_("Leak: a code"),
        N_(
            "The code “%(phrase)s” stands in %(n)s tickets, %(share)s of which have “%(label)s” (%(target)s; %(of)s "
            "tickets bear it)."
        ),
        N_("Fine where a form or a monitor writes it at filing; if it is set while the ticket is worked on, cut it."),
        _phrase_values,
    ),
    "leak: agent": FindingTemplate(
        N_("Leak: an agent's name"),
        N_("The name “%(phrase)s” stands in %(n)s tickets, %(share)s of which were assigned to them."),
        N_(
            "Agents sign answers, requesters do not know who will answer: export texts as they were filed, or cut the "
            "signature."
        ),
        _phrase_values,
    ),
    "leak: solution": FindingTemplate(
        N_("Leak: words of a solution"),
        N_(
            "%(n)s tickets hold words of a solution (%(phrases)s); of them the model gets %(with_)s right, of the "
            "others %(without)s (%(target)s)."
        ),
        N_("A solution is not there when a ticket is filed: export texts as they were filed, or cut those lines."),
        _solution_values,
    ),
    "changed field": FindingTemplate(
        N_("A field that changes after filing"),
        N_(
            "%(field)s was changed after filing in %(n)s of %(of)s tickets; in %(last)s the history holds the value "
            "after the change."
        ),
        N_("Export the value of %(field)s at filing (the first `from` of its moves), or leave the column out."),
        _changed_field_values,
    ),
    "telling field": FindingTemplate(
        N_("A field that tells the answer"),
        N_(
            "%(field)s alone tells it in %(right)s of %(n)s judging tickets (%(target)s; always the most frequent "
            "label: %(majority)s)."
        ),
        N_("If %(field)s is set by those who sort, leave it out; if the requester chooses it, route by a rule."),
        _telling_field_values,
    ),
    "near-copies": FindingTemplate(
        N_("Near-copies"),
        N_("%(n)s of %(of)s judging tickets (%(share)s) nearly copy a learnt one; right are: %(shares)s."),
        N_("New matters get the score without copies; alerts that repeat may count as they are."),
        _copies_values,
        N_("The score flatters: judge by time (give created_at), or take copies out."),
        lambda finding: finding["severity"] == "serious",
    ),
    "label noise": FindingTemplate(
        N_("Wrong labels"),
        N_(
            "About %(share)s of the labels look wrong (at least %(proved)s): so many differ where the model is surest; "
            "%(n)s tickets are suspected (%(target)s)."
        ),
        N_(
            "Look through the %(worst)s worst: putting them right brings about %(gain)s points of measured accuracy; "
            "then ask how wrong labels come about."
        ),
        _noise_values,
    ),
    "dead labels": FindingTemplate(
        N_("Labels no longer used"),
        N_("Not seen in the newest fifth, though frequent before (tickets): %(labels)s."),
        N_("Retire them: merge their tickets into the label that took over, or leave them out of the history."),
        _dead_labels_values,
    ),
    "renamed label": FindingTemplate(
        N_("A label that was renamed"),
        N_(
            "“%(new)s” (%(n_new)s tickets) looks like “%(old)s” (%(n_old)s tickets) renamed: it begins where the other "
            "ends, and the texts are alike (%(target)s)."
        ),
        N_(
            "If so, write “%(new)s” in the older tickets too: else its history is lost and the old name is still "
            "suggested."
        ),
        _renamed_label_values,
    ),
    "overlapping labels": FindingTemplate(
        N_("Labels that overlap"),
        N_(
            "“%(first)s” and “%(second)s” look like one matter: %(share)s of their tickets get the other label, and "
            "the model tells them apart hardly better than two halves of one label (AUC %(auc)s; %(target)s)."
        ),
        N_("Merge them, or write down what sets them apart and bring it as a field."),
        _overlapping_labels_values,
    ),
    "unlearnable": FindingTemplate(
        N_("Not in the text"),
        N_(
            "As far as the tickets tell, the text does not say it (%(target)s): always the most frequent label is "
            "right in %(majority)s, the model in %(model)s."
        ),
        N_("Leave it to a rule or to people (--targets without it), or bring what decides it as a field x_..."),
        _unlearnable_values,
    ),
    "time gap": FindingTemplate(
        N_("Time changes it"),
        N_(
            "A random split promises %(random)s; tickets newer than all that was learnt get %(time)s (%(gap)s points; "
            "%(target)s): matters or labels change with time."
        ),
        N_("Believe the split by time, train again often, and look whether labels were renamed."),
        _time_gap_values,
    ),
    "history": FindingTemplate(
        N_("More tickets"),
        N_("Twice the tickets would bring about %(gain)s points (%(low)s to %(high)s; %(target)s)."),
        N_("Gather more history first."),
        _history_values,
        N_("More history brings little: look at labels and fields first."),
        lambda finding: finding["figures"]["from"] < 0.01,
    ),
}
"""Name of a probe's finding → how it is told."""
