"""An opaque signature is unwrapped, however it is encoded; anything else is named."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deskyard.mail.smime import unwrap_smime
from tests.deskyard.mail.made_parts import ENTITY, ENVELOPED, endless, packed, signed, tlv

CHUNKS = tlv(4, ENTITY[:20]) + tlv(4, ENTITY[20:])


@pytest.mark.parametrize(
    "raw",
    [
        signed(tlv(4, ENTITY)),
        signed(endless(0x24, CHUNKS), endless),
        signed(tlv(0x24, CHUNKS)),
    ],
    ids=["DER", "in chunks", "constructed"],
)
def test_an_opaque_signature_is_unwrapped(raw):
    assert unwrap_smime(raw, 10_000).content == ENTITY


def test_what_it_is_is_told():
    assert (unwrap_smime(packed(ENTITY), 10_000).kind, unwrap_smime(packed(ENTITY), 10).content) == (
        "compressed",
        ENTITY[:10],
    )
    assert unwrap_smime(tlv(0x30, ENVELOPED + tlv(0xA0, tlv(0x30, b"\2\1\0"))), 10_000).kind == "encrypted"
    assert unwrap_smime(b"junk", 10_000).kind == "unreadable"


@given(st.binary(max_size=200))
@example(b"\x30\x80" * 60)
@example(bytes.fromhex("30840000000c06092a864886f70d010702"))
def test_any_bytes_are_unwrapped_without_an_error(raw):
    assert unwrap_smime(raw, 1_000).kind in ("signed", "compressed", "encrypted", "unreadable")
    assert len(unwrap_smime(signed(tlv(4, raw)), 1_000).content) == len(raw)


@pytest.mark.parametrize(
    "raw",
    [
        signed(endless(0x24, tlv(4, b"x") * 300_000), endless),
        signed(b"\x24\x80" * 300_000, endless),
        packed(b"\n" * 100_000_000),
    ],
    ids=["chunks", "nested", "compressed"],
)
def test_nobody_can_make_a_signature_that_takes_long(raw):
    began = time.process_time()
    assert len(unwrap_smime(raw, 1_000_000).content) <= 1_000_000
    assert time.process_time() - began < 3
