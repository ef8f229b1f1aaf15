"""What was forwarded is the matter, what was quoted is not, and nothing is lost in either case."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskyard.text.quoted_replies import extract_matter, read_sections, split_quoted, strip_quoted

MATTER = "The ethernet socket in room five drops the link every minute"
QUOTE = "Please tell us what is wrong with the payslip."
CORA = "Cora Lind <cora@client.example>"
NOTES = {
    "en": "Hi all, can somebody take this? Thanks, Bea",
    "ru": "Коллеги, посмотрите, пожалуйста",
    "de": "Hallo, könnt ihr das übernehmen?",
    "es": "Hola, ¿podéis verlo?",
    "pt": "Olá, podem ver isto?",
    "uk": "Колеги, гляньте, будь ласка",
    "fr": "Bonjour, merci de traiter.",
    "none": "",
}
SIGNATURES = ["-- \nBea Krug\nReception", "Mit besten Grüßen\nBea Krug\nEmpfang, Tel. 5", "FYI\n\nRegards, Bea"]
FORWARDS = {
    "Gmail": f"---------- Forwarded message ---------\nFrom: {CORA}\nDate: Tue, 3 Feb 2026 at 10:00\nSubject: q\n"
    "To: Bea <bea@desk.example>, Carl <\ncarl@desk.example>\n\n\n",
    "Apple": f"Anfang der weitergeleiteten Nachricht:\n\nVon: {CORA}\nBetreff: q\nDatum: 3. Februar 2026\n"
    "An: Bea <bea@desk.example>\n\n",
    "Apple, marked": f"> Begin forwarded message:\n> \n> From: {CORA}\n> Subject: q\n> Date: 3 Feb\n> \n> ",
    "Outlook": f"________________________________\nDe : {CORA}\nEnvoyé : mardi\nÀ : Bea\nObjet : q\n\n",
    "Outlook, no address": "От: Кора\nОтправлено: вторник, 3 февраля\nКому: Bea\nТема: вопрос\n\n",
    "Outlook, original": f"-----Mensaje original-----\nDe: {CORA}\nEnviado el: martes\nPara: Bea\nAsunto: q\n\n",
    "Outlook, phone in French": f"Télécharger Outlook pour Android<https://aka.ms/x>\n\n________________________________\n"
    f"From: {CORA}\nSent: Tuesday\nTo: Bea\nSubject: q\n\n",
    "Samsung": f"-------- Message d'origine --------\nDe : {CORA}\nDate : 03/02/26  10:00  (GMT+01:00)\n"
    "À : bea@desk.example Objet : q\n\n",
    "Outlook, phone": f"Get Outlook for iOS\n________________________________\nFrom: {CORA}\nSent: Tuesday\n"
    "Subject: q\n\n",
    "Thunderbird": f"-------- Mensagem encaminhada --------\nAssunto: \tq\nData: \t3 Feb\nDe: \t{CORA}\n\n\n",
    "mail.ru": f"-------- Пересылаемое сообщение --------\nОт кого: {CORA}\nКому: bea@desk.example\nДата: 3 фев\n\n",
    "Yandex": '-------- Пересылаемое сообщение --------\n03.02.2026, 10:00, "Cora" <cora@client.example>:\n\n',
    "Yandex, new": "----------------\nКому: bea@desk.example;\nТема: q;\n"
    '03.02.2026, 10:00, "Cora" <cora@client.example>:\n\n',
    "The Bat": f"This is a forwarded message\nFrom: {CORA}\nTo: bea@desk.example\nDate: Tuesday, 10:00\nSubject: q\n\n"
    "===8<==============Original message text===============\n",
    "Ukrainian": f"-------- Переслане повідомлення --------\nТема: \tпитання\nВід: \t{CORA}\n\n",
    "Danish": f"---- Videresendt meddelelse ----\nFra: {CORA}\nEmne: q\n\n",
}


@pytest.mark.parametrize("note", NOTES.values(), ids=NOTES)
@pytest.mark.parametrize("marker", FORWARDS.values(), ids=FORWARDS)
@pytest.mark.parametrize("subject", ["Fwd: q", "q"])
def test_in_a_first_message_a_forward_is_the_matter_without_its_header_lines(note, marker, subject):
    body = f"{note}\n\n{marker}{MATTER}" if note else marker + MATTER
    assert extract_matter(body, subject).split() == f"{note} {MATTER}".split()
    assert all(one.kind != "quoted" for one in read_sections(body, subject))


def test_the_line_that_ends_a_forward_and_the_signature_above_one_are_no_matter():
    end = "-------- Конец пересылаемого сообщения --------"
    body = f"Please take this over.\n\nRegards,\nBea\n\n{FORWARDS['Yandex']}{MATTER}\n\n{end}"
    assert extract_matter(body).split() == f"Please take this over. {MATTER}".split()


@pytest.mark.parametrize("name", ["Gmail", "Outlook, original", "Thunderbird", "mail.ru", "Ukrainian"])
def test_a_forward_whose_line_breaks_an_export_has_lost_is_the_matter(name):
    matter = extract_matter(f"Please take it {FORWARDS[name]}{MATTER} from: home".replace("\n", " "))
    assert matter.startswith("Please take it")
    assert matter.endswith(f"{MATTER} from: home")
    assert not re.search(r"From|De|От|Від|Sent|Enviado|Data|Тема|@", matter)


@pytest.mark.parametrize("text", ["From: Hamburg it goes to: nowhere", "Betreff: it is empty", "My VPN is down"])
def test_words_with_colons_below_a_marker_inside_a_line_are_kept(text):
    assert extract_matter(f"See ---- Forwarded message ---- {text}").endswith(text)


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_signature_above_a_forward_is_no_matter_however_little_is_above_it(signature):
    kept = "FYI " if signature.startswith("FYI") else ""
    assert extract_matter(f"{signature}\n\n{FORWARDS['Gmail']}{MATTER}").split() == f"{kept}{MATTER}".split()
    assert extract_matter(f"Saludos, no puedo entrar\n\n{FORWARDS['Gmail']}{MATTER}").startswith("Saludos, no puedo")


ATTRIBUTION = "Am 03.02.2026 um 10:00 schrieb Support <support@ourdesk.example>:"


@pytest.mark.parametrize("quote", [f"> {QUOTE}\n> Support", f"\n{QUOTE}\n\nSupport", f"\n> {QUOTE}\n>\n> Support"])
@pytest.mark.parametrize(
    "marker",
    [
        ATTRIBUTION,
        "Am 03.02.2026 um 10:00 schrieb Support\n<support@ourdesk.example>:",
        "-----Original Message-----\nFrom: Support\nSent: Tuesday\nSubject: RE: q\n",
        "________________________________\nОт: Support\nОтправлено: вторник\nТема: RE: q\n",
    ],
)
def test_below_words_of_ones_own_a_real_reply_is_cut(marker, quote):
    body = f"{MATTER}\n\n{marker}\n{quote}"
    assert strip_quoted(body) == MATTER
    assert extract_matter(body, "Re: q") == MATTER


def test_where_both_are_marked_alike_a_subject_without_re_makes_a_forward():
    body = f"{MATTER}\n\n-----Original Message-----\n{QUOTE}"
    assert QUOTE in extract_matter(body, "VPN")
    assert QUOTE in extract_matter(body, "FW: VPN")
    assert QUOTE not in extract_matter(body, "RE: VPN")


def test_lines_that_begin_with_a_bracket_are_quotes_only_below_an_attribution():
    body = "I ran this:\n> npm install\n> npm ERR code 5\nand it failed"
    assert strip_quoted(body) == extract_matter(body, "Re: npm") == body


def test_answers_between_and_below_quotes_are_kept():
    body = f"{ATTRIBUTION}\n> Which version?\n\nIt is 2016\n\n> Which system?\n\nWindows 10 of course"
    assert strip_quoted(body).split("\n\n\n") == ["It is 2016", "Windows 10 of course"]


@pytest.mark.parametrize(
    "note", ["See below", "Hi,", "Прошу помочь, см. ниже переписку", "Zur Info, siehe unten bitte"]
)
def test_a_note_that_hands_a_quotation_over_makes_it_the_matter_of_a_first_message(note):
    body = f"{note}\n\n{ATTRIBUTION}\n> {MATTER}"
    assert extract_matter(body, "Re: q").split() == f"{note} {MATTER}".split()
    assert strip_quoted(body) == note


def test_a_quotation_inside_a_forward_is_cut_only_below_a_message_of_some_length():
    quote = f"\n\n{ATTRIBUTION}\n> {QUOTE}"
    assert QUOTE in extract_matter(FORWARDS["Gmail"] + "Any news?" + quote)
    assert QUOTE not in extract_matter(FORWARDS["Gmail"] + MATTER + " since noon today" + quote)


@pytest.mark.parametrize(
    ("line", "is_sign_off"),
    [
        ("Gesendet von Outlook für Android<https://aka.ms/x>", True),
        ("Outlook für iOS herunterladen", True),
        ("Obtener Outlook para iOS", True),
        ("My Outlook for Android does not sync", False),
        ("I need Outlook for iOS", False),
        ("Best, Ann Lee", True),
        ("Saludos Ana", True),
        ("MFG\nBea Krug", True),
        ("Cheers server is down", False),
        ("MFG line five is down", False),
        ("best practice guide is missing", False),
    ],
)
def test_a_sign_off_is_no_matter_and_words_that_begin_like_one_are(line, is_sign_off):
    body = f"{MATTER}\n\n{line}"
    assert extract_matter(body) == (MATTER if is_sign_off else body)


def test_what_is_cut_from_a_reply_is_handed_back():
    own, rest = split_quoted(f"{MATTER}\n\n{ATTRIBUTION}\n> {QUOTE}\n\nRegards,\nCora")
    assert own == MATTER
    assert rest.split("\n") == [ATTRIBUTION, f"> {QUOTE}", "Regards,", "Cora"]


LINES = st.sampled_from(
    [MATTER, "", "> quoted", ">> more", ATTRIBUTION, "On 3 Feb 2026 10:00 Ann <", "ann@example.org> wrote:", "--",
     "Regards,", "> Begin forwarded message:", "From: Ann <ann@example.org>", "Sent: Monday", "To: Bea,", "Subject: q",
     "_" * 32, "-----Original Message-----", "---------- Forwarded message ---------", "Конец пересылаемого сообщения",
     "x\u200b:"]
)  # fmt: skip


@given(st.lists(LINES | st.text(max_size=30), max_size=25), st.sampled_from(["q", "Re: q", "Fwd: q"]), st.booleans())
@settings(max_examples=200)
def test_the_sections_of_any_message_joined_are_the_message(lines, subject, is_reply):
    text = "\n".join(lines)
    assert "\n".join(one.text for one in read_sections(text, subject, is_reply=is_reply)) == text
    assert bool(strip_quoted(text).strip()) == bool(extract_matter(text, subject).strip()) == bool(text.strip())


HOSTILE = [
    "x\n", "> x\n", ">", "cc: a\n", "To: a\n", "From: a@b.c\ncc: x\ncc: y\n", "> Begin forwarded message:\n",
    "best x ", "On 1 Feb 2026 10:00 a@b.c wrote:\n> x\n", "On 1 Feb 2026 10:00 <\n", "_", "-", "- ",
    "--forwarded by - ", "a@", "(a@b.c", "wrote ", "1 jan ", "\n", "wrote ---\na <",
    "---- forwarded message ---- from: a@b to: ", "begin forwarded message:\n1 jan\nTo: a\n", "===8<===a",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_message_of_two_kilobytes_costs_much_and_the_cost_grows_with_the_length_alone(piece):
    def seconds(length):
        text = "Hello there my friend\n" + (piece * length)[:length]
        begin = time.process_time()
        strip_quoted(text)
        extract_matter(text, "Re: q")
        return time.process_time() - begin

    assert min(seconds(2_000) for _ in range(3)) < 0.1  # both of them
    assert seconds(60_000) < 3.0
