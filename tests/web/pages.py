"""A node with its pages under test: real node, real keys, a browser that carries tokens. Used by all tests of edge pages.

    house = House(tmp_path)                         # a node of "kz-7" with trust, revocation list and all page modules given
    browser = house.browser()
    browser.enter(AIGUL)                            # signs in by key
    assert browser.get("/cabinet").status_code == 200

People: AIGUL owns things, BOLAT is a stranger, FIRM an organisation whose representative is AIGUL, ALMA her colleague at FIRM with
the right to sign, EMPLOYEE one without;
REVOKED holds a revoked key, OUTSIDER one of a certification centre that nobody trusts here.
"""

import functools
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from common.pki.authority import DAY_MS, Authority
from common.pki.keystore import Key, write_p12
from common.pki.opening import OpenedKey, open_key
from common.web.app import WebConfig, create_app
from common.web.sessions import DatabaseSessions
from edge.exchanger import Exchanger
from edge.node import Node
from edge.services import accounts as account_services
from edge.services import drafts
from edge.services import notifications as notification_services
from edge.web import accounts, home, notifications
from edge.web.frame import frame_of
from tests.court import START_MS, Court

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
PASSWORD = "Qwerty12"
"""Of every key file here."""
CABINET_PASSWORD = "төрт сөз бір-біріне жат"
BEGUN_MS = START_MS - 30 * DAY_MS
MAKERS: tuple[Callable[[Node], Blueprint], ...] = (home.make_pages, accounts.make_pages, notifications.make_pages)


@dataclass(frozen=True)
class Person:
    """Somebody with a key file."""

    surname: str
    first: str
    patronymic: str
    iin: str
    organisation: str = ""
    bin: str = ""
    centre: str = "rsa2048"
    role: str = "head"
    """Of an organisation's certificate."""

    @property
    def person(self) -> str:
        return self.bin or self.iin

    @property
    def key(self) -> Key:
        return _key(self)

    @property
    def p12(self) -> bytes:
        return _p12(self)

    def open(self, node: Node, password: str = PASSWORD) -> OpenedKey:
        return open_key(self.p12, password, node.trust, now_ms=node.clock.now())


AIGUL = Person("СӘРСЕНОВА", "АЙГҮЛ", "МАРАТҚЫЗЫ", "850312400127")
BOLAT = Person("АХМЕТОВ", "БОЛАТ", "ЕРЛАНҰЛЫ", "900101300123")
GOST_AIGUL = Person("СӘРСЕНОВА", "АЙГҮЛ", "МАРАТҚЫЗЫ", "850312400127", centre="gost512")
FIRM = Person("СӘРСЕНОВА", "АЙГҮЛ", "МАРАТҚЫЗЫ", "850312400127", "«ДАЛА» ЖШС", "120340001234")
ALMA = Person("ОСПАНОВА", "АЛМА", "", "920202400222", "«ДАЛА» ЖШС", "120340001234", role="right_to_sign")
EMPLOYEE = Person("ЖАҚЫП", "НҰРЛАН", "", "940404300444", "«ДАЛА» ЖШС", "120340001234", role="employee")
REVOKED = Person("ТӨЛЕНОВ", "САМАТ", "", "880808300888")
OUTSIDER = Person("БӨТЕН", "БІРЕУ", "", "870707300777", centre="elsewhere")


def somebody(number: int) -> Person:
    """A citizen nobody else in this run is."""
    return Person("СЫНАҚОВ", f"АЗАМАТ{number}", "", f"7001013{number:05}")


@functools.cache
def centre_of(name: str) -> Authority:
    """One certification centre of each kind for the whole run; "elsewhere" is trusted by no node."""
    return Authority.create("gost512" if name == "gost512" else "rsa2048", f"СЫНАҚ {name}", at_ms=BEGUN_MS)


@functools.cache
def _key(who: Person) -> Key:
    centre = centre_of(who.centre)
    if who.bin:
        return centre.issue_organisation(
            who.surname, who.first, who.patronymic, who.iin, who.organisation, who.bin, role=who.role, not_before_ms=BEGUN_MS
        )
    return centre.issue_person(who.surname, who.first, who.patronymic, who.iin, not_before_ms=BEGUN_MS)


@functools.cache
def _p12(who: Person) -> bytes:
    return write_p12(who.key, PASSWORD)


def trust_our_centres(node: Node, kinds: Iterable[str] = ("rsa2048", "gost512"), *, list_ms: int = START_MS) -> None:
    """Let ``node`` trust our centres, with lists of ``list_ms`` that live a day and revoke REVOKED."""
    for kind in kinds:
        centre = centre_of(kind)
        for certificate in (*centre.anchors(), *centre.authorities()):
            node.trust.add(certificate)
        if kind == REVOKED.centre:
            centre.revoke(REVOKED.key.certificate, BEGUN_MS)
        node.trust.import_crl(centre.crl(list_ms, list_ms + DAY_MS, list_ms // DAY_MS), node.clock.now())


def build(node: Node, makers: Iterable[Callable[[Node], Blueprint]] = MAKERS, **config: Any) -> Flask:
    """Return an application of ``node`` with only these page modules; links to others lead to /elsewhere/<endpoint>."""
    exchanger = Exchanger(node)
    app = create_app(
        "edge",
        config=WebConfig(**{"secret": b"s" * 32, "cookie": f"sot-{node.number}", **config}),
        clock=node.clock,
        sessions=DatabaseSessions(node.database),
        frame=lambda: frame_of(node, exchanger),
    )
    account_services.create(node.database)
    drafts.create(node)
    notification_services.create(node.database)
    app.url_build_error_handlers.append(lambda error, endpoint, values: f"/elsewhere/{endpoint}")
    for make in makers:
        app.register_blueprint(make(node))
    return app


@dataclass
class Browser:
    """One visitor: cookies, the newest token, files in forms. Reads English, so that tests can look for sentences."""

    app: Flask
    lang: str = "en"
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()
        self.client.get(f"/help?lang={self.lang}")

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, **options)

    def post(
        self,
        path: str,
        data: Mapping[str, Any] | None = None,
        *,
        key: Person | None = None,
        key_password: str = PASSWORD,
        token: str | None = None,
        **options: Any,
    ) -> TestResponse:
        """Open ``path``, take its token and send the form; ``key`` puts that person's key file and its password into it."""
        fields: dict[str, Any] = {"csrf_token": self.token(path) if token is None else token, **(data or {})}
        if key is not None:
            fields |= {"key_where": "file", "key_file": (io.BytesIO(key.p12), "GOST512_key.p12"), "key_password": key_password}
        return self.client.post(path, data=fields, **options)

    @property
    def cookie(self) -> str:
        """The cookie of this visitor's session."""
        found = self.client.get_cookie(self.app.session_interface._cookie)  # type: ignore[attr-defined]
        return found.value if found else ""

    def token(self, path: str) -> str:
        found = TOKEN.search(self.client.get(path).text)
        return found[1] if found else ""

    def enter(self, who: Person, to: str = "") -> TestResponse:
        """Sign in by key."""
        answer = self.post(f"/enter?next={to}" if to else "/enter", key=who)
        if answer.status_code != 303:
            raise RuntimeError(f"not signed in: {answer.status_code}")
        return answer

    def register(self, who: Person, *, email: str = "aigul@example.kz", password: str = CABINET_PASSWORD) -> TestResponse:
        """Accept the agreement and register."""
        version = re.search(r'name="version" value="([^"]+)"', self.get("/register").text)
        self.post("/register", {"accept": "y", "version": version[1] if version else ""})
        return self.post("/register/key", {"email": email, "password": password, "password_again": password}, key=who)


def by_password(browser: Browser, number: str, password: str = CABINET_PASSWORD) -> TestResponse:
    """Try to sign in by IIN or BIN and password."""
    return browser.post("/enter/password", {"login": number, "password": password})


def errors_in(answer: TestResponse) -> str:
    """Return the summary of errors of a page."""
    found = re.search(r'<section class="errors".*?</section>', answer.text, re.DOTALL)
    return found[0] if found else ""


class House:
    """A court's node with its application."""

    def __init__(
        self,
        folder: Path,
        makers: Iterable[Callable[[Node], Blueprint]] = MAKERS,
        *,
        courts: tuple[str, ...] = ("kz-7",),
        **config: Any,
    ) -> None:
        self.court = Court(folder)
        self.court.publish_reference()
        self.node = self.court.node(*courts)
        trust_our_centres(self.node)
        self.app = build(self.node, makers, **config)

    def browser(self) -> Browser:
        return Browser(self.app)
