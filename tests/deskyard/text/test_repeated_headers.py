"""Repeated headers of mails are recognised, and forms and texts with the same names are not."""

import pytest

from deskyard.text.repeated_headers import header_block_length


@pytest.mark.parametrize(
    "block",
    [
        "From: Ann Lee\nSent: Monday\nTo: Support\nSubject: VPN",
        "*Von:* Ann <ann@example.org>\n*Gesendet:* Montag\n*An:* Support\n*Betreff:* VPN",
        "De : Ann [mailto:ann@example.org]\nEnvoyé : lundi\nÀ : Support\nObjet : VPN",
        "De: Ann\nEnviado el: lunes\nPara: Support\nAsunto: VPN",
        "De: Ann\nEnviada em: segunda\nPara: Support\nAssunto: VPN",
        "From: Ann Lee\n<ann@example.org>\nSent: Monday\nTo: Support\nSubject: VPN",
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
        "Subject: VPN\nOn 3 Feb 2026 at 10:00 Ann Lee <ann@example.org> wrote:",
    ],
)
def test_a_form_with_the_same_names_is_no_header_block(form):
    assert header_block_length(form.split("\n"), 0) == 0


@pytest.mark.parametrize(
    "block",
    [
        "Ann Lee <ann@example.org> on 02/03/2026 09:00:00 AM\nTo:     Support/Corp@Corp\ncc:\nSubject:        VPN",
        'To: support@example.org\n03.02.2026, 10:00, "Ann" <ann@example.org>:',
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
