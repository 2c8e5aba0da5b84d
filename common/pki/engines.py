"""Who computes the country's digests: a library of the machine where it has one that is right, else plain Python.

Chosen once, at import, and said in ``--version``. A foreign engine must first repeat a known answer that takes the carry of
the check sum through every byte, because old builds of such libraries got that wrong. Plain Python is hundreds of times
slower, so it has a limit: whoever hands in a large file may not keep a court's machine busy for minutes. What the machine
itself has to know, a revocation list of a trusted centre, it takes its time for (`patience`).
"""

import ctypes
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from common.errors import N_, Refused
from common.pki import patience

Digest = Callable[[bytes], bytes]
PURE = "Python"
_GCRYCTL_TEST_ALGO = 8

_PROBES = (b"", b"\xff" * 128 + b"\x01" + b"\xff" * 70)
_TOO_SLOW = N_(
    "This file is too large for a machine without a fast library for the digest of this signature (%(mb)d MB at most). "
    "Ask the staff to install libgcrypt, or check the file on another machine."
)


@dataclass(frozen=True, slots=True)
class Engine:
    """A digest and who computes it ("OpenSSL", "libgcrypt" or "Python")."""

    name: str
    compute: Digest
    bytes_max: int | None = None
    """The longest message it takes at once, in bytes."""
    apart: str = ""
    """What computes longer ones in a process of its own, where there is time for that: "module:function"."""

    def __call__(self, data: bytes) -> bytes:
        """Return the digest of ``data``. Raises Refused("pki.digest_slow") beyond ``bytes_max``, or as `patience.apart`."""
        if self.bytes_max is not None and len(data) > self.bytes_max:
            if self.apart and patience.is_patient():
                return patience.apart(self.apart, data)
            raise Refused("pki.digest_slow", _TOO_SLOW, mb=self.bytes_max // 1024 // 1024)
        return self.compute(data)


def choose(pure: Digest, pure_bytes_max: int, *, openssl: str = "", gcrypt: int) -> Engine:
    """Return OpenSSL's digest ``openssl``, libgcrypt's number ``gcrypt``, or ``pure``: the first that is here and right."""
    candidates: list[tuple[str, Callable[[], Digest]]] = [("libgcrypt", lambda: _gcrypt(gcrypt, len(pure(b""))))]
    if openssl:
        candidates.insert(0, ("OpenSSL", lambda: _openssl(openssl)))
    for name, candidate in candidates:
        try:
            engine = candidate()
            if all(engine(probe) == pure(probe) for probe in _PROBES):
                return Engine(name, engine)
        except (OSError, ValueError, AttributeError):
            continue  # not on this machine: the next one, at last our own tables
    return Engine(PURE, pure, pure_bytes_max, f"{pure.__module__}:{pure.__name__}")


def _openssl(name: str) -> Digest:
    return lambda data: hashlib.new(name, data).digest()


def _gcrypt(algorithm: int, digest_bytes: int) -> Digest:
    library = ctypes.CDLL("libgcrypt.so.20")
    library.gcry_check_version.restype = ctypes.c_char_p
    if library.gcry_check_version(None) is None or library.gcry_md_algo_info(algorithm, _GCRYCTL_TEST_ALGO, None, None):
        raise OSError  # built or configured without it (FIPS): asking it to compute would end the process
    if library.gcry_md_get_algo_dlen(algorithm) != digest_bytes:
        raise OSError  # another digest under this number: it would write past its room
    library.gcry_md_hash_buffer.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t)
    library.gcry_md_hash_buffer.restype = None

    def digest(data: bytes) -> bytes:
        room = ctypes.create_string_buffer(digest_bytes)
        library.gcry_md_hash_buffer(algorithm, room, data, len(data))
        return room.raw

    return digest
