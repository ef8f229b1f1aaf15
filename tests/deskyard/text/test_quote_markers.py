"""Lines that introduce quoted and forwarded messages are recognised, and lines that only look like them are not."""

import textwrap

import pytest

from deskyard.text.quote_markers import (
    attribution_length,
    find_marker,
    header_block_length,
    separator_length,
    strip_subject_prefixes,
    subject_kind,
)

ATTRIBUTIONS = [
    "On Tue, Feb 3, 2026 at 10:00 AM The Support Team Of Ours <help-desk@ourdesk.example> wrote:",
    "Support Team <help-desk@ourdesk.example> wrote on 3 Feb 2026 at 10:00:",
    "Am Di., 3. Feb. 2026 um 10:00 Uhr schrieb Support Team <help-desk@ourdesk.example>:",
    "El mar, 3 feb 2026 a las 10:00, Support Team (<help-desk@ourdesk.example>) escribió:",
    "Em ter., 3 de fev. de 2026 às 10:00, Support Team <help-desk@ourdesk.example> escreveu:",
    "Support Team <help-desk@ourdesk.example> escreveu (terça, 3/02/2026 à(s) 10:00):",
    "Le mar. 3 févr. 2026 à 10:00, Support Team <help-desk@ourdesk.example> a écrit :",
    "вт, 3 февр. 2026 г. в 10:00, Служба поддержки <help-desk@ourdesk.example>:",
    "Вторник, 3 февраля 2026, 10:00 +03:00 от Служба поддержки <help-desk@ourdesk.example>:",
    '03.02.2026, 10:00, "Служба поддержки" <help-desk@ourdesk.example>:',
    "3 февр. 2026 г., в 10:00, Служба поддержки <help-desk@ourdesk.example> написал(а):",
    "вт, 3 лют. 2026 р. о 10:00 Служба підтримки <help-desk@ourdesk.example> пише:",
]


@pytest.mark.parametrize("line", ATTRIBUTIONS)
@pytest.mark.parametrize("width", [500, 60, 40])
def test_an_attribution_is_recognised_in_seven_languages_however_it_is_wrapped(line, width):
    lines = textwrap.wrap(line, width, break_on_hyphens=False)
    assert attribution_length([*lines, "", "What is wrong?"], 0) == len(lines)


@pytest.mark.parametrize(
    "line",
    [
        "Клиент Иванов пишет:",
        "Вчера в 10:00 клиент написал:",
        "The user wrote on 03.02.2026:",
        "Ошибка 03.02.2026 10:00:",
        "My address is <ann@example.org>:",
        "I wrote to Ann on Monday",
        "Am 3. Februar um 10:00 war der Drucker kaputt.",
    ],
)
def test_a_sentence_that_ends_in_a_colon_is_no_attribution(line):
    assert attribution_length([line, "It does not start"], 0) == 0


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
    ],
)
def test_an_original_marker_is_recognised_in_seven_languages(line):
    assert find_marker(line) == "original"


@pytest.mark.parametrize(
    "line",
    [
        "Please look at the forwarded message",
        "I forwarded it: see there",
        "--- printer ---",
        "Original message lost",
        "",
    ],
)
def test_words_about_messages_are_no_markers(line):
    assert find_marker(line) is None


@pytest.mark.parametrize(
    "block",
    [
        "From: Ann Lee\nSent: Monday\nTo: Support\nSubject: VPN",
        "*Von:* Ann <ann@example.org>\n*Gesendet:* Montag\n*An:* Support\n*Betreff:* VPN",
        "De : Ann [mailto:ann@example.org]\nEnvoyé : lundi\nÀ : Support\nObjet : VPN",
        "De: Ann\nEnviado el: lunes\nPara: Support\nAsunto: VPN",
        "De: Ann\nEnviada em: segunda\nPara: Support\nAssunto: VPN",
        "От: Анна <ann@example.org>\nДата: вчера\nКому: Support\nКопия: Bea\nТема: VPN",
        "Від: Анна\nНадіслано: учора\nКому: Support\nТема: VPN",
        "Gesendet: Montag\nVon: Ann <ann@example.org>\nAn: Bea,\n Carl <carl@example.org>\nBetreff: VPN",
    ],
)
def test_repeated_headers_of_a_mail_are_recognised_in_seven_languages(block):
    lines = block.split("\n")
    assert header_block_length([*lines, "", "It is down"], 0) == len(lines)


@pytest.mark.parametrize(
    "form",
    [
        "From: Hamburg\nTo: Munich\nDate: 5 March",
        "Von: Hamburg\nAn: München\nDatum: 5. März 10:00\nBetreff: Dienstreise",
        "От: Москва\nКому: Петров\nДата: 5 марта\nТема: командировка",
        "Від: Київ\nДо: Львів\nДата: 5 березня",
        "De: Lyon\nÀ: Paris\nDate: 5 mars\nObjet: voyage",
        "From: ann@example.org\nPhone: 5\nMessage: my screen is black",
    ],
)
def test_a_form_with_the_same_names_is_no_header_block(form):
    assert header_block_length(form.split("\n"), 0) == 0


def test_a_rule_counts_only_above_repeated_headers():
    headers = ["Fra: Ann <ann@example.org>", "Emne: VPN", ""]
    assert separator_length(["_" * 32, *headers], 0) == 3
    assert separator_length(["---- Videresendt meddelelse ----", *headers], 0) == 3
    assert separator_length(["_" * 32, "Name: Ann", "Room: 5", ""], 0) == 0


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        *((f"{prefix}: VPN", "forward") for prefix in ("Fwd", "FW", "WG", "RV", "ENC", "TR", "Пересл")),
        *((f"{prefix}: VPN", "reply") for prefix in ("Re", "RE[2]", "AW", "RES", "SV", "Отв", "Відп")),
        *((subject, "new") for subject in ("VPN", "Retry: VPN", "", "I: am here", "Reset: it")),
    ],
)
def test_the_prefix_of_a_subject_tells_forwards_replies_and_new_messages(subject, kind):
    assert subject_kind(subject) == kind
    assert strip_subject_prefixes(subject) == (subject if kind == "new" else "VPN")
