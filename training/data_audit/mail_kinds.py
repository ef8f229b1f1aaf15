"""Recognises forwarded mail, text that is mostly cut, and mail of machines, in a history that has no headers of mail.

Subjects and markers in English, Russian, German, Spanish, Portuguese, Ukrainian and French. Only for the figures of the
audit: nothing is left out of a history by it.
"""

import re
from typing import Final

from deskyard.text.quoted_replies import split_quoted

MIN_CUT: Final = 100
"""Visible characters that must be cut from a text that is mostly cut; a signature is shorter."""

_MAX_SEARCHED: Final = 20_000

_FORWARD_SUBJECT: Final = re.compile(
    r"\s{0,5}(?:\[[^\[\]]{1,40}\]\s{0,5})?(?:fwd?|wg|tr|rv|enc|пересл|переслано|перенапр)\s{0,2}(?:\[\d\]|\(\d\))?\s{0,2}:",
    re.I,
)
_FORWARD_MARKER: Final = re.compile(
    r"^[ \t>*_-]{0,40}(?:(?:begin )?forwarded (?:message|mail)|forwarded by\b|пересылаемое сообщение"
    r"|пересланное (?:сообщение|письмо)|перенаправленное сообщение|переадресованное сообщение"
    r"|начало пере(?:адресованного|сылаемого|сланного|направленного) (?:сообщения|письма)"
    r"|(?:anfang der )?weitergeleitete[rn]? (?:nachricht|mail|e-mail)|(?:inicio del )?mensaje reenviado"
    r"|in[íi]cio da mensagem (?:re)?encaminhada|mensagem (?:re)?encaminhada|mensagem reenviada"
    r"|(?:d[ée]but du )?message (?:transf[ée]r[ée]|r[ée]exp[ée]di[ée])|переслане повідомлення|пересланий лист"
    r"|перенаправлене повідомлення|початок (?:листа|повідомлення), що пересилається)[ \t:*_-]{0,40}",
    re.I | re.M,
)

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
    """Whether a ticket is a forwarded mail, by its subject or a marker in its plain text.

    >>> is_forward("WG: Drucker", ""), is_forward("", "FYI\\n---------- Forwarded message ---------\\nFrom: Ann")
    (True, True)
    >>> is_forward("Forwarding does not work", "I forwarded message 5 to you")
    False
    """
    if _FORWARD_SUBJECT.match(subject[:200]):
        return True
    found = _FORWARD_MARKER.search(text[:_MAX_SEARCHED])
    return found is not None and text[found.end() : found.end() + 1] in ("", "\n")


def is_mostly_cut(text: str) -> bool:
    """Whether more of a plain text is cut as a quotation or signature than is kept.

    >>> reply = "Any news?\\n\\nOn 1 Feb 2026, Ann <ann@example.org> wrote:\\n> The printer is on fire."
    >>> is_mostly_cut(reply + " Please send somebody with a fire extinguisher."), is_mostly_cut("Any news?")
    (True, False)
    """
    mine, cut = split_quoted(text[:_MAX_SEARCHED])
    visible = len("".join(cut.split()))
    return visible >= MIN_CUT and visible > len("".join(mine.split()))


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
