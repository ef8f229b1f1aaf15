"""Recognises bounces that bear none of the headers made for them, by sender, subject and text.

Phrases are those of common mail servers in English, Russian, German, Spanish, Portuguese, Ukrainian and French.
"""

import re
from typing import Final

from deskyard.mail.answering_machines import REPLY_PREFIX
from deskyard.mail.folded_text import any_of, compile_folded, fold_text

_DAEMONS: Final = frozenset({"mailerdaemon", "maildaemon", "mailerdemon", "maildeliverysubsystem", "doublebounce"})
_DAEMON_LIKE: Final = frozenset(
    {"postmaster", "mdaemon", "maildelivery", "maildeliverysystem", "bounce", "bounces", "daemon", "mailer", "smtp",
     "mailsystem"}
)  # fmt: skip
_DAEMON_NAMES: Final = re.compile(
    any_of(
        (
            "mail delivery system", "mail delivery subsystem", "mail delivery service", "mailer-daemon",
            "mailer daemon", "mail system", "mail administrator", "postmaster", "microsoft outlook",
            "internet mail delivery", "система доставки почты", "служба доставки почты", "почтовая система",
            "система доставки пошти", "mailzustellsystem", "mailsystem", "sistema de correo", "sistema de entrega",
            "système de messagerie", "sistema de e-mail",
        )
    )
)  # fmt: skip

_UNDELIVERED: Final = compile_folded(
    r"\b(?:undeliver\w*|undelivered|returned mail|returned to sender|mail delivery (?:failed|failure|problem|report)"
    r"|delivery (?:status|has failed|failed|failure|failures|problem|report|delayed|incomplete|notification)"
    r"|failure notice|delivery to the following|(?:could|can) ?not be (?:delivered|sent|reached)|couldn't be delivered"
    r"|wasn't able to deliver|unable to (?:deliver|send)|was not delivered|non-?delivery"
    r"|message (?:blocked|delayed|expired)|message \S{1,40} delayed|message you sent|message was read"
    r"|unzustellbar\w*|nicht zustellbar|nicht zugestellt|zustell(?:ung|ungs)\w*|ubermittlungsstatus"
    r"|konnte nicht .{0,60}zugestellt"
    r"|rucklaufer"
    r"|no se (?:puede|pudo|ha podido) (?:entregar|enviar)|no (?:entregado|entregable|pudo entregarse)|devuelto"
    r"|error de entrega|fallo (?:de|en la) entrega|entrega fallida|notificacion de estado|entrega retrasada"
    r"|nao (?:foi|pode|pode ser|pode[- ]se) .{0,30}(?:entregue|entregar)|nao (?:entregue|e possivel entregar)"
    r"|(?:falha|erro) (?:na|de) entrega|devolvid[ao]|notificacao de (?:status|estado)|entrega atrasada"
    r"|non (?:remis|delivre|distribue|remise)|n'a (?:pas )?pu etre|echec de (?:la )?(?:remise|distribution|livraison)"
    r"|non remise?|message non delivre|courrier non|non distribuable|etat de remise"
    r"|не (?:доставлен\w*|может быть доставлен\w*|удалось доставить|удается доставить)|недоставлен\w*|недоставк\w*"
    r"|возврат (?:письма|почты)|доставка .{0,30}не (?:удалась|выполнена)|сбои доставки|ошибка доставки"
    r"|доставка .{0,30}(?:отложена|задерж\w+)|уведомление о (?:статусе )?доставк\w+|стан доставки"
    r"|отчет о (?:не)?доставке|не (?:вдалося|вдаеться|може бути|було) достав\w*|не доставлено|помилка доставки"
    r"|недоставлен\w*|звіт про (?:не)?доставку|повернення листа)(?!\w)"
    r"|\b[45]\.\d{1,3}\.\d{1,3}\b|\bdiagnostic-code|\breporting-mta|\bfinal-recipient|\bsmtp;? ?(?:error|[45]\d\d)"
)

_YOUR_MESSAGE: Final = compile_folded(
    r"\b(?:your|the following|this) (?:message|e-?mail|mail)|\bihre? (?:nachricht|e-?mail|mail)|\bsu (?:mensaje|correo)"
    r"|\bsua? (?:mensagem|e-?mail)|\bvotre (?:message|courriel|mail|e-?mail)|\bваш[еу]? (?:сообщение|письмо|почт\w+)"
    r"|\bваш[ео]?(?:го)? (?:повідомлення|лист)|\bmail system at host|\bdelivery status|\breporting-mta|\bsmtp\b"
)


def is_bounce(address: str, name: str, subject: str, text: str) -> bool:
    """Whether a mail server reports here what became of another mail. `name` is the display name of the sender.

    >>> is_bounce("postmaster@mx.example", "Mail Delivery System", "Undelivered Mail Returned to Sender", "")
    True
    >>> is_bounce("postmaster@mx.example", "Ann", "New printer", "Please connect the new printer.")
    False
    """
    account = re.sub(r"[\W_]", "", fold_text(address.partition("@")[0]))
    if account in _DAEMONS or account.startswith("microsoftexchange"):
        return True
    is_daemon_name = bool(_DAEMON_NAMES.fullmatch(fold_text(name)))
    if account and account not in _DAEMON_LIKE and not is_daemon_name:
        return False
    subject, text = fold_text(subject), fold_text(text)
    if REPLY_PREFIX.match(subject):
        return False
    # What is signed by a person has to say that it is about a mail.
    if _UNDELIVERED.search(subject) and (is_daemon_name or not name or "@" in name):
        return True
    told = f"{subject}\n{text}"
    return bool(_YOUR_MESSAGE.search(told) and _UNDELIVERED.search(told))
