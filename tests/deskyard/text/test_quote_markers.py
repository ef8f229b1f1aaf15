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
    "Am Dienstag, 3. Februar 2026 um 10:00 MEZ hat Support <help-desk@ourdesk.example> Folgendes geschrieben:",
    "---- On Tue, 03 Feb 2026 10:00:00 +0100 Support Team <help-desk@ourdesk.example> wrote ---",
    "---- В вт, 03 фев 2026 10:00:00 +0300 Служба поддержки <help-desk@ourdesk.example> написал(а) ----",
    "3. Feb. 2026, 10:00 von help-desk@ourdesk.example:",
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
        "New users from 03.02.2026, to be added by ann@example.org:",
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
        'Кому: support@example.org;\nТема: VPN;\n03.02.2026, 10:00, "Анна" <ann@example.org>:',
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


@pytest.mark.parametrize(
    "block",
    [
        "Ann Lee <ann@example.org> on 02/03/2026 09:00:00 AM\nTo:     Support/Corp@Corp\ncc:\nSubject:        VPN",
        'Von "Ann" <ann@example.org>\nAn "Support" <support@example.org>\nDatum 03.02.2026\nBetreff VPN',
        "Date: Tue, 3 Feb 2026\nFrom: Ann <ann@example.org>\nSubject: VPN\nUser-Agent: Mutt/2.2\nX-Mailer: x",
        "From: Ann <ann@example.org>\n\nSent: Monday\n\nSubject: VPN",
    ],
)
def test_below_a_marker_headers_are_recognised_in_more_shapes(block):
    lines = block.split("\n")
    assert header_block_length([*lines, "", "It is down"], 0, is_marked=True) == len(lines)


FIRST_LINES = [
    "Priority: high",
    "E-mail: ann@example.org",
    "To whom it may concern: it is down",
    "Тема: не работает принтер",
    "Von Montag an geht nichts, schreiben Sie an ann@example.org",
    "User-Agent: missing from the log",
    "Date: 5 March\nFrom: Hamburg\nTo: Munich",
]


@pytest.mark.parametrize("text", FIRST_LINES)
def test_below_a_marker_a_text_that_begins_like_a_header_is_text(text):
    assert header_block_length(text.split("\n"), 0, is_marked=True) == 0
    headers = ["From: Ann <ann@example.org>", "Subject: VPN"]
    assert header_block_length([*headers, "", *text.split("\n")], 0, is_marked=True) == len(headers)


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
