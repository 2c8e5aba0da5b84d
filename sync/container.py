"""The container: a signed header and a sealed payload, the same bytes over HTTP and on a stick (PROTOCOL 3).

    container = "SOTB1\\n" ‖ length of header (4 bytes, big endian) ‖ COSE_Sign1 over the header ‖ sealed payload
    sealed    = HPKE (RFC 9180, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM) of the zstd frame of the payload

Kinds: ``up`` (a node's bundle), ``down`` (receipts and entries for one node), ``own`` (a node's own lost tail), ``chunk``
(a piece of a blob). The signature is checked before anything is decrypted, the sealed hash before it is decompressed,
and decompression has hard caps: nobody unknown makes us work (faults 1, 2, 7, 10).
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from common import canonical
from common.errors import N_, Refused
from sync import cose
from sync.identity import Identity, NodeCertificate

MAGIC = b"SOTB1\n"
LENGTH_BYTES = 4
CONTENT_TYPE = "application/sot-container+cbor"
VERSION = 1
CODEC, CODEC_BASED = "zstd", "zstd-bases"
"""The second: one zstd frame too, packed against bytes that both sides hold (a raw-content dictionary)."""
PLAIN_BYTES_MAX = 32 << 20
"""Payload before compression; a node cuts its bundles far below this."""
SEALED_BYTES_MAX = PLAIN_BYTES_MAX + (1 << 16)
WINDOW_BYTES_MAX = 8 << 20
"""zstd window: what one decompression may allocate beside its output."""
ZSTD_LEVEL = 10
"""Entries: a fortieth fewer bytes than at 9 for some 20 µs an entry, and from 12 on it costs more than everything else together."""
CHUNK = "chunk"
"""The kind of a piece of a file. Files are compressed in themselves; zstd notices that and hands them through, at once at level 1."""
ZSTD_LEVEL_CHUNK = 1
SEAL_BYTES = 48
"""What sealing adds: the encapsulated key and the tag of AES-GCM."""
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)


@dataclass(frozen=True, slots=True)
class Header:
    """The signed half. ``about`` holds what belongs to the kind; ``author`` and ``recipient`` are key ids."""

    kind: str
    codec: str
    author: bytes
    recipient: bytes
    sealed_sha256: bytes
    packed_size: int
    plain_size: int
    plain_sha256: bytes
    about: dict[str, Any]
    signed: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the signed header: how the next bundle names this one."""
        return digest_of(self.signed)


def digest_of(signed_header: bytes) -> bytes:
    """Return the SHA-256 of a signed header."""
    return hashlib.sha256(signed_header).digest()


def write_container(
    kind: str, about: dict[str, Any], plain: bytes, author: Identity, recipient: NodeCertificate, *, digest: bytes = b"", bases: bytes = b""
) -> bytes:
    """Return the container of ``plain``; raises Refused("container.too_large").

    ``digest``: SHA-256 of ``plain`` where the caller has it; ``bases``: bytes that the recipient holds too, to pack against.
    """
    if len(plain) > PLAIN_BYTES_MAX:
        raise _too_large()
    level = ZSTD_LEVEL_CHUNK if kind == CHUNK else ZSTD_LEVEL
    packed = zstandard.ZstdCompressor(level=level, write_content_size=True, dict_data=_dictionary(bases)).compress(plain)
    sealed = SUITE.encrypt(packed, recipient.seal_key, _info(author.environment, kind))
    header = {
        "v": VERSION,
        "kind": kind,
        "to": recipient.key_id,
        "codec": CODEC_BASED if bases else CODEC,
        "sealed": hashlib.sha256(sealed).digest(),
        "packed_size": len(packed),
        "plain": digest or hashlib.sha256(plain).digest(),
        "plain_size": len(plain),
        "about": about,
    }
    signed = author.sign_message(canonical.encode(header), CONTENT_TYPE)
    return MAGIC + len(signed).to_bytes(LENGTH_BYTES, "big") + signed + sealed


def head_bytes(data: bytes) -> int:
    """Return how long a container is up to its sealed payload; raises Refused."""
    return len(data) - len(split_container(data)[2])


def split_container(data: bytes) -> tuple[cose.Signed, bytes, bytes]:
    """Return (parsed signature, signed header bytes, sealed payload) without trusting any of it yet."""
    if len(data) > SEALED_BYTES_MAX + cose.MESSAGE_BYTES_MAX:
        raise _too_large()
    start = len(MAGIC) + LENGTH_BYTES
    if not data.startswith(MAGIC) or len(data) < start:
        raise _broken()
    end = start + int.from_bytes(data[len(MAGIC) : start], "big")
    if end > len(data):
        raise _broken()
    return cose.parse(data[start:end]), data[start:end], data[end:]


def claimed_bytes(start: bytes) -> int:
    """Return how long the container is that begins with ``start``, as its header says, which was verified before."""
    signed, header, _ = split_container(start)
    return len(MAGIC) + LENGTH_BYTES + len(header) + int(canonical.decode_map(signed.payload)["packed_size"]) + SEAL_BYTES


def read_header(data: bytes, author_key: Ed25519PublicKey, environment: bytes) -> tuple[Header, bytes]:
    """Return the verified header and the still sealed payload; raises Refused."""
    header, sealed = read_head(data, author_key, environment)
    if hashlib.sha256(sealed).digest() != header.sealed_sha256 or len(sealed) != header.packed_size + SEAL_BYTES:
        # header A with payload B, or a changed byte
        raise Refused("container.payload", N_("A bundle's content does not belong to its header: it was changed or cut."))
    return header, sealed


def read_head(data: bytes, author_key: Ed25519PublicKey, environment: bytes) -> tuple[Header, bytes]:
    """Return the verified header and whatever follows it, which nobody has looked at; raises Refused."""
    signed, header_bytes, rest = split_container(data)
    value = canonical.decode_map(cose.verify(signed, author_key, CONTENT_TYPE, environment=environment))
    try:
        if value["v"] != VERSION or value["codec"] not in (CODEC, CODEC_BASED):
            raise Refused("container.version", N_("A bundle has a version this machine does not know. It needs an update."))
        header = Header(
            kind=_typed(value["kind"], str),
            codec=value["codec"],
            author=signed.key_id,
            recipient=_typed(value["to"], bytes),
            sealed_sha256=_typed(value["sealed"], bytes),
            packed_size=_typed(value["packed_size"], int),
            plain_size=_typed(value["plain_size"], int),
            plain_sha256=_typed(value["plain"], bytes),
            about=_typed(value["about"], dict),
            signed=header_bytes,
        )
    except (KeyError, TypeError) as error:
        raise _broken() from error
    return header, rest


def open_payload(header: Header, sealed: bytes, reader: Identity, *, bases: bytes = b"") -> bytes:
    """Return the payload; raises Refused("container.recipient") when it is sealed to somebody else, or when it is broken, as one
    packed against bases is for who has none."""
    seal = reader.opener(header.recipient)
    if seal is None:
        raise Refused("container.recipient", N_("A bundle is addressed to another machine."))
    if not 0 <= header.plain_size <= PLAIN_BYTES_MAX:
        raise _too_large()
    try:
        packed = SUITE.decrypt(sealed, seal, _info(reader.environment, header.kind))
    except (InvalidTag, ValueError) as error:
        raise Refused("container.sealed", N_("A bundle cannot be opened with this machine's key.")) from error
    if bool(bases) != (header.codec == CODEC_BASED):
        raise _broken()
    plain = _decompress(packed, header.plain_size, bases)
    if hashlib.sha256(plain).digest() != header.plain_sha256:
        raise _broken()
    return plain


def _dictionary(bases: bytes) -> zstandard.ZstdCompressionDict | None:
    return zstandard.ZstdCompressionDict(bases, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if bases else None


def _decompress(packed: bytes, size: int, bases: bytes) -> bytes:
    try:
        frame = zstandard.get_frame_parameters(packed)
        if frame.content_size != size or frame.window_size > max(WINDOW_BYTES_MAX, size):
            raise _broken()  # a frame that promises more than the signed header allows is never started
        reader = zstandard.ZstdDecompressor(max_window_size=PLAIN_BYTES_MAX, dict_data=_dictionary(bases))
        return reader.decompress(packed, size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise _broken() from error


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(kind.__name__)
    return value


def _info(environment: bytes, kind: str) -> bytes:
    return b"sot/seal/1\0" + environment + kind.encode()


def _too_large() -> Refused:
    return Refused("container.too_large", N_("A bundle is larger than allowed."))


def _broken() -> Refused:
    return Refused("container.broken", N_("A bundle cannot be read: it is broken or cut."))
