"""Joins the lines that mail programs broke only to send them (`format=flowed`, RFC 3676)."""

import re
from typing import Final

_QUOTES: Final = re.compile(">*")


def unwrap_flowed(text: str, *, joins_words: bool = False) -> str:
    """The text with one line for each paragraph; `joins_words`: the space before a break is not part of it (DelSp).

    >>> unwrap_flowed("The printer \\nis down.\\n> Since \\n> when?\\n-- \\nAnn")
    'The printer is down.\\n> Since when?\\n-- \\nAnn'
    """
    paragraphs: list[tuple[str, list[str]]] = []
    is_open = False
    for line in text.split("\n"):
        marks = _QUOTES.match(line)
        quotes = marks[0] if marks else ""
        content = line[len(quotes) :].removeprefix(" ")
        if is_open and paragraphs[-1][0] == quotes and content != "-- ":
            paragraphs[-1][1].append(content)
        else:
            paragraphs.append((quotes, [content]))
        is_open = content.endswith(" ") and content != "-- "
        if is_open and joins_words:
            paragraphs[-1][1][-1] = content[:-1]
    return "\n".join(f"{quotes} {''.join(parts)}" if quotes else "".join(parts) for quotes, parts in paragraphs)
