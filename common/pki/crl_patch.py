"""The difference between two revocation lists: some ten kilobytes in place of the twenty megabytes of a new full list.

A patch says which stretches of the old list and which new bytes make up the new one, to the byte. Whoever applies it holds
the result against the SHA-256 it names and then verifies the certification centre's own signature over it: so nobody on
the way has to be believed. Our own few lines, because general tools of this kind take hundreds of megabytes for such lists
and do not know that their entries are where they may be cut.

    patch = make(Crl(old), Crl(new));  apply(old, patch) == new
"""

import hashlib

import zstandard

from common import canonical
from common.errors import N_, CourtError, Refused
from common.pki.crl import CRL_BYTES_MAX, Crl

VERSION = 1
PATCH_BYTES_MAX = 4 * 1024 * 1024
"""Of a patch unpacked; of the national list a day has some 50 KB. What differs by more goes out whole."""
WINDOW_BYTES_MAX = 8 * 1024 * 1024
LEVEL = 9

BROKEN = N_("The changes to a revocation list cannot be read. They are fetched again.")
OTHER = N_("The changes to a revocation list belong to another list than the one here.")


def make(old: Crl, new: Crl) -> bytes | None:
    """Return the patch that makes ``new`` out of ``old``, None where it would be longer than it may."""
    places = {old.der[start:end]: start for start, end in old.pieces()}
    steps: list[list[int] | bytes] = []
    done = 0  # of the new list
    at = length = 0  # the stretch of the old list that is being lengthened
    for start, end in new.pieces():
        place = places.get(new.der[start:end])
        if length and place == at + length and start == done:
            length, done = length + end - start, end
            continue
        if place is None:
            continue
        if length:
            steps.append([at, length])
        if start > done:
            steps.append(new.der[done:start])
        at, length, done = place, end - start, end
    if length:
        steps.append([at, length])
    steps.append(new.der[done:])
    body = {"v": VERSION, "base": old.info.sha256, "target": new.info.sha256, "size": len(new.der), "steps": steps}
    plain = canonical.encode(body)
    return zstandard.ZstdCompressor(level=LEVEL).compress(plain) if len(plain) <= PATCH_BYTES_MAX else None


def apply(old: bytes, patch: bytes) -> bytes:
    """Return the new list. Raises Refused("crl.patch"), or Refused("crl.patch_base") when ``old`` is not where it begins."""
    try:
        if not 0 < zstandard.frame_content_size(patch) <= PATCH_BYTES_MAX:
            raise Refused("crl.patch", BROKEN)
        body = canonical.decode_map(zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX).decompress(patch))
        if body["v"] != VERSION or not 0 <= body["size"] <= CRL_BYTES_MAX:
            raise Refused("crl.patch", BROKEN)
        if hashlib.sha256(old).digest() != body["base"]:
            raise Refused("crl.patch_base", OTHER)
        parts = [step if isinstance(step, bytes) else _stretch(old, *step) for step in body["steps"]]
        if sum(map(len, parts)) != body["size"]:
            raise Refused("crl.patch", BROKEN)
        new, target = b"".join(parts), body["target"]
    except (CourtError, zstandard.ZstdError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, Refused) and error.code == "crl.patch_base":
            raise
        raise Refused("crl.patch", BROKEN) from error
    if hashlib.sha256(new).digest() != target:
        raise Refused("crl.patch", BROKEN)
    return new


def _stretch(old: bytes, start: int, length: int) -> memoryview:
    """Return a stretch of the old list without copying it: a patch that repeats one cannot fill the memory before it is judged."""
    if not (start >= 0 and length > 0 and start + length <= len(old)):
        raise Refused("crl.patch", BROKEN)
    return memoryview(old)[start : start + length]
