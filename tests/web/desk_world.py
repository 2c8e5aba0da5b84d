"""A court with its staff, a citizen at another court's machine, and pages without a browser.

Filings are made as a node makes them: a typeset statement, a real signature inside, an entry in the journal.
"""

import hashlib
import html
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from central.services import reference
from common.court import claim as claims
from common.court import filing_lists, rule_facts, rules, terms
from common.court.claim import Attachment, Claim, Party, Payment
from common.court.filing_entries import Duty, File, Filer, FileRef, Submit
from common.court.filing_entries import Party as Named
from common.court.filing_lists import Filing
from common.court.staff import Appoint
from common.facts import BlobRef
from common.ids import new_object_id
from common.papers.parts import Both, PaperFile
from common.papers.parts import Court as PaperCourt
from common.papers.parts import Duty as PaperDuty
from common.papers.statement import Party as PaperParty
from common.papers.statement import Statement, statement_pdf
from common.pki import pades
from common.pki.keystore import Key
from common.web.app import WebConfig, create_app
from common.web.sessions import DatabaseSessions
from edge.exchanger import Exchanger
from edge.node import Node
from edge.services import accounts
from edge.web import cases, desk, erasures, hearings, line, sticks
from edge.web.frame import frame_of
from tests.court import START_MS, Court
from tests.web.pages import BEGUN_MS, PASSWORD, TOKEN, Person, trust_our_centres

AKTAU, ASTANA = "kz-283", "kz-489"
CLERK = Person("ҚАСЫМОВА", "ДИНА", "ЕРЛАНҚЫЗЫ", "800505400999")
CHAIRMAN = Person("ОСПАНОВ", "ЕРЖАН", "", "810606300555")
JUDGE = Person("ОМАРОВ", "БЕРІК", "СЕРІКҰЛЫ", "700707300777")
ADMINISTRATOR = Person("ЛИ", "ЕЛЕНА", "", "750808400888")
FOREIGN_CLERK = Person("СЕЙІТОВА", "АЛМА", "", "820909400444")
CITIZEN = Person("СӘРСЕНОВА", "АЙГҮЛ", "МАРАТҚЫЗЫ", "760212350620")
GOST_CITIZEN = Person("СӘРСЕНОВА", "АЙГҮЛ", "МАРАТҚЫЗЫ", "760212350620", centre="gost512")

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')

STAFF = {
    CLERK: ("Қасымова Дина Ерланқызы", AKTAU, "clerk"),
    CHAIRMAN: ("Оспанов Ержан", AKTAU, "chairman"),
    JUDGE: ("Омаров Берік Серікұлы", AKTAU, "judge"),
    ADMINISTRATOR: ("Ли Елена", AKTAU, "administrator"),
    FOREIGN_CLERK: ("Сейітова Алма", ASTANA, "clerk"),
}


@dataclass
class World:
    """Two machines: the court's own, and the one of another region at which the citizen stands."""

    court: Court
    aktau: Node
    astana: Node
    appointments: dict[Person, bytes] = field(default_factory=dict)

    @classmethod
    def create(cls, folder: Path, *, courts: tuple[str, ...] = (AKTAU,)) -> "World":
        court = Court(folder)
        court.publish_reference()
        world = cls(court, court.node(*courts), court.node(ASTANA))
        for who in STAFF:
            world.appointments[who] = reference.appoint(court.centre, appointment(who))
        for machine in (world.aktau, world.astana, court.centre):
            trust_our_centres(machine)
        for node in (world.aktau, world.astana):
            accounts.create(node.database)
            court.exchange(node)
        return world

    def appoint(self, who: Person, place: str, role: str = "clerk") -> None:
        """Appoint ``who`` at one more court, and let everybody know."""
        body = msgspec.structs.replace(appointment(who), court=place, role=role)
        reference.appoint(self.court.centre, body)
        self.court.exchange(self.aktau)

    def dismiss(self, who: Person) -> None:
        """End an appointment and let the court know."""
        body = msgspec.structs.replace(appointment(who), to_ms=self.court.clock.now())
        with self.court.centre.journal.unit() as unit:
            unit.append(self.appointments[who], body)
        self.court.centre.publish()
        self.court.exchange(self.aktau)

    def file(self, node: Node | None = None, **changes: Any) -> bytes:
        """File a sound claim at ``node`` (the court's own when None) and return its object; see `submit`."""
        return submit(node or self.aktau, **changes)

    def file_at_a_kiosk(self) -> bytes:
        """A citizen signs in and files at the machine of another court; it has reached this one."""
        accounts.sign_in_by_key(self.astana, CITIZEN.open(self.astana))
        obj = self.file(self.astana)
        self.deliver()
        return obj

    def filing(self, obj: bytes, node: Node | None = None) -> Filing:
        found = filing_lists.filing((node or self.aktau).database, obj)
        assert found is not None
        return found

    def deliver(self) -> None:
        """Let everything travel: up from both, down to both."""
        for node in (self.astana, self.aktau, self.astana, self.aktau):
            assert self.court.exchange(node)


def appointment(who: Person) -> Appoint:
    name, court, role = STAFF[who]
    return Appoint(name=name, court=court, role=role, certificate=who.key.certificate.der, from_ms=BEGUN_MS)


def sound_claim(court: str = AKTAU, **changes: Any) -> Claim:
    address = "Ақтау қаласы, 5-шағын аудан, 12-үй"
    plaintiff = Party(surname="Сәрсенова", first_name="Айгүл", patronymic="Маратқызы", iin="760212350620", address=address)
    defendant = Party(role="defendant", kind="legal_entity", name="«Теңіз Құрылыс Сервис» ЖШС", bin="940140000385", address=address)
    return msgspec.structs.replace(
        Claim(
            proceedings="claim",
            category="claim.debt.loan",
            nature="property",
            region="47",
            court=court,
            parties=(plaintiff, defendant),
            payment=Payment(claim_tiyn=245_000_000, duty_tiyn=2_450_000, way="receipt"),
            circumstances="2025 жылғы 14 ақпанда қарыз шарты жасалды. Мерзім өтті, қарыз қайтарылған жоқ.",
            requirement="Қарызды және мемлекеттік бажды өндіруіңізді сұраймын.",
            filed_by_role="plaintiff",
        ),
        **changes,
    )


FILES = (("claim", "Талап арыз", b"claim"), ("attachment", "Қарыз шарты", b"contract"), ("receipt", "Баж түбіртегі", b"receipt"))


def pdf_of(text: bytes) -> bytes:
    """A small PDF that no reader complains about; its words are another each time."""
    about = text.decode()
    paper = Statement(
        lang="kk", kind="claim", number="197640118205374", made_at=START_MS, court=PaperCourt(name=Both("Сот", "Суд")), parties=(),
        duty=PaperDuty(amount=1), subject=about, circumstances=about, requirement=about,
    )  # fmt: skip
    return statement_pdf(paper)


def submit(
    node: Node,
    *,
    who: Person = CITIZEN,
    claim: Claim | None = None,
    named_hashes: bool = True,
    keep_statement: bool = True,
    tamper: bool = False,
    **changes: Any,
) -> bytes:
    """Write one filing into the journal of ``node`` as its pages do, and return its object.

    ``named_hashes`` False: the page names no file. ``keep_statement`` False: the statement's file is on the way.
    ``tamper``: the stored statement is not the one that was signed. ``changes`` replace fields of the entry.
    """
    key, claim = who.key, claim or sound_claim()
    files = []
    for kind, title, text in FILES:
        data = pdf_of(text)
        files.append(File(title=title, kind=kind, media="application/pdf", pages=1, size=len(data), sha256=node.blobs.put(data)))
    attached = [
        Attachment(kind=each.kind, title=each.title, media_type=each.media, pages=1, size=each.size, sha256=each.sha256.hex())
        for each in files
    ]
    claim = msgspec.structs.replace(claim, attachments=tuple(attached))
    with node.journal.unit() as unit:
        talon = unit.reserve_talon()
    signed, signature = _signed(node, key, claim, talon, files if named_hashes else [])
    stored = signed.replace(b"%PDF-1.7", b"%PDF-1.6", 1) if tamper else signed
    sha256 = hashlib.sha256(stored).digest()
    if keep_statement:
        node.blobs.put(stored)
    body = _body(node, key, claim, talon, files, FileRef(sha256=sha256, size=len(stored), pages=1), signature)
    body = msgspec.structs.replace(body, **changes)
    blobs = [BlobRef(sha256, len(stored), "application/pdf"), *(BlobRef(each.sha256, each.size, each.media) for each in files)]
    obj = new_object_id()
    with node.journal.unit() as unit:
        unit.append(obj, body, blobs=list({blob.sha256: blob for blob in blobs}.values()), actor=key.certificate.sha256)
    return obj


def _signed(node: Node, key: Key, claim: Claim, talon: str, files: list[File]) -> tuple[bytes, pades.PdfSignature]:
    court = node.book().court(claim.court)
    now = node.clock.now()
    page = statement_pdf(
        Statement(
            lang="kk",
            kind="claim",
            number=talon,
            made_at=now,
            court=PaperCourt(name=Both(court.name_kk, court.name_ru)),
            parties=tuple(
                PaperParty(
                    role=each.role, name=each.display_name, number=each.number, is_entity=each.kind == "legal_entity", address=each.address
                )
                for each in claim.parties
            ),
            duty=PaperDuty(amount=claim.payment.duty_tiyn or 0, claim_sum=claim.payment.claim_tiyn, payment="attached"),
            subject="Қарыз шарты",
            circumstances=claim.circumstances,
            requirement=claim.requirement,
            attachments=tuple(
                PaperFile(title=each.title, kind="PDF", pages=each.pages, size_bytes=each.size, sha256=each.sha256) for each in files
            ),
            signer_name=key.certificate.full_name,
            signer_number=key.certificate.iin,
        )
    )
    signed = pades.sign_pdf(page, key, at_ms=now, field="Filer")
    return signed, pades.read_pdf_signatures(signed)[0]


def _body(node: Node, key: Key, claim: Claim, talon: str, files: list[File], page: FileRef, signature: pades.PdfSignature) -> Submit:
    certificate, now = key.certificate, node.clock.now()
    verdict = node.trust.check(certificate, at_ms=now, now_ms=now)
    found = rules.check(rule_facts.ClaimFacts(claim, signer_iin=certificate.iin), node.book(), terms.local_date(now))
    return Submit(
        talon=talon,
        court=claim.court,
        region=claim.region,
        document_type="claim",
        instance="first",
        proceedings="civil",
        category=claim.category,
        nature=claim.nature,
        language="kk",
        claim=claims.dump(claim),
        filer=Filer(person=certificate.iin, iin=certificate.iin, name=certificate.full_name, certificate=certificate.sha256),
        parties=[Named(role=each.role, name=each.display_name, kind=each.kind) for each in claim.parties],
        duty=Duty(claim_tiyn=claim.payment.claim_tiyn or 0, duty_tiyn=claim.payment.duty_tiyn or 0, way=claim.payment.way or "pending"),
        statement=page,
        files=files,
        signature=signature.cms,
        signed=signature.byte_range_digest,
        crl_as_of_ms=verdict.crl_this_update_ms,
        crl_stale=verdict.stale,
        rule_pack=rules.PACK_VERSION,
        findings=list(rules.warned(found)),
        received_ms=now,
        line="offline",
        key_id=new_object_id(),
    )


def make_app(node: Node, exchanger: Exchanger | None = None) -> Flask:
    """The desk's pages of ``node`` alone; links to others lead to /elsewhere/<endpoint>."""
    exchanger = exchanger or Exchanger(node)
    app = create_app(
        "edge",
        config=WebConfig(secret=bytes(32), cookie=f"sot-{node.number}"),
        clock=node.clock,
        sessions=DatabaseSessions(node.database),
        frame=lambda: frame_of(node, exchanger),
    )
    app.url_build_error_handlers.append(lambda error, endpoint, values: f"/elsewhere/{endpoint}")
    for pages in (
        desk.make_pages(node),
        cases.make_pages(node),
        hearings.make_pages(node),
        erasures.make_pages(node),
        line.make_pages(node, exchanger),
        sticks.make_pages(node, exchanger),
    ):
        app.register_blueprint(pages)
    return app


class Terminal:
    """One browser at the desk: it remembers cookies and the token of the last page. Pages are in English, the sentences' own."""

    def __init__(self, node: Node, exchanger: Exchanger | None = None) -> None:
        self.node = node
        self.client: FlaskClient = make_app(node, exchanger).test_client()
        self.client.get("/desk/enter?lang=en")
        self.text = ""

    def get(self, url: str, *, status: int = 200) -> str:
        return self._took(self.client.get(url), status)

    def post(self, url: str, *, status: int = 303, **fields: Any) -> str:
        token = TOKEN.search(self.text)
        data = {"csrf_token": token[1] if token else "", **fields}
        answer = self.client.post(url, data=data, content_type="multipart/form-data")
        if answer.status_code == status == 303:
            return str(answer.headers["Location"])
        return self._took(answer, status)

    def go_back(self) -> str:
        """Press «Back» on the page with the key, and return the page before it as it was filled."""
        form = re.search(r'<form class="back-form" method="post" action="([^"]+)">(.*?)</form>', self.text, re.DOTALL)
        assert form is not None, "nothing leads back"
        fields: dict[str, list[str]] = {"go": ["back"]}
        for name, value in HIDDEN.findall(form[2]):
            fields.setdefault(name, []).append(html.unescape(value))
        return self._took(self.client.post(html.unescape(form[1]), data=fields), 200)

    def sign_in(self, who: Person, *, status: int = 303) -> str:
        self.get("/desk/enter?lang=en")
        return self.post("/desk/enter", status=status, **key_fields(who))

    def decide(self, obj: bytes, kind: str, who: Person, *, status: int = 303, **said: Any) -> str:
        """Go the way of a decision: what is to be decided, the page that shows it, the key."""
        url = f"/desk/filings/{obj.hex()}/decision/{kind}"
        self.get(url)
        if kind != "register":
            self.post(url, status=200, **said)
        hidden = dict(HIDDEN.findall(self.text))
        executor = re.search(r'<option value="([^"]*)" selected>', self.text)
        if executor and "executor" not in hidden:
            hidden["executor"] = executor[1]
        hidden.pop("csrf_token")
        return self.post(f"{url}/sign", status=status, **hidden, **key_fields(who))

    def _took(self, answer: TestResponse, status: int) -> str:
        self.text = answer.get_data(as_text=True)
        assert answer.status_code == status, f"{answer.status_code} instead of {status}: {plain(self.text)[:2000]}"
        return self.text


def key_fields(who: Person, password: str = PASSWORD) -> dict[str, Any]:
    return {"key_where": "file", "key_file": (io.BytesIO(who.p12), "key.p12"), "key_password": password}


def plain(page: str) -> str:
    """What a person reads of a page."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", page[page.find("<main") :], flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body))).strip()
