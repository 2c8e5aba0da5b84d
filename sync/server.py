"""The centre's half of the exchange: bytes in, (status, bytes) out; no sockets, no Flask (PROTOCOL 6).

Every answer is signed by the centre, refusals too. Only codes travel in a refusal, never a sentence or personal data.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from common.db import fetch, snapshot, transaction
from common.errors import N_, CourtError, Forbidden, NotFound, Refused, TooMany, Unreachable
from common.facts import decode_body, encode_body
from sync import contacts, container, cose, delivery, directory, lineage_centre, ports, revocations, witness
from sync.blobs import BlobStore
from sync.bundle import PLAIN_BYTES_TARGET
from sync.identity import NodeCertificate, read_certificate
from sync.lineage import LineageAsk
from sync.messages import (
    PROTOCOL,
    PROVE,
    REVOKED,
    TWIN,
    Ask,
    BlobAsk,
    BlobHave,
    Hello,
    M,
    Refusal,
    Rotated,
    Welcome,
    blob_address,
    pack,
    unpack,
)
from sync.news import acknowledgement, news_for, own_after, own_epochs
from sync.quota import Quotas, wait_of
from sync.register import Outcome, Register
from sync.rotation import Rotate, is_due
from sync.slices_centre import Slices

logger = logging.getLogger(__name__)


Certify = Callable[[NodeCertificate, Rotate, bytes], bytes]
"""(certificate in force, its machine's checked request, the same as signed) → the next certificate, in the directory already."""


class Server:
    """Answers the machines. ``after_news`` is called when entries were logged: fold now, or wake who folds."""

    def __init__(
        self,
        register: Register,
        blobs: BlobStore,
        after_news: Callable[[], object],
        certify: Certify,
        introduce: Callable[[NodeCertificate], object],
        *,
        slices: Path,
    ) -> None:
        self.register = register
        self.blobs = blobs
        self._database = register.database
        self._identity = register.identity
        self._after_news = after_news
        self._certify = certify
        self._introduce = introduce
        self.quotas = Quotas(register.clock)
        self._slices = Slices(slices, self._database, self._identity, self.quotas)
        self._doors: dict[str, Callable[[bytes], bytes]] = {
            ports.HELLO: self._hello,
            ports.BUNDLE: self._bundle,
            ports.DOWN: self._down,
            ports.BLOB_HAVE: self._blob_have,
            ports.BLOB_PUT: self._blob_put,
            ports.BLOB_GET: self._blob_get,
            ports.ROTATE: self._rotate,
            ports.LINEAGE: self._lineage,
        }

    def open_door(self, path: str, door: Callable[[bytes], bytes]) -> None:
        """Let ``door`` answer the requests at ``path``; what it raises is refused as everything else."""
        self._doors[path] = door

    def ask_of(self, body: bytes, kind: type[M]) -> M:
        """Return a message of a machine that may receive something; raises Refused or Forbidden."""
        return self._in_force(body, kind)[1]

    def start(self) -> None:
        """Create the tables and finish what a crash interrupted."""
        self.register.start()
        contacts.create(self._database)
        lineage_centre.create(self._database)
        revocations.create(self._database)
        witness.create_at_centre(self._database)

    def handle(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return (HTTP status, answer) for one request."""
        with self.quotas.answering():
            return self._answer(path, body)

    def _answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        try:
            if (at := ports.slice_of(path)) is not None:
                return self._slices.take(at, body, lambda whole: self._answer(at.path, whole))
            return ports.OK, self._door(path)(body)
        except CourtError as error:
            if error.status >= 500:
                logger.error("exchange failed: %s", error.code)
            if isinstance(error, Unreachable):  # of the store of files: whoever brought one keeps it and comes again
                error = TooMany("exchange.busy", error.sentence)
            return error.status, pack(self._refusal(error, body), self._identity)

    def _door(self, path: str) -> Callable[[bytes], bytes]:
        if (size := ports.size_beside(path)) is not None:
            return lambda body: self._bundle(body, size)
        if path not in self._doors:
            raise NotFound("exchange.path", N_("There is no such page."))
        return self._doors[path]

    def _refusal(self, error: CourtError, body: bytes) -> Refusal:
        """Say where we stand, when the bundle's author is known: a node with a gap needs that to go on."""
        code = error.code
        if isinstance(error, TooMany):
            return Refusal(code=code, retry=wait_of(error))
        if not code.startswith("bundle."):
            return Refusal(code=code)
        try:
            signed, _, _ = container.split_container(body)
            node = directory.certificate_of(self._database, signed.key_id, self._identity.pin).body.node
        except CourtError:  # not even the author is readable: the code alone must do
            return Refusal(code=code)
        at = self.register.peer(node)
        return Refusal(code=code, epoch=at.epoch, seq=at.seq, head=at.head)

    def _read(self, body: bytes, kind: type[M]) -> tuple[NodeCertificate, M]:
        signed = cose.parse(body)
        certificate = directory.certificate_of(self._database, signed.key_id, self._identity.pin)
        return certificate, unpack(signed, kind, certificate.sign_key, self._identity.environment)

    def _trusted(self, body: bytes, kind: type[M]) -> tuple[NodeCertificate, M]:
        certificate, message = self._read(body, kind)
        self.check_standing(certificate)
        return certificate, message

    def check_standing(self, certificate: NodeCertificate) -> None:
        """Refuse a revoked machine: raises Forbidden("node.revoked")."""
        if directory.revocation_of(self._database, certificate.body.node) is not None:
            raise Forbidden("node.revoked", N_("This machine's certificate has been revoked. What it sends is kept as evidence."))

    def _in_force(self, body: bytes, kind: type[M]) -> tuple[NodeCertificate, M]:
        """Return a message of whoever may receive something: an old certificate delivers and rotates, and gets nothing."""
        certificate, message = self._trusted(body, kind)
        self.check_in_force(certificate)
        return certificate, message

    def check_in_force(self, certificate: NodeCertificate) -> None:
        """Refuse a machine under an old certificate: raises Forbidden("certificate.old")."""
        newest = self._newest(certificate.body.node)
        if certificate.key_id != newest.key_id or certificate.body.not_after < self.register.clock.now():
            raise Forbidden("certificate.old", N_("This machine's certificate is an old one. It is renewed with the next exchange."))

    def _rotate(self, body: bytes) -> bytes:
        certificate, request = self._trusted(body, Rotate)
        newest = self._newest(certificate.body.node)
        if (newest.body.sign, newest.body.seal) == (request.sign, request.seal):  # the answer was lost: the same again
            return pack(Rotated(nonce=request.nonce, certificate=newest.data), self._identity)
        if not contacts.holds_token(self._database, certificate.body.node, request.token):
            raise Forbidden("certificate.token", N_("A machine asks for a certificate out of turn. It says hello first."))
        if not is_due(certificate, newest, self.register.clock.now()):
            raise Forbidden("certificate.early", N_("The certificate of this machine is not due for renewal."))
        return pack(Rotated(nonce=request.nonce, certificate=self._certify(certificate, request, body)), self._identity)

    def rotate_by_hand(self, node: int, body: bytes) -> bytes:
        """Return the certificate that answers a request off a stick, "" while none is due; a person has named the machine, for no
        token travels by hand (PROTOCOL 11.15). Raises Refused("node.other", "enrol.request", …)."""
        certificate, request = self._trusted(body, Rotate)
        if certificate.body.node != node:
            raise Refused("node.other", N_("A machine claims to be another one."))
        newest = self._newest(node)
        if (newest.body.sign, newest.body.seal) == (request.sign, request.seal):  # that stick was lost: the same again
            return newest.data
        known = directory.certificates_of(self._database, node, self._identity.pin)
        old = any(request.sign == each.body.sign for each in known)  # a stick of before: its keys have had their time
        return b"" if old or not is_due(certificate, newest, self.register.clock.now()) else self._certify(certificate, request, body)

    def may_rotate(self, node: int, body: bytes) -> bool:
        """Return whether a request off a stick waits for a person to name the machine."""
        certificate, request = self._trusted(body, Rotate)
        return certificate.body.node == node and is_due(certificate, self._newest(node), self.register.clock.now())

    def _hello(self, body: bytes) -> bytes:
        certificate, hello = self._read(body, Hello)
        node = certificate.body.node
        if hello.node != node:
            raise Refused("node.other", N_("A machine claims to be another one."))
        lineage_centre.require_present(self._database, self._identity.pin, node, hello.lineage)
        if hello.size > self.register.checkpoint()[0]:  # before all else: a register that was set back takes everybody for a twin
            contacts.note_lost(self._database, node)
            self.register.consistency(hello.size)  # raises
        with transaction(self._database):  # one flush; and judged in it, or of two hellos at once both would turn the token
            at = self.register.peer(node)
            state = contacts.judge(self._database, hello, at)
            served = state not in (REVOKED, PROVE, TWIN)
            token, challenge = contacts.remember(self._database, hello, state, self.register.clock.now())
            if hello.cosigned and served:
                witness.take(self._database, certificate, self._identity.pin, hello.size, hello.cosigned, self.register.clock.now())
        with snapshot(self._database):  # the head and the proof that leads to it are of one moment
            size, note = self.register.checkpoint()
            grown = served and size != hello.size
            consistency = self.register.consistency(hello.size) if grown else []
        welcome = Welcome(
            nonce=hello.nonce,
            now=self.register.clock.now(),
            state=state,
            epoch=at.epoch,
            seq=at.seq,
            head=b"" if at.head == hello.head else at.head,
            token=token,
            news=served and self._has_news(hello),
            note=note if grown else b"",
            consistency=consistency,
            own=own_epochs(self._database, node) if served and hello.recovering else [],
            challenge=challenge,
            rotate=served and is_due(certificate, self._newest(node), self.register.clock.now()),
            protocol=PROTOCOL,
            lacks=delivery.damaged_for(self._database, node) if served else [],
        )
        return pack(welcome, self._identity)

    def _lineage(self, body: bytes) -> bytes:
        try:
            _, ask = self._read(body, LineageAsk)
        except Refused as error:
            if error.code != "node.unknown":
                raise
            ask = self._introduced(body, error)
        return pack(lineage_centre.tell(self._database, self._identity.pin, ask), self._identity)

    def _introduced(self, body: bytes, unknown: Refused) -> LineageAsk:
        """Take a certificate into the directory that the registry itself had issued before it was set back (PROTOCOL 10.14)."""
        signed = cose.parse(body)
        claimed: LineageAsk = decode_body(signed.payload, LineageAsk)
        if not claimed.certificate:
            raise unknown
        certificate = read_certificate(claimed.certificate, self._identity.pin)
        if certificate.key_id != signed.key_id:
            raise unknown
        ask = unpack(signed, LineageAsk, certificate.sign_key, self._identity.environment)
        self._introduce(certificate)
        return ask

    def _newest(self, node: int) -> NodeCertificate:
        return directory.newest_certificate(self._database, node, self._identity.pin)

    def _has_news(self, hello: Hello) -> bool:
        node = hello.node
        receipts = fetch(
            self._database,
            "SELECT 1 FROM bundle WHERE node = ? AND (epoch, last) > (?, ?) LIMIT 1",
            (node, hello.receipted_epoch, hello.receipted_seq),
        )
        complete = fetch(self._database, "SELECT 1 FROM complete WHERE node = ? AND position > ? LIMIT 1", (node, hello.complete))
        behind = delivery.feed_length(self._database, node) > hello.feed
        listed = revocations.number_of(self._database) > hello.revocations
        return bool(receipts or complete or behind or listed or delivery.feed_length(self._database, delivery.EVERYONE) > hello.everyone)

    def _bundle(self, body: bytes, size: int | None = None) -> bytes:
        return pack(acknowledgement(self.register, self.blobs, self.take_bundle(body), size), self._identity)

    def take_bundle(self, data: bytes) -> Outcome:
        """Log a bundle that came over any carrier; raises what `Register.receive` raises, and TooMany("exchange.…")."""
        sealed = self.register.read_header(data)
        node, quotas = sealed.certificate.body.node, self.quotas
        with quotas.turn(node):
            quotas.entries.check(node)
            quotas.bundle_bytes.check(node)
            quotas.bundle_bytes.charge(node, len(data))
            outcome = self.register.receive(data, sealed)
            quotas.entries.charge(node, outcome.fresh)
            quotas.more_follows = 2 * sealed.header.plain_size > PLAIN_BYTES_TARGET
        if outcome.fresh:
            self._after_news()
        return outcome

    def _down(self, body: bytes) -> bytes:
        certificate, ask = self._in_force(body, Ask)
        about = {"nonce": ask.nonce}
        if ask.own:
            own = encode_body(own_after(self.register, certificate.body.node, ask.own_epoch, ask.own_seq))
            return container.write_container("own", about | {"epoch": ask.own_epoch}, own, self._identity, certificate)
        return container.write_container(
            "down", about, encode_body(news_for(self.register, certificate.body.node, ask)), self._identity, certificate
        )

    def _blob_have(self, body: bytes) -> bytes:
        certificate, ask = self._read(body, BlobAsk)
        self._check_sender(certificate, ask)
        whole = self.blobs.has(ask.sha256)
        if whole:
            self.register.blob_arrived(ask.sha256)  # we may have fallen between the last piece and its R2: who still asks has none
        bitmap = b"" if whole else self.blobs.pieces.held(ask.sha256, ask.size, ask.chunk if ask.parts else None)
        return pack(BlobHave(nonce=ask.nonce, whole=whole, bitmap=bitmap), self._identity)

    def _blob_put(self, body: bytes) -> bytes:
        ask, whole = self.take_chunk(body)
        return pack(BlobHave(nonce=ask.nonce, whole=whole), self._identity)

    def take_chunk(self, body: bytes) -> tuple[BlobAsk, bool]:
        """Keep a piece of a file that came over any carrier; return what it was and whether the file is whole now."""
        signed, _, _ = container.split_container(body)
        certificate = directory.certificate_of(self._database, signed.key_id, self._identity.pin)
        header, sealed = container.read_header(body, certificate.sign_key, self._identity.environment)
        if header.kind != "chunk":
            raise Refused("container.kind", N_("A bundle is of another kind than expected."))
        ask, node = blob_address(header.about), certificate.body.node
        self._check_sender(certificate, ask)
        self.quotas.blob_bytes.check(node)
        self.quotas.blob_bytes.charge(node, len(body))
        piece = container.open_payload(header, sealed, self._identity)
        whole = self.blobs.pieces.put_piece(ask.sha256, ask.size, ask.chunk, ask.part, piece, digest=header.plain_sha256)
        if whole:
            self.register.blob_arrived(ask.sha256)
        return ask, whole

    def _blob_get(self, body: bytes) -> bytes:
        certificate, ask = self._in_force(body, BlobAsk)
        self._check_named(certificate, ask)
        if ask.chunk == 0 and not self.blobs.vouch(ask.sha256):  # once a file: what is damaged later is found by its receiver
            raise _absent()
        data = self.blobs.chunk(ask.sha256, ask.chunk)
        about = {"nonce": ask.nonce, "sha256": ask.sha256, "size": ask.size, "chunk": ask.chunk}
        return container.write_container("chunk", about, data, self._identity, certificate)

    def _check_sender(self, certificate: NodeCertificate, ask: BlobAsk) -> None:
        """Refuse a file of nobody's; of a revoked machine those that the register has by its own entries are taken (PROTOCOL 2.9)."""
        if not delivery.wrote_blob(self._database, certificate.body.node, ask.sha256, ask.size):
            self.check_standing(certificate)
            self._check_named(certificate, ask)

    def _check_named(self, certificate: NodeCertificate, ask: BlobAsk) -> None:
        if not delivery.may_read_blob(self._database, certificate.body.node, ask.sha256, ask.size):
            raise _absent()


def _absent() -> NotFound:
    return NotFound("blob.absent", N_("This file has not arrived at this machine yet."))
