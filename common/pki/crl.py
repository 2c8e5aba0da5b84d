"""Revocation lists: read once, their signature verified once, then held as an index (`crl_index`).

The national list has some 420,000 entries in 22 MB, so it is never taken apart into objects: its frame is read by
python-cryptography with the entries left out, the entries are walked over where they lie. A delta list (RFC 5280, 5.2.4) is
read in the same way and laid over the full list by `crl_store`; indirect and partial lists are refused. A certificate "on
hold" counts as revoked for as long as it stands in the list.
"""

import base64
import functools
import hashlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from cryptography import x509

from common.errors import N_, Refused
from common.pki import der, patience
from common.pki.algorithms import refused_as
from common.pki.certificates import Certificate, levelled, read_names

CRL_BYTES_MAX = 128 * 1024 * 1024  # the national one: 22 MB in 2026
SERIAL_BYTES = 20  # RFC 5280, 4.1.2.2
ON_HOLD, REMOVED = 6, 8  # RFC 5280, 5.3.1

BROKEN = N_("This is not a readable revocation list (CRL).")
FORM = N_("This revocation list covers only a part, or has parts that are not understood. Import the full list.")

# The names of the centre's authorities are longer than X.520 allows; python-cryptography says so at every reading.
warnings.filterwarnings("ignore", "Attribute's length must be", UserWarning)

_PEM = re.compile(rb"-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----")
_NUMBER, _DELTA, _POINT, _KEY_ID = "2.5.29.20", "2.5.29.27", "2.5.29.28", "2.5.29.35"
_UNDERSTOOD = frozenset({_NUMBER, _DELTA, _POINT, _KEY_ID})
_PARTIAL = frozenset({0x82, 0x83, 0x84, 0x85})  # RFC 5280, 5.2.5: of authorities, of some reasons, indirect, of attributes
_REASON, _INVALIDITY, _INSTRUCTION = "2.5.29.21", "2.5.29.24", "2.5.29.23"


@dataclass(frozen=True, slots=True)
class CrlInfo:
    """What people see of a list. Times are milliseconds UTC; ``number`` is None when the list has none.

    ``base_number`` is that of the full list a delta list builds on, None for a full list.
    """

    issuer: str
    number: int | None
    this_update_ms: int
    next_update_ms: int
    entries: int
    sha256: bytes
    base_number: int | None = None


@dataclass(frozen=True, slots=True)
class Revocation:
    """What a list says of one certificate: since when it is revoked (milliseconds UTC) and why (RFC 5280, 5.3.1)."""

    since_ms: int
    reason: int

    @property
    def on_hold(self) -> bool:
        """Whether the certification centre may still take it back."""
        return self.reason == ON_HOLD


class Entry(NamedTuple):
    """One entry: where it lies in the list, its number (``SERIAL_BYTES``), since when (seconds UTC), why."""

    start: int
    end: int
    serial: bytes
    since: int
    reason: int


class Crl:
    """A revocation list, full or delta. Its signature counts only after ``signed_by``."""

    __slots__ = ("_end", "_oid", "_signature", "_signed_part", "_start", "der", "info", "issuer_name", "scope")

    def __init__(self, data: bytes) -> None:
        """Read a list in DER or PEM. Raises Refused("crl.broken") or Refused("crl.form")."""
        with refused_as("crl.broken", BROKEN):
            if len(data) > CRL_BYTES_MAX:
                raise Refused("crl.broken", BROKEN)
            self.der = _der(data)
            self._signed_part, algorithm, signature = der.split(self.der, 3)
            self._oid, self._signature = der.read(algorithm).algorithm(), der.read(signature).bits()
            if der.sequence(self._signed_part, algorithm, signature) != self.der:
                raise der.DerError("bytes after the end")
            head, self._start, self._end, tail = _frame(self._signed_part)
            said = x509.load_der_x509_crl(levelled(der.sequence(der.sequence(head, tail), algorithm, signature)))
            if said.next_update_utc is None:
                raise der.DerError("no next update")
            number, base, self.scope = _extensions(tail)
            parts = [part for part in der.read(der.sequence(head)) if part.tag != der.INTEGER]
            self.issuer_name = parts[1].raw
            self.info = CrlInfo(
                issuer=(read_names(parts[1]).get("2.5.4.3") or [""])[0],
                number=number,
                this_update_ms=int(said.last_update_utc.timestamp()) * 1000,
                next_update_ms=int(said.next_update_utc.timestamp()) * 1000,
                entries=sum(1 for _ in self._walk()),
                sha256=hashlib.sha256(self.der).digest(),
                base_number=base,
            )

    def signed_by(self, issuer: Certificate) -> bool:
        """Return whether ``issuer`` may sign lists, has the name of this one, and signed it.

        On a machine without a fast library for its digest that may take a minute or two, in a process of its own (`patience`).
        """
        if not issuer.may_sign_crls or issuer.subject_name != self.issuer_name:
            return False
        try:
            with patience.patiently():
                return issuer.verify(self._signature, self._signed_part, oid=self._oid)
        except Refused:
            return False

    def entries(self) -> Iterator[Entry]:
        """Walk over the entries; their places are those in ``der``. Raises Refused("crl.broken") or Refused("crl.form")."""
        offset = der.contents(self.der, 0, len(self.der))[0]
        data = self._signed_part
        with refused_as("crl.broken", BROKEN):
            for start, body, end in self._walk():
                number, number_end = der.contents(data, body, end)
                _, time_end = der.contents(data, number_end, end)
                if data[body] != der.INTEGER:
                    raise der.DerError("not an entry")
                reason, invalid_since = _entry_says(data[time_end:end])
                moment = _seconds(data[number_end:time_end])
                if invalid_since is not None:  # the key was lost earlier than it was reported
                    moment = min(moment, invalid_since)
                yield Entry(offset + start, offset + end, _number_key(data[number:number_end]), moment, reason)

    def pieces(self) -> Iterator[tuple[int, int]]:
        """Walk over the places of the entries in ``der``, unread. Raises Refused("crl.broken")."""
        offset = der.contents(self.der, 0, len(self.der))[0]
        with refused_as("crl.broken", BROKEN):
            for start, _, end in self._walk():
                yield offset + start, offset + end

    def _walk(self) -> Iterator[tuple[int, int, int]]:
        """Yield (start, contents, end) of each entry inside the signed part. Raises DerError."""
        data, at, stop = self._signed_part, self._start, self._end
        while at < stop:
            body, end = der.contents(data, at, stop)
            if data[at] != der.SEQUENCE:
                raise der.DerError("not an entry")
            yield at, body, end
            at = end


def serial_key(serial: int) -> bytes:
    """Return a certificate's number as lists are searched by it; empty for one that no list we take can hold."""
    return serial.to_bytes(SERIAL_BYTES, "big") if 0 < serial < 1 << 8 * SERIAL_BYTES else b""


def _number_key(serial: bytes) -> bytes:
    number = serial[1:] if serial[:1] == b"\0" and len(serial) > 1 else serial
    if not serial or serial[0] & 0x80 or len(number) > SERIAL_BYTES:
        raise Refused("crl.form", FORM)
    return number.rjust(SERIAL_BYTES, b"\0")


def _der(data: bytes) -> bytes:
    found = _PEM.match(data.strip()) if data.lstrip()[:1] == b"-" else None
    return base64.b64decode(found.group(1).translate(None, der.WHITE_SPACE), validate=True) if found else data


def _frame(signed_part: bytes) -> tuple[bytes, int, int, bytes]:
    """Return (all before the entries, where the entries begin and end, all after them). RFC 5280, 5.1."""
    at, end = der.contents(signed_part, 0, len(signed_part))
    first = at
    for _ in range(5 if signed_part[at] == der.INTEGER else 4):  # version, algorithm, issuer, this and next update
        at = der.contents(signed_part, at, end)[1]
    head, entries_at, entries_end = signed_part[first:at], at, at
    if at < end and signed_part[at] == der.SEQUENCE:
        entries_at, entries_end = der.contents(signed_part, at, end)
    if end != len(signed_part):
        raise der.DerError("bytes after the end")
    return head, entries_at, entries_end, signed_part[entries_end:end]


def _extensions(tail: bytes) -> tuple[int | None, int | None, bytes]:
    """Return (number, number of the base, scope) of a list; refuse one that is not the whole truth about its issuer."""
    found: dict[str, bytes] = {}
    for extension in der.read(tail).expect(0xA0)[0].expect(der.SEQUENCE) if tail else ():
        oid, critical = extension[0].oid(), extension[1].tag == der.BOOLEAN and extension[1].body != b"\0"
        if oid in found:
            raise der.DerError("an extension twice")
        if critical and oid not in _UNDERSTOOD:
            raise Refused("crl.form", FORM)
        found[oid] = extension[-1].octets()
    number, base = (der.read(found[oid]).integer() if oid in found else None for oid in (_NUMBER, _DELTA))
    scope = found.get(_POINT, b"")
    flags = der.read(scope).expect(der.SEQUENCE).parts if scope else ()
    if any(part.tag in _PARTIAL and part.body != b"\0" for part in flags):
        raise Refused("crl.form", FORM)
    if base is not None and (number is None or base > number):
        raise Refused("crl.form", FORM)
    return number, base, scope


@functools.lru_cache(maxsize=4096)  # most entries say one of a few things
def _entry_says(rest: bytes) -> tuple[int, int | None]:
    """Return (reason, invalidity date in seconds or None) of an entry's extensions."""
    reason, invalid_since = 0, None
    if not rest:
        return reason, invalid_since
    for extension in der.read(rest).expect(der.SEQUENCE):
        oid, value = extension[0].oid(), der.read(extension[-1].octets())
        if oid == _REASON:
            reason = int.from_bytes(value.expect(10).body, "big")
        elif oid == _INVALIDITY:
            invalid_since = value.time_ms() // 1000
        elif oid != _INSTRUCTION and extension[1].tag == der.BOOLEAN and extension[1].body != b"\0":
            raise Refused("crl.form", FORM)  # certificateIssuer of indirect lists, or something unknown
    if reason > 0xFF:
        raise der.DerError("reason out of range")
    return reason, invalid_since


def _seconds(raw: bytes) -> int:
    """Return a Time in seconds UTC: the day through a cache, because strptime alone would take seconds for a country."""
    clock = raw[8:14]
    if len(raw) == 15 and raw[0] == der.UTC_TIME and raw[14:] == b"Z" and clock.isdigit():
        hour, minute, second = int(clock[:2]), int(clock[2:4]), int(clock[4:])
        if hour < 24 and minute < 60 and second < 60:
            return _day(raw[:8]) + hour * 3600 + minute * 60 + second
    return der.read(raw).time_ms() // 1000


@functools.lru_cache(maxsize=4096)
def _day(start: bytes) -> int:
    return der.read(start + b"000000Z").time_ms() // 1000
