"""The one place where the centre is put together: production, the command line and the simulator all come through here.

The centre is node 0 of its own directory: what it publishes (reference data, staff, machines) are entries of its own
journal, logged through a signed bundle like everybody's.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.config import CentralConfig
from common.clock import Clock
from common.court import known, reference
from common.court.book import Book
from common.court.subjects import SUBJECTS
from common.db import Database, fetch, has_table, open_database
from common.errors import N_, Conflict, Corrupt, Refused
from common.facts import know_types
from common.files import make_folder, sync_folder, write_durable
from common.pki import authority
from common.pki.certificates import Certificate
from common.pki.trust import Trust
from sync import directory, identity, lineage, refold, revocations, rotation
from sync.blobs import BlobStore
from sync.fold import Fold
from sync.identity import CENTRE_NODE, CertificateBody, Identity, NodeCertificate, Pin, PrivateKeys
from sync.journal import Journal
from sync.lineage import number_of
from sync.objects import Objects
from sync.register import Register
from sync.rotation import Rotate
from sync.server import Server
from sync.stick_centre import CentreStick
from sync.stick_line import RelayDesk

DATABASE_FILE = "centre.db"
DAY_MS = 86_400_000
NODE_CERTIFICATE_DAYS = 90
"""Machines renew theirs by themselves in the last 30 days (`sync.rotation`); revocation does not wait for expiry."""
CENTRE_CERTIFICATE_DAYS = 7_300
ENVIRONMENT_BYTES = 16
WEB_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """The public halves a machine sends with its enrolment code."""

    sign: bytes
    seal: bytes
    pdf: ec.EllipticCurvePublicKey

    @classmethod
    def of(cls, keys: PrivateKeys) -> "PublicKeys":
        return cls(keys.sign.public_key().public_bytes_raw(), keys.seal.public_key().public_bytes_raw(), keys.pdf.public_key())


def log_key_file(number: int) -> str:
    """Return the name of the file with the key of log ``number``."""
    return "log.key" if number == 1 else f"log-{number}.key"


class RegistryKeys:
    """The registry's own keys: it certifies machines (Ed25519), PDF keys (P-256) and signs the log's heads (Ed25519)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self.registry = Ed25519PrivateKey.from_private_bytes((folder / "registry.key").read_bytes())
            pdf = serialization.load_der_private_key((folder / "pdf-ca.key").read_bytes(), None)
            self.pdf_ca = (folder / "pdf-ca.cer").read_bytes()
        except (OSError, ValueError) as error:
            raise Corrupt("centre.keys", N_("The keys of the centre cannot be read. Run init first.")) from error
        assert isinstance(pdf, ec.EllipticCurvePrivateKey), "we write no other kind"
        self.pdf = pdf

    def log(self, number: int = 1) -> Ed25519PrivateKey:
        """Return the key of log ``number``; raises Corrupt("centre.keys") where it is not here."""
        path, fresh = self._log_files(number)
        try:
            return Ed25519PrivateKey.from_private_bytes((path if path.exists() else fresh).read_bytes())
        except (OSError, ValueError) as error:
            raise Corrupt("centre.keys", N_("The keys of the centre cannot be read. Run init first.")) from error

    def make_log(self, number: int) -> Ed25519PrivateKey:
        """Return a fresh key for log ``number``, durable before this returns; `keep_log` says that the log has begun.

        Raises Conflict("lineage.older") where it had begun before: then the database is older than that log.
        """
        path, fresh = self._log_files(number)
        if path.exists():
            sentence = N_("The register began log %(number)d before, and this database does not know it. Put a newer copy in its place.")
            raise Conflict("lineage.older", sentence, number=number)
        write_durable(fresh, Ed25519PrivateKey.generate().private_bytes_raw())
        return self.log(number)

    def keep_log(self, number: int) -> None:
        """Note that log ``number`` has begun."""
        path, fresh = self._log_files(number)
        if fresh.exists():
            fresh.rename(path)
            sync_folder(self._folder)

    def _log_files(self, number: int) -> tuple[Path, Path]:
        path = self._folder / log_key_file(number)
        return path, path.with_suffix(".new")

    @staticmethod
    def create(folder: Path, name: str, now: int) -> None:
        """Make fresh registry keys in ``folder``."""
        pdf = ec.generate_private_key(ec.SECP256R1())
        der = pdf.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        write_durable(folder / "registry.key", Ed25519PrivateKey.generate().private_bytes_raw())
        write_durable(folder / log_key_file(1), Ed25519PrivateKey.generate().private_bytes_raw())
        write_durable(folder / "pdf-ca.cer", authority.self_signed_ca(pdf, name, now, CENTRE_CERTIFICATE_DAYS))
        write_durable(folder / "pdf-ca.key", der)

    def certify(self, pin: Pin, public: PublicKeys, node: int, name: str, now: int, days: int) -> bytes:
        """Return a certificate for the machine ``node`` over ``public``."""
        serial = secrets.randbits(63)
        until = now + days * DAY_MS
        pdf = authority.issue_node_certificate(self.pdf, self.pdf_ca, public.pdf, name, serial, now, until)
        body = CertificateBody(
            environment=pin.environment,
            node=node,
            serial=serial,
            sign=public.sign,
            seal=public.seal,
            pdf=pdf,
            not_before=now,
            not_after=until,
        )
        return identity.issue_certificate(body, self.registry)


def _is_begun(database: Database) -> bool:
    return has_table(database, "register") and bool(fetch(database, "SELECT 1 FROM register"))


class Centre:
    """The register with everything it is made of; pages and commands are given it whole."""

    def __init__(
        self,
        config: CentralConfig,
        who: Identity,
        keys: RegistryKeys,
        clock: Clock,
        files: Objects | None = None,
        database: Database | None = None,
    ) -> None:
        assert bool(config.blobs) == (files is not None), "who opens a centre gives it the store its settings name"
        self.config = config
        self.identity = who
        self.keys = keys
        self.clock = clock
        self.data = Path(config.data)
        assert bool(config.database) == (database is not None), "who puts the centre together opens the server it names"
        self.database: Database = database or open_database(self.data / DATABASE_FILE)
        who.pin = lineage.current(self.database, who.pin)
        self.trust = Trust.load(make_folder(self.data / "trust"))
        self.fold = Fold((directory.Directory(who.pin), *SUBJECTS), self._known)
        self.journal = Journal(self.database, self.fold, clock, node=CENTRE_NODE, environment=who.environment, highwater=None)
        self.blobs = BlobStore(self.data / "blobs", self.database, clock, files)
        self.register = Register(self.database, self.fold, clock, who, keys.log(number_of(who.pin.origin)), self.journal)
        self.register.revoked = self.revocations
        self.register.after_fold = self.blobs.bury
        self.register.folds_at_start = not config.front_end
        self.after_news: Callable[[], object] = self.register.fold_pending
        """Called when machines' entries were logged: folds them. A running centre puts the waking of its folding thread here."""
        self.trouble = ""
        """The code of what keeps logged entries from being folded; empty while all is well."""
        self.public_trouble = ""
        """The code of what keeps the log from being published; empty while all is well."""
        self.server = Server(
            self.register, self.blobs, lambda: self.after_news(), self._renew, self._introduce, slices=self.data / "slices"
        )
        self.sticks = CentreStick(self.server, who, self.data / "stick")
        RelayDesk(self.sticks, who, self.database, self.data / "relayed").open(self.server)
        self._shelf = reference.Shelf()

    @classmethod
    def create(
        cls, config: CentralConfig, *, clock: Clock, name: str, files: Objects | None = None, database: Database | None = None
    ) -> "Centre":
        """Make a new centre in ``config.data``: keys, identity, its first entry; raises Conflict where there is one.

        ``files`` and ``database`` as for `open`.
        """
        folder = make_folder(Path(config.data))
        if (folder / "registry.key").exists() or (database is not None and _is_begun(database)):
            raise Conflict("centre.exists", N_("There is a centre in this folder or in its database already. Nothing was changed."))
        now = clock.now()
        RegistryKeys.create(folder, name, now)
        keys = RegistryKeys(folder)
        environment = secrets.token_bytes(ENVIRONMENT_BYTES)
        pin = Pin(
            environment=environment,
            registry=keys.registry.public_key().public_bytes_raw(),
            log=keys.log().public_key().public_bytes_raw(),
            origin=f"sot.kz/{environment.hex()}",
            pdf_ca=keys.pdf_ca,
        )
        private = identity.generate_keys()
        certificate = keys.certify(pin, PublicKeys.of(private), CENTRE_NODE, name, now, CENTRE_CERTIFICATE_DAYS)
        identity.save_identity(folder, private, certificate, pin)
        centre = cls.open(config, clock=clock, files=files, database=database)
        centre.start(fresh=True)
        centre.announce(certificate, CENTRE_NODE, name)
        centre.web_secret()  # before several processes could each make one
        return centre

    @classmethod
    def open(cls, config: CentralConfig, *, clock: Clock, files: Objects | None = None, database: Database | None = None) -> "Centre":
        """Read what `create` made and put the centre together.

        ``files`` is the store that ``config.blobs`` names, ``database`` the server's that ``config.database`` names, opened
        (`common.postgres`); None where they lie in its folder.
        """
        folder = Path(config.data)
        return cls(config, identity.load_identity(folder), RegistryKeys(folder), clock, files, database)

    def start(self, progress: refold.Progress = lambda step, done, total: None, *, fresh: bool = False) -> None:
        """Create what is missing, fold anew where tables changed, and finish what a crash interrupted.

        Raises Refused("centre.none") where a server's database holds no register, but for a ``fresh`` one.
        """
        know_types()
        if self.database.shared and not (fresh or _is_begun(self.database)):  # else a wrong name would begin a second history
            sentence = N_(
                "There is no register in this database. Name the right one, restore it there, or begin with init in an empty folder."
            )
            raise Refused("centre.none", sentence)
        self.keys.keep_log(number_of(self.identity.pin.origin))
        with self.database.starting():
            known.create(self.database)
            self.journal.start()
            refold.bring_up_to_date(self.database, self.fold, self.clock, progress)
            self.server.start()
            self.sticks.start()

    def announce(self, certificate: bytes, node: int, name: str) -> None:
        """Write a machine into the directory."""
        with self.journal.unit() as unit:
            unit.append(directory.node_object(node), directory.Enrol(certificate=certificate, name=name))
        self.publish()

    def _renew(self, before: NodeCertificate, request: Rotate, signed: bytes) -> bytes:
        """Return the next certificate of a machine that asked for it with both keys, written into the directory."""
        pdf = rotation.check_request(request, before)
        node = before.body.node
        [(name,)] = fetch(self.database, "SELECT name FROM node WHERE node = ?", (node,))
        public = PublicKeys(request.sign, request.seal, pdf)
        certificate = self.keys.certify(self.identity.pin, public, node, name, self.clock.now(), NODE_CERTIFICATE_DAYS)
        with self.journal.unit() as unit:
            unit.append(directory.node_object(node), directory.Rotated(certificate=certificate, request=signed))
        self.publish()
        return certificate

    def _introduce(self, certificate: NodeCertificate) -> None:
        """Write a certificate of ours into the directory that a register set back has lost; its courts are given by a person."""
        node = certificate.body.node
        named = fetch(self.database, "SELECT name FROM node WHERE node = ?", (node,))
        self.announce(certificate.data, node, named[0][0] if named else f"№ {node:04}")

    def revocations(self) -> bytes:
        """Return the list of revoked machines as every downlink carries it, signed anew where it must be."""
        return revocations.current(self.database, self.identity.pin, self.keys.registry, self.clock.now())

    def publish(self) -> None:
        """Log, fold and deliver what the centre itself has just written: whoever wrote it looks at the result next."""
        self.register.log_own()
        self.register.fold_pending()

    def book(self) -> Book:
        """Return the reference data as published."""
        return self._shelf.book(self.database)

    def web_secret(self) -> bytes:
        """Return the secret that signs CSRF tokens, made on first use and kept in the centre's folder."""
        path = self.data / "web.secret"
        if not path.exists():
            write_durable(path, secrets.token_bytes(WEB_SECRET_BYTES))
        return path.read_bytes()

    def close(self) -> None:
        """Close files; the centre cannot be used afterwards."""
        self.database.close()

    def _known(self, database: Database) -> known.CourtKnown:
        return known.CourtKnown(database, node_courts=self._node_of, vouch=self._vouch)

    def _node_of(self, court: str, before: int) -> int | None:
        return directory.node_of(self.database, court, before=before)

    def _vouch(self, certificate: Certificate) -> None:
        self.trust.chain(certificate)
