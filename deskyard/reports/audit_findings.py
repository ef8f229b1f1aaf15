"""Findings: what an audit found, told in the reader's language from its figures.

In comes a finding as the card keeps it, out come a heading, a sentence and what to do. The console's sentence is
English and made by the probe; here each probe has a sentence of its own that takes the same figures. A finding that is
not known here, or lacks a figure, is told in the probe's own words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from deskyard.reports.display_names import name, target_name
from deskyard.reports.i18n import N_, Words

SEVERITIES: Final = {"serious": N_("serious"), "warning": N_("warning"), "note": N_("note")}

Shown = dict[str, object]
Found = Mapping[str, Any]

NAMED: Final = 10
"""Labels named of a long list."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one probe's findings are told: heading, sentence, advice, and the values that the sentence takes."""

    heading: str
    sentence: str
    advice: str
    values: Callable[[Words, Found], Shown]
    instead: str = ""
    """Another advice, where `other` says so."""
    other: Callable[[Found], bool] = lambda finding: False


@dataclass(frozen=True, slots=True)
class Told:
    """A finding as it is shown."""

    heading: str
    severity: str
    level: str
    target: str | None
    sentence: str
    advice: str
    examples: tuple[str, ...]


def tell(finding: Found, words: Words) -> Told:
    """One finding in the reader's language."""
    kind = KINDS.get(finding["probe"])
    sentence, advice = escape(finding["sentence"]), escape(finding["advice"])
    if kind is not None:
        try:
            values = {"target": target_name(words, finding["target"])} | kind.values(words, finding["figures"])
            sentence = words.gettext(kind.sentence, **values) + masked(words, finding["figures"])
            advice = words.gettext(kind.instead if kind.other(finding) else kind.advice, **values)
        except (KeyError, TypeError):  # an older or newer audit: its own words stand
            pass
    return Told(
        heading=str(words.gettext(kind.heading)) if kind else finding["probe"],
        severity=name(words, SEVERITIES, finding["severity"]),
        level=finding["severity"],
        target=target_name(words, finding["target"]) if finding["target"] else None,
        sentence=sentence,
        advice=advice,
        examples=tuple(finding["examples"]),
    )


def masked(words: Words, figures: Found) -> Markup:
    """What becomes of the score when the text of a leak is taken out."""
    found = figures.get("masked")
    if found is None:
        return Markup("")
    if not figures["read_by_the_model"]:
        return Markup(" ") + words.gettext("deskyard cuts it off as a signature, so its model does not see it.")
    if found["before"] is None or found["after"] is None:
        return Markup("")
    return Markup(" ") + words.gettext(
        "Of %(n)s such judging tickets %(before)s are right with it and %(after)s without.",
        n=words.number(found["n"]),
        before=words.percent(found["before"]),
        after=words.percent(found["after"]),
    )


def _phrase(words: Words, figures: Found) -> Shown:
    return {
        "phrase": figures["phrase"],
        "label": figures.get("label", ""),
        "n": words.number(figures["tickets"]),
        "share": words.percent(figures["share"]),
        "of": words.number(figures.get("of_label", figures.get("of_theirs", 0))),
    }


def _solution(words: Words, figures: Found) -> Shown:
    return {
        "phrases": figures["phrases"],
        "n": words.number(figures["tickets"]),
        "with_": words.percent(figures["right_with"]),
        "without": words.percent(figures["right_without"]),
    }


def _changed(words: Words, figures: Found) -> Shown:
    return {
        "field": figures["field"],
        "n": words.number(figures["changed"]),
        "of": words.number(figures["of"]),
        "last": words.number(figures["holds_the_last"]),
    }


def _telling(words: Words, figures: Found) -> Shown:
    return {
        "field": figures["field"],
        "right": words.percent(figures["right"]),
        "n": words.number(figures["n"]),
        "majority": words.percent(figures["majority"]),
    }


def _copies(words: Words, figures: Found) -> Shown:
    shares = [
        words.gettext(
            "%(target)s %(all)s of all and %(alone)s of those without one",
            target=target_name(words, target),
            all=words.percent(one["all"]),
            alone=words.percent(one["without_copies"]),
        )
        for target, one in figures.items()
        if isinstance(one, Mapping)
    ]
    return {
        "n": words.number(figures["with_a_copy"]),
        "of": words.number(figures["judged"]),
        "share": words.percent(figures["with_a_copy"] / figures["judged"]),
        "shares": Markup("; ").join(shares),
    }


def _noise(words: Words, figures: Found) -> Shown:
    return {
        "share": words.percent(figures["share"]),
        "proved": words.percent(figures["proved"]),
        "n": words.number(figures["suspected"]),
        "worst": words.number(len(figures["worst"])),
        "gain": words.points(figures["gain_of_fixing"]),
    }


def _dead(words: Words, figures: Found) -> Shown:
    shown = [f"{label} ({words.number(one['tickets'])})" for label, one in figures.items()]
    return {"labels": ", ".join(shown[:NAMED]) + (", …" if len(shown) > NAMED else "")}


def _renamed(words: Words, figures: Found) -> Shown:
    return {
        "old": figures["old"],
        "new": figures["new"],
        "n_old": words.number(figures["old_tickets"]),
        "n_new": words.number(figures["new_tickets"]),
    }


def _overlapping(words: Words, figures: Found) -> Shown:
    first, second = figures["labels"]
    return {
        "first": first,
        "second": second,
        "share": words.percent(figures["confused"]),
        "auc": words.number(figures["auc"], 2),
    }


def _unlearnable(words: Words, figures: Found) -> Shown:
    return {"majority": words.percent(figures["majority"]), "model": words.percent(figures["model"])}


def _gap(words: Words, figures: Found) -> Shown:
    mixed, later = figures["at_random"], figures["by_time"]
    return {"random": words.percent(mixed), "time": words.percent(later), "gap": words.points(later - mixed)}


def _history(words: Words, figures: Found) -> Shown:
    return {
        "gain": words.points(figures["gain"]),
        "low": words.points(figures["from"]),
        "high": words.points(figures["to"]),
    }


KINDS: Final[Mapping[str, Kind]] = {
    "leak: closing line": Kind(
        N_("Leak: a closing line"),
        N_(
            "The line “%(phrase)s” closes %(n)s tickets, %(share)s of which have “%(label)s” (%(target)s; %(of)s "
            "tickets bear it)."
        ),
        N_(
            "A line that agents or the system add later is not there when a ticket is filed: export texts as they were "
            "filed, or cut it. A line of a form that people choose themselves may stay."
        ),
        _phrase,
    ),
    "leak: code": Kind(
        N_("Leak: a code"),
        N_(
            "The code “%(phrase)s” stands in %(n)s tickets, %(share)s of which have “%(label)s” (%(target)s; %(of)s "
            "tickets bear it)."
        ),
        N_("Fine where a form or a monitor writes it at filing; if it is set while the ticket is worked on, cut it."),
        _phrase,
    ),
    "leak: agent": Kind(
        N_("Leak: an agent's name"),
        N_("The name “%(phrase)s” stands in %(n)s tickets, %(share)s of which were assigned to them."),
        N_(
            "Agents sign answers, requesters do not know who will answer: export texts as they were filed, or cut the "
            "signature."
        ),
        _phrase,
    ),
    "leak: solution": Kind(
        N_("Leak: words of a solution"),
        N_(
            "%(n)s tickets hold words of a solution (%(phrases)s); of them the model gets %(with_)s right, of the "
            "others %(without)s (%(target)s)."
        ),
        N_("A solution is not there when a ticket is filed: export texts as they were filed, or cut those lines."),
        _solution,
    ),
    "changed field": Kind(
        N_("A field that changes after filing"),
        N_(
            "%(field)s was changed after filing in %(n)s of %(of)s tickets; in %(last)s the history holds the value "
            "after the change."
        ),
        N_("Export the value of %(field)s at filing (the first `from` of its moves), or leave the column out."),
        _changed,
    ),
    "telling field": Kind(
        N_("A field that tells the answer"),
        N_(
            "%(field)s alone tells it in %(right)s of %(n)s judging tickets (%(target)s; always the most frequent "
            "label: %(majority)s)."
        ),
        N_("If %(field)s is set by those who sort, leave it out; if the requester chooses it, route by a rule."),
        _telling,
    ),
    "near-copies": Kind(
        N_("Near-copies"),
        N_("%(n)s of %(of)s judging tickets (%(share)s) nearly copy a learnt one; right are: %(shares)s."),
        N_("New matters get the score without copies; alerts that repeat may count as they are."),
        _copies,
        N_("The score flatters: judge by time (give created_at), or take copies out."),
        lambda finding: finding["severity"] == "serious",
    ),
    "label noise": Kind(
        N_("Wrong labels"),
        N_(
            "About %(share)s of the labels look wrong (at least %(proved)s): so many differ where the model is surest; "
            "%(n)s tickets are suspected (%(target)s)."
        ),
        N_(
            "Look through the %(worst)s worst: putting them right brings about %(gain)s points of measured accuracy; "
            "then ask how wrong labels come about."
        ),
        _noise,
    ),
    "dead labels": Kind(
        N_("Labels no longer used"),
        N_("Not seen in the newest fifth, though frequent before (tickets): %(labels)s."),
        N_("Retire them: merge their tickets into the label that took over, or leave them out of the history."),
        _dead,
    ),
    "renamed label": Kind(
        N_("A label that was renamed"),
        N_(
            "“%(new)s” (%(n_new)s tickets) looks like “%(old)s” (%(n_old)s tickets) renamed: it begins where the other "
            "ends, and the texts are alike (%(target)s)."
        ),
        N_(
            "If so, write “%(new)s” in the older tickets too: else its history is lost and the old name is still "
            "suggested."
        ),
        _renamed,
    ),
    "overlapping labels": Kind(
        N_("Labels that overlap"),
        N_(
            "“%(first)s” and “%(second)s” look like one matter: %(share)s of their tickets get the other label, and "
            "the model tells them apart hardly better than two halves of one label (AUC %(auc)s; %(target)s)."
        ),
        N_("Merge them, or write down what sets them apart and bring it as a field."),
        _overlapping,
    ),
    "unlearnable": Kind(
        N_("Not in the text"),
        N_(
            "As far as the tickets tell, the text does not say it (%(target)s): always the most frequent label is "
            "right in %(majority)s, the model in %(model)s."
        ),
        N_("Leave it to a rule or to people (--targets without it), or bring what decides it as a field x_..."),
        _unlearnable,
    ),
    "time gap": Kind(
        N_("Time changes it"),
        N_(
            "A random split promises %(random)s; tickets newer than all that was learnt get %(time)s (%(gap)s points; "
            "%(target)s): matters or labels change with time."
        ),
        N_("Believe the split by time, train again often, and look whether labels were renamed."),
        _gap,
    ),
    "history": Kind(
        N_("More tickets"),
        N_("Twice the tickets would bring about %(gain)s points (%(low)s to %(high)s; %(target)s)."),
        N_("Gather more history first."),
        _history,
        N_("More history brings little: look at labels and fields first."),
        lambda finding: finding["figures"]["from"] < 0.01,
    ),
}
"""Name of a probe's finding → how it is told."""
