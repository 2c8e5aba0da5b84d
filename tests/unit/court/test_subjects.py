"""What holds for all subjects: one shape, one encoding, folds that depend on nothing but the facts."""

import random
from contextlib import suppress

import pytest
from court_world import (
    AKTAU,
    ASTANA,
    BLOBS,
    BOLAT,
    CENTRE,
    CLERK,
    COURT,
    LINK,
    NOW,
    OTHER_CLERK,
    OTHER_COURT,
    RECORD,
    STARTS,
    World,
    appoint_body,
    case_body,
    close_body,
    fact,
    fold,
    material_body,
    party_body,
    refuse_decision,
    register_body,
    register_decision,
    require_columns,
    rule_body,
    set_body,
    sign_in_body,
    submit_body,
    verify_body,
    withdraw_body,
)
from hypothesis import given
from hypothesis import strategies as st

from common import canonical
from common.court import accounts, admissions, cases, crls, erasures, filings, hearings, materials, reference, staff
from common.court.subjects import SUBJECTS, subject_of
from common.db import BlobField, create_tables, open_database
from common.errors import CourtError, Refused
from common.facts import Audience, BlobRef, decode_body, encode_body

HOUR_MS = 3_600_000
PUBLISH = reference.Publish(dataset="mci", version=1, valid_from="2026-01-01", source="s", rows=[{"a": 1, "b": None}], parts=2)
LIST = crls.Publish(
    issuer=b"i" * 16, name="n", kind="full", number="7", this_update_ms=1, next_update_ms=2, sha256=b"l" * 32, file=b"f" * 32, file_size=9
)
OCSP = filings.Evidence(kind="ocsp", data=b"response", at_ms=NOW)
ORDER = erasures.Order(target=b"t" * 16, leaves=[b"l" * 32, b"m" * 32], reference="2/17", date="2026-11-27")
ADMITTED = {"node": 1001, "epoch": 1, "leaves": [b"l" * 32, b"m" * 32], "reason": "Found whole."}
ADMIT = admissions.Admit(
    **ADMITTED, bundle=b"b" * 32, content=admissions.content(**ADMITTED), signature=b"signature", certificate=b"c" * 32
)
SET = set_body(mode="video", link=LINK, replaces=b"l" * 32, earlier_ms=NOW)
FIXED = fact("hearing.set/1", set_body())
MOVED = fact("hearing.set/1", set_body(earlier_ms=STARTS, starts_ms=STARTS + HOUR_MS, replaces=FIXED.leaf))
BODIES = {
    "crl.publish/1": LIST,
    "account.register/1": register_body(),
    "account.open/1": sign_in_body(),
    "staff.appoint/1": appoint_body(to_ms=NOW + 1),
    "reference.publish/1": PUBLISH,
    "filing.submit/1": submit_body(),
    "filing.withdraw/1": withdraw_body(),
    "filing.verify/1": verify_body(),
    "filing.evidence/1": OCSP,
    "filing.register/1": register_decision(),
    "filing.refuse/1": refuse_decision(),
    "filing.rule/1": rule_body(outcome="returned"),
    "case.open/1": case_body(),
    "case.rule/1": rule_body(cases.Rule),
    "case.party/1": party_body(),
    "materials.add/1": material_body(seconds=312),
    "hearing.set/1": SET,
    "hearing.close/1": close_body(SET, b"l" * 32, outcome="adjourned", note="Сарапшы келмеді."),
    "erasure.order/1": ORDER,
    "evidence.admit/1": ADMIT,
}
POOLS = {
    crls: [
        fact("crl.publish/1", LIST, node=node, obj=crls.object_id(LIST.file, LIST.sha256), blobs=(BlobRef(LIST.file, size, crls.MEDIA),))
        for node in (CENTRE, AKTAU)
        for size in (9, 10)
    ],
    accounts: [
        fact("account.register/1", register_body()),
        fact("account.register/1", register_body(email="new@example.kz"), node=AKTAU),
        fact("account.register/1", register_body(BOLAT)),
        fact("account.open/1", sign_in_body()),
        fact("account.open/1", sign_in_body(), node=AKTAU),
    ],
    staff: [
        fact("staff.appoint/1", appoint_body(role=role, to_ms=end), node=node)
        for role in ("clerk", "judge")
        for end in (None, NOW)
        for node in (0, 1)
    ],
    reference: [
        fact("reference.publish/1", body, node=CENTRE, obj=reference.object_id("mci", 1))
        for body in (PUBLISH, reference.Publish(dataset="mci", version=1, valid_from="2026-01-01", source="s", rows=[], part=1, parts=2))
    ],
    filings: [
        fact("filing.submit/1", submit_body(), blobs=BLOBS),
        fact("filing.submit/1", submit_body(BOLAT), blobs=BLOBS),
        fact("filing.withdraw/1", withdraw_body()),
        fact("filing.withdraw/1", withdraw_body(court=OTHER_COURT)),
        fact("filing.verify/1", verify_body(), node=CENTRE),
        fact("filing.verify/1", verify_body(result="revoked", as_of_ms=NOW + 1), node=CENTRE),
        fact("filing.evidence/1", OCSP, node=CENTRE),
        fact("filing.evidence/1", filings.Evidence(kind="timestamp", data=b"token", at_ms=NOW), node=CENTRE),
        fact("filing.register/1", register_decision()),
        fact("filing.register/1", register_decision(OTHER_CLERK, court=OTHER_COURT), node=AKTAU),
        fact("filing.rule/1", rule_body()),
        fact("filing.rule/1", rule_body(outcome="returned")),
        fact("filing.refuse/1", refuse_decision()),
        fact("filing.refuse/1", refuse_decision(redirected_to=OTHER_COURT)),
        fact("filing.refuse/1", refuse_decision(OTHER_CLERK, court=OTHER_COURT, redirected_to=COURT), node=AKTAU),
    ],
    cases: [
        fact("case.open/1", case_body()),
        fact("case.open/1", case_body(), node=AKTAU),
        fact("case.rule/1", rule_body(cases.Rule, case=b"o" * 16)),
        fact("case.party/1", party_body()),
        fact("case.party/1", party_body(to_ms=NOW)),
    ],
    materials: [
        fact("materials.add/1", material_body(), actor=actor, node=node, blobs=(RECORD,))
        for actor in (CLERK.key, OTHER_CLERK.key, None)
        for node in (ASTANA, AKTAU)
    ],
    hearings: [
        FIXED,
        MOVED,
        fact("hearing.set/1", set_body(CLERK, earlier_ms=STARTS, starts_ms=STARTS + 2 * HOUR_MS, replaces=FIXED.leaf)),
        fact("hearing.set/1", set_body(hall="5-зал", replaces=FIXED.leaf)),
        fact("hearing.close/1", close_body(FIXED.body, FIXED.leaf)),
        fact("hearing.close/1", close_body(MOVED.body, MOVED.leaf, outcome="cancelled")),
        fact("hearing.set/1", set_body(), node=AKTAU),
    ],
    erasures: [
        fact("erasure.order/1", ORDER, node=CENTRE),
        fact("erasure.order/1", ORDER, node=AKTAU),
    ],
    admissions: [
        fact("evidence.admit/1", ADMIT, node=CENTRE),
        fact("evidence.admit/1", ADMIT, node=AKTAU),
    ],
}


def test_every_type_has_a_sample_here():
    assert set(BODIES) == {name for subject in SUBJECTS for name in subject.TYPES}
    assert set(POOLS) == set(SUBJECTS)


@pytest.mark.parametrize("name", BODIES)
def test_bodies_come_back_from_their_bytes(name):
    kind = subject_of(name).TYPES[name]
    data = encode_body(BODIES[name])
    assert decode_body(data, kind) == BODIES[name]
    assert encode_body(decode_body(data, kind)) == data


@pytest.mark.parametrize("name", BODIES)
def test_additive_keys_are_ignored_and_missing_ones_refused(name):
    kind = subject_of(name).TYPES[name]
    from_later = {**canonical.decode(encode_body(BODIES[name])), "zz_added_later": 1}
    assert decode_body(canonical.encode(from_later), kind) == BODIES[name]
    with pytest.raises(Refused) as refused:
        decode_body(canonical.encode({}), kind)
    assert refused.value.code == "entry.body"


def test_a_type_nobody_knows_is_refused():
    with pytest.raises(Refused) as refused:
        subject_of("letter.send/1")
    assert refused.value.code == "entry.type"


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.NAME)
def test_the_shape(subject, tmp_path):
    assert subject.__name__ == f"common.court.{subject.NAME}"
    for table in subject.TABLES:
        assert isinstance(table.obj, BlobField)
    create_tables(open_database(tmp_path / "shape.db"), subject.TABLES)
    empty = subject.begin()
    assert set(subject.rows(empty)) == set(subject.TABLES)
    assert not any(subject.rows(empty).values())
    assert subject.audience(empty) == Audience()


@given(st.sampled_from(list(POOLS)), st.integers(0, 2**32), st.integers(0, 12))
def test_folding_depends_on_the_accepted_facts_alone(subject, seed, length):
    pool = POOLS[subject]
    facts = [pool[place] for place in (random.Random(seed).randrange(len(pool)) for _ in range(length))]
    first, refused = fold(subject, facts)  # fold() itself fails where a refusal leaves a trace
    again, refused_again = fold(subject, facts)
    assert subject.rows(first) == subject.rows(again)
    assert refused == refused_again
    accepted, none = fold(subject, _accepted(subject, facts))
    assert none == []
    assert (subject.rows(accepted), subject.audience(accepted)) == (subject.rows(first), subject.audience(first))
    for table, rows in subject.rows(first).items():
        require_columns(table, rows)


def _accepted(subject, facts):
    state, known = subject.begin(), World()
    for each in facts:
        with suppress(CourtError):
            subject.step(state, each, known)
            yield each
