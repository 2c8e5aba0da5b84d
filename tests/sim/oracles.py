"""What must hold of a settled country, whatever happened before (SYNC.md, O1–O8)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from common.db import Database, fetch
from edge.node import Node
from sync import delivery, fsck, kept, merkle, receipts
from sync.checkpoint import read_checkpoint
from sync.inclusion import check_proof, read_proof

if TYPE_CHECKING:
    from tests.court import Court

NOT_ADMITTED = "leaf NOT IN (SELECT leaf FROM admission)"
LOGGED = "SELECT leaf FROM entry WHERE obj = ? AND log_index IS NOT NULL"


def check_country(court: "Court", quarantined: Sequence[str] = ()) -> None:
    """Raise AssertionError naming the first thing that does not hold."""
    for owner in (court.centre, *court.nodes):
        found = fsck.check(owner.database, owner.fold, owner.blobs, environment=owner.identity.environment)
        assert not found, f"fsck of {owner.data.name}: {found}"
        codes = {code for (code,) in fetch(owner.database, "SELECT code FROM quarantine")}
        assert codes <= set(quarantined), f"in quarantine of {owner.data.name}: {codes}"
    hashes = {
        obj: court.centre.fold.state_hash(court.centre.database, obj)
        for (obj,) in fetch(court.centre.database, "SELECT DISTINCT obj FROM entry")
    }
    for node in court.nodes:
        _check_objects(court, node, hashes)
        _check_log(court, node)
        _check_receipts(court, node)
    _check_promises(court)


def _check_objects(court: "Court", node: Node, hashes: Mapping[bytes, bytes]) -> None:
    """Every object is held whole by whoever must have it, and looks the same wherever the same entries are held."""
    central = court.centre.database
    unlogged = {obj for (obj,) in fetch(node.database, "SELECT obj FROM entry WHERE log_index IS NULL")}
    for obj, expected in hashes.items():
        theirs, ours = _leaves(central, obj), _leaves(node.database, obj)
        if not _due(central, node.number, obj):
            foreign = fetch(node.database, "SELECT COUNT(*) FROM entry WHERE obj = ? AND node <> ?", (obj, node.number))[0][0]
            assert not foreign, f"{node.data.name} holds {foreign} entries of {obj.hex()} that are no longer for it"
        else:
            assert ours == theirs, f"{node.data.name} misses {len(theirs - ours)} entries of {obj.hex()}"
        if ours == theirs and obj not in unlogged:
            assert node.fold.state_hash(node.database, obj) == expected, f"{node.data.name} and the centre see {obj.hex()} differently"


def _leaves(database: Database, obj: bytes) -> set[bytes]:
    return {leaf for (leaf,) in fetch(database, LOGGED, (obj,))}


def _due(central: Database, node: int, obj: bytes) -> bool:
    scopes = [scope for (scope,) in fetch(central, "SELECT scope FROM object_scope WHERE obj = ?", (obj,))]
    everyone = fetch(
        central, "SELECT 1 FROM feed f JOIN entry e ON e.log_index = f.log_index WHERE f.node = ? AND e.obj = ?", (delivery.EVERYONE, obj)
    )
    return bool(everyone) or node in delivery._machines(central, scopes)


def _check_log(court: "Court", node: Node) -> None:
    """The head a node has is one the register signed, and it is the register's newest."""
    pin = node.identity.pin
    size, root, note = fetch(node.database, "SELECT size, root, note FROM sync")[0]
    checkpoint = read_checkpoint(note, pin.origin, pin.log_key, origin=pin.origin)
    assert (checkpoint.size, checkpoint.root) == (size, root)
    assert fetch(court.centre.database, "SELECT 1 FROM checkpoint WHERE note = ?", (note,)), "a head the register does not know"
    assert size == court.centre.register.checkpoint()[0], f"{node.data.name} has an old head"


def _check_receipts(court: "Court", node: Node) -> None:
    """R1 of every promise of this node proves its place under the pinned key; R2 says that its files arrived."""
    pin = node.identity.pin
    for leaf, number in court.taken.items():
        logged = fetch(court.centre.database, "SELECT log_index FROM entry WHERE leaf = ?", (leaf,))
        if number != node.number or not logged:
            continue
        proof = read_proof(receipts.inclusion_of(node.database, leaf))
        check_proof(proof, merkle.leaf_hash(leaf), pin.origin, pin.log_key, origin=pin.origin)
        assert proof.index == logged[0][0]
        if fetch(node.database, "SELECT 1 FROM blob_ref WHERE leaf = ?", (leaf,)):
            assert fetch(node.database, "SELECT 1 FROM complete_here WHERE leaf = ?", (leaf,)), f"no R2 of {leaf.hex()}"


def _check_promises(court: "Court") -> None:
    """Every R0 is in the register, once, or kept as evidence; no talon and no place in a journal is used twice."""
    central = court.centre.database
    evidence = evidence_leaves(court)
    for leaf, number in court.taken.items():
        logged = fetch(central, "SELECT COUNT(*) FROM entry WHERE leaf = ? AND log_index IS NOT NULL AND node = ?", (leaf, number))[0][0]
        assert logged == 1 or leaf in evidence, f"a promise of {number} is lost: {leaf.hex()}"
    # two histories may have given one number twice: both stand when a person has admitted the second
    talons = Counter(talon for (talon,) in fetch(central, f"SELECT talon FROM filing_row WHERE {NOT_ADMITTED}"))
    assert not [talon for talon, count in talons.items() if count > 1], "a talon twice"
    assert not fetch(central, f"SELECT 1 FROM entry WHERE {NOT_ADMITTED} GROUP BY node, epoch, seq HAVING COUNT(*) > 1"), "a place twice"


def evidence_leaves(court: "Court") -> set[bytes]:
    """Return the leaves of everything the centre keeps as evidence."""
    centre, leaves = court.centre, set()
    for (id,) in fetch(centre.database, "SELECT id FROM evidence"):
        leaves |= {entry.leaf for entry in kept.read(centre.database, id, centre.identity).entries}
    return leaves
