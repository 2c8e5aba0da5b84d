"""What a node need not keep: files that the register holds whole, long enough after they came (PROTOCOL 14.1, 14.2).

An entry is never pruned, only the file it names, and only one that the centre can give back: it has confirmed it (R2) or
has sent it, and the entry stands under a checkpoint that this machine has verified.
"""

from collections.abc import Sequence

from common.clock import Clock
from common.db import Database, fetch
from sync.blobs import BlobStore
from sync.tables import entry_at

PRUNED_AT_ONCE = 1_000

OLD = """
SELECT b.sha256, b.size FROM blob b WHERE b.stored_ms < ?1 AND EXISTS (SELECT 1 FROM blob_ref r WHERE r.sha256 = b.sha256)
AND NOT EXISTS (
  SELECT 1 FROM blob_ref r JOIN entry e ON e.leaf = r.leaf LEFT JOIN complete_here c ON c.leaf = r.leaf
  WHERE r.sha256 = b.sha256 AND (e.log_index IS NULL OR e.log_index >= (SELECT size FROM sync) OR (e.node = ?2 AND c.leaf IS NULL)))
ORDER BY b.stored_ms LIMIT ?3
"""
NAMERS = "SELECT leaf FROM blob_ref WHERE sha256 = ?"


def prune(database: Database, blobs: BlobStore, clock: Clock, *, node: int, keep_ms: int, types: Sequence[str]) -> int:
    """Let go of files older than ``keep_ms`` that only entries of ``types`` (beginnings) name; return how many."""
    old = fetch(database, OLD, (clock.now() - keep_ms, node, PRUNED_AT_ONCE))
    gone = 0
    for sha256, size in old:
        if all(_type_of(database, leaf).startswith(tuple(types)) for (leaf,) in fetch(database, NAMERS, (sha256,))):
            blobs.prune(sha256, size)
            gone += 1
    return gone


def _type_of(database: Database, leaf: bytes) -> str:
    found = entry_at(database, leaf)
    return found[0].envelope.type if found else ""
