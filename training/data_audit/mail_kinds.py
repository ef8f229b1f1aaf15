"""Recognises forwarded mail, text that is mostly cut, and mail of machines, in a history that has no headers of mail.

Machines are known by their addresses and subjects in English, Russian, German, Spanish, Portuguese, Ukrainian and
French (`deskyard.mail.answering_machines` looks at whole mails). Only for the figures of the audit: nothing is left out
of a history by it.
"""

import re
from typing import Final

from deskyard.text.quote_markers import subject_kind
from deskyard.text.quoted_replies import read_sections

MIN_CUT: Final = 100
"""Visible characters that must be cut from a text that is mostly cut; a signature is shorter."""

_MAX_SEARCHED: Final = 20_000

_MACHINE_ADDRESS: Final = re.compile(
    r"(?:^|<)(?:mailer-daemon|postmaster|nagios|icinga|zabbix|prometheus|alertmanager|grafana|prtg|pagerduty|opsgenie"
    r"|monitor(?:ing)?|alerts?|alarm|cron|cron-?daemon|root|auto-?reply|autoresponder)(?:[.+_-][\w.+-]{0,40})?@",
    re.I,
)
_AUTOMATIC_SUBJECT: Final = re.compile(
    r"\s{0,5}(?:auto(?:matic)?[ -]?(?:reply|response|answer)|out of (?:the )?office|undeliver(?:ed|able)|returned mail"
    r"|delivery status notification|mail delivery (?:failed|failure|subsystem)|delivery (?:failure|has failed)"
    r"|автоответ|автоматический ответ|вне офиса|(?:сообщение )?не доставлено|недоставленн|уведомление о (?:не)?доставке"
    r"|automatische (?:antwort|abwesenheit)|abwesenheit|unzustellbar|nicht zustellbar"
    r"|respuesta autom[áa]tica|fuera de la oficina|no se (?:puede|pudo) entregar|no entregado"
    r"|resposta autom[áa]tica|fora do escrit[óo]rio|n[ãa]o (?:foi )?(?:entregue|poss[íi]vel entregar)"
    r"|автоматична відповідь|автовідповідь|не доставлено|не вдалося доставити"
    r"|r[ée]ponse automatique|absence du bureau|absent du bureau|non remis|non distribuable)",
    re.I,
)
_ALERT_SUBJECT: Final = re.compile(
    r"\s{0,5}(?:\*\* )?(?:\[(?:FIRING|RESOLVED|ALERTING|ALERT|OK|PROBLEM|TRIGGERED|CRITICAL|WARNING|DOWN|UP)\b"
    r"[^\]]{0,20}\]"
    r"|(?:PROBLEM|RECOVERY|FIRING|RESOLVED|ACKNOWLEDGEMENT|FLAPPING(?:START|STOP))\b"
    r"|(?:CRITICAL|WARNING|ALERT|ALARM|DOWN|UP|OK) ?[:-] |Cron <)"
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


def is_machine_mail(subject: str, requester: str) -> bool:
    """Whether a monitor, a mail server or an automatic reply wrote a ticket, by its subject and its requester.

    >>> is_machine_mail("Automatische Antwort: Drucker", ""), is_machine_mail("[FIRING:1] DiskFull", "")
    (True, True)
    >>> is_machine_mail("Backup", "zabbix@mon.example"), is_machine_mail("Problem: no sound", "ann@example.org")
    (True, False)
    """
    return bool(
        _MACHINE_ADDRESS.search(requester[:320])
        or _AUTOMATIC_SUBJECT.match(subject[:200])
        or _ALERT_SUBJECT.match(subject[:200])
    )
