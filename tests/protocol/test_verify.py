"""`verify_file`: what is genuine is said so, what is not says what is wrong, and garbage never raises."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.court.filing_lists import Filing, files
from common.db import fetch
from common.pki import pades
from common.pki.authority import Authority
from common.pki.keystore import key_from_ec
from common.pki.trust import Trust
from edge.node import Node
from edge.services import talons
from sync import container, identity, witness
from sync.checkpoint import Checkpoint, add_signature, cosign, sign_checkpoint
from sync.receipts import Taken, inclusion_of, sign_r0
from sync.report import Report
from sync.verify import verify_file
from sync.verify_register import compare
from tests.court import START_MS, Court
from tests.web.filing_world import COURT, create, pdf, ready, send
from tests.web.pages import AIGUL, trust_our_centres


@dataclass
class World:
    """One filing that has climbed to R2, and all the papers made of it."""

    court: Court
    node: Node
    filing: Filing
    talon: bytes
    r0: bytes
    qr: bytes
    statement: bytes
    attachment: bytes
    proof: bytes
    note: bytes
    r2: bytes
    bundle: bytes

    def verify(self, data: bytes, where: Any = None, **given: Any) -> Report:
        where = where or self.node
        named = {"database": where.database, "pin": where.identity.pin, "trust": where.trust, "now_ms": START_MS, **given}
        return verify_file(data, **named)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    court = Court(tmp_path_factory.mktemp("verify"))
    court.publish_reference()
    node = court.node(COURT)
    trust_our_centres(node)
    trust_our_centres(court.centre)  # type: ignore[arg-type]
    create(node)
    filing = send(node, ready(node))
    assert court.exchange(node)
    assert court.exchange(node)
    receipt = talons.receipt_of(node, filing)
    up = [body for _, body in court.lines[node.number].seen if body.startswith(container.MAGIC)]
    return World(
        court=court,
        node=node,
        filing=filing,
        talon=talons.pdf(node, filing),
        r0=receipt.r0,
        qr=receipt.qr_text.encode(),
        statement=node.blobs.read(filing.statement_sha256),
        attachment=node.blobs.read(files(node.database, filing.obj)[0].sha256),
        proof=inclusion_of(node.database, filing.leaf),
        note=fetch(node.database, "SELECT note FROM sync")[0][0],
        r2=fetch(node.database, "SELECT statement FROM complete_here")[0][0],
        bundle=up[0],
    )


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings if finding.level in ("bad", "unknown")]


GENUINE = {
    "talon": "talon",
    "r0": "receipt",
    "qr": "receipt",
    "statement": "statement",
    "attachment": "file",
    "proof": "proof",
    "note": "checkpoint",
    "r2": "complete",
    "bundle": "bundle",
}


@pytest.mark.parametrize("name", GENUINE)
def test_what_is_genuine_is_said_so_at_the_node_and_at_the_centre(world: World, name: str) -> None:
    for where in (world.node, world.court.centre):
        report = world.verify(getattr(world, name), where)
        assert (report.kind, report.valid, codes(report)) == (GENUINE[name], True, [])
        json.dumps(report.as_json())


def flipped(data: bytes, place: int) -> bytes:
    place %= len(data)
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


TAMPERED: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "a page of the talon changed": ("talon", lambda data: flipped(data, 9_000), "pdf.tampered"),
    "something added to the talon": ("talon", lambda data: data + b"\n% more", "pdf.appended"),
    "the talon cut": ("talon", lambda data: data[: len(data) // 2], "pdf.broken"),
    "a letter of the statement changed": ("statement", lambda data: flipped(data, 6_000), "pdf.tampered"),
    "something added to the statement": ("statement", lambda data: data + b"\n% more", "pdf.appended"),
    "an attachment changed": ("attachment", lambda data: data.replace(b"/MediaBox [ 0 0 612", b"/MediaBox [ 0 0 613"), "pdf.unsigned"),
    "a receipt changed": ("r0", lambda data: flipped(data, -1), "cose.signature"),
    "a receipt's content changed": ("r0", lambda data: flipped(data, 60), "cose"),
    "a code misread": ("qr", lambda data: data[:-2] + b"ii", "qr"),
    "a proof of another place": ("proof", lambda data: data.replace(b"\nindex ", b"\nindex 1"), "proof"),
    "a proof of another entry": ("proof", lambda data: re.sub(rb"extra .*\n", b"extra " + b"A" * 43 + b"=\n", data), "proof"),
    "a checkpoint of another size": ("note", lambda data: re.sub(rb"\n(\d+)\n", rb"\n9\1\n", data, count=1), "checkpoint.signature"),
    "a bundle's content changed": ("bundle", lambda data: flipped(data, -1), "container.payload"),
    "a bundle's header changed": ("bundle", lambda data: flipped(data, 200), ""),
    "a bundle cut": ("bundle", lambda data: data[:-10], "container.payload"),
    "the centre's word changed": ("r2", lambda data: flipped(data, -1), "cose.signature"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_what_was_changed_says_what_is_wrong(world: World, case: str) -> None:
    name, change, code = TAMPERED[case]
    data = getattr(world, name)
    changed = change(data)
    assert changed != data
    report = world.verify(changed)
    assert not report.valid
    assert any(each.startswith(code) for each in codes(report)), codes(report)
    assert all(finding.text for finding in report.findings)


def test_a_tampered_talon_still_tells_that_its_receipt_is_genuine(world: World) -> None:
    report = world.verify(flipped(world.talon, 9_000))
    assert (report.kind, report.facts["talon"]) == ("talon", world.filing.talon)
    assert any(finding.level == "warn" and "inside the file is genuine" in finding.sentence for finding in report.findings)


def test_a_talon_names_its_place_and_is_held_against_the_bundle_that_carried_it(world: World) -> None:
    """Row 49: from the page a citizen holds; the bundle is as the machine sent it."""
    for where in (world.node, world.court.centre):
        found, bundle = world.verify(world.talon, where), world.verify(world.bundle, where)
        place = (found.facts["epoch"], found.facts["seq"])
        assert place == (world.filing.epoch, world.filing.seq)
        assert found.facts["head"] == world.node.journal.head_at(*place)
        compare([found, bundle])
        assert found.valid
        assert any("carries the entry" in each.sentence for each in found.findings)


def test_a_talon_of_a_made_up_machine_is_refused(world: World) -> None:
    keys = identity.generate_keys()
    theirs = world.node.identity.certificate.body
    body = identity.CertificateBody(
        environment=theirs.environment,
        node=theirs.node,
        serial=1,
        sign=keys.sign.public_key().public_bytes_raw(),
        seal=keys.seal.public_key().public_bytes_raw(),
        pdf=theirs.pdf,
        not_before=theirs.not_before,
        not_after=theirs.not_after,
    )
    forged = identity.issue_certificate(body, keys.sign)  # signed by itself, not by the registry
    liar = identity.Era(keys.sign, keys.seal, keys.pdf, identity.NodeCertificate(forged, identity.key_id_of(forged), body))
    r0 = sign_r0(Taken(talon=1, node=theirs.node, leaf=bytes(32), statement=bytes(32), at=START_MS), liar)
    assert codes(world.verify(r0)) == ["node.unknown"]
    assert codes(world.verify(forged)) == ["cose.signature"]


def test_a_talon_signed_again_with_another_key_is_refused(world: World) -> None:
    key = world.court.centre.identity.now
    page = talons.talon_pdf(talons.facts_of(world.node, world.filing))
    other = pades.sign_pdf(page, key_from_ec(key.pdf, key.certificate.body.pdf), at_ms=START_MS, field="Court")
    assert codes(world.verify(other)) == ["talon.key"]
    assert codes(world.verify(page)) == ["pdf.unsigned"]


def test_a_statement_signed_by_nobody_we_trust_is_refused(world: World) -> None:
    theirs = Authority.create("p256", "БАСҚА", at_ms=START_MS)
    assert codes(world.verify(world.statement, trust=Trust.of(theirs.anchors()))) == ["pki.untrusted"]
    unknown = world.verify(world.statement, trust=None)
    assert (unknown.verdict, codes(unknown)) == ("unknown", ["verify.trust"])


def test_an_old_revocation_list_is_said(world: World) -> None:
    late = world.verify(world.statement, now_ms=START_MS + 5 * 86_400_000)
    assert late.valid
    assert any(finding.level == "warn" and "past its term" in finding.sentence for finding in late.findings)


def test_a_machine_that_was_never_told_of_the_filing_says_so(world: World) -> None:
    other = world.court.node("kz-7")
    report = world.verify(world.talon, other)
    assert report.valid
    assert any("does not hold the papers" in finding.sentence for finding in report.findings)
    assert codes(world.verify(world.attachment, other)) == ["pdf.unsigned"]
    assert world.verify(world.proof, other).valid


def test_a_register_that_shows_two_histories_is_caught(world: World, tmp_path: Path) -> None:
    size, root = fetch(world.node.database, "SELECT size, root FROM sync")[0]
    fetch(world.node.database, "UPDATE sync SET root = ?", (bytes(32),))
    try:
        assert codes(world.verify(world.note)) == ["register.split"]
    finally:
        fetch(world.node.database, "UPDATE sync SET root = ?", (root,))
    assert world.verify(world.note).facts["size"] == size


def test_two_statements_are_held_against_each_other(world: World) -> None:
    pin, log = world.node.identity.pin, world.court.centre.keys.log()
    name, key = witness.name_of(pin, world.node.number), world.node.identity.sign

    def said(size: int, root: bytes, *, cosigned: int = 0) -> Report:
        note = sign_checkpoint(Checkpoint(pin.origin, size, root), pin.origin, log)
        return world.verify(add_signature(note, cosign(note, name, key, cosigned)) if cosigned else note)

    small, large = (said(size, bytes(32), cosigned=seconds) for size, seconds in ((900, 7), (901, 9)))
    assert small.facts["cosigned"] == {f"{world.node.number:04}": 7}
    compare([small, large])
    assert small.valid
    assert large.valid
    back = said(900, bytes(32), cosigned=11)
    compare([back, large])
    assert codes(back) == codes(large) == ["register.rolled_back"]
    split = [said(902, bytes(32)), said(902, b"\1" * 32)]
    compare(split)
    assert [codes(each) for each in split] == [["register.split"]] * 2


def test_lines_that_anybody_may_add_under_a_statement_change_nothing(world: World) -> None:
    pin, key = world.node.identity.pin, world.node.identity.sign
    for number in ("9" * 200, "99999999999999999999", "-1", "x", ""):
        name = f"{pin.origin}/{number}"
        note = add_signature(world.note, cosign(world.note, name, key, 1))
        assert world.verify(note).valid, number


def test_a_proof_without_its_entry_asks_for_it(world: World) -> None:
    bare = re.sub(rb"extra .*\n", b"", world.proof)
    assert codes(world.verify(bare)) == ["verify.leaf"]
    assert world.verify(bare, leaf=world.filing.leaf).valid


def test_unsigned_papers_and_unknown_files_are_refused(world: World) -> None:
    assert codes(world.verify(pdf(7))) == ["pdf.unsigned"]
    assert codes(world.verify("жай мәтін".encode())) == ["file.unknown"]
    assert codes(world.verify(b"")) == ["file.unknown"]
    assert world.verify(b"x" * 10, where=world.court.centre).kind == "file"


def test_an_excluded_machines_later_papers_are_evidence_only(tmp_path: Path) -> None:
    from central.services import enrolment

    court = Court(tmp_path)
    court.publish_reference()
    node = court.node(COURT)
    trust_our_centres(node)
    create(node)
    enrolment.revoke(court.centre, node=node.number, reason="ұрланған")
    other = court.node("kz-7")
    later = send(node, ready(node))
    fetch(node.database, "UPDATE node SET revoked_epoch = 1, revoked_seq = 0, revoked_reason = 'x' WHERE node = ?", (node.number,))
    r0 = talons.receipt_of(node, later).r0
    for where, expected in ((node, ["node.revoked"]), (other, [])):
        report = verify_file(r0, database=where.database, pin=where.identity.pin, trust=None, now_ms=START_MS)
        assert codes(report) == expected
        assert expected or any("excluded later" in finding.sentence for finding in report.findings)


def test_too_many_files_inside_are_refused(world: World) -> None:
    with pikepdf.new() as made:
        made.add_blank_page()
        for number in range(20):
            made.attachments[f"{number}.bin"] = b"x"
        out = io.BytesIO()
        made.save(out)
    assert codes(world.verify(out.getvalue())) == ["pdf.embedded"]


STARTS = st.sampled_from([b"", b"SOT1:", container.MAGIC, b"%PDF-1.7\n", b"c2sp.org/tlog-proof@v1\n", b"\xd2\x84", b"a\n\n\xe2\x80\x94 "])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=STARTS, rest=st.binary(max_size=400))
def test_garbage_gets_a_report_and_never_an_error(world: World, start: bytes, rest: bytes) -> None:
    report = world.verify(start + rest)
    assert not report.valid
    json.dumps(report.as_json())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(GENUINE)), place=st.integers(0, 1 << 20), cut=st.booleans())
def test_a_genuine_paper_damaged_anywhere_never_raises(world: World, name: str, place: int, cut: bool) -> None:
    data = getattr(world, name)
    damaged = data[: place % len(data)] if cut else flipped(data, place)
    json.dumps(world.verify(damaged).as_json())


def test_the_report_is_for_machines_too(world: World) -> None:
    said = world.verify(world.talon).as_json()
    assert (said["kind"], said["valid"], said["facts"]["talon"]) == ("talon", True, world.filing.talon)
    assert said["facts"]["leaf"] == world.filing.leaf.hex()
    assert AIGUL.iin not in json.dumps(said)
    assert "2026-11-21T05:46:40Z" in json.dumps(said)
