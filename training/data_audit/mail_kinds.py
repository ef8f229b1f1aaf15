"""Recognises forwarded mail, text that is mostly cut, and mail of machines, in a history that has no headers of mail.

Answering machines and bounces are known as in mail, in English, Russian, German, Spanish, Portuguese, Ukrainian and
French. Only for the figures of the audit: nothing is left out of a history by it.
"""

import re
from typing import Final

from deskyard.mail.answering_machines import is_answering_machine, is_machine_account
from deskyard.mail.bounces import is_bounce
from deskyard.text.quote_markers import subject_kind
from deskyard.text.quoted_replies import read_sections

MIN_CUT: Final = 100
"""Visible characters that must be cut from a text that is mostly cut; a signature is shorter."""

_MAX_SEARCHED: Final = 20_000

_MACHINE_ADDRESS: Final = re.compile(
    r"(?:^|<)(?:nagios|icinga|zabbix|prometheus|alertmanager|grafana|prtg|pagerduty|opsgenie"
    r"|monitor(?:ing)?|alerts?|alarm|cron|cron-?daemon|root)(?:[.+_-][\w.+-]{0,40})?@",
    re.I,
)
_ADDRESS: Final = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,255}")
_ALERT_SUBJECT: Final = re.compile(
    r"\s{0,5}(?:\*\* )?(?:\[(?:FIRING|RESOLVED|ALERTING|ALERT|OK|PROBLEM|TRIGGERED|CRITICAL|WARNING|DOWN|UP)\b"
    r"[^\]]{0,20}\]"
    r"|(?:PROBLEM|RECOVERY|FIRING|RESOLVED|ACKNOWLEDGEMENT|FLAPPING(?:START|STOP))\b"
    r"|(?:CRITICAL|WARNING|ALERT|ALARM|DOWN) ?[:-] |Cron <)"
)
"""As monitors write them; "Проблема: ..." and "Problem: ..." are people's."""


def is_forward(subject: str, text: str) -> bool:
    """Whether a ticket is a forwarded mail, by its subject or by what stands in its plain text.

    >>> is_forward("WG: Drucker", ""), is_forward("", "FYI\\n--- Forwarded message ---\\nFrom: a@example.org\\nx")
    (True, True)
    >>> is_forward("Forwarding does not work", "I forwarded message 5 to you")
    False
    """
    return subject_kind(subject) == "forward" or any(
        section.kind == "forwarded" for section in read_sections(text[:_MAX_SEARCHED], subject)
    )


def is_mostly_cut(subject: str, text: str) -> bool:
    """Whether more of a plain text is cut as a quotation or signature than is kept.

    >>> reply = "Any news of it?\\n\\nOn 1 Feb 2026, Ann <ann@example.org> wrote:\\n> The printer is on fire."
    >>> more = " Please send somebody with a fire extinguisher at once."
    >>> is_mostly_cut("Re: printer", reply + more), is_mostly_cut("printer", "Any news?")
    (True, False)
    """
    sections = read_sections(text[:_MAX_SEARCHED], subject)
    cut = sum(len("".join(one.text.split())) for one in sections if one.is_folded)
    kept = sum(len("".join(one.text.split())) for one in sections if one.kind in ("own", "forwarded"))
    return cut >= MIN_CUT and cut > kept


def is_machine_mail(subject: str, requester: str, text: str = "") -> bool:
    """Whether a monitor, a mail server or an answering machine wrote a ticket with this plain text.

    >>> is_machine_mail("Automatische Antwort: Drucker", ""), is_machine_mail("[FIRING:1] DiskFull", "")
    (True, True)
    >>> is_machine_mail("Backup", "zabbix@mon.example"), is_machine_mail("Problem: no sound", "ann@example.org")
    (True, False)
    """
    subject, requester, text = subject[:200], requester[:320], text[:2_000]
    found = _ADDRESS.search(requester)
    address = found[0] if found else ""
    name = requester.replace(address, "").strip(" <>\"'") if address else requester
    return bool(
        _MACHINE_ADDRESS.search(requester)
        or _ALERT_SUBJECT.match(subject)
        or is_machine_account(address)
        or is_answering_machine(subject, text, is_reply=False)
        or is_bounce(address or name, name, subject, text)
    )
