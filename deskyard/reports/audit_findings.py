"""Findings of the data audit in the reader's language: heading, sentence and advice from the figures of the card.

The console shows the English sentence of the probe. A finding of an unknown probe, or one that lacks a figure, is shown
with that sentence too.
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
"""Most labels that a list names."""

MIN_LANGUAGE_SHARE: Final = 0.01
"""The share of tickets from which a language is named."""


@dataclass(frozen=True, slots=True)
class FindingTemplate:
    """The texts for a probe's findings: heading, sentence, advice, and the values of the sentence."""

    heading: str
    sentence: str
    advice: str
    values: Callable[[Translator, FindingData], SentenceValues]
    other_advice: str = ""
    """Another advice, for findings of which `takes_other_advice` is true."""
    takes_other_advice: Callable[[FindingData], bool] = lambda finding: False


@dataclass(frozen=True, slots=True)
class RenderedFinding:
    """The texts of a finding."""

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
            sentence = translator.gettext(kind.sentence, **values)
            sentence += masking_sentence(translator, finding["figures"]) + cost_sentence(translator, finding["figures"])
            advice = translator.gettext(
                kind.other_advice if kind.takes_other_advice(finding) else kind.advice, **values
            )
        except (KeyError, TypeError):  # a finding of another version: keep the probe's sentence
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
    """The accuracy with and without the text of a leak."""
    found = figures.get("masked")
    if found is None:
        return Markup("")
    if not figures["read_by_the_model"]:
        return Markup(" ") + translator.gettext("deskyard removes it as a signature, so the model does not see it.")
    if found["before"] is None or found["after"] is None:
        return Markup("")
    return Markup(" ") + translator.gettext(
        "On %(n)s such test tickets the accuracy is %(before)s with it and %(after)s without.",
        n=translator.number(found["n"]),
        before=translator.percent(found["before"]),
        after=translator.percent(found["after"]),
    )


def cost_sentence(translator: Translator, figures: FindingData) -> Markup:
    """The accuracy on tickets of a kind and on the others, and what the kind costs."""
    cost = figures.get("cost")
    if cost is None:
        return Markup("")
    measured = translator.gettext(
        "Accuracy (%(target)s): %(inside)s on them, %(others)s on the others.",
        target=target_name(translator, cost["target"]),
        inside=translator.percent(cost["inside"]),
        others=translator.percent(cost["others"]),
    )
    if not cost["sure"]:
        effect = translator.gettext("The difference is no more than chance.")
    elif cost["effect"] < 0:
        effect = translator.gettext(
            "They cost %(points)s points of the accuracy of all.", points=translator.number(-100 * cost["effect"], 1)
        )
    else:
        effect = translator.gettext(
            "They add %(points)s points to the accuracy of all.", points=translator.number(100 * cost["effect"], 1)
        )
    return Markup(" ") + measured + Markup(" ") + effect


def _kind_values(translator: Translator, figures: FindingData) -> SentenceValues:
    return {
        "n": translator.number(figures["tickets"]),
        "of": translator.number(figures["of"]),
        "share": translator.percent(figures["tickets"] / figures["of"]),
    }


def _language_values(translator: Translator, figures: FindingData) -> SentenceValues:
    shown = [
        f"{translator.language_name(code)} {translator.percent(share)}"
        for code, share in figures["shares"].items()
        if share >= MIN_LANGUAGE_SHARE
    ]
    return _kind_values(translator, figures) | {
        "shares": ", ".join(shown),
        "main": translator.language_name(figures["main"]),
    }


def _counted_values(translator: Translator, figures: FindingData, member: str) -> SentenceValues:
    named = [f"“{name}” ({translator.number(n)})" for name, n in figures[member].items()]
    return {"n": translator.number(figures["tickets"]), "named": ", ".join(named), "option": figures.get("option", "")}


def _spelling_values(translator: Translator, figures: FindingData) -> SentenceValues:
    return {
        "n": translator.number(figures.get("spellings", 0)),
        "labels": translator.number(figures["labels"]),
        "named": "; ".join(
            f"“{label}”: {', '.join(f'“{one}”' for one in others)}" for label, others in figures["named"].items()
        ),
        "options": figures["options"],
    }


def _phrase_values(translator: Translator, figures: FindingData) -> SentenceValues:
    return {
        "phrase": figures["phrase"],
        "label": figures.get("label", ""),
        "n": translator.number(figures["tickets"]),
        "share": translator.percent(figures["share"]),
        "of": translator.number(figures.get("of_label", figures.get("of_theirs", 0))),
    }


def _rejected_values(translator: Translator, figures: FindingData) -> SentenceValues:
    reasons = list(figures["by_reason"].items())[:MAX_NAMED_LABELS]
    return {
        "n": translator.number(figures["rows"]),
        "of": translator.number(figures["of"]),
        "share": translator.percent(figures["rows"] / figures["of"]),
        "reasons": ", ".join(f"{translator.number(n)} {reason}" for reason, n in reasons),
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
            "%(target)s: %(all)s on all tickets, %(alone)s without near-duplicates",
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
        N_("Leakage: closing line"),
        N_(
            "The line “%(phrase)s” ends %(n)s tickets; %(share)s of them have the label “%(label)s” (%(target)s; "
            "%(of)s tickets in all)."
        ),
        N_(
            "A line added later by agents or the system is not there when a ticket is created: export the "
            "original texts, or remove it. A line from a form that requesters fill in may stay."
        ),
        _phrase_values,
    ),
    "leak: code": FindingTemplate(
        N_("Leakage: code"),
        N_(
            "The code “%(phrase)s” occurs in %(n)s tickets; %(share)s of them have the label “%(label)s” "
            "(%(target)s; %(of)s tickets in all)."
        ),
        N_(
            "Harmless if a form or a monitor writes it at creation; if it is added while the ticket is handled, "
            "remove it."
        ),
        _phrase_values,
    ),
    "leak: agent": FindingTemplate(
        N_("Leakage: agent's name"),
        N_("The name “%(phrase)s” occurs in %(n)s tickets; %(share)s of them were assigned to this agent."),
        N_(
            "Agents sign replies, and requesters do not know who will reply: export the original texts, or "
            "remove the signature."
        ),
        _phrase_values,
    ),
    "leak: solution": FindingTemplate(
        N_("Leakage: resolution text"),
        N_(
            "%(n)s tickets contain resolution text (%(phrases)s); accuracy on them is %(with_)s, on the others "
            "%(without)s (%(target)s)."
        ),
        N_("There is no resolution when a ticket is created: export the original texts, or remove those lines."),
        _solution_values,
    ),
    "changed field": FindingTemplate(
        N_("Field changed after creation"),
        N_(
            "%(field)s was changed after creation in %(n)s of %(of)s tickets; in %(last)s the history has the "
            "later value."
        ),
        N_("Export the value of %(field)s at creation (the first `from` in the moves file), or leave the column out."),
        _changed_field_values,
    ),
    "telling field": FindingTemplate(
        N_("Field that gives away the label"),
        N_(
            "%(field)s alone predicts %(target)s correctly in %(right)s of %(n)s test tickets (majority "
            "baseline: %(majority)s)."
        ),
        N_("If agents set %(field)s during triage, leave it out; if the requester chooses it, use a routing rule."),
        _telling_field_values,
    ),
    "near-copies": FindingTemplate(
        N_("Near-duplicates"),
        N_("%(n)s of %(of)s test tickets (%(share)s) are near-duplicates of training tickets. Accuracy: %(shares)s."),
        N_("For new requests expect the accuracy without near-duplicates; repeating alerts may be counted."),
        _copies_values,
        N_("The score is optimistic: split by time (provide created_at), or remove near-duplicates."),
        lambda finding: finding["severity"] == "serious",
    ),
    "label noise": FindingTemplate(
        N_("Wrong labels"),
        N_(
            "About %(share)s of the labels look wrong (at least %(proved)s), judging by the most confident "
            "predictions; %(n)s tickets are suspect (%(target)s)."
        ),
        N_(
            "Check the %(worst)s most suspect ones: correcting them adds about %(gain)s points of measured "
            "accuracy. Then find out where wrong labels come from."
        ),
        _noise_values,
    ),
    "dead labels": FindingTemplate(
        N_("Discontinued labels"),
        N_("Absent from the newest fifth, though frequent before (tickets): %(labels)s."),
        N_("Retire them: move their tickets to the label that replaced them, or exclude them from the history."),
        _dead_labels_values,
    ),
    "renamed label": FindingTemplate(
        N_("Renamed label"),
        N_(
            "“%(new)s” (%(n_new)s tickets) looks like a new name of “%(old)s” (%(n_old)s tickets): it starts "
            "where the other ends, and the texts are similar (%(target)s)."
        ),
        N_(
            "If so, use “%(new)s” in the older tickets too (`deskyard taxonomy rename`); otherwise its history "
            "is lost and the old name keeps being suggested."
        ),
        _renamed_label_values,
    ),
    "overlapping labels": FindingTemplate(
        N_("Overlapping labels"),
        N_(
            "“%(first)s” and “%(second)s” look like one topic: %(share)s of their tickets are predicted as the "
            "other label, and the model separates them hardly better than two random halves of one label (AUC "
            "%(auc)s; %(target)s)."
        ),
        N_("Merge them, or add a field that tells them apart."),
        _overlapping_labels_values,
    ),
    "unlearnable": FindingTemplate(
        N_("Not predictable from the text"),
        N_("The text does not determine it (%(target)s): majority baseline %(majority)s, model %(model)s."),
        N_("Leave it to rules or people (exclude it with --targets), or add the deciding value as a field x_..."),
        _unlearnable_values,
    ),
    "time gap": FindingTemplate(
        N_("Changes over time"),
        N_(
            "A random split gives %(random)s, a split by time %(time)s (%(gap)s points lower; %(target)s): "
            "topics or labels change over time."
        ),
        N_("Trust the split by time, retrain often, and check for renamed labels."),
        _time_gap_values,
    ),
    "rejected": FindingTemplate(
        N_("Rejected rows"),
        N_(
            "%(n)s of %(of)s rows (%(share)s) are not used: %(reasons)s. The others are no fair sample, so the model "
            "and its figures may be wrong for tickets of this kind."
        ),
        N_("Look at the rejected rows, and mend the export or name the right columns with --map."),
        _rejected_values,
    ),
    "history": FindingTemplate(
        N_("More tickets"),
        N_("Twice the tickets would bring about %(gain)s points (%(low)s to %(high)s; %(target)s)."),
        N_("Collect more history first."),
        _history_values,
        N_("More history helps little: check labels and fields first."),
        lambda finding: finding["figures"]["from"] < 0.01,
    ),
    "missing labels": FindingTemplate(
        N_("Words for nothing"),
        N_("%(n)s tickets have no label (%(target)s), as these words mean nothing (tickets): %(named)s."),
        N_(
            "Label these tickets, or nothing is learnt from them. If a word is a label after all, read the history "
            "with %(option)s."
        ),
        lambda translator, figures: _counted_values(translator, figures, "words"),
    ),
    "word as a label": FindingTemplate(
        N_("Word that may mean nothing"),
        N_("“%(word)s” is read as a label (%(target)s), as other labels show (“%(beside)s”)."),
        N_("If it means nothing, read the history with %(option)s."),
        lambda translator, figures: {
            "word": figures["word"],
            "beside": figures["beside"] or figures["word"],
            "option": figures["option"],
        },
    ),
    "label spellings": FindingTemplate(
        N_("Several spellings of one label"),
        N_("Different spellings (%(n)s) were each read as one label (%(labels)s labels; %(target)s): %(named)s."),
        N_(
            "Write them alike in the help desk; the same as a mapping: %(options)s. Two that are different labels stay "
            "apart if both are mapped to themselves."
        ),
        _spelling_values,
    ),
    "similar labels": FindingTemplate(
        N_("Similar labels"),
        N_("Labels that may be spellings of another one, and were not merged (%(labels)s; %(target)s): %(named)s."),
        N_("If they are, read the history with %(options)s."),
        _spelling_values,
    ),
    "ambiguous labels": FindingTemplate(
        N_("Labels of several names of the desk"),
        N_(
            "Labels that are spellings of several names of the desk and are never set (%(labels)s; %(target)s): "
            "%(named)s."
        ),
        N_("Close or rename all but one of these names, or choose one: read the history with %(options)s."),
        _spelling_values,
    ),
    "several labels": FindingTemplate(
        N_("Several labels in one cell"),
        N_("%(n)s tickets have several labels in one cell (%(target)s; tickets): %(named)s."),
        N_(
            "Each combination is learnt as a label of its own. Take the first one with `--map …several=first` (such as "
            "queue.several=first), or export one label for each ticket."
        ),
        lambda translator, figures: _counted_values(translator, figures, "cells"),
        N_("The first label was taken; the others are not learnt. Export one label for each ticket."),
        lambda finding: bool(finding["figures"]["first_taken"]),
    ),
    "forwarded mail": FindingTemplate(
        N_("Forwarded mails"),
        N_("%(n)s of %(of)s tickets (%(share)s) are forwarded mails."),
        N_("What was forwarded is the matter: check that its text is in the export, and not only the note above it."),
        _kind_values,
    ),
    "cut texts": FindingTemplate(
        N_("Texts that are mostly cut"),
        N_("In %(n)s of %(of)s tickets (%(share)s) more text is cut as quotation or signature than kept."),
        N_(
            "Export the first message of a ticket instead of the last answer. If these are first messages, look at the "
            "examples and report what was cut wrongly."
        ),
        _kind_values,
    ),
    "machine mail": FindingTemplate(
        N_("Tickets of machines"),
        N_(
            "%(n)s of %(of)s tickets (%(share)s) were written by machines: monitoring alerts, automatic replies, one "
            "text again and again."
        ),
        N_(
            "Route alerts by a rule and leave automatic replies out of the history. The accuracy on the others is what "
            "people's tickets get."
        ),
        _kind_values,
    ),
    "languages": FindingTemplate(
        N_("Several languages"),
        N_("Languages of %(of)s tickets: %(shares)s. %(n)s tickets are not in the most frequent one (%(main)s)."),
        N_(
            "A language with few tickets is learnt slowly: collect more of them, or route it by a rule. An encoder "
            "(--encoder) helps where it knows both languages."
        ),
        _language_values,
    ),
}
"""Name of a probe → the texts for its findings."""
