"""Timestamps over signatures: asked for, judged, put beside the signature; what is not exactly right is refused."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pki_samples import NOVEMBER_MS, national

from common.errors import Refused
from common.pki import cms, der, timestamps
from common.pki.authority import DAY_MS, Authority
from common.pki.keystore import Key
from common.pki.profile import OCSP_SIGNING, TIME_STAMPING
from common.pki.timestamps import POLICY_GOST_2015, POLICY_RSA, Request
from common.pki.trust import Trust
from tests.pki_services import timestamp_response

SIGNATURE = b"s" * 128
POLICIES = {"gost512": POLICY_GOST_2015, "rsa2048": POLICY_RSA}


@pytest.fixture(params=["gost512", "rsa2048"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def services(authorities: dict[str, Authority]) -> dict[str, Key]:
    return {
        name: authorities[name].issue_service("TIME-STAMPING AUTHORITY", TIME_STAMPING, not_before_ms=NOVEMBER_MS - DAY_MS // 48)
        for name in POLICIES
    }


@pytest.fixture(scope="module")
def trusts(authorities: dict[str, Authority]) -> dict[str, Trust]:
    return {name: Trust.of(authorities[name].anchors() + authorities[name].authorities()) for name in POLICIES}


def stamped(kind: str, services: dict[str, Key], signature: bytes = SIGNATURE) -> bytes:
    request = Request.over(signature, policy=POLICIES[kind])
    return request.read_response(timestamp_response(request.encoded(), services[kind], at_ms=NOVEMBER_MS))


def test_a_timestamp_is_asked_for_and_judged(kind: str, services: dict[str, Key], trusts: dict[str, Trust]) -> None:
    said, verdict = timestamps.check(stamped(kind, services), SIGNATURE, trusts[kind], now_ms=NOVEMBER_MS)
    assert (said.at_ms, said.policy, said.serial) == (NOVEMBER_MS, POLICIES[kind], -5)
    assert verdict.chain[0] == services[kind].certificate


def test_it_is_put_beside_the_signature(kind: str, services: dict[str, Key], keys: dict[str, Key]) -> None:
    made = cms.sign_detached(b"x", keys[kind], at_ms=NOVEMBER_MS)
    value = cms.read(made).signers[0].signature
    whole = cms.add_timestamp(made, stamped(kind, services, value))
    signer = cms.verify(whole, b"x").signers[0]
    assert signer.level == "CAdES-T"
    assert timestamps.covers(signer.timestamps[0], signer.signature).at_ms == NOVEMBER_MS


def test_of_another_signature_it_is_refused(kind: str, services: dict[str, Key]) -> None:
    with pytest.raises(Refused, match="tsp.tampered"):
        timestamps.covers(stamped(kind, services), SIGNATURE + b"!")


def test_answers_to_another_question_are_refused(services: dict[str, Key]) -> None:
    request = Request.over(SIGNATURE)
    answer = timestamp_response(request.encoded(), services["gost512"], at_ms=NOVEMBER_MS)
    request.read_response(answer)
    for other in (
        replace(request, nonce=request.nonce + 1),
        replace(request, policy=POLICY_RSA),
        replace(request, imprint=bytes(64)),
        replace(request, digest="streebog256"),
    ):
        with pytest.raises(Refused, match="tsp.other"):
            other.read_response(answer)
    negative = replace(request, nonce=-77)
    negative.read_response(timestamp_response(negative.encoded(), services["gost512"], at_ms=NOVEMBER_MS))


def test_a_refusal_of_the_service_is_said() -> None:
    with pytest.raises(Refused, match="tsp.refused") as refused:
        Request.over(SIGNATURE).read_response(der.sequence(der.sequence(der.integer(2))))
    assert refused.value.params["status"] == 2
    with pytest.raises(Refused, match="tsp.broken"):
        Request.over(SIGNATURE).read_response(b"<html>login</html>")


def test_a_key_that_is_not_for_timestamps_or_revoked_or_unknown_is_refused(
    authorities: dict[str, Authority], keys: dict[str, Key], services: dict[str, Key]
) -> None:
    authority = Authority(authorities["gost512"].root, authorities["gost512"].issuer)
    trust = Trust.of(authority.anchors() + authority.authorities())
    responder = authority.issue_service("OCSP", OCSP_SIGNING, not_before_ms=NOVEMBER_MS - 1000)
    for wrong in (keys["gost512"], responder):
        with pytest.raises(Refused, match="pki.not_for_signing"):
            timestamps.check(stamped("gost512", {"gost512": wrong}), SIGNATURE, trust, now_ms=NOVEMBER_MS)
    with pytest.raises(Refused, match="pki.untrusted"):
        timestamps.check(stamped("rsa2048", services), SIGNATURE, trust, now_ms=NOVEMBER_MS)
    authority.revoke(services["gost512"].certificate, NOVEMBER_MS)
    trust.import_crl(authority.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 1), NOVEMBER_MS)
    with pytest.raises(Refused, match="pki.revoked"):
        timestamps.check(stamped("gost512", services), SIGNATURE, trust, now_ms=NOVEMBER_MS)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_each_flipped_bit_of_a_token_is_refused(
    kind: str, services: dict[str, Key], trusts: dict[str, Trust], place: float, bit: int
) -> None:
    token = bytearray(_once.setdefault(kind, stamped(kind, services)))
    token[int(place * len(token))] ^= 1 << bit
    with pytest.raises(Refused):
        timestamps.check(bytes(token), SIGNATURE, trusts[kind], now_ms=NOVEMBER_MS)


_once: dict[str, bytes] = {}


@pytest.mark.parametrize("name", ["individual_attached.der", "individual_detached.der"])
def test_the_national_service_signed_the_tokens_of_the_samples(name: str) -> None:
    trust = Trust.of([national(f"edscheck-prod-ca/{one}_gost_2022.pem") for one in ("root", "nca")])  # the real service, not its test
    made = national(f"skarm-kalkan/cms/{name}")
    signer = cms.verify(made, national("skarm-kalkan/cms/individual_document.txt")).signers[0]
    said, verdict = timestamps.check(signer.timestamps[0], signer.signature, trust, now_ms=NOVEMBER_MS)
    assert (said.policy, said.digest) == (POLICY_GOST_2015, "streebog512")
    assert verdict.chain[0].subject == "TIME-STAMPING AUTHORITY"
    assert abs(said.at_ms - (signer.claimed_ms or 0)) < 60_000
