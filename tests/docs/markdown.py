"""The documentation as its Markdown says it: pages, headings, links, code."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.reference import slug

ROOT: Final = Path(__file__).parent.parent.parent
PARSER: Final = MarkdownIt("commonmark").enable("table")

PAGES: Final = sorted(
    {*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("notebooks/*.md"), *ROOT.glob("data/**/*.md")}
)

OLD_WORDS: Final = frozenset({ROOT / "CHANGELOG.md", ROOT / "docs" / "performance.md"})
"""Pages that may name what is gone: the changelog, and measurements with the addresses that were measured."""


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def tokens(page: Path) -> list[Token]:
    """A page's tokens, those inside lines included."""
    found = []
    for token in PARSER.parse(page.read_text(encoding="utf-8")):
        found += [token, *(token.children or ())]
    return found


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings as GitHub makes them; of several that are alike the later ones are numbered."""
    seen: Counter[str] = Counter()
    found = set()
    for before, token in pairwise(tokens(page)):
        if before.type == "heading_open":
            name = slug("".join(child.content for child in token.children or ()))
            found.add(f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1
    return found


def links(page: Path) -> Iterator[str]:
    """Where a page's links and pictures lead."""
    for token in tokens(page):
        if token.type in ("link_open", "image"):
            yield str(token.attrs.get("href") or token.attrs.get("src"))


def code_spans(page: Path) -> list[str]:
    """What stands in backticks within a page's text."""
    return [token.content for token in tokens(page) if token.type == "code_inline"]


def code_lines(page: Path) -> Iterator[str]:
    """The lines of a page's blocks of code; a line that ends with a backslash is joined with the next."""
    for token in tokens(page):
        if token.type in ("fence", "code_block"):
            yield from token.content.replace("\\\n", " ").splitlines()
