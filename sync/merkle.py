"""Merkle trees of RFC 6962, section 2.1: hashes, proofs and their verifiers. Pure: no input, no output, no state.

* A leaf is hashed under 0x00 and a node under 0x01, so that neither can pose as the other.
* A generator reads complete subtrees through a `HashReader` and makes O(log n) reads.
* A verifier returns nothing of a false proof: it raises Refused("proof.…") and never anything else. A proof has exactly one length
  for its sizes, so a proof with a hash too many or too few is false.
* One range proof covers a whole bundle; each filing's own inclusion proof is made from it, offline.

    tree = verify_range(leaf_hashes, first, size, proof, root)
    receipts = [tree.inclusion(index) for index in range(first, first + len(leaf_hashes))]
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from common.errors import N_, Refused

HASH_BYTES = 32
SIZE_MAX = 2**63 - 1
"""Leaves in a tree: what SQLite and CBOR hold in one signed integer."""
PROOF_HASHES_MAX = 64
"""Of an inclusion or consistency proof: one a level, and one to start from."""
RANGE_PROOF_HASHES_MAX = 126
"""Of a range proof: one a level on each side of the range."""
EMPTY_ROOT = sha256(b"").digest()

HashReader = Callable[[int, int], bytes]
"""(level, index) to the hash of the complete subtree over leaves [index << level, (index + 1) << level)."""

LEAF_PREFIX = b"\0"
NODE_PREFIX = b"\1"


def leaf_hash(leaf: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ leaf)."""
    return sha256(LEAF_PREFIX + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(NODE_PREFIX + left + right).digest()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf values (each is hashed here); EMPTY_ROOT where there are none."""
    return root_of_hashes([leaf_hash(leaf) for leaf in leaves])


def root_of_hashes(hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, or over the roots of equal complete subtrees."""
    row = list(hashes)
    while len(row) > 1:
        alone = row[len(row) & ~1 :]  # an odd last node moves up as it is: it is never paired with itself
        row = [sha256(NODE_PREFIX + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)] + alone
    return row[0] if row else EMPTY_ROOT


def tree_root(size: int, reader: HashReader) -> bytes:
    """Return the root of the first ``size`` leaves; raises Refused("proof.size")."""
    _check(0 <= size <= SIZE_MAX, "proof.size")
    return _span_hash(0, size, reader) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, reader: HashReader) -> list[bytes]:
    """Return the hashes from the leaf's sibling up to the root's child; raises Refused("proof.index"/"proof.size")."""
    _check_place(index, index + 1, size)
    low, high, proof = 0, size, []
    while high - low > 1:
        middle = low + _left_size(high - low)
        if index < middle:
            proof.append(_span_hash(middle, high, reader))
            high = middle
        else:
            proof.append(_span_hash(low, middle, reader))
            low = middle
    return proof[::-1]


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise Refused("proof.…") unless ``proof`` leads from the leaf at ``index`` to ``root`` of ``size`` leaves (RFC 9162, 2.1.3.2)."""
    _check_place(index, index + 1, size)
    _check_hashes(proof, PROOF_HASHES_MAX)
    _check_hashes((leaf_hash, root), 2)
    place, last, reached = index, size - 1, leaf_hash
    for sibling in proof:
        _check(last > 0, "proof.length")
        if place & 1 or place == last:
            reached = node_hash(sibling, reached)
            place, last = _climb(place, last)
        else:
            reached = node_hash(reached, sibling)
        place, last = place >> 1, last >> 1
    _check(last == 0, "proof.length")
    _check(reached == root, "proof.root")


def consistency_proof(old: int, new: int, reader: HashReader) -> list[bytes]:
    """Return the hashes that show that the tree of ``old`` leaves begins the tree of ``new``; raises Refused("proof.size").

    Nothing needs showing from the empty tree or between equal sizes: the proof is empty then.
    """
    _check(0 <= old <= new <= SIZE_MAX, "proof.size")
    if old in (0, new):
        return []
    low, high, proof = 0, new, []
    while old != high:
        middle = low + _left_size(high - low)
        if old <= middle:
            proof.append(_span_hash(middle, high, reader))
            high = middle
        else:
            proof.append(_span_hash(low, middle, reader))
            low = middle
    if low:  # else the verifier knows this hash: it is the old root itself
        proof.append(_span_hash(low, high, reader))
    return proof[::-1]


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise Refused("proof.…") unless the new tree only adds leaves to the old one (RFC 9162, 2.1.4.2)."""
    _check(0 <= old_size <= new_size <= SIZE_MAX, "proof.size")
    _check_hashes((old_root, new_root), 2)
    _check_hashes(proof, PROOF_HASHES_MAX)
    _check(old_size > 0 or old_root == EMPTY_ROOT, "proof.root")
    if old_size in (0, new_size):
        _check(not proof, "proof.length")
        _check(old_size != new_size or old_root == new_root, "proof.root")
        return
    whole = old_size & (old_size - 1) == 0
    path = [old_root, *proof] if whole else list(proof)
    _check(len(path) > 1, "proof.length")
    _check(_two_roots(old_size - 1, new_size - 1, path) == (old_root, new_root), "proof.root")


def range_proof(first: int, end: int, size: int, reader: HashReader) -> list[bytes]:
    """Return, left to right, the hashes outside leaves [first, end) that the root of ``size`` leaves needs; raises Refused("proof.…")."""
    _check_place(first, end, size)
    return [_span_hash(low, high, reader) for low, high in _outside(first, end, 0, size)]


def verify_range(leaf_hashes: Sequence[bytes], first: int, size: int, proof: Sequence[bytes], root: bytes) -> "RangeTree":
    """Return the verified part of the tree; raises Refused("proof.…") unless the leaves stand at ``first`` under ``root``."""
    _check_hashes((root,), 1)
    tree = open_range(leaf_hashes, first, size, proof)
    _check(tree.root == root, "proof.root")
    return tree


def inclusion_from_range(leaf_hashes: Sequence[bytes], first: int, size: int, proof: Sequence[bytes], index: int) -> list[bytes]:
    """Return the inclusion proof of the leaf at ``index`` from the range proof around it; raises Refused("proof.…").

    For more than one leaf keep the tree that `verify_range` returns: each of its proofs costs only O(log n).
    """
    return open_range(leaf_hashes, first, size, proof).inclusion(index)


@dataclass(frozen=True, slots=True)
class RangeTree:
    """What leaves [first, end) and their range proof say of a tree; only `verify_range` gives one that is true."""

    first: int
    end: int
    size: int
    leaves: Sequence[bytes]
    nodes: dict[tuple[int, int], bytes]
    """(first leaf, end leaf) of each node known to its hash: those outside, and inside what was asked for."""

    @property
    def root(self) -> bytes:
        """Root of the tree of ``size`` leaves."""
        return self._join(0, self.size)

    def inclusion(self, index: int) -> list[bytes]:
        """Return the inclusion proof of the leaf at ``index``, in the order of `inclusion_proof`; raises Refused("proof.index")."""
        _check(self.first <= index < self.end, "proof.index")
        low, high, proof = 0, self.size, []
        while high - low > 1:
            middle = low + _left_size(high - low)
            if index < middle:
                proof.append(self._hash(middle, high))
                high = middle
            else:
                proof.append(self._hash(low, middle))
                low = middle
        return proof[::-1]

    def _join(self, low: int, high: int) -> bytes:
        """Return the hash of one node: what lies within the range is hashed row by row, a sixth of the time of node by node."""
        if self.first <= low and high <= self.end:
            return root_of_hashes(self.leaves[low - self.first : high - self.first])
        known = self.nodes.get((low, high))
        if known is None:
            middle = low + _left_size(high - low)
            known = self.nodes[low, high] = node_hash(self._join(low, middle), self._join(middle, high))
        return known

    def _hash(self, low: int, high: int) -> bytes:
        """Return the hash of one node and write down all below it, for the proofs that follow; as deep as the tree, at most 63."""
        if high - low == 1 and self.first <= low < self.end:
            return self.leaves[low - self.first]
        known = self.nodes.get((low, high))
        if known is None:
            middle = low + _left_size(high - low)
            known = self.nodes[low, high] = node_hash(self._hash(low, middle), self._hash(middle, high))
        return known


def open_range(leaf_hashes: Sequence[bytes], first: int, size: int, proof: Sequence[bytes]) -> RangeTree:
    """Return the tree that the leaves and the proof claim, not compared with any root; raises Refused("proof.…")."""
    end = first + len(leaf_hashes)
    _check_place(first, end, size)
    _check_hashes(leaf_hashes, len(leaf_hashes))
    _check_hashes(proof, RANGE_PROOF_HASHES_MAX)
    spans = list(_outside(first, end, 0, size))
    _check(len(spans) == len(proof), "proof.length")
    return RangeTree(first, end, size, leaf_hashes, dict(zip(spans, proof, strict=True)))


def _outside(first: int, end: int, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Yield the largest nodes of the tree over [low, high) that hold no leaf of [first, end), left to right."""
    if high <= first or end <= low:
        yield low, high
    elif low < first or end < high:  # partly inside: at most two such nodes a level
        middle = low + _left_size(high - low)
        yield from _outside(first, end, low, middle)
        yield from _outside(first, end, middle, high)


def _left_size(count: int) -> int:
    """Return the largest power of two below ``count``, which is 2 or more."""
    return 1 << ((count - 1).bit_length() - 1)


def _span_hash(low: int, high: int, reader: HashReader) -> bytes:
    """Return the hash of a node of the tree: its complete subtrees, the smallest and last one first."""
    reached = b""
    while low < high:
        width = (high - low) & (low - high)
        level = width.bit_length() - 1
        found = reader(level, (high - width) >> level)
        reached = node_hash(found, reached) if reached else found
        high -= width
    return reached


def _climb(place: int, last: int) -> tuple[int, int]:
    """Skip the levels at which the last node of an incomplete tree has no sibling."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _two_roots(place: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        _check(last > 0, "proof.length")
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            place, last = _climb(place, last)
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    _check(last == 0, "proof.length")
    return old, new


def _check_place(first: int, end: int, size: int) -> None:
    _check(0 < size <= SIZE_MAX, "proof.size")
    _check(0 <= first < end <= size, "proof.index")


def _check_hashes(hashes: Sequence[bytes], count_max: int) -> None:
    _check(len(hashes) <= count_max, "proof.length")
    for value in hashes:
        _check(len(value) == HASH_BYTES, "proof.hash")


def _check(good: bool, code: str) -> None:
    if not good:
        raise Refused(code, N_("The proof does not match the register. Get the receipt again from the court."))
