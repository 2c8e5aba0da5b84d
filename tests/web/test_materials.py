"""Materials of a case: the court adds them, the citizen hears and sees them at any court, nobody else learns of them (CLM-12)."""

import io
import tracemalloc
from html import unescape

import pytest

from common.court import cases as case_rows
from common.court import materials as rows
from common.db import fetch
from common.errors import Conflict, NotFound, Refused
from common.spool import sealed_file
from edge.services import decisions, drafts, erasures, filings, materials, registration
from edge.services.materials import Draft
from edge.services.registration import Clerk
from edge.web import materials as pages_of
from sync import fsck
from tests.unit.court.made_recordings import mp4, wav
from tests.web.desk_world import ADMINISTRATOR, AKTAU, CHAIRMAN, CITIZEN, CLERK, FOREIGN_CLERK, JUDGE, Terminal, World, plain
from tests.web.filing_world import MAKERS, pdf
from tests.web.pages import BOLAT, Browser, Person, build

RECORD = wav(2)
SAID = {"title": "27 қарашадағы отырыс", "day": "27.11.2026", "readers": "parties"}
DRAFT = Draft(title="Отырыс", date="2026-11-27", to_parties=True)
AUTHOR = Clerk(AKTAU, "Қасымова Дина Ерланқызы", CLERK.key.certificate.sha256)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World.create(tmp_path_factory.mktemp("materials"))
    for node in (world.aktau, world.astana):
        drafts.create(node)
        filings.create(node)
    return world


@pytest.fixture
def case(world: World) -> bytes:
    """A case that grew from what the citizen filed at the kiosk of Astana; everybody knows of it."""
    obj = world.file_at_a_kiosk()
    done = registration.sign(world.aktau, AUTHOR, obj, decisions.Draft(kind="register"), CLERK.open(world.aktau))
    world.deliver()
    return done.case


def desk(world: World, who: Person = CLERK) -> Terminal:
    terminal = Terminal(world.aktau)
    terminal.sign_in(who)
    return terminal


def kiosk(world: World, who: Person = CITIZEN) -> Browser:
    browser = Browser(build(world.astana, (*MAKERS, pages_of.make_pages)))
    browser.enter(who)
    return browser


def film(case: bytes) -> bytes:
    """Return a film that is of this case alone."""
    return mp4(b"vide", b"soun", media=case + bytes(range(256)) * 400)


def add(world: World, case: bytes, data: bytes = b"", name: str = "Отырыс.mp4", draft: Draft = DRAFT) -> bytes:
    world.court.clock.tick(1_000)  # the newest by its time, whatever its number
    obj = materials.add(world.aktau, AUTHOR, case, draft, name=name, file=io.BytesIO(data or film(case)))
    world.deliver()
    return obj


def only(world: World, case: bytes) -> rows.Material:
    [found] = rows.of_case(world.aktau.database, case, AKTAU)
    return found


@pytest.mark.parametrize("who", [CLERK, JUDGE, CHAIRMAN], ids=["clerk", "judge", "chairman"])
def test_the_court_adds_a_recording_at_its_desk(world: World, case: bytes, who: Person) -> None:
    terminal, where = desk(world, who), f"/desk/cases/{case.hex()}"
    assert "No materials yet" in plain(terminal.get(where))
    terminal.get(f"{where}/materials/add")
    assert terminal.post(f"{where}/materials/add", **SAID, file=(io.BytesIO(film(case)), "x.mp4")) == f"{where}#materials"
    found = only(world, case)
    assert (found.kind, found.media, found.title, found.date, found.seconds) == ("video", "video/mp4", SAID["title"], "2026-11-27", 312)
    page = plain(terminal.get(where))
    assert SAID["title"] in page
    assert "5:12" in page
    assert "<video class=" in terminal.get(f"/desk/cases/materials/{found.obj.hex()}")
    assert world.aktau.blobs.read(found.sha256) == film(case)
    assert fsck.check(world.aktau.database, world.aktau.fold) == []


def test_what_is_missing_or_wrong_is_said_at_its_field(world: World, case: bytes) -> None:
    terminal, where = desk(world), f"/desk/cases/{case.hex()}/materials/add"
    terminal.get(where)
    for said, sentence in (
        ({}, "Choose a file."),
        ({"title": " ", "file": (io.BytesIO(film(case)), "x.mp4")}, "Write what it is"),
        ({"day": "30.02.2026", "file": (io.BytesIO(film(case)), "x.mp4")}, "Write the date"),
        ({"file": (io.BytesIO(film(case)[:-1]), "x.mp4")}, "The file is damaged"),
        ({"file": (io.BytesIO(b"MZ program"), "x.mp4")}, "This kind of file is not taken."),
        ({"file": (io.BytesIO(RECORD), "x.mp4")}, "inside is WAV"),
    ):
        assert sentence in unescape(terminal.post(where, status=400, **(SAID | said))), sentence
    assert rows.of_case(world.aktau.database, case, AKTAU) == []


def test_nobody_but_the_court_adds_to_its_case(world: World, case: bytes) -> None:
    where = f"/desk/cases/{case.hex()}/materials/add"
    desk(world, ADMINISTRATOR).get(where, status=404)
    foreign = Terminal(world.astana)
    foreign.sign_in(FOREIGN_CLERK)
    foreign.get(where, status=404)
    stranger = Clerk("kz-489", "x", FOREIGN_CLERK.key.certificate.sha256)
    with pytest.raises(NotFound):
        materials.add(world.astana, stranger, case, DRAFT, name="x.mp4", file=io.BytesIO(film(case)))
    citizen = Clerk(AKTAU, "x", CITIZEN.key.certificate.sha256)
    with pytest.raises(Refused, match="adds materials"):
        materials.add(world.aktau, citizen, case, DRAFT, name="x.mp4", file=io.BytesIO(film(case)))
    materials.add(world.aktau, AUTHOR, case, DRAFT, name="x.mp4", file=io.BytesIO(film(case)))
    with pytest.raises(Conflict):
        materials.add(world.aktau, AUTHOR, case, DRAFT, name="x.mp4", file=io.BytesIO(film(case)))


def test_the_citizen_asks_for_a_recording_and_then_plays_it(world: World, case: bytes) -> None:
    """On request, on the way with what has come, here; the notice leads to it."""
    citizen = kiosk(world)
    [(filing,)] = fetch(world.astana.database, "SELECT obj FROM filing_row WHERE case_obj = ?", (case,))
    assert "No video yet" in citizen.get(f"/filings/{filing.hex()}").text
    obj = add(world, case)
    where = f"/materials/{obj.hex()}"
    page = unescape(citizen.get(f"/filings/{filing.hex()}").text)
    assert where in page
    assert "On request" in page
    notices = unescape(citizen.get("/notifications").text)
    assert "The court added a recording to case" in notices
    assert where in notices
    asking = citizen.get(where).text
    assert "Request the recording" in asking
    assert "<video" not in asking
    assert citizen.get(f"{where}/file").status_code == 404
    assert citizen.post(f"{where}/request", token=citizen.token(where)).headers["Location"] == where
    coming = citizen.get(where).text
    assert "On the way to this machine" in coming
    assert 'data-reload="10"' in coming
    assert "on the way to this machine" in citizen.get(f"/filings/{filing.hex()}").text
    world.deliver()
    assert f'<video class="player" controls preload="metadata" src="{where}/file"' in citizen.get(where).text
    assert "Watch" in citizen.get(f"/filings/{filing.hex()}").text
    whole = citizen.get(f"{where}/file")
    assert (whole.status_code, whole.data, whole.content_type) == (200, film(case), "video/mp4")
    assert "media-src 'self'" in citizen.get(where).headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("asked", "status", "said", "start", "end"),
    [
        ("bytes=0-", 206, "bytes 0-{last}/{size}", 0, None),
        ("bytes=5-9", 206, "bytes 5-9/{size}", 5, 10),
        ("bytes=-4", 206, "bytes {four}-{last}/{size}", -4, None),
        ("bytes=0-1,5-6", 200, None, 0, None),
        ("pages=1-2", 200, None, 0, None),
        ("bytes=99999999-", 416, "bytes */{size}", 0, 0),
    ],
)
def test_a_player_gets_the_part_it_asks_for(
    world: World, case: bytes, asked: str, status: int, said: str | None, start: int, end: int | None
) -> None:
    obj = materials.add(world.aktau, AUTHOR, case, DRAFT, name="x.wav", file=io.BytesIO(RECORD))
    client = desk(world).client
    answer = client.get(f"/desk/cases/materials/{obj.hex()}/file", headers={"Range": asked})
    assert answer.status_code == status
    size = len(RECORD)
    assert answer.headers.get("Content-Range") == (said.format(size=size, last=size - 1, four=size - 4) if said else None)
    if status != 416:
        assert answer.data == RECORD[start:end]
        assert int(answer.headers["Content-Length"]) == len(answer.data)


def test_what_the_disk_damaged_is_not_played_and_comes_again(world: World, case: bytes) -> None:
    obj = add(world, case)
    path = world.aktau.data / "blobs" / (name := only(world, case).sha256.hex())[:2] / name
    path.write_bytes(b"?" + path.read_bytes()[1:])
    terminal, where = desk(world), f"/desk/cases/materials/{obj.hex()}"
    assert terminal.client.get(f"{where}/file").status_code == 404
    assert "On the way to this machine" in terminal.get(where)
    world.deliver()
    assert terminal.client.get(f"{where}/file").data == film(case)


def test_what_is_for_the_court_alone_goes_nowhere(world: World, case: bytes) -> None:
    secret = Draft(title="Ішкі жазба", date="2026-11-27", to_parties=False)
    obj = add(world, case, draft=secret)
    assert rows.material(world.astana.database, obj) is None
    citizen = kiosk(world)
    for path in ("", "/file"):
        assert citizen.get(f"/materials/{obj.hex()}{path}").status_code == 404
    assert "Ішкі жазба" not in citizen.get("/notifications").text
    here = Browser(build(world.aktau, (*MAKERS, pages_of.make_pages)))
    here.enter(CITIZEN)
    assert here.get(f"/materials/{obj.hex()}").status_code == 404
    assert "Ішкі жазба" in desk(world).get(f"/desk/cases/{case.hex()}")


def test_strangers_find_nothing(world: World, case: bytes) -> None:
    obj = add(world, case)
    where = f"/materials/{obj.hex()}"
    stranger = kiosk(world, BOLAT)
    for path in (where, f"{where}/file", f"/materials/{bytes(16).hex()}", "/materials/zz"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(f"{where}/request", token=stranger.token("/help")).status_code == 404
    assert not fetch(world.astana.database, "SELECT 1 FROM requested WHERE sha256 = ?", (only(world, case).sha256,))
    assert Browser(stranger.app).get(where).status_code == 303, "sign in first"
    foreign = Terminal(world.astana)
    foreign.sign_in(FOREIGN_CLERK)
    foreign.get(f"/desk/cases/materials/{obj.hex()}", status=404)
    desk(world, ADMINISTRATOR).get(f"/desk/cases/materials/{obj.hex()}", status=404)


def test_a_document_comes_by_itself_and_opens(world: World, case: bytes) -> None:
    paper = pdf()
    obj = add(world, case, paper, "Хаттама.pdf")
    citizen = kiosk(world)
    page = citizen.get(f"/materials/{obj.hex()}").text
    assert "Open the document (PDF)" in page
    assert citizen.get(f"/materials/{obj.hex()}/file").data == paper
    with pytest.raises(Refused):
        add(world, case, b"PK\x03\x04 a Word file", "Хаттама.docx")


def test_the_parties_are_those_to_whom_the_case_goes(world: World, case: bytes) -> None:
    """One rule says to whom a case, its hearings and its materials go."""
    held = case_rows.case(world.aktau.database, case)
    assert held is not None
    add(world, case)
    readers = fetch(world.aktau.database, "SELECT person FROM material_reader WHERE obj = ?", (only(world, case).obj,))
    assert {person for (person,) in readers} == case_rows.persons(held) == {CITIZEN.person}


def test_an_act_may_name_one_material(world: World, case: bytes) -> None:
    """Row 73: the case stays, the recording goes."""
    obj = add(world, case)
    terminal = desk(world, CHAIRMAN)
    page = terminal.get(f"/desk/erasures?q={only(world, case).number}")
    assert f"/desk/erasures/{obj.hex()}" in page
    assert "Material of case" in terminal.get(f"/desk/erasures/{obj.hex()}")


def test_an_act_may_name_a_material_whose_case_is_erased_already(world: World, case: bytes) -> None:
    obj, number = add(world, case), only(world, case).number
    erasures.order(world.aktau, case, CHAIRMAN.open(world.aktau), court=AKTAU, reference="17", date="2026-11-27")
    assert f"/desk/erasures/{obj.hex()}" in desk(world, CHAIRMAN).get(f"/desk/erasures?q=№ {number}")
    world.deliver()
    assert kiosk(world).get(f"/materials/{obj.hex()}").status_code == 404, "and nobody else finds it meanwhile"


def test_a_large_recording_never_lies_in_memory(world: World, case: bytes) -> None:
    with sealed_file() as file:
        head = mp4(b"vide", media=b"")[:-8]
        most = 40 << 20
        file.write(head + (8 + most).to_bytes(4, "big") + b"mdat")
        for _ in range(most >> 20):
            file.write(bytes(1 << 20))
        tracemalloc.start()
        try:
            obj = materials.add(world.aktau, AUTHOR, case, DRAFT, name="x.mp4", file=file)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    found = rows.material(world.aktau.database, obj)
    assert found is not None
    assert found.size > most
    assert peak < 8 << 20
    assert not list((world.aktau.data / "blobs" / "partial").iterdir())
