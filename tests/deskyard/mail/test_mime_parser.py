"""The bytes of a mail are parsed without a loss, also where its boundaries are missing."""

import pytest

from deskyard.mail.mime_parser import guess_boundary, parse_mime, part_bytes


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
    with pytest.raises(ValueError, match="too many parts within parts"):
        parse_mime(deep)
