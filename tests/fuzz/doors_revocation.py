"""The doors of what others say about a signature: OCSP answers, timestamps, and the differences between revocation lists."""

from collections.abc import Callable

from common.pki import crl_patch, ocsp, timestamps
from common.pki.authority import Authority
from common.pki.crl import Crl
from common.pki.profile import OCSP_SIGNING, TIME_STAMPING
from common.pki.timestamps import POLICY_GOST_2015, POLICY_RSA, Request
from common.pki.trust import Trust
from tests.fuzz.doors import Target, all_of
from tests.fuzz.doors_pki import DAY_MS, NOW_MS
from tests.pki_services import NO_CHECK, ocsp_response, timestamp_response

VALUE = b"s" * 128


def _ocsp() -> Target:
    authority = Authority.create("p256", "СЫНАҚ", at_ms=NOW_MS - DAY_MS)
    responder = authority.issue_service("OCSP", OCSP_SIGNING, not_before_ms=NOW_MS - DAY_MS, more=NO_CHECK)
    person = authority.issue_person("А", "Б", "", "900101400018", not_before_ms=NOW_MS - DAY_MS).certificate
    issuer, trust = authority.issuer.certificate, Trust.of(authority.anchors() + authority.authorities())
    question = ocsp.Request.about(person, issuer).encoded()
    seeds = [ocsp_response(question, authority, responder, at_ms=NOW_MS)]
    authority.revoke(person, NOW_MS)
    seeds.append(ocsp_response(question, authority, authority.issuer, at_ms=NOW_MS, certificates=False))
    return Target(lambda data: ocsp.check(data, person, issuer, trust, now_ms=NOW_MS), tuple(seeds))


def _timestamp() -> Target:
    seeds = []
    trust = Trust()
    for kind, policy in (("gost512", POLICY_GOST_2015), ("p256", POLICY_RSA)):
        authority = Authority.create(kind, f"СЫНАҚ {kind}", at_ms=NOW_MS - DAY_MS)
        for certificate in authority.anchors() + authority.authorities():
            trust.add(certificate)
        service = authority.issue_service("TSA", TIME_STAMPING, not_before_ms=NOW_MS - DAY_MS)
        request = Request.over(VALUE, policy=policy)
        answer = timestamp_response(request.encoded(), service, at_ms=NOW_MS)
        seeds += [answer, request.read_response(answer)]

    def token(data: bytes) -> None:
        timestamps.check(data, VALUE, trust, now_ms=NOW_MS)

    return Target(all_of(token, timestamps.said, Request.over(VALUE).read_response), tuple(seeds))


def _patch() -> Target:
    authority = Authority.create("p256", "СЫНАҚ", at_ms=NOW_MS - DAY_MS)
    old, new = (
        Crl(authority.crl_of(dict.fromkeys(serials, (NOW_MS, 1)), NOW_MS, NOW_MS + DAY_MS, b"")) for serials in (range(1, 20), range(5, 30))
    )
    return Target(lambda data: crl_patch.apply(old.der, data), (crl_patch.make(old, new) or b"", crl_patch.make(old, old) or b""))


DOORS: dict[str, Callable[[], Target]] = {"ocsp": _ocsp, "timestamp": _timestamp, "crl_patch": _patch}
