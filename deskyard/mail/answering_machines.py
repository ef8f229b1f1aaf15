"""Recognises answering machines that bear none of the headers made for them, by sender, subject and text.

Phrases are those of common mail programs in English, Russian, German, Spanish, Portuguese, Ukrainian and French. A
subject that begins like an automatic answer is not enough: people write about automatic answers, too. So a subject that
asks or complains, a text that does and does not say that its author is away, and one that speaks of an automatic answer
as of a thing, are a person's. In doubt it is one.
"""

import re
from typing import Final

from deskyard.mail.folded_text import any_of, compile_folded, fold_text

_ABSENCE_SUBJECTS: Final = (
    "ooo", "away", "away from the office", "abwesenheit", "abwesend", "nicht im büro", "außer haus",
    "bin außer haus", "nicht im haus", "ausente", "ausente de la oficina", "fora da empresa", "ausência temporária",
    "ausente do escritório", "ausencia", "ausência", "absence", "absent", "absente", "absence du bureau",
    "absent du bureau", "absente du bureau", "absent(e) du bureau", "hors du bureau", "en dehors du bureau",
    "вне офиса", "нет на месте", "нет на рабочем месте", "нет в офисе", "отсутствие на рабочем месте",
    "отсутствую на рабочем месте", "поза офісом", "немає на місці", "немає на робочому місці", "немає в офісі",
    "відсутність на робочому місці", "відсутній на робочому місці", "отсутствую", "отсутствует на рабочем месте",
    "відсутній", "відсутня", "не в офисе", "не в офісі",
)  # fmt: skip
"""Beginnings of subjects that people write as well: here the text has to say that its author is away."""

_LEAVE_SUBJECTS: Final = (
    "vacation", "on vacation", "on holiday", "holiday", "on leave", "annual leave", "on annual leave",
    "parental leave", "maternity leave", "on parental leave", "on maternity leave", "on sick leave",
    "business trip", "on a business trip", "urlaub", "im urlaub", "elternzeit", "in elternzeit", "auf dienstreise",
    "vacaciones", "de vacaciones", "de baja", "férias", "de férias", "em férias", "congés", "en congés", "en congé",
    "en vacances", "en déplacement", "отпуск", "в отпуске", "в командировке", "на больничном", "відпустка",
    "у відпустці", "в відпустці", "у відрядженні", "на лікарняному",
)  # fmt: skip
"""Beginnings of subjects with which people ask for something on account of their leave: here the mail has to answer
another one, or the text to say when its author reads again, or whom to ask."""

_RECEIPT_SUBJECTS: Final = (
    "eingangsbestätigung", "confirmation of receipt", "acknowledgement of receipt", "acuse de recibo",
    "accusé de réception", "confirmação de receção", "confirmação de recebimento", "подтверждение получения",
    "підтвердження отримання",
)  # fmt: skip
"""Beginnings of subjects of acknowledgements: here the text has to say that a machine wrote it."""

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
    "réponse automatique", "réponse d'absence", "répondeur automatique", "réponse automatisée", "message d'absence",
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
    r"\s*(?:$|[:|(\[,;.]|[-–—]|\s(?:until|till|from|bis|ab|vom|до|с|з|від|hasta|jusqu|ate|desde|du|au)\b)"
)
_PREFIX: Final = r"[\W_]{0,4}(?:auto(?:matic)?[:\s]\s*)?"
_I_AM: Final = r"(?:i am |i'm |ich bin |estoy |estou |je suis |я )?"
_MACHINE: Final = re.compile(rf"{_PREFIX}(?:{any_of(_MACHINE_SUBJECTS)})(?!\w)")
_OFFICE: Final = ("out of the office", "out of office")
_ABSENCE: Final = re.compile(
    rf"{_PREFIX}{_I_AM}(?:{any_of(_ABSENCE_SUBJECTS)})(?!\w)|{_PREFIX}(?:i am |i'm )(?:{any_of(_OFFICE)})(?!\w)"
    # Notes writes "Ann Miller is out of the office".
    r"|[^:?]{1,60} (?:is (?:out of (?:the )?office|away)|ist (?:ausser haus|nicht im (?:haus|buro)|abwesend|im urlaub)"
    r"|esta (?:fuera de la oficina|fora do escritorio|ausente)|est absente?(?: du bureau)?"
    r"|отсутствует на рабочем месте|відсутн\w+ на робочому місці)(?!\w)"
)
_LEAVE: Final = re.compile(rf"{_PREFIX}{_I_AM}(?:{any_of(_LEAVE_SUBJECTS)})(?!\w)")
_ACKNOWLEDGES: Final = re.compile(rf"{_PREFIX}(?:{any_of(_RECEIPT_SUBJECTS)})")
_MACHINE_AT_END: Final = re.compile(rf"[\[(](?:{any_of(_MACHINE_SUBJECTS)})[\])]$")
_AFTER_MACHINE: Final = re.compile(_SEPARATOR)
_TO_YOUR_MAIL: Final = compile_folded(
    r"\s*(?:to|auf|a|en|na|на|an|sur)\s+(?:your|ihre?|deine?|sua?|tu|la sua|votre|ваше?|вашого|ваш)\b"
)
_NOTES_AWAY: Final = compile_folded(rf"auto\s?:.{{0,200}}\b(?:{any_of(_MACHINE_SUBJECTS)})(?!\w)")
REPLY_PREFIX: Final = compile_folded(
    r"[\W_]*(?:re|aw|fw|fwd|wg|sv|vs|res|rv|tr|enc|ref|rif|antw|отв|ответ|на|відп|ha|odp)\s?(?:\[\d+\])?:"
)

_AWAY: Final = compile_folded(
    # English
    r"\b(?:i am|i'm|i will be|i'll be|i shall be|we are|we will be|am|be)\b.{0,40}\b(?:out of (?:the )?office|ooo|away"
    r"|on (?:[a-z]+ )?leave|on pto|on (?:an? )?(?:vacation|holiday|holidays|business trip)|absent|not in the office"
    r"|unavailable|travell?ing|returning|return (?:on|to)|back (?:in|on|at))\b"
    r"|\bout of (?:the )?office\b.{0,40}\b(?:until|till|from|through|returning|and (?:will|have))\b"
    r"|\blimited access to (?:my )?(?:e-?mails?|mail)|\bupon my return\b|\bwhen i(?:'m| am)? (?:return|back|get back)\b"
    r"|\bno longer (?:with|at|working|work|employed|part)\b"
    # German
    r"|\b(?:bin|sind|befinde)\b.{0,60}\b(?:nicht im (?:haus|hause|buro|dienst)|ausser haus|ausser hause|abwesend"
    r"|im urlaub|auf dienstreise|nicht erreichbar|nicht da|in elternzeit|erkrankt|wieder (?:im|fur|erreichbar|da|ab))\b"
    r"|\bnicht (?:mehr )?im buro sein\b|\bnicht mehr (?:bei|fur|im unternehmen|in der firma)\b"
    r"|\bwahrend meiner abwesenheit|\bnach meiner ruckkehr|\bwird nicht weitergeleitet"
    # Spanish
    r"|\b(?:estoy|estare|encuentro|encontrare|estamos|estaremos)\b.{0,60}\b(?:fuera|ausente|de vacaciones|de baja"
    r"|de viaje|sin acceso)\b|\bno (?:estoy|estare) en (?:la|mi) oficina\b|\bya no (?:trabajo|formo)\b"
    r"|\ba mi (?:regreso|vuelta)\b|\bdurante mi ausencia"
    # Portuguese
    r"|\b(?:estou|estarei|encontro-me|encontrar-me-ei|estamos|estaremos)\b.{0,60}\b(?:fora|ausente|de ferias|em ferias"
    r"|em viagem|de licenca|sem acesso)\b|\bnao (?:estou|estarei) no escritorio\b"
    r"|\bja nao (?:trabalho|faco)\b|\bnao trabalho mais\b|\b(?:meu regresso|meu retorno|minha volta)\b"
    r"|\bdurante (?:a )?minha ausencia"
    # French
    r"|\b(?:suis|serai|sommes|serons)\b.{0,60}\b(?:absente?s?|en conges?|en vacances|en deplacement|hors du bureau"
    r"|de retour|indisponibles?|en arret)\b|\bactuellement en conges?\b|\bne (?:fais|travaille) plus\b"
    r"|\ba mon retour\b|\b(?:pendant|durant) mon absence"
    # Russian
    r"|\b(?:нахожусь|буду|отсутствую|вернусь|я)\b.{0,40}\b(?:в отпуске|в командировке|на больничном|на месте|вне офиса"
    r"|не в офисе|в офисе|отсутств\w+|недоступ\w+|на рабочем месте|из отпуска)\b|\bбольше не работаю\b"
    r"|\bнахожусь в (?:отпуске|командировке)\b"
    r"|\b(?:меня|нас)\b.{0,30}\b(?:нет|не будет)\b|^нет (?:на (?:месте|рабочем месте)|в офисе)|^отсутствую\b"
    r"|\bпосле (?:моего )?возвращения|\bпо возвращении|\bво? время (?:моего )?отсутствия|\bв мое отсутствие"
    # Ukrainian
    r"|\b(?:перебуваю|буду|відсутн\w+|повернуся|я)\b.{0,40}\b(?:[ув] відпустці|[ув] відрядженні|на лікарняному|на місці"
    r"|поза офісом|в офісі|на робочому місці|з відпустки)\b"
    r"|\b(?:мене|нас)\b.{0,30}\b(?:немає|не буде)\b|^немає (?:на (?:місці|робочому місці)|в офісі)"
    r"|\bбільше не працюю\b|\bпісля (?:мого )?повернення|\bза моєї відсутності"
)
"""Somebody says that they are away."""

_AUTOMATIC: Final = compile_folded(
    r"\bthis is an? (?:auto\w*|system)[ -](?:generated )?(?:message|reply|response|e-?mail|notification|confirmation)"
    r"|\bautomatically generated (?:message|reply|response|e-?mail|notification|confirmation)|\bdo not reply to this"
    r"|\b(?:dies|das) ist eine automati\w+ (?:\w+ )?(?:nachricht|e-?mail|antwort|mail|bestatigung)"
    r"|\bdiese (?:nachricht|e-?mail|mail) (?:wurde|ist) automatisch"
    r"|\bes un (?:mensaje|correo) automatico|\bes una respuesta automatica"
    r"|\beste (?:mensaje|correo).{0,20} (?:generado|enviado) automaticamente"
    r"|\be uma (?:mensagem|resposta) automatica|\besta (?:mensagem|resposta).{0,20} (?:gerada|enviada) automaticamente"
    r"|\best (?:un|une) (?:message|reponse) automatique"
    r"|\bce (?:message|courriel|mail|e-?mail) (?:est|a ete) (?:genere|envoye) automatiquement"
    r"|\bэто автоматическ\w+ (?:сообщение|уведомление|письмо|ответ)|\bне отвечайте на это"
    r"|\b(?:письмо|сообщение|уведомление) (?:создано|сформировано|отправлено) автоматически"
    r"|\bце автоматичн\w+ (?:повідомлення|лист|відповідь)"
    r"|\b(?:лист|повідомлення) (?:створено|сформовано|надіслано) автоматично"
)
"""A text says that a machine wrote it."""

_RECEIPT: Final = compile_folded(
    r"\bthank(?: you|s) for (?:your (?:e-?mail|message|mail|request|inquiry|enquiry|interest)|contacting|writing"
    r"|reaching)"
    r"|\bwe (?:have )?received your|\byour (?:e-?mail|message|request|mail) (?:has been|was) received"
    r"|\bdanke (?:schon )?fur (?:ihre|deine)|\bdank fur (?:ihre|deine)|\bhaben ihre .{0,40}erhalten"
    r"|\bist bei uns eingegangen"
    r"|\bgracias por (?:su|tu|contactar|escribir|ponerse)|\bhemos recibido su"
    r"|\bobrigad[oa] (?:pel[oa]|por) |\brecebemos (?:a |o )?(?:sua|seu)"
    r"|\bmerci (?:de|pour) (?:votre|nous)|\bavons bien recu"
    r"|\bспасибо за (?:ваш|письмо|обращение|сообщение|запрос)|\bблагодарим (?:вас )?за"
    r"|\bваш[еа]? (?:письмо|сообщение|обращение|запрос|заявка) (?:получен|принят|зарегистр)"
    r"|\bмы получили ваш|\bваш(?: лист|е звернення| запит) (?:отриман|зареєстр|прийнят)|\bдякуємо за|\bдякую за"
    r"|\bми отримали ваш"
)
"""A machine acknowledges a mail."""

_BELONGS_TO_NOTE: Final = compile_folded(
    r"\burgen|\bback\b|\b(?:return|reply|respond|get back)|\b(?:limited|no) access to (?:my )?e-?mail|\bcontact\b"
    r"|\byour (?:e-?mail|message|mail)|\bdringend|\bvertret|\bwieder (?:da|erreichbar|im)|\bzuruck\b"
    r"|\bkeine (?:e-?)?mails"
    r"|\bnicht weitergeleitet|\bihre (?:e-?mail|nachricht|anfrage)|\bvolver|\bregres|\bretorn|\bvolt(?:o|arei)\b"
    r"|\bsu correo"
    r"|\bsua mensagem|\bresponder|\brevien|\brepond|\bde retour|\bconsulterai|\bvotre (?:message|mail)"
    r"|\bсрочн\w+ вопрос"
    r"|\bзамеща|\bвернусь|\bотвечу|\bпочту не читаю|\bдоступ к почте|\bваш[еу]? (?:письмо|сообщение)"
    r"|\bтермінов\w+ питан"
    r"|\bзаміщ|\bповернус|\bвідповім|\bваш лист|\bзвертайтесь|\bобращайтесь"
    r"|^(?:hello|hi|dear|guten|sehr|hallo|hola|ola|bonjour|добр\w+|здравствуйте|вітаю)\b|\b(?:thank|dank|gracias"
    r"|obrigad|merci"
    r"|спасибо|дякую)"
    r"|\b(?:call|llam(?:a|e|ar)|ligu?(?:e|ar)|appel(?:ez|er)|anrufen)\b|\b(?:antworten sie nicht|n[ao]o? responda"
    r"|не отвечайте|не відповідайте)"
)
"""What else the absent write: when they read again, whom to ask, a greeting."""

_CLOSING: Final = compile_folded(
    r"\b(?:regards|mit freundlichen|viele grusse|saludos|atentamente|cumprimentos|atenciosamente|cordialement"
    r"|с уважением"
    r"|з повагою)\b"
)
_CLAUSE_END: Final = re.compile(
    r"(?<=[^\d\s][.,;:!])\s|\s(?:[-–—]\s)|\s(?:and|but|und|aber|y|e(?!\sum)|et|и|і|та|але|но|а)\s"
)

_ABSENT: Final = compile_folded(
    r"\bnot (?:in (?:the )?office|available|at work)\b"
    r"|\bnicht (?:im (?:haus|hause|buro|dienst)|erreichbar|da|am platz)\b"
    r"|\bно? нет на месте\b|\bнет (?:на (?:месте|рабочем месте)|в офисе)\b|\bне (?:в офисе|на месте|на работе)\b"
    r"|\bнемає (?:на (?:місці|робочому місці)|в офісі)\b|\bне (?:в офісі|на місці)\b|\bno (?:disponible|estoy|estare)\b"
    r"|\bnao (?:disponivel|estou)\b|\bpas (?:disponible|au bureau|present)\b|\bn'est pas\b"
)
"""Words of absence that hold a negation; they are no complaint."""

_COMPLAINS: Final = compile_folded(
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

_ASKS: Final = compile_folded(
    r"\bplease (?:set|turn|switch|enable|disable|fix|check|help|change|update|redirect|add|remove|create|give|grant"
    r"|approve|install|activate|configure)|\bi need\b|\bwe need\b|\bhow (?:do|can) (?:i|we)\b|\bcan you\b"
    r"|\bdo(?:es)?(?: not|n't) (?:work|send|arrive|start)|\bcannot (?:find|set|send|turn)|\bno such\b"
    r"|\bbitte (?:um (?!geduld|verstandnis)|richten (?!sie (?:ihre|sich))|schalten|prufen|tragen|andern|aktivier"
    r"|deaktivier|stellen|legen|helfen)"
    r"|\bbitte .{0,60}(?:einrichten|eintragen|freigeben|umleiten|andern|aktivieren|prufen|ausschalten|abschalten)"
    r"|\bfunktionier\w* nicht|\b(?:wird|werden|lasst) .{0,40}\bnicht (?:gesendet|verschickt|versendet|aktiv|ein|mehr)"
    r"|\bgeht nicht|\bich brauche|\bwie (?:kann|richte|schalte|stelle) ich"
    r"|\bno (?:funciona|se envia|llega)|\bpor favor,? .{0,20}(?:activ|desactiv|cambi|configur|redirig)|\bnecesito\b"
    r"|\bquisiera\b|\bnao (?:funciona|envia|consigo|chega)|\bpor favor,? .{0,20}(?:ativ|desativ|alter|redirecion)"
    r"|\bpreciso de\b|\bgostaria\b|\bne (?:fonctionne|marche|part|s'envoie)|\bn'arrive|\bje voudrais\b|\bj'ai besoin"
    r"|\b(?:merci de|veuillez|pouvez-vous) (?:rediriger|modifier|activer|desactiver|configurer|creer|supprimer|changer)"
    r"|\bпрошу(?! (?:вас )?(?:обращ|писать|звон|направл|адрес|извин|прощ|связ))|\bпомогите\b|(?<!больше )\bне работа\w+"
    r"|\bне приход\w+|\bне отправля\w+|\bне включ\w+|\bнужно (?:включ|настро|сдела|измен|перенаправ|дать)"
    r"|\b(?:включите|настроите|отключите|перенаправьте|измените)\b|(?<!більше )\bне працю\w+|\bне надсила\w+"
    r"|\bдопоможіть\b"
    r"|\bпрошу(?! (?:вас )?(?:зверт|писати|телеф|надсил|вибач))|\b(?:увімкніть|налаштуите|вимкніть)\b"
)
"""Somebody asks for something in the text."""


_ANSWER_NAMES: Final = compile_folded(
    r"(?:(?:automat\w++|auto)[ -]?(?:reply|replies|responses?|answers?|antwort\w*|benachrichtigung\w*)|auto-?respon\w+"
    r"|automated (?:message|notification)s?|(?:out[ -]of[ -](?:the[ -])?office|vacation) (?:reply|replies|messages?"
    r"|notices?|responder)"
    r"|(?:auto)?abwesenheits(?:notiz|nachricht|meldung|assistent)\w*|autoantwort\w*"
    r"|(?:respuestas?|respostas?|mensaje|mensagem) (?:automatic[ao]s?|de ausencia)|autor?respuesta\w*"
    r"|reponses? automatiques?"
    r"|messages? d'absence|автоответ\w*|автоматическ\w+ (?:ответ|сообщени|уведомлени)\w*|автовідповід\w*"
    r"|автоматичн\w+ (?:відповід|повідомлен)\w*)(?!\w)"
)
_OF_ITSELF: Final = re.compile(
    r"(?:^[\W_]{0,4}(?=.{0,60}?[:.*\]])|\b(?:this|is an?|dies\w*|das ist|ist eine?|est[ae]|es una?|isto|e uma|ceci"
    r"|cette"
    r"|c'est|est une?|это\w*|данн\w+|це\w*)\b.{0,25}?)" + _ANSWER_NAMES.pattern
)
"""How an automatic answer names itself."""

_FOR_SOMEBODY: Final = compile_folded(r"\s+(?:for|fur|para|pour|для)\b")
_REPORTS: Final = compile_folded(
    r"\b(?:text|wortlaut|texto|texte|текст)\s?:|\b(?:says|saying|dice|diz|dit|steht|написано|пишет|пише)\b"
)
_QUOTED: Final = re.compile(r"""["“”„«][^"“”„«»]{1,300}["“”»]|(?<!\w)'[^']{1,300}'(?!\w)""")


def is_answering_machine(subject: str, text: str, *, is_reply: bool) -> bool:
    """Whether an answering machine wrote this. `is_reply`: the mail names a message that it answers.

    >>> is_answering_machine("Automatische Antwort: Ihr Anliegen", "Ich bin bis 12.01. nicht im Haus.", is_reply=False)
    True
    >>> is_answering_machine("Automatic replies do not work", "The rule is off since Monday.", is_reply=False)
    False
    """
    subject, text = fold_text(subject), fold_text(text)
    machine, absence, leave = (one.match(subject) for one in (_MACHINE, _ABSENCE, _LEAVE))
    beginning = machine or absence or leave
    if beginning is None:
        if _ACKNOWLEDGES.match(subject) or _RECEIPT.search(subject):
            return _is_note(text, _AUTOMATIC)
        return bool(_NOTES_AWAY.match(subject) or _MACHINE_AT_END.search(subject)) and _is_away(text)
    rest = subject[beginning.end() :]
    answers_another = bool(REPLY_PREFIX.match(rest))
    separated = answers_another or bool(_AFTER_MACHINE.match(rest))
    if machine and separated and (answers_another or is_reply):
        return True
    if machine is None:
        return _is_away(text) if answers_another else separated and _is_note(text, _AWAY)
    if _FOR_SOMEBODY.match(rest) or _is_about_answers(text) or _ASKS.search(text):
        return False
    complains = bool(_COMPLAINS.search(_ABSENT.sub(" ", rest)) or _COMPLAINS.search(_ABSENT.sub(" ", text)))
    expected = separated or bool(_TO_YOUR_MAIL.match(rest))
    if not (_is_away(text) or _AUTOMATIC.search(text) or _RECEIPT.search(text)):
        return expected and not complains
    if rest.strip(" .!"):
        return expected or not complains
    return not any(_COMPLAINS.search(_ABSENT.sub(" ", one)) for one in _strange_clauses(text))


def _is_note(text: str, mark: re.Pattern[str]) -> bool:
    """Whether a text bears the mark of an automatic answer, and says nothing that does not belong to one."""
    if "?" in text or _ASKS.search(text) or _is_about_answers(text):
        return False
    return bool(mark.search(_QUOTED.sub(" ", text))) and not _strange_clauses(text)


def _strange_clauses(text: str) -> list[str]:
    """What a text says besides what belongs to a note of absence or an acknowledgement."""
    clauses = _CLAUSE_END.split(_CLOSING.split(_QUOTED.sub(" ", text))[0])
    known = (_AWAY, _BELONGS_TO_NOTE, _AUTOMATIC, _RECEIPT)
    return [one for one in clauses if len(one.split()) > 1 and not any(each.search(one) for each in known)]


def _is_about_answers(text: str) -> bool:
    """Whether a text speaks of an automatic answer, and not of itself as one, or tells what one says."""
    return bool(_ANSWER_NAMES.search(_OF_ITSELF.sub(" ", text)) or _REPORTS.search(text))


def _is_away(text: str) -> bool:
    """Whether a sentence that is no question says that its author is away; what is quoted is not read."""
    return any(_AWAY.search(one) and not one.endswith("?") for one in _SENTENCE_END.split(_QUOTED.sub(" ", text)))


_SENTENCE_END: Final = re.compile(r"(?<=[!?])\s|(?<=[^\d\s]\.)\s")
"""The end of a sentence, and not that of a date such as 12.01."""

_MACHINE_ACCOUNTS: Final = frozenset(
    {"autoreply", "autoresponder", "autoresponse", "autoanswer", "autoantwort", "autoresposta", "autorespuesta",
     "avtootvet", "autoreponse"}
)  # fmt: skip


def is_machine_account(address: str) -> bool:
    """Whether the address is that of an answering machine by its name, such as autoreply@.

    >>> is_machine_account("auto-reply@example.org"), is_machine_account("ann@example.org")
    (True, False)
    """
    return re.sub(r"[\W_\d]", "", fold_text(address.partition("@")[0])) in _MACHINE_ACCOUNTS
