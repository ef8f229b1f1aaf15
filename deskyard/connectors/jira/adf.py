"""Atlassian Document Format, in which Jira Cloud keeps descriptions and comments, to text and back.

In comes a document as JSON gives it, out goes what a reader sees, a block a line. Nothing raises: nodes that are not
known give what they contain, and what is no document at all gives nothing. Marks (bold, colours) are left out.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

_DEEPEST: Final = 60
"""Levels that are read; Jira's editor makes a dozen."""

_ITEMS: Final = ("listItem", "taskItem", "decisionItem")
_LEAVES: Final = {
    "mention": ("text", "id"),
    "emoji": ("text", "shortName"),
    "status": ("text",),
    "inlineCard": ("url",),
    "blockCard": ("url",),
    "embedCard": ("url",),
    "media": ("alt",),
    "mediaInline": ("alt",),
    "extension": ("text",),
    "inlineExtension": ("text",),
}
"""Node that says itself in an attribute → the attributes, the best first."""


def text(document: Any) -> str:
    """What a reader sees of it.

    >>> text({"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "VPN drops"}]}]})
    'VPN drops'
    >>> text(None), text("as older interfaces have it")
    ('', 'as older interfaces have it')
    """
    if isinstance(document, str):
        return document
    return "\n".join(_blocks(document, 0)).strip("\n")


def document(said: str) -> dict[str, Any]:
    """A document that says this: empty lines part paragraphs.

    >>> document("Sorted.")["content"]
    [{'type': 'paragraph', 'content': [{'type': 'text', 'text': 'Sorted.'}]}]
    """
    paragraphs = [part.strip("\n") for part in said.replace("\r\n", "\n").split("\n\n")]
    return {"type": "doc", "version": 1, "content": [_paragraph(part) for part in paragraphs if part.strip()]}


def _paragraph(said: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    for line in said.split("\n"):
        if content:
            content.append({"type": "hardBreak"})
        if line:  # Jira refuses an empty text node
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}


def _blocks(node: Any, depth: int) -> Iterator[str]:
    """The lines of a node."""
    kind, inner = _kind(node), _inner(node)
    if depth > _DEEPEST:
        return
    if kind in ("orderedList", "bulletList", "taskList", "decisionList"):
        yield from _list(node, depth)
    elif kind == "blockquote":
        yield from (f"> {line}" for one in inner for line in _blocks(one, depth + 1))
    elif kind == "tableRow":
        yield " | ".join(" ".join(_blocks(cell, depth + 1)) for cell in inner)
    elif kind in _LEAVES or kind in ("text", "hardBreak", "date") or _is_inline(inner):
        yield from _inline(node, depth).split("\n")
    else:
        if title := _attr(node, "title"):
            yield title
        for one in inner:
            yield from _blocks(one, depth + 1)


def _list(node: Any, depth: int) -> Iterator[str]:
    first = _attr(node, "order")
    number = int(first) if first.isdecimal() else 1
    for one in _inner(node):
        if _kind(one) not in _ITEMS:  # a list that hangs in the list itself
            yield from (f"  {line}" for line in _blocks(one, depth + 1))
            continue
        bullet = f"{number}. " if _kind(node) == "orderedList" else "- "
        for line in _blocks(one, depth + 1):
            yield bullet + line
            bullet = " " * len(bullet)
        number += 1


def _inline(node: Any, depth: int) -> str:
    """A run of text."""
    kind = _kind(node)
    if kind == "text":
        said = node.get("text")
        return _linked(said, node.get("marks")) if isinstance(said, str) else ""
    if kind == "hardBreak":
        return "\n"
    if kind == "date":
        return _day(_attr(node, "timestamp"))
    if kind in _LEAVES:
        return next(filter(None, (_attr(node, name) for name in _LEAVES[kind])), "")
    return "".join(_inline(one, depth + 1) for one in _inner(node)) if depth <= _DEEPEST else ""


def _is_inline(nodes: list[Any]) -> bool:
    """Whether a node holds text itself, and no blocks."""
    known = ("text", "hardBreak", "date", "mention", "emoji", "status", "inlineCard", "mediaInline", "inlineExtension")
    return any(_kind(one) in known for one in nodes)


def _linked(said: str, marks: Any) -> str:
    for mark in marks if isinstance(marks, list) else ():
        where = _attr(mark, "href") if _kind(mark) == "link" else ""
        if where and where.removeprefix("mailto:") != said:
            return f"{said} ({where})"
    return said


def _day(timestamp: str) -> str:
    try:
        return datetime.fromtimestamp(int(timestamp) / 1000, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def _kind(node: Any) -> str:
    found = node.get("type") if isinstance(node, Mapping) else None
    return found if isinstance(found, str) else ""


def _inner(node: Any) -> list[Any]:
    found = node.get("content") if isinstance(node, Mapping) else None
    return found if isinstance(found, list) else []


def _attr(node: Any, name: str) -> str:
    attrs = node.get("attrs") if isinstance(node, Mapping) else None
    found = attrs.get(name) if isinstance(attrs, Mapping) else None
    return str(found) if isinstance(found, str | int) else ""
