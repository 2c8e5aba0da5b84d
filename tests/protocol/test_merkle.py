"""Merkle proofs against the published vectors, against RFC 6962 written naively, and against a forger (fault 71)."""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

import naive_tree
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import Refused
from sync.merkle import (
    EMPTY_ROOT,
    PROOF_HASHES_MAX,
    SIZE_MAX,
    consistency_proof,
    inclusion_from_range,
    inclusion_proof,
    leaf_hash,
    node_hash,
    open_range,
    range_proof,
    root_of,
    root_of_hashes,
    tree_root,
    verify_consistency,
    verify_inclusion,
    verify_range,
)

# The reference tree of Certificate Transparency: leaves, and the root at each size from 1 to 8.
CT_LEAVES = [
    bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = [
    bytes.fromhex(text)
    for text in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
A = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
B = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
C = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
ROOT_4 = CT_ROOTS[3].hex()
CT_INCLUSION = [
    (0, 1, []),
    (0, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", A, B]),
    (5, 8, [D, C, ROOT_4]),
    (2, 3, [CT_ROOTS[1].hex()]),
]
CT_CONSISTENCY = [
    (1, 1, []),
    (2, 5, [A, D]),
    (2, 8, [A, B]),
    (6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", C, ROOT_4]),
]

HASHES = naive_tree.leaf_hashes(300)
Verify = Callable[[Sequence[bytes]], object]


def refused(verify: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        verify()
    assert caught.value.code.startswith("proof.")
    return caught.value.code


def spoiled(proof: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yield the proof with each hash damaged, dropped or doubled, and with one too many at either end."""
    for at, value in enumerate(proof):
        before, after = list(proof[:at]), list(proof[at + 1 :])
        for byte in (0, 15, 31):
            for bit in range(8):
                yield [*before, value[:byte] + bytes([value[byte] ^ 1 << bit]) + value[byte + 1 :], *after]
        yield before + after
        yield [*before, value, value, *after]
        yield [*before, value[:-1], *after]
        yield [*before, value + b"\0", *after]
    yield [*proof, bytes(32)]
    yield [bytes(32), *proof]
    yield [*proof, *[bytes(32)] * (2 * PROOF_HASHES_MAX)]
    if len(proof) > 1:
        yield [*proof[1:], proof[0]]


def refuses_all(proof: Sequence[bytes], verify: Verify) -> None:
    verify(proof)
    for bad in spoiled(proof):
        refused(lambda bad=bad: verify(bad))  # type: ignore[misc]


def sizes(top: int = 300) -> st.SearchStrategy[int]:
    return st.integers(1, top)


@st.composite
def leaf_in_tree(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(sizes())
    return draw(st.integers(0, size - 1)), size


@st.composite
def range_in_tree(draw: st.DrawFn) -> tuple[int, int, int]:
    index, size = draw(leaf_in_tree())
    return index, draw(st.integers(index + 1, size)), size


def test_certificate_transparency_roots() -> None:
    """Row 71: the published roots."""
    assert root_of([]) == EMPTY_ROOT == sha256(b"").digest()
    assert [root_of(CT_LEAVES[:size]) for size in range(1, 9)] == CT_ROOTS


@pytest.mark.parametrize(("index", "size", "proof"), CT_INCLUSION)
def test_certificate_transparency_inclusion(index: int, size: int, proof: list[str]) -> None:
    hashes = [leaf_hash(leaf) for leaf in CT_LEAVES]
    expected = [bytes.fromhex(value) for value in proof]
    assert inclusion_proof(index, size, naive_tree.reader_of(hashes)) == expected
    verify_inclusion(hashes[index], index, size, expected, CT_ROOTS[size - 1])


@pytest.mark.parametrize(("old", "new", "proof"), CT_CONSISTENCY)
def test_certificate_transparency_consistency(old: int, new: int, proof: list[str]) -> None:
    hashes = [leaf_hash(leaf) for leaf in CT_LEAVES]
    expected = [bytes.fromhex(value) for value in proof]
    assert consistency_proof(old, new, naive_tree.reader_of(hashes)) == expected
    verify_consistency(old, CT_ROOTS[old - 1], new, CT_ROOTS[new - 1], expected)


def test_all_small_trees_agree_with_the_rfc() -> None:
    for size in range(1, 34):
        tree, read = HASHES[:size], naive_tree.reader_of(HASHES[:size])
        root = naive_tree.tree_head(tree)
        assert root_of_hashes(tree) == tree_root(size, read) == root
        for index in range(size):
            proof = inclusion_proof(index, size, read)
            assert proof == naive_tree.path(index, tree)
            verify_inclusion(tree[index], index, size, proof, root)
        for old in range(1, size + 1):
            proof = consistency_proof(old, size, read)
            assert proof == naive_tree.subproof(old, tree, True)
            verify_consistency(old, naive_tree.tree_head(tree[:old]), size, root, proof)
        for first in range(size):
            for end in range(first + 1, size + 1):
                proof = range_proof(first, end, size, read)
                assert proof == naive_tree.outside(first, end, tree)
                part = verify_range(tree[first:end], first, size, proof, root)
                assert part.inclusion(end - 1) == naive_tree.path(end - 1, tree)


@settings(deadline=None)
@given(leaf_in_tree())
def test_inclusion_agrees_and_damage_is_refused(place: tuple[int, int]) -> None:
    index, size = place
    tree = HASHES[:size]
    proof = inclusion_proof(index, size, naive_tree.reader_of(tree))
    assert proof == naive_tree.path(index, tree)
    root = naive_tree.tree_head(tree)
    refuses_all(proof, lambda bad: verify_inclusion(tree[index], index, size, bad, root))
    for other in {0, index - 1, index + 1, size - 1} - {index}:
        refused(lambda other=other: verify_inclusion(tree[index], other, size, proof, root))  # type: ignore[misc]
    refused(lambda: verify_inclusion(bytes(32), index, size, proof, root))
    refused(lambda: verify_inclusion(tree[index], index, size, proof, bytes(32)))


@settings(deadline=None)
@given(leaf_in_tree())
def test_consistency_agrees_and_damage_is_refused(place: tuple[int, int]) -> None:
    old, new = place[0] + 1, place[1]
    tree = HASHES[:new]
    proof = consistency_proof(old, new, naive_tree.reader_of(tree))
    assert proof == naive_tree.subproof(old, tree, True)
    before, after = naive_tree.tree_head(tree[:old]), naive_tree.tree_head(tree)
    refuses_all(proof, lambda bad: verify_consistency(old, before, new, after, bad))
    refused(lambda: verify_consistency(old, bytes(32), new, after, proof))
    refused(lambda: verify_consistency(old, before, new, bytes(32), proof))
    refused(lambda: verify_consistency(new + 1, after, new, after, proof))


@settings(deadline=None)
@given(range_in_tree(), st.data())
def test_range_agrees_and_damage_is_refused(place: tuple[int, int, int], data: st.DataObject) -> None:
    first, end, size = place
    tree = HASHES[:size]
    proof = range_proof(first, end, size, naive_tree.reader_of(tree))
    assert proof == naive_tree.outside(first, end, tree)
    root, leaves = naive_tree.tree_head(tree), tree[first:end]
    refuses_all(proof, lambda bad: verify_range(leaves, first, size, bad, root))
    index = data.draw(st.integers(first, end - 1))
    assert inclusion_from_range(leaves, first, size, proof, index) == naive_tree.path(index, tree)
    at = index - first
    for bad in ([*leaves[:at], bytes(32), *leaves[at + 1 :]], leaves[:at] + leaves[at + 1 :], [*leaves, leaves[at]], leaves[::-1]):
        if bad != leaves:
            refused(lambda bad=bad: verify_range(bad, first, size, proof, root))  # type: ignore[misc]
    for outside in (first - 1, end):
        refused(lambda outside=outside: inclusion_from_range(leaves, first, size, proof, outside))  # type: ignore[misc]


@settings(deadline=None)
@given(leaf_in_tree(), sizes(), sizes())
def test_a_proof_is_for_one_size_only(place: tuple[int, int], size: int, other: int) -> None:
    """Against the true root of any other size, a true proof is false."""
    index, real = place
    proof = naive_tree.path(index, HASHES[:real])
    if size != real and index < size:
        refused(lambda: verify_inclusion(HASHES[index], index, size, proof, naive_tree.tree_head(HASHES[:size])))
    if other != real and other >= index + 1:
        wrong = naive_tree.subproof(index + 1, HASHES[:real], True)
        refused(
            lambda: verify_consistency(
                index + 1, naive_tree.tree_head(HASHES[: index + 1]), other, naive_tree.tree_head(HASHES[:other]), wrong
            )
        )


def test_nothing_and_equal_sizes() -> None:
    root = naive_tree.tree_head(HASHES[:7])
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    verify_consistency(0, EMPTY_ROOT, 7, root, [])
    verify_consistency(7, root, 7, root, [])
    assert consistency_proof(0, 7, naive_tree.reader_of([])) == consistency_proof(7, 7, naive_tree.reader_of([])) == []
    assert refused(lambda: verify_consistency(0, root, 7, root, [])) == "proof.root"
    assert refused(lambda: verify_consistency(0, EMPTY_ROOT, 0, root, [])) == "proof.root"
    assert refused(lambda: verify_consistency(7, root, 7, EMPTY_ROOT, [])) == "proof.root"
    assert refused(lambda: verify_consistency(7, root, 7, root, [root])) == "proof.length"
    assert refused(lambda: verify_consistency(0, EMPTY_ROOT, 7, root, [root])) == "proof.length"
    assert refused(lambda: verify_consistency(4, root, 7, root, [])) == "proof.length"
    assert refused(lambda: verify_consistency(7, root, 6, root, [])) == "proof.size"


def test_a_node_does_not_pose_as_a_leaf() -> None:
    """Row 71: without the prefixes 0x00 and 0x01 the two leaves' node would be one leaf of a smaller tree with the same root."""
    left, right = HASHES[0], HASHES[1]
    root = root_of_hashes([left, right])
    assert leaf_hash(left + right) != node_hash(left, right) == root
    refused(lambda: verify_inclusion(leaf_hash(left + right), 0, 1, [], root))
    refused(lambda: verify_inclusion(root, 0, 2, [], root))  # an inner node under the size that the checkpoint gives


def test_a_proof_of_another_length_fails_even_under_a_root_made_for_it() -> None:
    """Each check of the length on its own: here all hashes fit, only their number does not."""
    tree, extra = HASHES[:8], HASHES[9]
    root, half, pair = root_of_hashes(tree), root_of_hashes(tree[:4]), root_of_hashes(tree[:2])
    longer = [*naive_tree.path(0, tree), extra]
    assert refused(lambda: verify_inclusion(tree[0], 0, 8, longer, node_hash(extra, root))) == "proof.length"
    assert refused(lambda: verify_inclusion(tree[0], 0, 8, longer[:2], half)) == "proof.length"
    assert refused(lambda: verify_consistency(2, pair, 8, half, naive_tree.subproof(2, tree[:4], True))) == "proof.length"
    longer = [*naive_tree.subproof(3, tree[:4], True), extra]
    old, new = node_hash(extra, root_of_hashes(tree[:3])), node_hash(extra, half)
    assert refused(lambda: verify_consistency(3, old, 4, new, longer)) == "proof.length"


def test_an_odd_last_leaf_is_not_doubled() -> None:
    """Row 71: the odd tail."""
    three, doubled = HASHES[:3], [*HASHES[:3], HASHES[2]]
    assert root_of_hashes(three) != root_of_hashes(doubled)
    refused(lambda: verify_range(doubled, 0, 4, [], root_of_hashes(three)))


@pytest.mark.parametrize("size", [0, -1, SIZE_MAX + 1, 2**64, 2**200])
def test_impossible_sizes(size: int) -> None:
    read, some = naive_tree.reader_of(HASHES), HASHES[0]
    refused(lambda: verify_inclusion(some, 0, size, [], some))
    refused(lambda: inclusion_proof(0, size, read))
    refused(lambda: verify_range([some], 0, size, [], some))
    refused(lambda: range_proof(0, 1, size, read))
    refused(lambda: verify_consistency(1, some, size, some, []))
    refused(lambda: consistency_proof(1, size, read))


def test_a_claim_of_endless_size_costs_nothing() -> None:
    """Fault 2 and 4: sizes near 2**63 with any number of hashes end in a refusal at once."""
    some = HASHES[:126]
    for index in (0, 1, SIZE_MAX // 3, SIZE_MAX - 1):
        refused(lambda index=index: verify_inclusion(some[0], index, SIZE_MAX, some[:63], some[0]))  # type: ignore[misc]
        for count in (0, 63, 64, 126):
            refused(lambda index=index, count=count: verify_range(some[:1], index, SIZE_MAX, some[:count], some[0]))  # type: ignore[misc]
    refused(lambda: verify_consistency(SIZE_MAX // 3, some[0], SIZE_MAX, some[0], some[:64]))
    refused(lambda: verify_range([], 0, 1, [], some[0]))


def test_the_deepest_tree_has_proofs_within_the_limits() -> None:
    read = lambda level, index: sha256(b"%d/%d" % (level, index)).digest()  # noqa: E731 - stands for a log of 2**63 - 1 leaves
    middle = SIZE_MAX // 3
    proof = inclusion_proof(middle, SIZE_MAX, read)
    assert len(proof) == 63
    assert len(consistency_proof(middle, SIZE_MAX, read)) <= PROOF_HASHES_MAX
    around = range_proof(middle, middle + 2, SIZE_MAX, read)
    assert open_range([bytes(32)] * 2, middle, SIZE_MAX, around).size == SIZE_MAX


@settings(deadline=None)
@given(
    st.binary(max_size=40),
    st.integers(-5, 2**65),
    st.integers(-5, 2**65),
    st.lists(st.binary(max_size=40), max_size=70),
    st.binary(max_size=40),
)
def test_verifiers_raise_only_refused(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> None:
    refused(lambda: verify_inclusion(leaf, index, size, proof, root + b"\0" * 33))
    refused(lambda: verify_consistency(index, leaf, size, root + b"\0" * 33, proof))
    refused(lambda: verify_range([leaf], index, size, proof, root + b"\0" * 33))
    whole = [sha256(value).digest() for value in proof]
    for verify in (
        lambda: verify_inclusion(sha256(leaf).digest(), index, size, whole, sha256(root).digest()),
        lambda: verify_range(whole[:3], index, size, whole[3:], sha256(root).digest()),
    ):
        refused(verify)
