"""A small world for the subjects: people with keys, courts with nodes, and a Known that complains when misused."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from common.court import accounts, cases, filings, hearing_texts, hearings, materials, ruling, staff
from common.court.filing_texts import decision_content, withdrawal_content
from common.court.filings import Duty, File, Filer, FileRef, Ground, Party
from common.db import Database, Table, create_tables, insert, transaction
from common.errors import CourtError, Refused
from common.facts import Announced, BlobRef, Body, Fact, Signer, decode_body, encode_body
from common.ids import mint_talon

NOW = 1_795_000_000_000
CENTRE, ASTANA, AKTAU = 0, 1, 2
COURT, OTHER_COURT = "kz-7", "kz-283"
TALON = mint_talon(node=ASTANA, epoch=1, counter=1)
NUMBER = "7194-26-00-2/934"


def sha(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True)
class Person:
    """Somebody with a signing key."""

    name: str
    iin: str
    bin: str = ""
    role: str = ""

    @property
    def roles(self) -> frozenset[str]:
        return frozenset({self.role} - {""})

    @property
    def key(self) -> bytes:
        return sha(f"key of {self.name} {self.iin} {self.bin}")

    @property
    def cabinet(self) -> str:
        return self.bin or self.iin

    def sign(self, content: bytes) -> bytes:
        return b"CMS" + self.key + hashlib.sha256(content).digest()

    def sign_pdf(self, digest: bytes) -> bytes:
        return b"PDF" + self.key + digest


AIGUL = Person("Сәрсенова Айгүл", "850312400127")
BOLAT = Person("Ахметов Болат", "900101300123")
FIRM = Person("«Дала» ЖШС", "850312400127", "120340001234", "head")
COLLEAGUE = Person("«Дала» ЖШС", "920202400222", "120340001234", "right_to_sign")
EMPLOYEE = Person("«Дала» ЖШС", "940404300444", "120340001234", "employee")
CLERK = Person("Кеңсе маманы", "800505400999")
OTHER_CLERK = Person("Басқа соттың маманы", "810505400998")
JUDGE = Person("Судья", "700707300777")
PEOPLE = (AIGUL, BOLAT, FIRM, COLLEAGUE, EMPLOYEE, CLERK, OTHER_CLERK, JUDGE)


@dataclass
class World:
    """Known for tests: a clerk at each court, a node per court from log size 10 on; a leaf has one signature."""

    roles: Mapping[tuple[bytes, str], str] = field(
        default_factory=lambda: {
            (CLERK.key, COURT): "clerk",
            (OTHER_CLERK.key, OTHER_COURT): "clerk",
            (JUDGE.key, COURT): "judge",
        }
    )
    nodes: Mapping[str, int] = field(default_factory=lambda: {COURT: ASTANA, OTHER_COURT: AKTAU})
    since: int = 10
    packs: Sequence[tuple[int, Announced]] = ()
    _seen: dict[bytes, bytes] = field(default_factory=dict)

    def staff_role(self, certificate: bytes, court: str, *, before: int) -> frozenset[str]:
        role = self.roles.get((certificate, court)) if before > self.since else None
        return frozenset({role}) if role else frozenset()

    def node_of(self, court: str, *, before: int) -> int | None:
        return self.nodes.get(court) if before > self.since else None

    def rule_packs(self, *, before: int) -> list[Announced]:
        return [pack for index, pack in self.packs if index < before]

    def signer(self, leaf: bytes, signature: bytes, content: bytes) -> bytes:
        return self.holder(leaf, signature, content).certificate

    def holder(self, leaf: bytes, signature: bytes, content: bytes) -> Signer:
        self._once(leaf, signature)
        for person in PEOPLE:
            if signature == person.sign(content):
                return Signer(person.key, person.name, person.iin, person.bin, b"", person.roles)
        raise Refused("cms.tampered", "not signed")

    def pdf_signer(self, leaf: bytes, signature: bytes, *, place: int = 0) -> Signer:
        self._once(leaf + bytes([place]), signature)
        for person in PEOPLE:
            if signature[: 3 + 32] == b"PDF" + person.key:
                return Signer(person.key, person.name, person.iin, person.bin, signature[35:], person.roles)
        raise Refused("cms.tampered", "not signed")

    def _once(self, leaf: bytes, signature: bytes) -> None:
        assert self._seen.setdefault(leaf, signature) == signature, "one leaf was asked about two signatures"


def fact(kind: str, body: Body, *, node: int = ASTANA, obj: bytes = b"o" * 16, time: int = NOW, beacon: int = 20, **other: Any) -> Fact:
    """An entry as the journal gives it back: through its bytes."""
    data = encode_body(body)
    leaf = hashlib.sha256(data + repr((kind, node, obj, time, beacon, sorted(other))).encode()).digest()
    named = {"epoch": 1, "seq": 1, "leaf": leaf, "base": None, "actor": None, "blobs": (), "log_index": None}
    body = decode_body(data, type(body))
    return Fact(type=kind, obj=obj, body=body, node=node, time=time, beacon=beacon, **{**named, **other})


with_ = msgspec.structs.replace
"""The same body with other values."""


def register_body(person: Person = AIGUL, *, email: str = "aigul@example.kz") -> accounts.Register:
    said = {"name": person.name, "email": email, "language": "kk", "agreement": "a1"}
    statement = accounts.registration_statement(iin=person.iin, bin=person.bin, **said)
    return accounts.Register(
        person=person.cabinet,
        iin=person.iin,
        bin=person.bin,
        **said,
        statement=statement,
        signature=person.sign(statement),
        certificate=person.key,
    )


def sign_in_body(person: Person = AIGUL, *, node: int = ASTANA) -> accounts.Open:
    challenge = accounts.sign_in_challenge(node=node, time="2026-11-21 14:52", once=b"1" * 16)
    return accounts.Open(
        person=person.cabinet,
        iin=person.iin,
        bin=person.bin,
        name=person.name,
        challenge=challenge,
        signature=person.sign(challenge),
        certificate=person.key,
    )


STATEMENT = FileRef(sha256=sha("statement.pdf"), size=90_000, pages=3)
ATTACHMENT = File(title="Шарт", kind="attachment", media="application/pdf", pages=2, size=5_000_000, sha256=sha("contract"))
BLOBS = (BlobRef(STATEMENT.sha256, STATEMENT.size, "application/pdf"), BlobRef(ATTACHMENT.sha256, ATTACHMENT.size, "application/pdf"))


def submit_body(person: Person = AIGUL) -> filings.Submit:
    return filings.Submit(
        talon=TALON,
        court=COURT,
        region="71",
        document_type="claim",
        instance="first",
        proceedings="civil",
        category="debt",
        nature="property",
        language="kk",
        claim={"circumstances": "…", "parties": [{"name": "Бекова Б. Б."}], "sum": 1},
        filer=Filer(person=person.cabinet, iin=person.iin, bin=person.bin, name=person.name, certificate=person.key),
        parties=[
            Party(role="plaintiff", name=person.name, kind="individual"),
            Party(role="defendant", name="Бекова Б. Б.", kind="individual"),
        ],
        duty=Duty(claim_tiyn=100_000_000, duty_tiyn=1_000_000, way="receipt"),
        statement=STATEMENT,
        files=[ATTACHMENT],
        signature=person.sign_pdf(sha("byte range")),
        signed=sha("byte range"),
        crl_as_of_ms=NOW - 86_400_000,
        rule_pack="2026-1",
        findings=["duty.receipt"],
        received_ms=NOW - 5,
        line="offline",
        offline_since_ms=NOW - 3_600_000,
        key_id=b"draft",
    )


def withdraw_body(person: Person = AIGUL, *, court: str = COURT) -> filings.Withdraw:
    content = withdrawal_content(talon=TALON, court=court, date="2026-11-21", reason="Келістік")
    return filings.Withdraw(content=content, signature=person.sign(content), certificate=person.key, reason="Келістік", date="2026-11-21")


def register_decision(clerk: Person = CLERK, *, court: str = COURT, number: str = NUMBER) -> filings.Register:
    said = {"court": court, "number": number, "date": "2026-11-22", "executor": clerk.name}
    content = decision_content(talon=TALON, **said, court_name="Сот / Суд")
    return filings.Register(case=b"c" * 16, **said, content=content, signature=clerk.sign(content), certificate=clerk.key)


GROUND = Ground(code="cpc152-1", article="152", text_kk="Сотқа дейінгі тәртіп", text_ru="Досудебный порядок", cure=True)


def refuse_decision(
    clerk: Person = CLERK, *, court: str = COURT, redirected_to: str = "", grounds: list[Ground] | None = None
) -> filings.Refuse:
    said = {
        "court": court,
        "grounds": [GROUND] if grounds is None else grounds,
        "note": "Екі жол\nбір хатта",
        "cure_until": "" if redirected_to else "2026-12-01",
        "redirected_to": redirected_to,
        "date": "2026-11-22",
        "executor": clerk.name,
    }
    content = decision_content(talon=TALON, **said)
    return filings.Refuse(**said, content=content, signature=clerk.sign(content), certificate=clerk.key)


def verify_body(subject: str = "revocation", result: str = "good", as_of_ms: int = NOW) -> filings.Verify:
    return filings.Verify(subject=subject, result=result, as_of_ms=as_of_ms, source="ocsp")


def case_body(clerk: Person = CLERK, *, court: str = COURT, number: str = NUMBER) -> cases.Open:
    said = {"court": court, "number": number, "talon": TALON, "date": "2026-11-22", "executor": clerk.name}
    content = decision_content(**said)
    return cases.Open(
        filing=b"o" * 16,
        proceedings="civil",
        category="debt",
        nature="property",
        language="kk",
        filer_person=AIGUL.cabinet,
        **said,
        content=content,
        signature=clerk.sign(content),
        certificate=clerk.key,
    )


def rule_body(
    kind: Any = filings.Rule, judge: Person = JUDGE, *, outcome: str = "accepted", grounds: list[Ground] | None = None, **changes: Any
) -> Any:
    """The ruling of a judge (R4), of `filings` or of `cases`; ``changes`` are of the body alone, not of the signed text."""
    chosen = ([] if outcome == "accepted" else [GROUND]) if grounds is None else grounds
    said = {"outcome": outcome, "talon": TALON, "court": COURT, "number": NUMBER, "date": "2026-11-25", "judge": judge.name}
    said |= {"grounds": chosen, "note": "Сөз"}
    content = ruling.write(ruling.lines(**said), court_name="Сот / Суд")
    body = kind(filing=b"o" * 16, case=b"c" * 16, **said, content=content, signature=judge.sign(content), certificate=judge.key)
    return with_(body, **changes)


STARTS = (NOW // 86_400_000 + 9) * 86_400_000 + 5 * 3_600_000
"""A day of next week, 10:00 in Kazakhstan."""
LINK = "https://vks.example.kz/j/7194-934"


def set_body(
    officer: Person = JUDGE, *, earlier_ms: int | None = None, signed: Mapping[str, Any] | None = None, **changes: Any
) -> hearings.Set:
    """A hearing that is fixed, moved away from ``earlier_ms``; ``signed`` are changes of the signed text alone."""
    body = hearings.Set(
        case=b"c" * 16,
        talon=TALON,
        court=COURT,
        number=NUMBER,
        starts_ms=STARTS,
        hall="3-зал",
        kind="preliminary",
        closed=False,
        mode="hall",
        judge=JUDGE.name,
        persons=[AIGUL.cabinet],
        date="2026-11-25",
        officer=officer.name,
        content=b"",
        signature=b"",
        certificate=officer.key,
    )
    body = with_(body, **changes)
    content = hearing_texts.write(hearings.lines_of_set(with_(body, **(signed or {})), earlier_ms), court_name="Сот / Суд")
    return with_(body, content=content, signature=officer.sign(content))


def close_body(last: hearings.Set, replaces: bytes, officer: Person = JUDGE, **changes: Any) -> hearings.Close:
    """What ended the hearing that the entry ``replaces`` fixed as ``last`` says."""
    body = hearings.Close(
        outcome="held", replaces=replaces, date="2026-12-05", officer=officer.name, content=b"", signature=b"", certificate=officer.key
    )
    body = with_(body, **changes)
    content = hearing_texts.write(hearings.lines_of_close(body, last), court_name="Сот / Суд")
    return with_(body, content=content, signature=officer.sign(content))


def party_body(name: str = "Бекова Б. Б.", *, to_ms: int | None = None) -> cases.Party:
    return cases.Party(role="defendant", name=name, kind="individual", person="", from_ms=NOW, to_ms=to_ms)


RECORD = BlobRef(sha("record"), 4_096, "audio/wav")


def material_body(**changes: Any) -> materials.Add:
    body = materials.Add(
        case=b"c" * 16,
        court=COURT,
        number=NUMBER,
        talon=TALON,
        kind="audio",
        title="Сот отырысының жазбасы",
        date="2026-11-26",
        open_to=[AIGUL.cabinet],
    )
    return with_(body, **changes)


def appoint_body(**changes: Any) -> staff.Appoint:
    body = staff.Appoint(name=CLERK.name, court=COURT, role="clerk", certificate=b"der of the clerk", from_ms=NOW)
    return with_(body, **changes)


def fold(subject: Any, facts: Iterable[Fact], known: World | None = None) -> tuple[Any, list[str]]:
    """Return the state after ``facts`` and the codes of the refused ones; a refusal that changed anything fails the test."""
    known = known or World()
    state = subject.begin()
    codes = []
    for each in facts:
        before = subject.rows(state), subject.audience(state)
        try:
            subject.step(state, each, known)
        except CourtError as error:
            codes.append(error.code)
            assert (subject.rows(state), subject.audience(state)) == before, "a refused entry left a trace"
    return state, codes


def store(database: Database, subject: Any, *states: Any) -> None:
    """Write the rows of folded objects, as the fold does."""
    create_tables(database, subject.TABLES)
    with transaction(database):
        for state in states:
            for table, rows in subject.rows(state).items():
                require_columns(table, rows)
                insert(database, table, rows)


def require_columns(table: type[Table], rows: Iterable[Mapping[str, Any]]) -> None:
    """Every row names every column and no other."""
    wanted = {each.column_name for each in table._meta.sorted_fields}
    for row in rows:
        assert set(row) == wanted, table
