"""The text that Outlook put into winmail.dat is read, in each of the ways in which it is put there."""

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.mail.tnef import SIGNATURE, read_tnef
from tests.deskyard.mail.made_parts import attribute, mapi, winmail

RTF = rb"{\rtf1\ansi\ansicpg1251{\fonttbl{\f0\fcharset204 Arial;}}\f0 \'cf\'f0\'e8\'ed\'f2\'e5\'f0\par VPN}"


def uncompressed(rtf):
    return struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf


def compressed(rtf):
    """As literal bytes only, eight after each byte of flags."""
    body = b"".join(b"\0" + rtf[at : at + 8] for at in range(0, len(rtf), 8))
    return struct.pack("<II4sI", len(body) + 12, len(rtf), b"LZFu", 0) + body


TEXT = "Принтер горит"


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        (winmail(attribute(0x9007, struct.pack("<I", 1251)), attribute(0x800C, TEXT.encode("cp1251"))), TEXT),
        (winmail(attribute(0x9003, mapi((0x1000, 0x1F, TEXT.encode("utf-16-le"))))), TEXT),
        (winmail(attribute(0x9003, mapi((0x1009, 0x102, uncompressed(RTF))))), "Принтер\nVPN"),
        (winmail(attribute(0x9003, mapi((0x1009, 0x102, compressed(RTF))))), "Принтер\nVPN"),
    ],
    ids=["body", "unicode", "rtf", "compressed rtf"],
)
def test_the_text_is_read(stream, text):
    assert read_tnef(stream, 1_000).text == text


def test_html_is_read_in_the_code_page_that_it_names():
    page = mapi((0x3FDE, 3, struct.pack("<I", 65001)), (0x1013, 0x102, f"<p>{TEXT}</p>".encode()))
    assert read_tnef(winmail(attribute(0x9003, page)), 1_000).html == f"<p>{TEXT}</p>"


def test_files_and_mails_within_are_found():
    inner = winmail(attribute(0x800C, b"The inner mail."))
    stream = winmail(
        attribute(0x8004, b"VPN\0"),
        attribute(0x9002, b"", 2), attribute(0x8010, b"scan.pdf\0", 2),
        attribute(0x9002, b"", 2),
        attribute(0x9005, mapi((0x3701, 0x0D, bytes.fromhex("0703020000000000c000000000000046") + inner)), 2),
    )  # fmt: skip
    found = read_tnef(stream, 1_000)
    assert (found.subject, found.files, found.attached) == ("VPN", ["scan.pdf"], [inner])


@given(st.binary(max_size=200), st.integers(0, 0xFFFF), st.integers(0, 0x1FFF))
def test_any_bytes_in_winmail_dat_are_read_without_an_error(raw, name, kind):
    for stream in (raw, winmail(raw), winmail(attribute(0x9003, b"\1\0\0\0" + struct.pack("<HH", kind, name) + raw))):
        try:
            assert len(read_tnef(SIGNATURE + stream[4:], 1_000).text) <= 1_000
        except ValueError:
            raise AssertionError(stream) from None


def test_nobody_can_make_a_stream_that_takes_long():
    began = time.process_time()
    read_tnef(winmail(attribute(0x8006, b"") * 300_000), 1_000)
    read_tnef(winmail(attribute(0x9003, b"\xff" * 400)), 1_000)
    read_tnef(winmail(attribute(0x9003, b"\0" * 1_000_000)), 1_000)
    assert time.process_time() - began < 3
