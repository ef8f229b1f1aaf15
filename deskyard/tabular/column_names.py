"""Names of ticket columns as help desks export them, in seven languages, and what they mean.

The names are those of Zendesk, Jira, ServiceNow, Freshdesk, HubSpot, GLPI, OTRS and Znuny, Zammad, osTicket and Zoho in
English, Russian, German, Spanish, Portuguese, French and Ukrainian. Whether the cells of a column agree with its name
is checked by `deskyard.history.column_recognition`.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple


class NameStrength(IntEnum):
    """How clearly a name says what its column holds."""

    CONTAINED = 0
    """A word of the name does: "Topic group"."""
    WEAK = 1
    """The name does, if the cells agree: "Date", "Type"."""
    STRONG = 2
    """The name does: "Assignment group"."""


class NameMatch(NamedTuple):
    """What a name may mean: `rank` orders names of the same strength, the most usual first (0)."""

    strength: NameStrength
    rank: int


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_STRONG: Final[dict[str, str]] = {
    "id": "id|ticket id|key|issue key|issue id|number|ticket number|case number|reference|ref|ticket ref|external id|"
    "no|nr|номер|идентификатор|код|ticketnummer|ticketnr|ticket nr|ticketid|issueid|issuekey|vorgangsnummer|nummer|tn|"
    "numero|n ticket|protocolo|identificador|identifiant|ідентифікатор|record id|row id|uuid|guid|sys id|folio|cle|"
    "clave|chave|codigo|ключ|schlussel|vorgangsschlussel|vorgangs id|meldungsnummer|datensatz id|id registro|"
    "id fiche informations|bug id|task id|service record id",
    "created_at": "created at|created|created date|date created|creation date|create date|created time|created on|"
    "creation time|create time|createdat|date time created|created date time|opened|opened at|opened on|"
    "open date|date opened|open time|opening date|submitted|submitted at|submission date|date submitted|reported|"
    "reported at|reported date|date reported|received|received at|received date|date received|registered|"
    "registration date|raised on|date raised|logged|logged at|logged date|sys created on|started at|request time|"
    "создано|создана|создан|дата создания|время создания|дата и время создания|дата регистрации|время регистрации|"
    "дата и время регистрации|зарегистрировано|зарегистрирована|дата поступления|поступило|поступила|дата открытия|"
    "открыто|открыта|дата подачи|дата приема|"
    "erstellt|erstellt am|erstellungsdatum|erstelldatum|erstellungszeit|erstellungszeitpunkt|angelegt|angelegt am|"
    "anlagedatum|eroffnet|eroffnet am|eroffnungsdatum|erfasst am|eingang|eingangsdatum|eingegangen am|gemeldet am|"
    "creado|creado el|creada|fecha creacion|fecha y hora creacion|hora creacion|fecha apertura|fecha registro|"
    "fecha alta|abierto|abierto el|"
    "criado|criado em|criada em|data criacao|data hora criacao|hora criacao|data abertura|data hora abertura|"
    "data registro|aberto|aberto em|"
    "cree|cree le|date creation|date et heure creation|heure creation|date ouverture|ouvert le|date soumission|"
    "date reception|"
    "створено|створена|дата створення|час створення|дата та час створення|дата реєстрації|дата відкриття|відкрито|"
    "зареєстровано|дата надходження",
    "subject": "subject|summary|title|short description|subject line|headline|short summary|ticket name|case title|"
    "bug summary|ticketname|ticket titel|тема|заголовок|краткое описание|краткое содержание|название|betreff|titel|"
    "kurzbeschreibung|zusammenfassung|asunto|titulo|resumen|descripcion breve|breve descripcion|descripcion corta|"
    "assunto|resumo|"
    "descricao breve|descricao curta|descricao resumida|objet|sujet|titre|resume|description courte|"
    "description breve|breve description|intitule|короткий опис|резюме|назва",
    "body": "body|description|detailed description|detailed decription|long description|full description|"
    "problem description|text|full text|body text|text body|plain body|message|message body|message text|content|"
    "contents|details|first message|first comment|initial message|original message|email body|mail body|question|"
    "document|complaint|narrative|utterance|description text|description html|description plain|описание|"
    "подробное описание|полное описание|описание проблемы|текст|текст сообщения|текст письма|текст вопроса|"
    "содержание|содержимое|сообщение|первое сообщение|вопрос|тело|тело письма|суть|жалоба|beschreibung|"
    "ausfuhrliche beschreibung|detailbeschreibung|problembeschreibung|fehlerbeschreibung|nachricht|nachrichtentext|"
    "inhalt|meldung|meldungstext|mitteilung|anliegen|frage|descripcion|descripcion detallada|descripcion problema|"
    "mensaje|cuerpo mensaje|contenido|texto|detalle|detalles|cuerpo|consulta|pregunta|descricao|descricao detalhada|"
    "descricao problema|mensagem|corpo mensagem|conteudo|detalhes|corpo|pergunta|description detaillee|"
    "description probleme|contenu|texte|corps|corps message|опис|детальний опис|докладний опис|опис проблеми|"
    "повідомлення|зміст|вміст|питання|тіло",
    "category": "category|categories|category name|intent|help topic|topic category|problem category|категория|"
    "категории|рубрика|классификатор|классификация|kategorie|categoria|categorie|категорія|hilfethema|tema ayuda|"
    "topico ajuda|rubrique aide|раздел помощи|issue type|issuetype|ticket type|request type|type name|tickettyp|"
    "itilcategories id|vorgangstyp|meldungsart|тип заявки|тип задачи|вид обращения|тип обращения|тип звернення|"
    "tipo chamado|tipo solicitud|type demande|tracker|трекер",
    "priority": "priority|priority name|priority level|приоритет|prioritat|prioridad|prioridade|priorite|пріоритет|"
    "urgency|severity|важность|срочность|критичность|dringlichkeit|schweregrad|urgencia|gravedad|severidade|urgence|"
    "criticite|терміновість|важливість",
    "queue": "queue|queue name|assignment group|assigned group|assigned to group|assignee group|support group|"
    "resolver group|owner group|technician group|assigned to technician group|ticket group|group|group name|"
    "assigned team|assigned to team|assignee team|team assigned|team currently assigned|group assignee|"
    "team assignee id|owner team|owned by team|admin group|support team|team|team name|department|department name|"
    "assigned department|очередь|группа|группа исполнителей|группа назначения|рабочая группа|группа поддержки|"
    "ответственная группа|исполняющая группа|группа ответственных|ответственная команда|ответственный команда|"
    "группа специалистов|команда|отдел|подразделение|департамент|warteschlange|gruppe|zugewiesene gruppe|"
    "zuweisungsgruppe|zustandige gruppe|bearbeitergruppe|supportgruppe|technikergruppe|zugewiesen an technikergruppe|"
    "abteilung|cola|grupo|grupo asignado|grupo asignacion|grupo soporte|grupo tecnicos|asignado a grupo tecnicos|"
    "equipo|departamento|fila|grupo atribuido|grupo atribuicao|grupo tecnico|atribuido a grupo tecnico|equipe|equipa|"
    "setor|file|file attente|groupe|groupe assigne|groupe affectation|groupe attribution|groupe techniciens|"
    "attribue a groupe techniciens|departement|черга|група|група призначення|група виконавців|відповідальна група|"
    "відділ|підрозділ|component s|components|component|компоненты|компонент|komponenten|komponente|componentes|"
    "componente|composants|composant|компоненти",
    "assignee": "assignee|assignee name|assigned to|assigned agent|agent|agent name|owner|owner name|ticket owner|"
    "assigned staff|agent assigned|technician|assigned to technician|handled by|responsible|assigned user|owned by|"
    "teammate assigned|teammate currently assigned|agent full name|tech|исполнитель|исполнители|ответственный|"
    "ответственный сотрудник|назначен|назначена|назначено|назначено специалист|специалист|владелец|агент|оператор|"
    "bearbeiter|mitarbeiter|zugewiesene person|zustandiger mitarbeiter|zugewiesen an|zugewiesen|zugewiesener agent|"
    "zugewiesen an techniker|besitzer|techniker|verantwortlicher|asignado a|asignado|agente|agente asignado|"
    "persona asignada|especialista|tecnico|asignado a tecnico|responsable|propietario|atribuido a|atribuido|"
    "atribuido tecnico|atribuido a tecnico|responsavel|proprietario|personne assignee|agent nom complet|affecte a|"
    "intervenant|assigne a|assigne|attribue a|attribue a technicien|technicien|proprietaire|виконавець|"
    "відповідальний|призначено|оператор|власник",
    "requester": "requester|requester name|requestor|caller|reporter|customer|customer name|customer user|"
    "contact name|submitter|sender|requestors|author|caller id|caller full name|request user|created by|opened by|"
    "requester email|customer email|customer display name|from|contact|заявитель|инициатор|клиент|имя клиента|"
    "фио заявителя|фио|отправитель|контактное лицо|контакт|автор|постановщик|пользователь|melder|name melders|"
    "kundenname|anfragender|anrufer|autor|anforderer|antragsteller|kunde|kundenbenutzer|absender|solicitante|"
    "informador|cliente|remitente|requerente|relator|remetente|demandeur|demandeur nom complet|rapporteur|appelant|"
    "auteur|client|emetteur|expediteur|заявник|ініціатор|клієнт|відправник",
    "organisation": "organisation|organization|organisation name|organization name|company|company name|account name|"
    "организация|компания|unternehmen|firma|empresa|organizacion|organizacao|entreprise|організація|компанія",
    "channel": "channel|create channel|ticket channel|via|via channel|contact type|contact channel|origin|"
    "case origin|request source|ticket source|channel name|source|канал|источник|способ обращения|kanal|quelle|"
    "herkunft|anfragequelle|canal|origen|origem|canal entrada|fuente|fonte|source demande|джерело",
    "language": "language|locale|язык|sprache|idioma|langue|мова",
    "first_response_at": "first response at|first response|first responded at|first response time|"
    "first response date|first reply at|first replied at|initial response time|дата первого ответа|"
    "время первого ответа|erste antwort|erste antwort am|primera respuesta|fecha primera respuesta|primeira resposta|"
    "data primeira resposta|premiere reponse|date premiere reponse|дата першої відповіді",
    "resolved_at": "resolved at|resolved|resolved date|resolved time|resolution date|date resolved|solved at|solved|"
    "solved date|resolved on|closed at|closed|closed on|closed date|closed time|closed datetime|resolved date time|"
    "close date|close time|date closed|completed at|date time closed|completion date|resolution time|"
    "time to resolution|дата решения|дата и время решения|решено|решена|дата закрытия|время закрытия|закрыто|закрыта|"
    "дата выполнения|фактическое время закрытия|дата завершения фактическая|erledigt|gelost|gelost am|losungsdatum|"
    "geschlossen|geschlossen am|schliessungsdatum|abgeschlossen am|resuelto|resuelta|fecha resolucion|fecha solucion|"
    "cerrado|fecha cierre|resolvido|resolvido em|data resolucao|data solucao|fechado|fechado em|data fechamento|"
    "data fecho|resolu|resolu le|date resolution|date cloture|ferme|ferme le|cloture|clos|дата вирішення|вирішено|"
    "дата закриття|закрито",
}  # fmt: skip
"""Our column → names that say so by themselves, the most usual first; articles and words for "ticket" are left out."""

_WEAK: Final[dict[str, str]] = {
    "id": "ticket|тикет|заявка|chamado|incident|case",
    "created_at": "date|datetime|date time|time|timestamp|дата|время|дата и время|дата время|datum|zeit|zeitstempel|"
    "fecha|fecha y hora|fecha hora|hora|data|data hora|data e hora|date et heure|date heure|час|дата і час|дата та час|"
    "day|start date|date debut|отметка времени|marca temporal|horodateur|позначка часу",
    "subject": "topic|name|theme|тематика|наименование|thema|tema|nom|nombre|nome|issue",
    "body": "request|обращение|запрос|anfrage|demande|solicitud|звернення|problem|проблема|query|input|issue|case|"
    "сообщения|messages|email|letter|письмо",
    "category": "type|тип|вид|typ|art|tipo|service|услуга|сервис|dienst|servicio|servico|послуга|class|класс|label|"
    "topic|тематика|subject|labels|service name|product|продукт|theme|thema|tema",
    "queue": "area|bereich|служба|service desk|project name|project|mailbox|inbox|setor responsavel|division|unit",
}
"""Names that say so only where the cells look like it."""

_CONTAINED: Final[dict[str, str]] = {
    "subject": "subject summary title заголовок betreff kurzbeschreibung asunto assunto sujet titre",
    "created_at": "created creation opened submitted received reported registered создан регистрац поступлен открыт "
    "erstell angelegt eroffn eingang creacion creado apertura criacao criado abertura ouverture cree створен реєстрац "
    "відкрит",
    "body": "description text body message question problem issue описан проблем текст сообщен вопрос обращен "
    "beschreibung nachricht descripcion mensaje consulta descricao mensagem contenu texte опис повідомлен питан",
    "category": "category категор kategorie categoria categorie категорі classif классифик intent",
    "queue": "group team queue department dept mailbox inbox групп очеред отдел подразделен команд gruppe abteilung "
    "grupo equipo cola fila groupe equipe груп черг відділ",
    "priority": "priority приоритет prioritat prioridad prioridade priorite пріоритет",
}
"""Beginnings of words in a longer name."""

_OF_OTHERS: Final = _words(
    "age birth email gender kb last next parent previous product sla status sub tag target state root knowledge база "
    "бз статус состоян последн статус estado letzte subcateg подкатег stat rating satisf"
)
"""Words of names that are about something else, however they go on."""

_PERSONS: Final = _words(
    "agent assignee caller client contact customer member requester teammate user клиент контрагент заявител инициатор "
    "пользовател kunde melder cliente solicitante usuario demandeur utilisateur клієнт заявник користувач"
)
"""Words of names that are about a person, unless the column holds what that person wrote."""

_ANSWERS: Final = _words(
    "answer reply replies response resol solution solv comment note notes work close feedback satisf transcript log "
    "history histor template ответ решен комментар примечан отзыв antwort losung kommentar notiz abschluss respuest "
    "soluc comentar resposta nota reponse commentair note відповід рішен вирішен коментар приміт"
)
"""Beginnings of words in names of columns that were written after the ticket came."""

_OTHER_TIMES: Final = _words(
    "updat modif chang close closed closing resol solv due deadline complet assign reopen birth purchas last first "
    "activ sla view expir import export start end finish обновл измен закры решен срок выполн последн назнач "
    "рожден покуп первы geander geschloss gelost fallig aktualis letzt frist actualiz cerra cierre resuel vencim ultim "
    "modific atualiz fechad fechament resolv prazo mis maj ferm clotur echeance derni оновл змін закрит виріш "
    "останн термін викон "
)

_EXCLUDED: Final = {"created_at": (*_OTHER_TIMES, *_PERSONS), "subject": (*_ANSWERS, *_PERSONS), "body": _ANSWERS}
"""Our column → beginnings of words that a longer name of it does not have."""

_NOUNS: Final = frozenset(
    _words(
        "ticket tickets tkt issue issues case cases incident incidents request requests inquiry conversation bug "
        "item задача задачи заявка заявки заявок обращение обращения обращений тикет тикета запрос запроса инцидент "
        "инцидента звернення запит запиту інцидент інциденту заявці anfrage anfragen vorgang vorgangs storung "
        "demande demandes solicitud solicitudes caso casos incidencia incidencias chamado chamados solicitacao "
        "incidente"
    )
)
_ARTICLES: Final = frozenset(
    _words("the of de del la las el los le les du des d l do da dos das der den dem die das n utc gmt")
)
_WRAPPERS: Final = frozenset(
    _words(
        "fields field attributes properties props data node _source source_ item record result custom_fields "
        "customfields custom requestfieldvalues ticket issue case incident request row value values"
    )
)
_GENERIC_ENDS: Final = frozenset(
    _words("name displayname display_name display_value value label title text login $oid $date $numberlong")
)

_CAMEL: Final = re.compile(r"(?<=[a-zа-яё])(?=[A-ZА-ЯЁ])")
_NOT_WORD: Final = re.compile(r"[\W_]+")
_NUMBERED: Final = re.compile(r"\s\(\d+\)$")
_ACCENT: Final = re.compile(r"(?<=[a-zA-Z])[\u0300-\u036f]+")


def split_name(name: str) -> tuple[str, ...]:
    """The words of a column's name for comparison: lower case, without accents on Latin letters, articles and the
    wrappers of nested names.

    >>> split_name("Date d'ouverture"), split_name("createdAt"), split_name("fields.team.name"), split_name("№ заявки")
    (('date', 'ouverture'), ('created', 'at'), ('team',), ('no', 'заявки'))
    """
    name = _NUMBERED.sub("", name[:200])
    parts = name.split(".") if "." in name.strip(". ") and " " not in name.strip() else [name]
    while len(parts) > 1 and parts[0].casefold() in _WRAPPERS:
        del parts[0]
    while len(parts) > 1 and parts[-1].casefold() in _GENERIC_ENDS:
        del parts[-1]
    text = _CAMEL.sub(" ", unicodedata.normalize("NFKC", " ".join(parts)))
    text = _ACCENT.sub("", unicodedata.normalize("NFKD", text))
    text = unicodedata.normalize("NFC", text).casefold().replace("ё", "е").replace("ß", "ss")
    words = tuple(dict.fromkeys(word for word in _NOT_WORD.split(text) if word))
    if not words and "#" in name:
        words = ("no",)
    return tuple(word for word in words if word not in _ARTICLES) or words


def _without_nouns(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in _NOUNS)


def _by_words(names: Mapping[str, str], vague: Mapping[str, str]) -> dict[tuple[str, ...], list[tuple[str, int]]]:
    found: dict[tuple[str, ...], list[tuple[str, int]]] = {}
    for ours, listed in names.items():
        for rank, name in enumerate(listed.split("|")):
            words = tuple(name.split())
            bare = _without_nouns(words)
            for variant in (words,) if " ".join(bare) in vague.get(ours, "").split("|") else (words, bare):
                if variant and all(ours != known for known, _ in found.get(variant, ())):
                    found.setdefault(variant, []).append((ours, rank))
    return found


_STRONG_BY_WORDS: Final = _by_words(_STRONG, _WEAK)
_WEAK_BY_WORDS: Final = _by_words(_WEAK, {})
_CONTAINED_WORDS: Final = {ours: tuple(words.split()) for ours, words in _CONTAINED.items()}


@lru_cache(4096)
def match_name(name: str) -> dict[str, NameMatch]:
    """What a column of this name may hold: our names, each with how clearly the name says so.

    >>> match_name("Assignment group"), match_name("Дата")
    ({'queue': NameMatch(strength=<NameStrength.STRONG: 2>, rank=2)}, \
{'created_at': NameMatch(strength=<NameStrength.WEAK: 1>, rank=5)})
    >>> sorted(match_name("Topic_group")), match_name("Status")
    (['queue'], {})
    """
    words = split_name(name)
    bare = _without_nouns(words)
    found: dict[str, NameMatch] = {}
    for variant in (words, bare):
        for ours, rank in _STRONG_BY_WORDS.get(variant, ()):
            found.setdefault(ours, NameMatch(NameStrength.STRONG, rank))
    if found:
        return found
    for variant in (words, bare):
        for ours, rank in _WEAK_BY_WORDS.get(variant, ()):
            found.setdefault(ours, NameMatch(NameStrength.WEAK, rank))
    if found or has_beginning(words, _OF_OTHERS):
        return found
    for ours, beginnings in _CONTAINED_WORDS.items():
        if has_beginning(words, beginnings) and not has_beginning(words, _EXCLUDED.get(ours, _PERSONS)):
            found[ours] = NameMatch(NameStrength.CONTAINED, 0)
    return found


def has_beginning(words: Iterable[str], beginnings: Iterable[str]) -> bool:
    """Whether a word begins with one of `beginnings`; those of up to three letters must be whole words."""
    starts = tuple(beginnings)
    return any(word == start or (len(start) > 3 and word.startswith(start)) for word in words for start in starts)


def is_answer_name(name: str) -> bool:
    """Whether a column of this name was written after the ticket came, such as a resolution or a comment.

    >>> is_answer_name("Close notes"), is_answer_name("Ответ сотрудника"), is_answer_name("Description")
    (True, True, False)
    """
    return has_beginning(split_name(name), _ANSWERS)


def is_other_time_name(name: str) -> bool:
    """Whether a column of this name holds the time of something later or else than the ticket's creation.

    >>> is_other_time_name("Last updated"), is_other_time_name("Дата закрытия"), is_other_time_name("Created")
    (True, True, False)
    """
    return has_beginning(split_name(name), _OTHER_TIMES)


def count_known_names(names: Iterable[str]) -> int:
    """How many different columns of ours the first 300 of these names clearly mean, or may mean.

    >>> count_known_names(["Number", "Opened", "Short description", "x"]), count_known_names(["Incident report", ""])
    (3, 0)
    """
    found: set[str] = set()
    for name in islice(names, 300):
        if name and len(name) <= 60:
            matches = match_name(name.strip())
            found.update(ours for ours, match in matches.items() if match.strength > NameStrength.CONTAINED)
    return len(found)
