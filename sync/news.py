"""What the centre gives a machine: the next part of its feeds with receipts, and its own lost entries (PROTOCOL 6, 8).

The same over the line and by hand; nothing here asks who may have it: the doors do.
"""

from common.db import Database, each, fetch, snapshot
from common.errors import Refused
from sync import delivery, log, merkle
from sync.blobs import BlobStore
from sync.entry import Entry
from sync.messages import Acknowledgement, Admitted, Ask, Down, Gone, Item, Missing, Own
from sync.register import Outcome, Register
from sync.tables import PLACED

DOWN_BYTES_MAX = 4 << 20
"""Entries of one feed in one downlink container, before compression."""
OWN_BYTES_MAX = 8 << 20
MISSING_MAX = 1_000
"""Files of one bundle about which its acknowledgement says something; for more the machine asks one by one."""


def acknowledgement(register: Register, blobs: BlobStore, outcome: Outcome, since: int | None = None) -> Acknowledgement:
    """Return the answer to a bundle: R1 comes with it, and what is missing of the files it names (PROTOCOL 6.20).

    ``since``: the size of the machine's checkpoint where it says that beside the bundle, which was made before.
    """
    at, bundle = outcome.position, outcome.bundle
    beacon = bundle.header.about.get("beacon") if since is None else since
    since = beacon if type(beacon) is int else -1
    with snapshot(register.database):
        size, note = register.checkpoint()
        reader = log.reader(register.database)  # both proofs are made of the same hashes
        receipts = register.receipt_of(bundle.header.digest, reader) if 0 <= since <= size else []
        complete, complete_after, complete_at = register.complete_with(bundle) if receipts else ([], 0, 0)
        return Acknowledgement(
            epoch=at.epoch,
            seq=at.seq,
            head=at.head,
            digest=bundle.header.digest,
            since=since if receipts else 0,
            note=note if receipts else b"",
            consistency=register.consistency(since, reader) if receipts else [],
            receipts=receipts,
            missing=_missing(blobs, outcome),
            folded=register.folded() >= size,
            complete=complete,
            complete_after=complete_after,
            complete_at=complete_at,
        )


def _missing(blobs: BlobStore, outcome: Outcome) -> list[Missing] | None:
    named = {ref.sha256: ref.size for entry in outcome.bundle.entries for ref in entry.envelope.blobs}
    if len(named) > MISSING_MAX:
        return None
    try:
        return [Missing(sha256=sha256, bitmap=blobs.pieces.bitmap(sha256, size)) for sha256, size in named.items() if not blobs.has(sha256)]
    except Refused:  # a size that no file may have: whoever asks for it is told so
        return None


def news_for(register: Register, node: int, ask: Ask, *, carried: bool = False) -> Down:
    """Return the next downlink of ``node`` after the cursors of ``ask``; ``carried`` by hand, it says where it begins."""
    revoked = register.revoked()  # before the snapshot: where the list is due it is signed anew
    with snapshot(register.database):  # proofs, cursors and the head that covers them are of one moment
        return _news(register, node, ask, carried, revoked)


def _news(register: Register, node: int, ask: Ask, carried: bool, revoked: bytes) -> Down:
    database = register.database
    folded = register.folded()
    everyone = delivery.read_feed(database, delivery.EVERYONE, ask.everyone, bytes_max=DOWN_BYTES_MAX)
    feed = delivery.read_feed(database, node, ask.feed, bytes_max=DOWN_BYTES_MAX)
    complete, complete_at = register.complete_after(node, ask.complete, runs=ask.runs and not carried)
    receipts = register.receipts_after(node, ask.receipted_epoch, ask.receipted_seq)
    size, note = register.checkpoint()
    behind = everyone.at < delivery.feed_length(database, delivery.EVERYONE)
    return Down(
        note=note,
        consistency=register.consistency(ask.size),
        receipts=receipts,
        complete=complete,
        everyone=_items([(index, entry) for _, index, entry in everyone.entries]),
        feed=[Item(index=index, entry=entry.wire(), at=position if carried else 0) for position, index, entry in feed.entries],
        gone=[Gone(at=position, obj=obj) for position, obj in feed.gone],
        everyone_at=everyone.at,
        feed_at=feed.at,
        complete_at=complete_at,
        caught_up=folded >= size and not behind,
        more=behind or feed.at < delivery.feed_length(database, node),
        revocations=revoked,
        admitted=_admitted(register, node, [(index, entry) for _, index, entry in feed.entries], size),
        since=ask.cursors() if carried else [],
    )


def _admitted(register: Register, node: int, items: list[tuple[int, Entry]], size: int) -> list[Admitted]:
    """Return R1 of what stands in the machine's feed of its own entries: those that a person admitted."""
    mine = [(index, entry.leaf) for index, entry in items if entry.envelope.node == node and index < size]
    reader = log.reader(register.database) if mine else None
    return [Admitted(leaf=leaf, index=index, proof=merkle.inclusion_proof(index, size, reader)) for index, leaf in mine] if reader else []


def own_after(register: Register, node: int, epoch: int, seq: int) -> Own:
    """Return the machine's own logged entries of ``epoch`` after ``seq``, as many as one container holds."""
    statement = f"SELECT log_index FROM {PLACED} AS e WHERE node = ? AND epoch = ? AND seq > ? AND log_index IS NOT NULL ORDER BY seq"
    taken: list[tuple[int, Entry]] = []
    size = 0
    with each(register.database, statement, (node, epoch, seq)) as rows:
        for (index,) in rows:
            [(entry, _)] = register.entry_range(index, index + 1)
            size += len(entry.envelope_bytes) + len(entry.body or b"")
            if taken and size > OWN_BYTES_MAX:
                break
            taken.append((index, entry))
    return Own(entries=_items(taken))


def own_epochs(database: Database, node: int) -> list[list[int]]:
    """Return [epoch, last logged sequence number] of everything the machine wrote."""
    rows = fetch(database, f"SELECT epoch, MAX(seq) FROM {PLACED} AS e WHERE node = ? GROUP BY epoch ORDER BY epoch", (node,))
    return [list(row) for row in rows]


def _items(entries: list[tuple[int, Entry]]) -> list[Item]:
    return [Item(index=index, entry=entry.wire()) for index, entry in entries]
