"""Keys of GOST 34.310-2004 that sign, for tests alone: the product verifies what was signed with them and never signs."""

from typing import Any

from pki_samples import NOVEMBER_MS

from common.pki import authority as profiles
from common.pki import der, gost
from common.pki.algorithms import gost_spki, read_public_key, signature_algorithm
from common.pki.certificates import read_certificate
from common.pki.gost94 import gost34311
from common.pki.keystore import Key

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


class OldKey(Key):
    """A key of 2004 that signs."""

    __slots__ = ()

    def sign(self, data: bytes) -> bytes:
        return sign(self._reveal(), data)


def sign(secret: Any, data: bytes) -> bytes:
    return gost.sign(secret.d, gost34311(data), gost.CURVE_2004)


def old_root(common_name: str = "НЕГІЗГІ СЫНАҚ") -> OldKey:
    """Return a self-signed authority."""
    secret = gost.new_private_key(gost.CURVE_2004)
    request = profiles._authority_request(secret, common_name, NOVEMBER_MS - DAY_MS, NOVEMBER_MS + 3650 * DAY_MS)
    algorithm = signature_algorithm(read_public_key(request.spki))
    signed = profiles._signed_part(request, request.name, algorithm)
    return OldKey(read_certificate(der.sequence(signed, algorithm, der.bits(sign(secret, signed)))), secret)


def old_person(root: Key, iin: str = "900101400018", *, serial: int = 0, extensions: tuple[bytes, ...] = ()) -> OldKey:
    """Return a person's key under ``root``."""
    secret = gost.new_private_key(gost.CURVE_2004)
    spki = gost_spki(gost.public_key(secret.d, secret.curve), secret.curve)
    request = profiles._Request(
        name=profiles._name(profiles._person("АХМЕТОВА", "АЙГҮЛ", "СЕРІКҚЫЗЫ", iin)),
        spki=spki,
        serial=serial or profiles._serial(spki),
        not_before_ms=NOVEMBER_MS - HOUR_MS,
        not_after_ms=NOVEMBER_MS + 365 * DAY_MS,
        extensions=(
            profiles._extension("2.5.29.37", der.sequence(*map(der.oid, (profiles.EMAIL_PROTECTION, profiles.PERSON)))),
            profiles._extension("2.5.29.15", profiles._USAGE_PERSON, critical=True),
            profiles._ski(spki),
            *extensions,
        ),
    )
    return OldKey(read_certificate(profiles._issue(root, request)), secret)


def in_pieces(data: bytes, size: int = 40) -> bytes:
    """Return DER as BER: every constructed element of indefinite length, every OCTET STRING in pieces."""

    def again(node: der.Node) -> bytes:
        if node.tag == der.OCTET_STRING:
            body = node.body
            parts = [der.octets(body[at : at + size]) for at in range(0, len(body), size)] or [der.octets(b"")]
            return b"\x24\x80" + b"".join(parts) + b"\0\0"
        if node.tag & der.CONSTRUCTED:
            return bytes((node.tag, 0x80)) + b"".join(map(again, node)) + b"\0\0"
        return node.raw

    return again(der.read(data))


def outside_in_pieces(cms: bytes) -> bytes:
    """Return a CMS whose outer elements and content are BER, and whose certificates and signers stay DER, as BouncyCastle writes."""
    whole = der.read(cms)
    signed_data = whole[1][0]
    parts = [part.raw for part in signed_data]
    parts[2] = in_pieces(parts[2])
    for at in (1, 3, len(parts) - 1):
        node = signed_data[at]
        parts[at] = bytes((node.tag, 0x80)) + node.body + b"\0\0"
    inside = b"\x30\x80" + b"".join(parts) + b"\0\0"
    return b"\x30\x80" + whole[0].raw + b"\xa0\x80" + inside + b"\0\0\0\0"
