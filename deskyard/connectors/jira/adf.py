"""Converts the Atlassian Document Format, in which Jira Cloud keeps descriptions and comments, to text and back.

Nothing raises: unknown nodes give their content, and anything that is not a document gives an empty text. Text
formatting (bold, colours) is left out.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

_MAX_DEPTH: Final = 60
"""Levels that are read; Jira's editor makes a dozen."""

_ITEM_TYPES: Final = ("listItem", "taskItem", "decisionItem")
_LEAF_ATTRIBUTES: Final = {
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
"""Type of a node whose text is in an attribute → those attributes, the best first."""


def adf_to_text(document: Any) -> str:
    """The visible text of a document, one line per block.

    >>> paragraph = {"type": "paragraph", "content": [{"type": "text", "text": "VPN drops"}]}
    >>> adf_to_text({"type": "doc", "content": [paragraph]})
    'VPN drops'
    >>> adf_to_text(None), adf_to_text("as older interfaces have it")
    ('', 'as older interfaces have it')
    """
    if isinstance(document, str):
        return document
    return "\n".join(_block_lines(document, 0)).strip("\n")


def text_to_adf(text: str) -> dict[str, Any]:
    """A document with this text; empty lines separate paragraphs.

    >>> text_to_adf("Sorted.")["content"]
    [{'type': 'paragraph', 'content': [{'type': 'text', 'text': 'Sorted.'}]}]
    """
    paragraphs = [part.strip("\n") for part in text.replace("\r\n", "\n").split("\n\n")]
    return {"type": "doc", "version": 1, "content": [_make_paragraph(part) for part in paragraphs if part.strip()]}


def _make_paragraph(text: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    for line in text.split("\n"):
        if content:
            content.append({"type": "hardBreak"})
        if line:  # Jira refuses an empty text node
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}


def _block_lines(node: Any, depth: int) -> Iterator[str]:
    """The lines of a node."""
    kind, inner = _node_type(node), _children(node)
    if depth > _MAX_DEPTH:
        return
    if kind in ("orderedList", "bulletList", "taskList", "decisionList"):
        yield from _list_lines(node, depth)
    elif kind == "blockquote":
        yield from (f"> {line}" for one in inner for line in _block_lines(one, depth + 1))
    elif kind == "tableRow":
        yield " | ".join(" ".join(_block_lines(cell, depth + 1)) for cell in inner)
    elif kind in _LEAF_ATTRIBUTES or kind in ("text", "hardBreak", "date") or _is_inline(inner):
        yield from _inline_text(node, depth).split("\n")
    else:
        if title := _attr(node, "title"):
            yield title
        for one in inner:
            yield from _block_lines(one, depth + 1)


def _list_lines(node: Any, depth: int) -> Iterator[str]:
    first = _attr(node, "order")
    number = int(first) if first.isdecimal() else 1
    for one in _children(node):
        if _node_type(one) not in _ITEM_TYPES:  # a list directly inside the list
            yield from (f"  {line}" for line in _block_lines(one, depth + 1))
            continue
        bullet = f"{number}. " if _node_type(node) == "orderedList" else "- "
        for line in _block_lines(one, depth + 1):
            yield bullet + line
            bullet = " " * len(bullet)
        number += 1


def _inline_text(node: Any, depth: int) -> str:
    """The text of an inline node."""
    kind = _node_type(node)
    if kind == "text":
        text = node.get("text")
        return _with_link(text, node.get("marks")) if isinstance(text, str) else ""
    if kind == "hardBreak":
        return "\n"
    if kind == "date":
        return _format_date(_attr(node, "timestamp"))
    if kind in _LEAF_ATTRIBUTES:
        return next(filter(None, (_attr(node, name) for name in _LEAF_ATTRIBUTES[kind])), "")
    return "".join(_inline_text(one, depth + 1) for one in _children(node)) if depth <= _MAX_DEPTH else ""


def _is_inline(nodes: list[Any]) -> bool:
    """Whether a node with these children holds text rather than blocks."""
    known = ("text", "hardBreak", "date", "mention", "emoji", "status", "inlineCard", "mediaInline", "inlineExtension")
    return any(_node_type(one) in known for one in nodes)


def _with_link(text: str, formats: Any) -> str:
    for one in formats if isinstance(formats, list) else ():
        target = _attr(one, "href") if _node_type(one) == "link" else ""
        if target and target.removeprefix("mailto:") != text:
            return f"{text} ({target})"
    return text


def _format_date(timestamp: str) -> str:
    try:
        return datetime.fromtimestamp(int(timestamp) / 1000, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def _node_type(node: Any) -> str:
    found = node.get("type") if isinstance(node, Mapping) else None
    return found if isinstance(found, str) else ""


def _children(node: Any) -> list[Any]:
    found = node.get("content") if isinstance(node, Mapping) else None
    return found if isinstance(found, list) else []


def _attr(node: Any, name: str) -> str:
    attrs = node.get("attrs") if isinstance(node, Mapping) else None
    found = attrs.get(name) if isinstance(attrs, Mapping) else None
    return str(found) if isinstance(found, str | int) else ""
