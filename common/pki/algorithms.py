"""The digests and keys this project accepts: one table, from object identifiers to the code that checks.

Accepted: GOST 34.10-2015 with Streebog (512 and 256), GOST 34.310-2004 with 34.311-95 (to verify, never to sign), RSA from
2048 bits with SHA-256/384/512, ECDSA over P-256, P-384 and P-521 with the same digests. A key, its curve, its digest and the
signature's own identifier must belong together. Everything else (SHA-1, RSA-PSS, …) is ``Refused("pki.algorithm")``.
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
from common.pki.gost94 import gost34311
from common.pki.streebog import streebog256, streebog512

GOST_34311 = "1.2.398.3.10.1.3.1"
STREEBOG_256, STREEBOG_512 = "1.2.398.3.10.1.3.2", "1.2.398.3.10.1.3.3"
SHA_256, SHA_384, SHA_512 = (f"2.16.840.1.101.3.4.2.{number}" for number in (1, 2, 3))
GOST_512_SIGNATURE, GOST_256_SIGNATURE, GOST_2004_SIGNATURE = "1.2.398.3.10.1.1.2.3.2", "1.2.398.3.10.1.1.2.3.1", "1.2.398.3.10.1.1.1.2"
RSA_KEY, EC_KEY = "1.2.840.113549.1.1.1", "1.2.840.10045.2.1"
RSA_BITS_MIN, RSA_BITS_MAX = 2048, 8192  # below: broken soon; above: a way to keep the node busy

DIGEST_NAMES = {
    GOST_34311: "gost34311",
    STREEBOG_256: "streebog256",
    STREEBOG_512: "streebog512",
    SHA_256: "sha256",
    SHA_384: "sha384",
    SHA_512: "sha512",
}
DIGEST_TITLES = {
    "gost34311": "GOST 34.311-95",
    "streebog256": "Streebog-256",
    "streebog512": "Streebog-512",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
}
"""What people read."""
DIGEST_OIDS = {name: dotted for dotted, name in DIGEST_NAMES.items()}
RSA_SIGNATURES = {f"1.2.840.113549.1.1.{number}": name for number, name in ((11, "sha256"), (12, "sha384"), (13, "sha512"))}
ECDSA_SIGNATURES = {f"1.2.840.10045.4.3.{number}": name for number, name in ((2, "sha256"), (3, "sha384"), (4, "sha512"))}
_EC_CURVES = {"1.2.840.10045.3.1.7": ("P-256", "sha256"), "1.3.132.0.34": ("P-384", "sha384"), "1.3.132.0.35": ("P-521", "sha512")}
_SHA: dict[str, hashes.HashAlgorithm] = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_GOST_DIGESTS = {"gost34311": gost34311, "streebog256": streebog256, "streebog512": streebog512}


@dataclass(frozen=True, slots=True)
class GostKind:
    """One row of the country's table: a kind of key, its one curve, its one digest, its one signature (PKI.md, 2)."""

    name: str
    key_oid: str
    parameters: tuple[str, str]
    """The curve and the digest, as the key's parameters name them; the second may be missing."""
    signature_oid: str
    digest: str
    curve: gost.Curve


GOST_KINDS = (
    GostKind(
        "GOST 34.10-2015/512",
        "1.2.398.3.10.1.1.2.2",
        ("1.2.398.3.10.1.1.2.2.1", STREEBOG_512),
        GOST_512_SIGNATURE,
        "streebog512",
        gost.CURVE_512,
    ),
    GostKind(
        "GOST 34.10-2015/256",
        "1.2.398.3.10.1.1.2.1",
        ("1.2.398.3.10.1.1.2.1.1", STREEBOG_256),
        GOST_256_SIGNATURE,
        "streebog256",
        gost.CURVE_256,
    ),
    GostKind(
        "GOST 34.310-2004",
        "1.2.398.3.10.1.1.1.1",
        ("1.2.398.3.10.1.1.1.1.1", "1.2.398.3.10.1.3.1.1.0"),
        GOST_2004_SIGNATURE,
        "gost34311",
        gost.CURVE_2004,
    ),
)
_GOST_OF_KEY = {kind.key_oid: kind for kind in GOST_KINDS}
_GOST_OF_CURVE = {kind.curve.name: kind for kind in GOST_KINDS}

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
    """Turn every error of a parser inside into ``Refused(code, sentence)``; our own errors pass unchanged.

    What can be read and uses what nothing here computes is Refused("pki.algorithm"): it is not broken.
    """
    try:
        yield
    except CourtError:
        raise
    except der.AlgorithmError as error:
        raise unknown_algorithm(str(error)) from error
    except _FOREIGN as error:
        raise Refused(code, sentence) from error


def digest(name: str, data: bytes) -> bytes:
    """Return the digest ``name`` ("streebog512", "sha256", …) of ``data``.

    Raises Refused("pki.algorithm"), or Refused("pki.digest_slow") for a large file on a machine without a fast engine.
    """
    if name in _GOST_DIGESTS:
        return _GOST_DIGESTS[name](data)
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
    ``signature_oid`` the identifier such a signature carries, ``signatures`` every one it may carry, with their digests.
    """

    name: str
    kind: str
    """The identifier of the kind of key."""
    digest: str
    signature_oid: str
    spki: bytes
    signatures: tuple[tuple[str, str], ...]
    curve: gost.Curve | None = None
    point: bytes = b""
    """x‖y of a GOST key."""

    def verify(self, signature: bytes, data: bytes, oid: str = "") -> bool:
        """Return whether ``signature`` over ``data`` is of this key; ``oid`` is the identifier it came with, if any.

        Raises Refused("pki.algorithm") when the identifier does not belong to the key.
        """
        digest_name = self.digest_of(oid)
        if self.curve is not None:
            return gost.verify(self.point, digest(digest_name, data), signature, self.curve)
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
        if not oid:
            return self.digest
        for known, digest_name in self.signatures:
            if oid == known:
                return digest_name
        raise unknown_algorithm(oid)

    def signature_of(self, oid: str, digest_name: str) -> str:
        """Return the full identifier of a signature that came as ``oid`` beside the digest ``digest_name``.

        Some signers name the kind of key instead of the signature (PKI.md, 2: Quirks; RFC 8017 for RSA). Raises
        Refused("pki.algorithm") when the three do not belong together.
        """
        for known, known_digest in self.signatures:
            if known_digest == digest_name and oid in (known, self.kind):
                return known
        raise unknown_algorithm(oid)


def read_public_key(spki: bytes) -> PublicKey:
    """Return the key of a SubjectPublicKeyInfo. Raises Refused("pki.algorithm") for kinds out of use, DerError for garbage."""
    node = der.read(spki)
    kind = node[0][0].oid()
    if kind in _GOST_OF_KEY:
        return _read_gost(node, _GOST_OF_KEY[kind])
    if kind == RSA_KEY:
        key = serialization.load_der_public_key(spki)
        if not isinstance(key, rsa.RSAPublicKey) or not RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
            raise unknown_algorithm("RSA")
        signatures = tuple(RSA_SIGNATURES.items())
        return PublicKey(f"RSA-{key.key_size}", kind, "sha256", signatures[0][0], spki, signatures)
    if kind == EC_KEY and node[0][1].tag == der.OID and (curve := node[0][1].oid()) in _EC_CURVES:
        name, digest_name = _EC_CURVES[curve]
        serialization.load_der_public_key(spki)  # raises on a point off the curve
        oid = next(oid for oid, used in ECDSA_SIGNATURES.items() if used == digest_name)
        return PublicKey(f"ECDSA {name}", kind, digest_name, oid, spki, tuple(ECDSA_SIGNATURES.items()))
    raise unknown_algorithm(kind)


def _read_gost(node: der.Node, kind: GostKind) -> PublicKey:
    """Read x‖y and hold the curve and digest of the parameters against the kind of key."""
    found = tuple(part.oid() for part in node[0][1])
    if found not in (kind.parameters, kind.parameters[:1]):
        raise unknown_algorithm(".".join(found[:1]))
    point = der.read(node[1].bits()).octets()
    if gost.read_point(point, kind.curve) is None:
        raise der.DerError("point off the curve")
    signatures = ((kind.signature_oid, kind.digest),)
    return PublicKey(kind.name, kind.key_oid, kind.digest, kind.signature_oid, node.raw, signatures, kind.curve, point)


def gost_kind(oid: str) -> GostKind | None:
    """Return the kind of GOST key that the identifier names."""
    return _GOST_OF_KEY.get(oid)


def gost_kind_of(curve: gost.Curve) -> GostKind:
    """Return the kind of GOST key over ``curve``."""
    return _GOST_OF_CURVE[curve.name]


def gost_algorithm(curve: gost.Curve) -> bytes:
    """Return the AlgorithmIdentifier of a key over ``curve``."""
    kind = gost_kind_of(curve)
    return der.algorithm(kind.key_oid, der.sequence(*map(der.oid, kind.parameters)))


def gost_spki(public: bytes, curve: gost.Curve) -> bytes:
    """Return the SubjectPublicKeyInfo of the public key x‖y."""
    return der.sequence(gost_algorithm(curve), der.bits(der.octets(public)))


def signature_algorithm(key: PublicKey) -> bytes:
    """Return the AlgorithmIdentifier of signatures by this key: ECDSA has no parameters, the others NULL."""
    return der.algorithm(key.signature_oid, b"" if key.kind == EC_KEY else der.null())


def digest_algorithm(name: str) -> bytes:
    """Return the AlgorithmIdentifier of the digest ``name``."""
    return der.algorithm(DIGEST_OIDS[name], der.null())
