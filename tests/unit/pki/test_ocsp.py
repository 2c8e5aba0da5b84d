"""Answers about one certificate: good, revoked, unknown; by the issuer or whom it appointed; everything else is refused."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pki_samples import NOVEMBER_MS

from common.errors import Refused
from common.pki import der, ocsp
from common.pki.authority import DAY_MS, Authority
from common.pki.keystore import Key
from common.pki.ocsp import Answer, Request
from common.pki.profile import OCSP_SIGNING, TIME_STAMPING
from common.pki.trust import Trust
from tests.pki_services import NO_CHECK, ocsp_response


class Service:
    """An authority, its responder, and somebody's certificate."""

    def __init__(self, made: Authority) -> None:
        self.authority = Authority(made.root, made.issuer)
        self.responder = self.authority.issue_service("OCSP", OCSP_SIGNING, not_before_ms=NOVEMBER_MS - 1000, more=NO_CHECK)
        self.person = self.authority.issue_person("А", "Б", "", "900101400018", not_before_ms=NOVEMBER_MS - 1000).certificate
        self.trust = Trust.of(self.authority.anchors() + self.authority.authorities())
        self.request = Request.about(self.person, self.authority.issuer.certificate)

    def respond(self, key: Key | None = None) -> bytes:
        return ocsp_response(self.request.encoded(), self.authority, key or self.responder, at_ms=NOVEMBER_MS)

    def check(self, data: bytes, *, nonce: bytes | None = None) -> Answer:
        issuer = self.authority.issuer.certificate
        return ocsp.check(data, self.person, issuer, self.trust, now_ms=NOVEMBER_MS, nonce=nonce or self.request.nonce)


@pytest.fixture(scope="module")
def made(authorities: dict[str, Authority]) -> dict[str, Service]:
    return {name: Service(authorities[name]) for name in ("gost512", "rsa2048", "p256")}


@pytest.fixture(params=["gost512", "rsa2048", "p256"])
def service(request: pytest.FixtureRequest, made: dict[str, Service]) -> Service:
    made[request.param].authority.revoked.clear()
    return made[request.param]


def test_a_good_answer(service: Service) -> None:
    answer = service.check(service.respond())
    assert (answer.status, answer.this_update_ms, answer.next_update_ms) == ("good", NOVEMBER_MS, None)
    assert answer.responder == service.responder.certificate


def test_the_issuer_may_answer_itself(service: Service) -> None:
    data = ocsp_response(service.request.encoded(), service.authority, service.authority.issuer, at_ms=NOVEMBER_MS, certificates=False)
    assert service.check(data).responder == service.authority.issuer.certificate


def test_a_revoked_certificate_and_why(service: Service) -> None:
    service.authority.revoke(service.person, NOVEMBER_MS - 5000, reason=6)
    answer = service.check(service.respond())
    assert (answer.status, answer.since_ms, answer.reason) == ("revoked", NOVEMBER_MS - 5000, 6)


def test_revoked_since_1970_means_never_heard_of(service: Service) -> None:
    service.authority.revoke(service.person, 0, reason=6)
    answer = service.check(service.respond())
    assert (answer.status, answer.since_ms) == ("unknown", None)


def test_who_was_not_appointed_is_not_believed(service: Service, authorities: dict[str, Authority]) -> None:
    timestamper = service.authority.issue_service("TSA", TIME_STAMPING, not_before_ms=NOVEMBER_MS - 1000)
    stranger = authorities["gost256"].issue_service("OCSP", OCSP_SIGNING, not_before_ms=NOVEMBER_MS - 1000)
    early = service.authority.issue_service("OCSP", OCSP_SIGNING, not_before_ms=NOVEMBER_MS + DAY_MS)
    for wrong in (timestamper, stranger, early):
        with pytest.raises(Refused, match="ocsp.untrusted"):
            service.check(service.respond(wrong))


def test_another_nonce_and_another_certificate_are_refused(service: Service) -> None:
    with pytest.raises(Refused, match="ocsp.other"):
        service.check(service.respond(), nonce=bytes(16))
    other = service.authority.issue_person("В", "Г", "", "900101400018", not_before_ms=NOVEMBER_MS - 1000).certificate
    issuer = service.authority.issuer.certificate
    with pytest.raises(Refused, match="ocsp.other"):
        ocsp.check(service.respond(), other, issuer, service.trust, now_ms=NOVEMBER_MS)
    with pytest.raises(Refused, match="ocsp.other"):
        ocsp.check(service.respond(), service.person, issuer, service.trust, now_ms=NOVEMBER_MS - DAY_MS)


def test_a_refusal_of_the_service_is_said(service: Service) -> None:
    with pytest.raises(Refused, match="ocsp.refused") as refused:
        service.check(der.sequence(der.element(10, b"\x06")))
    assert refused.value.params["status"] == 6
    with pytest.raises(Refused, match="ocsp.broken"):
        service.check(b"<html>")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_each_flipped_bit_is_refused(service: Service, place: float, bit: int) -> None:
    data = bytearray(service.respond())
    data[int(place * len(data))] ^= 1 << bit
    with pytest.raises(Refused):
        service.check(bytes(data))
