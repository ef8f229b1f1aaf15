"""Recognises mail that no person wrote for us: automatic replies, bounces, mailing lists, and deskyard's own mail.

Making tickets of such mail would let machines answer each other without end. `X-Auto-Response-Suppress` is not among
the marks: Exchange puts it on the mails of people, too.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from deskyard.mail.answering_machines import is_answering_machine, is_machine_account
from deskyard.mail.bounces import is_bounce
from deskyard.mail.sender import Sender, is_own_address

DESKYARD_HEADER: Final = "X-Deskyard"
"""The header of deskyard's own mails."""

OWN, BOUNCE, AUTO_REPLY, AUTOMATIC, LIST, EARLIER = "own", "bounce", "auto_reply", "automatic", "list", "earlier"
KINDS: Final = (AUTO_REPLY, BOUNCE, AUTOMATIC, LIST, OWN, EARLIER)
"""Why mail is left out: it is our own, a mail server's report, an answering machine's, another program's, a mailing
list's, or was received before the mailbox was connected."""

_VALID_REASON: Final = re.compile(r"[a-z0-9_-]{1,30}")
_LIST: Final = re.compile(r"<([^<>\s]{1,255})>")
_PERSONAL: Final = ("", "no", "auto-forwarded")
"""Values of Auto-Submitted of what a person wrote."""

_AUTO_REPLY_HEADERS: Final = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-mail-autoreply", "x-autoreply-from",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LeftOutReason:
    """Why a mail becomes no ticket: one of `KINDS`, and a sentence."""

    kind: str
    text: str


def why_automatic(
    headers: Mapping[str, str],
    sender: Sender,
    kind: str,
    *,
    subject: str = "",
    text: str = "",
    own_addresses: Collection[str] = (),
    mailing_lists: Collection[str] = (),
    machines: Collection[str] = (),
) -> LeftOutReason | None:
    """Why a message was not written by a person for us; None if it was, or if a wanted machine wrote it.

    `headers` by name in lower case, `kind` the content type. `machines`: addresses, or `@domains`, whose mail is wanted
    though machines write it.

    >>> ann = Sender("ann@example.org", "Ann", "ann@example.org")
    >>> why_automatic({"auto-submitted": "auto-replied (vacation)"}, ann, "text/plain").text
    'an automatic message (Auto-Submitted: auto-replied)'
    >>> why_automatic({"auto-submitted": "auto-generated"}, ann, "text/plain", machines=["ann@example.org"])
    """
    if DESKYARD_HEADER.lower() in headers:
        return LeftOutReason(OWN, f"deskyard sent it itself ({DESKYARD_HEADER})")
    own = {one.lower() for one in own_addresses}
    if is_own_address(sender.address, own) and not sender.is_named_by_reply_to:
        return LeftOutReason(OWN, "it comes from our own address")
    if _is_wanted(sender.address, machines):
        return None
    empty = headers.get("return-path", "").replace(" ", "") == "<>"
    if kind == "multipart/report" or empty or is_bounce(sender.address, sender.name, subject, text):
        return LeftOutReason(BOUNCE, "a mail server's report, not a person's message")
    return _why_listed(headers, own, mailing_lists) or _why_answered(headers, sender, subject, text)


def _why_listed(
    headers: Mapping[str, str], own: Collection[str], mailing_lists: Collection[str]
) -> LeftOutReason | None:
    """Why it is the mail of a list, or of a program that sends in bulk or by itself."""
    listed = _LIST.search(headers.get("list-id", ""))
    ours = {one.lower() for one in mailing_lists} | {one.replace("@", ".") for one in own}
    known = listed is not None and listed[1].lower() in ours
    if "list-id" in headers and not known:
        return LeftOutReason(LIST, "a post of a mailing list (List-Id)")
    submitted = _header_keyword(headers, "auto-submitted")
    if submitted not in _PERSONAL:
        reason = AUTO_REPLY if submitted == "auto-replied" else AUTOMATIC
        return LeftOutReason(reason, f"an automatic message (Auto-Submitted: {submitted})")
    precedence = _header_keyword(headers, "precedence")
    if precedence in ("junk", "auto_reply") or (precedence in ("bulk", "list") and not known):
        reason = AUTO_REPLY if precedence == "auto_reply" else AUTOMATIC
        return LeftOutReason(reason, f"an automatic message (Precedence: {precedence})")
    return None


def _why_answered(headers: Mapping[str, str], sender: Sender, subject: str, text: str) -> LeftOutReason | None:
    """Why it is that of an answering machine."""
    for name in _AUTO_REPLY_HEADERS:
        if _header_keyword(headers, name) not in ("", "no", "none", "false"):
            return LeftOutReason(AUTO_REPLY, f"an automatic message ({name.title()})")
    if is_machine_account(sender.address) and not sender.is_named_by_reply_to:
        return LeftOutReason(AUTO_REPLY, "an automatic reply (by its sender)")
    is_reply = bool(headers.get("in-reply-to", "").strip() or headers.get("references", "").strip())
    if is_answering_machine(subject, text, is_reply=is_reply):
        return LeftOutReason(AUTO_REPLY, "an automatic reply (by its subject and text)")
    return None


def _is_wanted(address: str, machines: Collection[str]) -> bool:
    wanted = {one.lower() for one in machines}
    return bool(address) and (is_own_address(address, wanted) or f"@{address.rpartition('@')[2]}" in wanted)


def _header_keyword(headers: Mapping[str, str], name: str) -> str:
    found = _VALID_REASON.search(headers.get(name, "").lower())
    return found[0] if found else ""
