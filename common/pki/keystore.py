"""Key files (.p12): opened for a signature, written for demonstration and tests.

``open_p12`` tells three things apart: a wrong password (``p12.password``), a file that is damaged or no key file
(``p12.broken``), and a file whose key and certificate are not a pair (``p12.mismatch``). The key it returns lives in memory
only: it has no printable form, cannot be pickled or copied, and no method gives the secret away but ``write_p12``.
"""

from collections.abc import Iterator
from typing import NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from common.errors import N_, Refused
from common.pki import der, envelope, gost
from common.pki.algorithms import digest, gost_algorithm, gost_kind, gost_kind_of, gost_spki, refused_as
from common.pki.certificates import Certificate, read_certificate

P12_BYTES_MAX = 64 * 1024
"""A national key file has about 2 KiB, an RSA one about 6."""
BAGS_MAX = 32

_DATA, _ENCRYPTED_DATA = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.6"
_KEY_BAG, _SHROUDED_BAG, _CERTIFICATE_BAG = (f"1.2.840.113549.1.12.10.1.{number}" for number in (1, 2, 3))
_X509_BAG, _FRIENDLY_NAME, _LOCAL_KEY_ID = "1.2.840.113549.1.9.22.1", "1.2.840.113549.1.9.20", "1.2.840.113549.1.9.21"

BROKEN = N_("This is not a key file (.p12), or it is damaged. Take the file that the certification centre gave you.")
WRONG_PASSWORD = N_("The password does not fit this key file. Check the language and the Caps Lock key, then type it again.")
MISMATCH = N_("The key and the certificate in this file do not belong together. Take the file that the certification centre gave you.")
VERIFY_ONLY = N_(
    "This key is of a kind that is no longer used for signing (GOST 34.310-2004). Get a new key from the certification centre."
)

_SHA_OF_CURVE: dict[str, hashes.HashAlgorithm] = {"secp256r1": hashes.SHA256(), "secp384r1": hashes.SHA384(), "secp521r1": hashes.SHA512()}

Secret = gost.PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Key:
    """A private key with its certificate."""

    __slots__ = ("__secret", "certificate")

    def __init__(self, certificate: Certificate, secret: Secret) -> None:
        """Pair them. Raises Refused("p12.mismatch") when they are not a pair."""
        if not _is_pair(certificate, secret):
            raise Refused("p12.mismatch", MISMATCH)
        self.certificate = certificate
        self.__secret = secret

    def sign(self, data: bytes) -> bytes:
        """Return the raw signature of ``data`` by the certificate's algorithm, with that algorithm's own digest."""
        return sign_with(self.__secret, data)

    def __repr__(self) -> str:
        return f"<Key of {self.certificate!r}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a private key stays where it is")

    def _reveal(self) -> Secret:
        """Return the secret: for ``write_p12`` alone."""
        return self.__secret


def key_from_ec(private_key: ec.EllipticCurvePrivateKey, certificate_der: bytes) -> Key:
    """Return the key of a node from its P-256 key. Raises Refused("p12.mismatch") when they are not a pair."""
    return Key(read_certificate(certificate_der), private_key)


def sign_with(secret: Secret, data: bytes) -> bytes:
    """Return the signature of ``data``: GOST with Streebog, RSA (PKCS#1 v1.5) with SHA-256, ECDSA with its curve's SHA.

    Raises Refused("pki.verify_only") for a key of 34.310-2004.
    """
    if isinstance(secret, rsa.RSAPrivateKey):
        return secret.sign(data, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(secret, ec.EllipticCurvePrivateKey):
        return secret.sign(data, ec.ECDSA(_SHA_OF_CURVE[secret.curve.name]))
    kind = gost_kind_of(secret.curve)
    if secret.curve == gost.CURVE_2004:
        raise Refused("pki.verify_only", VERIFY_ONLY)
    return gost.sign(secret.d, digest(kind.digest, data), secret.curve)


def public_spki(secret: Secret) -> bytes:
    """Return the SubjectPublicKeyInfo that belongs to ``secret``."""
    if isinstance(secret, gost.PrivateKey):
        return gost_spki(gost.public_key(secret.d, secret.curve), secret.curve)
    return secret.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _is_pair(certificate: Certificate, secret: Secret) -> bool:
    ours, theirs = der.read(public_spki(secret)), der.read(certificate.key.spki)
    return ours[0][0].raw == theirs[0][0].raw and ours[1].raw == theirs[1].raw  # parameters may be written in two ways


def open_p12(data: bytes, password: str) -> Key:
    """Return the key of a .p12 file.

    Raises Refused: "p12.password" for a wrong password, "p12.broken" for a damaged file, "p12.mismatch" for a key without
    its certificate, "pki.algorithm" for a key or a cipher out of use, "pki.certificate_broken" for an unreadable certificate.
    """
    with refused_as("p12.broken", BROKEN):
        if len(data) > P12_BYTES_MAX:
            raise Refused("p12.broken", BROKEN)
        file = der.read(data).expect(der.SEQUENCE)
        if file[0].integer() != 3 or file[1][0].oid() != _DATA:
            raise der.DerError("another kind of file")
        work = envelope.Password(password)
        contents = file[1][1][0].octets()
        intact = len(file.parts) < 3 or envelope.mac_matches(file[2], contents, work)
        try:
            bags = list(_bags(contents, work))
        except envelope.WrongPassword:
            if work.opened or (intact and len(file.parts) > 2):  # the password is right, so it is the file that has changed
                raise Refused("p12.broken", BROKEN) from None
            raise Refused("p12.password", WRONG_PASSWORD, field="password") from None
        if not intact:
            raise Refused("p12.broken", BROKEN)
        return _pair(bags)


def _bags(contents: bytes, password: envelope.Password) -> Iterator[tuple[str, bytes]]:
    """Yield (kind, contents) of the keys (as PKCS#8) and certificates in a file. Raises WrongPassword and DerError."""
    count = 0
    for part in der.read(contents):
        for bag in der.read(_open_part(part, password)):
            count += 1
            if count > BAGS_MAX:
                raise der.DerError("too many bags")
            kind, value = bag[0].oid(), bag[1][0]
            if kind == _SHROUDED_BAG:
                yield _KEY_BAG, envelope.decrypt(value[0], value[1].octets(), password)
            elif kind == _KEY_BAG:
                yield kind, value.raw
            elif kind == _CERTIFICATE_BAG and value[0].oid() == _X509_BAG:
                yield kind, value[1][0].octets()


def _open_part(part: der.Node, password: envelope.Password) -> bytes:
    if part[0].oid() == _DATA:
        return part[1][0].octets()
    if part[0].oid() == _ENCRYPTED_DATA:
        inside = part[1][0][1]
        return envelope.decrypt(inside[1], inside[2].octets(0x80), password)
    raise der.DerError("unknown part")


def _pair(bags: list[tuple[str, bytes]]) -> Key:
    """Return the first key that has its certificate in the file."""
    secrets = [_read_secret(data) for kind, data in bags if kind == _KEY_BAG]
    certificates = [read_certificate(data) for kind, data in bags if kind == _CERTIFICATE_BAG]
    for secret in secrets:
        for certificate in certificates:
            if _is_pair(certificate, secret):
                return Key(certificate, secret)
    raise Refused("p12.mismatch", MISMATCH)


def _read_secret(pkcs8: bytes) -> Secret:
    """Return the private key of a PKCS#8 structure.

    A GOST one is a number: of 2015 little-endian in an OCTET STRING, of 2004 an INTEGER (PKI.md, 2: PKCS#12).
    """
    node = der.read(pkcs8)
    kind = gost_kind(node[1][0].oid())
    if kind is not None:
        number = _gost_number(node[2].octets(), kind.curve)
        if not 0 < number < kind.curve.q:
            raise der.DerError("a key out of range")
        return gost.PrivateKey(number, kind.curve)
    key = serialization.load_der_private_key(pkcs8, None)
    if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        return key
    raise der.AlgorithmError(node[1][0].oid())


def _gost_number(data: bytes, curve: gost.Curve) -> int:
    if curve != gost.CURVE_2004 and len(data) == curve.size:
        return int.from_bytes(data, "little")
    inside = der.read(data)
    if inside.tag == der.INTEGER:
        return inside.integer()
    if len(inside.octets()) != curve.size:
        raise der.DerError("a key of another length")
    return int.from_bytes(inside.octets(), "little")


def write_p12(key: Key, password: str) -> bytes:
    """Return a .p12 file with ``key``: GOST in the centre's profile, RSA and P-256 as python-cryptography writes them."""
    secret = key._reveal()
    name = key.certificate.ski.hex()
    if not isinstance(secret, gost.PrivateKey):
        certificate = x509.load_der_x509_certificate(key.certificate.der)
        hidden = serialization.BestAvailableEncryption(password.encode())
        return pkcs12.serialize_key_and_certificates(name.encode(), secret, certificate, None, hidden)
    work = envelope.Password(password)
    old = secret.curve == gost.CURVE_2004
    number = der.integer(secret.d) if old else der.octets(secret.d.to_bytes(secret.curve.size, "little"))
    pkcs8 = der.sequence(der.integer(0), gost_algorithm(secret.curve), der.octets(number))
    attributes = der.set_of(
        (
            der.sequence(der.oid(_FRIENDLY_NAME), der.set_of([der.element(der.BMP_STRING, name.encode("utf-16-be"))])),
            der.sequence(der.oid(_LOCAL_KEY_ID), der.set_of([der.octets(key.certificate.ski)])),
        )
    )
    algorithm, hidden_key = envelope.encrypt(envelope.PBE_3DES, pkcs8, work)
    key_bag = der.sequence(der.oid(_SHROUDED_BAG), der.explicit(0, der.sequence(algorithm, der.octets(hidden_key))), attributes)
    inside = der.sequence(der.oid(_X509_BAG), der.explicit(0, der.octets(key.certificate.der)))
    certificate_bag = der.sequence(der.sequence(der.oid(_CERTIFICATE_BAG), der.explicit(0, inside), attributes))
    algorithm, hidden_certificate = envelope.encrypt(envelope.PBE_RC2_40, certificate_bag, work)
    encrypted = der.sequence(der.oid(_DATA), algorithm, der.implicit(0, hidden_certificate))
    contents = der.sequence(
        der.sequence(der.oid(_DATA), der.explicit(0, der.octets(der.sequence(key_bag)))),
        der.sequence(der.oid(_ENCRYPTED_DATA), der.explicit(0, der.sequence(der.integer(0), encrypted))),
    )
    whole = der.sequence(der.oid(_DATA), der.explicit(0, der.octets(contents)))
    return der.sequence(der.integer(3), whole, envelope.make_mac(contents, work))
