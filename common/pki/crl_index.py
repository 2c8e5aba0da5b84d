"""The index of a revocation list: all that is asked of it later, in a file that is searched where it lies.

Records of 26 bytes in the order of their numbers (number 20, since when in seconds 5, reason 1) stand behind a small header
and before the SHA-256 of everything. The file is mapped, not read: a look-up touches some twenty of its pages and takes
microseconds, whatever the length of the list.

    index = build(crl)                       bytes, to be kept beside the list
    CrlIndex(index).find(serial)             Revocation, or None when the number is not listed
"""

import bisect
import hashlib
import mmap
from pathlib import Path

from common import canonical
from common.errors import N_, Corrupt, CourtError
from common.pki.crl import SERIAL_BYTES, Crl, CrlInfo, Revocation, serial_key

MAGIC = b"SOTCRL1\n"
RECORD_BYTES = 26
SECONDS_MAX = (1 << 40) - 1
_DIGEST_BYTES = 32
_LENGTH_AT = len(MAGIC)


def build(crl: Crl) -> bytes:
    """Return the index of a list. Raises Refused as ``Crl.entries``."""
    records = [entry.serial + min(max(entry.since, 0), SECONDS_MAX).to_bytes(5, "big") + bytes((entry.reason,)) for entry in crl.entries()]
    records.sort()  # of a number that stands twice the earliest date comes first, and counts
    info = crl.info
    header = canonical.encode(
        {
            "issuer": info.issuer,
            "number": None if info.number is None else str(info.number),  # up to 20 bytes: no integer of ours
            "base": None if info.base_number is None else str(info.base_number),
            "this": info.this_update_ms,
            "next": info.next_update_ms,
            "sha256": info.sha256,
            "scope": crl.scope,
        }
    )
    whole = b"".join((MAGIC, len(header).to_bytes(4, "big"), header, *records))
    return whole + hashlib.sha256(whole).digest()


class CrlIndex:
    """An index, in memory or mapped. Safe to use from many threads."""

    __slots__ = ("_count", "_data", "_start", "info", "scope")

    def __init__(self, data: "bytes | mmap.mmap") -> None:
        """Read what ``build`` made. Raises Corrupt("crl.index") for anything else."""
        try:
            end = len(data) - _DIGEST_BYTES
            with memoryview(data) as view, view[: max(end, 0)] as covered:
                intact = hashlib.sha256(covered).digest() == bytes(data[max(end, 0) :])
            if data[:_LENGTH_AT] != MAGIC or not intact:
                raise _corrupt()
            length = int.from_bytes(data[_LENGTH_AT : _LENGTH_AT + 4], "big")
            self._start = _LENGTH_AT + 4 + length
            says = canonical.decode_map(bytes(data[_LENGTH_AT + 4 : self._start]))
            self._count, rest = divmod(end - self._start, RECORD_BYTES)
            if rest or self._count < 0:
                raise _corrupt()
            self._data = data
            self.scope: bytes = says["scope"]
            self.info = CrlInfo(
                issuer=says["issuer"],
                number=None if says["number"] is None else int(says["number"]),
                this_update_ms=says["this"],
                next_update_ms=says["next"],
                entries=self._count,
                sha256=says["sha256"],
                base_number=None if says["base"] is None else int(says["base"]),
            )
        except (CourtError, KeyError, ValueError) as error:
            raise _corrupt() from error

    @classmethod
    def open(cls, path: Path) -> "CrlIndex":
        """Map the index in ``path``. Raises Corrupt("crl.index") also when it cannot be read."""
        try:
            with path.open("rb") as file:
                return cls(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:
            raise _corrupt() from error

    def find(self, serial: int) -> Revocation | None:
        """Return what the list says of the certificate with this number, None when it is not listed."""
        wanted = serial_key(serial)
        place = bisect.bisect_left(range(self._count), wanted, key=self._serial)
        if not wanted or place == self._count or self._serial(place) != wanted:
            return None
        at = self._start + place * RECORD_BYTES + SERIAL_BYTES
        return Revocation(int.from_bytes(self._data[at : at + 5], "big") * 1000, self._data[at + 5])

    def _serial(self, place: int) -> bytes:
        at = self._start + place * RECORD_BYTES
        return self._data[at : at + SERIAL_BYTES]


def _corrupt() -> Corrupt:
    return Corrupt("crl.index", N_("The index of a revocation list is damaged. It is made again from the list."))
