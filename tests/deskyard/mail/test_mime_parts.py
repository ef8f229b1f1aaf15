"""Text that exists in a mail is read, whatever it is wrapped in; what was not read is told; the work is bounded."""

import time

import pytest

from deskyard.mail import mime_parts
from deskyard.mail.mime_parts import read_parts
from deskyard.mail.read_budget import ReadBudget
from tests.deskyard.mail.made_parts import (
    ENTITY,
    ENVELOPED,
    INNER,
    MATTER,
    attribute,
    endless,
    in_base64,
    mapi,
    mixed,
    packed,
    signed,
    smime,
    tlv,
    winmail,
)  # fmt: skip


def text_of(raw):
    return "\n".join(read_parts(raw).texts)


@pytest.mark.parametrize(
    "head",
    ["text/", "text/x-unknown", "text/plain charset=utf-8", "plain/text", "unknown/unknown", "application/text",
     "text/css", "application/octet-stream"],
)  # fmt: skip
def test_the_only_text_is_read_whatever_its_type_is_called(head):
    assert text_of(f"Content-Type: {head}\n\n{MATTER}".encode()) == MATTER
    assert text_of(f"Content-Type: {head}\n\n\0\1{MATTER}".encode()) != MATTER or head.startswith("text/")
    assert text_of(b"Content-Type: application/pdf\n\n%PDF-1.4 obj") == ""


def test_texts_in_more_than_one_wrapping_are_read():
    coded = (
        f"--x\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{in_base64(MATTER)}--x--"
    )
    assert text_of(f"Subject: no type\n\n{coded}".encode()) == MATTER
    file = f"Content-Type: application/x-eml; name=a.eml\nContent-Transfer-Encoding: base64\n\n{in_base64(INNER)}"
    assert MATTER in text_of(mixed(NOTE, file))
    flowed = "Content-Type: text/plain; charset=utf-8; format=flowed\n\nDie Gehaltsabrechnung \nfür März fehlt.\n"
    assert text_of(flowed.encode()) == MATTER


def test_two_kilobytes_that_unpack_to_a_million_are_read_in_part():
    found = read_parts(smime(packed(b"Content-Type: text/plain\n\n" + b"a b\n" * 300_000)))
    assert 40_000 < len(found.texts[0]) < 60_000
    assert "too large when it is unpacked" in found.unread[0]


def test_many_attached_mails_are_read_as_far_as_the_budget_goes():
    mail = "Content-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nmail {}\n--c--\n"
    found = read_parts(mixed(*[mail.format(n) for n in range(150)]))
    assert found.texts[1] == "mail 0"
    assert (len(found.texts) > 150, found.complete) == (True, False)


NOTE = "Content-Type: text/plain\n\nPlease see below.\n"


@pytest.mark.parametrize(
    "attached",
    [
        f"Content-Type: message/rfc822\n\n{INNER}",
        f"Content-Type: message/rfc822\nContent-Disposition: attachment; filename=a.eml\n\n{INNER}",
        f"Content-Type: message/global\n\n{INNER}",
        f"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{in_base64(INNER)}",
        f"Content-Type: application/octet-stream; name=a.eml\nContent-Transfer-Encoding: base64\n\n{in_base64(INNER)}",
        f"Content-Type: multipart/digest; boundary=c\n\n--c\n\n{INNER}\n--c--\n",
    ],
    ids=["inline", "attachment", "global", "base64", "octets", "digest"],
)
@pytest.mark.parametrize("note", [NOTE, ""], ids=["with a note", "alone"])
def test_an_attached_mail_is_part_of_the_matter(attached, note):
    found = text_of(mixed(*[one for one in (note, attached) if one]))
    assert MATTER in found
    assert "Abrechnung" in found
    assert "dan@example.org" in found
    assert ("Please see below." in found) == bool(note)


def test_a_mail_within_a_mail_within_a_mail_is_read_and_deeper_ones_are_told():
    raw = INNER
    for _ in range(3):
        raw = f"Subject: FW\nContent-Type: message/rfc822\n\n{raw}"
    assert MATTER in text_of(raw.encode())
    for _ in range(30):
        raw = f"Content-Type: message/rfc822\n\n{raw}"
    found = read_parts(raw.encode())
    assert any("too deep" in sentence for sentence in found.unread)


@pytest.mark.parametrize("kind", ["application/pkcs7-mime", "application/x-pkcs7-mime", "application/octet-stream"])
def test_what_is_signed_or_compressed_is_read(kind):
    assert text_of(smime(signed(tlv(4, ENTITY)), kind)) == text_of(smime(packed(ENTITY), kind)) == MATTER


def test_encrypted_mail_is_named():
    for raw in (
        smime(tlv(0x30, ENVELOPED + tlv(0xA0, tlv(0x30, b"\2\1\0")))),
        smime(b"junk", "application/pkcs7-mime; smime-type=enveloped-data"),
        mixed("Content-Type: application/pgp-encrypted\n\nVersion: 1", kind="encrypted"),
        b"Content-Type: text/plain\n\n-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----\n",
    ):
        assert read_parts(raw).unread == (mime_parts.ENCRYPTED,)
    assert "smime.p7m" in read_parts(smime(b"junk")).unread[0]


def test_a_text_that_is_signed_with_openpgp_is_read_without_its_armour():
    raw = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nVPN is down\n-----BEGIN PGP SIGNATURE-----\n\niQ\n-----END"
    )
    assert text_of(f"Content-Type: text/plain\n\n{raw}".encode()) == "VPN is down"


def tnef_part(stream, kind="application/ms-tnef"):
    return f"Content-Type: {kind}; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n{in_base64(stream)}"


@pytest.mark.parametrize("kind", ["application/ms-tnef", "application/vnd.ms-tnef", "application/octet-stream"])
def test_the_text_in_winmail_dat_is_read(kind):
    for stream in (
        winmail(attribute(0x800C, b"It is down.")),
        winmail(attribute(0x9003, mapi((0x1013, 0x102, b"<p>It is <b>down.</b></p>")))),
    ):
        found = read_parts(mixed("Content-Type: text/plain\n\n \n", tnef_part(stream, kind)))
        assert (found.texts, found.unread) == (["It is down."], ())
    both = mixed("Content-Type: text/plain\n\nIt is down.\n", tnef_part(winmail(attribute(0x800C, b"It is down."))))
    assert read_parts(both).texts == ["It is down."]


def test_files_and_mails_within_winmail_dat_are_named_and_read():
    inner = bytes.fromhex("0703020000000000c000000000000046") + winmail(attribute(0x800C, b"The inner mail."))
    stream = winmail(
        attribute(0x800C, b"See the file."),
        attribute(0x9002, b"", 2), attribute(0x8010, b"scan.pdf\0", 2),
        attribute(0x9002, b"", 2), attribute(0x9005, mapi((0x3701, 0x0D, inner)), 2),
    )  # fmt: skip
    found = read_parts(tnef_part(stream).encode())
    assert (found.texts, found.files) == (["See the file.", "The inner mail."], ["scan.pdf"])
    broken = read_parts(tnef_part(b"junk").encode())
    assert "winmail.dat" in broken.unread[0]


def test_an_invitation_is_told_beside_the_text():
    calendar = "BEGIN:VEVENT\nSUMMARY:New laptops\nDESCRIPTION:Bring it.\nEND:VEVENT\n"
    part = f"Content-Type: text/calendar; method=REQUEST\n\nMETHOD:REQUEST\n{calendar}"
    assert text_of(part.encode()) == "Invitation: New laptops.\nBring it."
    plain = "Content-Type: text/plain\n\nBring it.\n"
    assert text_of(mixed(plain, part, kind="alternative")) == "Bring it.\nInvitation: New laptops."
    file = f"Content-Type: application/octet-stream; name=invite.ics\n\nMETHOD:REQUEST\n{calendar}"
    assert "Invitation: New laptops." in text_of(mixed(plain, file))


@pytest.mark.parametrize("head", ["multipart/mixed", "multipart/mixed; boundary=other", 'multipart/mixed; boundary=""'])
def test_a_multipart_without_its_boundary_is_read_as_far_as_it_goes(head):
    parts = f"--xyz\nContent-Type: text/plain; charset=utf-8\n\n{MATTER}\n--xyz\nContent-Type: text/html\n\n<p>x</p>\n"
    found = text_of(f"Content-Type: {head}\n\n{parts}".encode())
    assert MATTER in found
    assert "xyz" not in found
    assert "VPN is down" in text_of(f"Content-Type: {head}\n\nVPN is down\n".encode())
    assert text_of(f"Content-Type: {head}\n\n<html><p>VPN is <b>down</b></p>".encode()).split() == ["VPN", "is", "down"]


def test_a_plain_text_that_is_a_stub_gives_way_to_the_html():
    html = f"Content-Type: text/html; charset=utf-8\n\n<p>{MATTER}</p>\n"
    for stub in ("This mail is in HTML. Your program can't show it.", "Bitte HTML-Ansicht nutzen.", " "):
        assert text_of(mixed(f"Content-Type: text/plain\n\n{stub}\n", html, kind="alternative")).strip() == MATTER
    long = f"Content-Type: text/html; charset=utf-8\n\n<p>{MATTER * 10}</p>\n"
    assert MATTER in text_of(mixed("Content-Type: text/plain\n\nHallo\n", long, kind="alternative"))
    notice = "Content-Type: text/plain\n\nIhr Programm zeigt nur die einfache Fassung an.\n"
    assert text_of(mixed(notice, html, kind="alternative")).endswith(f" an.\n{MATTER}")
    for empty in ("\u200b", "[cid:logo.png]", "<https://example.org/a/b?c=d>"):
        plain = f"Content-Type: text/plain; charset=utf-8\n\n{empty}\n"
        assert text_of(mixed(plain, html, kind="alternative")) == MATTER
    linked = f"Content-Type: text/plain; charset=utf-8\n\n{MATTER}\n<https://example.org/a/b/c/d/e/f/g>\n"
    assert text_of(mixed(linked, html, kind="alternative")).count(MATTER) == 1
    same = "Content-Type: text/html\n\n<p>VPN down</p><p>Example Ltd</p>\n"
    assert text_of(mixed("Content-Type: text/plain\n\nVPN down\n", same, kind="alternative")) == "VPN down"


def test_a_text_that_is_sent_as_a_file_is_read_where_it_is_the_only_one():
    file = "Content-Type: text/plain; name=a.txt\nContent-Disposition: attachment; filename=a.txt\n\nVPN is down\n"
    assert text_of(mixed(file)) == "VPN is down"
    found = read_parts(mixed("Content-Type: text/plain\n\nSee the log.\n", file))
    assert (found.texts, found.files) == (["See the log."], ["a.txt"])


def test_what_stands_around_the_parts_is_read_where_they_are_empty():
    stub = "This is a multi-part message in MIME format."
    for raw in (f"{stub}\n--b--\nVPN is down\n", f"{stub}\n--b\n\n--b--\nVPN is down\n", "VPN is down\n--b\n\n--b--\n"):
        assert text_of(f"Content-Type: multipart/mixed; boundary=b\n\n{raw}".encode()) == "VPN is down"


def test_pictures_within_html_do_not_use_up_its_length():
    for quote in "\"'":
        picture = f"<img src={quote}data:image/png;base64,{'A' * 300_000}{quote}>"
        raw = f"Content-Type: text/html\n\n<p>Before</p>{picture}<p>After</p>"
        assert text_of(raw.encode()).split() == ["Before", "After"]


def test_one_budget_is_kept_for_a_message_and_what_exceeds_it_is_told():
    many = mixed(*[f"Content-Type: text/plain\n\npart {n}\n" for n in range(20)])
    found = read_parts(many, ReadBudget(parts=6))
    assert found.texts == [f"part {n}" for n in range(5)]
    assert "too many parts" in found.unread[0]
    ticking = iter(range(100))
    slow = read_parts(many, ReadBudget(seconds=5, clock=lambda: next(ticking)))
    assert "took too long" in slow.unread[0]
    assert slow.texts
    assert not read_parts(b"Content-Type: text/plain\n\n" + b"x" * 100, ReadBudget(characters=10)).complete
    small = ReadBudget(octets=10)
    assert "too large" in read_parts(smime(signed(tlv(4, ENTITY))), small).unread[0]


HOSTILE = {
    "chunks": smime(signed(endless(0x24, tlv(4, b"x") * 300_000), endless)),
    "zip bomb": smime(packed(b"\n" * 100_000_000)),
    "attributes": tnef_part(winmail(attribute(0x8006, b"") * 300_000)).encode(),
    "boundaries": b"Content-Type: multipart/mixed\n\n" + b"--a\n" * 300_000,
    "mails": b"Content-Type: message/rfc822\n\n" * 90,
    "attributes of html": b"Content-Type: text/html\n\n" + b'<p a="' * 200_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nobody_can_make_a_part_that_takes_long(name):
    began = time.process_time()
    found = read_parts(HOSTILE[name])
    assert time.process_time() - began < 3
    assert sum(map(len, found.texts)) < 700_000
