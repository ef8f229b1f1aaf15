"""Splits the texts of tickets and comments into sections: pages show all of them, quotes and signatures folded."""

from itertools import groupby
from typing import NamedTuple

from deskyard.text.quoted_replies import TextSection, read_sections


class PageSection(NamedTuple):
    """A part of a text as a page shows it."""

    is_folded: bool
    text: str


def message_sections(body: str, subject: str = "") -> list[PageSection]:
    """The sections of a ticket's body: a forwarded message is shown with its headers, quoted replies are folded.

    A body of nothing but mark-up is shown as it is.

    >>> [tuple(one) for one in message_sections("<p>VPN is down today.</p><p>-- <br>Ann</p>")]
    [(False, 'VPN is down today.'), (True, '--\\nAnn')]
    """
    from deskyard.text.cleaning import to_plain_text  # only here: the service starts without the language tools

    text = to_plain_text(body, None)
    return _merge(read_sections(text if text.strip() else body, subject))


def reply_sections(text: str) -> list[PageSection]:
    """The sections of a comment, which is plain text: the message that it answers is folded.

    >>> [one.is_folded for one in reply_sections("Yes.\\n\\nOn 1 Feb 2026, Bea <b@example.org> wrote:\\n> Again?")]
    [False, True]
    """
    return _merge(read_sections(text, is_reply=True))


def _merge(sections: list[TextSection]) -> list[PageSection]:
    """Adjacent sections that are folded alike as one; if all are folded, they are shown open."""
    merged = [
        PageSection(is_folded, text)
        for is_folded, group in groupby(sections, key=lambda one: one.is_folded)
        if (text := "\n".join(one.text for one in group).strip("\n")).strip()
    ]
    return merged if any(not one.is_folded for one in merged) else [one._replace(is_folded=False) for one in merged]
