"""What the bench measures on: a node, people with keys, and as many different filings as are wanted."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import typst

from common.court import known
from common.court.accounts import agreement_version
from common.court.claim import Claim, Party, Payment
from common.court.filing_entries import Submit
from common.db import Database
from common.facts import BlobRef, Signer, decode_body
from common.ids import mint_talon, new_object_id
from common.people import check_digit
from common.pki.authority import Authority
from common.pki.keystore import Key
from common.pki.opening import OpenedKey
from common.pki.trust import Trust
from edge.node import Node
from edge.services import accounts, draft_files, drafts, filings, setup, statements
from edge.visitor import Visitor
from sync.tables import entries_of
from tests.bench.measure import seconds
from tests.court import START_MS, Court

COURT_ID, REGION = "kz-283", "47"
DAY_MS = 86_400_000
PASSWORD = "kokshe-dala-2026"
TALONS_FROM = 100_000
TEXT = """
жауапкер талапкер қарыз шарты бойынша міндеттеме мерзімінде орындалмады сондықтан сот арқылы өндіру қажет болды
2026 жылғы тараптар арасында жасалған келісімнің 4-тармағына сәйкес төлем айдың соңғы күніне дейін аударылуы тиіс еді
банк үзіндісі пәтер жөндеу мердігер көлік апат бағалаушы есебі тұрақсыздық айыбы негізгі борыш сыйақы мөлшерлемесі
"""
WORDS = TEXT.split()
PEOPLE = (
    ("СӘРСЕНОВА", "АЙГҮЛ", "МАРАТҚЫЗЫ", "85031240012"),
    ("ОМАРОВ", "ЕРЛАН", "СӘКЕНҰЛЫ", "79061530031"),
    ("ИБРАЕВА", "ЖАНАР", "ҚАЙРАТҚЫЗЫ", "92110440045"),
    ("ҚАСЫМОВА", "ДИНАРА", "ЕРБОЛҚЫЗЫ", "88090940017"),
    ("ТӨЛЕГЕНОВ", "АСҚАР", "ҒАБИТҰЛЫ", "68071830044"),
    ("ЖАҚСЫЛЫҚОВ", "БОЛАТ", "ӨМІРҰЛЫ", "71040130022"),
)


@dataclass(frozen=True, slots=True)
class Filer:
    """A person registered at the node, and the filing they filed through the use cases of the pages: the pattern of others."""

    key: Key
    visitor: Visitor
    pattern: Submit
    blobs: tuple[BlobRef, ...]
    actor: bytes | None


@dataclass
class World:
    """A node with people in it."""

    node: Node
    filers: Sequence[Filer]
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    made: int = 0

    def another(self, filer: Filer) -> tuple[bytes, Submit]:
        """Return a new object and a submission unlike the others: its own talon and circumstances."""
        self.made += 1
        obj = new_object_id()
        said = " ".join(self.dice.choices(WORDS, k=60))
        claim = {**filer.pattern.claim, "circumstances": f"{said}. {self.dice.randrange(10**9)}"}
        talon = mint_talon(node=self.node.number, epoch=1, counter=TALONS_FROM + self.made)
        return obj, msgspec.structs.replace(filer.pattern, talon=talon, claim=claim, key_id=obj)

    def file_many(self, count: int, filers: Sequence[Filer] | None = None, *, at_once: int = 200) -> None:
        """File ``count`` of them by ``filers`` in turns (all of them by default), many in one transaction."""
        filers = filers or self.filers
        with remembering(self.node):
            for start in range(0, count, at_once):
                with self.node.journal.unit() as unit:
                    for place in range(start, min(start + at_once, count)):
                        filer = filers[place % len(filers)]
                        obj, body = self.another(filer)
                        unit.append(obj, body, blobs=filer.blobs, actor=filer.actor)


def new_authority(now_ms: int) -> Authority:
    """Return a certification centre of our own; its people have RSA keys, which are quick to verify."""
    return Authority.create("rsa2048", "СЫНАҚ", at_ms=now_ms - 2 * DAY_MS)


def in_one_process(folder: Path, *, people: int = 1) -> World:
    """Return a world whose centre and node live in this process."""
    court = Court(folder, seed=7)
    court.publish_reference()
    authority = new_authority(START_MS)
    trust_it(court.centre.trust, authority, START_MS)
    return make(court.node(COURT_ID), authority, people=people)


def trust_it(trust: Trust, authority: Authority, now_ms: int) -> None:
    """Trust the certification centre and its newest list."""
    for data in (*authority.anchors(), *authority.authorities()):
        trust.add(data)
    trust.import_crl(authority.crl(now_ms - DAY_MS, now_ms + DAY_MS, number=1), now_ms)


def make(node: Node, authority: Authority, *, people: int = 1) -> World:
    """Return the world of an enrolled node that has the reference data: people registered, one filing of each filed."""
    setup.create(node)
    trust_it(node.trust, authority, node.clock.now())
    return World(node, [filer(node, issue(authority, who, node.clock.now())) for who in PEOPLE[:people]])


def issue(authority: Authority, who: tuple[str, str, str, str], now_ms: int) -> Key:
    """Return the key of one of `PEOPLE`."""
    surname, first, patronymic, eleven = who
    return authority.issue_person(surname, first, patronymic, f"{eleven}{check_digit(eleven)}", not_before_ms=now_ms - DAY_MS)


def filer(node: Node, key: Key) -> Filer:
    """Register the key's holder and file once."""
    opened = open_for(node, key)
    agreed = agreement_version("bench")
    visitor = accounts.register(node, opened, email="a@example.kz", password=PASSWORD, language="kk", agreement=agreed)
    draft = begin_claim(node, visitor)
    paper = statements.prepare(node, visitor, draft).content.paper
    assert paper is not None
    filing = filings.submit(node, visitor, draft, opened, shown=paper.sha256)
    entry, _ = entries_of(node.database, filing.obj)[0]
    pattern: Submit = decode_body(entry.body or b"", Submit)
    return Filer(key, visitor, pattern, entry.envelope.blobs, entry.envelope.actor)


def open_for(node: Node, key: Key) -> OpenedKey:
    """Return the key as a page would hand it to a use case."""
    now = node.clock.now()
    return OpenedKey(key, node.trust.check(key.certificate, at_ms=now, now_ms=now), now)


def paper(title: str) -> bytes:
    """Return a small PDF, as a citizen would attach one."""
    text = "#set page(width: 210mm, height: 297mm)\n= #sys.inputs.title\n#lorem(300)"
    return bytes(typst.compile(text.encode(), format="pdf", sys_inputs={"title": title}))


def begin_claim(node: Node, visitor: Visitor, *, files: int = 3) -> bytes:
    """Fill a claim with so many papers, ready to be read and signed; return the draft's id."""
    surname, first, patronymic = (visitor.name.title() + "  ").split(" ")[:3]
    address = "Ақтау қаласы, 12-шағын аудан, 34-үй"
    me = Party(role="plaintiff", iin=visitor.iin, surname=surname, first_name=first, patronymic=patronymic, address=address)
    other = Party(role="defendant", kind="legal_entity", bin="070941024691", name="«Каспий Жөндеу» ЖШС", address="Алматы қаласы, Абай, 10")
    claim = Claim(
        proceedings="claim",
        category="claim.debt.loan",
        nature="property",
        region=REGION,
        court=COURT_ID,
        parties=(me, other),
        payment=Payment(claim_tiyn=245_000_000, duty_tiyn=2_450_000, way="pending"),
        circumstances=" ".join(WORDS * 2),
        requirement="Жауапкерден 2 450 000 теңге қарызды өндіріп беруіңізді сұраймын.",
        language="kk",
        filed_by_role="plaintiff",
    )
    draft = drafts.begin(node, visitor, claim)
    for place in range(files):
        data = paper(f"Құжат {place} {visitor.iin}")
        draft_files.attach(node, visitor, draft.id, kind="attachment" if place else "claim", name=f"Құжат {place}.pdf", data=data)
    return draft.id


class CountedKnown(known.CourtKnown):
    """Answers as the node's own does, and counts the seconds that signatures take."""

    spent = 0.0

    def pdf_signer(self, leaf: bytes, signature: bytes, *, place: int = 0) -> Signer:
        found: list[Signer] = []
        CountedKnown.spent += seconds(lambda: found.append(super(CountedKnown, self).pdf_signer(leaf, signature, place=place)))
        return found[0]


class RememberingKnown(known.CourtKnown):
    """Verifies a signature once, whatever entries carry it: only for filling a node with copies of a pattern."""

    seen: dict[bytes, Signer] = {}  # noqa: RUF012 - one for the run

    def pdf_signer(self, leaf: bytes, signature: bytes, *, place: int = 0) -> Signer:
        if signature in self.seen:
            self._keep(leaf, known.PDF, self.seen[signature], "")
        else:
            self.seen[signature] = super().pdf_signer(leaf, signature, place=place)
        return self.seen[signature]


@contextmanager
def counting(node: Node) -> Iterator[type[CountedKnown]]:
    """Count the seconds that the node's fold spends on signatures."""
    CountedKnown.spent = 0.0
    with _answering(node, CountedKnown):
        yield CountedKnown


@contextmanager
def remembering(node: Node) -> Iterator[None]:
    """Let the node's fold verify each signature once."""
    with _answering(node, RememberingKnown):
        yield


@contextmanager
def _answering(node: Node, kind: type[known.CourtKnown]) -> Iterator[None]:
    before = node.fold._known

    def make(database: Database) -> known.CourtKnown:
        return kind(database, node_courts=node._node_of, vouch=node._vouch)

    node.fold._known = make
    yield
    node.fold._known = before
