"""Parts of mails as mail programs make them: multiparts, S/MIME, winmail.dat."""

import base64
import struct
import zlib

from deskyard.mail.tnef import SIGNATURE

MATTER = "Die Gehaltsabrechnung für März fehlt."
INNER = f"From: Dan <dan@example.org>\nSubject: Abrechnung\nContent-Type: text/plain; charset=utf-8\n\n{MATTER}\n"


def mixed(*parts, kind="mixed"):
    """A multipart of parts, each with its own headers."""
    body = "".join(f"--b\n{part}\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary=b\n\n{body}--b--\n".encode()


def in_base64(raw):
    return base64.encodebytes(raw.encode() if isinstance(raw, str) else raw).decode()


def tlv(tag, content):
    size = len(content)
    octets = size.to_bytes((size.bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (bytes([size]) if size < 128 else bytes([0x80 | len(octets)]) + octets) + content


def endless(tag, content):
    return bytes([tag, 0x80]) + content + b"\0\0"


DATA, SIGNED, ENVELOPED = (bytes.fromhex(f"06092a864886f70d01070{one}") for one in "123")
COMPRESSED = bytes.fromhex("060b2a864886f70d0109100109")
ENTITY = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{MATTER}\r\n".encode()


def signed(content, wrap=tlv):
    """An opaque signature: version, algorithms, content, signers."""
    body = wrap(0x30, DATA + wrap(0xA0, content))
    return wrap(0x30, SIGNED + wrap(0xA0, wrap(0x30, tlv(2, b"\1") + tlv(0x31, b"") + body + tlv(0x31, b""))))


def packed(entity):
    """Compressed data."""
    body = tlv(0x30, DATA + tlv(0xA0, tlv(4, zlib.compress(entity))))
    return tlv(0x30, COMPRESSED + tlv(0xA0, tlv(0x30, tlv(2, b"\0") + tlv(0x30, DATA) + body)))


def smime(raw, kind="application/pkcs7-mime; smime-type=signed-data"):
    head = f"Content-Type: {kind}; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n"
    return (head + in_base64(raw)).encode()


def attribute(name, data, level=1):
    return struct.pack("<BHHI", level, name, 6, len(data)) + data + b"\0\0"


def mapi(*properties):
    found = b""
    for name, kind, data in properties:
        head = struct.pack("<HH", kind, name)
        sized = struct.pack("<II", 1, len(data)) + data + b"\0" * (-len(data) % 4)
        found += head + (data if kind == 3 else sized)
    return struct.pack("<I", len(properties)) + found


def winmail(*attributes):
    return SIGNATURE + b"\1\0" + b"".join(attributes)
