"""HTML output of the notebooks, without scripts: charts with a caption, tables, key figures, quotes.

Captions are sentences that the notebook builds from the numbers shown, so that they are always up to date.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup

from deskyard.reports.charts import Spec, render_chart
from deskyard.reports.i18n import Language, Translator

_TRANSLATOR = Translator(Language.EN)


@dataclass(frozen=True, slots=True)
class HtmlFragment:
    """A piece of HTML that Jupyter displays."""

    html: Markup

    def _repr_html_(self) -> str:
        return str(self.html)


def show_chart(spec: Spec, finding: str, advice: str = "") -> HtmlFragment:
    """A chart with its finding above and advice below."""
    drawn = render_chart(spec, _TRANSLATOR, finding)
    below = Markup("<p>{}</p>").format(advice) if advice else ""
    return HtmlFragment(Markup("<figure><figcaption>{}</figcaption>{}{}</figure>").format(finding, drawn, below))


def show_table(rows: Iterable[Mapping[str, Any]], finding: str = "", advice: str = "") -> HtmlFragment:
    """A table of rows with the same keys; numeric columns are right-aligned."""
    rows = list(rows)
    heads = list(rows[0]) if rows else []
    numeric = {head for head in heads if all(_is_number(row[head]) for row in rows)}
    head = Markup("").join(_render_cell("th", name, name in numeric) for name in heads)
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(_render_cell("td", row[name], name in numeric) for name in heads))
        for row in rows
    )
    above = Markup("<figcaption>{}</figcaption>").format(finding) if finding else ""
    below = Markup("<p>{}</p>").format(advice) if advice else ""
    html = Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, body)
    return HtmlFragment(Markup('<figure>{}<div class="wide">{}</div>{}</figure>').format(above, html, below))


def show_figures(figures: Mapping[str, str]) -> HtmlFragment:
    """Key figures side by side: name → value."""
    html = Markup("").join(
        Markup("<div><dd>{}</dd><dt>{}</dt></div>").format(value, name) for name, value in figures.items()
    )
    return HtmlFragment(Markup('<dl class="numbers">{}</dl>').format(html))


def show_quote(*parts: str) -> HtmlFragment:
    """A quotation, one paragraph per part."""
    return HtmlFragment(
        Markup("<blockquote>{}</blockquote>").format(Markup("").join(map(Markup("<p>{}</p>").format, parts)))
    )


def join_names(names: Sequence[str]) -> str:
    """Names joined for a sentence.

    >>> join_names(["Mail"]), join_names(["Mail", "Shop", "VPN"])
    ('Mail', 'Mail, Shop and VPN')
    """
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part) if names else "none"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or value == "–" or (value.endswith("%") and value[:1].isdigit())


def _render_cell(kind: Literal["th", "td"], value: Any, right: bool) -> Markup:
    shown = f"{value:,}" if isinstance(value, int) else f"{value:.2f}" if isinstance(value, float) else value
    html = {"th": Markup('<th class="{}">{}</th>'), "td": Markup('<td class="{}">{}</td>')}[kind]
    return html.format("n" if right else "t", shown)
