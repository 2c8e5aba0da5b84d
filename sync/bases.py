"""What a small bundle is packed against: earlier entries of its author that the register has (PROTOCOL 4.6).

Text that changed a little, a signature, the names of the parties: both sides hold them already. A base is named by the first bytes of
its leaf; it is the author's own and has R1, so both sides hold the same bytes under that name.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from common import canonical
from common.db import Database, fetch
from common.errors import N_, Conflict, Refused
from sync.entry import HASH_BYTES, OBJECT_BYTES, Entry

BASES_MAX = 64
BASES_BYTES_MAX = 256 << 10
"""Envelopes and bodies together: what packing and unpacking read beside the bundle itself."""
ENTRIES_MAX = 50
"""Of a larger bundle the entries are each other's bases, and looking others up would cost more than it spares."""

NAME_BYTES = 8

_OWN = "chain IS NOT NULL AND log_index IS NOT NULL AND body IS NOT NULL"
# an object has few entries, and a machine has many: the plus keeps SQLite from going through those
_LAST = f"""SELECT obj, leaf, length(envelope) + length(body) FROM entry WHERE obj IN (%s) AND +node = ? AND {_OWN}
            ORDER BY +epoch, +seq"""
_NEWEST = f"""SELECT leaf, length(envelope) + length(body) FROM entry WHERE node = ? AND epoch = ? AND seq < ? AND {_OWN}
              ORDER BY seq DESC LIMIT 1"""
_PARTS = """SELECT envelope, body FROM entry
            WHERE leaf BETWEEN ? AND ? AND node = ? AND log_index IS NOT NULL AND body IS NOT NULL"""


def choose(database: Database, entries: Sequence[Entry]) -> list[bytes]:
    """Return the names of what ``entries``, one author's and not logged yet, are best packed against: the newest entry of each object
    that they are about or name, and the newest one before them."""
    if len(entries) > ENTRIES_MAX:
        return []
    first = entries[0].envelope
    found: dict[bytes, int] = {}
    for leaf, size in (*fetch(database, _NEWEST, (first.node, first.epoch, first.seq)), *_named(database, entries)):
        if len(found) < BASES_MAX and sum(found.values()) + size <= BASES_BYTES_MAX:
            found[leaf[:NAME_BYTES]] = size
    return list(found)


def _named(database: Database, entries: Sequence[Entry]) -> list[tuple[bytes, int]]:
    """Return (leaf, size) of the newest entry of each object that is named, in that order; one question for all of them."""
    named = (obj for entry in entries for obj in (entry.envelope.obj, *_identifiers(_body(entry))))
    objects = list(islice(dict.fromkeys(named), 2 * BASES_MAX))
    rows = fetch(database, _LAST % ", ".join("?" * len(objects)), (*objects, entries[0].envelope.node))
    last = {obj: (leaf, size) for obj, leaf, size in rows}
    return [last[obj] for obj in objects if obj in last]


def _body(entry: Entry) -> Any:
    try:
        return canonical.decode_stored(entry.body or b"")
    except Refused:  # erased, or read by nobody: it names nothing, and keeps nothing from the register
        return {}


def _identifiers(value: Any) -> Iterator[bytes]:
    """Yield what may be the name of an object in a body, whatever the subject."""
    level = [value]
    while level:
        yield from (item for item in level if type(item) is bytes and len(item) == OBJECT_BYTES)
        level = [part for item in level if type(item) in (dict, list) for part in (item.values() if type(item) is dict else item)]


def read(database: Database, node: int, names: Any) -> bytes:
    """Return the bytes that a bundle of ``node`` is packed against; raises Conflict("bundle.base") where they are not all here."""
    if type(names) is not list or not 0 < len(names) <= BASES_MAX:
        raise absent()
    parts: list[bytes] = []
    for name in names:
        if type(name) is not bytes or len(name) != NAME_BYTES:
            raise absent()
        rest = HASH_BYTES - NAME_BYTES
        rows = fetch(database, _PARTS, (name + bytes(rest), name + b"\xff" * rest, node))
        if len(rows) != 1:
            raise absent()
        parts += rows[0]
        if sum(map(len, parts)) > BASES_BYTES_MAX:
            raise absent()
    return b"".join(parts)


def absent() -> Conflict:
    """Return the error of a bundle that cannot be unpacked here, or not be kept as it is."""
    return Conflict("bundle.base", N_("A bundle was packed against entries that are not here. It is packed anew without them."))
