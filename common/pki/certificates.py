"""What a certificate says, read once into plain values.

``read_certificate`` takes DER or PEM, of a person, an organisation, a node or a certification centre. It judges the form
only: whether the certificate is trusted, in force or revoked is ``trust``'s to say. An IIN is taken as it stands, with a
wrong check digit too: the national test certificates have such ones.

The national profile puts surname and first name into CN, the patronymic into GIVENNAME, "IIN…" into serialNumber and
"BIN…" into OU.
"""

import base64
import hashlib
import re
from dataclasses import dataclass, field

from cryptography import x509

from common.errors import N_, Refused
from common.pki import der
from common.pki.algorithms import PublicKey, read_public_key, refused_as
from common.pki.profile import IDENTIFICATION_OIDS, KEY_STORAGE_EXTENSION, ROLE_OIDS, ROLE_WORDS, STORAGE_OIDS

CERTIFICATE_BYTES_MAX = 64 * 1024  # the largest real one is 2.7 KB

_COMMON_NAME, _SURNAME, _GIVEN_NAME, _SERIAL_NUMBER = "2.5.4.3", "2.5.4.4", "2.5.4.42", "2.5.4.5"
_ORGANISATION_NAME, _UNIT, _EMAIL = "2.5.4.10", "2.5.4.11", "1.2.840.113549.1.9.1"
# Critical extensions that the chain check understands; another critical one forbids trust (RFC 5280, 4.2).
_UNDERSTOOD = frozenset({"2.5.29.15", "2.5.29.19", "2.5.29.37", "2.5.29.32", "2.5.29.14", "2.5.29.35", "2.5.29.31", KEY_STORAGE_EXTENSION})
_NON_REPUDIATION, _KEY_CERT_SIGN, _CRL_SIGN = 1, 5, 6  # numbers of the bits of keyUsage
_TEXTS = (der.UTF8_STRING, der.PRINTABLE_STRING, der.IA5_STRING, der.BMP_STRING)
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")

SIGNATURE_WRONG = N_("The signature does not belong to this certificate, or what was signed has been changed.")
BROKEN = N_("This is not a readable certificate. Take the file as the certification centre issued it.")


@dataclass(frozen=True, slots=True, repr=False)
class Certificate:
    """A certificate's values. Times are milliseconds UTC; texts are as in the certificate, empty where it has none."""

    der: bytes
    sha256: bytes
    subject: str
    surname: str
    patronymic: str
    full_name: str
    iin: str
    bin: str
    organisation: str
    email: str
    roles: frozenset[str]
    """Names of ``profile.ROLE_WORDS``."""
    purposes: frozenset[str]
    """The extended key usages, as object identifiers."""
    storage: str
    """Where the key lives: a name of ``profile.STORAGE_WORDS``."""
    identification: str
    """How its holder was identified: a name of ``profile.IDENTIFICATION_WORDS``."""
    not_before_ms: int
    not_after_ms: int
    algorithm: str
    digest: str
    serial: int
    issuer: str
    ski: bytes
    aki: bytes
    may_sign: bool
    """The key usage has nonRepudiation."""
    ca: bool
    path_length: int | None
    may_sign_certificates: bool
    may_sign_crls: bool
    unknown_critical: bool
    subject_name: bytes
    issuer_name: bytes
    signature: bytes
    signature_oid: str
    signed_part: bytes
    key: PublicKey = field(compare=False)

    def __repr__(self) -> str:
        """Name no person: certificates end up in tracebacks and logs."""
        return f"<Certificate {self.sha256.hex()[:16]} {self.algorithm}>"

    @property
    def role(self) -> str:
        """The role to show: "head" before "organisation", "" for a certification centre or a node."""
        return next((role for role in ROLE_WORDS if role in self.roles), "")

    def verify(self, signature: bytes, data: bytes, *, oid: str = "") -> bool:
        """Return True when ``signature`` over ``data`` is of this certificate's key.

        ``oid`` is the identifier the signature came with; without it the key's own algorithm is meant. Raises
        Refused("pki.signature_wrong"), or Refused("pki.algorithm") when identifier and key do not belong together.
        """
        with refused_as("pki.signature_wrong", SIGNATURE_WRONG):
            if self.key.verify(signature, data, oid):
                return True
        raise Refused("pki.signature_wrong", SIGNATURE_WRONG)

    def signed_by(self, issuer: "Certificate") -> bool:
        """Return whether the key of ``issuer`` signed this certificate; False for algorithms that do not belong together."""
        try:
            return issuer.verify(self.signature, self.signed_part, oid=self.signature_oid)
        except Refused:
            return False


def read_certificate(data: bytes) -> Certificate:
    """Return the certificate in ``data`` (DER, or the first one of a PEM file).

    Raises Refused("pki.certificate_broken") for anything unreadable and Refused("pki.algorithm") for keys out of use.
    """
    with refused_as("pki.certificate_broken", BROKEN):
        if len(data) > CERTIFICATE_BYTES_MAX:
            raise Refused("pki.certificate_broken", BROKEN)
        if found := _PEM.search(data):
            data = base64.b64decode(found.group(1).translate(None, der.WHITE_SPACE), validate=True)
        return _read(data)


def _read(data: bytes) -> Certificate:
    whole = der.read(data).expect(der.SEQUENCE)
    signed_part, oid = whole[0].expect(der.SEQUENCE), whole[1].algorithm()
    fields = signed_part.parts[1:] if signed_part[0].tag == 0xA0 else signed_part.parts
    if len(whole.parts) != 3 or len(fields) < 6 or fields[1].algorithm() != oid or fields[0].integer() <= 0:
        raise der.DerError("fields of another shape")
    x509.load_der_x509_certificate(levelled(data))  # a second reader, stricter than ours, has to agree that this is DER of the right form
    says = _Extensions.read(fields[6:])
    names = read_names(fields[4])
    common_name, surname, patronymic = (_first(names, oid) for oid in (_COMMON_NAME, _SURNAME, _GIVEN_NAME))
    key = read_public_key(fields[5].raw)
    return Certificate(
        der=data,
        sha256=hashlib.sha256(data).digest(),
        subject=common_name,
        surname=surname,
        patronymic=patronymic,
        full_name=_full_name(common_name, surname, patronymic),
        iin=_number(names, _SERIAL_NUMBER, "IIN"),
        bin=_number(names, _UNIT, "BIN"),
        organisation=_first(names, _ORGANISATION_NAME),
        email=_first(names, _EMAIL),
        roles=frozenset(role for purpose in says.purposes for role in ROLE_OIDS.get(purpose, ())),
        purposes=says.purposes,
        storage=STORAGE_OIDS.get(says.storage, ""),
        identification=_longest(says.purposes | says.policies, IDENTIFICATION_OIDS),
        not_before_ms=fields[3][0].time_ms(),
        not_after_ms=fields[3][1].time_ms(),
        algorithm=key.name,
        digest=key.digest,
        serial=fields[0].integer(),
        issuer=_first(read_names(fields[2]), _COMMON_NAME),
        ski=says.ski,
        aki=says.aki,
        may_sign=_NON_REPUDIATION in says.usage,
        ca=says.ca,
        path_length=says.path_length,
        may_sign_certificates=_KEY_CERT_SIGN in says.usage,
        may_sign_crls=_CRL_SIGN in says.usage,
        unknown_critical=says.unknown_critical,
        subject_name=fields[4].raw,
        issuer_name=fields[2].raw,
        signature=whole[2].bits(),
        signature_oid=oid,
        signed_part=signed_part.raw,
        key=key,
    )


def levelled(data: bytes) -> bytes:
    """Return a certificate or list in the form that python-cryptography takes. Raises DerError.

    The centre's lists of 2026 name the algorithm without parameters inside and with NULL outside. That is the same algorithm,
    but the parser insists on the same bytes; the signature is checked over the bytes as they came.
    """
    signed_part, outside, signature = der.split(data, 3)
    inside = [part for part in der.split(signed_part, 3) if part[0] == der.SEQUENCE][0]
    if inside == outside:
        return data
    if der.read(inside).algorithm() != der.read(outside).algorithm():
        raise der.DerError("two algorithms")
    return der.element(der.SEQUENCE, signed_part + inside + signature)


@dataclass(frozen=True, slots=True)
class _Extensions:
    """The extensions that matter to a court."""

    usage: frozenset[int] = frozenset()
    purposes: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()
    storage: str = ""
    ca: bool = False
    path_length: int | None = None
    ski: bytes = b""
    aki: bytes = b""
    unknown_critical: bool = False

    @classmethod
    def read(cls, rest: tuple[der.Node, ...]) -> "_Extensions":
        """Read field [3] of the signed part. Raises DerError, also for an extension given twice (RFC 5280, 4.2)."""
        found: dict[str, bytes] = {}
        unknown_critical = False
        for extension in rest[-1][0] if rest and rest[-1].tag == 0xA3 else ():
            oid = extension[0].oid()
            if oid in found:
                raise der.DerError("an extension twice")
            found[oid] = extension[-1].octets()
            unknown_critical |= oid not in _UNDERSTOOD and extension[1].tag == der.BOOLEAN and extension[1].body != b"\0"
        constraints = der.read(found["2.5.29.19"]).parts if "2.5.29.19" in found else ()
        lengths = [part.small(100) for part in constraints if part.tag == der.INTEGER]
        aki = [part.body for part in der.read(found["2.5.29.35"]) if part.tag == 0x80] if "2.5.29.35" in found else []
        return cls(
            usage=_flags(found["2.5.29.15"]) if "2.5.29.15" in found else frozenset(),
            purposes=frozenset(part.oid() for part in der.read(found["2.5.29.37"])) if "2.5.29.37" in found else frozenset(),
            policies=frozenset(part[0].oid() for part in der.read(found["2.5.29.32"])) if "2.5.29.32" in found else frozenset(),
            storage=der.read(found[KEY_STORAGE_EXTENSION])[0].oid() if KEY_STORAGE_EXTENSION in found else "",
            ca=any(part.tag == der.BOOLEAN and part.body == b"\xff" for part in constraints),
            path_length=lengths[0] if lengths else None,
            ski=der.read(found["2.5.29.14"]).octets() if "2.5.29.14" in found else b"",
            aki=aki[0] if aki else b"",
            unknown_critical=unknown_critical,
        )


def _flags(value: bytes) -> frozenset[int]:
    """Return the numbers of the bits that are set in a BIT STRING of named bits."""
    body = der.read(value).expect(der.BIT_STRING).body[1:]
    return frozenset(8 * at + bit for at, byte in enumerate(body) for bit in range(8) if byte & 0x80 >> bit)


def read_names(name: der.Node) -> dict[str, list[str]]:
    """Return the values of a distinguished name by their identifiers. Raises DerError."""
    values: dict[str, list[str]] = {}
    for relative in name.expect(der.SEQUENCE):
        for pair in relative:
            if pair[1].tag in _TEXTS:
                values.setdefault(pair[0].oid(), []).append(pair[1].text().strip())
    return values


def _first(names: dict[str, list[str]], oid: str) -> str:
    return (names.get(oid) or [""])[0]


def _longest(found: frozenset[str], names: dict[str, str]) -> str:
    """Return the name of the most precise of the identifiers ``found``, or an empty string."""
    return names.get(max((oid for oid in found if oid in names), key=len, default=""), "")


def _number(names: dict[str, list[str]], oid: str, prefix: str) -> str:
    """Return the twelve digits after ``prefix`` in a value of ``oid``, or an empty string."""
    for value in names.get(oid, ()):
        if value.startswith(prefix) and len(value) == len(prefix) + 12 and value[len(prefix) :].isdecimal():
            return value[len(prefix) :]
    return ""


def _full_name(common_name: str, surname: str, patronymic: str) -> str:
    """Return «SURNAME FIRST PATRONYMIC»: CN holds the first two words, GIVENNAME the third (PKI.md, 2)."""
    if not surname or not patronymic or patronymic in common_name.split():
        return common_name
    return f"{common_name} {patronymic}"
