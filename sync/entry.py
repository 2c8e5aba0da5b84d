"""The entry: one fact, written once, kept as the bytes it was written in (PROTOCOL 1).

Two parts: the *envelope* (no personal data) and the *body* with its 16-byte salt. The leaf covers both, so that body and
salt can be erased by a court's order and every proof still holds:

    leaf  = SHA-256("sot/leaf/1\\0" ‖ envelope ‖ SHA-256(salt ‖ body))
    chain = SHA-256("sot/chain/1\\0" ‖ chain before ‖ leaf)
"""

import hashlib
import secrets
from typing import Annotated, Any

import msgspec

from common import canonical
from common.canonical import INT_MAX, INT_MIN
from common.errors import N_, Refused
from common.facts import BlobRef

FORMAT_VERSION = 1
SALT_BYTES = 16
ENTRY_BYTES_MAX = 64 * 1024
"""Envelope and body together; what is larger is a blob."""
BLOBS_MAX = 64
TYPE_FORM = r"^[a-z_]{1,32}\.[a-z_]{1,32}/[1-9][0-9]{0,3}\Z"
HASH_BYTES = 32
OBJECT_BYTES = 16
BOOT_BYTES = 16
NODE_MAX = 9_999
EPOCH_MAX = 2**32 - 1
"""Four bytes in the start of the chain."""

_Hash = Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What everybody may see of an entry. ``time`` is ms UTC as claimed, ``mono`` ms since the boot named by ``boot``."""

    node: Annotated[int, msgspec.Meta(ge=0, le=NODE_MAX)]
    epoch: Annotated[int, msgspec.Meta(ge=1, le=EPOCH_MAX)]
    seq: Annotated[int, msgspec.Meta(ge=1, le=INT_MAX)]
    type: Annotated[str, msgspec.Meta(pattern=TYPE_FORM)]
    obj: Annotated[bytes, msgspec.Meta(min_length=OBJECT_BYTES, max_length=OBJECT_BYTES)]
    base: _Hash | None
    time: Annotated[int, msgspec.Meta(ge=INT_MIN, le=INT_MAX)]
    boot: Annotated[bytes, msgspec.Meta(min_length=BOOT_BYTES, max_length=BOOT_BYTES)]
    mono: Annotated[int, msgspec.Meta(ge=INT_MIN, le=INT_MAX)]
    beacon: Annotated[int, msgspec.Meta(ge=0, le=INT_MAX)]
    root: _Hash | None
    actor: _Hash | None
    blobs: Annotated[tuple[BlobRef, ...], msgspec.Meta(max_length=BLOBS_MAX)]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An entry with the bytes it is made of; ``body`` and ``salt`` are None once erased.

    Neither this nor what it holds can refer back to it: the collector of cycles, which runs many times in a bundle, passes it by.
    """

    envelope: Envelope
    envelope_bytes: bytes
    salt: bytes | None
    body: bytes | None
    content_hash: bytes
    leaf: bytes

    def wire(self) -> list[bytes]:
        """Return [envelope, salt, body], or [envelope, content hash] for an erased entry."""
        if self.body is None or self.salt is None:
            return [self.envelope_bytes, self.content_hash]
        return [self.envelope_bytes, self.salt, self.body]


def write_entry(envelope: Envelope, body: bytes) -> Entry:
    """Return a new entry over the canonical ``body`` with a fresh salt; raises Refused("entry.too_large") or ("entry.envelope")."""
    encoded = encode_envelope(envelope)
    return _entry(stored_envelope(encoded), encoded, secrets.token_bytes(SALT_BYTES), body)


def read_entry(item: Any) -> Entry:
    """Return the entry of a wire item; raises Refused for anything that is not exactly one (PROTOCOL 1.4).

    Its body is bytes here: whether they are canonical is the fold's to judge, after they are logged (PROTOCOL 6.3).
    """
    if type(item) is not list or not all(type(part) is bytes for part in item):
        raise _bad("entry.form")
    if len(item) == 2 and len(item[1]) == HASH_BYTES:
        return _erased(item[0], item[1])
    if len(item) != 3 or len(item[1]) != SALT_BYTES:
        raise _bad("entry.form")
    return _entry(decode_envelope(item[0]), item[0], item[1], item[2])


def chain_start(environment: bytes, node: int, epoch: int) -> bytes:
    """Return the head of an epoch with no entries: bound to environment, node and epoch."""
    return hashlib.sha256(b"sot/epoch/1\0" + environment + node.to_bytes(4, "big") + epoch.to_bytes(4, "big")).digest()


def chain_next(head: bytes, leaf: bytes) -> bytes:
    """Return the head after ``leaf``."""
    return hashlib.sha256(b"sot/chain/1\0" + head + leaf).digest()


def encode_envelope(envelope: Envelope) -> bytes:
    """Return the canonical bytes of ``envelope``."""
    value = msgspec.to_builtins(envelope, builtin_types=(bytes,))
    return canonical.encode({**value, "v": FORMAT_VERSION, "blobs": list(value["blobs"])})


def decode_envelope(data: bytes) -> Envelope:
    """Return the envelope of ``data``; raises Refused("entry.envelope")."""
    return _envelope(canonical.decode_form(data))  # `Envelope` says of every value what it may be


def stored_envelope(data: bytes) -> Envelope:
    """Return the envelope of ``data`` that `decode_envelope` accepted or `encode_envelope` made; raises Refused("entry.envelope")."""
    return _envelope(canonical.decode_stored(data))


def _envelope(value: dict[str, Any]) -> Envelope:
    if value.pop("v", None) != FORMAT_VERSION:
        raise _bad("entry.version")
    try:
        return msgspec.convert(value, Envelope, strict=True)
    except msgspec.ValidationError as error:
        raise _bad("entry.envelope") from error


def _entry(envelope: Envelope, envelope_bytes: bytes, salt: bytes, body: bytes) -> Entry:
    _check_size(len(envelope_bytes) + len(body))
    content_hash = hashlib.sha256(salt + body).digest()
    return Entry(envelope, envelope_bytes, salt, body, content_hash, leaf_of(envelope_bytes, content_hash))


def _erased(envelope_bytes: bytes, content_hash: bytes) -> Entry:
    _check_size(len(envelope_bytes))
    return Entry(decode_envelope(envelope_bytes), envelope_bytes, None, None, content_hash, leaf_of(envelope_bytes, content_hash))


def _check_size(size: int) -> None:
    if size > ENTRY_BYTES_MAX:
        raise Refused("entry.too_large", N_("An entry is larger than allowed. Shorten the texts or attach them as a file."))


def leaf_of(envelope_bytes: bytes, content_hash: bytes) -> bytes:
    """Return the leaf that chain, bundle and log run over."""
    return hashlib.sha256(b"sot/leaf/1\0" + envelope_bytes + content_hash).digest()


def _bad(code: str) -> Refused:
    return Refused(code, N_("An entry does not have the form the protocol demands."))
