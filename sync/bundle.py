"""The bundle: consecutive entries of one node and epoch, signed by it and sealed to the recipient (PROTOCOL 4)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from common import canonical
from common.db import Database
from common.errors import N_, Refused
from sync import directory
from sync.container import Header, open_payload, read_header, split_container, write_container
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
    entries: Sequence[Entry], after: Position, previous: bytes, author: Identity, recipient: NodeCertificate, *, beacon: int
) -> bytes:
    """Return the bundle of ``entries``, which follow ``after``; ``previous`` is the digest of the bundle before, b"" for none."""
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
    return write_container(KIND, about, canonical.encode([entry.wire() for entry in entries]), author, recipient)


def beacon_of(data: bytes) -> Any:
    """Return the `beacon` that a bundle of one's own names, None where a program of before made it."""
    signed, _, _ = split_container(data)
    return canonical.decode_map(signed.payload)["about"].get("beacon")


def read_bundle_header(data: bytes, database: Database, pin: Pin) -> SealedBundle:
    """Return the bundle with its author's certificate; raises Refused before anything is decrypted."""
    signed, _, _ = split_container(data)
    certificate = directory.certificate_of(database, signed.key_id, pin)
    header, sealed = read_header(data, certificate.sign_key, pin.environment)
    if header.kind != KIND:
        raise Refused("container.kind", N_("A bundle is of another kind than expected."))
    return SealedBundle(header, sealed, certificate)


def open_bundle(bundle: SealedBundle, reader: Identity) -> Bundle:
    """Return the entries; raises Refused unless every one of them is exactly what the header says (PROTOCOL 4.4)."""
    items = canonical.decode(open_payload(bundle.header, bundle.sealed, reader))
    if type(items) is not list or not 0 < len(items) <= ENTRIES_MAX:
        raise _broken()
    entries = tuple(read_entry(item) for item in items)
    about = bundle.header.about
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
