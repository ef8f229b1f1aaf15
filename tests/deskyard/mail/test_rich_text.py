"""Outlook's rich text becomes plain text, compressed or not, whatever its code pages."""

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.mail.rich_text import decompress_rtf, rtf_to_text


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2}", "Привет"),
        (rb"{\rtf1{\fonttbl{\f0\fcharset204 Arial;}}\f0 \'cf\'f0\'e8{\b \'e2}\'e5\'f2}", "Привет"),
        (rb"{\rtf1\uc1\u1055?\u1088?\u1080?{\uc2\u1074??}\u1077?\u1090?}", "Привет"),
        (rb"{\rtf1\u-10179?\u-8694?}", "\U0001f60a"),
        (rb"{\rtf1 one\par two\tab three{\*\secret no}{\pict 00ff}\{x\}}", "one\ntwo\tthree{x}"),
        (rb"{\rtf1\fromhtml1{\*\htmltag64 <p>}It is down.{\*\htmltag72 </p>}}", "It is down."),
        (rb"{\rtf1 a\bin4 {{{{b}", "ab"),
    ],
)
def test_rich_text_becomes_plain(rtf, text):
    assert rtf_to_text(rtf, 1_000) == text


def test_what_is_repeated_is_unpacked():
    again = bytes.fromhex("0000000010000000") + b"LZFu" + bytes(4) + b"\x04ab" + struct.pack(">H", 207 << 4 | 12)
    assert decompress_rtf(again, 100) == b"ab" * 8
    assert decompress_rtf(again, 5) == b"ababa"
    with pytest.raises(ValueError, match="no compressed"):
        decompress_rtf(b"junk" * 10, 100)


RTF_PIECES = st.sampled_from(
    [b"{", b"}", b"\\", b"\\par", b"\\u-5?", b"\\'e0", b"\\bin9999", b"\\f1", b"\\fonttbl", b"\\*", b"\\ansicpg99999",
     b"\\uc9", b"x", b"\n", b"\\fcharset204"]
)  # fmt: skip  # fmt: skip


@given(st.lists(RTF_PIECES, max_size=40).map(b"".join))
def test_any_rich_text_is_read_without_an_error(raw):
    assert len(rtf_to_text(b"{\\rtf1" + raw, 1_000)) < 1_000
    assert len(decompress_rtf(struct.pack("<II4sI", 0, 500, b"LZFu", 0) + raw, 100)) <= 100


def test_nobody_can_make_rich_text_that_takes_long():
    began = time.process_time()
    rtf_to_text(b"{\\rtf1 " + b'{\\field{\\*\\fldinst{HYPERLINK "a" ' * 50_000, 100_000)
    decompress_rtf(b"\0" * 4 + b"\xff" * 4 + b"LZFu" + b"\0" * 4 + b"\xff\x00\x1f" * 300_000, 2_000_000)
    assert time.process_time() - began < 3
