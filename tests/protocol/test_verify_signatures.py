"""Signatures of people outside of PDFs, checked with nothing but certificates: who, when, what is covered, and why not."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.pki import cms
from common.pki.algorithms import DIGEST_TITLES
from common.pki.authority import Authority
from common.pki.keystore import Key
from common.pki.profile import TIME_STAMPING
from common.pki.timestamps import POLICY_RSA, Request
from common.pki.trust import Trust
from sync.report import Report
from sync.verify import World, check
from sync.verify_evidence import empty_database
from sync.verify_world import Seen, Signature, _moment
from tests.court import START_MS
from tests.pki_services import timestamp_response
from tests.xml_signing import sign_xml

DAY_MS = 86_400_000
DOCUMENT = "Талап қою арызы".encode()
XML = '<талап><a Id="part">1</a><!-- сөз --><b>2</b></талап>'


@pytest.fixture(scope="module")
def authorities() -> dict[str, Authority]:
    return {name: Authority.create(name, f"СЫНАҚ {name}", at_ms=START_MS - 90 * DAY_MS) for name in ("gost512", "p256")}


@pytest.fixture(scope="module")
def keys(authorities: dict[str, Authority]) -> dict[str, Key]:
    return {
        name: one.issue_person("АХМЕТОВА", "АЙГҮЛ", "СЕРІКҚЫЗЫ", "900101400018", not_before_ms=START_MS - 60 * DAY_MS)
        for name, one in authorities.items()
    }


@pytest.fixture(scope="module")
def trust(authorities: dict[str, Authority]) -> Trust:
    made = Trust.of([der for one in authorities.values() for der in (*one.anchors(), *one.authorities())])
    for one in authorities.values():
        made.import_crl(one.crl(START_MS, START_MS + DAY_MS, 1), START_MS)
    return made


def judged(data: bytes, trust: Trust | None, *, now_ms: int = START_MS + 1, **given: Any) -> Report:
    report = check(World(database=empty_database(), pin=None, trust=trust, now_ms=now_ms, **given), data)
    json.dumps(report.as_json())
    return report


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings if finding.level in ("bad", "unknown")]


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "der": lambda data: data,
    "text": lambda data: b"-----BEGIN CMS-----\n" + base64.encodebytes(data) + b"-----END CMS-----\n",
    "base64": lambda data: base64.b64encode(data),
    "lines": lambda data: base64.encodebytes(data),
}


@pytest.mark.parametrize("kind", ["gost512", "p256"])
@pytest.mark.parametrize("form", FORMS)
def test_a_detached_cms_tells_everything_about_itself(keys: dict[str, Key], trust: Trust, kind: str, form: str) -> None:
    report = judged(FORMS[form](cms.sign_detached(DOCUMENT, keys[kind], at_ms=START_MS)), trust, content=DOCUMENT)
    assert (report.kind, report.verdict, codes(report)) == ("cms", "valid", [])
    [said] = report.as_json()["signatures"]
    assert said["name"] == "АХМЕТОВА АЙГҮЛ СЕРІКҚЫЗЫ"
    assert (said["number"], said["claimed"], said["stamped"]) == ("900101400018", "2026-11-21T05:46:40Z", None)
    assert (said["algorithm"], said["digest"]) == {
        "gost512": ("GOST 34.10-2015/512", "streebog512"),
        "p256": ("ECDSA P-256", "sha256"),
    }[kind]
    assert f", {DIGEST_TITLES[said['digest']]}, CAdES-B" in dict(report.signatures[0].rows(masked=False))["Algorithm"][0].text
    assert said["chain"] == [f"СЫНАҚ {kind}", f"СЫНАҚ {kind} ROOT"]
    assert said["level"] == "CAdES-B"
    assert (said["revocation"], said["list"], said["list_until"]) == ("good", "2026-11-21T05:46:40Z", "2026-11-22T05:46:40Z")
    assert (said["revocation_by"], said["checked"], said["list_age_seconds"]) == ("list", "2026-11-21T05:46:40Z", 0)
    assert said["covers"] == ["the file given beside the signature, byte for byte"]


def test_the_age_of_what_is_known_is_said(keys: dict[str, Key], trust: Trust) -> None:
    """Days after the list came it is past its term, and everybody sees by how much."""
    report = judged(cms.sign_detached(DOCUMENT, keys["p256"], at_ms=START_MS), trust, content=DOCUMENT, now_ms=START_MS + 3 * DAY_MS)
    [said] = report.as_json()["signatures"]
    assert (report.verdict, said["list_stale"], said["list_age_seconds"]) == ("valid", True, 3 * DAY_MS // 1000)
    assert [each.level for each in dict(report.signatures[0].rows(masked=False))["Revocation"]] == ["warn"]


def test_what_the_check_lacks_is_said_and_is_no_verdict(keys: dict[str, Key], trust: Trust, authorities: dict[str, Authority]) -> None:
    signature = cms.sign_detached(DOCUMENT, keys["p256"], at_ms=START_MS)
    assert (judged(signature, trust).verdict, codes(judged(signature, trust))) == ("unknown", ["cms.detached"])
    alone = judged(signature, None, content=DOCUMENT)
    assert (alone.verdict, codes(alone)) == ("unknown", ["verify.trust"])
    without = Trust.of([*authorities["p256"].anchors(), *authorities["p256"].authorities()])
    listless = judged(signature, without, content=DOCUMENT)
    assert (listless.verdict, codes(listless), listless.signatures[0].revocation) == ("unknown", ["verify.crl"], "unknown")


def test_what_was_changed_or_is_not_trusted_is_invalid(keys: dict[str, Key], trust: Trust) -> None:
    signature = cms.sign_detached(DOCUMENT, keys["p256"], at_ms=START_MS)
    assert codes(judged(signature, trust, content=DOCUMENT + b" ")) == ["cms.tampered"]
    assert judged(signature, trust, content=DOCUMENT + b" ").verdict == "invalid"
    assert codes(judged(signature[:-4] + b"abcd", trust, content=DOCUMENT))[0].startswith("cms.")
    others = Authority.create("p256", "БАСҚА", at_ms=START_MS - DAY_MS)
    assert codes(judged(signature, Trust.of(others.anchors()), content=DOCUMENT)) == ["pki.untrusted"]


def test_revocation_and_the_moment_of_the_check(authorities: dict[str, Authority]) -> None:
    authority = Authority.create("p256", "СЫНАҚ", at_ms=START_MS - 90 * DAY_MS)
    key = authority.issue_person("ТӨЛЕНОВ", "САМАТ", "", "880808300888", not_before_ms=START_MS - 60 * DAY_MS)
    authority.revoke(key.certificate, START_MS - 10 * DAY_MS)
    trust = Trust.of([*authority.anchors(), *authority.authorities()])
    trust.import_crl(authority.crl(START_MS, START_MS + DAY_MS, 1), START_MS)
    signature = cms.sign_detached(DOCUMENT, key, at_ms=START_MS - 20 * DAY_MS)
    claimed = judged(signature, trust, content=DOCUMENT)
    assert (claimed.verdict, codes(claimed)) == ("unknown", ["verify.moment"]), "its thief could have claimed the same"
    assert judged(signature, trust, content=DOCUMENT, at_ms=START_MS - 20 * DAY_MS).verdict == "valid"
    stands = judged(signature, trust, content=DOCUMENT, at_ms=START_MS - 20 * DAY_MS)
    assert [each.level for each in stands.findings if "revoked later, at 2026-11-11T" in each.text] == ["warn"]
    assert not any("not on the revocation list" in each.text for each in stands.findings)
    [said] = stands.as_json()["signatures"]
    assert (said["revocation"], said["revoked_later"]) == ("good", "2026-11-11T05:46:40Z")
    assert dict(stands.signatures[0].rows(masked=False))["Revocation"][0].text.startswith("revoked later, at 2026-11-11T")
    later = judged(signature, trust, content=DOCUMENT, at_ms=START_MS - 5 * DAY_MS)
    assert later.signatures[0].revoked_later_ms is None
    assert (later.verdict, codes(later), later.signatures[0].revocation) == ("invalid", ["pki.revoked"], "revoked")
    [said] = later.as_json()["signatures"]
    assert (said["revoked_since"], said["list"]) == ("2026-11-11T05:46:40Z", "2026-11-21T05:46:40Z")
    assert said["chain"] == ["СЫНАҚ", "СЫНАҚ ROOT"]
    assert dict(later.signatures[0].rows(masked=False))["Revocation"][0].text == "revoked or put on hold at 2026-11-11T05:46:40Z"
    assert codes(judged(signature, trust, content=DOCUMENT, at_ms=START_MS - 70 * DAY_MS)) == ["pki.not_yet_valid"]
    old = judged(signature, trust, content=DOCUMENT, at_ms=START_MS + 400 * DAY_MS)
    assert (codes(old), old.signatures[0].chain) == (["pki.expired"], ("СЫНАҚ", "СЫНАҚ ROOT"))
    assert dict(old.signatures[0].rows(masked=False))["Revocation"][0].text.startswith("not looked up")


@pytest.mark.parametrize("kind", ["gost512", "p256"])
def test_a_signed_xml_says_what_is_covered_and_what_is_not(keys: dict[str, Key], trust: Trust, kind: str) -> None:
    whole = judged(sign_xml(XML, keys[kind]), trust)
    assert (whole.kind, whole.verdict) == ("xml", "valid")
    said = whole.signatures[0].as_json()
    assert said["covers"] == ["the whole XML document but the signature itself"]
    assert "not the comments in the document" in said["not_covered"]
    part = judged(sign_xml(XML, keys[kind], uri="#part"), trust)
    assert part.verdict == "valid"
    assert part.signatures[0].as_json()["covers"] == ["the element «a» with the Id «part»"]
    assert "not the rest of the document" in part.signatures[0].as_json()["not_covered"]
    assert any(finding.level == "warn" and "Only a part" in finding.sentence for finding in part.findings)
    assert codes(judged(sign_xml(XML, keys[kind]).replace(b">2<", b">3<"), trust)) == ["xml.tampered"]
    assert codes(judged(b"<x/>", trust)) == ["xml.unsigned"]


def test_papers_of_machines_need_a_register(keys: dict[str, Key], trust: Trust) -> None:
    report = judged(b"c2sp.org/tlog-proof@v1\nindex 0\n\nx\n1\nAAAA\n\n\xe2\x80\x94 x AAAA\n", trust)
    assert (report.kind, report.verdict, codes(report)) == ("proof", "unknown", ["verify.pin"])


def test_a_time_stamp_proves_what_the_signer_only_says(authorities: dict[str, Authority], trust: Trust) -> None:
    authority = Authority.create("p256", "СЫНАҚ", at_ms=START_MS - 90 * DAY_MS)
    key = authority.issue_person("ТӨЛЕНОВ", "САМАТ", "", "880808300888", not_before_ms=START_MS - 60 * DAY_MS)
    service = authority.issue_service("TSA", TIME_STAMPING, not_before_ms=START_MS - 60 * DAY_MS)
    authority.revoke(key.certificate, START_MS - 10 * DAY_MS)
    ours = Trust.of([*authority.anchors(), *authority.authorities()])
    ours.import_crl(authority.crl(START_MS, START_MS + DAY_MS, 1), START_MS)
    plain = cms.sign_detached(DOCUMENT, key, at_ms=START_MS - 20 * DAY_MS)

    def stamped(value: bytes, at_ms: int) -> bytes:
        request = Request.over(value, policy=POLICY_RSA)
        return cms.add_timestamp(plain, request.read_response(timestamp_response(request.encoded(), service, at_ms=at_ms)))

    value = cms.read(plain).signers[0].signature
    before = judged(stamped(value, START_MS - 19 * DAY_MS), ours, content=DOCUMENT)
    assert (before.verdict, before.signatures[0].stamped_ms) == ("valid", START_MS - 19 * DAY_MS)
    after = judged(stamped(value, START_MS - 5 * DAY_MS), ours, content=DOCUMENT)
    assert (after.verdict, codes(after)) == ("invalid", ["pki.revoked"])
    foreign = judged(stamped(b"another signature", START_MS - 19 * DAY_MS), ours, content=DOCUMENT)
    assert (foreign.verdict, codes(foreign)) == ("invalid", ["tsp.tampered", "verify.moment"])
    assert any("not to be relied on" in each.sentence for each in judged(stamped(value, START_MS), trust, content=DOCUMENT).findings)
    assert not any("service was revoked is not known" in each.sentence for each in before.findings)
    listless = judged(stamped(value, START_MS - 19 * DAY_MS), Trust.of([*authority.anchors(), *authority.authorities()]), content=DOCUMENT)
    assert [each.level for each in listless.findings if "service was revoked is not known" in each.sentence] == ["warn"]


@pytest.mark.parametrize("whole", [False, True], ids=["token", "answer"])
def test_a_time_stamp_in_a_file_of_its_own_is_checked_with_what_it_is_over(
    authorities: dict[str, Authority], trust: Trust, whole: bool
) -> None:
    service = authorities["p256"].issue_service("TSA", TIME_STAMPING, not_before_ms=START_MS - 60 * DAY_MS)
    request = Request.over(DOCUMENT, policy=POLICY_RSA)
    answer = timestamp_response(request.encoded(), service, at_ms=START_MS - DAY_MS)
    stamp = answer if whole else request.read_response(answer)
    good = judged(stamp, trust, content=DOCUMENT)
    assert (good.kind, good.verdict, good.facts["name"], good.facts["at_ms"]) == ("timestamp", "valid", "TSA", START_MS - DAY_MS)
    assert [each.text for each in good.findings] == [
        "A time stamp of TSA proves that the file given beside it was there at 2026-11-20T05:46:40Z."
    ]
    alone = judged(stamp, trust)
    assert (alone.verdict, codes(alone)) == ("unknown", ["tsp.detached"])
    assert codes(judged(stamp, None, content=DOCUMENT)) == ["verify.trust"]
    other = judged(stamp, trust, content=DOCUMENT + b".")
    assert (other.verdict, codes(other)) == ("invalid", ["tsp.tampered"])
    broken = judged(stamp[:-1] + bytes([stamp[-1] ^ 1]), trust)
    assert (broken.verdict, codes(broken)) == ("invalid", ["tsp.tampered"])
    stranger = Authority.create("p256", "БАСҚА", at_ms=START_MS - DAY_MS)
    assert codes(judged(stamp, Trust.of(stranger.anchors()), content=DOCUMENT)) == ["pki.untrusted"]


def test_several_signers_are_judged_one_by_one(keys: dict[str, Key], trust: Trust) -> None:
    both = cms.add_signer(cms.sign_detached(DOCUMENT, keys["p256"], at_ms=START_MS), DOCUMENT, keys["gost512"], at_ms=START_MS)
    report = judged(both, trust, content=DOCUMENT)
    assert report.verdict == "valid"
    assert {each.algorithm for each in report.signatures} == {"ECDSA P-256", "GOST 34.10-2015/512"}
    attached = judged(cms.sign_attached(DOCUMENT, keys["p256"], at_ms=START_MS), trust)
    assert attached.signatures[0].as_json()["covers"] == ["the content inside the signature, byte for byte"]


@pytest.mark.parametrize("name", ["attached", "detached"])
def test_what_the_national_library_made_is_valid_with_its_time_stamp(name: str) -> None:
    folder = Path(__file__).resolve().parents[3] / "shared" / "pki" / "data" / "skarm-kalkan"
    if not folder.is_dir():
        pytest.skip("no national test data")
    ours = Trust.of([(folder / "certs" / f"{each}.cer").read_bytes() for each in ("root_test_gost_2022", "nca_gost2022_test")])
    for each in ("root_gost_2022", "nca_gost_2022"):  # the test signatures carry time stamps of the production service
        ours.add((folder.parent / "edscheck-prod-ca" / f"{each}.pem").read_bytes())
    ours.import_crl((folder / "certs" / "nca_gost2022_test.crl").read_bytes(), START_MS)
    document = (folder / "cms" / "individual_document.txt").read_bytes()
    report = judged((folder / "cms" / f"individual_{name}.der").read_bytes(), ours, content=document)
    said = report.as_json()["signatures"][0]
    assert (report.verdict, said["name"], said["algorithm"]) == ("valid", "ТЕСТОВ ТЕСТ ТЕСТОВИЧ", "GOST 34.10-2015/512")
    assert said["stamped"][:10] == said["claimed"][:10]


@pytest.mark.parametrize("answered", [False, True])
def test_a_revocation_after_the_moment_that_only_others_saw_is_said_too(
    keys: dict[str, Key], authorities: dict[str, Authority], answered: bool
) -> None:
    key, authority = keys["p256"], authorities["p256"]
    listless = Trust.of([*authority.anchors(), *authority.authorities()])
    signature = cms.sign_detached(DOCUMENT, key, at_ms=START_MS - 5 * DAY_MS)
    known = {"seen": {key.certificate.sha256: Seen(START_MS, START_MS - 2 * DAY_MS, answered)}, "content": DOCUMENT}
    report = judged(signature, listless, before_ms=START_MS - 4 * DAY_MS, **known)
    assert (report.verdict, report.signatures[0].revoked_later_ms) == ("valid", START_MS - 2 * DAY_MS)
    assert [each.level for each in report.findings if "revoked later, at 2026-11-19T" in each.text] == ["warn"]
    assert not any("was not" in each.text for each in report.findings)
    assert codes(judged(signature, listless, **known)) == ["verify.moment"], "its thief could have claimed the same"
    good = judged(signature, listless, content=DOCUMENT, seen={key.certificate.sha256: Seen(START_MS, None, answered)})
    [said] = good.as_json()["signatures"]
    assert (good.verdict, said["revocation"], said["list"]) == ("valid", "good", "2026-11-21T05:46:40Z")
    assert said["revocation_by"] == ("answer" if answered else "maker")
    [row] = dict(good.signatures[0].rows(masked=False))["Revocation"]
    assert (row.level, "answer" in row.text) == (("ok", True) if answered else ("warn", False))


@pytest.mark.parametrize(("role", "words"), [("head", "head of the organisation"), ("employee", "employee of the organisation")])
def test_of_an_organisations_key_the_role_is_said(authorities: dict[str, Authority], trust: Trust, role: str, words: str) -> None:
    holder = ("ЖАҚЫП", "НҰРЛАН", "", "940404300444", "«ДАЛА» ЖШС", "120340001234")
    key = authorities["p256"].issue_organisation(*holder, role=role, not_before_ms=START_MS - 60 * DAY_MS)
    report = judged(cms.sign_detached(DOCUMENT, key, at_ms=START_MS), trust, content=DOCUMENT)
    assert report.verdict == "valid"
    assert report.as_json()["signatures"][0]["role"] == role
    assert [each.text for each in dict(report.signatures[0].rows(masked=False))["Who"]][1:] == ["«ДАЛА» ЖШС", words]


@pytest.mark.parametrize(("after_ms", "outside"), [(0, False), (400, False), (999, False), (1_000, True)])
def test_a_time_in_whole_seconds_is_not_held_against_a_head_of_the_same_second(keys: dict[str, Key], after_ms: int, outside: bool) -> None:
    signed_ms = 1_795_775_281_000
    report = Report("statement")
    signature = Signature(
        certificate=next(iter(keys.values())).certificate,
        digest="sha256",
        level="PAdES-B",
        claimed_ms=signed_ms,
        after_ms=signed_ms + after_ms,
    )
    world = World(database=None, pin=None, trust=None, now_ms=signed_ms + 60_000)  # type: ignore[arg-type]
    _moment(world, signature, None, report)
    assert any("lies outside" in finding.sentence for finding in report.findings) == outside
