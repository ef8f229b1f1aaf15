"""The page: a run's report as one HTML file that opens without a network and prints well.

In comes the document of `training.report`, out comes the page in one language. It holds no script, and nothing in it
points outside; texts of tickets stand in it only where they were handed over.
"""

from collections.abc import Mapping
from typing import Any, Final

from markupsafe import Markup

from deskyard.errors import BundleBroken
from deskyard.reports import audit_findings, charts, display_names, verdict
from deskyard.reports.i18n import N_, Language, Words
from deskyard.reports.templating import environment

FORMAT: Final = 1
"""Of the documents that are understood."""

Document = Mapping[str, Any]

FIGURES: Final = (
    ("accuracy", N_("Right"), N_("the most probable label is right")),
    ("macro_f1", N_("Macro-F1"), N_("the same with each label counted alike, precision and recall together")),
    ("top3", N_("Right one among three"), N_("so often a person finds it among three suggestions")),
    ("ece", N_("Calibration error"), N_("how far confidence and share right lie apart, on average")),
    ("majority", N_("Always the most frequent label"), N_("what no learning at all would get")),
    ("last_of_requester", N_("The requester's last label"), N_("what repeating oneself would get")),
    ("at_random", N_("Random split"), N_("the same recipe judged without regard to time, which flatters")),
    ("without_encoder", N_("Without the encoder"), N_("the same heads, judged without those that read its vectors")),
    ("gap", N_("Gap to the random split"), N_("how much better the same recipe looks where time does not count")),
)
"""Figure, its name and its meaning."""


def render(document: Document, language: Language, texts: Mapping[str, str] | None = None) -> str:
    """The page; `texts`: the beginnings of tickets by id, where they may be shown.

    Raises BundleBroken for a document of another format, and PartMissing where charts can't be drawn.
    """
    if document.get("format") != FORMAT:
        raise BundleBroken("the report was written by another deskyard, and this one can't read it: train again.")
    words = Words(language)
    templates = environment(words)
    templates.globals["tables"] = display_names
    targets = [_target(name, document, words) for name in display_names.TARGETS if name in document["targets"]]
    return templates.get_template("report.html").render(
        document=document,
        targets=targets,
        findings=[audit_findings.tell(one, words) for one in document["findings"]],
        texts=texts or {},
    )


def _target(name: str, document: Document, words: Words) -> dict[str, Any]:
    """What the page shows of one target."""
    one = document["targets"][name]
    in_the_way = [
        audit_findings.tell(found, words)
        for found in document["findings"]
        if found["severity"] != "note" and found["target"] in (name, None)
    ]
    return {
        "id": name,
        "name": display_names.target_name(words, name),
        "verdict": list(zip((row["asked"] for row in one["verdict"]), verdict.say(one["verdict"], words), strict=True)),
        "in_the_way": sorted({told.heading for told in in_the_way}),
        "figures": list(_figures(one["score"], words)) if one["score"] else [],
        "charts": list(_charts(one, document["asked_precision"], words)) if one["score"] else [],
        "heat_map": _heat_map(one["confusion"], words) if one["score"] else None,
        **{
            key: one[key]
            for key in ("labels", "too_rare", "score", "confusion", "classes", "slices", "mistakes", "bounds")
        },
    }


def _figures(score: Mapping[str, Any], words: Words) -> list[tuple[str, str, str]]:
    """Name, value and meaning of each figure that there is."""
    low, high = score["interval"]
    gap = None if score["at_random"] is None else score["at_random"] - score["accuracy"]
    shown = {
        "accuracy": f"{words.percent(score['accuracy'])} ({words.span(low, high)})",
        "ece": words.number(score["ece"], 3),
        "gap": None if gap is None else words.gettext("%(gap)s points", gap=words.points(gap)),
    }
    rows = []
    for key, name, meaning in FIGURES:
        found = score.get(key)
        value = shown[key] if key in shown else found if found is None else words.percent(found)
        if value is not None:
            rows.append((str(words.gettext(name)), str(value), str(words.gettext(meaning))))
    return rows


def _charts(one: Mapping[str, Any], asked: float, words: Words) -> list[tuple[str, Markup, str]]:
    """Heading, picture and explanation of the curves that there are figures for."""
    drawn = []
    curve = one["learning_curve"]
    if curve:
        alt = words.gettext(
            "Learning curve: %(first)s right after %(few)s tickets, %(last)s after %(many)s.",
            first=words.percent(curve["accuracy"][0]),
            few=words.number(curve["sizes"][0]),
            last=words.percent(curve["accuracy"][-1]),
            many=words.number(curve["sizes"][-1]),
        )
        told = words.gettext(
            "A plain head stands for the recipe: its steps are alike, its level is not. Dashed: expected of twice the "
            "tickets, %(gain)s points (%(low)s to %(high)s).",
            gain=words.points(curve["gain"]),
            low=words.points(curve["from"]),
            high=words.points(curve["to"]),
        )
        drawn.append((N_("Learning curve"), charts.learning(curve, words), alt, told))
    if one["coverage"]:
        half = one["coverage"][len(one["coverage"]) // 2]
        alt = words.gettext(
            "Coverage against precision: of the surest %(coverage)s of the tickets %(precision)s are right.",
            coverage=words.percent(half["coverage"], 0),
            precision=words.percent(half["precision"]),
        )
        told = words.gettext(
            "Diamonds: where contracts stand, down to what is proved; the filled one was asked for. They may lie off "
            "the curve, as they also leave out labels and strange tickets."
        )
        drawn.append(
            (
                N_("Coverage against precision"),
                charts.coverage(one["coverage"], one["verdict"], asked, words),
                alt,
                told,
            )
        )
    if one["reliability"]:
        alt = words.gettext(
            "Reliability in %(n)s bins; the calibration error is %(ece)s.",
            n=words.number(len(one["reliability"])),
            ece=words.number(one["score"]["ece"], 3),
        )
        told = words.gettext(
            "Is the model as right as it is sure? On the dashed line it is; below it is too sure. Bars: exact 95%% "
            "intervals; above: tickets in each of 15 bins."
        )
        drawn.append((N_("Reliability"), charts.reliability(one["reliability"], words), alt, told))
    return [
        (str(words.gettext(heading)), charts.draw(spec, words, str(alt)), str(told))
        for heading, spec, alt, told in drawn
    ]


def _heat_map(confusion: Mapping[str, Any], words: Words) -> Markup | None:
    """The confusion as a picture; None where nothing was judged."""
    if not confusion["counts"]:
        return None
    alt = words.gettext(
        "Confusion of %(n)s labels: rows are true, columns what was said; darker is a larger share of the row.",
        n=words.number(len(confusion["labels"])),
    )
    return charts.draw(charts.confusion(confusion, words), words, str(alt))
