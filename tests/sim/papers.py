"""What people write, as small as the subjects allow: real bodies, real RSA signatures, files of a few bytes.

Keys are made once a process; a statement is a few bytes that call themselves a PDF, because no fold opens one.
"""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from common.court import accounts, hearing_texts, hearings
from common.court.filing_entries import Duty, File, Filer, FileRef, Refuse, Register, Submit, Withdraw
from common.court.filing_texts import Ground, decision_content, withdrawal_content
from common.court.materials import Add, Kind
from common.court.staff import Appoint
from common.ids import new_object_id
from common.pki import cms
from common.pki.authority import DAY_MS, Authority
from common.pki.keystore import Key

BEGUN_MS = 1_795_240_000_000 - 30 * DAY_MS
DATE = "2026-11-21"
with_ = msgspec.structs.replace
GROUND = Ground(code="cpc152-1", article="152", text_kk="Сотқа дейінгі тәртіп", text_ru="Досудебный порядок", cure=True)


@dataclass(frozen=True)
class Person:
    """Somebody with a signing key."""

    name: str
    iin: str

    @property
    def key(self) -> Key:
        return _key(self)

    def sign(self, content: bytes) -> bytes:
        return cms.sign_detached(content, self.key, at_ms=BEGUN_MS + DAY_MS)


AIGUL = Person("АЙГҮЛ", "850312400127")
BOLAT = Person("БОЛАТ", "900101300123")
CITIZENS = (AIGUL, BOLAT)


@functools.cache
def authority() -> Authority:
    """The one certification centre of the simulated country."""
    return Authority.create("rsa2048", "СЫНАҚ", at_ms=BEGUN_MS)


@functools.cache
def _key(who: Person) -> Key:
    return authority().issue_person("СЫНАҚОВ", who.name, "", who.iin, not_before_ms=BEGUN_MS)


@functools.cache
def clerk_of(court: str) -> Person:
    """Return the one clerk of ``court``."""
    number = int.from_bytes(hashlib.sha256(court.encode()).digest()[:2], "big")
    return Person(f"КЕҢСЕ {court}", f"8005054{number:05}")


def appointment(court: str) -> Appoint:
    """Return the appointment of the court's clerk."""
    clerk = clerk_of(court)
    return Appoint(name=clerk.name, court=court, role="clerk", certificate=clerk.key.certificate.der, from_ms=BEGUN_MS)


@dataclass(frozen=True)
class Filing:
    """What the person holds in hand after filing."""

    obj: bytes
    leaf: bytes
    talon: str
    court: str
    person: Person


def submit(person: Person, court: str, talon: str, statement: bytes, attachment: bytes, now: int) -> Submit:
    """Return a filing of ``person`` to ``court``; the signature covers ``statement``."""
    digest, key = hashlib.sha256(statement).digest(), person.key
    sha256 = hashlib.sha256(attachment).digest()
    files = [File(title="Шарт", kind="attachment", media="application/pdf", size=len(attachment), sha256=sha256)] if attachment else []
    return Submit(
        talon=talon,
        court=court,
        region="71",
        document_type="claim",
        instance="first",
        proceedings="civil",
        category="debt",
        nature="property",
        language="kk",
        claim={"circumstances": "…"},
        filer=Filer(person=person.iin, iin=person.iin, name=person.name, certificate=key.certificate.sha256),
        duty=Duty(way="pending"),
        statement=FileRef(sha256=digest, size=len(statement), pages=1),
        files=files,
        signature=cms.sign_digest(digest, key, at_ms=None),
        signed=digest,
        rule_pack="2026-1",
        received_ms=now,
        line="offline",
        key_id=new_object_id(),
    )


def withdraw(filing: Filing) -> Withdraw:
    """Return the withdrawal of ``filing`` by its filer."""
    content = withdrawal_content(talon=filing.talon, court=filing.court, date=DATE, reason="Келістік")
    person = filing.person
    return Withdraw(
        content=content, signature=person.sign(content), certificate=person.key.certificate.sha256, reason="Келістік", date=DATE
    )


def register(filing: Filing, number: str) -> Register:
    """Return the decision of the addressed court's clerk to register ``filing`` under ``number``."""
    clerk = clerk_of(filing.court)
    content = decision_content(talon=filing.talon, court=filing.court, number=number, date=DATE, executor=clerk.name)
    return Register(
        case=new_object_id(),
        court=filing.court,
        number=number,
        date=DATE,
        executor=clerk.name,
        content=content,
        signature=clerk.sign(content),
        certificate=clerk.key.certificate.sha256,
    )


def material(filing: Filing, media: str, *, open_to: Sequence[str]) -> Add:
    """Return a material that the court of ``filing`` adds to a case; ``media`` says of what kind."""
    kind: Kind = "audio" if media.startswith("audio/") else "video" if media.startswith("video/") else "document"
    return Add(
        case=filing.obj,
        court=filing.court,
        number="7194-26-00-2/1",
        talon=filing.talon,
        kind=kind,
        title="Сот отырысы",
        date=DATE,
        open_to=list(open_to),
    )


def refuse(filing: Filing) -> Refuse:
    """Return the refusal of ``filing`` by the addressed court's clerk."""
    clerk = clerk_of(filing.court)
    content = decision_content(talon=filing.talon, court=filing.court, grounds=[GROUND], date=DATE, executor=clerk.name)
    return Refuse(
        court=filing.court,
        grounds=[GROUND],
        date=DATE,
        executor=clerk.name,
        content=content,
        signature=clerk.sign(content),
        certificate=clerk.key.certificate.sha256,
    )


def hearing(filing: Filing, starts_ms: int, *, replaces: bytes = b"", earlier_ms: int | None = None) -> hearings.Set:
    """Return a hearing that the addressed court's clerk sets, or moves away from ``earlier_ms``, in the case of ``filing``."""
    clerk = clerk_of(filing.court)
    body = hearings.Set(
        case=filing.obj,
        talon=filing.talon,
        court=filing.court,
        number="7194-26-00-2/1",
        starts_ms=starts_ms,
        hall="3-зал",
        kind="main",
        closed=False,
        mode="video",
        link="https://vks.example.kz/1",
        judge="СУДЬЯ",
        persons=[filing.person.iin],
        replaces=replaces,
        date=DATE,
        officer=clerk.name,
        content=b"",
        signature=b"",
        certificate=clerk.key.certificate.sha256,
    )
    content = hearing_texts.write(hearings.lines_of_set(body, earlier_ms), court_name="Сот / Суд")
    return with_(body, content=content, signature=clerk.sign(content))


def open_cabinet(person: Person, node: int, once: int) -> accounts.Open:
    """Return the sign-in of ``person`` at ``node``."""
    challenge = accounts.sign_in_challenge(node=node, time="2026-11-21 14:52", once=once.to_bytes(16, "big"))
    return accounts.Open(
        person=person.iin,
        iin=person.iin,
        name=person.name,
        challenge=challenge,
        signature=person.sign(challenge),
        certificate=person.key.certificate.sha256,
    )
