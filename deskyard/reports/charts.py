"""Charts of reports: Vega-Lite specs, and their rendering as inline SVG.

The SVG contains no script, style sheet or reference, and has a white background, so that it looks the same on a dark
page and on paper. Everything that a chart shows is also given as text or in a table.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal

from markupsafe import Markup

from deskyard.errors import ExtraMissing
from deskyard.reports.i18n import Language, Translator

Spec = dict[str, Any]
Figures = Mapping[str, Any]

WIDTH, HEIGHT = 300, 200
CELL_SIZE: Final = 22
"""Pixels of a cell in the heat map."""

MAX_LABEL_LENGTH: Final = 22
"""Characters of a label on an axis."""

BLUE, ORANGE, GREY = "#2b6cb0", "#c05621", "#8a8f98"
"""Distinguishable with colour blindness, and by lightness in print."""

_FONT: Final = "Helvetica, Arial, 'Liberation Sans', sans-serif"
_LOCALES: Final[Mapping[Language, Literal["en-US", "ru-RU"]]] = {Language.EN: "en-US", Language.RU: "ru-RU"}
_VERSION: Final = "5.20"

_TAGS: Final = frozenset(("svg", "g", "path", "rect", "line", "circle", "text", "tspan"))
_ATTRIBUTES: Final = frozenset(
    (
        "viewBox", "width", "height", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "cx", "cy", "r", "d", "transform",
        "fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "stroke-miterlimit",
        "opacity", "display", "text-anchor", "font-family", "font-size", "font-weight", "font-style",
    )
)  # fmt: skip
"""Attributes of the SVG; all others are removed."""


def render_chart(spec: Spec, translator: Translator, alt: str) -> Markup:
    """The SVG of a spec, with `alt` as its accessible name. Raises ExtraMissing without vl-convert."""
    try:
        import vl_convert
    except ModuleNotFoundError as error:
        raise ExtraMissing("charts of a report need vl-convert-python: pip install 'deskyard[training]'.") from error
    svg = vl_convert.vegalite_to_svg(
        {"config": _chart_config(), "background": "white", "padding": 4} | spec,
        vl_version=_VERSION,
        allowed_base_urls=[],
        format_locale=_LOCALES[translator.language],
    )
    return Markup(sanitise_svg(svg, alt))  # noqa: S704 - parsed and written again with allowed elements only


def sanitise_svg(svg: str, alt: str) -> str:
    """The SVG with shapes and text only, and `alt` as its accessible name.

    >>> sanitise_svg('<svg width="9" onload="x()"><script>x()</script><text>a &lt; b</text></svg>', "A & B")
    '<svg width="9" role="img" aria-label="A &amp; B"><text>a &lt; b</text></svg>'
    """
    root = ET.fromstring(svg)  # noqa: S314 - made by vl-convert a moment ago
    _strip_element(root)
    root.set("role", "img")
    root.set("aria-label", alt)
    return ET.tostring(root, encoding="unicode")


def _strip_element(element: ET.Element) -> None:
    element.tag = element.tag.rpartition("}")[2]
    for name in [name for name in element.attrib if name not in _ATTRIBUTES or "url(" in element.attrib[name]]:
        del element.attrib[name]
    for child in list(element):
        if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] not in _TAGS:
            element.remove(child)
        else:
            _strip_element(child)


def learning_curve_spec(curve: Figures, translator: Translator) -> Spec:
    """Accuracy by number of training tickets, and the expected accuracy with twice as many."""
    known = [{"n": n, "share": share} for n, share in zip(curve["sizes"], curve["accuracy"], strict=True)]
    last = known[-1]
    doubled = {"n": 2 * last["n"], "share": min(last["share"] + curve["gain"], 1)}
    doubled |= {"low": min(last["share"] + curve["from"], 1), "high": min(last["share"] + curve["to"], 1)}
    x = _axis(
        "n", translator.gettext("training tickets"), scale={"type": "log", "base": 2, "nice": False, "padding": 12}
    )
    x["axis"] |= {"values": [point["n"] for point in (*known, doubled)], "format": ",d", "labelOverlap": False}
    y = _share_axis("share", translator.gettext("correct"), zero=False)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "layer": [
            _layer(known, {"type": "line", "color": BLUE, "point": {"color": BLUE, "size": 45}}, x, y),
            _layer([last, doubled], {"type": "line", "color": ORANGE, "strokeDash": [5, 4]}, x, y),
            _layer([doubled], {"type": "rule", "color": ORANGE, "strokeWidth": 2}, x, y | {"field": "low"}, y2="high"),
            _layer([doubled], {"type": "point", "color": ORANGE, "fill": "white", "size": 60}, x, y),
        ],
    }


def coverage_spec(
    curve: Sequence[Figures], verdict: Sequence[Figures], required_precision: float, translator: Translator
) -> Spec:
    """Precision of the most confident predictions by coverage, with the points of the contracts."""
    points = [
        {
            "coverage": row["routed"] / row["n"],
            "precision": row["right"] / row["routed"],
            "low": row["lower95"],
            "label": translator.percent(row["asked"], 0),
            "asked": row["asked"] == required_precision,
        }
        for row in verdict
        if row["routed"]
    ]
    lowest = min([0.8, *(one["precision"] for one in curve), *(one["low"] for one in points)])
    x = _share_axis("coverage", translator.gettext("share of tickets, most confident first"), zero=True, domain=[0, 1])
    y = _share_axis(
        "precision", translator.gettext("correct among them"), zero=False, domain=[max(lowest - 0.02, 0), 1]
    )
    colour = {"condition": {"test": "datum.asked", "value": ORANGE}, "value": "white"}
    label_mark: Spec = {"type": "text", "fontSize": 11, "color": ORANGE, "fontWeight": "bold"}
    point_label = {"field": "label"}
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "layer": [
            _layer(
                [{"asked": required_precision}],
                {"type": "rule", "color": GREY, "strokeDash": [4, 3]},
                None,
                y | {"field": "asked"},
            ),
            _layer(list(curve), {"type": "line", "color": BLUE, "strokeWidth": 2}, x, y),
            _layer(points, {"type": "rule", "color": ORANGE}, x, y | {"field": "low"}, y2="precision"),
            _layer(points, {"type": "point", "shape": "diamond", "size": 90, "stroke": ORANGE}, x, y, fill=colour),
            _layer([one for one in points if one["asked"]], label_mark | {"dy": -13}, x, y, text=point_label),
            _layer([one for one in points if not one["asked"]], label_mark | {"dy": 15}, x, y, text=point_label),
        ],
    }


def current_coverage_spec(
    curve: Sequence[Any], accuracy: Any, required_precision: float | None, translator: Translator
) -> Spec:
    """The model's curve of coverage and precision, and the point of the current period with its interval."""
    points = [{"coverage": one.coverage, "precision": one.precision} for one in curve]
    today = []
    if accuracy.routed_share.share is not None and accuracy.right.share is not None:
        low, high = accuracy.right.interval
        today = [{"coverage": accuracy.routed_share.share, "precision": accuracy.right.share, "low": low, "high": high}]
    lowest = min([0.8, required_precision or 1, *(one["precision"] for one in points), *(one["low"] for one in today)])
    x = _share_axis("coverage", translator.gettext("share of tickets, most confident first"), zero=True, domain=[0, 1])
    y = _share_axis(
        "precision", translator.gettext("correct among them"), zero=False, domain=[max(lowest - 0.02, 0), 1]
    )
    rule = [{"asked": required_precision}] if required_precision else []
    return {
        "width": WIDTH * 2,
        "height": HEIGHT,
        "layer": [
            _layer(rule, {"type": "rule", "color": GREY, "strokeDash": [4, 3]}, None, y | {"field": "asked"}),
            _layer(points, {"type": "line", "color": BLUE, "strokeWidth": 2}, x, y),
            _layer(today, {"type": "rule", "color": ORANGE, "strokeWidth": 2}, x, y | {"field": "low"}, y2="high"),
            _layer(today, {"type": "point", "shape": "diamond", "size": 120, "color": ORANGE, "filled": True}, x, y),
        ],
    }


def savings_spec(curve: Sequence[Figures], best: Figures, required_precision: float, translator: Translator) -> Spec:
    """Minutes saved by required precision, with the best one and the current one."""
    x = _share_axis("precision", str(translator.gettext("required precision")), zero=False, domain=[0.5, 1])
    y = _axis("minutes_saved", str(translator.gettext("minutes saved")), {"zero": True}, format=",d")
    return {
        "width": WIDTH * 2,
        "height": HEIGHT,
        "layer": [
            _layer([{"precision": required_precision}], {"type": "rule", "color": GREY, "strokeDash": [4, 3]}, x, {}),
            _layer([dict(point) for point in curve], {"type": "line", "color": BLUE, "point": {"color": BLUE}}, x, y),
            _layer([dict(best)], {"type": "point", "color": ORANGE, "size": 140, "strokeWidth": 2}, x, y),
        ],
    }


def forecast_spec(
    past: Sequence[tuple[date, int]], coming: Sequence[tuple[date, float, float, float]], translator: Translator
) -> Spec:
    """Tickets a day: those received, and those of the forecast with their range."""
    received = [{"day": day.isoformat(), "n": n} for day, n in past]
    forecast = [{"day": day.isoformat(), "n": n, "low": low, "high": high} for day, n, low, high in coming]
    names = {
        day.isoformat(): translator.short_date(day) for day in [*(one[0] for one in past), *(one[0] for one in coming)]
    }
    days = list(names)
    x: Spec = {"field": "day", "type": "ordinal", "scale": {"domain": days}}
    x["axis"] = {"title": None, "labelExpr": "names[datum.value]", "labelAngle": -45, "values": days[::-7][::-1]}
    y = _axis("n", str(translator.gettext("tickets")), {"zero": True}, format=",d", tickCount=5)
    return {
        "width": WIDTH * 2,
        "height": HEIGHT,
        "params": [{"name": "names", "value": names}],
        "layer": [
            _layer(received, {"type": "bar", "color": GREY}, x, y),
            _layer(forecast, {"type": "bar", "color": BLUE}, x, y),
            _layer(forecast, {"type": "rule", "color": ORANGE, "strokeWidth": 2}, x, y | {"field": "low"}, y2="high"),
        ],
    }


def reliability_spec(bins: Sequence[Figures], translator: Translator) -> Spec:
    """Accuracy by confidence, with intervals and the diagonal of perfect calibration."""
    rows = [dict(row) | {"share": row["right"] / row["n"]} for row in bins]
    x = _share_axis("confidence", translator.gettext("confidence"), zero=True, domain=[0, 1])
    y = _share_axis("share", translator.gettext("correct"), zero=True, domain=[0, 1])
    ideal = [{"confidence": 0, "share": 0}, {"confidence": 1, "share": 1}]
    count = _axis("n", translator.gettext("tickets"), format=",d", tickCount=2)
    edges = x | {"field": "from", "bin": {"binned": True}, "axis": x["axis"] | {"title": None, "labels": False}}
    return {
        "spacing": 6,
        "vconcat": [
            {
                "width": WIDTH,
                "height": 34,
                "layer": [_layer(rows, {"type": "bar", "color": GREY, "binSpacing": 1}, edges, count, x2="to")],
            },
            {
                "width": WIDTH,
                "height": HEIGHT - 40,
                "layer": [
                    _layer(ideal, {"type": "line", "color": GREY, "strokeDash": [4, 3]}, x, y),
                    _layer(rows, {"type": "rule", "color": BLUE}, x, y | {"field": "low"}, y2="high"),
                    _layer(rows, {"type": "point", "filled": True, "color": BLUE, "size": 50, "opacity": 1}, x, y),
                ],
            },
        ],
    }


def confusion_spec(matrix: Figures, translator: Translator) -> Spec:
    """True labels by predicted labels, a row's shares as shades, its counts as numbers."""
    names = [shorten_label(name) for name in matrix["labels"]]
    if matrix["others"]:
        names.append(str(translator.gettext("others")))
    cells = []
    for true, row in enumerate(matrix["counts"]):
        of = max(sum(row), 1)
        cells += [
            {"true": true, "predicted": predicted, "n": n, "share": n / of, "diagonal": true == predicted}
            for predicted, n in enumerate(row)
        ]
    axis = {"labelExpr": "names[datum.value]", "labelLimit": 170, "ticks": False, "domain": False, "grid": False}
    order = list(range(len(names)))
    x = {"field": "predicted", "type": "ordinal", "scale": {"domain": order, "paddingInner": 0.04}}
    x |= {
        "axis": axis
        | {"title": translator.gettext("predicted"), "orient": "top", "labelAngle": -90, "labelAlign": "left"}
    }
    y = {"field": "true", "type": "ordinal", "scale": {"domain": order, "paddingInner": 0.04}}
    y |= {"axis": axis | {"title": translator.gettext("actual")}}
    shade: Spec = {"field": "share", "type": "quantitative", "legend": None}
    shade["scale"] = {"domain": [0, 1], "range": ["#f3f5f8", "#9cbfe0", BLUE]}
    number = {"condition": {"test": "datum.share > 0.6", "value": "white"}, "value": "#222"}
    nonzero = [cell for cell in cells if cell["n"]]
    return {
        "width": {"step": CELL_SIZE},
        "height": {"step": CELL_SIZE},
        "params": [{"name": "names", "value": names}],
        "layer": [
            _layer(cells, {"type": "rect"}, x, y, color=shade),
            _layer(
                nonzero,
                {"type": "text", "fontSize": 9},
                x,
                y,
                color=number,
                text={"field": "n", "type": "quantitative"},
            ),
        ],
    }


def shorten_label(label: str) -> str:
    """A label shortened for an axis, in the middle, as the end of a path says more than its beginning.

    >>> shorten_label("Hardware / printers / paper jam"), shorten_label("VPN")
    ('Hardware / pri…per jam', 'VPN')
    """
    label = " ".join(label.split())
    if len(label) <= MAX_LABEL_LENGTH:
        return label
    half = MAX_LABEL_LENGTH * 2 // 3
    return f"{label[:half].rstrip()}…{label[half + 1 - MAX_LABEL_LENGTH :].lstrip()}"


def _layer(values: list[Any], mark: Spec, x: Spec | None, y: Spec, **more: Any) -> Spec:
    """A layer of values with a mark and its encoding; `x2` and `y2` are names of fields."""
    placed = {name: {"field": field} for name in ("x2", "y2") if (field := more.pop(name, None))}
    return {"data": {"values": values}, "mark": mark, "encoding": ({"x": x} if x else {}) | {"y": y} | placed | more}


def _axis(field: str, title: str, scale: Spec | None = None, **axis: Any) -> Spec:
    return {"field": field, "type": "quantitative", "scale": scale or {}, "axis": {"title": title, **axis}}


def _share_axis(field: str, title: str, zero: bool, domain: list[float] | None = None) -> Spec:
    scale: Spec = {"zero": zero, "nice": domain is None} | ({"domain": domain} if domain else {})
    return _axis(field, title, scale, format="~%", tickCount=5)


def _chart_config() -> Spec:
    quiet = {
        "labelFont": _FONT,
        "titleFont": _FONT,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
    }
    colours = {
        "labelColor": "#333",
        "titleColor": "#333",
        "gridColor": "#e8eaee",
        "domainColor": GREY,
        "tickColor": GREY,
    }
    return {"font": _FONT, "view": {"stroke": None}, "axis": quiet | colours}
