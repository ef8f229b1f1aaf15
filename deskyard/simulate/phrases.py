"""The phrases of one language, read from phrases/<language>.toml and compiled to templates.

No probability inside a template depends on the scenario, so only *which* template was used is evidence for it (see
`deskyard.simulate.grammar`).
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from deskyard.simulate.rng import Rng

LANGUAGES: Final = ("en", "ru", "de", "es", "uk", "pt")

_TOKEN = re.compile(r"\{(\w+)\}|([\[\]|])|(#+)|([^{}\[\]|#]+)")
_SHARED_SLOTS: Final = frozenset({"app", "folder", "item"})
"""Slots that mean the same thing throughout a ticket (the grammatical cases of a word share an index)."""
_NUMBER_LENGTH: Final = 4
"""A run of four # is the number of the ticket's order, invoice or contract; other runs are drawn each time."""

Choices = dict[str, int]
"""The choices made so far in one ticket: slot → index, and its number."""


@dataclass(frozen=True, slots=True)
class Digits:
    """A whole number of `count` digits that does not begin with 0."""

    count: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One of `options`; with a `name`, the same choice is made throughout a ticket."""

    options: tuple["Template", ...]
    name: str = ""


Part = str | Digits | Choice


class Template:
    """A phrase with choices `[a|b]`, slots `{name}` and digits `#`; `source` is its text in the file.

    >>> Template("Room [one|two]", {}).render(Rng("1"), {}) in ("Room one", "Room two")
    True
    """

    __slots__ = ("parts", "source")

    def __init__(self, source: str, slots: Mapping[str, tuple["Template", ...]]) -> None:
        """Compile the phrase. Raises ValueError for an unbalanced bracket, KeyError for an unknown slot."""
        self.source = source
        tokens = list(_TOKEN.finditer(source))
        if "".join(token.group() for token in tokens) != source:
            raise ValueError(f"can't read the phrase {source!r}")
        self.parts, rest = _parse_sequence(tokens, 0, slots, source)
        if rest != len(tokens):
            raise ValueError(f"a bracket has no partner in {source!r}")

    @classmethod
    def from_parts(cls, source: str, parts: tuple[Part, ...]) -> "Template":
        """A template of compiled parts."""
        template = cls.__new__(cls)
        template.source, template.parts = source, parts
        return template

    def render(self, rng: Rng, choices: Choices) -> str:
        """The phrase as text; the choices made are read from `choices` and added to it."""
        pieces = []
        for part in self.parts:
            if isinstance(part, str):
                pieces.append(part)
            elif isinstance(part, Digits):
                pieces.append(str(_draw_number(part.count, rng, choices)))
            elif part.name:
                index = choices.setdefault(part.name, rng.integer(len(part.options)))
                pieces.append(part.options[index].render(rng, choices))
            else:
                pieces.append(rng.pick(part.options).render(rng, choices))
        return "".join(pieces)


def _draw_number(count: int, rng: Rng, choices: Choices) -> int:
    drawn = 10 ** (count - 1) + rng.integer(9 * 10 ** (count - 1))
    return choices.setdefault("number", drawn) if count == _NUMBER_LENGTH else drawn


def _parse_sequence(
    tokens: list[re.Match[str]], at: int, slots: Mapping[str, tuple[Template, ...]], source: str
) -> tuple[tuple[Part, ...], int]:
    """The parts up to the end, a `|` or a `]`, and the index of the token at which parsing stopped."""
    parts: list[Part] = []
    while at < len(tokens):
        slot, bracket, digits, literal = tokens[at].groups()
        if slot:
            base = slot.split("_", maxsplit=1)[0]
            parts.append(Choice(slots[slot], base if base in _SHARED_SLOTS else ""))
        elif digits:
            parts.append(Digits(len(digits)))
        elif literal:
            parts.append(literal)
        elif bracket == "[":
            options: list[Template] = []
            while True:
                inner, at = _parse_sequence(tokens, at + 1, slots, source)
                options.append(Template.from_parts(source, inner))
                if at >= len(tokens):
                    raise ValueError(f"a bracket has no partner in {source!r}")
                if tokens[at].group() == "]":
                    break
            parts.append(Choice(tuple(options)))
        else:
            break
        at += 1
    return tuple(parts), at


@dataclass(frozen=True, slots=True)
class TopicPhrases:
    """The phrases about one scenario or one group: subjects, symptoms, and details (groups have none)."""

    subjects: tuple[Template, ...]
    symptoms: tuple[Template, ...]
    details: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases of one language: frame phrases by name, urgency by level, topics by scenario and by group."""

    language: str
    frame: Mapping[str, tuple[Template, ...]]
    urgency: Mapping[str, tuple[Template, ...]]
    scenarios: Mapping[str, TopicPhrases]
    groups: Mapping[str, TopicPhrases]
    quote_head: str


@cache
def load_phrases(language: str) -> Phrases:
    """The phrases of `language` (one of LANGUAGES), read once per process.

    >>> len(load_phrases("ru").scenarios) >= 25
    True
    """
    text = files("deskyard.simulate").joinpath("phrases", f"{language}.toml").read_text(encoding="utf-8")
    raw: dict[str, Any] = tomllib.loads(text)
    slots: dict[str, tuple[Template, ...]] = {}
    for name, values in raw["slot"].items():
        slots[name] = tuple(Template(value, {}) for value in values)

    def compiled(values: Iterable[str]) -> tuple[Template, ...]:
        return tuple(Template(value, slots) for value in values)

    def topic(table: Mapping[str, list[str]]) -> TopicPhrases:
        return TopicPhrases(
            compiled(table["subjects"]), compiled(table["symptoms"]), compiled(table.get("details", ()))
        )

    frame = dict(raw["frame"])
    return Phrases(
        language=language,
        quote_head=frame.pop("quote_head"),
        frame={name: compiled(values) for name, values in frame.items()},
        urgency={"none": (), **{level: compiled(values) for level, values in raw["urgency"].items()}},
        scenarios={name: topic(table) for name, table in raw["s"].items()},
        groups={name: topic(table) for name, table in raw["g"].items()},
    )
