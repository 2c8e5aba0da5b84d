"""A country whose centre answers through its real application: pages for an administrator, the wire for the nodes.

country = Country(tmp_path)
node = country.node("kz-7")                     # exchanges go through the Flask application's own door
filing = country.file(node)                     # an entry like any other, signed by AIGUL
browser = country.browser(); browser.enter(ADMIN)
"""

import hashlib
from pathlib import Path

from flask.testing import FlaskClient

from central import app
from central.folding import Folding
from central.services import enrolment, reference
from common.court.filing_entries import Duty, Filer, FileRef, Submit
from common.court.staff import Appoint
from common.facts import BlobRef
from common.ids import new_object_id
from common.pki import cms
from edge.config import EdgeConfig
from edge.enrolment import enrol
from edge.node import Node
from tests.court import Court
from tests.web.pages import AIGUL, DAY_MS, Browser, Person, centre_of

ADMIN = Person("АХМЕТОВ", "НҰРБОЛ", "СЕРІКҰЛЫ", "830505300556")
CLERK = Person("ОМАРОВА", "ЖАНАР", "ҚАЙРАТҚЫЗЫ", "910101400321")


class AppLine:
    """A node's transport: the centre's application in this process, bytes through its own WSGI door."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        answer = self._client.post(path, data=body)
        assert "Set-Cookie" not in answer.headers
        return answer.status_code, answer.data


class Country:
    """The centre with its application, its administrator and its nodes."""

    def __init__(self, folder: Path) -> None:
        self.court = Court(folder)
        self.centre, self.clock = self.court.centre, self.court.clock
        self.court.publish_reference()
        authority = centre_of(ADMIN.centre)
        for certificate in (*authority.anchors(), *authority.authorities()):
            self.centre.trust.add(certificate)
        self.appoint(ADMIN, "central")
        self.app = app.build(self.centre)
        self.folding = Folding(self.centre)
        self.line = AppLine(self.app.test_client())

    def appoint(self, who: Person, role: str, court: str = "") -> bytes:
        certificate = who.key.certificate
        body = Appoint(name=certificate.full_name, court=court, role=role, certificate=certificate.der, from_ms=self.clock.now())
        return reference.appoint(self.centre, body)

    def import_list(self, *, at_ms: int, number: int) -> None:
        """Give the centre a revocation list of ``at_ms`` that lives a day."""
        self.centre.trust.import_crl(centre_of(ADMIN.centre).crl(at_ms, at_ms + DAY_MS, number), self.clock.now())

    def browser(self, who: Person | None = None) -> Browser:
        browser = Browser(self.app)
        if who is not None:
            browser.enter(who)
        return browser

    def node(self, *courts: str, number: int = 1001, name: str = "") -> Node:
        """Enrol a machine by a code and through the wire, caught up."""
        code = enrolment.make_code(self.centre, node=number, name=name or f"Node {number}", courts=courts)
        data = self.court.folder / f"node-{number}"
        enrol(data, str(code), self.line)
        node = Node.open(EdgeConfig(data=str(data)), clock=self.clock, transport=self.line)
        node.start()
        authority = centre_of(AIGUL.centre)
        for certificate in (*authority.anchors(), *authority.authorities()):
            node.trust.add(certificate)
        node.client.exchange()
        return node

    def file(
        self, node: Node, court: str = "kz-7", *, who: Person = AIGUL, crl_as_of_ms: int | None = None, pay: str = "receipt", duty: int = 1
    ) -> Submit:
        """Write a filing at ``node`` and return its body; the statement itself is not there, only its name."""
        certificate, now = who.key.certificate, self.clock.now()
        statement = hashlib.sha256(new_object_id()).digest()
        with node.journal.unit() as unit:
            body = Submit(
                talon=unit.reserve_talon(),
                court=court,
                region=node.book().court(court).region_rr,
                document_type="claim",
                instance="first",
                proceedings="civil",
                category="debt",
                nature="property",
                language="kk",
                claim={},
                filer=Filer(person=who.person, iin=who.iin, bin=who.bin, name=certificate.full_name, certificate=certificate.sha256),
                duty=Duty(claim_tiyn=100, duty_tiyn=duty, way=pay),
                statement=FileRef(sha256=statement, size=10, pages=1),
                signature=cms.sign_digest(statement, who.key, at_ms=None),
                signed=statement,
                crl_as_of_ms=crl_as_of_ms,
                crl_stale=crl_as_of_ms is None,
                rule_pack="2026.1",
                received_ms=now,
                line="online",
                key_id=new_object_id(),
            )
            unit.append(new_object_id(), body, blobs=[BlobRef(statement, 10, "application/pdf")], actor=certificate.sha256)
        return body
