"""What must hold of a settled country, whatever happened before: O1 to O10 of the first design, each named where it is checked.

O6 (repetition and order change nothing) and O8 (everything converges) are the settling itself with the equal hashes of O5.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from common import canonical
from common.db import Database, fetch
from edge.node import Node
from sync import cose, delivery, directory, fsck, kept, lineage, merkle, receipts
from sync.bundle import leaves_digest
from sync.checkpoint import read_checkpoint
from sync.container import CONTENT_TYPE
from sync.entry import chain_next, chain_start
from sync.inclusion import read_proof
from tests.sim import papers

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
        assert codes <= set(quarantined), f"O7: in quarantine of {owner.data.name}: {codes}"
    hashes = {
        obj: court.centre.fold.state_hash(court.centre.database, obj)
        for (obj,) in fetch(court.centre.database, "SELECT DISTINCT obj FROM entry")
    }
    for node in court.nodes:
        _check_objects(court, node, hashes)
        _check_log(court, node)
        _check_receipts(court, node)
        _check_history(court, node)
        _check_room(node)
    _check_promises(court)
    _check_signatures(court)
    _check_times(court)


def check_media(media: Iterable[Path]) -> None:
    """O9: whoever finds a stick sees sizes, and nothing of a person."""
    secrets = [secret.encode() for person in papers.CITIZENS for secret in (person.iin, person.name)]
    for path in (path for medium in media for path in medium.rglob("*") if path.is_file()):
        data = path.read_bytes()
        assert not [secret for secret in secrets if secret in data], f"{path} gives somebody away"


def _check_history(court: "Court", node: Node) -> None:
    """O3: the chain heads that R0 signs are those of the register's history: no honest receipt ever accuses (PROTOCOL 9.7)."""
    environment = node.identity.environment
    heads: dict[int, bytes] = {}
    statement = f"SELECT epoch, leaf FROM entry WHERE node = ? AND {NOT_ADMITTED} ORDER BY epoch, seq"
    for epoch, leaf in fetch(court.centre.database, statement, (node.number,)):
        heads[epoch] = chain_next(heads.get(epoch) or chain_start(environment, node.number, epoch), leaf)
        ours = fetch(node.database, "SELECT chain FROM entry WHERE leaf = ? AND chain IS NOT NULL", (leaf,))
        assert ours in ([], [(heads[epoch],)]), f"{node.data.name} has another history of epoch {epoch}"


def _check_room(node: Node) -> None:
    """O10: nothing of what was under way is kept for ever."""
    assert not fetch(node.database, "SELECT 1 FROM out_bundle WHERE data IS NOT NULL AND epoch = (SELECT epoch FROM journal)")
    whole = {sha256.hex() for (sha256,) in fetch(node.database, "SELECT sha256 FROM blob")}
    assert not [path for path in (node.data / "blobs" / "partial").iterdir() if path.name in whole], "pieces of whole files"
    assert not (node.data / "stick" / "reading").exists()
    assert not fetch(node.database, "SELECT 1 FROM requested"), f"{node.data.name} still waits for a recording"


def _check_signatures(court: "Court") -> None:
    """O2: every entry of the log stands in a bundle that its machine signed; people's signatures are the fold's (fsck)."""
    central, pin = court.centre.database, court.centre.identity.pin
    covered = 0
    for node, epoch, first, last, header in fetch(central, "SELECT node, epoch, first, last, header FROM bundle"):
        signed = cose.parse(header)
        author = directory.certificate_of(central, signed.key_id, pin)
        said = canonical.decode(cose.verify(signed, author.sign_key, CONTENT_TYPE, environment=pin.environment))
        between = "SELECT leaf FROM entry WHERE node = ? AND epoch = ? AND seq BETWEEN ? AND ? AND log_index IS NOT NULL"
        leaves = [leaf for (leaf,) in fetch(central, f"{between} AND {NOT_ADMITTED} ORDER BY seq", (node, epoch, first, last))]
        assert author.body.node == node
        assert said["about"]["leaves"] == leaves_digest(leaves), f"a bundle of {node} is not what was logged"
        covered += len(leaves)
    logged = fetch(central, f"SELECT COUNT(*) FROM entry WHERE log_index IS NOT NULL AND {NOT_ADMITTED}")
    assert logged == [(covered,)], "logged without a bundle"


def _check_times(court: "Court") -> None:
    """O4: the true time lies between the newest head that the author held and the first that contains the entry (PROTOCOL 9.5)."""
    central = court.centre.database
    for leaf, written in court.written.items():
        for envelope, index in fetch(central, "SELECT envelope, log_index FROM entry WHERE leaf = ?", (leaf,)):
            beacon = canonical.decode(envelope)["beacon"]
            not_before = fetch(central, "SELECT COALESCE(MAX(made_ms), 0) FROM checkpoint WHERE size = ?", (beacon,))[0][0]
            not_after = fetch(central, "SELECT made_ms FROM checkpoint WHERE size > ? ORDER BY size LIMIT 1", (index,))[0][0]
            assert not_before <= written <= not_after, f"{leaf.hex()} was not written when its evidence says"


def _check_objects(court: "Court", node: Node, hashes: Mapping[bytes, bytes]) -> None:
    """O5: every object is held whole by whoever must have it, and looks the same wherever the same entries are held."""
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
        lineage.check_proof(proof, merkle.leaf_hash(leaf), lineage.logs(node.database, pin))
        assert proof.index == logged[0][0]
        if fetch(node.database, "SELECT 1 FROM blob_ref WHERE leaf = ?", (leaf,)):
            assert fetch(node.database, "SELECT 1 FROM complete_here WHERE leaf = ?", (leaf,)), f"no R2 of {leaf.hex()}"


def _check_promises(court: "Court") -> None:
    """O1: every R0 is in its machine's journal, and in the register, once, or kept as evidence; no talon and no place twice."""
    central = court.centre.database
    evidence = evidence_leaves(court)
    for leaf, number in court.taken.items():
        logged = fetch(central, "SELECT COUNT(*) FROM entry WHERE leaf = ? AND log_index IS NOT NULL AND node = ?", (leaf, number))[0][0]
        assert logged == 1 or leaf in evidence, f"a promise of {number} is lost: {leaf.hex()}"
        for node in (node for node in court.nodes if node.number == number):  # a stolen one is no longer among them
            assert fetch(node.database, "SELECT 1 FROM entry WHERE leaf = ?", (leaf,)), f"{number} forgot {leaf.hex()}"
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
