"""The bytes of a mail are parsed without a loss, also where its boundaries are missing."""

import base64

import pytest

from deskyard.mail.mime_parser import find_undeclared_boundary, guess_boundary, mend_head, parse_mime, part_bytes


@pytest.mark.parametrize(
    ("body", "boundary"),
    [
        (b"--xyz\nContent-Type: text/plain\n\nHi\n--xyz--\n", b"xyz"),
        (b"Hello\n-- \nAnn\n--=_Part.1\r\n\r\nHi", b"=_Part.1"),
        (b"Hello\n-----\nand --more-- of it", b""),
    ],
)
def test_a_boundary_that_is_not_told_is_found_before_the_headers_of_a_part(body, boundary):
    assert guess_boundary(body) == boundary


def test_what_follows_a_last_boundary_without_a_first_one_is_kept():
    raw = b"Content-Type: multipart/mixed; boundary=b\n\nbefore\n--b--\nafter \xd0\x9f\n"
    message, complete = parse_mime(raw)
    assert (part_bytes(message), complete) == (b"before\n--b--\nafter \xd0\x9f\n", True)


def test_a_mail_with_more_parts_than_any_real_one_has_is_read_in_part():
    assert not parse_mime(b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 6_000)[1]
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(200))
    assert not parse_mime(deep)[1]


TEXT = "Не печатает принтер.".encode()
CODED = base64.encodebytes(TEXT).decode()


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        ("base64;", CODED, TEXT),
        ('"base64"', CODED, TEXT),
        ("BASE64 (a text)", CODED, TEXT),
        ('"quoted-printable"', "=D0=9D", "Н".encode()),
        ("base64", CODED + "--\nlist footer, unsubscribe\n", TEXT + b"\n--\nlist footer, unsubscribe\n"),
        ("base64", CODED + CODED, TEXT + TEXT),
        ("base64", "The printer is down.\n", b"The printer is down.\n"),
        ("base64", "Hello\nthe printer is down.\n", b"Hello\nthe printer is down.\n"),
    ],
)
def test_a_transfer_encoding_is_undone_as_far_as_it_was_done(encoding, body, content):
    assert part_bytes(parse_mime(f"Content-Transfer-Encoding: {encoding}\n\n{body}".encode())[0]) == content


@pytest.mark.parametrize(
    "raw",
    [b"\r\n\nSubject: a\nDate: b\n\nc", b"Subject: a\rDate: b\r\rc", b"Subject: a\nDate: b\n\nc",
     b"From x@y Mon Mar 2\nSubject: a\nDate: b\n\nc"],
)  # fmt: skip
def test_headers_are_found_below_blank_lines_and_with_the_line_ends_of_old_macs(raw):
    message, _ = parse_mime(mend_head(raw))
    assert (message["subject"], message["date"], message.get_payload()) == ("a", "b", "c")


def test_a_line_that_is_no_header_belongs_to_the_one_above_and_not_to_the_text():
    message, _ = parse_mime(mend_head(b"Subject: a\nthe rest of it\nContent-Type: text/html\n\n<p>c"))
    assert (message["subject"], message.get_content_type()) == ("a\n the rest of it", "text/html")
    without_blank_line = b"Subject: a\nDear colleagues,\nthe printer is down\n\nAnn"
    assert mend_head(without_blank_line) == without_blank_line


def test_a_text_that_only_quotes_a_multipart_is_none():
    part = b"--b\nContent-Type: text/plain\n\nHi\n"
    assert find_undeclared_boundary(part + b"--b--") == b"b"
    assert find_undeclared_boundary(b"This is a multi-part message in MIME format.\n" + part + b"--b--") == b"b"
    for quoted in (b"What is this?\n" + part + b"--b--", part, b"--b\nHi\n--b--"):
        assert find_undeclared_boundary(quoted) == b""
