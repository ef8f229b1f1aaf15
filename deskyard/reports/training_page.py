"""The page: a run's report as one HTML file that opens without a network and prints well.

In comes the document of `training.report`, out comes the page in one language. It holds no script, and nothing in it
points outside; texts of tickets stand in it only where they were handed over.
"""

from collections.abc import Mapping
from typing import Any, Final

from markupsafe import Markup

from deskyard.errors import BundleBroken
from deskyard.reports import audit_findings, charts, display_names, verdict
from deskyard.reports.i18n import N_, Language, Translator
from deskyard.reports.templating import make_environment

DOCUMENT_FORMAT: Final = 1
"""Of the documents that are understood."""

Document = Mapping[str, Any]

METRIC_ROWS: Final = (
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


def render_report(document: Document, language: Language, texts: Mapping[str, str] | None = None) -> str:
    """The page; `texts`: the beginnings of tickets by id, where they may be shown.

    Raises BundleBroken for a document of another format, and PartMissing where charts can't be drawn.
    """
    if document.get("format") != DOCUMENT_FORMAT:
        raise BundleBroken("the report was written by another deskyard, and this one can't read it: train again.")
    words = Translator(language)
    templates = make_environment(words)
    templates.globals["tables"] = display_names
    targets = [
        _target_context(name, document, words) for name in display_names.TARGET_NAMES if name in document["targets"]
    ]
    return templates.get_template("report.html").render(
        document=document,
        targets=targets,
        findings=[audit_findings.render_finding(one, words) for one in document["findings"]],
        texts=texts or {},
    )


def _target_context(name: str, document: Document, translator: Translator) -> dict[str, Any]:
    """What the page shows of one target."""
    one = document["targets"][name]
    in_the_way = [
        audit_findings.render_finding(found, translator)
        for found in document["findings"]
        if found["severity"] != "note" and found["target"] in (name, None)
    ]
    return {
        "id": name,
        "name": display_names.target_name(translator, name),
        "verdict": list(
            zip(
                (row["asked"] for row in one["verdict"]),
                verdict.build_verdicts(one["verdict"], translator),
                strict=True,
            )
        ),
        "in_the_way": sorted({told.heading for told in in_the_way}),
        "figures": list(_metric_rows(one["score"], translator)) if one["score"] else [],
        "charts": list(_render_charts(one, document["asked_precision"], translator)) if one["score"] else [],
        "heat_map": _render_heat_map(one["confusion"], translator) if one["score"] else None,
        **{
            key: one[key]
            for key in ("labels", "too_rare", "score", "confusion", "classes", "slices", "mistakes", "bounds")
        },
    }


def _metric_rows(score: Mapping[str, Any], translator: Translator) -> list[tuple[str, str, str]]:
    """Name, value and meaning of each figure that there is."""
    low, high = score["interval"]
    gap = None if score["at_random"] is None else score["at_random"] - score["accuracy"]
    shown = {
        "accuracy": f"{translator.percent(score['accuracy'])} ({translator.share_range(low, high)})",
        "ece": translator.number(score["ece"], 3),
        "gap": None if gap is None else translator.gettext("%(gap)s points", gap=translator.percentage_points(gap)),
    }
    rows = []
    for key, name, meaning in METRIC_ROWS:
        found = score.get(key)
        value = shown[key] if key in shown else found if found is None else translator.percent(found)
        if value is not None:
            rows.append((str(translator.gettext(name)), str(value), str(translator.gettext(meaning))))
    return rows


def _render_charts(
    target_document: Mapping[str, Any], required_precision: float, translator: Translator
) -> list[tuple[str, Markup, str]]:
    """Heading, picture and explanation of the curves that there are figures for."""
    drawn = []
    curve = target_document["learning_curve"]
    if curve:
        alt = translator.gettext(
            "Learning curve: %(first)s right after %(few)s tickets, %(last)s after %(many)s.",
            first=translator.percent(curve["accuracy"][0]),
            few=translator.number(curve["sizes"][0]),
            last=translator.percent(curve["accuracy"][-1]),
            many=translator.number(curve["sizes"][-1]),
        )
        told = translator.gettext(
            "A plain head stands for the recipe: its steps are alike, its level is not. Dashed: expected of twice the "
            "tickets, %(gain)s points (%(low)s to %(high)s).",
            gain=translator.percentage_points(curve["gain"]),
            low=translator.percentage_points(curve["from"]),
            high=translator.percentage_points(curve["to"]),
        )
        drawn.append((N_("Learning curve"), charts.learning_curve_spec(curve, translator), alt, told))
    if target_document["coverage"]:
        half = target_document["coverage"][len(target_document["coverage"]) // 2]
        alt = translator.gettext(
            "Coverage against precision: of the surest %(coverage)s of the tickets %(precision)s are right.",
            coverage=translator.percent(half["coverage"], 0),
            precision=translator.percent(half["precision"]),
        )
        told = translator.gettext(
            "Diamonds: where contracts stand, down to what is proved; the filled one was asked for. They may lie off "
            "the curve, as they also leave out labels and strange tickets."
        )
        drawn.append(
            (
                N_("Coverage against precision"),
                charts.coverage_spec(
                    target_document["coverage"], target_document["verdict"], required_precision, translator
                ),
                alt,
                told,
            )
        )
    if target_document["reliability"]:
        alt = translator.gettext(
            "Reliability in %(n)s bins; the calibration error is %(ece)s.",
            n=translator.number(len(target_document["reliability"])),
            ece=translator.number(target_document["score"]["ece"], 3),
        )
        told = translator.gettext(
            "Is the model as right as it is sure? On the dashed line it is; below it is too sure. Bars: exact 95%% "
            "intervals; above: tickets in each of 15 bins."
        )
        drawn.append(
            (N_("Reliability"), charts.reliability_spec(target_document["reliability"], translator), alt, told)
        )
    return [
        (str(translator.gettext(heading)), charts.render_chart(spec, translator, str(alt)), str(told))
        for heading, spec, alt, told in drawn
    ]


def _render_heat_map(confusion: Mapping[str, Any], translator: Translator) -> Markup | None:
    """The confusion as a picture; None where nothing was judged."""
    if not confusion["counts"]:
        return None
    alt = translator.gettext(
        "Confusion of %(n)s labels: rows are true, columns what was said; darker is a larger share of the row.",
        n=translator.number(len(confusion["labels"])),
    )
    return charts.render_chart(charts.confusion_spec(confusion, translator), translator, str(alt))
