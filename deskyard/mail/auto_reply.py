"""Recognises mail that no person wrote for us: automatic replies, bounces, mailing lists, and deskyard's own mail.

Making tickets of such mail would let machines answer each other without end.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final

DESKYARD_HEADER: Final = "X-Deskyard"
"""The header of deskyard's own mails."""

_VALID_REASON: Final = re.compile(r"[a-z0-9_-]{1,30}")
_LIST: Final = re.compile(r"<([^<>\s]{1,255})>")


def why_automatic(
    headers: Mapping[str, str],
    sender: str,
    kind: str,
    *,
    own_addresses: Collection[str] = (),
    mailing_lists: Collection[str] = (),
) -> str | None:
    """Why a message was not written by a person for us, for the journal; None if it was. `headers` by name in lower
    case.

    >>> why_automatic({"auto-submitted": "auto-replied (vacation)"}, "ann@example.org", "text/plain")
    'an automatic message (Auto-Submitted: auto-replied)'
    """
    if DESKYARD_HEADER.lower() in headers:
        return f"deskyard sent it itself ({DESKYARD_HEADER})"
    if sender and sender in {one.lower() for one in own_addresses}:
        return "it comes from our own address"
    empty = headers.get("return-path", "").replace(" ", "") == "<>"
    if kind == "multipart/report" or empty or sender.partition("@")[0] == "mailer-daemon":
        return "a mail server's report, not a person's message"
    listed = _LIST.search(headers.get("list-id", ""))
    known = listed is not None and listed[1].lower() in {one.lower() for one in mailing_lists}
    if "list-id" in headers and not known:
        return "a post of a mailing list (List-Id)"
    answers = {"auto-submitted": ("", "no"), "x-auto-response-suppress": ("", "none")}
    for name, human in answers.items():
        if (keyword := _header_keyword(headers, name)) not in human:
            return f"an automatic message ({name.title()}: {keyword})"
    precedence = _header_keyword(headers, "precedence")
    if precedence in ("junk", "auto_reply") or (precedence in ("bulk", "list") and not known):
        return f"an automatic message (Precedence: {precedence})"
    for name in ("x-autoreply", "x-autorespond", "x-autoresponder"):
        if _header_keyword(headers, name) not in ("", "no"):
            return f"an automatic message ({name.title()})"
    return None


def _header_keyword(headers: Mapping[str, str], name: str) -> str:
    found = _VALID_REASON.search(headers.get(name, "").lower())
    return found[0] if found else ""
