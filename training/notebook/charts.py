"""Charts of the notebooks: Vega-Lite specs from plain rows, for `training.notebook.display.show_chart`.

Colours are those of the report: blue for the data, orange for what to look at, grey for the rest. Charts that the
report also has are drawn by `deskyard.reports.charts`.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from deskyard.reports import charts
from deskyard.reports.charts import BLUE, GREY, ORANGE, Spec, shorten_label

Row = dict[str, Any]

WIDTH: Final = 560
STEP: Final = 24
CELL: Final = 32
"""Pixels of a row, and of a cell of a heat map."""
_INK: Final = "#222"


def bar_chart(
    rows: Sequence[Row], title: str, value: str = "n", label_field: str = "text", highlighted: Sequence[str] = ()
) -> Spec:
    """One bar per row, in order, with `text` at its end (or else its value); `highlighted` labels are orange."""
    values = [
        {**row, "text": row.get(label_field, f"{row[value]:,}"), "highlighted": row["label"] in highlighted}
        for row in rows
    ]
    x = _number_axis(value, title, zero=True)
    end = {"type": "text", "align": "left", "dx": 5, "color": _INK, "fontSize": 11}
    colour = {"condition": {"test": "datum.highlighted", "value": ORANGE}, "value": BLUE}
    return _row_layers(
        values,
        [
            {"mark": {"type": "bar", "height": 15}, "encoding": {"x": x, "color": colour}},
            {"mark": end, "encoding": {"x": x, "text": {"field": "text"}}},
        ],
    )


def share_chart(
    rows: Sequence[Row], title: str, domain: tuple[float, float] = (0, 1), line: float | None = None
) -> Spec:
    """One dot per row at its `share`, with its interval (`low`, `high`) if it has one; rows with `ours` are blue.

    `line`: a share to compare with.
    """
    values = [
        {**row, "ours": bool(row.get("ours", "low" in row)), "text": row.get("text", f"{row['share']:.1%}")}
        for row in rows
    ]
    x = _number_axis("share", title, zero=False, domain=list(domain), format="~%")
    colour = {"condition": {"test": "datum.ours", "value": BLUE}, "value": GREY}
    text = {"type": "text", "align": "left", "dx": 6, "color": _INK, "fontSize": 11}
    layers: list[Spec] = [
        {
            "transform": [{"filter": "isValid(datum.low)"}],
            "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.35, "color": BLUE},
            "encoding": {"x": x | {"field": "low"}, "x2": {"field": "high"}},
        },
        {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 1}, "encoding": {"x": x, "color": colour}},
        {
            "transform": [{"calculate": "isValid(datum.high) ? datum.high : datum.share", "as": "end"}],
            "mark": text,
            "encoding": {"x": x | {"field": "end"}, "text": {"field": "text"}},
        },
    ]
    if line is not None:
        rule = {"type": "rule", "color": ORANGE, "strokeDash": [4, 3]}
        layers.insert(0, {"data": {"values": [{"share": line}]}, "mark": rule, "encoding": {"x": x, "y": None}})
    return _row_layers(values, layers)


def daily_chart(rows: Sequence[Row], highlighted: date) -> Spec:
    """Tickets per day; the `highlighted` day is orange."""
    values = [{"day": row["day"].isoformat(), "n": row["n"], "highlighted": row["day"] == highlighted} for row in rows]
    x: Spec = {"field": "day", "type": "temporal", "timeUnit": "yearmonthdate"}
    x["axis"] = {"title": None, "format": "%b %Y", "tickCount": "month", "grid": False}
    y = _number_axis("n", "tickets a day", zero=True)
    colour = {"condition": {"test": "datum.highlighted", "value": ORANGE}, "value": BLUE}
    return {
        "width": WIDTH + 160,
        "height": 170,
        "data": {"values": values},
        "mark": {"type": "bar", "width": 3},
        "encoding": {"x": x, "y": y, "color": colour},
    }


def span_chart(rows: Sequence[Row], highlighted: Sequence[str]) -> Spec:
    """The first and last day of each label, and how often it occurred; `highlighted` labels are orange."""
    values = [
        row
        | {"first": row["first"].isoformat(), "last": row["last"].isoformat()}
        | {"highlighted": row["label"] in highlighted}
        for row in rows
    ]
    x: Spec = {"field": "first", "type": "temporal", "axis": {"title": None, "format": "%b %Y", "tickCount": "month"}}
    colour = {"condition": {"test": "datum.highlighted", "value": ORANGE}, "value": BLUE}
    end = {"type": "text", "align": "left", "dx": 6, "color": _INK, "fontSize": 10}
    return _row_layers(
        values,
        [
            {"mark": {"type": "bar", "height": 7}, "encoding": {"x": x, "x2": {"field": "last"}, "color": colour}},
            {"mark": end, "encoding": {"x": x | {"field": "last"}, "text": {"field": "n", "format": ",d"}}},
        ],
        step=16,
    )


def line_chart(
    rows: Sequence[Row], x: str, y: str, titles: tuple[str, str], by: str = "", zero: bool = True, percent: str = "",
    at: Sequence[Row] = (), colours: Sequence[str] = (BLUE, ORANGE, GREY),
) -> Spec:  # fmt: skip
    """One line per value of `by`, in the order they first occur; `percent` names the axes that are shares ("x", "y").

    `at`: highlighted points, each with x, y and a `text` beside it.
    """
    names = list(dict.fromkeys(row[by] for row in rows)) if by else []
    across = _number_axis(x, titles[0], zero=False, format="~%" if "x" in percent else ",d")
    as_share: Spec = {"format": "~%"} if "y" in percent else {}
    up = _number_axis(y, titles[1], zero=zero, **as_share)
    encoding: Spec = {"x": across, "y": up}
    if by:
        scale = {"domain": names, "range": list(colours[: len(names)])}
        legend = {"title": None, "orient": "top", "labelFontSize": 11, "symbolStrokeWidth": 3}
        encoding["color"] = {"field": by, "type": "nominal", "scale": scale, "legend": legend}
    mark: Spec = {"type": "line", "strokeWidth": 2} | ({} if by else {"color": BLUE})
    points: list[Spec] = [
        {"mark": {"type": "point", "filled": True, "size": 90, "color": ORANGE, "opacity": 1}},
        {
            "mark": {"type": "text", "dy": -13, "color": ORANGE, "fontSize": 12, "fontWeight": "bold"},
            "encoding": {"text": {"field": "text"}},
        },
    ]
    below = [{**layer, "data": {"values": list(at)}} for layer in points] if at else []
    for layer in below:
        layer["encoding"] = {"x": across, "y": up} | layer.get("encoding", {})
    return {
        "width": WIDTH,
        "height": 240,
        "layer": [{"data": {"values": list(rows)}, "mark": mark, "encoding": encoding}, *below],
    }


def widen(spec: Spec) -> Spec:
    """A chart of the report in the width of a notebook, with larger cells if it is a heat map."""
    changed: Spec = {part: [widen(one) for one in spec[part]] for part in ("vconcat",) if part in spec}
    if spec.get("width") == charts.WIDTH:
        changed |= {"width": WIDTH}
    if isinstance(spec.get("width"), dict):
        changed |= {"width": {"step": CELL}, "height": {"step": CELL}}
    return spec | changed


def word_chart(rows: Sequence[Row], columns: int = 5) -> Spec:
    """A panel of bars per `label`: its `word`s with their `weight`."""
    values = [row | {"label": shorten_label(row["label"])} for row in rows]
    x = _number_axis("weight", "", zero=True)
    x["axis"] = None
    y: Spec = {"field": "place", "type": "ordinal", "axis": None, "scale": {"padding": 0.12}}
    panel = {
        "width": 140,
        "height": 6 * 19,
        "layer": [
            {"mark": {"type": "bar", "color": BLUE, "opacity": 0.25}, "encoding": {"x": x, "y": y}},
            {
                "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11, "color": _INK},
                "encoding": {"y": y, "x": {"value": 0}, "text": {"field": "word"}},
            },
        ],
    }
    head = {"title": None, "labelFontSize": 12, "labelFontWeight": "bold", "labelAnchor": "start", "labelColor": _INK}
    facet = {
        "field": "label",
        "type": "nominal",
        "header": head,
        "sort": list(dict.fromkeys(r["label"] for r in values)),
    }
    return {"data": {"values": values}, "facet": facet, "columns": columns, "spacing": 16, "spec": panel}


def explanation_chart(rows: Sequence[tuple[str, float]], title: str) -> Spec:
    """Words for a label (blue, to the right) and against it (orange, to the left)."""
    values = [{"label": f"{place} {word}", "word": word, "weight": weight} for place, (word, weight) in enumerate(rows)]
    x = _number_axis("weight", title, zero=True)
    y: Spec = {"field": "label", "type": "nominal", "sort": None}
    y["axis"] = {"title": None, "labelExpr": "slice(datum.label, indexof(datum.label, ' ') + 1)", "labelLimit": 260}
    colour = {"condition": {"test": "datum.weight < 0", "value": ORANGE}, "value": BLUE}
    bar = {"mark": {"type": "bar", "height": 14}, "encoding": {"x": x, "y": y, "color": colour}}
    return {"width": WIDTH, "height": {"step": STEP - 2}, "data": {"values": values}, **bar}


def _row_layers(rows: Sequence[Row], layers: list[Spec], step: int = STEP) -> Spec:
    """Layers over rows, one line per `label`, in order."""
    order = list(dict.fromkeys(row["label"] for row in rows))
    y: Spec = {"field": "label", "type": "nominal", "sort": order, "scale": {"domain": order}}
    y["axis"] = {"title": None, "labelLimit": 260, "labelFontSize": 12, "ticks": False, "domain": False}
    for layer in layers:
        encoding = layer["encoding"]
        layer["encoding"] = {"y": y} | encoding if encoding.get("y", y) is not None else {"x": encoding["x"]}
    return {"width": WIDTH, "height": {"step": step}, "data": {"values": list(rows)}, "layer": layers}


def _number_axis(field: str, title: str, zero: bool, domain: list[float] | None = None, **axis: Any) -> Spec:
    scale: Spec = {"zero": zero, "nice": domain is None} | ({"domain": domain} if domain else {})
    return {"field": field, "type": "quantitative", "scale": scale, "axis": {"title": title, "tickCount": 5, **axis}}
