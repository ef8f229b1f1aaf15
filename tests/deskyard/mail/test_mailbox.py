"""Any mail becomes a ticket: its text in any charset, its thread, and whether a person wrote it."""

import base64
import json
import socket
import threading
import time
from datetime import UTC, datetime
from email import policy
from email.header import Header
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deskyard.errors import AccessDenied, BadInput, StoreUnreachable
from deskyard.mail import message
from deskyard.mail.account_url import MailAccount
from deskyard.mail.charsets import decode_header, decode_text
from deskyard.mail.mailbox import Mailbox
from deskyard.mail.message import MAX_TEXT_LENGTH, UNREADABLE
from deskyard.mail.mime_parts import FORWARD_MARKER, UNREAD_FILE
from deskyard.text.quoted_replies import extract_matter
from deskyard.text.storable import storable

RECEIVED = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORDS = "Не печатает принтер на третьем этаже, помогите пожалуйста"
SOON = 20.0


def read(raw, **more):
    return message.parse_message(raw.encode() if isinstance(raw, str) else raw, uid=1, received_at=RECEIVED, **more)


def made(**heads):
    mail = EmailMessage()
    for name, value in {"From": "Ann <ann@example.org>", "Message-ID": "<1@x>", "Subject": "VPN", **heads}.items():
        mail[name.replace("_", "-")] = value
    return mail


@pytest.mark.parametrize("charset", ["utf-8", "koi8-r", "windows-1251", "cp866", "iso-8859-5", "utf-16"])
@pytest.mark.parametrize("way", ["quoted-printable", "base64"])
def test_text_is_read_in_the_charset_that_it_declares(charset, way):
    raw = WORDS.encode(charset)
    body = base64.encodebytes(raw) if way == "base64" else b"".join(b"=%02X" % byte for byte in raw)
    head = f"Subject: {Header(WORDS, charset).encode()}\nContent-Type: text/plain; charset={charset}\n"
    mail = read(head.encode() + f"Content-Transfer-Encoding: {way}\n\n".encode() + body)
    assert (mail.ticket.subject, mail.ticket.body) == (WORDS, WORDS)


@pytest.mark.parametrize("charset", ["utf-8", "koi8-r", "windows-1251", "cp866"])
@pytest.mark.parametrize("claimed", ["", "us-ascii", "no-such-charset", "iso-8859-1", "windows-1252", "utf-8", "\0"])
def test_text_is_read_though_its_charset_is_missing_or_wrong(charset, claimed):
    result = f'Content-Type: text/plain; charset="{claimed}"\n' if claimed else ""
    mail = read(b"Subject: " + WORDS.encode(charset) + f"\n{result}\n".encode() + WORDS.encode(charset))
    assert (mail.ticket.subject, mail.ticket.body) == (WORDS, WORDS)


def test_a_short_subject_without_a_charset_is_read_in_the_bodys():
    for charset in ("koi8-r", "windows-1251"):
        head = f"Content-Type: text/plain; charset={charset}\nSubject: "
        assert read(head.encode() + "Счёт".encode(charset) + b"\n\nx").ticket.subject == "Счёт"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("=?utf-8?B?0J/RgNC40LI=?=\r\n =?utf-8?B?0LXRgg==?=", "Привет"),
        ("=?utf-8?Q?=D0?= =?utf-8?Q?=9F?= tail", "П tail"),
        ("Re: =?koi8-r?Q?=F0=D2=C9=D7=C5=D4?=, =?windows-1251?Q?=CF=F0=E8?=", "Re: Привет, При"),
        ("=?UTF-8?q?a_b?=c", "a bc"),
        ("=?utf-8*ru?q?a?=", "a"),
        ("=?utf-8?Q?Is_it_ok?_Why??=", "Is it ok? Why?"),
        ("=?utf-8?Q?cut =?utf-8?Q?a?=", "=?utf-8?Q?cut a"),
        ("=?utf-8?b?0J/Rg?=", "П\ufffd"),
        ("=?no-such?q?=D0=9F?=", "П"),
        ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        ("plain\r\n\tfolded", "plain folded"),
        ("=?utf-8?q?a=0D=0ABcc:_x?=", "a Bcc: x"),
        ("", ""),
    ],
)
def test_encoded_words_are_read_also_when_they_are_broken(written, meant):
    assert decode_header(written) == meant


LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80)


@given(LINES, st.sampled_from(["utf-8", "koi8-r", "cp1251"]))
@example("©", "koi8-r")
@example("Г№5", "cp1251")
def test_whatever_subject_a_mail_program_writes_is_read_back(text, charset):
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        charset = "utf-8"
    if "=?" not in text:
        assert decode_header(Header(text, charset).encode()) == " ".join(text.split())


@given(st.text(min_size=1, max_size=200))
def test_utf_8_is_never_taken_for_anything_else(text):
    raw = text.encode("utf-8", "replace")
    assert decode_text(raw, "utf-8") == storable(raw.decode())


def test_the_plain_text_is_preferred_and_html_becomes_text():
    both = made()
    both.set_content("plain words")
    both.add_alternative("<p>html words</p>", subtype="html")
    assert read(both.as_bytes()).ticket.body == "plain words"
    html = made()
    html.set_content("<style>p {}</style><p>Принтер&nbsp;<b>горит</b></p><!-- no -->", subtype="html")
    assert read(html.as_bytes()).ticket.body.split() == ["Принтер", "горит"]
    stub = made()
    stub.set_content(" \n")
    stub.add_alternative("<p>html words</p>", subtype="html")
    assert read(stub.as_bytes()).ticket.body == "html words"


def test_files_are_named_and_attached_mails_are_read():
    mail = made(To="desk@example.org, Bob <bob@example.org>", Cc="eve@example.org")
    mail.set_content("see the files")
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="счёт.pdf")
    mail.add_attachment("secret words", filename="log.txt")
    mail.add_attachment(made(Subject="inner"))
    mail.add_attachment(b"x", maintype="image", subtype="png")
    found = read(mail.as_bytes()).ticket
    assert found.body == f"see the files\n\n{FORWARD_MARKER}\nFrom: Ann <ann@example.org>\n\ninner"
    assert found.fields == {
        "to": "desk@example.org, bob@example.org",
        "cc": "eve@example.org",
        "attachments": "счёт.pdf, log.txt, (image/png)",
    }


def test_what_a_mail_is_goes_into_the_ticket():
    mail = made(Date="Sun, 01 Mar 2026 12:30:00 +0300", From="=?utf-8?b?0JDQvdC90LA=?= <Anna@Example.org>")
    mail.set_content("body\n\nOn 1 Feb 2026, Desk <desk@example.org> wrote:\n> old")
    found = read(mail.as_bytes(), source="post")
    ticket = found.ticket
    assert (ticket.id, ticket.source, ticket.channel, ticket.requester) == ("1@x", "post", "mail", "anna@example.org")
    assert ticket.created_at == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert (found.uid, found.received_at, found.own_text) == (1, RECEIVED, "body")


def test_a_clock_that_was_never_set_is_not_believed():
    ticket = read("Date: Sat, 01 Jan 2000 00:00:12 +0000\n\nx").ticket
    assert ticket.created_at == RECEIVED
    assert ticket.fields["date"].startswith("Sat, 01 Jan 2000 00:00:12 +0000 (more than 7 days")


def test_a_server_that_does_not_tell_when_it_received_a_mail_left_it_in_the_headers():
    hops = "Received: by mx; Sun, 1 Mar 2026 12:00:00 +0000\nReceived: by a;\n Sun, 1 Mar 2026 11:00:00 +0000\n"
    mail = message.parse_message(f"{hops}Date: 1 Jan 2000 00:00 +0000\n\nx".encode(), uid=1, received_at=None)
    assert mail.received_at == mail.ticket.created_at == RECEIVED


def test_mails_with_one_message_id_are_told_apart():
    def printed(sender="ann@x.org", text="It is down.", received="by mx"):
        head = f"Received: {received}\nFrom: {sender}\nDate: Sun, 01 Mar 2026 10:00:00 +0000\nMessage-ID: <1@x>\n"
        return read(f"{head}\n{text}\n").fingerprint

    assert printed() == printed(received="by b") == printed("Ann <ANN@x.org>") != printed(text="It is up.")


def test_what_was_not_read_is_told_above_what_pages_fold():
    mail = made()
    mail.set_content("See the mail.\n\nBest regards,\nAnn\n")
    mail.add_attachment(b"x", maintype="application", subtype="ms-tnef", filename="winmail.dat")
    body = read(mail.as_bytes()).ticket.body
    assert body == f"See the mail.\n\n{UNREAD_FILE.format(name='winmail.dat')}\n\nBest regards,\nAnn"


def test_an_attached_mail_counts_though_it_stands_below_a_signature():
    mail, inner = made(), made(Subject="Payslip")
    mail.set_content("See the mail.\n\nBest regards,\nAnn\n")
    inner.set_content("The payslip is missing.")
    mail.add_attachment(inner)
    found = read(mail.as_bytes())
    assert extract_matter(found.ticket.body, "VPN").split() == "See the mail. Payslip The payslip is missing.".split()  # noqa: SIM905
    assert "The payslip is missing." in found.own_text


def test_a_mail_without_a_text_says_so():
    mail = made()
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="scan.pdf")
    assert read(mail.as_bytes()).ticket.body == "[this mail has no text, only files: scan.pdf]"
    encrypted = read("Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n\nx")
    assert encrypted.ticket.body.startswith("[not read: this mail is encrypted")


def test_a_message_without_an_id_gets_the_same_one_again():
    first, again, other = read("Subject: a\n\nx"), read("Subject: a\n\nx"), read("Subject: a\n\ny")
    assert first.ticket.id == again.ticket.id != other.ticket.id
    long = read(f"Message-ID: <{'x' * 300}@x>\n\n")
    answer = read(f"Message-ID: <2@x>\nIn-Reply-To: <{'x' * 300}@x>\n\n")
    assert len(long.ticket.id) < 100
    assert answer.references == (long.ticket.id,)


def test_a_thread_is_known_by_its_message_ids_the_nearest_first():
    mail = read("In-Reply-To: <3@x>\nReferences: <1@x>\r\n <2@x> <3@x>\nSubject: Re: [#7] VPN\n\nx")
    assert mail.references == ("3@x", "2@x", "1@x")
    assert read("Subject: Re: [#7] VPN\n\nx").references == ()


def test_a_long_text_is_cut_with_a_note():
    mail = read("Subject: a\n\n" + "log line\n" * 100_000)
    assert len(mail.ticket.body) < MAX_TEXT_LENGTH + 100
    assert mail.ticket.body.endswith("[cut: the message has 900,012 bytes]")
    part = read("Subject: a\n\nbeginning", size=30_000_000)
    assert part.ticket.body == "beginning\n\n[cut: the message has 30,000,000 bytes]"


def test_the_worst_message_is_its_headers():
    deep = b"Content-Type: message/rfc822\n\n" * 2_000
    found = read(b"From: ann@example.org\n" + deep).ticket
    assert (found.subject, found.requester) == (UNREADABLE, "ann@example.org")
    assert found.body == "From: ann@example.org\nContent-Type: message/rfc822"
    assert read(b"Subject: VPN\n" + deep).ticket.subject == "VPN"


MIXED = b"Content-Type: multipart/mixed; boundary=b"
NESTED = b"".join(MIXED + b"%d\n\n--b%d\n" % (n, n) for n in range(90))
BOMBS = {
    "parts": MIXED + b"\n\n" + b"--b\n\nx\n" * 500_000,
    "lines": NESTED + b"\n" * 20_000_000,
    "parameters": b"Content-Type: text/plain; " + b"a=b; " * 500_000 + b"\n\nx",
    "parameters of a part": MIXED + b"\n\n--b\nContent-Type: x/y; " + b"a=b;" * 500_000,
    "headers": b"X: y\n" * 500_000 + b"\nx",
    "names": b"Content-Type: text/plain; " + b"".join(b"name*%d*=a;" % n for n in range(50_000)) + b"\n\nx",
    "brackets": b"From: " + b"(" * 500_000 + b"\nTo: " + b"<" * 100_000 + b"\n\nx",
    "addresses": b"To: " + b"a@b.org, " * 200_000 + b"\n\nx",
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 200_000 + b"\n\nx",
    "rows": b"Content-Type: text/html\n\n<table><tr><td>" + b"a" * 500_000 + b"</td></tr>" + b"<tr><td>b" * 500_000,
    "tags": b"Content-Type: text/html\n\n" + b"<style>" * 1_000_000,
    "comments": b"Content-Type: text/html\n\n" + b"<!-- --><!--" * 1_000_000,
    "punycode": b"Content-Type: text/plain; charset=punycode\n\n" + b"\xff-a" * 500_000,
    "idna": b"Content-Type: text/plain; charset=idna\n\n" + b"xn--a." * 500_000 + b"\xff",
    "uuencode": b"Content-Transfer-Encoding: uuencode\n\nbegin 644 x\n" + b"#0V%T\n" * 500_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_nobody_can_make_a_mail_that_takes_long(bomb):
    began = time.process_time()
    mail = read(BOMBS[bomb])
    assert time.process_time() - began < SOON
    assert len(mail.ticket.body) < MAX_TEXT_LENGTH + 100


PIECES = st.sampled_from(
    [b"Subject: ", b"From: ", b"Date: ", b"Content-Type: ", b"Content-Transfer-Encoding: ", b"Message-ID: ", b"To: ",
     b"Content-Disposition: attachment", b"References: ", b"\n", b"\r\n", b"\r", b"\n\n", b"\n ", b"\n--b\n",
     b"multipart/mixed; boundary=b", b"multipart/alternative; boundary=b", b"\n--b--\n", b"text/html; charset=",
     b"message/rfc822", b"multipart/report", b"base64", b"quoted-printable", b"x-uuencode", b"utf-8", b"utf-7",
     b"utf-16", b"iso-2022-jp", b"hz", b"idna", b"; filename=", b"; filename*=utf-8''%D0%9F", b"; filename*0*=x'",
     b"charset*=''", b"=?utf-8?b?", b"=?koi8-r?q?=F0?=", b"?=", b"<a@b>", b"<", b">", b"(", b'"', b"\\", b";", b"=",
     b"\0", b"\xff", b"\xd0", b"=D0", b"<p>", b"<!--", b"@", b"+2AA-", b":", b"[", b"begin 644 x\n"]
)  # fmt: skip
BYTES = st.lists(PIECES | st.binary(max_size=12), max_size=40).map(b"".join)


@given(BYTES)
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@example(b"Subject: \x00")
@example(b"From: \x00@b\nContent-Type: x/\x00; name=\x00")
@example(b"Content-Type: text/plain; charset=utf-7\n\n+2AA-")
@example(b"Content-Type: multipart/mixed; boundary=\n\n--\n\n--")
@example(b'From: @,;:<>()[]\\"\nTo: "\n\n')
def test_anything_becomes_a_mail_that_can_be_kept(raw):
    mail = read(raw, own_addresses=["a@b"])
    ticket = mail.ticket
    texts = [ticket.id, ticket.subject, ticket.body, ticket.requester, *ticket.fields.values(), *mail.references]
    texts += [mail.automatic_reason.text] if mail.automatic_reason else []
    assert all(storable(text) == text for text in texts)
    assert ticket.id
    assert "\n" not in ticket.subject
    assert ticket.created_at.tzinfo is not None
    assert read(raw, own_addresses=["a@b"]) == mail


@given(LINES, LINES)
def test_what_a_mail_program_sends_is_read_back(subject, body):
    mail = made(Subject=subject)
    mail.set_content(body)
    found = read(mail.as_bytes(policy=policy.SMTP)).ticket
    assert found.subject.split() == subject.split()
    assert found.body.split() == body.split()


def test_a_place_shows_no_password_and_comes_back():
    url = "imaps://desk%40example.org:s3cret%2F@mail.example.org:1993/Support/IT?address=help@example.org&list=l.example.org"
    url += "&machine=%40mon.example&machine=nagios@example.org"
    box = Mailbox.from_url(url)
    assert "s3cret" not in box.display_url + repr(box) + str(box.__dict__)
    assert MailAccount.from_url(box.display_url, "s3cret/") == MailAccount.from_url(url)
    assert Mailbox.from_url(box.display_url).display_url == box.display_url


@pytest.mark.parametrize(
    "url", ["", "imap://", "imaps://host/INBOX", "http://a:b@host", "imaps://a:s3cret@host:port/", "imaps://a:s3cret@[::1/x",
            "imaps://a:s3cret@host/?colour=red", "imaps://a:s3cret@host/?machine=monitor"]
)  # fmt: skip
def test_what_is_no_mailbox_is_refused_without_its_password(url):
    with pytest.raises(BadInput) as caught:
        Mailbox.from_url(url)
    assert "s3cret" not in str(caught.value)


class Scripted:
    """A mail server that says what it is told to say, and keeps what it hears."""

    def __init__(self, capabilities):
        self.capabilities = capabilities
        self.heard = []
        self.door = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"imap://ann:s3cret@127.0.0.1:{self.door.getsockname()[1]}/"

    def serve(self):
        wire, _ = self.door.accept()
        wire.settimeout(10)
        with wire, wire.makefile("rwb", buffering=0) as lines:
            lines.write(b"* OK hello\r\n")
            while line := lines.readline():
                self.heard.append(line)
                tag, word = line.split()[:2]
                if word == b"CAPABILITY":
                    lines.write(b"* CAPABILITY IMAP4rev1 " + self.capabilities + b"\r\n" + tag + b" OK done\r\n")
                elif word == b"LOGOUT":
                    lines.write(b"* BYE\r\n" + tag + b" OK done\r\n")
                else:
                    lines.write(tag + b" NO [UNAVAILABLE] not now\r\n")

    def close(self):
        self.door.close()
        self.thread.join(10)


@pytest.fixture
def scripted():
    opened = []

    def make(capabilities):
        opened.append(Scripted(capabilities))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.mark.parametrize(
    ("capabilities", "error"),
    [
        (b"LOGINDISABLED AUTH=PLAIN", AccessDenied),
        (b"LOGINDISABLED AUTH=PLAIN STARTTLS", StoreUnreachable),  # it offers TLS, and then refuses it
    ],
)
def test_a_server_that_takes_no_password_in_the_clear_does_not_get_it(scripted, capabilities, error):
    server = scripted(capabilities)
    with pytest.raises(error):
        Mailbox.from_url(server.url).pull(None, 1)
    assert not any(b"LOGIN" in line or b"AUTHENTICATE" in line or b"s3cret" in line for line in server.heard)


def test_a_server_elsewhere_does_not_get_the_password_in_the_clear(scripted, monkeypatch):
    server = scripted(b"AUTH=PLAIN")
    monkeypatch.setattr(socket.socket, "getpeername", lambda _: ("192.0.2.1", 143), raising=False)
    with pytest.raises(AccessDenied, match="use imaps://"):
        Mailbox.from_url(server.url).pull(None, 1)
    assert [line.split()[1] for line in server.heard] == [b"CAPABILITY"]


@pytest.mark.parametrize("capabilities", [b"AUTH=PLAIN", b""])
def test_a_server_in_trouble_is_asked_again_later(scripted, capabilities):
    with pytest.raises(StoreUnreachable, match="just now"):
        Mailbox.from_url(scripted(capabilities).url).pull(None, 1)


FIELD = Path(__file__).parents[4] / "shared" / "field"
FIELD_CASES = ("03", "04", "06", "08", "09", "11", "13")


@pytest.mark.skipif(not FIELD.is_dir(), reason="the field cases of ../shared are not here")
@pytest.mark.parametrize("number", FIELD_CASES)
def test_the_mails_of_the_field_become_what_is_right(number):
    folder = next(FIELD.glob(f"{number}-*"))
    right = {one["subject"]: one for one in json.loads((folder / "right.json").read_text("utf-8"))}
    seen = set()
    for file in folder.glob("*.eml"):
        mail = read(file.read_bytes(), own_addresses=["support@ourdesk.example"])
        spec = right[mail.ticket.subject]
        assert (mail.automatic_reason is not None) == (spec["becomes"] == "nothing"), file.name
        text = " ".join(mail.ticket.body.split())
        assert [words for words in spec.get("says", ()) if words not in text] == []
        assert mail.ticket.requester == spec.get("requester", mail.ticket.requester)
        assert spec.get("created") != "received" or mail.ticket.created_at == RECEIVED
        seen.add(mail.ticket.subject)
    assert seen == set(right)
