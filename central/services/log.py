"""The log for people: entries by their place, their proofs, the signed heads. Envelopes only, never a body or a salt.

What a page calls "verified" was verified for that page, from the stored tiles up to the log's signature, by the same code
with which a node verifies it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from central.centre import Centre
from common.court import filing_lists
from common.court.filing_lists import Filing
from common.db import fetch
from common.errors import N_, NotFound, Refused
from common.ids import TALON_DIGITS, read_talon
from sync import lineage, log, merkle
from sync.checkpoint import Checkpoint
from sync.entry import Envelope, decode_envelope
from sync.inclusion import read_proof, write_proof

ENTRIES_SHOWN: Final = 50
CHECKPOINTS_SHOWN: Final = 50
LEAF_DIGITS: Final = 64
INDEX_DIGITS_MAX: Final = 14
"""A longer number is a talon."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One entry of the log. ``size`` is that of its body in bytes, None once a court's order has erased it."""

    index: int
    leaf: bytes
    envelope: Envelope
    size: int | None
    received_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head of the log, or of one that it continues; ``checkpoint`` was read from under that log's signature."""

    checkpoint: Checkpoint
    note: bytes
    made_ms: int


@dataclass(frozen=True, slots=True)
class Consistency:
    """That the larger head only adds to the smaller one, verified."""

    old: Head
    new: Head
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TalonState:
    """How far a talon's filing has climbed, without anything of a person.

    ``status`` as in `common.court.filings`, or the outcome of `common.court.ruling` once a judge ruled.
    """

    talon: str
    index: int | None
    checkpoint: int | None
    logged_ms: int | None
    complete: bool
    status: str


_ENTRY = "SELECT log_index, leaf, envelope, length(body) FROM entry"


def size(centre: Centre) -> int:
    """Return how many entries the newest checkpoint covers."""
    return centre.register.checkpoint()[0]


def entries(centre: Centre, *, before: int | None = None) -> list[Logged]:
    """Return up to ENTRIES_SHOWN entries below index ``before`` (None: the newest), the newest first."""
    top = size(centre) if before is None else max(0, before)
    statement = f"{_ENTRY} WHERE log_index < ? AND log_index >= ? ORDER BY log_index DESC"
    return [_logged(row) for row in fetch(centre.database, statement, (top, top - ENTRIES_SHOWN))]


def entry(centre: Centre, index: int) -> Logged:
    """Return the entry at ``index`` with the time of its arrival; raises NotFound("log.entry")."""
    rows = fetch(centre.database, f"{_ENTRY} WHERE log_index = ?", (index,)) if 0 <= index <= merkle.SIZE_MAX else []
    if not rows:
        raise NotFound("log.entry", N_("The log has no such entry."))
    received = fetch(centre.database, "SELECT received_ms FROM bundle WHERE first_index <= ? ORDER BY first_index DESC LIMIT 1", (index,))
    return _logged(rows[0], received[0][0] if received else None)


def _logged(row: tuple[Any, ...], received: int | None = None) -> Logged:
    index, leaf, envelope, length = row
    return Logged(index, leaf, decode_envelope(envelope), length, received)


def find(centre: Centre, text: str) -> int | TalonState:
    """Return the index that a person means (an index, a leaf's hex), or the state of the talon they typed.

    Raises Refused("log.question") for anything else, Refused("talon.…") for a mistyped talon, NotFound.
    """
    asked = "".join(text.split()).replace("-", "").lower()
    digits = asked.isascii() and asked.isdigit()
    if len(asked) == LEAF_DIGITS:
        return _index_of_leaf(centre, asked)
    if digits and len(asked) <= INDEX_DIGITS_MAX:
        return entry(centre, int(asked)).index
    if digits and len(asked) == TALON_DIGITS:
        return talon_state(centre, asked)
    raise Refused("log.question", N_("Enter an entry's number, the 64 digits of its hash, or the 15 digits of a talon."), field="q")


def _index_of_leaf(centre: Centre, digits: str) -> int:
    try:
        leaf = bytes.fromhex(digits)
    except ValueError as error:
        raise Refused("log.leaf", N_("A hash has the digits 0 to 9 and the letters a to f only."), field="q") from error
    rows = fetch(centre.database, "SELECT log_index FROM entry WHERE leaf = ? AND log_index IS NOT NULL", (leaf,))
    if not rows:
        raise NotFound("log.entry", N_("The log has no such entry."))
    return int(rows[0][0])


def talon_state(centre: Centre, text: str) -> TalonState:
    """Return how far a talon has climbed; raises Refused("talon.…") or NotFound("log.talon") where the register has none such."""
    read_talon(text)
    found = filing_lists.filings_by_talon(centre.database, text)
    if not found:
        raise NotFound("log.talon", N_("The register does not know this talon yet. Its machine may still be waiting for the line."))
    return state_of(centre, found[0])


def state_of(centre: Centre, filing: Filing) -> TalonState:
    """Return how far a filing has climbed."""
    rows = fetch(centre.database, "SELECT log_index FROM entry WHERE leaf = ?", (filing.leaf,))
    index = rows[0][0] if rows else None
    covered = fetch(centre.database, "SELECT size, made_ms FROM checkpoint WHERE size > ? ORDER BY size LIMIT 1", (index,))
    complete = bool(fetch(centre.database, "SELECT 1 FROM complete WHERE leaf = ?", (filing.leaf,)))
    checkpoint, logged_ms = covered[0] if covered else (None, None)
    return TalonState(filing.talon, index, checkpoint, logged_ms, complete, filing.ruling or filing.status)


def proof(centre: Centre, index: int) -> bytes:
    """Return the inclusion proof of an entry against the newest checkpoint (C2SP tlog-proof); raises NotFound("log.entry")."""
    found = entry(centre, index)
    covered, note = centre.register.checkpoint()
    hashes = merkle.inclusion_proof(index, covered, log.reader(centre.database))
    return write_proof(index, hashes, note, extra=found.leaf)


def verify(centre: Centre, leaf: bytes, data: bytes) -> Checkpoint:
    """Return the checkpoint under which ``data`` proves ``leaf`` logged; raises Refused("proof.…" or "checkpoint.…")."""
    return lineage.check_proof(read_proof(data), merkle.leaf_hash(leaf), lineage.logs(centre.database, centre.identity.pin))[0]


def heads(centre: Centre, *, below: int | None = None) -> list[Head]:
    """Return up to CHECKPOINTS_SHOWN heads smaller than ``below`` (None: the newest), the largest first."""
    statement = "SELECT note, made_ms FROM checkpoint WHERE size < ? ORDER BY size DESC LIMIT ?"
    limit = merkle.SIZE_MAX if below is None else below
    return [_head(centre, note, made) for note, made in fetch(centre.database, statement, (limit, CHECKPOINTS_SHOWN))]


def newest(centre: Centre) -> Head:
    """Return the newest head."""
    return _head(centre, *fetch(centre.database, "SELECT note, made_ms FROM checkpoint ORDER BY size DESC LIMIT 1")[0])


def head(centre: Centre, size: int) -> Head:
    """Return the head of exactly ``size`` entries; raises Refused("log.head") where none was signed."""
    rows = fetch(centre.database, "SELECT note, made_ms FROM checkpoint WHERE size = ?", (size,))
    if not rows:
        raise Refused("log.head", N_("No head of this size was signed. Choose sizes from the list."))
    return _head(centre, *rows[0])


def _head(centre: Centre, note: bytes, made_ms: int) -> Head:
    checkpoint, _ = lineage.read_note(note, lineage.logs(centre.database, centre.identity.pin))
    return Head(checkpoint, note, made_ms)


def holds(centre: Centre, one: Head) -> bool:
    """Return whether the stored tiles still have the root that was signed."""
    return log.root(centre.database, one.checkpoint.size) == one.checkpoint.root


def consistency(centre: Centre, old: int, new: int) -> Consistency:
    """Return the verified proof between two signed heads; raises Refused("log.head"/"log.order") or Refused("proof.…")."""
    if old > new:
        raise Refused("log.order", N_("The first size is the smaller one."))
    smaller, larger = head(centre, old), head(centre, new)
    hashes = tuple(merkle.consistency_proof(old, new, log.reader(centre.database)))
    merkle.verify_consistency(old, smaller.checkpoint.root, new, larger.checkpoint.root, hashes)
    return Consistency(smaller, larger, hashes)


def entry_bundle(centre: Centre, place: log.TilePath) -> bytes:
    """Return the leaves under a lowest tile, each after its length in two bytes (C2SP tlog-tiles, "Log entries").

    Raises NotFound("log.tile") where the log has not that many there.
    """
    first = place.index * log.TILE_WIDTH
    leaves: Sequence[tuple[bytes]] = fetch(
        centre.database, "SELECT leaf FROM entry WHERE log_index >= ? AND log_index < ? ORDER BY log_index", (first, first + place.width)
    )
    if len(leaves) != place.width:
        raise NotFound("log.tile", N_("There is no such part of the register."))
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for (leaf,) in leaves)
