"""Recognises answering machines and bounces that bear none of the headers made for them, by sender, subject and text.

Phrases are those of common mail programs in English, Russian, German, Spanish, Portuguese, Ukrainian and French. A
subject that begins like an automatic answer is not enough: people write about automatic answers, too. So a subject that
asks or complains, or a text that does and does not say that its author is away, is a person's. In doubt it is one.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

MAX_READ: Final = 3_000
"""Characters of a text that are looked at."""


def fold_text(text: str) -> str:
    """A text in lower case, without accents, in single spaces.

    >>> fold_text("Réponse  AUTOMATIQUE: ёлка")
    'reponse automatique: елка'
    """
    plain = unicodedata.normalize("NFKD", text[:MAX_READ].casefold().replace("’", "'"))
    return " ".join("".join(char for char in plain if not unicodedata.combining(char)).split())


def _any_of(phrases: Iterable[str]) -> str:
    return "|".join(re.escape(fold_text(one)) for one in sorted(phrases, key=len, reverse=True))


def _compile(pattern: str) -> re.Pattern[str]:
    """A pattern for folded texts; its own letters are folded, too."""
    plain = unicodedata.normalize("NFKD", pattern)
    return re.compile("".join(char for char in plain if not unicodedata.combining(char)))


_ABSENCE_SUBJECTS: Final = (
    "ooo", "away", "away from the office", "absence", "abwesenheit", "abwesend", "nicht im büro", "außer haus",
    "bin außer haus", "nicht im haus", "ausente", "ausente de la oficina", "fora da empresa", "ausência temporária",
    "ausente do escritório", "absence", "absence du bureau", "absent du bureau", "absente du bureau",
    "absent(e) du bureau", "hors du bureau", "en dehors du bureau", "вне офиса", "нет на месте",
    "нет на рабочем месте", "нет в офисе", "отсутствие на рабочем месте", "отсутствую на рабочем месте",
    "поза офісом", "немає на місці", "немає на робочому місці", "немає в офісі", "відсутність на робочому місці",
    "відсутній на робочому місці",
)  # fmt: skip
"""Beginnings of subjects that people write as well: here the text has to say that its author is away."""

_MACHINE_SUBJECTS: Final = (
    # English
    "automatic reply", "automatic response", "automatic answer", "automated reply", "automated response", "auto reply",
    "auto-reply", "autoreply", "auto response", "auto-response", "autoresponse", "auto responder", "autoresponder",
    "out of office", "out-of-office", "out of the office", "out of office autoreply", "out of office auto-reply",
    "out of office reply", "out of office message", "out of office notification",
    "vacation reply", "vacation response", "vacation message", "absence notice",
    # German
    "automatische antwort", "automatische rückantwort", "automatische abwesenheitsnotiz", "automatische e-mail-antwort",
    "automatische eingangsbestätigung", "autoantwort", "auto-antwort", "abwesenheitsnotiz", "abwesenheitsnachricht",
    "abwesenheitsmeldung", "abwesenheitsassistent", "abwesenheitsagent",
    # Spanish
    "respuesta automática", "respuesta automatizada", "contestación automática", "autorespuesta", "autorrespuesta",
    "auto-respuesta", "fuera de la oficina", "fuera de oficina", "aviso de ausencia", "mensaje de ausencia",
    # Portuguese
    "resposta automática", "resposta automatizada", "auto-resposta", "autorresposta", "fora do escritório",
    "mensagem de ausência", "aviso de ausência",
    # French
    "réponse automatique", "répondeur automatique", "réponse automatisée", "message d'absence",
    "notification d'absence", "avis d'absence",
    # Russian
    "автоответ", "авто-ответ", "автоответчик", "автоматический ответ", "ответ автоответчика",
    "автоматическое сообщение", "автоматическое уведомление", "уведомление об отсутствии",
    "сообщение об отсутствии",
    # Ukrainian
    "автовідповідь", "авто-відповідь", "автовідповідач", "автоматична відповідь", "автоматичне повідомлення",
    "повідомлення про відсутність",
)  # fmt: skip

_SEPARATOR: Final = (
    r"\s*(?:$|[:|(\[,;]|[-–—]|\s(?:until|till|from|bis|ab|vom|до|с|з|від|hasta|jusqu|ate|desde|du|au)\b)"
)
_PREFIX: Final = r"[\W_]{0,4}(?:auto(?:matic)?[:\s]\s*)?"
_MACHINE: Final = re.compile(rf"{_PREFIX}(?:{_any_of(_MACHINE_SUBJECTS)})(?!\w)")
_ABSENCE: Final = re.compile(rf"{_PREFIX}(?:{_any_of(_ABSENCE_SUBJECTS)})(?!\w)")
_MACHINE_AT_END: Final = re.compile(rf"[\[(](?:{_any_of(_MACHINE_SUBJECTS)})[\])]$")
_AFTER_MACHINE: Final = re.compile(_SEPARATOR)
_TO_YOUR_MAIL: Final = _compile(
    r"\s*(?:to|auf|a|en|na|на|an|sur)\s+(?:your|ihre?|deine?|sua?|tu|la sua|votre|ваше?|вашого|ваш)\b"
)
_NOTES_AWAY: Final = _compile(rf"auto\s?:.{{0,200}}\b(?:{_any_of(_MACHINE_SUBJECTS)})(?!\w)")
_REPLY_PREFIX: Final = _compile(
    r"[\W_]*(?:re|aw|fw|fwd|wg|sv|vs|res|rv|tr|enc|ref|rif|antw|отв|ответ|на|відп|ha|odp)\s?(?:\[\d+\])?:"
)

_AWAY: Final = _compile(
    # English
    r"\b(?:i am|i'm|i will be|i'll be|i shall be|we are|we will be|am|is|be)\b.{0,40}\b(?:out of (?:the )?office|away"
    r"|on (?:[a-z]+ )?leave|on (?:an? )?(?:vacation|holiday|holidays|business trip)|absent|not in the office"
    r"|unavailable|travell?ing|returning|back (?:in|on|at))\b"
    r"|\bout of (?:the )?office\b.{0,40}\b(?:until|till|from|through|returning|and (?:will|have))\b"
    r"|\blimited access to (?:my )?(?:e-?mails?|mail)|\bupon my return\b|\bwhen i (?:return|am back|get back)\b"
    # German
    r"|\b(?:bin|sind|befinde)\b.{0,60}\b(?:nicht im (?:haus|hause|buro|dienst)|ausser haus|ausser hause|abwesend"
    r"|im urlaub|auf dienstreise|nicht erreichbar|nicht da|in elternzeit|erkrankt|wieder (?:im|fur|erreichbar|da|ab))\b"
    r"|\bwahrend meiner abwesenheit|\bnach meiner ruckkehr|\bwird nicht weitergeleitet"
    # Spanish
    r"|\b(?:estoy|estare|encuentro|encontrare|estamos|estaremos)\b.{0,60}\b(?:fuera|ausente|de vacaciones|de baja"
    r"|de viaje|sin acceso)\b|\ba mi (?:regreso|vuelta)\b|\bdurante mi ausencia"
    # Portuguese
    r"|\b(?:estou|estarei|encontro-me|encontrar-me-ei|estamos|estaremos)\b.{0,60}\b(?:fora|ausente|de ferias|em ferias"
    r"|em viagem|de licenca|sem acesso)\b|\b(?:meu regresso|meu retorno|minha volta)\b|\bdurante (?:a )?minha ausencia"
    # French
    r"|\b(?:suis|serai|sommes|serons)\b.{0,60}\b(?:absente?s?|en conges?|en vacances|en deplacement|hors du bureau"
    r"|de retour|indisponibles?|en arret)\b|\ba mon retour\b|\b(?:pendant|durant) mon absence"
    # Russian
    r"|\b(?:нахожусь|буду|отсутствую|вернусь|я)\b.{0,40}\b(?:в отпуске|в командировке|на больничном|на месте|вне офиса"
    r"|не в офисе|в офисе|отсутств\w+|недоступ\w+|на рабочем месте|из отпуска)\b"
    r"|\b(?:меня|нас)\b.{0,30}\b(?:нет|не будет)\b|^нет (?:на (?:месте|рабочем месте)|в офисе)|^отсутствую\b"
    r"|\bпосле (?:моего )?возвращения|\bпо возвращении|\bво? время (?:моего )?отсутствия|\bв мое отсутствие"
    # Ukrainian
    r"|\b(?:перебуваю|буду|відсутн\w+|повернуся|я)\b.{0,40}\b(?:[ув] відпустці|[ув] відрядженні|на лікарняному|на місці"
    r"|поза офісом|в офісі|на робочому місці|з відпустки)\b"
    r"|\b(?:мене|нас)\b.{0,30}\b(?:немає|не буде)\b|^немає (?:на (?:місці|робочому місці)|в офісі)"
    r"|\bпісля (?:мого )?повернення|\bза моєї відсутності"
)
"""Somebody says that they are away."""

_RECEIPT: Final = _compile(
    r"\bthis is an? (?:auto|system)|\b(?:auto(?:matically)?[- ])(?:generated|sent)\b|\bdo not reply to this"
    r"|\bthank you for (?:your (?:e-?mail|message|mail|request|inquiry|enquiry|interest)|contacting|writing|reaching)"
    r"|\bwe (?:have )?received your|\byour (?:e-?mail|message|request|mail) (?:has been|was) received"
    r"|\b(?:dies ist|das ist) eine automati|\bautomatisch (?:erstellt|generiert|versendet|erzeugt)"
    r"|\bdanke (?:schon )?fur (?:ihre|deine)|\bdank fur (?:ihre|deine)|\bhaben ihre .{0,40}erhalten"
    r"|\bist bei uns eingegangen"
    r"|\bgracias por (?:su|tu|contactar|escribir|ponerse)|\bhemos recibido su|\bes un (?:mensaje|correo) automatico"
    r"|\bes una respuesta automatica|\bobrigad[oa] (?:pel[oa]|por) |\brecebemos (?:a |o )?(?:sua|seu)"
    r"|\be uma (?:mensagem|resposta) automatica|\bmerci (?:de|pour) (?:votre|nous)|\bavons bien recu"
    r"|\best (?:un|une) (?:message|reponse) automatique|\bспасибо за (?:ваш|письмо|обращение|сообщение|запрос)"
    r"|\bблагодарим (?:вас )?за|\bваш[еа]? (?:письмо|сообщение|обращение|запрос|заявка) (?:получен|принят|зарегистр)"
    r"|\bмы получили ваш|\bэто автоматическ|\bавтоматически (?:создан|сформирован|отправлен)|\bне отвечаите на это"
    r"|\bдякуємо за|\bдякую за|\bми отримали ваш|\bце автоматичн"
)
"""A machine acknowledges a mail."""

_ABSENT: Final = _compile(
    r"\bnot (?:in (?:the )?office|available|at work)\b"
    r"|\bnicht (?:im (?:haus|hause|buro|dienst)|erreichbar|da|am platz)\b"
    r"|\bно? нет на месте\b|\bнет (?:на (?:месте|рабочем месте)|в офисе)\b|\bне (?:в офисе|на месте|на работе)\b"
    r"|\bнемає (?:на (?:місці|робочому місці)|в офісі)\b|\bне (?:в офісі|на місці)\b|\bno (?:disponible|estoy|estare)\b"
    r"|\bnao (?:disponivel|estou)\b|\bpas (?:disponible|au bureau|present)\b|\bn'est pas\b"
)
"""Words of absence that hold a negation; they are no complaint."""

_COMPLAINS: Final = _compile(
    r"\?|\b(?:not|n't|don't|doesn't|isn't|can't|cannot|how|why|problems?|issues?|errors?|fail\w*|broken|wrong|help"
    r"|could you|can you|set(?:ting)?s? ?up|settings?|enabl\w*|disabl\w*|turn(?:ing)? (?:it )?(?:on|off)"
    r"|switch(?:ing)? (?:it )?(?:on|off)|configur\w*|(?:de)?activat\w*|stopped|question|rule|template|missing|bug|text"
    r"|nicht|keine?n?|wie|warum|wieso|weshalb|problem\w*|fehler\w*|defekt|kaputt|hilfe|konnen sie|kannst du|einricht\w*"
    r"|einstell\w*|(?:de)?aktivier\w*|(?:aus|ein|ab)schalten|funktionier\w*|geht|frage|regel|vorlage"
    r"|no|como|por que|problema\w*|error\w*|fall[ao]\w*|ayuda|puede\w*|configur\w*|(?:des)?activar|funciona\w*"
    r"|pregunta|regla|plantilla|nao|porque|erros?|falh\w*|ajuda|pode\w*|(?:des)?ativar|pergunta|regra"
    r"|ne|pas|comment|pourquoi|probleme\w*|erreur\w*|panne|aide|pouvez|(?:des)?activer|fonctionn\w*|marche|regle"
    r"|не|нет|как|почему|зачем|проблем\w*|ошибк\w*|сбо[ией]\w*|сломал\w*|помогите|помощь|помочь|можно ли|настро\w*"
    r"|включ\w*|отключ\w*|выключ\w*|работает|работают|вопрос\w*|правил\w*|шаблон\w*"
    r"|немає|як|чому|помилк\w*|зламал\w*|допомож\w*|допомог\w*|налаштув\w*|увімк\w*|вимк\w*|працю\w*|питання)(?!\w)"
)
"""Somebody asks or complains. A contact for urgent cases, which absence notes name, is not among these words."""

_ASKS: Final = _compile(
    r"\bplease (?:set|turn|switch|enable|disable|fix|check|help|change|update|redirect|add|remove|create|give|grant"
    r"|approve|install|activate|configure)|\bi need\b|\bwe need\b|\bhow (?:do|can) (?:i|we)\b|\bcan you\b"
    r"|\bdo(?:es)?(?: not|n't) (?:work|send|arrive|start)|\bcannot (?:find|set|send|turn)|\bno such\b"
    r"|\bbitte (?:um|richten|schalten|prufen|tragen|andern|aktivier|deaktivier|stellen|legen|helfen)"
    r"|\bbitte .{0,60}(?:einrichten|eintragen|freigeben|umleiten|andern|aktivieren|prufen|ausschalten|abschalten)"
    r"|\bfunktionier\w* nicht|\b(?:wird|werden|lasst) .{0,40}\bnicht (?:gesendet|verschickt|versendet|aktiv|ein|mehr)"
    r"|\bgeht nicht|\bich brauche|\bwie (?:kann|richte|schalte|stelle) ich"
    r"|\bno (?:funciona|se envia|llega)|\bpor favor,? .{0,20}(?:activ|desactiv|cambi|configur|redirig)|\bnecesito\b"
    r"|\bquisiera\b|\bnao (?:funciona|envia|consigo|chega)|\bpor favor,? .{0,20}(?:ativ|desativ|alter|redirecion)"
    r"|\bpreciso de\b|\bgostaria\b|\bne (?:fonctionne|marche|part|s'envoie)|\bn'arrive|\bje voudrais\b|\bj'ai besoin"
    r"|\b(?:merci de|veuillez|pouvez-vous) (?:rediriger|modifier|activer|desactiver|configurer|creer|supprimer|changer)"
    r"|\bпрошу(?! (?:вас )?(?:обращ|писать|звон|направл|адрес|извин|прощ|связ))|\bпомогите\b|\bне работа\w+"
    r"|\bне приход\w+|\bне отправля\w+|\bне включ\w+|\bнужно (?:включ|настро|сдела|измен|перенаправ|дать)"
    r"|\b(?:включите|настроите|отключите|перенаправьте|измените)\b|\bне працю\w+|\bне надсила\w+|\bдопоможіть\b"
    r"|\bпрошу(?! (?:вас )?(?:зверт|писати|телеф|надсил|вибач))|\b(?:увімкніть|налаштуите|вимкніть)\b"
)
"""Somebody asks for something in the text."""


def is_answering_machine(subject: str, text: str, *, is_reply: bool) -> bool:
    """Whether an answering machine wrote this. `is_reply`: the mail names a message that it answers.

    >>> is_answering_machine("Automatische Antwort: Ihr Anliegen", "Ich bin bis 12.01. nicht im Haus.", is_reply=False)
    True
    >>> is_answering_machine("Automatic replies do not work", "The rule is off since Monday.", is_reply=False)
    False
    """
    subject, text = fold_text(subject), fold_text(text)
    found = _MACHINE.match(subject)
    weak = _ABSENCE.match(subject) if found is None else None
    beginning = found or weak
    if beginning is None:
        return bool(_NOTES_AWAY.match(subject) or _MACHINE_AT_END.search(subject)) and _is_away(text)
    rest = subject[beginning.end() :]
    separated = bool(_AFTER_MACHINE.match(rest))
    answers = separated and (is_reply or bool(_REPLY_PREFIX.match(rest)))
    complains = not answers and bool(_COMPLAINS.search(_ABSENT.sub(" ", rest)))
    if _is_away(text) or _RECEIPT.search(text):
        return answers or not (_ASKS.search(text) or (complains and not separated))
    if weak or complains or not (separated or _TO_YOUR_MAIL.match(rest)):
        return False
    return answers or not (_ASKS.search(text) or _COMPLAINS.search(_ABSENT.sub(" ", text)))


def _is_away(text: str) -> bool:
    """Whether a sentence that is no question says that its author is away."""
    return any(_AWAY.search(one) and not one.endswith("?") for one in _SENTENCE_END.split(text))


_SENTENCE_END: Final = re.compile(r"(?<=[!?])\s|(?<=[^\d\s]\.)\s")
"""The end of a sentence, and not that of a date such as 12.01."""

_DAEMONS: Final = frozenset({"mailerdaemon", "maildaemon", "mailerdemon", "maildeliverysubsystem", "doublebounce"})
_DAEMON_LIKE: Final = frozenset(
    {"postmaster", "mdaemon", "maildelivery", "maildeliverysystem", "bounce", "bounces", "daemon", "mailer", "smtp",
     "mailsystem"}
)  # fmt: skip
_DAEMON_NAMES: Final = re.compile(
    _any_of(
        (
            "mail delivery system", "mail delivery subsystem", "mail delivery service", "mailer-daemon",
            "mailer daemon", "mail system", "mail administrator", "postmaster", "microsoft outlook",
            "internet mail delivery", "система доставки почты", "служба доставки почты", "почтовая система",
            "система доставки пошти", "mailzustellsystem", "mailsystem", "sistema de correo", "sistema de entrega",
            "système de messagerie", "sistema de e-mail",
        )
    )
)  # fmt: skip
_MACHINE_ACCOUNTS: Final = frozenset(
    {"autoreply", "autoresponder", "autoresponse", "autoanswer", "autoantwort", "autoresposta", "autorespuesta",
     "avtootvet", "autoreponse"}
)  # fmt: skip

_UNDELIVERED: Final = _compile(
    r"\b(?:undeliver\w*|undelivered|returned mail|returned to sender|mail delivery (?:failed|failure|problem|report)"
    r"|delivery (?:status|has failed|failed|failure|failures|problem|report|delayed|incomplete|notification)"
    r"|failure notice|delivery to the following|(?:could|can) ?not be (?:delivered|sent|reached)|couldn't be delivered"
    r"|wasn't able to deliver|unable to (?:deliver|send)|was not delivered|non-?delivery"
    r"|message (?:blocked|delayed|expired)"
    r"|unzustellbar\w*|nicht zustellbar|nicht zugestellt|zustell(?:ung|ungs)\w*|konnte nicht .{0,60}zugestellt"
    r"|rucklaufer"
    r"|no se (?:puede|pudo|ha podido) (?:entregar|enviar)|no (?:entregado|entregable|pudo entregarse)|devuelto"
    r"|error de entrega|fallo (?:de|en la) entrega|entrega fallida|notificacion de estado"
    r"|nao (?:foi|pode|pode ser|pode[- ]se) .{0,30}(?:entregue|entregar)|nao (?:entregue|e possivel entregar)"
    r"|(?:falha|erro) (?:na|de) entrega|devolvid[ao]|notificacao de (?:status|estado)"
    r"|non (?:remis|delivre|distribue|remise)|n'a (?:pas )?pu etre|echec de (?:la )?(?:remise|distribution|livraison)"
    r"|non remise?|message non delivre|courrier non"
    r"|не (?:доставлен\w*|может быть доставлен\w*|удалось доставить|удается доставить)|недоставлен\w*|недоставк\w*"
    r"|возврат (?:письма|почты)|доставка .{0,30}не (?:удалась|выполнена)|сбои доставки|ошибка доставки"
    r"|отчет о (?:не)?доставке|не (?:вдалося|вдаеться|може бути|було) достав\w*|не доставлено|помилка доставки"
    r"|недоставлен\w*|звіт про (?:не)?доставку|повернення листа)(?!\w)"
    r"|\b[45]\.\d{1,3}\.\d{1,3}\b|\bdiagnostic-code|\breporting-mta|\bfinal-recipient|\bsmtp;? ?(?:error|[45]\d\d)"
)


_YOUR_MESSAGE: Final = _compile(
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
    if account and account not in _DAEMON_LIKE and not _DAEMON_NAMES.fullmatch(fold_text(name)):
        return False
    subject, text = fold_text(subject), fold_text(text)
    if _UNDELIVERED.search(subject) and not _REPLY_PREFIX.match(subject):
        return True
    return bool(_YOUR_MESSAGE.search(text) and _UNDELIVERED.search(text))


def is_machine_account(address: str) -> bool:
    """Whether the address is that of an answering machine by its name, such as autoreply@.

    >>> is_machine_account("auto-reply@example.org"), is_machine_account("ann@example.org")
    (True, False)
    """
    return re.sub(r"[\W_\d]", "", fold_text(address.partition("@")[0])) in _MACHINE_ACCOUNTS
