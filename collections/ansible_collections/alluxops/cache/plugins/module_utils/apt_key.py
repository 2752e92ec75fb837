"""Take from a downloaded OpenPGP key file exactly the key whose fingerprint is trusted, and nothing else.

A repository's key file is fetched over a network that is not trusted, and apt trusts every key of the keyring it is
given. So the file is taken apart here: the certificate with the pinned fingerprint becomes the keyring, any other key
in the file is left out, and a file without the pinned key is refused with the fingerprints that it does carry. Done in
Python because a fresh Debian has gpgv or sqv for apt, but no gpg.

Pure: bytes in, bytes out. Standard library only, Python 3.9. Formats: packets, armor and fingerprints of RFC 4880 and
RFC 9580.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

ARMOR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\r?\n(?P<inner>.*?)-----END PGP PUBLIC KEY BLOCK-----",
    re.DOTALL,
)
SECRET_KEY, PUBLIC_KEY, SECRET_SUBKEY, USER_ID = 5, 6, 7, 13
FINGERPRINT_DIGITS = (40, 64)


@dataclass(frozen=True)
class Certificate:
    """One primary key with its user ids, subkeys and signatures, as it stands in a binary keyring."""

    fingerprint: str
    user_id: str
    packets: bytes


def normal_fingerprint(text: str, place: str) -> str:
    """A fingerprint in capitals without spaces. Raises SettingsError for what is not a whole fingerprint."""
    digits = re.sub(r"[\s:]", "", text).upper()
    digits = digits.removeprefix("0X")
    if len(digits) not in FINGERPRINT_DIGITS or not re.fullmatch("[0-9A-F]+", digits):
        raise SettingsError(
            f"{place} is {text!r}.",
            "A whole fingerprint has 40 hexadecimal digits; a short key id can be forged.",
            "take the fingerprint from the publisher, by `gpg --show-keys FILE` of a key you trust.",
        )
    return digits


class DamagedError(CacheError):
    """A key file that cannot be taken apart."""


def keyring(data: bytes, fingerprint: str, place: str, setting: str, url_setting: str) -> bytes:
    """The binary keyring with the one certificate that has this (normal) fingerprint.

    place: where data came from, setting and url_setting: what has the fingerprint and the place; all for the error.
    Raises CacheError when data is no key file or carries other keys only.
    """
    try:
        found = certificates(data, place)
    except DamagedError as error:
        error.fix = f"fetch it again, or set {url_setting} to the right file."
        raise
    for certificate in found:
        if certificate.fingerprint == fingerprint:
            return certificate.packets
    raise CacheError(
        f"the key at {place} is not the one that is trusted.",
        f"Wanted {fingerprint}, found {_named(found)}.",
        f"do not trust it: ask the publisher of the repository. If the key was replaced on purpose, set {setting} to"
        " the fingerprint that the publisher announces.",
    )


def holds_only(data: bytes, fingerprint: str) -> bool:
    """Whether an installed keyring file trusts this key and no other."""
    try:
        found = certificates(data, "the keyring")
    except CacheError:
        return False
    return [certificate.fingerprint for certificate in found] == [fingerprint]


def certificates(data: bytes, place: str) -> list[Certificate]:
    """All certificates of a key file, armored or binary. Raises CacheError for anything else."""
    raw = _binary(data, place)
    found: list[Certificate] = []
    start, end = 0, 0
    fingerprint, user_id = "", ""
    for tag, body, offset, after in _packets(raw, place):
        if tag in (SECRET_KEY, SECRET_SUBKEY):
            raise CacheError(
                f"{place} carries a secret key.",
                "Whoever reads it can sign packages in the publisher's name.",
                "tell the publisher, and do not use this repository.",
            )
        if tag == PUBLIC_KEY:
            if fingerprint:
                found.append(Certificate(fingerprint, user_id, raw[start:end]))
            start, fingerprint, user_id = offset, _fingerprint(body, place), ""
        elif not fingerprint:
            raise _damaged(place, "it does not begin with a public key")
        elif tag == USER_ID and not user_id:
            user_id = body.decode("utf-8", "replace")
        end = after
    if not fingerprint:
        raise _damaged(place, "it is empty")
    found.append(Certificate(fingerprint, user_id, raw[start:end]))
    return found


def _binary(data: bytes, place: str) -> bytes:
    """The packets of a key file: armor taken off where there is one."""
    if data[:1] and data[0] & 0x80:
        return data
    blocks = [match.group("inner") for match in ARMOR.finditer(data)]
    if not blocks:
        begin = data[:60].decode("utf-8", "replace").strip()
        raise CacheError(
            f"{place} is not an OpenPGP public key.",
            f"It begins with {begin!r}." if begin else "It is empty.",
            "open the address in a browser: a login page, a proxy or a retired host answers instead of the repository. "
            "Then correct the address.",
        )
    return b"".join(_dearmored(block, place) for block in blocks)


def _dearmored(block: bytes, place: str) -> bytes:
    lines = [line.strip() for line in block.split(b"\n")]
    while lines and lines[0]:  # headers such as Version: or Comment: end with an empty line
        if b":" not in lines[0]:
            break
        lines.pop(0)
    text = b"".join(line for line in lines if line and not line.startswith(b"="))
    checksum = next((line[1:] for line in lines if line.startswith(b"=")), b"")
    try:
        packets = base64.b64decode(text, validate=True)
        expected = base64.b64decode(checksum, validate=True) if checksum else b""
    except binascii.Error as fault:
        raise _damaged(place, f"its armor is broken: {fault}") from fault
    if expected and expected != _crc24(packets):
        raise _damaged(place, "its armor's checksum does not fit")
    return packets


def _crc24(data: bytes) -> bytes:
    crc = 0xB704CE
    for octet in data:
        crc ^= octet << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc.to_bytes(3, "big")


def _packets(raw: bytes, place: str) -> Iterator[tuple[int, bytes, int, int]]:
    """Each packet as (tag, body, offset of its header, offset after it)."""
    offset = 0
    while offset < len(raw):
        tag, begin, length = _header(raw, offset, place)
        if begin + length > len(raw):
            raise _damaged(place, "it ends in the middle")
        yield tag, raw[begin : begin + length], offset, begin + length
        offset = begin + length


def _header(raw: bytes, offset: int, place: str) -> tuple[int, int, int]:
    """(tag, offset of the body, length of the body) of the packet at offset, in the old or the new header format."""
    first = raw[offset]
    if not first & 0x80:
        raise _damaged(place, f"no packet begins at octet {offset}")
    if not first & 0x40:
        octets = {0: 1, 1: 2, 2: 4}.get(first & 3)
        if octets is None:
            raise _damaged(place, "a packet has no length")
        begin = offset + 1 + octets
        return (first >> 2) & 0x0F, begin, int.from_bytes(raw[offset + 1 : begin], "big")
    size = raw[offset + 1] if offset + 1 < len(raw) else 0
    if size < 192:
        return first & 0x3F, offset + 2, size
    if size < 224:
        second = raw[offset + 2] if offset + 2 < len(raw) else 0
        return first & 0x3F, offset + 3, ((size - 192) << 8) + second + 192
    if size == 255:
        return first & 0x3F, offset + 6, int.from_bytes(raw[offset + 2 : offset + 6], "big")
    raise _damaged(place, "a packet comes in parts, which keys never do")


def _fingerprint(body: bytes, place: str) -> str:
    version = body[0] if body else 0
    size = len(body)
    if version == 4:
        lead = b"\x99" + size.to_bytes(2, "big")
        return hashlib.sha1(lead + body).hexdigest().upper()  # noqa: S324 - so the format says
    if version in (5, 6):
        lead = b"\x9a" if version == 5 else b"\x9b"
        return hashlib.sha256(lead + size.to_bytes(4, "big") + body).hexdigest().upper()
    raise _damaged(place, f"its key has format version {version}, which nobody should use any more")


def _named(found: Sequence[Certificate]) -> str:
    return ", ".join(
        f"{certificate.fingerprint} ({certificate.user_id})"
        if certificate.user_id
        else certificate.fingerprint
        for certificate in found
    )


def _damaged(place: str, why: str) -> DamagedError:
    return DamagedError(f"{place} is not a whole OpenPGP public key: {why}.", fix="fetch it again.")
