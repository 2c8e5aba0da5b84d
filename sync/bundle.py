"""The bundle: consecutive entries of one node and epoch, signed by it and sealed to the recipient (PROTOCOL 4)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from common import canonical
from common.db import Database
from common.errors import N_, Refused
from sync import bases, directory
from sync.container import CODEC_BASED, Header, open_payload, read_header, split_container, write_container
from sync.entry import Entry, chain_next, read_entry
from sync.identity import Identity, NodeCertificate, Pin
from sync.position import Position

KIND = "up"
PLAIN_BYTES_TARGET = 8 << 20
"""Where a node cuts: large enough to compress well, small enough to repeat after a cut."""
ENTRIES_MAX = 50_000


@dataclass(frozen=True, slots=True)
class SealedBundle:
    """A bundle whose signature holds and whose author is known, not opened yet."""

    header: Header
    sealed: bytes
    certificate: NodeCertificate


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle: its entries are consecutive, canonical and continue the chain from ``prior`` to ``head``."""

    header: Header
    node: int
    epoch: int
    first: int
    last: int
    prior: bytes
    head: bytes
    entries: tuple[Entry, ...]


def write_bundle(
    entries: Sequence[Entry],
    after: Position,
    previous: bytes,
    author: Identity,
    recipient: NodeCertificate,
    *,
    beacon: int,
    names: Sequence[bytes] = (),
    packed_against: bytes = b"",
) -> bytes:
    """Return the bundle of ``entries``, which follow ``after``; ``previous`` is the digest of the bundle before, b"" for none.

    ``packed_against`` are the bytes of the earlier entries of these ``names``, as `bases.read` gives them.
    """
    head = after.head
    for entry in entries:
        head = chain_next(head, entry.leaf)
    about = {
        "epoch": entries[0].envelope.epoch,
        "first": entries[0].envelope.seq,
        "last": entries[-1].envelope.seq,
        "prior": after.head,
        "head": head,
        "previous": previous,
        "leaves": leaves_digest([entry.leaf for entry in entries]),
        "types": sorted({entry.envelope.type for entry in entries}),
        "beacon": beacon,
    }
    if packed_against:
        about["bases"] = list(names)
    return write_container(KIND, about, canonical.encode([entry.wire() for entry in entries]), author, recipient, bases=packed_against)


def about_of(data: bytes) -> dict[str, Any]:
    """Return what the header of a bundle of one's own says."""
    signed, _, _ = split_container(data)
    about: dict[str, Any] = canonical.decode_map(signed.payload)["about"]
    return about


def read_bundle_header(data: bytes, database: Database, pin: Pin) -> SealedBundle:
    """Return the bundle with its author's certificate; raises Refused before anything is decrypted."""
    signed, _, _ = split_container(data)
    certificate = directory.certificate_of(database, signed.key_id, pin)
    header, sealed = read_header(data, certificate.sign_key, pin.environment)
    if header.kind != KIND:
        raise Refused("container.kind", N_("A bundle is of another kind than expected."))
    return SealedBundle(header, sealed, certificate)


def open_bundle(bundle: SealedBundle, reader: Identity, database: Database) -> Bundle:
    """Return the entries; raises Refused unless every one of them is exactly what the header says (PROTOCOL 4.4), and
    Conflict("bundle.base") where ``database`` lacks what it is packed against."""
    about, against = bundle.header.about, b""
    if bundle.header.codec == CODEC_BASED:
        against = bases.read(database, bundle.certificate.body.node, about.get("bases"))
    items = canonical.decode(open_payload(bundle.header, bundle.sealed, reader, bases=against))
    if type(items) is not list or not 0 < len(items) <= ENTRIES_MAX:
        raise _broken()
    entries = tuple(read_entry(item) for item in items)
    node = bundle.certificate.body.node
    try:
        epoch, first, last, prior, head = (about[name] for name in ("epoch", "first", "last", "prior", "head"))
    except KeyError as error:
        raise _broken() from error
    if type(prior) is not bytes or type(epoch) is not int:
        raise _broken()
    _check_sequence(entries, node, epoch, first, last)
    reached = prior
    for entry in entries:
        reached = chain_next(reached, entry.leaf)
    if reached != head or about.get("leaves") != leaves_digest([entry.leaf for entry in entries]):
        raise _broken()
    return Bundle(bundle.header, node, epoch, first, last, prior, head, entries)


def _check_sequence(entries: Sequence[Entry], node: int, epoch: Any, first: Any, last: Any) -> None:
    numbers = [(entry.envelope.node, entry.envelope.epoch, entry.envelope.seq) for entry in entries]
    if type(first) is not int or type(last) is not int or last - first + 1 != len(entries):
        raise _broken()
    if numbers != [(node, epoch, first + place) for place in range(len(entries))]:
        raise Refused("bundle.sequence", N_("A bundle holds entries of another machine, or out of order."))


def leaves_digest(leaves: Sequence[bytes]) -> bytes:
    """Return the hash by which a bundle's signed header names its entries."""
    return hashlib.sha256(b"sot/bundle/1\0" + b"".join(leaves)).digest()


def _broken() -> Refused:
    return Refused("bundle.broken", N_("A bundle does not hold what its header says."))
