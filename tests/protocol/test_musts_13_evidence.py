"""The evidence of a filing: one file that proves all of it, to anybody, with nothing but trust anchors, and says what was touched."""

import functools
import io
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.services import evidence as central_evidence
from common import canonical
from common.court import filing_lists
from common.court.filing_entries import Evidence
from common.court.filing_lists import Filing
from common.db import fetch
from common.errors import Refused, Unreachable
from common.facts import encode_body
from common.pki import asic, cms, ocsp
from common.pki.asic import Part
from common.pki.authority import Authority
from common.pki.keystore import key_from_ec
from common.pki.profile import TIME_STAMPING
from common.pki.timestamps import POLICY_RSA, Request
from common.pki.trust import Trust
from edge.node import Node
from edge.services import evidence
from sync.receipts import COMPLETES_TYPE, Completes
from sync.report import Report
from sync.verify import World, check, check_open
from sync.verify_evidence import empty_database
from tests.court import START_MS, Court
from tests.pki_services import Services, timestamp_response
from tests.sim import papers
from tests.web.filing_world import COURT, create, ready, send
from tests.web.pages import AIGUL, DAY_MS, REVOKED, centre_of, trust_our_centres


@dataclass
class Made:
    """A filing that climbed, and the containers that node and centre make of it."""

    court: Court
    node: Node
    filing: Filing
    node_made: bytes
    centre_made: bytes

    def alone(self, data: bytes, *, trust: Trust | None = None, **given: Any) -> Report:
        """Check with no database and no machine: the pin, the national roots, nothing else."""
        world = World(database=empty_database(), pin=self.node.identity.pin, trust=trust or roots(), now_ms=START_MS + 1, **given)
        return check(world, data)


def roots() -> Trust:
    return Trust.of([anchor for kind in ("rsa2048", "gost512") for anchor in centre_of(kind).anchors()])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    court = Court(tmp_path_factory.mktemp("evidence"))
    court.publish_reference()
    node = court.node(COURT)
    for machine in (node, court.centre):
        trust_our_centres(machine)  # type: ignore[arg-type]
    create(node)
    filing = send(node, ready(node))
    for _ in range(2):
        assert court.exchange(node)
    index = fetch(court.centre.database, "SELECT log_index FROM entry WHERE leaf = ?", (filing.leaf,))[0][0]
    with evidence.container(node, filing) as file:
        node_made = file.read()
    with central_evidence.container(court.centre, index)[1] as file:
        centre_made = file.read()
    return Made(court, node, filing, node_made, centre_made)


def codes(report: Report) -> list[str]:
    return [finding.code for each in (report, *report.parts) for finding in each.findings if finding.level in ("bad", "unknown")]


def test_it_is_checked_from_itself_alone(made: Made) -> None:
    report = made.alone(made.node_made)
    assert (report.kind, report.verdict, codes(report)) == ("evidence", "valid", [])
    assert [part.title for part in report.parts] == [
        "Proof of the register (R1)",
        "Receipt of the machine (R0)",
        "All files at the centre (R2)",
        "Files",
        "Signed statement",
    ]
    [said] = report.parts[-1].signatures
    assert (said.name, said.revocation, said.chain) == ("СӘРСЕНОВА АЙГҮЛ МАРАТҚЫЗЫ", "good", ("СЫНАҚ rsa2048", "СЫНАҚ rsa2048 ROOT"))
    assert said.before_ms is not None, "R2 says until when it was there"
    assert made.alone(made.node_made, trust=Trust.of(centre_of("elsewhere").anchors())).verdict == "invalid"


def test_that_of_the_centre_has_what_the_register_knows(made: Made) -> None:
    report = made.alone(made.centre_made)
    assert (report.verdict, report.facts["node"]) == ("valid", 0)
    assert [part.title for part in report.parts] == [
        "Proof of the register (R1)",
        "All files at the centre (R2)",
        "Files",
        "Signed statement",
    ]
    with zipfile.ZipFile(io.BytesIO(made.centre_made)) as opened:
        page = opened.read("README.txt").decode()
    for text in ("R0  құрылғы қабылдады (талон): бұл құрылғыда жоқ", "R2  все файлы в центре: есть", made.filing.statement_sha256.hex()):
        assert text in page, text


def test_everyday_tools_open_and_check_it(made: Made, tmp_path: Path) -> None:
    path = tmp_path / "evidence.asice"
    path.write_bytes(made.node_made)
    assert made.node_made[30:69] == b"mimetypeapplication/vnd.etsi.asic-e+zip"
    run(["unzip", "-q", str(path)], tmp_path)
    run(["openssl", "x509", "-inform", "DER", "-in", "certificates/register-pdf.cer", "-out", "register.pem"], tmp_path)
    signature, manifest = "META-INF/signature001.p7s", "META-INF/ASiCManifest001.xml"
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature, "-content", manifest]
    moment = ["-attime", str(START_MS // 1000 + 1)]
    run([*command, "-CAfile", "register.pem", "-purpose", "any", "-out", "/dev/null", *moment], tmp_path)
    assert (tmp_path / "statement.pdf").read_bytes() == made.node.blobs.read(made.filing.statement_sha256)
    assert len(list((tmp_path / "files").iterdir())) == 2


def run(command: list[str], folder: Path) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def repacked(data: bytes, change: Callable[[dict[str, bytes]], object]) -> bytes:
    """The container with its members changed, wrapped again as a careful forger would."""
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    change(members)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as again:
        for name, content in members.items():
            again.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


CHANGES: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "a file changed": (lambda files: files.update({"files/01.pdf": files["files/01.pdf"] + b" "}), "evidence.changed"),
    "the page changed": (lambda files: files.update({"README.txt": b"R3"}), "evidence.changed"),
    "a file more": (lambda files: files.update({"files/99.pdf": b"x"}), "evidence.added"),
    "a file less": (lambda files: files.pop("files/02.pdf"), "evidence.missing"),
    "the manifest changed": (
        lambda files: files.update({"META-INF/ASiCManifest001.xml": files["META-INF/ASiCManifest001.xml"].replace(b"README", b"REEDME")}),
        "cms.tampered",
    ),
    "no manifest": (lambda files: files.pop("META-INF/ASiCManifest001.xml"), "asic.broken"),
    "no signature": (lambda files: files.pop("META-INF/signature001.p7s"), "asic.broken"),
    "another mimetype": (lambda files: files.update({"mimetype": b"application/zip"}), ""),
    "another version": (lambda files: files.pop("evidence.cbor"), "evidence.missing"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_13_2_what_was_touched_is_told(made: Made, name: str) -> None:
    change, code = CHANGES[name]
    report = made.alone(repacked(made.node_made, change))
    assert report.verdict == "invalid"
    assert any(each.startswith(code) for each in codes(report)), codes(report)
    assert made.alone(repacked(made.node_made, lambda files: None)).verdict == "valid"


def signed_again(made: Made, change: Callable[[dict[str, bytes]], object], *, by: Any = None, base: bytes = b"") -> bytes:
    """A container with other content, signed anew: by a machine that went bad, or by anybody's key."""
    with zipfile.ZipFile(io.BytesIO(base or made.node_made)) as opened:
        members = {name: opened.read(name) for name in opened.namelist() if not name.startswith("META-INF/") and name != "mimetype"}
    change(members)
    era = made.node.identity.now
    out = io.BytesIO()
    parts = [Part(name, "application/octet-stream", content) for name, content in members.items()]
    asic.write(out, parts, by or key_from_ec(era.pdf, era.certificate.body.pdf), at_ms=START_MS)
    return out.getvalue()


PROOF = "proofs/001.tlog-proof"
LIES: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "another file under the name": (lambda files: files.update({"files/01.pdf": b"%PDF-1.7 other"}), "evidence.file"),
    "another statement": (lambda files: files.update({"statement.pdf": files["statement.pdf"] + b"\n% more"}), "pdf.appended"),
    "another entry": (lambda files: files.update({"entries/001.cbor": files["entries/001.cbor"][:-1] + b"\x00"}), ""),
    "no entry": (lambda files: files.pop("entries/001.cbor"), "evidence.entry"),
    "a proof of nothing": (
        lambda files: files.update({"proofs/001.tlog-proof": files["proofs/001.tlog-proof"].replace(b"index ", b"index 1")}),
        "proof",
    ),
    # the last byte of a signature is zero once in sixteen: it is flipped, not set
    "the receipt changed": (
        lambda files: files.update({"receipts/r0.cose": files["receipts/r0.cose"][:-1] + bytes([files["receipts/r0.cose"][-1] ^ 1])}),
        "cose.signature",
    ),
    "a machine made up": (
        lambda files: files.update({"certificates/machine-0009-00.cose": files["receipts/r0.cose"]}),
        "cose.content_type",
    ),
    "a list made up": (lambda files: files.update({next(name for name in files if name.endswith(".crl")): b"0"}), "crl.broken"),
}


def test_9_12_r2_of_other_entries_is_no_r2_of_this_one(made: Made) -> None:
    [(index,)] = fetch(made.node.database, "SELECT log_index FROM entry WHERE leaf = ?", (made.filing.leaf,))
    for runs, code in (([[index + 1, 9]], ["evidence.receipt"]), ([[index, 1]], []), ([[0, index]], ["evidence.receipt"])):
        r2 = made.court.centre.identity.sign_message(encode_body(Completes(runs=runs, at=START_MS)), COMPLETES_TYPE)
        report = made.alone(signed_again(made, lambda files, r2=r2: files.update({"receipts/r2.cose": r2})))  # type: ignore[misc]
        assert codes(report) == code


@pytest.mark.parametrize("name", LIES)
def test_13_6_a_machine_cannot_vouch_for_what_others_sign(made: Made, name: str) -> None:
    change, code = LIES[name]
    report = made.alone(signed_again(made, change))
    assert report.verdict == "invalid"
    assert any(each.startswith(code) for each in codes(report)), codes(report)


def test_13_3_only_a_machine_of_the_register_makes_one(made: Made) -> None:
    report = made.alone(signed_again(made, lambda files: None, by=AIGUL.key))
    assert codes(report)[-1:] == ["evidence.unsigned"]
    without = World(database=empty_database(), pin=None, trust=roots(), now_ms=START_MS)
    assert (check(without, made.node_made).verdict, codes(check(without, made.node_made))) == ("unknown", ["verify.pin"])


def test_13_4_another_version_or_entry_is_refused(made: Made) -> None:
    with zipfile.ZipFile(io.BytesIO(made.node_made)) as opened:
        head = canonical.decode_map(opened.read("evidence.cbor"))
    for change, code in (({"v": 2}, "evidence.version"), ({"leaf": bytes(32)}, "evidence.entry"), ({"leaf": 1}, "evidence.version")):
        other = canonical.encode(head | change)
        report = made.alone(signed_again(made, lambda files, other=other: files.update({"evidence.cbor": other})))  # type: ignore[misc]
        assert (report.verdict, codes(report)) == ("invalid", [code])


def test_a_container_of_another_system_is_judged_by_its_signature(made: Made) -> None:
    out = io.BytesIO()
    asic.write(out, [Part("a.txt", "text/plain", b"a")], AIGUL.key, at_ms=START_MS)
    trust = Trust()
    trust_our_centres(type("Machine", (), {"trust": trust, "clock": made.node.clock})())  # type: ignore[arg-type]
    report = made.alone(out.getvalue(), trust=trust)
    assert report.verdict == "valid"
    assert report.signatures[0].name == "СӘРСЕНОВА АЙГҮЛ МАРАТҚЫЗЫ"
    assert any("of another system" in finding.sentence for finding in report.findings)
    bad = io.BytesIO()
    asic.write(bad, [Part("a.txt", "text/plain", b"a")], REVOKED.key, at_ms=START_MS)
    assert codes(made.alone(bad.getvalue(), trust=trust)) == ["pki.revoked"]


def test_13_5_a_time_stamp_is_added_and_changes_nothing_that_was_there(made: Made) -> None:
    """Row 72: evidence outlives an algorithm by a later stamp."""
    authority = Authority.create("p256", "СЫНАҚ TSA", at_ms=START_MS - DAY_MS)
    service = authority.issue_service("TSA", TIME_STAMPING, not_before_ms=START_MS - DAY_MS // 2)
    trust = roots()
    trust.add(authority.anchors()[0])
    trust.add(authority.authorities()[0])

    def stamp(manifest: bytes) -> bytes:
        request = Request.over(manifest, policy=POLICY_RSA)
        return request.read_response(timestamp_response(request.encoded(), service, at_ms=START_MS - 1000))

    file = io.BytesIO(made.node_made)
    assert asic.add_timestamp(file, stamp) == "META-INF/ASiCManifest002.xml"
    once = file.getvalue()
    with zipfile.ZipFile(io.BytesIO(made.node_made)) as before, zipfile.ZipFile(io.BytesIO(once)) as after:
        assert all(before.read(name) == after.read(name) for name in before.namelist())
        assert after.namelist()[-2:] == ["META-INF/ASiCManifest002.xml", "META-INF/timestamp002.tst"]
    report = made.alone(once, trust=trust)
    assert report.verdict == "valid"
    assert any("A time stamp proves" in finding.sentence for finding in report.findings)
    assert report.parts[-1].signatures[0].before_ms == START_MS - 1000
    asic.add_timestamp(io.BytesIO(once), stamp)  # and again, over the first one
    torn = repacked(once, lambda files: files.update({"META-INF/signature001.p7s": files["META-INF/signature001.p7s"][:-1]}))
    assert "evidence.changed" in codes(made.alone(torn, trust=trust))

    def refuses(manifest: bytes) -> bytes:
        raise ConnectionError

    untouched = io.BytesIO(made.node_made)
    with pytest.raises(ConnectionError):
        asic.add_timestamp(untouched, refuses)
    assert untouched.getvalue() == made.node_made


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_each_flipped_bit_is_refused_or_is_of_the_wrapping_alone(made: Made, place: float, bit: int) -> None:
    at = int(place * len(made.centre_made))
    changed = made.centre_made[:at] + bytes([made.centre_made[at] ^ 1 << bit]) + made.centre_made[at + 1 :]
    report = made.alone(changed)
    if report.verdict == "valid":
        with zipfile.ZipFile(io.BytesIO(made.centre_made)) as before, zipfile.ZipFile(io.BytesIO(changed)) as after:
            assert before.namelist() == after.namelist()
            assert all(before.read(name) == after.read(name) for name in before.namelist())


HOSTILE: dict[str, Callable[[], bytes]] = {
    "too many members": lambda: zipped({f"f{number}": b"" for number in range(asic.MEMBERS_MAX + 1)}),
    "a bomb": lambda: zipped({"META-INF/ASiCManifest001.xml": b" " * (32 * 1024 * 1024)}),
    "a way out": lambda: zipped({"../etc/passwd": b"x"}),
    "two of one name": lambda: zipped({"a": b"1"}, again=b"2"),
    "cut": lambda: zipped({"a": b"1"})[:-30],
    "something in front": lambda: b"PK\x03\x04" + zipped({"a": b"1"}),
}


def zipped(members: dict[str, bytes], *, again: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr(zipfile.ZipInfo("mimetype"), asic.MEDIA_TYPE)
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(info, content)
        if again:
            with pytest.warns(UserWarning, match="Duplicate name"):
                made.writestr(zipfile.ZipInfo(next(iter(members))), again)
    return out.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_13_1_hostile_containers_are_refused_with_little_memory(made: Made, name: str) -> None:
    data = HOSTILE[name]()
    tracemalloc.start()
    try:
        report = made.alone(data)
        assert tracemalloc.get_traced_memory()[1] < 12 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert report.verdict == "invalid"


def test_large_files_are_streamed_both_ways(made: Made, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(48 * 1024 * 1024)
    era = made.node.identity.now
    key = key_from_ec(era.pdf, era.certificate.body.pdf)
    tracemalloc.start()
    try:
        with (tmp_path / "e.asice").open("w+b") as file:
            asic.write(file, [Part("large.bin", "application/octet-stream", functools.partial(large.open, "rb"))], key, at_ms=START_MS)
            world = World(database=empty_database(), pin=None, trust=roots(), now_ms=START_MS)
            file.seek(0)
            report = check_open(world, file)
        assert tracemalloc.get_traced_memory()[1] < 12 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert report.kind == "evidence"
    assert codes(report) == ["pki.untrusted"], "a machine's key, and no register is known"


def test_a_machine_brings_its_own_certificate_before_its_directory_has_it(made: Made) -> None:
    database, number = made.node.database, made.node.number
    kept = fetch(database, "SELECT obj, key_id, node, data, position FROM node_certificate WHERE node = ?", (number,))
    fetch(database, "DELETE FROM node_certificate WHERE node = ?", (number,))
    try:
        with evidence.container(made.node, made.filing) as file:
            data = file.read()
    finally:
        for row in kept:
            fetch(database, "INSERT INTO node_certificate (obj, key_id, node, data, position) VALUES (?, ?, ?, ?, ?)", row)
    assert made.alone(data).verdict == "valid"


def test_a_full_disk_is_said_and_nothing_stays(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(asic, "write", full)
    with pytest.raises(Unreachable, match=r"evidence\.disk"):
        evidence.container(made.node, made.filing)


def without_lists(files: dict[str, bytes]) -> None:
    for name in [name for name in files if name.startswith("revocation/")]:
        del files[name]


def test_what_services_outside_have_signed_is_used(made: Made) -> None:
    """The national time stamp over the statement's signature, and the answer about its key in place of a list."""
    issuing = centre_of(AIGUL.centre)
    services = Services(Authority(issuing.root, issuing.issuer), made.court.clock.now)
    signer = cms.read((filing_lists.form(made.node.database, made.filing.obj) or pytest.fail("no form")).signature).signers[0]
    request = Request.over(signer.signature, policy=POLICY_RSA)
    token = request.read_response(services.answer("/tsa", request.encoded()) or b"")
    asked = ocsp.Request.about(signer.certificate, issuing.issuer.certificate)
    answer = services.answer("/ocsp", asked.encoded()) or b""
    for kind, data in (("timestamp", token), ("ocsp", answer)):
        with made.court.centre.journal.unit() as unit:
            unit.append(made.filing.obj, Evidence(kind=kind, data=data, at_ms=START_MS))  # type: ignore[arg-type]
    made.court.centre.publish()
    index = fetch(made.court.centre.database, "SELECT log_index FROM entry WHERE leaf = ?", (made.filing.leaf,))[0][0]
    with central_evidence.container(made.court.centre, index)[1] as file:
        whole = file.read()
    with_lists = made.alone(whole)
    assert (with_lists.verdict, codes(with_lists)) == ("valid", [])
    assert {"Time stamp over the signature", "Answer about the certificate (OCSP)"} <= {part.title for part in with_lists.parts}
    answered = made.alone(signed_again(made, without_lists, base=whole))
    assert answered.verdict == "valid"
    assert any("centre's answer" in finding.sentence for finding in answered.parts[-1].findings)
    assert codes(made.alone(signed_again(made, without_lists))) == ["verify.crl"], "with neither list nor answer nobody can tell"


def test_it_is_stamped_again_at_the_centre(made: Made) -> None:
    """Row 72: the centre stamps again."""
    centre, issuing = made.court.centre, centre_of(AIGUL.centre)
    services = Services(Authority(issuing.root, issuing.issuer), made.court.clock.now)
    before, file = centre.config, io.BytesIO(made.node_made)
    try:
        centre.config = msgspec.structs.replace(before, tsa="", tsa_policy=POLICY_RSA)
        with pytest.raises(Refused, match="evidence.no_service"):
            central_evidence.restamp(centre, file)
        with services.serving() as address:
            centre.config = msgspec.structs.replace(centre.config, tsa=f"{address}/tsa")
            services.down = True
            with pytest.raises(Unreachable):
                central_evidence.restamp(centre, file)
            assert file.getvalue() == made.node_made
            services.down = False
            assert central_evidence.restamp(centre, file) == "META-INF/ASiCManifest002.xml"
    finally:
        centre.config = before
    report = made.alone(file.getvalue())
    assert report.verdict == "valid"
    assert any("A time stamp proves" in finding.sentence for finding in report.findings)


def test_a_decision_comes_with_the_signature_of_who_made_it(made: Made) -> None:
    court, node = made.court, made.node
    court.staff(COURT, nodes=[node])
    for machine in (node, court.centre):
        machine.trust.import_crl(papers.authority().crl(START_MS, START_MS + DAY_MS, 1), START_MS)
    assert court.exchange(node)  # the staff list arrives
    court.decide(node, papers.Filing(made.filing.obj, made.filing.leaf, made.filing.talon, COURT, papers.Person("x", AIGUL.iin)))
    for _ in range(2):
        assert court.exchange(node)
    with evidence.container(node, filing_lists.filing(node.database, made.filing.obj) or made.filing) as file:
        data = file.read()
    trust = roots()
    trust.add(papers.authority().anchors()[0])
    report = made.alone(data, trust=trust)
    assert (report.verdict, codes(report)) == ("valid", [])
    assert [part.title for part in report.parts][1] == "Proof of the register, later entry"
    last = report.parts[-1]
    assert (last.title, last.signatures[0].name) == ("Signed decision or request", papers.clerk_of(COURT).key.certificate.full_name)
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert "R3  сот тіркеді немесе бас тартты: бар" in opened.read("README.txt").decode()
