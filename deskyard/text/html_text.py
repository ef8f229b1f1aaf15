"""Turns HTML into plain text: lines, lists and table rows, with quotations marked as mail programs mark them.

The mark-up is read as a stream of tags, never as a tree, and CSS is not obeyed: the work is linear in the length of the
input at any depth, and the text is at most `MAX_GROWTH` times as long. Attributes are dropped before anything is cut,
so a picture inside a `src` costs none of the length that is read. What is not clearly mark-up is kept as text.

Kept libraries were tried on hostile inputs. inscriptis obeys padding and colspan and loses all text nested deeper than
256 elements or after an attribute of 10 MB (both are limits of libxml2 below it); the standard library's `HTMLParser`
takes 110 ms for 2 kB of `<a ` and raises on `<![<![`.
"""

import re
from html import unescape
from typing import Final

from deskyard.text.quote_markers import (
    ORIGINAL_MARKER,
    SEPARATOR,
    is_generic_header_block,
    is_introduced_quote,
    is_quotation_start,
)

MAX_GROWTH: Final = 10
"""How many times as long as the HTML its text can be, at most."""

_MAX_QUOTE_MARKS: Final = 3
_MAX_MARKS: Final = 50
_MAX_ATTRIBUTES: Final = 1_000
"""Characters of a tag's attributes in which the names of quotations are looked for."""

_TAG: Final = re.compile(
    r"<(?:!doctype|/?(?:html|body|head|div|p|br|span|table|t[rdh]|tbody|[uo]l|li|a|b|i|u|em|strong|font|style|script|pre"
    r"|blockquote|center|section|article|hr|img|code|h[1-6])(?=[\s/>]))",
    re.I,
)
_BLOCK: Final = re.compile(
    r"<(?:!doctype|/?(?:html|body|div|p|br|table|tr|[uo]l|li|pre|blockquote|h[1-6])(?=[\s/>]))", re.I
)
_ENTITY: Final = re.compile(
    r"&(?:#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|[a-zA-Z][a-zA-Z0-9]{1,31};|(?:nbsp|(?:amp|lt|gt|quot)(?!\w))(?![=;]))"
)
_PLAIN_TAG: Final = re.compile(r"<(/?)([A-Za-z][\w:-]{0,30})((?:[\s/](?:[^<>\"']++|\"[^<>\"]*+\"|'[^<>']*+')*+)?)>")
"""A tag as nearly all are: the quotes of its values are closed, with no angle bracket between them."""

_NAME: Final = re.compile(r"<(/?)([A-Za-z][\w:-]{0,30})(?=[\s/><]|$)")
_TAG_STOP: Final = re.compile(r"[<>\"']")
_OPENING: Final = re.compile("<(?=[/!?A-Za-z])")
_BRACKET: Final = re.compile("[<>]")
_SPACES: Final = re.compile(r"[ \t\r\n\f]+")
_WORDS_IN_TAG: Final = re.compile(r"\s+[^\s=]+\s+[^\s=]")

_ELEMENT_NAMES: Final = """
a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br button
canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed fieldset
figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins
kbd label legend li link main map mark marquee math menu meta meter nav nobr noframes noscript object ol optgroup
option output p param path picture pre progress q rp rt ruby s samp script search section select slot small source
span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u
ul var video wbr xml
"""
_PARAGRAPH_NAMES: Final = "p h1 h2 h3 h4 h5 h6 ul ol dl table pre blockquote form fieldset"
_LINE_NAMES: Final = """
address article aside body caption center dd details dialog div dt figcaption figure footer header hgroup hr html
legend li main menu nav option section summary tbody tfoot thead tr
"""
_ELEMENTS: Final = frozenset(_ELEMENT_NAMES.split())
"""Other names between angle brackets are text: `<ann@example.org>`, `<your name>`."""

_PARAGRAPHS: Final = frozenset(_PARAGRAPH_NAMES.split())
_LINES: Final = _PARAGRAPHS | frozenset(_LINE_NAMES.split())
_DROPPED: Final = {name: re.compile(f"</{name}(?=[\\s/>])", re.I) for name in ("script", "style", "title", "head")}
_BODY: Final = re.compile(r"<body(?=[\s/>])", re.I)

_QUOTE_NAMES: Final = re.compile(
    r"gmail_quote|yahoo_quoted|moz-cite-prefix|protonmail_quote|tutanota_quote|zmail_extra|wordquote|mail-quote"
    r"|mailru-blockquote|(?:type|class)=[\"']?cite\b|name=[\"']?quote\b|data-marker=[\"']?__(?:quoted_text|headers)__",
    re.I,
)
_HEADER_NAMES: Final = re.compile(
    r"OutlookMessageHeader|divRplyFwdMsg|stopSpelling|\bzwchr\b|border-top: ?solid|moz-email-headers-table", re.I
)
_SIGNATURE_NAMES: Final = re.compile(
    r"gmail_signature|AppleMailSignature|moz-signature|ms-outlook-mobile-signature|id=[\"']?Signature\b|yahoo_signature"
    r"|ydp[0-9a-f]*signature|protonmail_signature_block|tutanota_signature",
    re.I,
)
_INDENTED: Final = re.compile("border: ?none", re.I)
"""The style of a `<blockquote>` that only indents."""

_NAMED_ELEMENTS: Final = frozenset({"div", "blockquote", "span", "table", "section", "hr", "p", "pre"})


def is_html(text: str) -> bool:
    """Whether a text holds HTML tags.

    >>> is_html("<p>Printer"), is_html("if x < 3 and y > 4"), is_html("Ann <ann@example.org>")
    (True, False, False)
    """
    return "<" in text and _TAG.search(text) is not None


def unescape_once(text: str) -> str:
    """The text with its HTML entities replaced, once: `&amp;lt;` becomes `&lt;`.

    Only entities that end in a semicolon (or the five commonest) count, so addresses of pages keep their parameters.

    >>> unescape_once("&lt;p&gt;R&amp;D can&#39;t print")
    "<p>R&D can't print"
    >>> unescape_once("?a=1&copy=2")
    '?a=1&copy=2'
    """
    return _ENTITY.sub(lambda found: unescape(found[0]), text) if "&" in text else text


def html_to_text(html: str, max_length: int | None = None, *, mixed: bool = False) -> str:
    """The text of HTML in lines; at most about `max_length` characters of it are made.

    Paragraphs are separated by a blank line, table cells by two spaces. Lines of a `<blockquote>` begin with `> `. A
    quotation that a mail program marks by a class or id of its own (`gmail_quote`, `divRplyFwdMsg`, ...), or that ends
    the text, gets the line `-----Original Message-----` if no line of text introduces it, and a signature that is
    marked gets the line `-- `; so `deskyard.text.quoted_replies` finds both. With `mixed`, lines of a text with a few
    tags stay lines.

    >>> html_to_text("<p>Printer is <b>on fire</b></p>")
    'Printer is on fire'
    >>> html_to_text("<div>Yes.</div><div class='gmail_quote'><blockquote>Is it<br>on fire?</blockquote></div>")
    'Yes.\\n-----Original Message-----\\n\\n> Is it\\n> on fire?'
    """
    keep_lines = mixed and 2 * len(_BLOCK.findall(html)) < sum(1 for line in html.split("\n") if line.strip())
    layout = _Layout(keep_lines=keep_lines)
    _Reader(html, layout).read(max_length)
    return layout.text()


class _Layout:
    """The lines of a text as it is laid out, and the places where the mark-up names a quotation or a signature."""

    def __init__(self, *, keep_lines: bool) -> None:
        self.lines: list[str] = []
        self.length = 0
        self.quote_depth = 0
        self.pre_depth = 0
        self.keep_lines = keep_lines
        self.list_numbers: list[int] = []
        self.marks: list[tuple[int, str]] = []
        self.signature_end = 0
        self._line: list[str] = []
        self._wants_blank = False
        self._last_depth = 0

    def write(self, text: str) -> None:
        if self.pre_depth or self.keep_lines:
            first, *rest = text.split("\n")
            self._line.append(first)
            for line in rest:
                self.break_line()
                self._line.append(line)
            return
        text = _SPACES.sub(" ", text)
        if text and (not self._line or self._line[-1].endswith(" ")):
            text = text.removeprefix(" ")
        if text:
            self._line.append(text)

    def end_line(self) -> None:
        """End the line, if it has text; a line of no-break spaces is an empty line."""
        text = "".join(self._line)
        self._line = []
        if text.strip():
            self._emit(text.rstrip())
        elif "\xa0" in text:
            self._wants_blank = True

    def break_line(self) -> None:
        """End the line; an empty one asks for a blank line."""
        if "".join(self._line).strip():
            self.end_line()
        else:
            self._line = []
            self._wants_blank = True

    def end_paragraph(self) -> None:
        self.end_line()
        self._wants_blank = True

    def next_cell(self) -> None:
        if self._line:
            self._line.append("  ")

    def mark(self, kind: str) -> None:
        self.end_line()
        self.marks.append((len(self.lines), kind))

    def text(self) -> str:
        """The lines, with the lines that introduce what the mark-up names."""
        self.end_line()
        for place, kind in reversed(self._resolved_marks()):
            self.lines.insert(place, kind)
        return "\n".join(self.lines).strip("\n")

    def _emit(self, text: str) -> None:
        depth = min(self.quote_depth, _MAX_QUOTE_MARKS)
        prefix = "> " * depth
        if self._wants_blank and self.lines:
            self.lines.append(("> " * min(depth, self._last_depth)).rstrip())
        self._wants_blank, self._last_depth = False, depth
        self.lines.append(prefix + text)
        self.length += len(prefix) + len(text) + 1

    def _is_last_before_quotes(self, place: int) -> bool:
        """Whether no words of the author's follow line `place`."""
        following = next((number for number in range(place, len(self.lines)) if self.lines[number].strip()), None)
        if following is None or is_quotation_start(self.lines, following):
            return True
        return any(kind != "signature" and place <= where <= following for where, kind in self.marks[:_MAX_MARKS])

    def _resolved_marks(self) -> list[tuple[int, str]]:
        """The line to insert for the first quotation and the first signature that nothing else introduces."""
        found: list[tuple[int, str]] = []
        for place, kind in self.marks[:_MAX_MARKS]:
            below = [line for line in self.lines[place:] if line]
            if kind == "last" and not (place and all(line.startswith(">") for line in below)):
                continue
            if kind == "signature" or is_introduced_quote(self.lines, place) or place >= len(self.lines):
                continue
            is_header = kind == "header" and is_generic_header_block(self.lines, place)
            if kind == "header" and not is_header:
                continue
            found.append((place, SEPARATOR if is_header else ORIGINAL_MARKER))
            break
        end = min(self.signature_end, len(self.lines))
        for place, kind in self.marks[:_MAX_MARKS]:
            if kind == "signature" and 0 < place < end and self._is_last_before_quotes(end):
                found.append((place, "-- "))
                break
        return sorted(found)


class _Reader:
    """Reads tags and text of HTML into a layout."""

    def __init__(self, html: str, layout: _Layout) -> None:
        self.html, self.layout = html, layout
        self._missing: set[str] = set()
        """Quotes and ends of elements that do not occur any more: they are not looked for again."""
        self._budget = 2 * len(html) + 1_000
        """Characters that may be read twice to find the ends of broken tags."""
        self._signature_name, self._signature_depth = "", 0

    def read(self, max_length: int | None) -> None:
        html, layout, start = self.html, self.layout, 0
        while start < len(html):
            if max_length is not None and layout.length >= max_length:
                return
            opening = _OPENING.search(html, start)
            end = opening.start() if opening else len(html)
            if end > start:
                layout.write(unescape_once(html[start:end]))
            start = self._read_markup(end) if opening else end

    def _read_markup(self, at: int) -> int:
        """Read what begins with `<`; returns where the next text begins."""
        html = self.html
        following = html[at + 1 : at + 2]
        if following in ("!", "?"):
            return self._read_declaration(at)
        plain = _PLAIN_TAG.match(html, at)
        found = plain or _NAME.match(html, at)
        name = found[2].lower() if found else ""
        if found is None or not (name in _ELEMENTS or ":" in name):
            self.layout.write("<")
            return at + 1
        end, attributes = (plain.end(), plain[3][:_MAX_ATTRIBUTES]) if plain else self._find_tag_end(found.end())
        if found[1]:
            self._close(name)
        else:
            if name in _DROPPED and (after := self._find_element_end(name, end)) is not None:
                return after
            self._open(name, attributes)
        return end

    def _read_declaration(self, at: int) -> int:
        """A comment, document type, processing instruction or condition of Outlook's; unclosed ones drop nothing."""
        html = self.html
        if html.startswith("<!--", at):
            end = self._find("-->", at + 4)
            return at + 4 if end < 0 else end + 3
        if re.match(r"<[!?][\[A-Za-z]", html[at : at + 3]):
            end = self._find(">", at + 2)
            if 0 <= end <= at + 2_000:
                return end + 1
        self.layout.write("<")
        return at + 1

    def _find(self, text: str, start: int) -> int:
        if text in self._missing:
            return -1
        end = self.html.find(text, start)
        if end < 0:
            self._missing.add(text)
        return end

    def _find_element_end(self, name: str, start: int) -> int | None:
        """Where the text after an element begins whose content is dropped; None where its end is missing."""
        if name in self._missing:
            return None
        found = _DROPPED[name].search(self.html, start)
        body = _BODY.search(self.html, start, found.start() if found else len(self.html)) if name == "head" else None
        if body is not None:
            return body.start()
        if found is None:
            self._missing.add(name)
            return None
        return self._find_tag_end(found.end())[0]

    def _find_tag_end(self, start: int) -> tuple[int, str]:
        """The end of a tag whose name ends at `start`, and its attributes.

        A `>` in a quoted value ends no tag, unless a `<` follows inside the value: then a quote is missing. A tag that
        is not closed ends before the next `<`; where words follow its name, they are text.
        """
        html, at = self.html, start
        while self._budget > 0:
            stop = _TAG_STOP.search(html, at)
            if stop is None:
                break
            if stop[0] == ">":
                return stop.end(), html[start : min(stop.start(), start + _MAX_ATTRIBUTES)]
            if stop[0] == "<":
                break
            closing = self._find(stop[0], stop.end())
            if closing < 0:
                at = stop.end()
                continue
            inner = html.find(">", stop.end(), closing)
            if inner >= 0 and html.find("<", inner, closing) >= 0:
                self._budget -= closing - start
                return inner + 1, html[start : min(inner, start + _MAX_ATTRIBUTES)]
            at = closing + 1
        self._budget -= at - start
        stop = _BRACKET.search(html, start)
        if stop is not None and stop[0] == ">":
            return stop.end(), html[start : min(stop.start(), start + _MAX_ATTRIBUTES)]
        end = stop.start() if stop else len(html)
        unclosed = html[start : min(end, start + _MAX_ATTRIBUTES)]
        return (start, "") if "=" not in unclosed and _WORDS_IN_TAG.match(unclosed) else (end, unclosed)

    def _open(self, name: str, attributes: str) -> None:
        layout = self.layout
        if name == self._signature_name:
            self._signature_depth += 1
        if name == "br":
            layout.break_line()
            return
        if name in _NAMED_ELEMENTS:
            self._mark(name, attributes)
        if name in _PARAGRAPHS:
            layout.end_paragraph()
        elif name in _LINES:
            layout.end_line()
        if name == "blockquote":
            layout.quote_depth += 1
        elif name in ("pre", "textarea"):
            layout.pre_depth += 1
        elif name in ("ul", "ol"):
            layout.list_numbers.append(0 if name == "ol" else -1)
        elif name == "li":
            self._open_item()
        elif name in ("td", "th"):
            layout.next_cell()

    def _open_item(self) -> None:
        numbers = self.layout.list_numbers
        if not numbers or numbers[-1] < 0:
            self.layout.write("* ")
            return
        numbers[-1] += 1
        self.layout.write(f"{numbers[-1]}. ")

    def _close(self, name: str) -> None:
        layout = self.layout
        if name in _PARAGRAPHS:
            layout.end_paragraph()
        elif name in _LINES:
            layout.end_line()
        if name == "blockquote":
            layout.quote_depth = max(layout.quote_depth - 1, 0)
        elif name in ("pre", "textarea"):
            layout.pre_depth = max(layout.pre_depth - 1, 0)
        elif name in ("ul", "ol") and layout.list_numbers:
            layout.list_numbers.pop()
        if name == self._signature_name:
            self._signature_depth -= 1
            if not self._signature_depth:
                layout.end_line()
                layout.signature_end, self._signature_name = len(layout.lines), ""

    def _mark(self, name: str, attributes: str) -> None:
        if name == "blockquote" and not self.layout.quote_depth and not _INDENTED.search(attributes):
            self.layout.mark("last")
        if _QUOTE_NAMES.search(attributes):
            self.layout.mark("quote")
        elif _HEADER_NAMES.search(attributes):
            self.layout.mark("header")
        elif not self.layout.signature_end and not self._signature_name and _SIGNATURE_NAMES.search(attributes):
            self.layout.mark("signature")
            self._signature_name, self._signature_depth = name, 1
