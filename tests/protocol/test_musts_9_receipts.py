"""PROTOCOL 9 and 10: receipts and the log they stand on."""

import hashlib
from typing import Any

import apsw
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from protocol_world import World, code_of, make_entry, picture

from common.db import fetch
from common.facts import BlobRef, encode_body
from sync import cose, log, merkle, ports, receipts
from sync.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from sync.entry import Entry
from sync.inclusion import check_proof, read_proof
from sync.messages import Ask, Logged, pack
from sync.news import news_for
from sync.receipts import COMPLETE_TYPE, COMPLETES_TYPE, R0_TYPE, Complete, Completes, Taken, read_r0, read_r2, read_r2s, sign_r0
from sync.verify import verify_file
from tests.court import START_MS

TAKEN = Taken(talon=1, node=1001, leaf=bytes(32), statement=bytes(32), at=1)


def test_9_1_a_receipt_by_another_key_is_refused(still: World) -> None:
    forged = still.centre.sign_message(encode_body(TAKEN), R0_TYPE)
    assert code_of(lambda: read_r0(forged, still.me.certificate)) == "cose.signature"
    assert read_r0(receipts.sign_r0(TAKEN, still.me), still.me.certificate) == TAKEN


def test_9_1_a_receipt_in_anothers_name_is_refused(still: World) -> None:
    other = receipts.sign_r0(msgspec.structs.replace(TAKEN, node=1002), still.me)
    assert code_of(lambda: read_r0(other, still.me.certificate)) == "receipt.node"


def exchanged(world: World, count: int = 3) -> list[Entry]:
    entries = world.write(count)
    world.node.client.exchange()
    return entries


@pytest.mark.parametrize("changes", [{"index": 0}, {"proof": []}, {"proof": [bytes(32)]}, {"last": 2}, {"first": 2}, {"epoch": 9}])
def test_9_2_a_forged_range_proof_is_refused(world: World, changes: dict[str, Any]) -> None:
    exchanged(world)
    note = world.court.centre.register.checkpoint()[1]
    pin, database = world.me.pin, world.node.database
    checkpoint = read_checkpoint(note, pin.origin, pin.log_key)
    [true] = world.court.centre.register.receipts_after(world.node.number, 0, 0)
    logged: Logged = msgspec.structs.replace(true, **changes)
    leaves = receipts.leaves_of(database, world.node.number, logged.epoch, logged.first, logged.last)
    before = picture(database)
    code = code_of(lambda: receipts.store_logged(database, logged, leaves, checkpoint, note, at_ms=1))
    assert code.startswith("proof.")
    assert picture(database) == before


def test_9_3_completeness_by_another_key_is_refused(still: World) -> None:
    body = encode_body(Complete(leaf=bytes(32), index=1, at=1))
    assert code_of(lambda: read_r2(still.me.sign_message(body, COMPLETE_TYPE), still.centre.certificate)) == "cose.signature"
    assert code_of(lambda: read_r2(still.centre.sign_message(body, R0_TYPE), still.centre.certificate)) == "cose.content_type"


def test_9_12_one_statement_speaks_for_many_to_who_asks_for_that(world: World) -> None:
    world.node.blobs.put(b"one")
    ref = BlobRef(hashlib.sha256(b"one").digest(), 3, "a/b")
    entries = world.write(5, blobs=[ref])
    for _ in range(2):
        world.node.client.exchange()
    [index] = fetch(world.node.database, "SELECT MIN(log_index) FROM entry WHERE leaf IN (?, ?)", [entry.leaf for entry in entries[:2]])[0]
    [(statement, count)] = fetch(world.node.database, "SELECT statement, COUNT(*) FROM complete_here GROUP BY statement")
    assert (read_r2s(statement, world.centre.certificate).runs, count) == ([[index, 5]], 5)
    assert ask_for(world, runs=False) == [COMPLETE_TYPE] * 5
    assert ask_for(world, runs=True) == [COMPLETES_TYPE]
    carried = news_for(world.court.centre.register, world.node.number, Ask(nonce=b"", runs=True), carried=True)
    assert {cose.parse(each).content_type for each in carried.complete} == {COMPLETE_TYPE}
    held = world.court.centre
    report = verify_file(statement, database=held.database, pin=world.me.pin, trust=None, now_ms=held.clock.now())
    assert (report.kind, report.verdict) == ("complete", "valid")


def ask_for(world: World, *, runs: bool) -> list[str]:
    """The kinds of R2 that a machine gets which asks for all of them."""
    down = news_for(world.court.centre.register, world.node.number, Ask(nonce=b"", runs=runs))
    return [cose.parse(each).content_type for each in down.complete]


def test_9_12_it_counts_only_for_own_entries_with_r1(world: World) -> None:
    exchanged(world, 2)
    [unlogged] = world.write()
    database, who = world.node.database, world.node.number
    everything = world.centre.sign_message(encode_body(Completes(runs=[[0, 2**63 - 1]], at=1)), COMPLETES_TYPE)
    receipts.store_complete(database, everything, world.centre.certificate, who)
    own = "SELECT leaf FROM entry WHERE node = ? AND log_index IS NOT NULL"
    assert {leaf for (leaf,) in fetch(database, "SELECT leaf FROM complete_here")} == {leaf for (leaf,) in fetch(database, own, (who,))}
    assert receipts.ladder_of(database, unlogged.leaf).complete_ms is None


@pytest.mark.parametrize(
    ("runs", "mine", "code"), [([[0, 1]], True, "cose.signature"), ([[n, 1] for n in range(0, 34, 2)], False, "receipt.runs")]
)
def test_9_12_a_statement_by_another_key_or_without_bounds_is_refused(still: World, runs: list[list[int]], mine: bool, code: str) -> None:
    author = still.me if mine else still.centre
    forged = author.sign_message(encode_body(Completes(runs=runs, at=1)), COMPLETES_TYPE)
    before = picture(still.node.database)
    assert code_of(lambda: receipts.store_complete(still.node.database, forged, still.centre.certificate, still.node.number)) == code
    assert picture(still.node.database) == before


def test_9_3_nothing_is_complete_before_every_file_is_there(world: World) -> None:
    first, second = (BlobRef(world.node.blobs.put(data), len(data), "a/b") for data in (b"one", b"two"))
    [entry] = world.write(blobs=[first, second])
    world.node.client._up.send_bundles(world.at())
    centre = world.court.centre
    centre.blobs.put(b"one")
    centre.register.blob_arrived(first.sha256)
    done = "SELECT 1 FROM complete WHERE leaf = ?"
    assert fetch(centre.database, done, (entry.leaf,)) == []
    world.node.client.exchange()
    assert fetch(centre.database, done, (entry.leaf,)) == [(1,)]
    assert fetch(world.node.database, "SELECT COUNT(*) FROM complete_here WHERE leaf = ?", (entry.leaf,)) == [(1,)]


def test_9_4_a_proof_leads_from_its_leaf_alone_to_the_pinned_key(world: World) -> None:
    one, two, _ = exchanged(world)
    data = receipts.inclusion_of(world.node.database, one.leaf)
    pin = world.me.pin
    proof = read_proof(data)
    size = check_proof(proof, merkle.leaf_hash(one.leaf), pin.origin, pin.log_key).size
    assert size == log.size(world.court.centre.database)
    assert code_of(lambda: check_proof(proof, merkle.leaf_hash(two.leaf), pin.origin, pin.log_key)) == "proof.root"
    other = Ed25519PrivateKey.generate().public_key()
    assert code_of(lambda: check_proof(proof, merkle.leaf_hash(one.leaf), pin.origin, other)) == "checkpoint.unsigned"
    lied = data.replace(data.split(b"\n")[1], b"extra AAAA")
    assert check_proof(read_proof(lied), merkle.leaf_hash(one.leaf), pin.origin, pin.log_key).size == size


def test_10_1_the_tree_is_that_of_rfc_6962(world: World) -> None:
    exchanged(world)
    centre = world.court.centre.database
    leaves = [leaf for (leaf,) in fetch(centre, "SELECT leaf FROM entry WHERE log_index IS NOT NULL ORDER BY log_index")]
    pin = world.me.pin
    checkpoint = read_checkpoint(world.court.centre.register.checkpoint()[1], pin.origin, pin.log_key)
    assert (checkpoint.size, checkpoint.root) == (len(leaves), merkle.root_of(leaves))


def test_10_2_a_bundle_has_consecutive_indexes(world: World) -> None:
    exchanged(world, 5)
    node = world.node.number
    rows = fetch(world.court.centre.database, "SELECT log_index FROM entry WHERE node = ? ORDER BY seq", (node,))
    indexes = [index for (index,) in rows]
    assert indexes == list(range(indexes[0], indexes[0] + 5))


@pytest.mark.parametrize("statement", ["DELETE FROM tile", "UPDATE tile SET hashes = zeroblob(length(hashes))"])
def test_10_3_tiles_only_grow(still: World, statement: str) -> None:
    with pytest.raises(apsw.ConstraintError):
        fetch(still.court.centre.database, statement)


def test_10_4_another_key_or_origin_is_refused(still: World) -> None:
    pin, keys = still.me.pin, still.court.centre.keys
    true = Checkpoint(pin.origin, 1, bytes(32))
    stranger = sign_checkpoint(true, pin.origin, Ed25519PrivateKey.generate())
    assert code_of(lambda: still.node.client._link.accept_checkpoint(stranger, [])) == "checkpoint.unsigned"
    elsewhere = sign_checkpoint(Checkpoint("elsewhere/log", 1, bytes(32)), pin.origin, keys.log())
    assert code_of(lambda: still.node.client._link.accept_checkpoint(elsewhere, [])) == "checkpoint.origin"


def test_10_5_a_register_that_was_rolled_back_says_so(still: World) -> None:
    """Row 8: the centre knows less than a node."""
    assert still.refused(ports.DOWN, pack(Ask(nonce=bytes(16), size=10**6), still.me)).code == "log.ahead"
    assert still.refused(ports.DOWN, pack(Ask(nonce=bytes(16), size=-1), still.me)).code == "proof.size"


def test_10_2_an_index_is_given_once(world: World) -> None:
    """Row 43: one index an entry."""
    exchanged(world)
    centre = world.court.centre.database
    taken = make_entry(5, 1, 1)
    statement = "INSERT INTO entry (leaf, node, epoch, seq, obj, log_index, envelope, content_hash) VALUES (?, 5, 1, 1, ?, 0, ?, ?)"
    with pytest.raises(apsw.ConstraintError):
        fetch(centre, statement, (taken.leaf, taken.envelope.obj, taken.envelope_bytes, taken.content_hash))


@pytest.mark.parametrize("off_ms", [0, -400 * 86_400_000, 10 * 400 * 86_400_000, -START_MS])
def test_9_5_row_18_a_wrong_clock_is_flagged_between_two_heads_and_nothing_is_refused(world: World, off_ms: int) -> None:
    """row 11, row 18, row 19: what the clock said against what the register's heads prove."""
    centre, clock = world.court.centre, world.court.clock
    world.write()
    world.node.client.exchange()
    after = clock.now()
    clock.tick(60_000)
    said = clock.now() + off_ms
    [entry] = world.write()
    clock.tick(60_000)
    world.node.client.exchange()
    r0 = sign_r0(Taken(talon=1, node=world.node.number, leaf=entry.leaf, statement=bytes(32), at=said), world.me.now)
    report = verify_file(r0, database=centre.database, pin=world.me.pin, trust=None, now_ms=clock.now())
    told = [each.params for each in report.findings if "before_ms" in each.params]
    assert told == [{"after_ms": after, "before_ms": clock.now()}]
    flagged = [each for each in report.findings if "clock said" in each.sentence]
    assert bool(flagged) == bool(off_ms)
    assert all(each.level == "warn" for each in flagged)


def test_9_11_a_receipt_says_that_a_witness_signed_and_one_of_before_holds(still: World) -> None:
    said = msgspec.structs.replace(TAKEN, witness=1)
    read = read_r0(sign_r0(said, still.me), still.me.certificate)
    assert read.witness == 1
    assert read_r0(sign_r0(TAKEN, still.me), still.me.certificate).witness == 0
    assert b"witness" not in encode_body(TAKEN), "the bytes of a receipt without one are those of before"
    named = {"database": still.node.database, "pin": still.me.pin, "trust": None, "now_ms": START_MS}
    report = verify_file(sign_r0(said, still.me), **named)
    assert report.facts["witness"] is True
    assert "witness" not in verify_file(sign_r0(TAKEN, still.me), **named).facts
