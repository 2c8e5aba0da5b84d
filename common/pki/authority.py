"""A certification centre of our own: the national profiles with keys of ours, for the demonstration, for tests, for nodes.

``Authority`` issues what the national centre issues (root, issuing authority, people, organisations, revocation lists) with
GOST, RSA or P-256 keys, through the same code that reads and signs everywhere else. The two functions at the end issue the
certificates with which nodes sign PDFs.

    authority = Authority.create("gost512", "СЫНАҚ", at_ms=now)
    key = authority.issue_person("АХМЕТОВА", "АЙГҮЛ", "СЕРІКҚЫЗЫ", "900101400018", not_before_ms=now)
    trust = Trust.of(authority.anchors() + authority.authorities())
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from common.pki import der, gost
from common.pki.algorithms import read_public_key, signature_algorithm
from common.pki.certificates import Certificate, read_certificate
from common.pki.keystore import Key, Secret, public_spki, sign_with
from common.pki.profile import KEY_STORAGE_EXTENSION, ORGANISATION, PERSON, ROLE_OIDS, TIME_STAMPING

DAY_MS = 24 * 3_600_000
AUTHORITY_DAYS = 20 * 365
EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"
POLICY = "1.2.398.3.3.2"
KEY_IN_A_FILE = "1.2.398.3.3.5.1.1"
ON_HOLD, KEY_COMPROMISE, REMOVED = 6, 1, 8  # RFC 5280, 5.3.1

_CN, _SURNAME, _GIVEN_NAME, _SERIAL, _C, _O, _OU = "2.5.4.3", "2.5.4.4", "2.5.4.42", "2.5.4.5", "2.5.4.6", "2.5.4.10", "2.5.4.11"
_EMAIL = "1.2.840.113549.1.9.1"
_ORGANISATION_ROLES = {roles[1]: oid for oid, roles in ROLE_OIDS.items() if oid.startswith(ORGANISATION + ".")}
_USAGE_AUTHORITY, _USAGE_PERSON = bytes.fromhex("03020106"), bytes.fromhex("030203c8")  # certificates, lists | sign, commit, agree
_USAGE_NODE = bytes.fromhex("030206c0")  # sign, commit


@dataclass(frozen=True, slots=True)
class _Request:
    """Everything that goes into a certificate but its issuer."""

    name: bytes
    spki: bytes
    serial: int
    not_before_ms: int
    not_after_ms: int
    extensions: tuple[bytes, ...]


@dataclass(slots=True)
class Authority:
    """A root, an issuing authority under it, and what the latter has revoked (serial number → since, reason)."""

    root: Key
    issuer: Key
    revoked: dict[int, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def create(cls, algorithm: str, common_name: str, *, at_ms: int) -> "Authority":
        """Return a new authority with keys of ``algorithm`` ("gost512", "gost256", "rsa2048" or "p256"), valid for twenty years."""
        end_ms = at_ms + AUTHORITY_DAYS * DAY_MS
        root = _new_root(new_secret(algorithm), f"{common_name} ROOT", at_ms, end_ms)
        secret = new_secret(algorithm)
        request = _authority_request(secret, common_name, at_ms, end_ms)
        return cls(root, Key(read_certificate(_issue(root, request)), secret))

    @property
    def algorithm(self) -> str:
        """The name by which ``create`` knows the kind of keys."""
        names = {"GOST 34.10-2015/512": "gost512", "GOST 34.10-2015/256": "gost256", "RSA-2048": "rsa2048", "ECDSA P-256": "p256"}
        return names[self.issuer.certificate.algorithm]

    def anchors(self) -> list[bytes]:
        """Return the root, in DER."""
        return [self.root.certificate.der]

    def authorities(self) -> list[bytes]:
        """Return the issuing authority, in DER."""
        return [self.issuer.certificate.der]

    def issue_person(
        self, surname: str, first: str, patronymic: str, iin: str, *, email: str = "", not_before_ms: int, days: int = 365
    ) -> Key:
        """Return a new key of a natural person, with the profile of PKI.md, 2."""
        name = _person(surname, first, patronymic, iin)
        if email:
            name.append((_EMAIL, der.ia5(email)))
        return self._issue_user(name, [EMAIL_PROTECTION, PERSON], not_before_ms, days)

    def issue_organisation(
        self,
        surname: str,
        first: str,
        patronymic: str,
        iin: str,
        organisation: str,
        bin: str,
        *,
        role: str = "head",
        not_before_ms: int,
        days: int = 365,
    ) -> Key:
        """Return a new key of an organisation's "head", "right_to_sign", "employee" or "information_system"."""
        place = [(_O, der.text(organisation)), (_OU, der.text(f"BIN{bin}"))]
        purposes = [ORGANISATION, _ORGANISATION_ROLES[role]]
        if role == "information_system":
            return self._issue_user([(_CN, der.text(surname)), (_C, der.printable("KZ")), *place], purposes, not_before_ms, days)
        person = _person(surname, first, patronymic, iin)
        return self._issue_user([*person[:4], *place, *person[4:]], [EMAIL_PROTECTION, *purposes], not_before_ms, days)

    def issue_service(self, common_name: str, purpose: str, *, not_before_ms: int, days: int = 365, more: bytes = b"") -> Key:
        """Return a new key of a service of the centre: a timestamping authority or an OCSP responder, by its extended key usage."""
        return self._issue_user([(_CN, der.text(common_name)), (_C, der.printable("KZ"))], [purpose], not_before_ms, days, more)

    def revoke(self, certificate: Certificate, at_ms: int, *, reason: int = KEY_COMPROMISE) -> None:
        """Put ``certificate`` on the next list, from ``at_ms`` on."""
        self.revoked[certificate.serial] = (at_ms, reason)

    def crl(self, at_ms: int, next_update_ms: int, number: int, *, base: "tuple[int, dict[int, tuple[int, int]]] | None" = None) -> bytes:
        """Return a revocation list in DER: the full one, or with ``base`` (number and entries of a full one) the delta to it."""
        entries, more = self.revoked, b""
        if base is not None:
            before = base[1]
            entries = {serial: said for serial, said in self.revoked.items() if before.get(serial) != said}
            entries |= {serial: (at_ms, REMOVED) for serial in before if serial not in self.revoked}
            more = _extension("2.5.29.27", der.integer(base[0]), critical=True)
        return self.crl_of(entries, at_ms, next_update_ms, _extension("2.5.29.20", der.integer(number)) + more)

    def crl_of(self, entries: Mapping[int, tuple[int, int]], at_ms: int, next_update_ms: int, extensions: bytes) -> bytes:
        """Return a list of ``entries`` (serial number → since, reason) with ``extensions`` beside the authority's key id."""
        written = b"".join(
            der.sequence(der.integer(serial), der.time(since), der.sequence(_extension("2.5.29.21", der.element(10, bytes((reason,))))))
            for serial, (since, reason) in entries.items()
        )
        return self.crl_written(written, at_ms, next_update_ms, extensions)

    def crl_written(self, written: bytes, at_ms: int, next_update_ms: int, extensions: bytes) -> bytes:
        """Return a list whose entries are encoded already: those of a country take a second otherwise."""
        algorithm = signature_algorithm(self.issuer.certificate.key)
        signed = der.sequence(
            der.integer(1),
            algorithm,
            self.issuer.certificate.subject_name,
            der.time(at_ms),
            der.time(next_update_ms),
            der.sequence(written) if written else b"",
            der.explicit(0, der.sequence(_aki(self.issuer.certificate.ski), extensions)),
        )
        return der.sequence(signed, algorithm, der.bits(self.issuer.sign(signed)))

    def _issue_user(self, name: list[tuple[str, bytes]], purposes: list[str], not_before_ms: int, days: int, more: bytes = b"") -> Key:
        secret = new_secret(self.algorithm)
        spki = public_spki(secret)
        request = _Request(
            name=_name(name),
            spki=spki,
            serial=_serial(spki),
            not_before_ms=not_before_ms,
            not_after_ms=not_before_ms + days * DAY_MS,
            extensions=(
                _extension("2.5.29.32", der.sequence(der.sequence(der.oid(POLICY)))),
                _extension("2.5.29.37", der.sequence(*map(der.oid, purposes)), critical=purposes == [TIME_STAMPING]),
                _extension("2.5.29.15", _USAGE_PERSON, critical=True),
                _ski(spki),
                _aki(self.issuer.certificate.ski),
                _extension(KEY_STORAGE_EXTENSION, der.sequence(der.oid(KEY_IN_A_FILE))),
                more,
            ),
        )
        return Key(read_certificate(_issue(self.issuer, request)), secret)


def new_secret(algorithm: str) -> Secret:
    """Return a new private key: "gost512", "gost256", "rsa2048" or "p256"."""
    if algorithm == "rsa2048":
        return rsa.generate_private_key(65537, 2048)
    if algorithm == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    return gost.new_private_key({"gost512": gost.CURVE_512, "gost256": gost.CURVE_256}[algorithm])


def self_signed_ca(private_key: ec.EllipticCurvePrivateKey, common_name: str, at_ms: int, days: int) -> bytes:
    """Return in DER the certificate of a registry's own authority, which signs the certificates of nodes."""
    return _new_root(private_key, common_name, at_ms, at_ms + days * DAY_MS).certificate.der


def issue_node_certificate(
    ca_key: ec.EllipticCurvePrivateKey,
    ca_cert: bytes,
    public_key: ec.EllipticCurvePublicKey,
    common_name: str,
    serial: int,
    not_before_ms: int,
    not_after_ms: int,
) -> bytes:
    """Return in DER the certificate of a node's P-256 key, with which it signs PDFs."""
    issuer = Key(read_certificate(ca_cert), ca_key)
    spki = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    extensions = (_extension("2.5.29.15", _USAGE_NODE, critical=True), _ski(spki), _aki(issuer.certificate.ski))
    request = _Request(_common_name(common_name), spki, serial, not_before_ms, not_after_ms, extensions)
    return _issue(issuer, request)


def _new_root(secret: Secret, common_name: str, start_ms: int, end_ms: int) -> Key:
    request = _authority_request(secret, common_name, start_ms, end_ms)
    algorithm = signature_algorithm(read_public_key(request.spki))
    signed = _signed_part(request, request.name, algorithm)
    whole = der.sequence(signed, algorithm, der.bits(sign_with(secret, signed)))
    return Key(read_certificate(whole), secret)


def _authority_request(secret: Secret, common_name: str, start_ms: int, end_ms: int) -> _Request:
    spki = public_spki(secret)
    constraints = _extension("2.5.29.19", der.sequence(der.boolean(True)), critical=True)
    extensions = (constraints, _extension("2.5.29.15", _USAGE_AUTHORITY, critical=True), _ski(spki))
    return _Request(_common_name(common_name), spki, _serial(spki), start_ms, end_ms, extensions)


def _issue(issuer: Key, request: _Request) -> bytes:
    algorithm = signature_algorithm(issuer.certificate.key)
    signed = _signed_part(request, issuer.certificate.subject_name, algorithm)
    return der.sequence(signed, algorithm, der.bits(issuer.sign(signed)))


def _signed_part(request: _Request, issuer_name: bytes, algorithm: bytes) -> bytes:
    return der.sequence(
        der.explicit(0, der.integer(2)),
        der.integer(request.serial),
        algorithm,
        issuer_name,
        der.sequence(der.time(request.not_before_ms), der.time(request.not_after_ms)),
        request.name,
        request.spki,
        der.explicit(3, der.sequence(*request.extensions)),
    )


def _person(surname: str, first: str, patronymic: str, iin: str) -> list[tuple[str, bytes]]:
    name = [(_CN, der.text(f"{surname} {first}")), (_SURNAME, der.text(surname)), (_SERIAL, der.printable(f"IIN{iin}"))]
    name.append((_C, der.printable("KZ")))
    return [*name, (_GIVEN_NAME, der.text(patronymic))] if patronymic else name


def _common_name(common_name: str) -> bytes:
    return _name([(_CN, der.text(common_name)), (_C, der.printable("KZ"))])


def _name(pairs: Sequence[tuple[str, bytes]]) -> bytes:
    return der.sequence(*(der.set_of([der.sequence(der.oid(oid), value)]) for oid, value in pairs))


def _extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    return der.sequence(der.oid(oid), der.boolean(True) if critical else b"", der.octets(value))


def _key_id(spki: bytes) -> bytes:
    """Return the key identifier of RFC 5280, 4.2.1.2 (1): a name, not a protection."""
    return hashlib.sha1(der.read(spki)[1].bits(), usedforsecurity=False).digest()


def _serial(spki: bytes) -> int:
    """Return the centre's kind of serial number: the key identifier, made positive."""
    return int.from_bytes(_key_id(spki), "big") & (1 << 159) - 1


def _ski(spki: bytes) -> bytes:
    return _extension("2.5.29.14", der.octets(_key_id(spki)))


def _aki(ski: bytes) -> bytes:
    return _extension("2.5.29.35", der.sequence(der.implicit(0, ski)))
