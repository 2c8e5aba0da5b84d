"""The log explorer: proofs that others can check, nothing of a person, and questions of every kind."""

from pathlib import Path

import pytest

from central.services import lineage, log
from common.court.filing_entries import Submit
from common.db import fetch
from common.papers.qr import encode_qr
from common.pki.asic import looks_like_container
from edge.node import Node
from sync import merkle
from sync.inclusion import check_proof, read_proof
from sync.lineage import read
from sync.receipts import Taken, sign_r0
from tests.web.country import ADMIN, Country
from tests.web.pages import AIGUL, Browser


class Made:
    """One country for all tests of this module, with two filings of which only one has arrived."""

    def __init__(self, folder: Path) -> None:
        self.country = Country(folder)
        self.node: Node = self.country.node("kz-7")
        self.filing: Submit = self.country.file(self.node)
        self.node.client.exchange()
        self.waiting: Submit = self.country.file(self.node)
        self.browser: Browser = self.country.browser(ADMIN)
        self.browser.get("/overview?lang=en")

    def leaf(self, body: Submit) -> bytes:
        [(leaf,)] = fetch(self.node.database, "SELECT leaf FROM filing_row WHERE talon = ?", (body.talon,))
        return bytes(leaf)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("log"))


def test_every_proof_verifies_against_the_pinned_key(made: Made) -> None:
    pin, centre = made.country.centre.identity.pin, made.country.centre
    for index in (0, 1, log.size(centre) // 2, log.size(centre) - 1):
        data = made.browser.get(f"/log/{index}.tlog-proof").data
        leaf = merkle.leaf_hash(log.entry(centre, index).leaf)
        assert check_proof(read_proof(data), leaf, pin.origin, pin.log_key, origin=pin.origin).size == log.size(centre)
        assert "Verified now" in made.browser.get(f"/log/{index}").text


def test_no_page_of_the_log_names_a_person(made: Made) -> None:
    index = log.find(made.country.centre, made.leaf(made.filing).hex())
    secrets = [AIGUL.iin, AIGUL.surname, AIGUL.first]
    for path in ("/log", f"/log/{index}", f"/log?q={made.filing.talon}", "/log/heads", "/overview", "/nodes/1001", "/filings"):
        page = made.browser.get(path).text
        assert not [secret for secret in secrets if secret.casefold() in page.casefold()], path


def test_questions_are_understood(made: Made) -> None:
    leaf = made.leaf(made.filing).hex()
    index = log.find(made.country.centre, leaf)
    spaced = " ".join((leaf[:32], leaf[32:].upper()))
    for question in (leaf, spaced, str(index)):
        answer = made.browser.get("/log", query_string={"q": question})
        assert answer.headers["Location"] == f"/log/{index}"


def test_a_talon_tells_how_far_it_has_come(made: Made) -> None:
    state = log.find(made.country.centre, made.filing.talon)
    assert isinstance(state, log.TalonState)
    assert (state.status, state.complete) == ("filed", False)
    assert state.checkpoint is not None
    page = made.browser.get("/log", query_string={"q": made.filing.talon}).text
    assert "All files at the centre" in page


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("x", "64 digits"),
        ("9" * 13, "no such entry"),
        ("z" * 64, "letters a to f"),
        ("0" * 64, "no such entry"),
        ("1" * 15, "Check each digit"),
    ],
)
def test_what_cannot_be_found_is_said(made: Made, question: str, code: str) -> None:
    answer = made.browser.get("/log", query_string={"q": question})
    assert answer.status_code == 400
    assert code in answer.text


def test_a_talon_on_its_way_is_not_known_yet(made: Made) -> None:
    answer = made.browser.get("/log", query_string={"q": made.waiting.talon})
    assert "does not know this talon yet" in answer.text


def test_the_list_goes_back_to_the_first_entry(made: Made) -> None:
    seen: list[int] = []
    before: int | None = None
    while page := log.entries(made.country.centre, before=before):
        seen += [one.index for one in page]
        before = page[-1].index
    assert seen == list(range(log.size(made.country.centre)))[::-1]


def test_heads_are_consistent_and_hold(made: Made) -> None:
    heads = log.heads(made.country.centre)
    assert all(log.holds(made.country.centre, head) for head in heads)
    for old in heads:
        found = log.consistency(made.country.centre, old.checkpoint.size, heads[0].checkpoint.size)
        merkle.verify_consistency(
            old.checkpoint.size, old.checkpoint.root, heads[0].checkpoint.size, heads[0].checkpoint.root, found.hashes
        )
    page = made.browser.get(f"/log/heads?old={heads[-1].checkpoint.size}&new={heads[0].checkpoint.size}").text
    assert "nothing of the smaller one was changed" in page


@pytest.mark.parametrize("sizes", ["old=3&new=5", "old=999&new=1", "old=x&new=1", "old=&new="])
def test_sizes_nobody_signed(made: Made, sizes: str) -> None:
    assert made.browser.get(f"/log/heads?{sizes}").status_code in (200, 400)


def test_a_tile_that_was_changed_is_noticed(tmp_path: Path) -> None:
    country = Country(tmp_path)
    browser = country.browser(ADMIN)
    browser.get("/overview?lang=en")
    fetch(country.centre.database, "DROP TRIGGER tile_only_grows")
    fetch(country.centre.database, "UPDATE tile SET hashes = zeroblob(length(hashes)) WHERE level = 0 AND idx = 0")
    assert "no longer has the root" in browser.get("/log/heads").text
    assert "The proof does not hold" in browser.get("/log/3").text


def test_the_evidence_of_a_filing_is_the_administrators_to_make(made: Made) -> None:
    index = log.find(made.country.centre, made.leaf(made.filing).hex())
    assert f'href="/log/{index}.asice"' in made.browser.get(f"/log/{index}").text
    answer = made.browser.get(f"/log/{index}.asice")
    assert looks_like_container(answer.data)
    assert made.filing.talon in answer.headers["Content-Disposition"]
    assert ".asice" not in made.browser.get("/log/0").text
    assert made.browser.get("/log/0.asice").status_code == 404
    assert made.country.browser().get(f"/log/{index}.asice").status_code != 200


@pytest.mark.parametrize("path", ["/log/999999", "/log/99999999999999999999", "/log/999999.tlog-proof", "/log/999999.asice"])
def test_no_such_entry(made: Made, path: str) -> None:
    assert made.browser.get(path).status_code == 404


def test_a_number_that_no_table_holds_is_no_page(made: Made) -> None:
    most = "9" * 20
    for path in (f"/nodes/{most}", f"/nodes/{most}/after", f"/quarantine/evidence/{most}", f"/log/lineage/{most}"):
        assert made.browser.get(path).status_code == 404, path
    for path in (f"/log?before={most}", f"/log/heads?below={most}", f"/quarantine?page={most}", f"/filings?days={most}"):
        assert made.browser.get(path).status_code == 200, path


def test_the_public_check_knows_what_became_of_a_talon(made: Made) -> None:
    visitor = made.country.browser()
    page = visitor.post("/check?lang=en", {"code": _qr(made, made.filing)}).text
    assert "The talon is genuine" in page
    assert "What the register knows" in page
    assert AIGUL.surname not in page
    unknown = visitor.post("/check?lang=en", {"code": _qr(made, made.waiting)}).text
    assert "What the register knows" not in unknown
    assert "cannot be relied on" in visitor.post("/check?lang=en", {"code": _qr(made, made.filing)[:-9] + "AAAAAAAAA"}).text
    assert visitor.post("/check", {"code": " "}).status_code == 400


def _qr(made: Made, body: Submit) -> str:
    taken = Taken(talon=int(body.talon), node=made.node.number, leaf=made.leaf(body), statement=body.statement.sha256, at=body.received_ms)
    return encode_qr(sign_r0(taken, made.node.identity))


def test_a_new_log_is_told_with_its_statement(tmp_path: Path) -> None:
    """row 48: the page says from where it goes on and who follows it; heads of the log before stay readable."""
    country = Country(tmp_path)
    node = country.node("kz-7")
    browser = country.browser(ADMIN)
    assert "began new logs" not in browser.get("/log/heads").text
    before = log.heads(country.centre)
    one = lineage.begin(country.centre, reason="The key lay open for a night.")
    node.client.exchange()
    page = browser.get("/log/heads").text
    for said in ("began new logs", "The key lay open for a night.", "1 machine follows it.", "equals the root of what is stored"):
        assert said in page, said
    assert {each.checkpoint.size for each in before} <= {each.checkpoint.size for each in log.heads(country.centre)}
    data = browser.get("/log/lineage/2").data
    assert read(data, country.centre.identity.pin) == one
    assert browser.get("/log/lineage/3").status_code == 404
    assert browser.get(f"/log/heads?old={before[0].checkpoint.size}&new={log.newest(country.centre).checkpoint.size}").status_code == 200
    assert "Log of the register it follows" in browser.get(f"/nodes/{node.number}").text
