"""Maps a desk's spellings of priorities to low, medium, high and critical.

Words of seven languages are built in; a person's mapping overrides them. Bare numbers mean nothing until the mapping
says which end is urgent (1 is the most urgent in ServiceNow and the least urgent in Znuny). What is not understood is
left out, never guessed. An unknown word beside a number ("1-Особая") is placed by the number where the words beside the
other numbers, or the mapping, show which end is urgent.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal

from deskyard.domain.ticket import PRIORITIES

NumberScale = Literal["", "1-is-urgent", "highest-is-urgent"]
"""Which end of a numeric scale is urgent; "" means unknown."""

_SPELLINGS: Final = {
    "low": """low lowest very low minor trivial planning informational info not urgent non urgent
        низкий самый низкий очень низкий наинизший низший незначительный тривиальный минимальный минорный не срочный
        несрочный не срочно несрочно плановый
        niedrig niedrige niedriger sehr niedrig gering geringfügig sehr gering nicht dringend unwichtig
        baja bajo muy baja muy bajo menor mínima no urgente
        baixa baixo muito baixa muito baixo mais baixa
        низький дуже низький найнижчий незначний тривіальний нетерміновий
        basse bas très basse très bas plus basse plus bas faible très faible mineure mineur triviale non urgente
        pas urgent""",
    "medium": """medium normal major moderate standard regular default average med
        средний нормальный обычный стандартный значительный мажорный умеренный
        mittel mittlere mittlerer standard
        media medio mayor moderada moderado estándar
        média médio moderada padrão
        середній звичайний нормальний стандартний значний помірний
        moyenne moyen normale modérée modéré majeure majeur""",
    "high": """high important elevated severe
        высокий важный повышенный
        hoch hohe hoher wichtig
        alta alto importante
        високий важливий підвищений
        haute haut élevée élevé importante important""",
    "critical": """critical crit urgent very urgent highest very high emergency immediate asap
        критический критичный срочный очень срочный очень высокий самый высокий наивысший высший неотложный аварийный
        экстренный немедленный максимальный чрезвычайный
        kritisch kritische kritischer sehr hoch sehr hohe dringend sehr dringend sofort höchste notfall
        crítica crítico muy alta muy alto urgente inmediata máxima emergencia
        crítica crítico muito alta muito alto mais alta imediata máxima emergência
        критичний терміновий дуже високий найвищий невідкладний аварійний екстрений негайний
        critique urgente très haute très haut plus haute plus haut très élevée très élevé très urgent très urgente
        immédiat immédiate urgence""",
    "blocker": """blocker blocking showstopper блокер блокирующий блокирующая blockierend bloqueante bloqueador
        bloqueadora блокуючий блокувальний bloquant bloquante""",
}  # fmt: skip
_CRITICAL: Final = (
    "critical,crit,критический,критичный,kritisch,kritische,kritischer,crítica,crítico,критичний,critique"
)
_VERY_HIGH: Final = "very high,очень высокий,sehr hoch,muy alta,muito alta,дуже високий,très haute"
_MAJOR: Final = "major,mayor,maior,majeure,majeur"
_MODIFIERS: Final = frozenset({
    "very", "not", "non", "no", "самый", "очень", "не", "sehr", "nicht", "muy", "muito", "mais", "дуже", "très", "plus",
    "pas",
})  # fmt: skip
"""Words that begin a spelling of two words."""

_NOISE: Final = re.compile(
    r"\b(priority|severity|urgency|приоритет|приоритета|срочность|важность|prioritat|dringlichkeit|prioridad|prioridade"
    r"|urgencia|priorite|urgence|gravite|приорітет|пріоритет|level|lvl)\b"
)
_RANK: Final = re.compile(r"(?:p|s|sev|prio|п|р)\s?(\d)")
_SURROUNDING_NUMBER: Final = re.compile(r"^(?:(?:p|s|sev|prio|no)?\s?\d+\s+)|(?:\s+(?:p|s|sev|prio)?\s?\d+)$")
_ENDING: Final = re.compile(r"(?<=[а-я]{3})(?:ыи|ии|ои|ая|яя|ое|ее|ые|ие|іи|а|о|я|і|е)$")
_NUMBER: Final = re.compile(r"\s*[(\[]?([+-]?\d{1,9})(?:[.,]0+)?[)\]]?\s*")
_NUMBERED: Final = re.compile(
    r"\s*[(\[]?(?P<code>№|[^\W\d_]{0,4})\s?(?P<number>\d{1,2})(?P<mark>[\W_]{1,5})(?=[^\W\d_])"
)
"""A number before a word: "1-Особая", "P4 - Low", "(2) medium"."""

_NUMBERED_AT_END: Final = re.compile(
    r"[^\W\d_](?P<mark>\W{1,5})(?P<code>(?:p|s|sev|prio|п|р)?)\s?(?P<number>\d{1,2})[)\]]?\s*$", re.I
)
"""A number after it: "Особая (1)"."""

_RANK_CODES: Final = frozenset(["p", "s", "sev", "prio", "п", "р"])
_BY_RANK: Final = ("critical", "critical", "high", "medium", "low", "low", "low", "low", "low", "low")


def fold_spelling(spelling: str) -> str:
    """A spelling without case, accents, punctuation and inflection, for comparison.

    >>> fold_spelling(" Критическая!"), fold_spelling("Средний") == fold_spelling("среднее"), fold_spelling("Crítica")
    ('критическ', True, 'critica')
    """
    decomposed = unicodedata.normalize("NFKD", spelling[:200]).casefold()
    kept = "".join(" " if not c.isalnum() else c for c in decomposed if not unicodedata.combining(c))
    return " ".join(_ENDING.sub("", word) for word in kept.split())


def _build_levels() -> dict[str, str]:
    table: dict[str, str] = {}
    for level, spellings in _SPELLINGS.items():
        words = spellings.split()
        while words:
            several = words[0] in _MODIFIERS and len(words) > 1
            spelling = " ".join(words[: 2 if several else 1])
            del words[: 2 if several else 1]
            table[fold_spelling(spelling)] = level
    return table


_LEVELS: Final = _build_levels()
_CRITICAL_FOLDED, _VERY_HIGH_FOLDED, _MAJOR_FOLDED = (
    frozenset(map(fold_spelling, words.split(","))) for words in (_CRITICAL, _VERY_HIGH, _MAJOR)
)


def map_spellings(
    spellings: Iterable[str], overrides: Mapping[str, str] | None = None, number_scale: NumberScale = ""
) -> dict[str, str]:
    """Each spelling that is understood → its level (low ... critical); the others are left out.

    `overrides`: spelling → level, or "" to leave it empty on purpose; case, accents and punctuation don't matter.
    Built in: Trivial and Minor are low, Major and Normal medium, Blocker critical; Critical is high where a Blocker
    occurs (so `spellings` must be those of the whole history), else critical; Major is critical beside Very high, as in
    GLPI; urgent is critical; P1, S1, Sev1 are critical, 2 high, 3 medium, 4 and above low; a number beside a word
    counts for nothing ("5 very high", "3 - Moderate").

    Bare numbers need `number_scale`. With "1-is-urgent" 1 is critical, 2 high, 3 medium, 4 and 5 low (a scale that
    begins with 0 begins there); with "highest-is-urgent" the highest number that occurs is critical, and so on down. A
    scale of more than five is cut into four equal parts, and steps of five or more (10, 20, 30) count as one.

    An unknown word beside a number is placed by the number, between the levels of known words beside other numbers, if
    these show which end is urgent; else `number_scale` says it, and P1 is the most urgent of P1, P2, ...

    >>> map_spellings(["Blocker", "Critical", "средняя", "5 very high", "2", "so la la"])
    {'Blocker': 'critical', 'Critical': 'high', 'средняя': 'medium', '5 very high': 'critical'}
    >>> map_spellings(["Critical", "p3", "Горит"], {"горит": "critical"})
    {'Critical': 'critical', 'p3': 'medium', 'Горит': 'critical'}
    >>> map_spellings(["1", "2", "3", "4", "5"], number_scale="1-is-urgent")
    {'1': 'critical', '2': 'high', '3': 'medium', '4': 'low', '5': 'low'}
    >>> map_spellings(["1", "2", "3.0"], number_scale="highest-is-urgent")
    {'1': 'medium', '2': 'high', '3.0': 'critical'}
    >>> map_spellings(["1-Особая", "2-Высокая", "3-Обычная", "4 часа"])
    {'1-Особая': 'critical', '2-Высокая': 'high', '3-Обычная': 'medium'}
    """
    spellings = list(spellings)
    chosen = {fold_spelling(spelling) or spelling.strip(): level for spelling, level in (overrides or {}).items()}
    folded = {spelling: fold_spelling(spelling) for spelling in spellings}
    levels = {spelling: _builtin_level(name) for spelling, name in folded.items()}
    blocked = "blocker" in levels.values()
    stripped = {spelling: _strip_noise(name) for spelling, name in folded.items()}
    above_very_high = not _VERY_HIGH_FOLDED.isdisjoint(stripped.values())
    scale = _number_levels(spellings, number_scale) if number_scale else {}
    out: dict[str, str] = {}
    for spelling in spellings:
        name = folded[spelling]
        level = chosen.get(name or spelling.strip())
        if level is None and (number := parse_bare_number(spelling)) is not None:
            level = chosen.get(str(number), scale.get(number))
        elif level is None:
            level = levels[spelling]
            if blocked and level == "critical" and stripped[spelling] in _CRITICAL_FOLDED:
                level = "high"
            elif above_very_high and stripped[spelling] in _MAJOR_FOLDED:
                level = "critical"
        if level is not None:
            out[spelling] = "critical" if level == "blocker" else level
    out |= _place_numbered(spellings, out, number_scale)
    return {spelling: out[spelling] for spelling in spellings if spelling in out}


def parse_bare_number(spelling: str) -> int | None:
    """The whole number that `spelling` is ("3", "3.0", "(3)", "priority 3"), or None."""
    found = _NUMBER.fullmatch(spelling)
    if not found:
        rest = " ".join(_NOISE.sub(" ", fold_spelling(spelling)).split())
        found = _NUMBER.fullmatch(rest) if rest.isdigit() else None
    return int(found[1]) if found else None


def is_numbered(spelling: str) -> bool:
    """Whether a word stands beside a number.

    >>> is_numbered("1-Особая"), is_numbered("Low (P4)"), is_numbered("3")
    (True, True, False)
    """
    return _match_numbered(spelling) is not None


def _match_numbered(spelling: str) -> re.Match[str] | None:
    return _NUMBERED.match(spelling) or _NUMBERED_AT_END.search(spelling[-20:])


def _strip_noise(name: str) -> str:
    """A folded spelling without numbers around it and without the word priority."""
    return " ".join(_SURROUNDING_NUMBER.sub("", " ".join(_NOISE.sub(" ", name).split())).split())


def _builtin_level(name: str) -> str | None:
    """The level of a folded spelling by the built-in words."""
    if level := _LEVELS.get(name):
        return level
    if level := _LEVELS.get(_strip_noise(name)):
        return level
    rank = _RANK.fullmatch(name)
    return _BY_RANK[int(rank[1])] if rank else None


def _place_numbered(
    spellings: Iterable[str], understood: Mapping[str, str], number_scale: NumberScale
) -> dict[str, str]:
    """The levels of words that are not understood and stand beside a number; spellings of one form go together."""
    forms: dict[tuple[str, str, bool], dict[str, int]] = {}
    for spelling in spellings:
        if found := _match_numbered(spelling):
            form = found["code"].casefold(), found["mark"].strip(), found.re is _NUMBERED
            forms.setdefault(form, {})[spelling] = int(found["number"])
    placed: dict[str, str] = {}
    for (code, _, _), numbers in forms.items():
        known = [
            (number, PRIORITIES.index(understood[spelling]))
            for spelling, number in numbers.items()
            if understood.get(spelling)
        ]
        scale = _infer_scale(known) or number_scale or ("1-is-urgent" if code in _RANK_CODES else "")
        if not scale or len(known) == len(numbers):
            continue
        by_number = _scale_levels(sorted(set(numbers.values())), scale)
        sign = -1 if scale == "1-is-urgent" else 1
        for spelling, number in numbers.items():
            if spelling not in understood:
                level = PRIORITIES.index(by_number[number])
                level = max([level, *(other for at, other in known if sign * at <= sign * number)])
                level = min([level, *(other for at, other in known if sign * at >= sign * number)])
                placed[spelling] = PRIORITIES[level]
    return placed


def _infer_scale(known: Iterable[tuple[int, int]]) -> NumberScale:
    """Which end is urgent by pairs of number and level (0 is low); "" where they do not agree or are too few."""
    ordered = sorted(known)
    steps = [after[1] - before[1] for before, after in pairwise(ordered) if before[0] != after[0]]
    if steps and min(steps) < 0 and max(steps) <= 0:
        return "1-is-urgent"
    return "highest-is-urgent" if steps and max(steps) > 0 and min(steps) >= 0 else ""


def _number_levels(spellings: Iterable[str], number_scale: NumberScale) -> dict[int, str]:
    """Each bare number → its level."""
    known = {number for spelling in spellings if (number := parse_bare_number(spelling)) is not None}
    return _scale_levels(sorted(known), number_scale) if known else {}


def _scale_levels(known: Sequence[int], number_scale: NumberScale) -> dict[int, str]:
    """Each number of a scale (sorted, at least one) → its level."""
    step = math.gcd(*(number - known[0] for number in known))
    step = step if step >= 5 else 1
    first = known[0] if step > 1 or number_scale == "highest-is-urgent" else min(known[0], 1)
    if number_scale == "highest-is-urgent" and step == 1:
        first = min(first, 1)
    width = (known[-1] - first) // step + 1
    levels = tuple(reversed(PRIORITIES))
    out = {}
    for number in known:
        place = (number - first if number_scale == "1-is-urgent" else known[-1] - number) // step
        out[number] = levels[min(place, 3) if width <= 5 else min(place * 4 // width, 3)]
    return out
