"""The one place where a node is put together: production, the command line and the simulator all come through here.

node = Node.open(EdgeConfig(data="…"), clock=SystemClock())
node.start()
"""

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from common.clock import Clock
from common.court import crls, known, reference
from common.court.book import Book
from common.court.subjects import SUBJECTS
from common.db import Database, open_database
from common.facts import know_types
from common.files import make_folder, write_durable
from common.pki.certificates import Certificate
from common.pki.trust import Trust
from common.version import VERSION
from edge.config import EdgeConfig
from edge.transport import CUT_FILE, HttpTransport
from sync import directory, filling, refold
from sync.blobs import BlobStore
from sync.client import Client
from sync.fold import Fold
from sync.highwater import HighWater
from sync.identity import Identity, load_identity
from sync.journal import Journal
from sync.link import Health
from sync.ports import Transport

WEB_SECRET_BYTES = 32
CENTRE_CERTIFICATE_FILE = "centre.certificate"


class Node:
    """A court's machine with everything it is made of; pages and commands are given it whole."""

    def __init__(self, config: EdgeConfig, identity: Identity, clock: Clock, transport: Transport | None = None) -> None:
        self.config = config
        self.identity = identity
        self.clock = clock
        self.data = Path(config.data)
        self.database: Database = open_database(self.data / "node.db")
        self.trust = Trust.load(make_folder(self.data / "trust"))
        self.fold = Fold((directory.Directory(identity.pin), *SUBJECTS), self._known)
        self.highwater = HighWater(Path(config.high_water or self.data / "mark" / "highwater"))
        self.journal = Journal(
            self.database, self.fold, clock, node=identity.node, environment=identity.environment, highwater=self.highwater
        )
        self.blobs = BlobStore(self.data / "blobs", self.database, clock)
        self.transport = transport or HttpTransport(config.centre, self.data / CUT_FILE)
        lanes: int = getattr(self.transport, "LANES", 1)  # the simulator's line does one thing after another
        self.client = Client(
            self.journal, identity, self.blobs, self.transport, folder=self.data, health=self._health, unneeded=self._unneeded, lanes=lanes
        )
        self.blobs.recall = self.client.recall
        self.hurry: Callable[[], object] = lambda: None
        """Asks for the next exchange now; whoever runs the exchanges puts it here."""
        self._shelf = reference.Shelf()

    @classmethod
    def open(cls, config: EdgeConfig, *, clock: Clock, transport: Transport | None = None) -> "Node":
        """Read the identity in ``config.data`` and put the node together; raises Corrupt before enrolment."""
        return cls(config, load_identity(Path(config.data)), clock, transport)

    def start(self, progress: refold.Progress = lambda step, done, total: None) -> str:
        """Create what is missing, fold anew where tables changed; return "" or why a new epoch was opened."""
        know_types()
        known.create(self.database)
        opened = self.journal.start()
        refold.bring_up_to_date(self.database, self.fold, self.clock, progress)
        self.client.start((self.data / CENTRE_CERTIFICATE_FILE).read_bytes())
        return opened

    @property
    def number(self) -> int:
        """The node's number: the first four digits of its talons."""
        return self.identity.node

    def filling(self) -> bool:
        """Return whether the centre has not yet given everything it had for this machine: nothing counts as complete then."""
        return filling.is_filling(self.database)

    def courts(self) -> list[str]:
        """Return the ids of the courts this node writes for."""
        return directory.courts_of(self.database, self.number)

    def book(self) -> Book:
        """Return the reference data as published by the centre and known here."""
        return self._shelf.book(self.database)

    def web_secret(self) -> bytes:
        """Return the secret that signs CSRF tokens, made on first use and kept in the node's folder."""
        path = self.data / "web.secret"
        if not path.exists():
            write_durable(path, secrets.token_bytes(WEB_SECRET_BYTES))
        return path.read_bytes()

    def close(self) -> None:
        """Close files; the node cannot be used afterwards."""
        self.highwater.close()
        self.database.close()

    def _known(self, database: Database) -> known.CourtKnown:
        return known.CourtKnown(database, node_courts=self._node_of, vouch=self._vouch)

    def _node_of(self, court: str, before: int) -> int | None:
        return directory.node_of(self.database, court, before=before)

    def _vouch(self, certificate: Certificate) -> None:
        self.trust.chain(certificate)

    def _health(self) -> Health:
        return Health(disk_free=shutil.disk_usage(self.data).free, version=VERSION)

    def _unneeded(self) -> frozenset[bytes]:
        return crls.unneeded(self.database, self.trust)
