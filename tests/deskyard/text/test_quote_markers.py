"""Markers of forwards and replies are recognised, and lines that only look like them are not."""

import pytest

from deskyard.text.quote_markers import (
    find_marker,
    separator_length,
    strip_subject_prefixes,
    subject_kind,
)


@pytest.mark.parametrize(
    "line",
    [
        "---------- Forwarded message ---------",
        "> Begin forwarded message:",
        "-------- Forwarded Message --------",
        "----- Forwarded by Bea/Corp on 03.02.2026 10:00 -----",
        "-------- Weitergeleitete Nachricht --------",
        "Anfang der weitergeleiteten E-Mail:",
        "-------- Message transféré --------",
        "Début du message réexpédié :",
        "-------- Mensaje reenviado --------",
        "Inicio del mensaje reenviado:",
        "-------- Mensagem encaminhada --------",
        "Início da mensagem reencaminhada:",
        "-------- Пересылаемое сообщение --------",
        "-------- Перенаправленное сообщение --------",
        "Начало переадресованного сообщения:",
        "-------- Переслане повідомлення --------",
        "Початок листа, що пересилається:",
        "----- Weitergeleitete Nachricht von Cora Lind, Client GmbH <cora@client.example> -----",
    ],
)
def test_a_forward_marker_is_recognised_in_seven_languages(line):
    assert find_marker(line) == "forward"


@pytest.mark.parametrize(
    "line",
    [
        "-----Original Message-----",
        "-----Ursprüngliche Nachricht-----",
        "-------- Original-Nachricht --------",
        "-----Message d'origine-----",
        "-----Mensaje original-----",
        "-----Mensagem original-----",
        "-------- Исходное сообщение --------",
        "-----Вихідне повідомлення-----",
        "===8<==============Original message text===============",
    ],
)
def test_an_original_marker_is_recognised_in_seven_languages(line):
    assert find_marker(line) == "original"


@pytest.mark.parametrize(
    "line",
    [
        "----- End forwarded message -----",
        "-------- Завершение пересылаемого сообщения --------",
        "Кінець пересланого повідомлення:",
        "===8<===========End of original message text===========",
    ],
)
def test_the_end_of_a_forward_is_recognised(line):
    assert find_marker(line) == "end"


@pytest.mark.parametrize(
    "line",
    [
        "Please look at the forwarded message",
        "--- The forwarded message from Bob is lost",
        "I forwarded it: see there",
        "--- printer ---",
        "Original message lost",
        "",
    ],
)
def test_words_about_messages_are_no_markers(line):
    assert find_marker(line) is None


def test_a_rule_counts_only_above_repeated_headers():
    headers = ["Fra: Ann <ann@example.org>", "Emne: VPN", ""]
    assert separator_length(["_" * 32, *headers], 0) == 3
    assert separator_length(["---- Videresendt meddelelse ----", *headers], 0) == 3
    assert separator_length(["_" * 32, "Name: Ann", "Room: 5", ""], 0) == 0


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        *((f"{prefix}: VPN", "forward") for prefix in ("Fwd", "FW", "WG", "RV", "ENC", "TR", "Пересл", "[Fwd")),
        *((f"{prefix}: VPN", "reply") for prefix in ("Re", "RE[2]", "AW", "RES", "SV", "Отв", "Відп")),
        *((subject, "new") for subject in ("VPN", "Retry: VPN", "", "I: am here", "Reset: it")),
    ],
)
def test_the_prefix_of_a_subject_tells_forwards_replies_and_new_messages(subject, kind):
    assert subject_kind(subject) == kind
    assert strip_subject_prefixes(subject) == (subject if kind == "new" else "VPN")
