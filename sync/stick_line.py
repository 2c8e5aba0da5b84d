"""Another court's stick that goes on over the line: as it is, sealed, and its answer comes back to be carried (PROTOCOL 11.16, 11.17).

The line is one more medium. The carrier shows the index, the centre says which packs it lacks, those are sent, and the index
again takes them in; the answer is the folder that the centre would have written onto the stick. The carrier reads none of it.
"""

import fcntl
import hashlib
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.db import Database
from common.errors import N_, CourtError, NotFound, Refused, Unreachable
from common.facts import decode_body
from common.files import make_folder, write_durable
from sync import container, directory, ports, stick
from sync.entry import NODE_MAX
from sync.identity import CENTRE_NODE, Identity, NodeCertificate
from sync.link import Link
from sync.messages import NONCE_BYTES, RelayAsk, Relayed, pack
from sync.server import Server
from sync.slices import Slicer
from sync.stick_centre import CentreStick
from sync.stick_in import author_of
from sync.stick_relay import CARRIED_BYTES_MAX, Relay

MISSING_MAX = 1_000
"""Packs that one answer names; of more the next answer does."""


class RelayDesk:
    """The centre's end. ``place``: its folder for what comes and for the answers."""

    def __init__(self, sticks: CentreStick, identity: Identity, database: Database, place: Path) -> None:
        self._sticks = sticks
        self._identity = identity
        self._database = database
        self._place = place
        self._busy = threading.Lock()

    def open(self, server: Server) -> None:
        """Answer at the doors for what is carried."""
        server.open_door(ports.RELAY_PUT, lambda body: pack(self.put(body), self._identity))
        server.open_door(ports.RELAY_GET, lambda body: self.get(server.ask_of(body, RelayAsk)))

    def put(self, data: bytes) -> Relayed:
        """Take a file of a machine's folder, whoever carries it; raises Refused where no machine of the directory wrote it."""
        author, kind = self._author(data)
        with self._alone(), stick.stick_errors(machine=True):
            spool = self._place / "in" / stick.up_name(author.body.node)
            if kind == stick.PACK_KIND:
                self._keep(spool, data)
                return Relayed()
            return self._take(author, spool, data)

    def get(self, ask: RelayAsk) -> bytes:
        """Return a file of the answer to a machine; raises NotFound("stick.file")."""
        if not (0 <= ask.node <= NODE_MAX and 0 <= ask.file <= stick.PACKS_MAX):
            raise NotFound("stick.file", N_("A file on the stick is missing."))
        name = stick.INDEX if ask.file == 0 else stick.pack_name(ask.file)
        path = self._place / "out" / stick.LAYOUT / stick.down_name(ask.node) / name
        try:
            return path.read_bytes()
        except OSError as error:
            raise NotFound("stick.file", N_("A file on the stick is missing.")) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One file at a time, also where several processes of the centre share the folder: each takes in under the same names."""
        with self._busy, (make_folder(self._place) / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _author(self, data: bytes) -> tuple[NodeCertificate, str]:
        signed, _, _ = container.split_container(data)
        author = directory.certificate_of(self._database, signed.key_id, self._identity.pin)
        header, _ = container.read_header(data, author.sign_key, self._identity.environment)
        if author.body.node == CENTRE_NODE or header.kind not in (stick.INDEX_KIND, stick.PACK_KIND):
            raise Refused("container.kind", N_("A bundle is of another kind than expected."))
        return author, header.kind

    def _keep(self, spool: Path, data: bytes) -> None:
        if sum(path.stat().st_size for path in self._place.glob("in/*/*")) + len(data) > CARRIED_BYTES_MAX:
            shutil.rmtree(self._place / "in", ignore_errors=True)  # what was not finished comes again
        write_durable(make_folder(spool) / hashlib.sha256(data).hexdigest(), data)

    def _take(self, author: NodeCertificate, spool: Path, data: bytes) -> Relayed:
        header, sealed = container.read_header(data, author.sign_key, self._identity.environment)
        index: stick.UpIndex = decode_body(container.open_payload(header, sealed, self._identity), stick.UpIndex)
        if len(index.files) > stick.PACKS_MAX:
            raise stick.bad_file()
        missing = [each.sha256 for each in index.files if not (spool / each.sha256.hex()).exists()]
        if missing:
            return Relayed(missing=missing[:MISSING_MAX])
        node = author.body.node
        medium = make_folder(self._place / "medium")
        try:
            folder = make_folder(medium / stick.LAYOUT / stick.up_name(node))
            for number, each in enumerate(index.files, 1):
                shutil.copyfile(spool / each.sha256.hex(), folder / stick.pack_name(number))
            (folder / stick.INDEX).write_bytes(data)
            problems = [code for moved in self._sticks.take(medium) for code in moved.problems]
        finally:
            shutil.rmtree(medium, ignore_errors=True)
        shutil.rmtree(spool, ignore_errors=True)
        return Relayed(done=True, files=self._answer(node), problems=problems)

    def _answer(self, node: int) -> int:
        """Write what the machine is to get; return how many packs that are, -1 where it gets nothing."""
        out = make_folder(self._place / "out")
        try:
            self._sticks.export(out, [node])
        except CourtError as error:
            if error.status >= 500:
                raise
            return -1  # revoked, or under an old certificate: a person at the centre writes that stick
        return sum(1 for path in (out / stick.LAYOUT / stick.down_name(node)).glob("*.SOT") if path.name != stick.INDEX)


def forward(link: Link, slicer: Slicer, relay: Relay) -> None:
    """Hand over every folder that is carried to the centre, and keep the answers to be carried back; what fails is tried next time."""
    for name in relay.names():
        if name.startswith(stick.UP):
            try:
                _forward(link, slicer, relay, name)
            except Unreachable:
                raise
            except CourtError as error:
                link.outcome.problems.append(error.code)


def _forward(link: Link, slicer: Slicer, relay: Relay, name: str) -> None:
    paths = relay.files(name)
    index = paths.pop(stick.INDEX).read_bytes()
    packs = {hashlib.sha256(path.read_bytes()).digest(): path for path in paths.values()}  # one at a time in memory
    told = link.read(link.post(ports.RELAY_PUT, index), Relayed)
    while told.missing:
        if any(sha256 not in packs for sha256 in told.missing):
            raise stick.bad_file()  # what is carried here is not whole: the stick itself has to go on
        for sha256 in told.missing:
            link.read(slicer.carry(ports.RELAY_PUT, packs[sha256].read_bytes(), author=int(name[2:])), Relayed)
        before, told = told.missing, link.read(link.post(ports.RELAY_PUT, index), Relayed)
        if told.missing == before:
            raise Refused("stick.carried", N_("The centre does not keep what is carried for another court. It is tried again."))
    if told.done:
        if told.files >= 0:
            _fetch(link, relay, int(name[2:]), told.files)
        relay.drop(name)
        link.outcome.forwarded += 1
        link.outcome.problems += told.problems


def _fetch(link: Link, relay: Relay, node: int, count: int) -> None:
    """Keep the answer to be carried back: its index last, for without it nothing of a folder counts."""

    def get(file: int) -> bytes:
        return link.post(ports.RELAY_GET, pack(RelayAsk(nonce=secrets.token_bytes(NONCE_BYTES), node=node, file=file), link.identity))

    name, index = stick.down_name(node), get(0)
    author_of(index, name, link.identity, link.database, link.centre())
    relay.drop(name)
    for number in range(1, count + 1):
        relay.keep(name, stick.pack_name(number), get(number), link.centre())
    relay.keep(name, stick.INDEX, index, link.centre())
