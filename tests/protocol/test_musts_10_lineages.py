"""PROTOCOL 10.10 to 10.15: the register goes on as another log."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from protocol_world import World, add_node, code_of, picture
from test_musts_6_exchange import answering

from central.services import lineage as lineages
from common.db import fetch
from common.facts import decode_body, encode_body
from sync import cose, lineage, ports, receipts
from sync.checkpoint import Checkpoint, sign_checkpoint
from sync.lineage import LINEAGE_TYPE, Lineage, LineageTold
from sync.messages import pack
from sync.verify import verify_file


def signed(world: World, one: Lineage, key: Ed25519PrivateKey | None = None) -> bytes:
    pin = world.me.pin
    registry = key or world.court.centre.keys.registry
    return cose.sign(encode_body(one), LINEAGE_TYPE, registry, key_id=bytes(8), environment=pin.environment)


def told(world: World, *statements: bytes) -> None:
    """Let the centre show these statements to the machine."""

    def answer(asked: bytes, status: int, true: bytes) -> tuple[int, bytes]:
        said = decode_body(cose.parse(asked).payload, lineage.LineageAsk)
        return 200, pack(LineageTold(nonce=said.nonce, statements=list(statements)), world.centre)

    answering(world, ports.LINEAGE, answer)


def begin(world: World) -> tuple[Lineage, bytes]:
    one = lineages.begin(world.court.centre, reason="Test")
    return one, lineage.statements(world.court.centre.database)[-1]


def set_back(world: World, write: int = 1) -> None:
    """Let the register lose what the machine wrote last."""
    copy = world.court.copy_of_centre()
    world.write(write)
    world.node.client.exchange()
    world.court.set_back(copy)


def forged_head(world: World, one: Lineage) -> Lineage:
    """The new log says another root than the one before."""
    key = world.court.centre.keys.log(2)
    return msgspec.structs.replace(one, first=sign_checkpoint(Checkpoint(one.origin, one.size, b"\1" * 32), one.origin, key))


def test_10_10_a_process_that_missed_it_signs_nothing_more(world: World) -> None:
    """Row 44: two writers at the centre, one of them of the log before."""
    centre, old = world.court.centre, world.court.centre.identity.pin
    key = centre.keys.log()
    begin(world)
    present = centre.identity.pin
    centre.register.speak_as(old, key)
    before = picture(centre.database)
    assert code_of(lambda: centre.announce(world.me.certificate.data, world.node.number, "again")) == "log.ended"
    after = picture(centre.database)
    assert [after[name] for name in ("tile", "checkpoint", "bundle")] == [before[name] for name in ("tile", "checkpoint", "bundle")]
    centre.register.speak_as(present, centre.keys.log(2))
    centre.publish()
    world.node.client.exchange()


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("lineage.form", lambda world, one: msgspec.structs.replace(one, number=3)),
        ("lineage.form", lambda world, one: msgspec.structs.replace(one, origin="elsewhere/2")),
        ("lineage.form", lambda world, one: msgspec.structs.replace(one, log=b"short")),
        ("checkpoint.unsigned", lambda world, one: msgspec.structs.replace(one, before=one.first)),
        ("lineage.head", lambda world, one: msgspec.structs.replace(one, size=one.size - 1)),
        ("lineage.head", forged_head),
    ],
)
def test_10_10_only_the_registry_begins_a_log_and_both_logs_say_the_same(
    world: World, code: str, change: Callable[[World, Lineage], Lineage]
) -> None:
    """Row 48: who stole the log's key begins no other log with it."""
    one, data = begin(world)
    assert lineage.read(data, world.me.pin) == one
    before = picture(world.node.database)
    told(world, signed(world, change(world, one)))
    assert code_of(world.node.client.exchange) == code
    told(world, signed(world, one, Ed25519PrivateKey.generate()))
    assert code_of(world.node.client.exchange) == "cose.signature"
    assert picture(world.node.database) == before


def test_10_11_a_machine_of_another_log_gets_nothing_and_follows_no_stranger(world: World) -> None:
    one, _ = begin(world)
    before = picture(world.court.centre.database, without=("sync", "contact", "contact_lineage"))
    told(world)
    assert code_of(world.node.client.exchange) == "lineage.other"
    assert picture(world.court.centre.database, without=("sync", "contact", "contact_lineage")) == before
    other = msgspec.structs.replace(one, number=3, before_origin=one.origin, origin=f"{one.origin[:-1]}3")
    told(world, signed(world, msgspec.structs.replace(other, before_log=one.log, before=one.first, first=_first(world, other))))
    assert code_of(world.node.client.exchange) == "lineage.other"
    assert lineage.number_of(world.me.pin.origin) == 1


def _first(world: World, one: Lineage) -> bytes:
    return sign_checkpoint(Checkpoint(one.origin, one.size, one.root), one.origin, world.court.centre.keys.log(2))


def test_10_12_who_has_seen_no_more_follows_by_a_proof(world: World) -> None:
    """Row 48: witnesses refuse a new log that does not continue what they saw."""
    other = add_node(world.court, 1002)
    world.write()
    world.node.client.exchange()  # the other machine has seen less
    one, data = begin(world)
    root = fetch(other.database, "SELECT root FROM sync")
    fetch(other.database, "UPDATE sync SET root = ?", (b"\1" * 32,))  # as if the register had shown it another history
    assert code_of(other.client.exchange).startswith("proof.")
    assert lineage.number_of(other.identity.pin.origin) == 1
    fetch(other.database, "UPDATE sync SET root = ?", root[0])
    for node in (other, world.node):
        node.client.exchange()
        assert node.identity.pin.origin == one.origin
        assert lineage.statements(node.database) == [data]


def test_10_12_who_has_seen_more_asks_a_person(world: World) -> None:
    """Row 8: a register set back is not followed because it says so."""
    set_back(world)
    one, _ = begin(world)
    before = picture(world.node.database, without=("sync", "lineage_offer"))
    for _ in range(2):
        assert code_of(world.node.client.exchange) == "lineage.waits"
    assert picture(world.node.database, without=("sync", "lineage_offer")) == before
    offer = world.node.client.offer()
    assert offer is not None
    assert (offer.statement, offer.again, offer.accepted) == (one, 1, False)
    assert len(world.write()) == 1  # papers are taken as always
    world.node.client.accept(2, by=bytes(32))
    assert code_of(lambda: world.node.client.accept(2, by=bytes(32))) == "lineage.none"
    world.node.client.exchange()
    assert world.me.pin.origin == one.origin
    assert world.node.client.offer() is None


def test_10_12_a_machine_without_a_line_follows_by_hand(world: World) -> None:
    set_back(world)
    one, data = begin(world)
    world.court.cut(world.node)
    world.node.client.follow_by_hand(data, by=bytes(32))
    assert world.me.pin.origin == one.origin
    world.court.heal(world.node)
    world.node.client.exchange()
    assert world.at().seq == world.node.journal.position().seq


def test_10_13_what_the_new_log_lacks_is_sent_again(world: World) -> None:
    """Row 46: the same leaves, and the old receipts are kept, complete in themselves."""
    set_back(world, write=3)
    leaves = receipts.leaves_of(world.node.database, world.node.number, 1, 1, 3)
    old = [receipts.inclusion_of(world.node.database, leaf) for leaf in leaves]
    centre = world.court.centre
    was = fetch(centre.database, "SELECT number FROM revocation_list")
    begin(world)
    code_of(world.node.client.exchange)
    world.node.client.accept(2, by=bytes(32))
    world.node.client.exchange()
    for leaf, proof in zip(leaves, old, strict=True):
        [(index,)] = fetch(centre.database, "SELECT log_index FROM entry WHERE leaf = ?", (leaf,))
        assert fetch(world.node.database, "SELECT log_index FROM entry WHERE leaf = ?", (leaf,)) == [(index,)]
        assert fetch(world.node.database, "SELECT data FROM past_receipt WHERE leaf = ?", (leaf,)) == [(proof,)]
    assert fetch(centre.database, "SELECT epoch FROM journal") == [(2,)]
    assert fetch(centre.database, "SELECT MAX(epoch) FROM entry WHERE node = 0 AND log_index IS NOT NULL") == [(2,)]
    assert fetch(centre.database, "SELECT number FROM revocation_list")[0][0] > max(was)[0] + 100_000


def test_10_14_a_certificate_that_the_register_lost_comes_back(world: World) -> None:
    database = world.court.centre.database
    [(lost,)] = fetch(database, "DELETE FROM node_certificate WHERE node = ? RETURNING data", (world.node.number,))
    world.write()
    world.node.client.exchange()
    assert fetch(database, "SELECT data FROM node_certificate WHERE node = ?", (world.node.number,))[-1] == (lost,)
    stranger = lineage.LineageAsk(nonce=bytes(16), certificate=b"no certificate")
    fetch(database, "DELETE FROM node_certificate WHERE node = ?", (world.node.number,))
    before = picture(database)
    assert world.refused(ports.LINEAGE, pack(stranger, world.me)).code
    assert world.refused(ports.LINEAGE, pack(lineage.LineageAsk(nonce=bytes(16)), world.me)).code == "node.unknown"
    assert picture(database) == before


def test_10_15_old_heads_and_proofs_are_checked_under_their_own_log(world: World, tmp_path: Path) -> None:
    """Rows 46 and 48: what was proved stays provable, and that its log ended there is said."""
    world.write()
    world.node.client.exchange()
    leaf = receipts.leaves_of(world.node.database, world.node.number, 1, 1, 1)[0]
    below = receipts.inclusion_of(world.node.database, leaf)
    set_back(world)
    above = fetch(world.node.database, "SELECT note FROM sync")[0][0]
    one, data = begin(world)
    code_of(world.node.client.exchange)
    world.node.client.accept(2, by=bytes(32))
    world.node.client.exchange()

    def judged(file: bytes) -> tuple[str, object, str]:
        report = verify_file(file, database=world.node.database, pin=world.me.pin, trust=None, now_ms=0)
        return report.verdict, report.facts.get("lineage"), report.findings[-1].text

    assert judged(below)[:2] == ("valid", 1)
    verdict, number, said = judged(above)
    assert (verdict, number) == ("valid", 1)
    assert f"log 2 continues from entry {one.size} on" in said
    assert judged(data)[:2] == ("valid", 2)
    assert judged(fetch(world.node.database, "SELECT note FROM sync")[0][0])[:2] == ("valid", 2)
