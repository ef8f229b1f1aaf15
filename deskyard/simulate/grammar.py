"""Composes stories from phrases, and computes the posterior over scenarios given a story.

The posterior given the words and the product is exact by construction: only the topic phrases, the words of urgency and
the product depend on the scenario, and a topic phrase belongs either to one scenario or to a group of scenarios that
share it. Greetings, context (with its misleading words), requests and closings have the same distribution for all
scenarios and cancel. Misspellings, quoted replies and layout are added later and carry no information.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from deskyard.simulate.labels import product_distribution, product_probability, urgency_distribution
from deskyard.simulate.phrases import Choices, Phrases, Template, load_phrases
from deskyard.simulate.rng import Distribution, Rng
from deskyard.simulate.scenario import SimulatedDesk
from deskyard.simulate.settings import SimulationSettings

VAGUE: Final = "vague"
SPECIFIC: Final = "own"
_UNCLEAR_SHARE: Final = 0.5
"""The share of vague tickets filed as 'needs information'; the rest is filed under the actual issue."""
_DETAIL_SHARE: Final = 0.6
_GENERIC_SUBJECT_SHARE: Final = 0.12


@dataclass(frozen=True, slots=True)
class Story:
    """The content of a ticket. `kind` is "own", "vague" or the group whose phrases were used; `core` are the sentences
    between greeting and closing; `scenario` is the true one.
    """

    scenario: str
    language: str
    kind: str
    detail: bool
    urgency: str
    product: str
    subject: str
    greeting: str
    core: tuple[str, ...]
    closing: str

    @property
    def text(self) -> str:
        """The core sentences in one line, without greeting and closing."""
        return " ".join(self.core)


class Grammar:
    """Composes stories for a desk and computes their posteriors."""

    def __init__(self, desk: SimulatedDesk, settings: SimulationSettings) -> None:
        """Of the settings, `vague`, `ambiguous` and `distractions` are used."""
        self.desk = desk
        self.settings = settings
        self._products: Mapping[str, Distribution[str]] = {
            key: product_distribution(scenario, desk.products) for key, scenario in desk.scenarios.items()
        }

    def compose(self, language: str, rng: Rng) -> Story:
        """A story about a scenario drawn by the desk's shares."""
        scenario = rng.draw(self.desk.prior)
        vague, ambiguous = rng.chance(self.settings.vague), rng.chance(self.settings.ambiguous)
        if vague:
            return self._compose_parts(scenario, VAGUE, language, rng)
        return self._compose_parts(scenario, self._draw_group(scenario, rng) if ambiguous else SPECIFIC, language, rng)

    def compose_about(self, scenario: str, language: str, rng: Rng) -> Story:
        """An unambiguous story about `scenario`, for a burst or a quoted reply."""
        return self._compose_parts(scenario, SPECIFIC, language, rng)

    def compose_near_copy(self, story: Story, remind: bool, rng: Rng) -> Story:
        """A near copy of a story: the same core with another greeting and closing, perhaps after a reminder."""
        phrases = load_phrases(story.language)
        greeting, closing = _draw_frame(phrases, rng)
        reminder = (_render_template(phrases.frame["again"], rng, {}),) if remind and rng.chance(0.7) else ()
        return replace(story, greeting=greeting, core=(*reminder, *story.core), closing=closing)

    def posterior(self, story: Story) -> dict[str, float]:
        """Scenario → probability given the story's words and product, summing to 1."""
        if story.kind == SPECIFIC or story.detail:
            return {story.scenario: 1.0}
        members = self.desk.prior.items if story.kind == VAGUE else self.desk.groups[story.kind]
        weights = {}
        for key in members:
            scenario = self.desk.scenarios[key]
            choice = 1.0 if story.kind == VAGUE else 1.0 / len(scenario.groups)
            urgency = urgency_distribution(scenario.severity)
            weights[key] = (
                scenario.share
                * choice
                * urgency.shares[urgency.items.index(story.urgency)]
                * product_probability(scenario, story.product, self.desk.products)
            )
        total = math.fsum(weights.values())
        clear = 1.0 - _UNCLEAR_SHARE if story.kind == VAGUE else 1.0
        posterior = {key: clear * weight / total for key, weight in weights.items()}
        if story.kind == VAGUE:
            posterior[self.desk.unclear] = _UNCLEAR_SHARE
        return posterior

    def _draw_group(self, scenario: str, rng: Rng) -> str:
        return rng.pick(self.desk.scenarios[scenario].groups)

    def _compose_parts(self, scenario: str, kind: str, language: str, rng: Rng) -> Story:
        """Compose a story; the parts that depend on the scenario are exactly those that `posterior` weighs."""
        phrases, frame = load_phrases(language), load_phrases(language).frame
        urgency = rng.draw(urgency_distribution(self.desk.scenarios[scenario].severity))
        product = rng.draw(self._products[scenario])
        detail = kind != VAGUE and rng.chance(_DETAIL_SHARE)
        choices: Choices = {}
        core: list[str] = []
        if kind == VAGUE:
            subject = _render_template(frame["vague_subjects"], rng, choices)
            core.append(_render_template(frame["vague"], rng, choices))
            if rng.chance(_UNCLEAR_SHARE):
                scenario = self.desk.unclear
        else:
            topic = phrases.scenarios[scenario] if kind == SPECIFIC else phrases.groups[kind]
            generic = rng.chance(_GENERIC_SUBJECT_SHARE)
            subject = _render_template(frame["generic_subjects"] if generic else topic.subjects, rng, choices)
            core.append(_render_template(topic.symptoms, rng, choices))
            if detail:
                core.append(_render_template(phrases.scenarios[scenario].details, rng, choices))
            if rng.chance(self.settings.distractions):
                core.append(_render_template(frame["context"], rng, choices))
            if rng.chance(self.settings.distractions):
                core.insert(0 if rng.chance(0.5) else len(core), _render_template(frame["opening"], rng, choices))
        if urgency != "none":
            core.insert(0 if rng.chance(0.15) else len(core), _render_template(phrases.urgency[urgency], rng, choices))
        if rng.chance(0.4):
            core.append(_render_template(frame["ask"], rng, choices))
        greeting, closing = _draw_frame(phrases, rng)
        return Story(scenario, language, kind, detail, urgency, product, subject, greeting, tuple(core), closing)


def _render_template(templates: tuple[Template, ...], rng: Rng, choices: Choices) -> str:
    """The text of one of the templates, beginning with a capital letter."""
    text = rng.pick(templates).render(rng, choices)
    return text[:1].upper() + text[1:]


def _draw_frame(phrases: Phrases, rng: Rng) -> tuple[str, str]:
    """Greeting and closing; either may be empty."""
    greeting = _render_template(phrases.frame["greeting"], rng, {}) if rng.chance(0.7) else ""
    closing = _render_template(phrases.frame["closing"], rng, {}) if rng.chance(0.55) else ""
    return greeting, closing
