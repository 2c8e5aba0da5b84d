"""Materials: who may add one, what it may be, and who receives it."""

import pytest
from court_world import (
    AIGUL,
    AKTAU,
    BOLAT,
    CLERK,
    COURT,
    JUDGE,
    NOW,
    OTHER_CLERK,
    OTHER_COURT,
    RECORD,
    case_body,
    fact,
    fold,
    material_body,
    store,
)

from common.court import cases, materials
from common.db import open_database
from common.facts import Audience, BlobRef

VIDEO = BlobRef(b"v" * 32, 9, "video/mp4")
PDF = BlobRef(b"p" * 32, 9, "application/pdf")


def added(body=None, *, actor=CLERK.key, blobs=(RECORD,), **more):
    return fact("materials.add/1", body or material_body(), actor=actor, blobs=blobs, **more)


REFUSALS = {
    "twice": ([added(), added(time=NOW + 1)], "materials.twice"),
    "another court's machine": ([added(node=AKTAU)], "entry.other_node"),
    "another court's clerk": ([added(actor=OTHER_CLERK.key)], "entry.role"),
    "nobody": ([added(actor=None)], "entry.role"),
    "a citizen": ([added(actor=AIGUL.key)], "entry.role"),
    "court of another machine": ([added(material_body(court=OTHER_COURT))], "entry.other_node"),
    "no file": ([added(blobs=())], "materials.file"),
    "two files": ([added(blobs=(RECORD, RECORD))], "materials.file"),
    "another kind": ([added(blobs=(VIDEO,))], "materials.file"),
    "a document that is none": ([added(material_body(kind="document"))], "materials.file"),
    "title": ([added(material_body(title=" \n"))], "materials.title"),
    "day": ([added(material_body(date="2026-02-30"))], "materials.date"),
    "another spelling of a day": ([added(material_body(date="20261126"))], "materials.date"),
    "nobody's number": ([added(material_body(open_to=[""]))], "materials.reader"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name):
    facts, code = REFUSALS[name]
    assert fold(materials, facts)[1] == [code]


@pytest.mark.parametrize(("kind", "file"), [("audio", RECORD), ("video", VIDEO), ("document", PDF)])
@pytest.mark.parametrize("who", [CLERK, JUDGE])
def test_clerk_and_judge_add_every_kind(kind, file, who):
    state, refused = fold(materials, [added(material_body(kind=kind), actor=who.key, blobs=(file,))])
    assert not refused
    assert materials.rows(state)[materials.MaterialRow][0]["media"] == file.media
    assert materials.owner(state) == COURT


def test_it_goes_to_its_court_and_whom_it_is_open_to():
    state, _ = fold(materials, [added(material_body(open_to=[AIGUL.cabinet, BOLAT.cabinet]))])
    assert materials.audience(state) == Audience(courts=frozenset({COURT}), persons=frozenset({AIGUL.cabinet, BOLAT.cabinet}))
    alone, _ = fold(materials, [added(material_body(open_to=[]))])
    assert materials.audience(alone) == Audience(courts=frozenset({COURT}))


def test_a_person_finds_what_is_open_to_them_and_the_court_everything(tmp_path):
    database = open_database(tmp_path / "materials.db")
    bodies = {b"1" * 16: material_body(), b"2" * 16: material_body(open_to=[], date="2026-11-25"), b"3" * 16: material_body(case=b"x" * 16)}
    store(database, cases, fold(cases, [fact("case.open/1", case_body(), obj=b"c" * 16)])[0])
    store(database, materials, *(fold(materials, [added(body, obj=obj)])[0] for obj, body in bodies.items()))
    assert [each.obj for each in materials.of_case(database, b"c" * 16, COURT)] == [b"2" * 16, b"1" * 16]
    assert [each.obj for each in materials.of_case(database, b"c" * 16, COURT, person=AIGUL.cabinet)] == [b"1" * 16]
    assert materials.of_case(database, b"c" * 16, COURT, person=BOLAT.cabinet) == []
    assert materials.of_case(database, b"c" * 16, COURT, person="") == []
    assert materials.of_case(database, b"c" * 16, OTHER_COURT) == []
    assert materials.is_open_to(database, b"1" * 16, AIGUL.cabinet)
    assert not materials.is_open_to(database, b"3" * 16, AIGUL.cabinet), "its court has no such case"
    assert not materials.is_open_to(database, b"2" * 16, AIGUL.cabinet)
    assert not materials.is_open_to(database, b"2" * 16, "")
    assert materials.material(database, b"1" * 16).recorded
    assert materials.material(database, b"9" * 16) is None
