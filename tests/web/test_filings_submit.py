"""Sending: every kind of key, every refusal, every moment at which the machine may die."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from common.court import filing_lists
from common.errors import Conflict, Corrupt, CourtError, NotFound, Refused
from common.pki import pades
from common.pki.opening import open_key
from edge.node import Node
from edge.services import draft_files, drafts, filings, statements, talons, withdrawals
from edge.services.draft_content import replace_claim
from sync.receipts import read_r0
from tests.court import Court, FakeClock
from tests.web.filing_world import COURT, claim_of, create, pdf, ready, send, visitor_of
from tests.web.pages import AIGUL, ALMA, BOLAT, EMPLOYEE, FIRM, GOST_AIGUL, OUTSIDER, REVOKED, Person, trust_our_centres

NATIONAL = Path(__file__).resolve().parents[3] / "shared/pki/data/ncanode-go-2026/certs"
NATIONAL_MS = 1_795_240_000_000
"""21 November 2026: the national test key is valid until 2027-02-07."""


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Court:
    made = Court(tmp_path_factory.mktemp("court"))
    made.publish_reference()
    node = made.node(COURT)
    trust_our_centres(node)
    create(node)
    return made


@pytest.fixture
def node(court: Court) -> Node:
    return court.nodes[0]


@pytest.mark.parametrize("who", [AIGUL, GOST_AIGUL, FIRM], ids=["rsa", "gost", "organisation"])
def test_a_claim_is_signed_filed_and_its_draft_erased(node: Node, who: Person) -> None:
    draft = ready(node, who)
    read = statements.read_statement(node, visitor_of(who), draft)
    filing = send(node, draft, who)
    assert (filing.talon, filing.person, filing.status) == (draft.content.talon, who.person, "filed")
    assert (filing.obj, filing.key_id, filing.files, filing.document_type) == (draft.id, draft.id, 2, "claim")
    signed = node.blobs.read(filing.statement_sha256)
    assert signed.startswith(read), "what was signed is to the byte what was read"
    signature = pades.read_pdf_signatures(signed)[0]
    assert (signature.holds, signature.covers_whole, signature.certificate.sha256) == (True, True, who.key.certificate.sha256)
    for file in filing_lists.files(node.database, filing.obj):
        assert node.blobs.has(file.sha256)
    with pytest.raises(NotFound):
        drafts.find(node, visitor_of(who), draft.id)
    assert not (node.data / "drafts" / draft.id.hex()).exists()


def test_the_same_draft_is_filed_once(node: Node) -> None:
    """Row 25: the button pressed twice."""
    draft = ready(node)
    filing = send(node, draft)
    before = len(filing_lists.filings_of_person(node.database, AIGUL.person))
    assert send(node, draft) == filing
    assert len(filing_lists.filings_of_person(node.database, AIGUL.person)) == before
    with pytest.raises(NotFound):
        filings.submit(node, visitor_of(BOLAT), draft.id, BOLAT.open(node), shown="")


def test_a_number_reserved_is_never_given_again(node: Node) -> None:
    first, second = ready(node), ready(node)
    assert first.content.talon != second.content.talon
    assert statements.reserve_talon(node, visitor_of(AIGUL), first.id).content.talon == first.content.talon
    drafts.erase(node, visitor_of(AIGUL), first.id)
    assert ready(node).content.talon not in {first.content.talon, second.content.talon}


@pytest.mark.parametrize(
    ("author", "key", "code"),
    [(AIGUL, BOLAT, "key.other_person"), (AIGUL, FIRM, "key.other_person"), (FIRM, AIGUL, "key.other_person")],
)
def test_somebody_elses_key_signs_nothing(node: Node, author: Person, key: Person, code: str) -> None:
    draft = ready(node, author)
    assert draft.content.paper is not None
    with pytest.raises(Refused, match=code):
        filings.submit(node, visitor_of(author), draft.id, key.open(node), shown=draft.content.paper.sha256)
    assert drafts.find(node, visitor_of(author), draft.id) == draft


def test_a_colleague_files_with_her_own_key_of_the_organisation(node: Node) -> None:
    filing = send(node, ready(node, ALMA), ALMA)
    assert (filing.person, filing.filer_iin) == (FIRM.bin, ALMA.iin)
    assert filings.own(node, visitor_of(FIRM), filing.obj) == filing
    for stranger in (AIGUL, BOLAT):
        with pytest.raises(NotFound):
            filings.own(node, visitor_of(stranger), filing.obj)


def test_an_employee_without_the_right_to_sign_sends_nothing_and_keeps_the_draft(node: Node) -> None:
    draft, author = ready(node, EMPLOYEE), visitor_of(EMPLOYEE)
    assert draft.content.paper is not None
    with pytest.raises(Refused, match="key.no_right"):
        filings.submit(node, author, draft.id, EMPLOYEE.open(node), shown=draft.content.paper.sha256)
    assert drafts.find(node, author, draft.id) == draft


@pytest.mark.parametrize(("who", "code"), [(REVOKED, "pki.revoked"), (OUTSIDER, "pki.untrusted")])
def test_a_key_out_of_force_is_not_even_opened(node: Node, who: Person, code: str) -> None:
    with pytest.raises(Refused, match=code):
        who.open(node)


def test_what_changed_after_reading_is_not_signed(node: Node) -> None:
    author, draft = visitor_of(AIGUL), ready(node)
    assert draft.content.paper is not None
    shown = draft.content.paper.sha256
    drafts.change(node, author, draft.id, lambda content: replace_claim(content, requirement="Басқа талап."))
    with pytest.raises(Conflict, match="filing.changed"):
        filings.submit(node, author, draft.id, AIGUL.open(node), shown=shown)
    again = statements.prepare(node, author, draft.id)
    assert again.content.paper is not None
    assert again.content.paper.sha256 != shown
    with pytest.raises(Conflict, match="filing.changed"):
        filings.submit(node, author, draft.id, AIGUL.open(node), shown=shown)
    assert filings.submit(node, author, draft.id, AIGUL.open(node), shown=again.content.paper.sha256).status == "filed"


def test_the_rules_of_the_clerk_stop_before_signing(node: Node) -> None:
    draft = ready(node, requirement="")
    with pytest.raises(Refused, match="filing.rules"):
        send(node, draft)


def test_warnings_travel_with_the_filing(node: Node) -> None:
    form = filing_lists.form(node.database, send(node, ready(node)).obj)
    assert form is not None
    assert form.findings == ["payment.duty", "payment.duty"][:1]
    assert form.rule_pack == filings.rules.PACK_VERSION


def test_a_damaged_file_of_the_draft_is_noticed(node: Node) -> None:
    draft = ready(node)
    name = draft.content.files[draft.claim.attachments[1].sha256]
    path = node.data / "drafts" / draft.id.hex() / name
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(Corrupt, match="draft.file"):
        send(node, draft)
    assert filings.sent(node, visitor_of(AIGUL), draft.id) is None


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("а.pdf", b"", "upload.empty"),
        ("а.exe", b"MZ", "upload.type"),
        ("а.docx", pdf(), "upload.named"),
        ("а.pdf", pdf()[:200], "upload.broken"),
    ],
)
def test_a_file_is_refused_with_its_cause(node: Node, name: str, data: bytes, code: str) -> None:
    author, draft = visitor_of(AIGUL), ready(node)
    with pytest.raises(Refused, match=code):
        draft_files.attach(node, author, draft.id, kind="attachment", name=name, data=data)
    assert drafts.find(node, author, draft.id) == draft


def test_files_are_replaced_and_removed_one_by_one(node: Node) -> None:
    author, draft = visitor_of(AIGUL), ready(node)
    first, second = draft.claim.attachments
    with pytest.raises(Refused, match="upload.twice"):
        draft_files.attach(
            node,
            author,
            draft.id,
            kind="attachment",
            name="x.pdf",
            data=drafts.read_file(node, author, draft.id, draft.content.files[first.sha256]),
        )
    changed = draft_files.attach(node, author, draft.id, kind="claim", name="Жаңа.pdf", data=pdf(5), replaces=first.sha256)
    assert [file.title for file in changed.claim.attachments] == ["Жаңа", second.title]
    assert not (node.data / "drafts" / draft.id.hex() / draft.content.files[first.sha256]).exists()
    assert draft_files.detach(node, author, draft.id, second.sha256).claim.attachments == changed.claim.attachments[:1]


def test_the_talon_is_the_same_whenever_it_is_printed(node: Node, tmp_path: Path) -> None:
    """Row 26: the printer jammed; the talon is printed again."""
    filing = send(node, ready(node))
    receipt = talons.receipt_of(node, filing)
    assert talons.receipt_of(node, filing) == receipt
    taken = read_r0(receipt.r0, node.identity.certificate)
    assert (f"{taken.talon:015}", taken.leaf, taken.statement) == (filing.talon, filing.leaf, filing.statement_sha256)
    assert talons.facts_of(node, filing) == talons.facts_of(node, filing)
    assert talons.slip_pdf(node, filing) == talons.slip_pdf(node, filing)
    path = tmp_path / "talon.pdf"
    path.write_bytes(talons.pdf(node, filing))
    said = subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True, check=False).stdout
    assert "Signature is Valid" in said
    assert "Total document signed" in said


def test_talons_are_chained(node: Node) -> None:
    first, second = send(node, ready(node)), send(node, ready(node))
    receipt = talons.receipt_of(node, first)
    assert talons.facts_of(node, second).previous == filings.hashlib.sha256(receipt.r0).digest()


def test_the_talon_has_its_fifteen_contents(node: Node) -> None:
    facts = talons.facts_of(node, send(node, ready(node, GOST_AIGUL), GOST_AIGUL))
    assert facts.filer_name == "Сәрсенова Айгүл Маратқызы"
    assert [file.sha256 for file in facts.files][0] == facts.files[0].sha256
    assert len(facts.files) == 3
    assert facts.duty.payment == "pending"
    assert facts.signature.crl_as_of is not None
    assert facts.register_by - facts.received_at == 72 * 3_600_000
    assert facts.software


def test_without_a_line_the_talon_says_so(court: Court, node: Node) -> None:
    court.cut(node)
    assert court.exchange(node) is False
    filing = send(node, ready(node))
    court.heal(node)
    facts = talons.facts_of(node, filing)
    assert (facts.line.online, facts.line.last_exchange is not None, facts.line.offline_since is not None) == (False, True, True)
    assert court.exchange(node)


def test_a_list_past_its_term_is_said_and_blocks_nothing(court: Court, node: Node) -> None:
    court.clock.tick(3 * 86_400_000)
    filing = send(node, ready(node))
    assert filing.crl_stale
    assert talons.facts_of(node, filing).signature.state == "recheck"


def test_a_machine_that_may_promise_nothing_takes_nothing(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = ready(node)
    node.database.connection().execute("UPDATE sync SET state = 'node.revoked'")
    with pytest.raises(Conflict, match="filing.closed"):
        send(node, draft)
    node.database.connection().execute("UPDATE sync SET state = ''")
    with monkeypatch.context() as patch:
        patch.setattr(filings, "DISK_FREE_BYTES_MIN", 1 << 62)
        with pytest.raises(Conflict, match="filing.closed"):
            send(node, draft)
    assert send(node, draft).status == "filed"


def test_withdrawing_needs_the_filers_key_and_an_open_filing(node: Node) -> None:
    author, filing = visitor_of(AIGUL), send(node, ready(node))
    with pytest.raises(NotFound):
        withdrawals.withdraw(node, visitor_of(BOLAT), filing.obj, BOLAT.open(node), reason="")
    with pytest.raises(Refused, match="key.other_person"):
        withdrawals.withdraw(node, author, filing.obj, BOLAT.open(node), reason="")
    assert withdrawals.withdraw(node, author, filing.obj, AIGUL.open(node), reason="Келістік").status == "withdrawn"
    with pytest.raises(Conflict, match="filing.withdrawn"):
        withdrawals.withdraw(node, author, filing.obj, AIGUL.open(node), reason="")


def test_a_key_from_the_national_contour(tmp_path: Path) -> None:
    if not NATIONAL.exists():
        pytest.skip("no national test data")
    court = Court(tmp_path)
    court.clock = FakeClock(NATIONAL_MS)
    court.publish_reference()
    node = court.node(COURT)
    create(node)
    for name in ("root_test_gost_2022.cer", "nca_gost2022_test.cer"):
        node.trust.add((NATIONAL / name).read_bytes())
    node.trust.import_crl((NATIONAL / "nca_gost2022_test.crl").read_bytes(), NATIONAL_MS)
    key = open_key((NATIONAL / "individual/valid/individual_valid.p12").read_bytes(), "Qwerty12", node.trust, now_ms=node.clock.now())
    holder = key.certificate
    who = Person(holder.surname, holder.subject.split()[-1], holder.patronymic, holder.iin)
    author = filings.Visitor(holder.iin, holder.iin, "", holder.full_name, holder.sha256, "key")
    draft = drafts.begin(node, author, claim_of(who))
    draft_files.attach(node, author, draft.id, kind="claim", name="Талап арыз.pdf", data=pdf(2))
    paper = statements.prepare(node, author, draft.id).content.paper
    assert paper is not None
    filing = filings.submit(node, author, draft.id, key, shown=paper.sha256)
    assert filing.person == holder.iin
    assert filing.crl_as_of_ms is not None
    data = (NATIONAL / "individual/revoked/individual_revoked.p12").read_bytes()
    with pytest.raises(Refused, match="pki.revoked"):
        open_key(data, "Qwerty12", node.trust, now_ms=node.clock.now())


class Crash(Exception):
    """The machine dies here."""


def _at_blob(number: int, *, after: bool) -> Callable[[Node], None]:
    def arm(node: Node) -> None:
        put, count = node.blobs.put, iter(range(100))

        def dying(data: bytes) -> bytes:
            now = next(count) == number
            if now and not after:
                raise Crash
            sha256 = put(data)
            if now:
                raise Crash
            return sha256

        node.blobs.put = dying  # type: ignore[method-assign]

    return arm


def _in_unit(*, before_append: bool = False, after_append: bool = False, before_commit: bool = False, after_commit: bool = False) -> Any:
    def arm(node: Node) -> None:
        unit = node.journal.unit

        @contextmanager
        def dying() -> Iterator[Any]:
            with unit() as real:
                append = real.append

                def appending(*args: Any, **options: Any) -> Any:
                    if before_append:
                        raise Crash
                    entry = append(*args, **options)
                    if after_append:
                        raise Crash
                    return entry

                real.append = appending
                yield real
                if before_commit:
                    raise Crash
            if after_commit:
                raise Crash

        node.journal.unit = dying  # type: ignore[method-assign]

    return arm


def _mark_fails(node: Node) -> None:
    def failing(_: Any) -> None:
        raise OSError("disk")

    node.highwater.write = failing  # type: ignore[method-assign]


CRASHES = {
    "before the first blob": (_at_blob(0, after=False), False),
    "after the statement": (_at_blob(0, after=True), False),
    "before the last file": (_at_blob(2, after=False), False),
    "after the last file": (_at_blob(2, after=True), False),
    "before the entry": (_in_unit(before_append=True), False),
    "after the entry": (_in_unit(after_append=True), False),
    "draft gone, not committed": (_in_unit(before_commit=True), False),
    "committed, mark not written": (_mark_fails, True),
    "committed, nobody told": (_in_unit(after_commit=True), True),
}


@pytest.fixture(scope="module")
def dangerous(tmp_path_factory: pytest.TempPathFactory) -> Court:
    """A country of its own for the crashes, so that what they leave behind disturbs nobody."""
    made = Court(tmp_path_factory.mktemp("dangerous"))
    made.publish_reference()
    node = made.node(COURT)
    trust_our_centres(node)
    trust_our_centres(made.centre)  # type: ignore[arg-type]
    create(node)
    return made


@pytest.mark.parametrize("moment", CRASHES)
def test_a_crash_leaves_the_draft_or_the_filing_and_never_both(dangerous: Court, moment: str) -> None:
    """Invariants 1 and 2: kill at any moment between «sign» and the talon."""
    court, node = dangerous, dangerous.nodes[0]
    draft, author = ready(node), visitor_of(AIGUL)
    arm, filed = CRASHES[moment]
    arm(node)
    with pytest.raises((Crash, CourtError)):
        send(node, draft)
    node = court.crash(node)
    create(node)
    assert (filings.sent(node, author, draft.id) is not None) == filed
    if filed:
        with pytest.raises(NotFound):
            drafts.find(node, author, draft.id)
    else:
        again = drafts.find(node, author, draft.id)
        assert again == draft
        assert all(drafts.read_file(node, author, draft.id, name) for name in again.content.files.values())
    filing = send(node, draft)
    assert filing.talon == draft.content.talon
    assert [each.obj for each in filing_lists.filings_by_talon(node.database, filing.talon)] == [draft.id]
    assert not (node.data / "drafts" / draft.id.hex()).exists()
    assert court.exchange(node)
    assert [each.obj for each in filing_lists.filings_by_talon(court.centre.database, filing.talon)] == [draft.id]


def test_two_sends_at_once_give_one_filing(node: Node) -> None:
    """Row 25: two windows press «send»: the second finds the filing inside its own transaction."""
    draft = ready(node)
    unit, calls = node.journal.unit, []

    @contextmanager
    def racing() -> Iterator[Any]:
        node.journal.unit = unit  # type: ignore[method-assign]
        calls.append(send(node, draft))
        with unit() as real:
            yield real

    node.journal.unit = racing  # type: ignore[method-assign]
    assert send(node, draft) == calls[0]
    assert msgspec.structs.asdict(calls[0])["talon"] == draft.content.talon
