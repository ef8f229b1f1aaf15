"""Recognises cells that name no label: NULL, N/A, "-", "(blank)", «Не указано», "Sin asignar" and their like.

A cell is compared as a whole, without case, accents and the marks around it, so "None of the above" is a label. It
means nothing if it has no letter or digit, is a word for nothing, a negated participle ("not assigned"), a negated noun
("no queue"), or an invitation to choose ("-- Select --"), in English, Russian, German, Spanish, Portuguese, Ukrainian,
French or Italian. A word that may also be a label (NA is a region) is judged by the labels beside it.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from deskyard.domain.label_spelling import normalise_label

MAX_LENGTH: Final = 60
"""Characters; a longer cell is a label."""

MIN_TICKETS: Final = 5
"""Tickets that an ambiguous word needs to be kept as a label."""


def _fold(text: str) -> str:
    """Casefolded text without accents and punctuation; й becomes и, ё becomes е."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in plain).split())


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _folded(words: str) -> frozenset[str]:
    return frozenset(map(_fold, words.split()))


_WORDS: Final = _folded(
    """null nil none nan nat dbnull sysmis undefined unset unassigned unspecified unknown unallocated uncategorized
    uncategorised unclassified undetermined undecided blank empty nobody tbd tba tbc novalue isnull noone
    нет пусто пустое пустой никто ничего ничто уточняется
    leer kein keine keiner keines keinen nichts niemand ohne entfallt unbekannt unbekannte unbekannter undefiniert
    unzugewiesen unzugeordnet unbestimmt unspezifiziert unkategorisiert unklassifiziert fehlt
    ninguno ninguna ningun nadie nada vacio vacia desconocido desconocida nulo nula indefinido indefinida
    nenhum nenhuma ninguem vazio vazia desconhecido desconhecida
    aucun aucune vide rien neant inconnu inconnue nul nulle indefini indefinie indetermine indeterminee
    немає нема порожньо порожнє порожній ніхто нічого
    nessuno nessuna vuoto vuota sconosciuto sconosciuta
    false na ø"""
)
"""Words that mean nothing where they are the whole cell; «Отсутствует» is not among them, as a real history has it as a
class."""

_ABBREVIATIONS: Final = _split(
    r"""n/a n\a n.a. n.a n/d n.d. n.d н/д н\д н.д. н.д б/д н/п n/i k.a. k.a k/a o.a. n.v. n.v n/v s/d s/i s/o s.o. n.c.
    n/c n/k t.b.d. t.b.c. #n/a #n/d #nv #н/д #null \n \\n pd.na"""
)
"""Spellings whose marks count: ND and NV are states, n/d and #NV mean nothing."""

_SPREADSHEET_ERROR: Final = re.compile(r"#[^\W\d_¡!?/]{2,10}[!?]|#¡[^\W\d_]{2,10}[!?]|#\w{3}/0!")
"""#REF!, #ЗНАЧ!, #¡VALOR!, #NAME?, #DIV/0!"""

_NEGATED: Final = re.compile(
    r"(?:not|none|nothing|yet to be|to be) (?:assigned|set|specified|defined|selected|chosen|entered|provided"
    r"|available|applicable|given|determined|known|filled(?: in)?|stated|categori[sz]ed|classified|allocated"
    r"|recorded|supplied|indicated|decided|confirmed|announced)"
    r"|(?:pending|awaiting) (?:assignment|allocation|categori[sz]ation|classification)"
    r"|missing value|not a number|nobody in particular|no one|no value"
    r"|не ?(?:указан|задан|назначен|определен|выбран|заполнен|установлен|присвоен|распределен|классифицирован"
    r"|категоризирован|введен|закреплен|проставлен|привязан|известн|применим)(?:н?(?:о|а|ы|ыи|ая|ое|ые))?"
    r"|не (?:опр|опред|назн|указ|выбр|зад|уст|распр|применяется)|(?:ожидает|ждет) (?:назначения|распределения)"
    r"|не (?:визн|призн|вказ|застосовується)|очікує (?:призначення|розподілу)"
    r"|не ?(?:вказан|задан|призначен|визначен|обран|вибран|заповнен|встановлен|присвоен|розподілен|класифікован"
    r"|введен|відом|застосовн)(?:о|а|е|і|ии)?"
    r"|nicht (?:zugewiesen|zugeordnet|zugeteilt|angegeben|gesetzt|definiert|festgelegt|ausgewahlt|gewahlt"
    r"|bekannt|verfugbar|vorhanden|zutreffend|anwendbar|vergeben|bestimmt|ausgefullt|klassifiziert"
    r"|kategorisiert|spezifiziert|erfasst|eingetragen)(?:e[rsn]?)?|trifft nicht zu|wartet auf (?:zuweisung|zuordnung)"
    r"|sin (?:asignar|asignacion|especificar|definir|clasificar|categorizar|determinar|seleccionar|indicar"
    r"|establecer|rellenar)|(?:por|a|pendiente) (?:asignar|asignacion|definir|determinar|clasificar)|en blanco"
    r"|no (?:aplica|consta|procede)"
    r"|no hay datos|no (?:asignad|especificad|definid|indicad|seleccionad|clasificad|establecid|informad"
    r"|determinad|categorizad|conocid|disponible|aplicable)[oa]?s?"
    r"|nao (?:atribuid|informad|especificad|definid|indicad|selecionad|classificad|preenchid|determinad|designad"
    r"|categorizad|alocad|identificad|disponivel|aplicavel|se aplica)[oa]?s?|(?:por|a) atribuir|em branco"
    r"|(?:aguardando|pendente) (?:atribuicao|classificacao)"
    r"|(?:non|pas) (?:assigne|attribue|affecte|defini|renseigne|specifie|precise|indique|selectionne|classe"
    r"|categorise|determine|disponible|applicable|communique|connu|saisi|fourni|choisi|rempli|qualifie)e?s?"
    r"|a (?:affecter|attribuer|determiner|preciser|renseigner|completer|classer|qualifier)|sans objet"
    r"|en attente (?:affectation|attribution)"
    r"|non (?:assegnat|specificat|definit|impostat|selezionat|classificat|disponibil|applicabil)[oaie]"
)
"""A negation with the participle of filling in a field; folded."""

_NEGATIONS: Final = _folded(
    """no without none нет без отсутствует kein keine keinen ohne sin ningun ninguna sem nenhum nenhuma sans pas aucun
    aucune немає нема nessun nessuna senza"""
)
"""Negations of the nouns below."""

_NOUNS: Final = _folded(
    """queue group team category subcategory priority assignee agent owner department type label tag class value data
    field option entry selection assignment info information
    очередь очереди группа группы категория категории категорию подкатегории приоритет приоритета исполнитель
    исполнителя ответственныи ответственного владельца отдел отдела подразделения тип типа тега метки метка значение
    значения данных данные команда команды класса классификации назначения информации поле
    черга черги черзі чергу група групи групу категорія категорії категорію пріоритет пріоритету виконавець виконавця
    відповідальнии відповідального відділ відділу типу даних дані мітки класифікації призначення інформації
    warteschlange gruppe kategorie prioritat bearbeiter besitzer zustandiger abteilung typ wert angabe angaben auswahl
    zuordnung zuweisung daten eintrag klasse feld
    cola grupo equipo categoria prioridad responsable agente propietario departamento tipo etiqueta valor dato datos
    informacion asignacion clasificacion definicion
    fila equipe equipa prioridade responsavel atendente dono classe dados informacao atribuicao classificacao definicao
    file groupe categorie priorite agent proprietaire valeur donnee donnees affectation attribution assignation
    classement
    coda gruppo categoria priorita assegnatario"""
)
"""What a column of labels holds: "no queue", "Исполнитель не назначен"."""

_FILLERS: Final = _folded(
    """yet currently still пока еще ще поки noch derzeit aun todavia ainda encore the any de d der die das"""
)
_CHOICE: Final = re.compile(
    r"(?:(?:please|bitte|veuillez|por favor|пожалуиста|будь ласка) )?(?:select|choose|выберите|выбрать|оберіть|виберіть"
    r"|wahlen|auswahlen|seleccione|seleccionar|selecciona|elija|elegir|selecione|selecionar|escolha|escolher"
    r"|selectionner|selectionnez|choisir|choisissez|selezionare|seleziona)"
    r"(?: (?:one|an?|the|your|from|list|option|value|из|списка|значение|вариант|зі|списку|значення|варіант|una?|opcion"
    r"|valor|uma?|opcao|une?|dans|la|liste|valeur|oder|and|sie|bitte))*"
)
_REGIONS: Final = _split("emea apac latam anz mena amer amers noram dach cis apj row nordics benelux asean")
_PLACES: Final = _split("eu us uk sa sea asia europe africa americas america oceania mea cn jp")
_COMPANY: Final[Mapping[str, frozenset[str]]] = {
    "нет": frozenset(["да"]),
    "немає": frozenset(["так", "є"]),
    "false": frozenset(["true"]),
    "unclassified": frozenset(["confidential", "secret", "restricted", "classified", "top secret"]),
}
"""Words that are labels beside one of these."""


_PART_ENDS: Final = re.compile(r"[,;|()\[\]]| [-–—/] ")
"""What stands between words for nothing: "N/A (not applicable)"."""

_MISSING: Final = re.compile(r"\W+missing\W+")
"""Only with marks: a parcel may be missing."""


def means_nothing(cell: str) -> bool:
    """Whether a cell names no label; a word that may also be a label counts as nothing here (see `find_missing`).

    >>> [means_nothing(cell) for cell in ("NULL", "n/a", "(Leer)", "Не назначена", "-- None --", "No queue")]
    [True, True, True, True, True, True]
    >>> [means_nothing(cell) for cell in ("None of the above", "ND", "No signal", "Не работает", "🔥", "Nancy")]
    [False, False, False, False, False, False]
    """
    return len(cell) <= MAX_LENGTH and _means_nothing(cell)


@lru_cache(maxsize=10_000)
def _means_nothing(cell: str) -> bool:
    text = unicodedata.normalize("NFKC", normalise_label(cell)).casefold()
    if not any(c.isalnum() or unicodedata.category(c) == "So" for c in text) or _MISSING.fullmatch(text):
        return True
    if len(parts := [part for part in _PART_ENDS.split(text) if part.strip()]) > 1 and all(map(_means_nothing, parts)):
        return True
    if _ABBREVIATIONS.issuperset(text.split()):
        return True
    compact = "".join(text.split())
    if compact.strip("()<>[]{}\"'`«»“”„:;,-–—") in _ABBREVIATIONS or _SPREADSHEET_ERROR.fullmatch(compact):
        return True
    words = [word for word in _fold(text).split() if word not in _FILLERS]
    phrase = " ".join(words)
    if _NEGATED.fullmatch(phrase) or "".join(words) in _WORDS or (words and all(word in _WORDS for word in words)):
        return True
    if len(words) > 2 and words[0] in _NEGATIONS and _NOUNS.issuperset(words[1:-1]) and _is_negatable(words[-1]):
        return True
    first, last = 0, len(words)
    while first < last and words[first] in _NOUNS:
        first += 1
    while last > first and words[last - 1] in _NOUNS:
        last -= 1
    rest = words[first:last]
    if len(rest) < len(words) and rest:
        if len(rest) == 1 and rest[0] in _NEGATIONS | _WORDS:
            return True
        if _NEGATED.fullmatch(" ".join(rest)):
            return True
    decorated = not text.strip()[0].isalnum() or not text.strip()[-1].isalnum()
    return bool(rest and (phrase not in ("select", "choose") or decorated) and _CHOICE.fullmatch(" ".join(rest)))


def _is_negatable(participle: str) -> bool:
    """Whether a word is a participle of filling in a field: "assigned" in "no agent assigned"."""
    return any(_NEGATED.fullmatch(f"{no} {participle}") for no in ("not", "не", "nicht", "no", "nao", "non"))


def is_ambiguous(word: str) -> bool:
    """Whether a word means nothing in one column and is a label in another.

    >>> is_ambiguous("NA"), is_ambiguous("NULL")
    (True, False)
    """
    return word.casefold() == "na" or word.casefold() in _COMPANY


def find_missing(cells: Mapping[str, int]) -> tuple[frozenset[str], dict[str, str]]:
    """The cells of a column that name no label, and those that are kept as labels although they could: word → another
    label of the column that shows it.

    `cells`: cell → its number of tickets. NA is a label beside other regions or country codes, «нет» beside «да», where
    at least `MIN_TICKETS` tickets have it.

    >>> find_missing({"NA": 90, "EMEA": 80, "APAC": 70, "n/a": 3})
    (frozenset({'n/a'}), {'NA': 'EMEA'})
    >>> find_missing({"NA": 90, "Network": 80, "Payroll": 70})
    (frozenset({'NA'}), {})
    """
    missing = {cell for cell in cells if means_nothing(cell)}
    kept = {}
    others = [cell for cell in cells if cell not in missing]
    for cell in sorted(missing):
        if cells[cell] >= MIN_TICKETS and (companion := _find_companion(cell, others)) is not None:
            kept[cell] = companion
    return frozenset(missing - kept.keys()), kept


def _find_companion(cell: str, others: Iterable[str]) -> str | None:
    """A label beside which an ambiguous word is one itself."""
    if cell.casefold() != "na":
        company = _COMPANY.get(cell.casefold(), frozenset())
        return next((other for other in others if _fold(other[:MAX_LENGTH].casefold()) in company), None)
    firsts = [(other, (_fold(other[:MAX_LENGTH].casefold()).split() or [""])[0]) for other in others]
    region = next((other for other, first in firsts if first in _REGIONS), None)
    if region is not None:
        return region
    places = [other for other, first in firsts if first in _PLACES]
    codes = [other for other in others if len(other) == 2 and other.isalpha() and other.isupper()]
    if len(places) >= 2:
        return places[0]
    return codes[0] if cell.isupper() and len(codes) >= 3 and len(codes) * 2 > len(firsts) else None
