"""Leaks: what agents and systems wrote after filing is named; what a ticket is about is not."""

from dataclasses import replace

import pytest

from training.data_audit import text_leaks
from training.data_audit.text_lines import tail_pieces

SIGNATURE = {"en": "Dana Whitfield, second line support", "ru": "Дана Соколова, вторая линия поддержки"}
RESOLUTION = {"en": "Resolution: the {} team changed a setting", "ru": "Решено: группа {} изменила настройку"}
DUPLICATE = {"en": "Closed as duplicate.", "ru": "Закрыто как дубликат."}
BEYOND = " of the northern building now"
SIGN_OFF = {"en": "Best regards,", "ru": "С уважением,"}

in_each_language = pytest.mark.parametrize("language", ["en", "ru"], indirect=True)


def test_a_clean_history_has_no_leak(clean_case):
    assert list(text_leaks.probe(clean_case)) == []


@pytest.mark.parametrize("gap", ["\n\n", " "], ids=["on a line of its own", "in the last line"])
def test_an_agents_signature_in_30_percent_of_a_labels_bodies_is_named(clean, make_case, change, some, language, gap):
    chosen, label = some(clean, 0.3, "queue")
    signed = change(clean, chosen, lambda i, body: f"{body}{gap}{SIGNATURE[language]}")
    [found] = text_leaks.probe(make_case(signed, "queue"))
    assert (found.probe, found.severity, found.target) == ("leak: closing line", "serious", "queue")
    assert SIGNATURE[language] in found.sentence
    assert repr(label) in found.sentence
    assert set(found.examples) <= {clean.tickets[i].id for i in chosen}
    assert found.figures["tickets"] >= 0.6 * len(chosen)


@in_each_language
def test_a_signature_that_deskyard_cuts_anyway_is_a_note(clean, make_case, change, some, language):
    chosen, _ = some(clean, 0.3, "queue")
    signed = change(clean, chosen, lambda i, body: f"{body}\n\n{SIGN_OFF[language]}\n{SIGNATURE[language]}")
    [found] = text_leaks.probe(make_case(signed, "queue"))
    assert found.severity == "note"
    assert "does not see it" in found.sentence
    assert not found.figures["read_by_the_model"]


def test_the_signature_of_one_requester_is_no_leak(clean, make_case, change, some, language):
    chosen, _ = some(clean, 0.3, "queue")
    signed = change(clean, chosen, lambda i, body: f"{body}\n\n{SIGNATURE[language]}")
    tickets = [replace(t, requester="one@example.org") if i in chosen else t for i, t in enumerate(signed.tickets)]
    assert list(text_leaks.probe(make_case(replace(signed, tickets=tickets), "queue"))) == []


def test_the_name_of_the_assignee_in_their_tickets_is_named(clean, make_case, change, some):
    chosen, agent = some(clean, 0.3, "assignee")
    signed = change(clean, chosen, lambda i, body: f"{body}\n\n-- \n{agent}")
    found = {finding.probe: finding for finding in text_leaks.probe(make_case(signed, "assignee"))}
    assert agent in found["leak: agent"].sentence
    assert found["leak: agent"].severity == "serious"


@in_each_language
def test_text_of_the_solution_is_named(clean, make_case, change, some, language):
    chosen, _ = some(clean, 0.4)
    queues = clean.labels["queue"]
    solved = change(clean, chosen, lambda i, body: f"{body}\n\n{RESOLUTION[language].format(queues[i])}")
    found = [finding for finding in text_leaks.probe(make_case(solved, "queue")) if finding.probe == "leak: solution"]
    assert len(found) == 1
    assert found[0].severity == "serious"
    assert RESOLUTION[language].split(":")[0] in found[0].sentence
    assert found[0].figures["right_with"] > found[0].figures["right_without"]


@in_each_language
def test_words_of_closing_in_one_labels_tickets_are_named(clean, make_case, change, some, language):
    chosen, _ = some(clean, 0.5, "queue")
    closed = change(clean, chosen, lambda i, body: f"{body} {DUPLICATE[language]}")
    assert [found.probe for found in text_leaks.probe(make_case(closed, "queue"))] == ["leak: solution"]


def test_a_code_that_stands_for_a_label_is_noted(clean, make_case, change, some):
    chosen, _ = some(clean, 0.3, "queue")
    coded = change(clean, chosen, lambda i, body: f"TPL-4711 {body}")
    [found] = text_leaks.probe(make_case(coded, "queue"))
    assert (found.probe, found.severity) == ("leak: code", "note")
    assert "'TPL-4711'" in found.sentence


def test_a_finding_shows_no_text_of_a_ticket(clean, make_case, change, some, language):
    chosen, _ = some(clean, 0.3, "queue")
    beyond = BEYOND if language == "en" else ""  # a line longer than these short Russian bodies is not named
    signed = change(clean, chosen, lambda i, body: f"{body}\n\n{SIGNATURE[language]}{beyond}")
    [found] = text_leaks.probe(make_case(signed, "queue"))
    assert SIGNATURE[language] in found.sentence
    assert chosen
    for told in (found.sentence, repr(found)):
        assert all(clean.tickets[i].body[:30] not in told for i in chosen)
        assert BEYOND not in told


def test_pieces_of_html_and_of_quoted_mail():
    found = tail_pieces("<p>Mail is down</p><p>Since nine. Please help</p>\n> old: closed as fixed")
    assert [piece.key for piece in found] == ["mail is down", "since nine", "please help"]
    assert [piece.whole_line for piece in found] == [True, False, False]
