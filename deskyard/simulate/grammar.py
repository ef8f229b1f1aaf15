"""Grammar: phrases to a story, and from the story back to what it could have been about.

In: a scenario and a language. Out: a `Story` and the posterior over scenarios given its words and x_product, exact by
construction: of all parts, only the topic phrases, the words of urgency and the product depend on the scenario, and a
topic phrase belongs either to one scenario or to a group of scenarios who share it. Greetings, context (with its
misleading words), requests and closings are the same for everybody and cancel. Spelling mistakes, quotes and layout
are added later and are taken as read through.
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
"""Of the vague tickets, half are filed as 'needs information'; the rest under what it turned out to be."""
_DETAIL_SHARE: Final = 0.6
_GENERIC_SUBJECT_SHARE: Final = 0.12


@dataclass(frozen=True, slots=True)
class Story:
    """What one ticket says. `kind` is "own", "vague" or the group whose words were used; `core` are the sentences
    that matter, greeting and closing stand around them. `scenario` is the truth.
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
        """The sentences in one line, without greeting and closing."""
        return " ".join(self.core)


class Grammar:
    """Composes stories for one desk and answers what their words are evidence for."""

    def __init__(self, desk: SimulatedDesk, settings: SimulationSettings) -> None:
        """Keep the desk's shares and the switches `vague`, `ambiguous` and `distractions`."""
        self.desk = desk
        self.settings = settings
        self._products: Mapping[str, Distribution[str]] = {
            key: product_distribution(scenario, desk.products) for key, scenario in desk.scenarios.items()
        }

    def compose(self, language: str, dice: Rng) -> Story:
        """A story about a trouble drawn from the desk's shares."""
        scenario = dice.draw(self.desk.prior)
        vague, ambiguous = dice.chance(self.settings.vague), dice.chance(self.settings.ambiguous)
        if vague:
            return self._compose_parts(scenario, VAGUE, language, dice)
        return self._compose_parts(
            scenario, self._draw_group(scenario, dice) if ambiguous else SPECIFIC, language, dice
        )

    def compose_about(self, scenario: str, language: str, dice: Rng) -> Story:
        """A clear story about `scenario`, for a burst or as an old matter in a quoted reply."""
        return self._compose_parts(scenario, SPECIFIC, language, dice)

    def compose_near_copy(self, story: Story, remind: bool, dice: Rng) -> Story:
        """Nearly the same story once more: the same core, other words around it, perhaps a reminder before it."""
        phrases = load_phrases(story.language)
        greeting, closing = _draw_frame(phrases, dice)
        reminder = (_render_template(phrases.frame["again"], dice, {}),) if remind and dice.chance(0.7) else ()
        return replace(story, greeting=greeting, core=(*reminder, *story.core), closing=closing)

    def posterior(self, story: Story) -> dict[str, float]:
        """Scenario → probability given the story's words and product; adds up to 1."""
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

    def _draw_group(self, scenario: str, dice: Rng) -> str:
        return dice.pick(self.desk.scenarios[scenario].groups)

    def _compose_parts(self, scenario: str, kind: str, language: str, dice: Rng) -> Story:
        """Put the parts together; what depends on the scenario is exactly what `posterior` weighs."""
        phrases, frame = load_phrases(language), load_phrases(language).frame
        urgency = dice.draw(urgency_distribution(self.desk.scenarios[scenario].severity))
        product = dice.draw(self._products[scenario])
        detail = kind != VAGUE and dice.chance(_DETAIL_SHARE)
        memory: Choices = {}
        core: list[str] = []
        if kind == VAGUE:
            subject = _render_template(frame["vague_subjects"], dice, memory)
            core.append(_render_template(frame["vague"], dice, memory))
            if dice.chance(_UNCLEAR_SHARE):
                scenario = self.desk.unclear
        else:
            topic = phrases.scenarios[scenario] if kind == SPECIFIC else phrases.groups[kind]
            generic = dice.chance(_GENERIC_SUBJECT_SHARE)
            subject = _render_template(frame["generic_subjects"] if generic else topic.subjects, dice, memory)
            core.append(_render_template(topic.symptoms, dice, memory))
            if detail:
                core.append(_render_template(phrases.scenarios[scenario].details, dice, memory))
            if dice.chance(self.settings.distractions):
                core.append(_render_template(frame["context"], dice, memory))
            if dice.chance(self.settings.distractions):
                core.insert(0 if dice.chance(0.5) else len(core), _render_template(frame["opening"], dice, memory))
        if urgency != "none":
            core.insert(0 if dice.chance(0.15) else len(core), _render_template(phrases.urgency[urgency], dice, memory))
        if dice.chance(0.4):
            core.append(_render_template(frame["ask"], dice, memory))
        greeting, closing = _draw_frame(phrases, dice)
        return Story(scenario, language, kind, detail, urgency, product, subject, greeting, tuple(core), closing)


def _render_template(templates: tuple[Template, ...], dice: Rng, memory: Choices) -> str:
    """One of the templates, with a capital letter."""
    text = dice.pick(templates).render(dice, memory)
    return text[:1].upper() + text[1:]


def _draw_frame(phrases: Phrases, dice: Rng) -> tuple[str, str]:
    """Greeting and closing; either may be missing."""
    greeting = _render_template(phrases.frame["greeting"], dice, {}) if dice.chance(0.7) else ""
    closing = _render_template(phrases.frame["closing"], dice, {}) if dice.chance(0.55) else ""
    return greeting, closing
