"""The page of a training report in one language, from the document of `training.report`.

One HTML file without scripts, which loads nothing, can be opened offline and prints well. It contains texts of tickets
only if they are passed in.
"""

from collections.abc import Mapping
from typing import Any, Final

from markupsafe import Markup

from deskyard.errors import BundleBroken
from deskyard.reports import audit_findings, charts, display_names, verdict
from deskyard.reports.i18n import N_, Language, Translator
from deskyard.reports.templating import make_environment

DOCUMENT_FORMAT: Final = 1
"""Format of the documents that can be rendered."""

Document = Mapping[str, Any]

METRIC_ROWS: Final = (
    ("accuracy", N_("Accuracy"), N_("share of tickets whose most probable label is correct")),
    ("macro_f1", N_("Macro-F1"), N_("mean F1 over labels, each counted equally")),
    ("top3", N_("Top-3 accuracy"), N_("how often the correct label is among three suggestions")),
    ("ece", N_("Calibration error"), N_("average gap between confidence and accuracy (ECE)")),
    ("majority", N_("Majority baseline"), N_("accuracy without any learning")),
    ("last_of_requester", N_("Last label of the requester"), N_("accuracy of repeating the requester's last label")),
    ("at_random", N_("Random split"), N_("the same model tested without regard to time (optimistic)")),
    ("without_encoder", N_("Without the encoder"), N_("the same model without the heads that use the encoder")),
    ("gap", N_("Gap to the random split"), N_("how much the random split overstates the accuracy")),
)
"""Key of a metric, its name and its meaning."""


def render_report(document: Document, language: Language, texts: Mapping[str, str] | None = None) -> str:
    """The page; `texts`: beginnings of tickets by id, if they may be shown.

    Raises BundleBroken for a document of another format, and ExtraMissing where charts can't be drawn.
    """
    if document.get("format") != DOCUMENT_FORMAT:
        raise BundleBroken("the report was written by another version of deskyard and can't be read: train again.")
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
    """The template variables of one target."""
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
        "in_the_way": sorted({explanation.heading for explanation in in_the_way}),
        "figures": list(_metric_rows(one["score"], translator)) if one["score"] else [],
        "charts": list(_render_charts(one, document["asked_precision"], translator)) if one["score"] else [],
        "heat_map": _render_heat_map(one["confusion"], translator) if one["score"] else None,
        **{
            key: one[key]
            for key in ("labels", "too_rare", "score", "confusion", "classes", "slices", "mistakes", "bounds")
        },
    }


def _metric_rows(score: Mapping[str, Any], translator: Translator) -> list[tuple[str, str, str]]:
    """Name, value and meaning of each metric that has a value."""
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
    """Heading, SVG and explanation of each curve that has data."""
    rendered = []
    curve = target_document["learning_curve"]
    if curve:
        alt = translator.gettext(
            "Learning curve: accuracy %(first)s with %(few)s training tickets, %(last)s with %(many)s.",
            first=translator.percent(curve["accuracy"][0]),
            few=translator.number(curve["sizes"][0]),
            last=translator.percent(curve["accuracy"][-1]),
            many=translator.number(curve["sizes"][-1]),
        )
        explanation = translator.gettext(
            "Measured with a simple linear model: the slope is comparable, the level is not. Dashed: expected "
            "with twice the tickets, %(gain)s points (%(low)s to %(high)s).",
            gain=translator.percentage_points(curve["gain"]),
            low=translator.percentage_points(curve["from"]),
            high=translator.percentage_points(curve["to"]),
        )
        rendered.append((N_("Learning curve"), charts.learning_curve_spec(curve, translator), alt, explanation))
    if target_document["coverage"]:
        half = target_document["coverage"][len(target_document["coverage"]) // 2]
        alt = translator.gettext(
            "Coverage and precision: of the most confident %(coverage)s of tickets %(precision)s are correct.",
            coverage=translator.percent(half["coverage"], 0),
            precision=translator.percent(half["precision"]),
        )
        explanation = translator.gettext(
            "Diamonds: contracts, with a line down to the proved bound; the filled one is the requested one. "
            "They may lie off the curve, because contracts also exclude some labels and out-of-scope tickets."
        )
        rendered.append(
            (
                N_("Coverage and precision"),
                charts.coverage_spec(
                    target_document["coverage"], target_document["verdict"], required_precision, translator
                ),
                alt,
                explanation,
            )
        )
    if target_document["reliability"]:
        alt = translator.gettext(
            "Reliability diagram, %(n)s bins; calibration error %(ece)s.",
            n=translator.number(len(target_document["reliability"])),
            ece=translator.number(target_document["score"]["ece"], 3),
        )
        explanation = translator.gettext(
            "Does confidence match accuracy? On the dashed line it does; below it the model is overconfident. "
            "Bars: exact 95%% intervals; above: tickets in each of 15 bins."
        )
        rendered.append(
            (
                N_("Reliability diagram"),
                charts.reliability_spec(target_document["reliability"], translator),
                alt,
                explanation,
            )
        )
    return [
        (str(translator.gettext(heading)), charts.render_chart(spec, translator, str(alt)), str(explanation))
        for heading, spec, alt, explanation in rendered
    ]


def _render_heat_map(confusion: Mapping[str, Any], translator: Translator) -> Markup | None:
    """The confusion matrix as SVG; None without test tickets."""
    if not confusion["counts"]:
        return None
    alt = translator.gettext(
        "Confusion matrix of %(n)s labels: rows are actual labels, columns predicted ones; darker means a larger "
        "share of the row.",
        n=translator.number(len(confusion["labels"])),
    )
    return charts.render_chart(charts.confusion_spec(confusion, translator), translator, str(alt))
