"""Checkpoints of the log: C2SP tlog-checkpoint in a C2SP signed-note, and the cosignatures of nodes (tlog-cosignature, v1).

https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note, https://c2sp.org/tlog-cosignature

A note is text, an empty line and signature lines::

    sot.example/log
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — sot.example/log Az3grl…

* Every bad byte is Refused("checkpoint.…") and nothing else; one checkpoint has one spelling.
* Extension lines are refused: the spec advises against them and nobody here writes any.
* Lines of unknown keys are ignored as the spec demands, but must be well formed.
* Of the key asked for there must be exactly one line, and it must be true.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from common.errors import N_, Refused
from sync.merkle import HASH_BYTES, SIZE_MAX

NOTE_BYTES_MAX = 128 * 1024
SIGNATURES_MAX = 512
"""Lines under one note: the log's own and one a node; the spec asks for room for 16."""
NAME_BYTES_MAX = 255
KEY_ID_BYTES = 4
SIGNATURE_BYTES = 64
TIME_BYTES = 8
SECONDS_MAX = 2**63 - 1

TYPE_ED25519 = b"\x01"
TYPE_COSIGNATURE = b"\x04"
DASH = "\u2014 "
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
"""ASCII control characters other than newline."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the log said of itself: its first ``size`` leaves have this ``root``."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """Return the line with its newline."""
        return f"{DASH}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


def key_id(name: str, public_key: Ed25519PublicKey, kind: bytes = TYPE_ED25519) -> bytes:
    """Return the 4 bytes that tell keys of one name apart (signed-note, "Signatures")."""
    return sha256(name.encode() + b"\n" + kind + public_key.public_bytes_raw()).digest()[:KEY_ID_BYTES]


def sign_checkpoint(checkpoint: Checkpoint, name: str, private_key: Ed25519PrivateKey) -> bytes:
    """Return the signed note; raises Refused("checkpoint.…") for a checkpoint or name that has no spelling.

    The caller has made sure that every checkpoint it signed before is consistent with this one.
    """
    text = _body(checkpoint)
    _check_name(name)
    signature = Signature(name, key_id(name, private_key.public_key()), private_key.sign(text.encode()))
    return f"{text}\n{signature.line()}".encode()


def read_checkpoint(note: bytes, name: str, public_key: Ed25519PublicKey, *, origin: str | None = None) -> Checkpoint:
    """Return the checkpoint that ``public_key`` signed under ``name``; raises Refused("checkpoint.…").

    ``origin`` is the origin line expected, ``name`` itself by default: one key must not speak for two logs.
    """
    text, signatures = _open_note(note)
    _verify(text.encode(), _the_one(signatures, name, key_id(name, public_key)), public_key)
    checkpoint = _read_body(text)
    _check(checkpoint.origin == (name if origin is None else origin), "checkpoint.origin")
    return checkpoint


def cosign(note: bytes, name: str, private_key: Ed25519PrivateKey, seconds: int) -> bytes:
    """Return the cosignature line (with newline) of a witness over a note that it has read and found consistent.

    ``seconds`` since 1970 UTC is when. Raises Refused("checkpoint.…"). A witness writes down the checkpoint before it cosigns.
    """
    text, _ = _open_note(note)
    _read_body(text)
    _check_name(name)
    _check(0 <= seconds <= SECONDS_MAX, "checkpoint.time")
    value = seconds.to_bytes(TIME_BYTES, "big") + private_key.sign(_cosigned(text, seconds))
    return Signature(name, key_id(name, private_key.public_key(), TYPE_COSIGNATURE), value).line().encode()


def add_signature(note: bytes, line: bytes) -> bytes:
    """Return the note with one more signature line; the same line again changes nothing.

    Only the form is checked: verify the line first (`read_cosignature` of the result). Raises Refused("checkpoint.…"), and
    Refused("checkpoint.duplicate") where the same key already signed otherwise.
    """
    _, signatures = _open_note(note)
    text = _text(line)
    _check(text.endswith("\n") and text.count("\n") == 1, "checkpoint.form")
    fresh = _read_line(text[:-1])
    for known in signatures:
        if (known.name, known.key_id) == (fresh.name, fresh.key_id):
            _check(known == fresh, "checkpoint.duplicate")
            return note
    _check(len(signatures) < SIGNATURES_MAX and len(note) + len(line) <= NOTE_BYTES_MAX, "checkpoint.length")
    return note + line


def read_cosignature(note: bytes, name: str, public_key: Ed25519PublicKey) -> int:
    """Return when (seconds since 1970 UTC) the witness cosigned the note; raises Refused("checkpoint.…") unless it did.

    Says nothing of the log's own signature: that is `read_checkpoint`.
    """
    text, signatures = _open_note(note)
    _read_body(text)
    found = _the_one(signatures, name, key_id(name, public_key, TYPE_COSIGNATURE))
    _check(len(found.value) == TIME_BYTES + SIGNATURE_BYTES, "checkpoint.signature")
    seconds = int.from_bytes(found.value[:TIME_BYTES], "big")
    _check(seconds <= SECONDS_MAX, "checkpoint.time")
    _verify(_cosigned(text, seconds), Signature(name, found.key_id, found.value[TIME_BYTES:]), public_key)
    return seconds


def signers(note: bytes) -> list[str]:
    """Return the names on the signature lines, in their order, none of them verified; raises Refused("checkpoint.…")."""
    return [signature.name for signature in _open_note(note)[1]]


def read_base64(text: str) -> bytes:
    """Return the bytes of the one RFC 4648 spelling of ``text``; raises Refused("checkpoint.base64")."""
    try:
        value = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        value = b""
    _check(base64.b64encode(value).decode() == text, "checkpoint.base64")  # stray bits and missing padding too
    return value


def read_number(text: str) -> int:
    """Return a decimal without leading zeroes, at most SIZE_MAX; raises Refused("checkpoint.number")."""
    _check(NUMBER.fullmatch(text) is not None and int(text) <= SIZE_MAX, "checkpoint.number")
    return int(text)


def _body(checkpoint: Checkpoint) -> str:
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n"
    _check(_read_body(_text(_bytes(text))) == checkpoint, "checkpoint.form")
    return text


def _read_body(text: str) -> Checkpoint:
    lines = text.split("\n")  # never splitlines(): it also cuts at U+2028 and its like
    _check(len(lines) == 4 and not lines[3] and bool(lines[0]), "checkpoint.form")
    _check(len(lines[0].encode()) <= NAME_BYTES_MAX, "checkpoint.length")
    root = read_base64(lines[2])
    _check(len(root) == HASH_BYTES, "checkpoint.root")
    return Checkpoint(lines[0], read_number(lines[1]), root)


def _open_note(note: bytes) -> tuple[str, list[Signature]]:
    """Split a note at its last empty line."""
    _check(len(note) <= NOTE_BYTES_MAX, "checkpoint.length")
    text, empty, below = _text(note).rpartition("\n\n")
    _check(bool(empty) and below.endswith("\n"), "checkpoint.form")
    lines = below[:-1].split("\n")
    _check(len(lines) <= SIGNATURES_MAX, "checkpoint.length")
    return text + "\n", [_read_line(line) for line in lines]


def _read_line(line: str) -> Signature:
    _check(line.startswith(DASH) and line.count(" ") == 2, "checkpoint.form")
    _, name, encoded = line.split(" ")
    _check_name(name)
    value = read_base64(encoded)
    _check(len(value) > KEY_ID_BYTES, "checkpoint.form")
    return Signature(name, value[:KEY_ID_BYTES], value[KEY_ID_BYTES:])


def _the_one(signatures: list[Signature], name: str, wanted: bytes) -> Signature:
    found = [each for each in signatures if each.name == name and each.key_id == wanted]
    if not found:
        raise Refused("checkpoint.unsigned", N_("The key we trust has not signed this statement of the register."))
    _check(len(found) == 1, "checkpoint.duplicate")
    return found[0]


def _verify(message: bytes, signature: Signature, public_key: Ed25519PublicKey) -> None:
    try:
        public_key.verify(signature.value, message)
    except InvalidSignature as error:
        raise Refused("checkpoint.signature", N_("The signature under this statement of the register is false.")) from error


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _check_name(name: str) -> None:
    _check(name.split() == [name] and "+" not in name, "checkpoint.name")
    _check(CONTROL.search(name) is None and len(_bytes(name)) <= NAME_BYTES_MAX, "checkpoint.name")


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise _unreadable("checkpoint.text") from error


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _unreadable("checkpoint.text") from error
    _check(CONTROL.search(text) is None, "checkpoint.text")
    return text


def _check(good: bool, code: str) -> None:
    if not good:
        raise _unreadable(code)


def _unreadable(code: str) -> Refused:
    return Refused(code, N_("This statement of the register cannot be read. Get it again."))
