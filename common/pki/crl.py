"""Revocation lists: read once, looked up often.

The national list has some 420,000 entries in 22 MB, so it is never taken apart into objects: python-cryptography keeps it in
one piece and finds a number in it in some 25 ms. Delta lists and indirect lists are refused. A certificate "on hold" counts as
revoked for as long as it stands in the list.
"""

import base64
import hashlib
import re
import warnings
from dataclasses import dataclass

from cryptography import x509

from common.errors import N_, Refused
from common.pki import der
from common.pki.algorithms import refused_as
from common.pki.certificates import Certificate, levelled, read_names

CRL_BYTES_MAX = 128 * 1024 * 1024  # the national one: 22 MB in 2026

BROKEN = N_("This is not a readable revocation list (CRL).")
DELTA = N_("This is a delta revocation list. Import the full list: it holds everything the delta does.")

# The names of the centre's authorities are longer than X.520 allows; python-cryptography says so at every reading.
warnings.filterwarnings("ignore", "Attribute's length must be", UserWarning)

_PEM = re.compile(rb"-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----")


@dataclass(frozen=True, slots=True)
class CrlInfo:
    """What people see of a list. Times are milliseconds UTC; ``number`` is None when the list has none."""

    issuer: str
    number: int | None
    this_update_ms: int
    next_update_ms: int
    entries: int
    sha256: bytes


class Crl:
    """A revocation list. Its signature counts only after ``signed_by``."""

    __slots__ = ("_list", "_oid", "_signature", "_signed_part", "der", "info", "issuer_name")

    def __init__(self, data: bytes) -> None:
        """Read a list in DER or PEM. Raises Refused("crl.broken"), Refused("crl.delta") or Refused("crl.form")."""
        with refused_as("crl.broken", BROKEN):
            if len(data) > CRL_BYTES_MAX:
                raise Refused("crl.broken", BROKEN)
            self.der = _der(data)
            self._signed_part, algorithm, signature = der.split(self.der, 3)
            self._oid, self._signature = der.read(algorithm).algorithm(), der.read(signature).bits()
            self._list = x509.load_der_x509_crl(levelled(self.der))
            if self._list.next_update_utc is None:
                raise der.DerError("no next update")
            _check_extensions(self._list)
            head = [part for part in der.split(self._signed_part, 3) if part[0] != der.INTEGER]
            name = der.read(head[1])
            self.issuer_name = name.raw
            self.info = CrlInfo(
                issuer=(read_names(name).get("2.5.4.3") or [""])[0],
                number=_number(self._list),
                this_update_ms=int(self._list.last_update_utc.timestamp()) * 1000,
                next_update_ms=int(self._list.next_update_utc.timestamp()) * 1000,
                entries=len(self._list),
                sha256=hashlib.sha256(self.der).digest(),
            )

    def signed_by(self, issuer: Certificate) -> bool:
        """Return whether ``issuer`` may sign lists, has the name of this one, and signed it."""
        if not issuer.may_sign_crls or issuer.subject_name != self.issuer_name:
            return False
        try:
            return issuer.verify(self._signature, self._signed_part, oid=self._oid)
        except Refused:
            return False

    def revoked_since(self, serial: int) -> int | None:
        """Return since when the certificate with this number is revoked (milliseconds UTC), or None when it is not listed."""
        with refused_as("crl.broken", BROKEN):
            entry = self._list.get_revoked_certificate_by_serial_number(serial)
            if entry is None:
                return None
            since = int(entry.revocation_date_utc.timestamp()) * 1000
            for extension in entry.extensions:
                if isinstance(extension.value, x509.InvalidityDate):  # the key was lost earlier than it was reported
                    since = min(since, int(extension.value.invalidity_date_utc.timestamp()) * 1000)
            return since


def _der(data: bytes) -> bytes:
    found = _PEM.match(data.strip()) if data.lstrip()[:1] == b"-" else None
    return base64.b64decode(b"".join(found.group(1).split()), validate=True) if found else data


def _number(crl: x509.CertificateRevocationList) -> int | None:
    for extension in crl.extensions:
        if isinstance(extension.value, x509.CRLNumber):
            return extension.value.crl_number
    return None


def _check_extensions(crl: x509.CertificateRevocationList) -> None:
    """Refuse lists that are not the whole truth about their issuer."""
    for extension in crl.extensions:
        value = extension.value
        if isinstance(value, x509.DeltaCRLIndicator):
            raise Refused("crl.delta", DELTA)
        if isinstance(value, x509.IssuingDistributionPoint):
            partial = value.indirect_crl or value.only_some_reasons or value.only_contains_attribute_certs or value.only_contains_ca_certs
        else:
            partial = extension.critical and not isinstance(value, x509.CRLNumber | x509.AuthorityKeyIdentifier)
        if partial:
            raise Refused(
                "crl.form", N_("This revocation list covers only a part, or has parts that are not understood. Import the full list.")
            )
