"""A small country with some weeks of history, made by the same code that runs in a court.

The clock of the making begins in the past and walks to now, so that every entry, receipt and deadline is as old as it says.
"""

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from central.centre import Centre
from central.config import CentralConfig
from central.services import enrolment, reference
from common.clock import SystemClock
from common.court import staff
from common.errors import Conflict
from common.files import make_folder, write_durable
from common.pki.authority import Authority
from common.pki.keystore import Key, write_p12
from common.pki.trust import Trust
from deploy import demo_history
from deploy.demo_people import ADMINISTRATOR, AKTAU, CITIZENS, MEDEU, PASSWORD, STAFF, Person
from edge import enrolment as edge_enrolment
from edge.config import EdgeConfig
from edge.node import Node
from edge.services import setup
from sync import enrolment as codes

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
WEEKS = 3
CRL_DAYS = 30
"""The national list is valid for 27 hours; the demo's for longer, so that it can be tried again next week."""
NODES = ((1976, "Ақтау, № 1 торап", AKTAU), (7518, "Медеу, № 1 торап", MEDEU))
READY_FILE = "demo.json"
BEGUN_FILE = "demo.begun"


class WalkingClock(SystemClock):
    """A clock that was set back and is walked forward by whoever makes history."""

    def __init__(self, now: int) -> None:
        super().__init__()
        self._now = now

    def now(self) -> int:
        return self._now

    def walk_to(self, now: int) -> None:
        self._now = max(self._now, now)


@dataclass(slots=True)
class Country:
    """The demo while it is being made."""

    folder: Path
    clock: WalkingClock
    centre: Centre
    nodes: list[Node]
    keys: dict[str, Key]
    dice: random.Random


def make(folder: Path, port: int, *, weeks: int = WEEKS, say: Callable[[str], None] = lambda text: None) -> None:
    """Make the country in ``folder`` with addresses from ``port`` on; a folder that is made already is left alone.

    What an earlier making left that was cut short is made anew. Raises Conflict("demo.folder") where something else lies there.
    """
    if (folder / READY_FILE).exists():
        return
    _clear(folder)
    write_durable(make_folder(folder) / BEGUN_FILE, b"")
    _build(folder, port, weeks=weeks, say=say)
    write_durable(folder / READY_FILE, json.dumps({"port": port}).encode())
    (folder / BEGUN_FILE).unlink()


def _clear(folder: Path) -> None:
    """Remove a country that never was whole: nobody has served it, so nothing of anybody's is in it."""
    if (folder / BEGUN_FILE).exists():
        for part in ("keys", "centre", *(f"node-{number}" for number, _, _ in NODES)):
            shutil.rmtree(folder / part, ignore_errors=True)
    elif folder.exists() and any(folder.iterdir()):
        raise Conflict("demo.folder", "%(folder)s holds something else. Choose another folder: make run DEMO=…", folder=str(folder))


def _build(folder: Path, port: int, *, weeks: int, say: Callable[[str], None]) -> None:
    now = SystemClock().now()
    clock = WalkingClock(now - weeks * 7 * DAY_MS)
    say("keys of the demo's own certification centre (GOST 34.10-2015/512)")
    authority = Authority.create("gost512", "ДЕМО КУӘЛАНДЫРУШЫ ОРТАЛЫҚ", at_ms=clock.now() - 30 * DAY_MS)
    keys = {person.file: person.issue(authority, at_ms=clock.now() - DAY_MS) for person in _everybody()}
    _write_keys(make_folder(folder / "keys"), authority, keys)
    say("the central register and its reference data")
    centre = _make_centre(folder, port, clock, keys)
    nodes = [_make_node(folder, centre, clock, which, ports=(port, port + 1 + place)) for place, which in enumerate(NODES)]
    for trust in (centre.trust, *(node.trust for node in nodes)):
        _add_trust(trust, authority, clock.now())
    country = Country(folder, clock, centre, nodes, keys, random.Random(1976))
    say("some weeks of history")
    make_history(country, start=now - weeks * 7 * DAY_MS, until=now)
    crl = authority.crl(now - HOUR_MS, now + CRL_DAYS * DAY_MS, number=2)
    for trust in (centre.trust, *(node.trust for node in nodes)):
        trust.import_crl(crl, now)
    for node in nodes:
        node.close()
    centre.close()


def _everybody() -> tuple[Person, ...]:
    return (*CITIZENS, *STAFF, ADMINISTRATOR)


def _write_keys(folder: Path, authority: Authority, keys: dict[str, Key]) -> None:
    for name, key in keys.items():
        write_durable(folder / f"{name}.p12", write_p12(key, PASSWORD))
        write_durable(folder / f"{name}.cer", key.certificate.der)
    for place, data in enumerate((*authority.anchors(), *authority.authorities())):
        write_durable(folder / f"ca-{place}.cer", data)


def _add_trust(trust: Trust, authority: Authority, now: int) -> None:
    for data in (*authority.anchors(), *authority.authorities()):
        trust.add(data)
    trust.import_crl(authority.crl(now - HOUR_MS, now + CRL_DAYS * DAY_MS, number=1), now)


def _make_centre(folder: Path, port: int, clock: WalkingClock, keys: dict[str, Key]) -> Centre:
    data = make_folder(folder / "centre")
    services = "".join(f'{name} = ""\n' for name in ("crl", "crl_delta", "ocsp", "tsa"))  # the demo has a certification centre of its own
    write_durable(data / "central.toml", f'listen = "127.0.0.1:{port}"\n{services}'.encode())
    centre = Centre.create(CentralConfig(data=str(data)), clock=clock, name="Орталық тізілім")
    enrolment.create(centre.database)
    reference.publish_initial(centre)
    for person in (*STAFF, ADMINISTRATOR):
        certificate = keys[person.file].certificate
        role: staff.Role = person.role  # type: ignore[assignment]  # the table above holds only these
        body = staff.Appoint(name=certificate.full_name, court=person.court, role=role, certificate=certificate.der, from_ms=clock.now())
        reference.appoint(centre, body)
    return centre


class DirectLine:
    """The line while history is made: a function call to the centre's own handler."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        if path == codes.PATH:
            return 200, enrolment.enrol(self._centre, body)
        return self._centre.server.handle(path, body)


def _make_node(folder: Path, centre: Centre, clock: WalkingClock, which: tuple[int, str, str], *, ports: tuple[int, int]) -> Node:
    """Make one node; ``ports``: the centre's and its own."""
    number, name, court = which
    data = make_folder(folder / f"node-{number}")
    settings = {"listen": f"127.0.0.1:{ports[1]}", "centre": f"http://127.0.0.1:{ports[0]}", "interval_seconds": 20}
    line = DirectLine(centre)
    code = enrolment.make_code(centre, node=number, name=name, courts=[court])
    edge_enrolment.enrol(data, str(code), line)
    node = Node.open(EdgeConfig(data=str(data)), clock=clock, transport=line)
    node.start()
    node.client.exchange()
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    write_durable(data / "edge.toml", ("\n".join(lines) + "\n").encode())
    return node


def make_history(country: Country, *, start: int, until: int) -> None:
    """Let the country live from ``start`` to ``until``."""

    def settle() -> None:
        for _ in range(2):  # what one node sends in the first round reaches the other in the second
            for node in country.nodes:
                node.client.exchange()

    for node in country.nodes:
        setup.create(node)
    demo_history.make(country.nodes, country.keys, country.dice, country.clock.walk_to, start=start, until=until, settle=settle)
