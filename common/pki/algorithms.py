"""The digests and keys this project accepts: one table, from object identifiers to the code that checks.

Accepted: GOST 34.10-2015 with Streebog (512 and 256), RSA from 2048 bits with SHA-256/384/512, ECDSA over P-256 with
SHA-256. A key, its curve, its digest and the signature's own identifier must belong together. Everything else (SHA-1,
34.310-2004, RSA-PSS, …) is ``Refused("pki.algorithm")``: known to be out of use, or never seen in a certificate of today.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from common.errors import N_, CourtError, Refused
from common.pki import der, gost
from common.pki.streebog import streebog256, streebog512

STREEBOG_256 = "1.2.398.3.10.1.3.2"
STREEBOG_512 = "1.2.398.3.10.1.3.3"
SHA_256 = "2.16.840.1.101.3.4.2.1"
GOST_256_KEY, GOST_256_PARAMETERS, GOST_256_SIGNATURE = "1.2.398.3.10.1.1.2.1", "1.2.398.3.10.1.1.2.1.1", "1.2.398.3.10.1.1.2.3.1"
GOST_512_KEY, GOST_512_PARAMETERS, GOST_512_SIGNATURE = "1.2.398.3.10.1.1.2.2", "1.2.398.3.10.1.1.2.2.1", "1.2.398.3.10.1.1.2.3.2"
GOST_2004_KEY = "1.2.398.3.10.1.1.1.1"
RSA_KEY, RSA_SHA_256 = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.11"
EC_KEY, P_256, ECDSA_SHA_256 = "1.2.840.10045.2.1", "1.2.840.10045.3.1.7", "1.2.840.10045.4.3.2"
RSA_BITS_MIN, RSA_BITS_MAX = 2048, 8192  # below: broken soon; above: a way to keep the node busy

DIGEST_NAMES = {
    STREEBOG_256: "streebog256",
    STREEBOG_512: "streebog512",
    SHA_256: "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
DIGEST_OIDS = {name: dotted for dotted, name in DIGEST_NAMES.items()}
RSA_SIGNATURES = {RSA_SHA_256: "sha256", "1.2.840.113549.1.1.12": "sha384", "1.2.840.113549.1.1.13": "sha512"}
_SHA: dict[str, hashes.HashAlgorithm] = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}

_FOREIGN = (
    ValueError,  # asn.1 of ours and of python-cryptography
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    AttributeError,
    RecursionError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.UnsupportedGeneralNameType,
)


@contextmanager
def refused_as(code: str, sentence: str) -> Iterator[None]:
    """Turn every error of a parser inside into ``Refused(code, sentence)``; our own errors pass unchanged."""
    try:
        yield
    except CourtError:
        raise
    except _FOREIGN as error:
        raise Refused(code, sentence) from error


def digest(name: str, data: bytes) -> bytes:
    """Return the digest ``name`` ("streebog512", "sha256", …) of ``data``. Raises Refused("pki.algorithm")."""
    if name == "streebog512":
        return streebog512(data)
    if name == "streebog256":
        return streebog256(data)
    if name in _SHA:
        return hashlib.new(name, data).digest()
    raise unknown_algorithm(name)


def unknown_algorithm(what: str) -> Refused:
    """Return the refusal of an algorithm that is out of use or unknown."""
    return Refused("pki.algorithm", N_("The key or signature uses an algorithm that is not accepted: %(what)s."), what=what)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key out of a certificate.

    ``name`` is what people read ("GOST 34.10-2015/512"), ``digest`` the digest its signatures use by default,
    ``signature_oid`` the identifier such a signature carries.
    """

    name: str
    digest: str
    signature_oid: str
    spki: bytes
    curve: gost.Curve | None = None

    def verify(self, signature: bytes, data: bytes, oid: str = "") -> bool:
        """Return whether ``signature`` over ``data`` is of this key; ``oid`` is the identifier it came with, if any.

        Raises Refused("pki.algorithm") when the identifier does not belong to the key.
        """
        digest_name = self.digest_of(oid)
        if self.curve is not None:
            return gost.verify(der.read(self.spki)[1].bits()[_header(self.curve) :], digest(digest_name, data), signature, self.curve)
        key = serialization.load_der_public_key(self.spki)
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, data, padding.PKCS1v15(), _SHA[digest_name])
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, data, ec.ECDSA(_SHA[digest_name]))
            else:
                return False
        except InvalidSignature:
            return False
        return True

    def digest_of(self, oid: str) -> str:
        """Return the digest that a signature of this key with the identifier ``oid`` uses. Raises Refused("pki.algorithm")."""
        if oid in ("", self.signature_oid):
            return self.digest
        if self.signature_oid == RSA_SHA_256 and oid in RSA_SIGNATURES:
            return RSA_SIGNATURES[oid]
        raise unknown_algorithm(oid)


def _header(curve: gost.Curve) -> int:
    """Return the length of the OCTET STRING header in front of x‖y: 04 81 80, or 04 40."""
    return 3 if curve.size == 64 else 2


def read_public_key(spki: bytes) -> PublicKey:
    """Return the key of a SubjectPublicKeyInfo. Raises Refused("pki.algorithm") for kinds out of use, DerError for garbage."""
    node = der.read(spki)
    kind = node[0][0].oid()
    if kind in (GOST_512_KEY, GOST_256_KEY):
        return _read_gost(node, kind)
    if kind == RSA_KEY:
        key = serialization.load_der_public_key(spki)
        if not isinstance(key, rsa.RSAPublicKey) or not RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
            raise unknown_algorithm("RSA")
        return PublicKey(f"RSA-{key.key_size}", "sha256", RSA_SHA_256, spki)
    if kind == EC_KEY and node[0][1].oid() == P_256:
        serialization.load_der_public_key(spki)  # raises on a point off the curve
        return PublicKey("ECDSA P-256", "sha256", ECDSA_SHA_256, spki)
    raise unknown_algorithm("GOST 34.310-2004" if kind == GOST_2004_KEY else kind)


def _read_gost(node: der.Node, kind: str) -> PublicKey:
    """Read x‖y and hold the curve and digest of the parameters against the kind of key (PKI.md, 2: Algorithms)."""
    large = kind == GOST_512_KEY
    curve = gost.CURVE_512 if large else gost.CURVE_256
    expected = [GOST_512_PARAMETERS, STREEBOG_512] if large else [GOST_256_PARAMETERS, STREEBOG_256]
    found = [part.oid() for part in node[0][1]]
    if found[0] != expected[0] or found[1:] not in ([], expected[1:]):
        raise unknown_algorithm(".".join(found[:1]))
    if gost.read_point(der.read(node[1].bits()).octets(), curve) is None:
        raise der.DerError("point off the curve")
    name = f"GOST 34.10-2015/{curve.size * 8}"
    signature = GOST_512_SIGNATURE if large else GOST_256_SIGNATURE
    return PublicKey(name, "streebog512" if large else "streebog256", signature, node.raw, curve)


def gost_algorithm(curve: gost.Curve) -> bytes:
    """Return the AlgorithmIdentifier of a key over ``curve``."""
    large = curve.size == 64
    names = (GOST_512_PARAMETERS, STREEBOG_512) if large else (GOST_256_PARAMETERS, STREEBOG_256)
    return der.algorithm(GOST_512_KEY if large else GOST_256_KEY, der.sequence(*map(der.oid, names)))


def gost_spki(public: bytes, curve: gost.Curve) -> bytes:
    """Return the SubjectPublicKeyInfo of the public key x‖y."""
    return der.sequence(gost_algorithm(curve), der.bits(der.octets(public)))
