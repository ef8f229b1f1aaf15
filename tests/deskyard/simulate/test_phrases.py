"""The phrases are complete and fair: a phrase about one issue is used for no other."""

from collections import Counter

import pytest

from deskyard.simulate.phrases import LANGUAGES, Template, load_phrases
from deskyard.simulate.rng import Rng
from deskyard.simulate.scenario import SimulatedDesk
from deskyard.simulate.settings import SimulationSettings

DESK = SimulatedDesk(SimulationSettings())


def sources(language):
    phrases = load_phrases(language)
    for name, topic in [*phrases.scenarios.items(), *phrases.groups.items()]:
        for template in (*topic.symptoms, *topic.details):
            yield name, template.source


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_can_speak_about_every_trouble(language):
    phrases = load_phrases(language)
    clear = set(DESK.scenarios) - {DESK.unclear}
    assert set(phrases.scenarios) == clear
    assert set(phrases.groups) == set(DESK.groups)
    assert all(topic.subjects and topic.symptoms and topic.details for topic in phrases.scenarios.values())
    assert len(clear) >= 25


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_telling_phrase_belongs_to_one_trouble_only(language):
    repeated = [source for source, times in Counter(source for _, source in sources(language)).items() if times > 1]
    assert repeated == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_tidy(language):
    rng, phrases = Rng("tidy"), load_phrases(language)
    topics = [
        template
        for topic in (*phrases.scenarios.values(), *phrases.groups.values())
        for template in (*topic.subjects, *topic.symptoms, *topic.details)
    ]
    others = [template for templates in (*phrases.frame.values(), *phrases.urgency.values()) for template in templates]
    for template in (*topics, *others):
        for _ in range(5):
            text = template.render(rng, {})
            assert not set(text) & set("[]{}|#"), text
            assert not any(slip in text for slip in ("  ", " ,", " .")), text
            assert text == text.strip()


def test_english_and_russian_are_the_richest():
    sizes = {language: len(list(sources(language))) for language in LANGUAGES}
    assert min(sizes["en"], sizes["ru"]) > 250
    assert all(sizes[language] > 150 for language in LANGUAGES)


def test_one_ticket_names_one_order_and_one_program():
    slots = {"app": (Template("Excel", {}), Template("Word", {}))}
    template = Template("{app} and {app}, order #### and ####", slots)
    for number in range(20):
        left, right = template.render(Rng(str(number)), {}).split(", order ")
        assert len(set(left.split(" and "))) == 1
        assert len(set(right.split(" and "))) == 1


@pytest.mark.parametrize("broken", ["[one|two", "one]", "{open"])
def test_a_phrase_with_a_lost_bracket_is_refused(broken):
    with pytest.raises(ValueError, match=r"bracket|can't read"):
        Template(broken, {})
