"""RFC 6962, section 2.1, written down as it stands there: slow, recursive, and sharing no line with sync/merkle."""

from collections.abc import Sequence
from hashlib import sha256

from sync.merkle import HashReader


def split(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def tree_head(hashes: Sequence[bytes]) -> bytes:
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return sha256(b"\x01" + tree_head(hashes[:k]) + tree_head(hashes[k:])).digest()


def path(m: int, hashes: Sequence[bytes]) -> list[bytes]:
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if m < k:
        return [*path(m, hashes[:k]), tree_head(hashes[k:])]
    return [*path(m - k, hashes[k:]), tree_head(hashes[:k])]


def subproof(m: int, hashes: Sequence[bytes], known: bool) -> list[bytes]:
    if m == len(hashes):
        return [] if known else [tree_head(hashes)]
    k = split(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], known), tree_head(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), tree_head(hashes[:k])]


def outside(first: int, end: int, hashes: Sequence[bytes]) -> list[bytes]:
    if end <= 0 or len(hashes) <= first:
        return [tree_head(hashes)]
    if first <= 0 and len(hashes) <= end:
        return []
    k = split(len(hashes))
    return outside(first, end, hashes[:k]) + outside(first - k, end - k, hashes[k:])


def leaf_hashes(count: int) -> list[bytes]:
    return [sha256(b"\x00" + index.to_bytes(32, "big")).digest() for index in range(count)]


def reader_of(hashes: Sequence[bytes]) -> HashReader:
    """Return a reader that knows only complete subtrees, as the log does, and complains at any other."""

    def read(level: int, index: int) -> bytes:
        part = hashes[index << level : (index + 1) << level]
        assert len(part) == 1 << level
        return tree_head(part)

    return read
