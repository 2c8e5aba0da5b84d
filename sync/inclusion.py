"""The receipt R1 of one entry as a text file: C2SP tlog-proof, version 1 (https://c2sp.org/tlog-proof).

It holds all that is needed to check, offline and in any year, that the register logged the entry: index, inclusion proof, checkpoint.
The file is checked against the entry's leaf and a key known beforehand; nothing in it is believed before that, ``extra`` never.

    data = write_proof(index, tree.inclusion(index), note)
    checkpoint = check_proof(read_proof(data), leaf_hash(leaf), name, public_key)
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from common.errors import N_, Refused
from sync.checkpoint import NOTE_BYTES_MAX, Checkpoint, read_base64, read_checkpoint, read_number
from sync.merkle import HASH_BYTES, PROOF_HASHES_MAX, SIZE_MAX, verify_inclusion

HEADER = "c2sp.org/tlog-proof@v1"
FILE_SUFFIX = ".tlog-proof"
MEDIA_TYPE = "text/plain; charset=utf-8"
EXTRA_BYTES_MAX = 4 * 1024
PROOF_BYTES_MAX = NOTE_BYTES_MAX + 16 * 1024
"""A note, 64 lines of 45 bytes, the extra line and the two short ones."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A read file, not yet checked."""

    index: int
    hashes: tuple[bytes, ...]
    note: bytes
    """The checkpoint as received: its bytes are what is signed."""
    extra: bytes | None = None
    """Opaque and signed by nobody."""


def write_proof(index: int, proof: Sequence[bytes], note: bytes, *, extra: bytes | None = None) -> bytes:
    """Return the file; raises Refused("proof.…") for what `read_proof` would not give back the same."""
    made = Proof(index, tuple(proof), note, extra)
    lines = [HEADER]
    if extra is not None:
        lines.append(f"extra {base64.b64encode(extra).decode()}")
    lines.append(f"index {index}")
    lines += [base64.b64encode(value).decode() for value in proof]
    data = "\n".join([*lines, "", ""]).encode() + note
    _check(read_proof(data) == made, "proof.form")
    return data


def read_proof(data: bytes) -> Proof:
    """Parse a file, its note still unread; raises Refused("proof.…") or Refused("checkpoint.…") for any byte out of form."""
    _check(len(data) <= PROOF_BYTES_MAX, "proof.length")
    head, empty, note = data.partition(b"\n\n")
    _check(bool(empty) and 0 < len(note) <= NOTE_BYTES_MAX and head.isascii(), "proof.form")
    lines = head.decode("ascii").split("\n")
    _check(lines.pop(0) == HEADER, "proof.form")
    extra = _read_extra(lines.pop(0)) if lines and lines[0].startswith("extra ") else None
    _check(bool(lines) and lines[0].startswith("index ") and len(lines) <= 1 + PROOF_HASHES_MAX, "proof.form")
    index = read_number(lines[0].removeprefix("index "))
    _check(index < SIZE_MAX, "proof.index")
    hashes = tuple(read_base64(line) for line in lines[1:])
    _check(all(len(value) == HASH_BYTES for value in hashes), "proof.hash")
    return Proof(index, hashes, note, extra)


def check_proof(proof: Proof, leaf_hash: bytes, name: str, public_key: Ed25519PublicKey, *, origin: str | None = None) -> Checkpoint:
    """Return the checkpoint under which the leaf is logged; raises Refused("checkpoint.…") or Refused("proof.…").

    ``name`` and ``public_key`` are the log's; ``origin`` as in `read_checkpoint`. "Logged" does not mean "examined".
    """
    checkpoint = read_checkpoint(proof.note, name, public_key, origin=origin)
    verify_inclusion(leaf_hash, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return checkpoint


def _read_extra(line: str) -> bytes:
    extra = read_base64(line.removeprefix("extra "))
    _check(len(extra) <= EXTRA_BYTES_MAX, "proof.length")
    return extra


def _check(good: bool, code: str) -> None:
    if not good:
        raise Refused(code, N_("This receipt cannot be read. Get it again from the court."))
