"""The receipt R1 as a file: built by hand, read back, and refused at the change of any byte."""

import base64

import naive_tree
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import CourtError, Refused
from sync.checkpoint import Checkpoint, cosign, sign_checkpoint
from sync.inclusion import EXTRA_BYTES_MAX, PROOF_BYTES_MAX, Proof, check_proof, read_proof, write_proof

NAME = "sot.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HASHES = naive_tree.leaf_hashes(100)
NOTE = sign_checkpoint(Checkpoint(NAME, 100, naive_tree.tree_head(HASHES)), NAME, KEY)
PATH = naive_tree.path(42, HASHES)
FILE = write_proof(42, PATH, NOTE)


def check(data: bytes) -> Checkpoint:
    return check_proof(read_proof(data), HASHES[42], NAME, KEY.public_key())


def test_a_file_built_by_hand() -> None:
    lines = ["c2sp.org/tlog-proof@v1", "index 42", *(base64.b64encode(value).decode() for value in PATH), "", ""]
    assert "\n".join(lines).encode() + NOTE == FILE
    assert read_proof(FILE) == Proof(42, tuple(PATH), NOTE)
    assert check(FILE).size == 100


def test_extra_data_come_back_and_prove_nothing() -> None:
    data = write_proof(42, PATH, NOTE, extra=b"talon 1")
    assert data.split(b"\n")[1] == b"extra dGFsb24gMQ=="
    assert read_proof(data).extra == b"talon 1"
    assert check(data.replace(b"dGFsb24gMQ==", b"dGFsb24gMg==")).size == 100
    assert read_proof(write_proof(42, PATH, NOTE, extra=b"")).extra == b""
    with pytest.raises(Refused, match="proof.length"):
        write_proof(42, PATH, NOTE, extra=bytes(EXTRA_BYTES_MAX + 1))


def test_the_only_leaf_of_a_log_needs_no_hashes() -> None:
    note = sign_checkpoint(Checkpoint(NAME, 1, HASHES[0]), NAME, KEY)
    data = write_proof(0, [], note)
    assert data.startswith(b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + NAME.encode())
    assert check_proof(read_proof(data), HASHES[0], NAME, KEY.public_key()).size == 1


def test_cosignatures_travel_along() -> None:
    note = NOTE + cosign(NOTE, "node-17", KEY, 1)
    assert read_proof(write_proof(42, PATH, note)).note == note


def test_every_flipped_bit_and_every_cut_is_refused() -> None:
    for at in range(len(FILE)):
        for bit in range(8):
            bad = bytearray(FILE)
            bad[at] ^= 1 << bit
            with pytest.raises(Refused):
                check(bytes(bad))
        with pytest.raises(Refused):
            check(FILE[:at])


def test_another_leaf_key_or_log_is_refused() -> None:
    proof = read_proof(FILE)
    with pytest.raises(Refused, match="proof.root"):
        check_proof(proof, HASHES[41], NAME, KEY.public_key())
    with pytest.raises(Refused, match="checkpoint.unsigned"):
        check_proof(proof, HASHES[42], "other", KEY.public_key())
    with pytest.raises(Refused, match="checkpoint.origin"):
        check_proof(proof, HASHES[42], NAME, KEY.public_key(), origin="other")
    with pytest.raises(Refused, match="proof.index"):
        check_proof(read_proof(FILE.replace(b"index 42", b"index 100")), HASHES[42], NAME, KEY.public_key())


HASH = base64.b64encode(PATH[0])
HEAD = b"c2sp.org/tlog-proof@v1\n"


@pytest.mark.parametrize(
    "head",
    [
        *(
            b"",
            b"\n",
            HEAD,
            HEAD + b"index\n",
            HEAD + b"index \n",
            HEAD + b"index 042\n",
            HEAD + b"index -1\n",
            HEAD + b"index 42 \n",
            HEAD + b"Index 42\n",
        ),
        *(
            HEAD + b"index 9223372036854775807\n",
            HEAD + b"index 99999999999999999999\n",
            HEAD + b"index 4\xd9\xa3\n",
            HEAD + b"index 42\r\n",
        ),
        *(
            HEAD + b"index 42\nindex 42\n",
            HEAD + b"index 42\n" + HASH[:-1] + b"\n",
            HEAD + b"index 42\n" + HASH + b" \n",
            HEAD + b"index 42\nAAAA\n",
        ),
        *(
            HEAD + b"index 42\n" + (HASH + b"\n") * 65,
            HEAD + b"extra AAAA\n",
            HEAD + b"extra AAAA\nextra AAAA\nindex 42\n",
            HEAD + b"extra\nindex 42\n",
        ),
        *(
            HEAD + b"index 42\nextra AAAA\n",
            HEAD + b"extra A\nindex 42\n",
            HEAD.replace(b"v1", b"v2") + b"index 42\n",
            b"\xef\xbb\xbf" + HEAD + b"index 42\n",
        ),
    ],
)
def test_heads_out_of_form(head: bytes) -> None:
    with pytest.raises(Refused, match="proof|checkpoint"):
        read_proof(head + b"\n" + NOTE)


def test_size_is_limited() -> None:
    with pytest.raises(Refused, match="proof.length"):
        read_proof(FILE + bytes(PROOF_BYTES_MAX))
    with pytest.raises(Refused, match="proof.form"):
        read_proof(HEAD + b"index 42\n\n")


@pytest.mark.parametrize(("index", "proof"), [(-1, PATH), (2**63, PATH), (42, [b"short"]), (42, [bytes(32)] * 65)])
def test_nothing_unreadable_is_written(index: int, proof: list[bytes]) -> None:
    with pytest.raises(Refused, match="proof|checkpoint"):
        write_proof(index, proof, NOTE)


PIECES = st.sampled_from([HEAD, b"index 42", b"index ", b"extra ", b"AAAA", HASH, b"\n", b"\n\n", NOTE, b"\xff", b"0", b"\r"])


@settings(deadline=None)
@given(st.binary(max_size=300) | st.lists(PIECES, max_size=14).map(b"".join))
def test_any_bytes_are_a_proof_or_refused(data: bytes) -> None:
    try:
        proof = read_proof(data)
    except CourtError:
        return
    assert write_proof(proof.index, proof.hashes, proof.note, extra=proof.extra) == data
    try:
        check_proof(proof, HASHES[42], NAME, KEY.public_key())
    except CourtError:
        return


@settings(deadline=None)
@given(st.integers(0, 99), st.none() | st.binary(max_size=100))
def test_every_receipt_comes_back(index: int, extra: bytes | None) -> None:
    proof = read_proof(write_proof(index, naive_tree.path(index, HASHES), NOTE, extra=extra))
    assert proof.extra == extra
    assert check_proof(proof, HASHES[index], NAME, KEY.public_key()).root == naive_tree.tree_head(HASHES)
