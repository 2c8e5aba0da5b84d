"""How a machine goes over to a new log of the register (PROTOCOL 10.11 to 10.14).

Where the new log continues everything this machine has seen, the registry's signature and a proof are enough. Where it holds
less, something that was confirmed is not there any more: then a person at the machine decides, and until then papers are taken
as always and nothing is exchanged. Going over is one transaction; afterwards the exchange sends again what the new log lacks.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from common import canonical
from common.db import BlobField, CompositeKey, Database, IntegerField, Table, TextField, create_tables, fetch, transaction
from common.errors import N_, Conflict, CourtError, Forbidden, Refused
from sync import lineage, merkle, ports, receipts
from sync.inclusion import write_proof
from sync.journal import Journal
from sync.lineage import Lineage, LineageAsk, LineageTold
from sync.link import Link
from sync.messages import NONCE_BYTES, check_nonce

WAITS = N_(
    "The central register has begun a new log, which holds less than this machine has seen. Papers are taken as always; a person at "
    "this machine decides whether to follow it."
)


class OfferRow(Table):
    """A new log that holds less than this machine has seen; ``accepted_by``: certificate (SHA-256) of who decided to follow it."""

    number = IntegerField(primary_key=True)
    data = BlobField()
    seen_ms = IntegerField()
    accepted_ms = IntegerField(null=True)
    accepted_by = BlobField(null=True)

    class Meta:
        table_name = "lineage_offer"


class PastReceiptRow(Table):
    """A receipt of a log before, about an entry that the new log did not hold at first: kind R1 (tlog-proof) or R2."""

    leaf = BlobField()
    kind = TextField()
    number = IntegerField()
    data = BlobField()

    class Meta:
        table_name = "past_receipt"
        primary_key = CompositeKey("leaf", "kind", "number")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a person decides about: the new log, the size that this machine has seen, and how many of its own entries are sent again."""

    statement: Lineage
    data: bytes
    seen_ms: int
    held: int
    again: int
    accepted: bool


def create(database: Database) -> None:
    """Create what is missing at a machine."""
    lineage.create(database)
    create_tables(database, [OfferRow, PastReceiptRow])


def offer(link: Link) -> Offer | None:
    """Return the new log that waits for a person's decision, or None."""
    present = lineage.number_of(link.identity.pin.origin)
    rows = fetch(link.database, "SELECT data, seen_ms, accepted_ms FROM lineage_offer WHERE number = ?", (present + 1,))
    if not rows:
        return None
    data, seen, accepted = rows[0]
    one = lineage.read(data, link.identity.pin)
    statement = "SELECT COUNT(*) FROM entry WHERE node = ? AND log_index >= ?"
    again = int(fetch(link.database, statement, (link.identity.node, one.size))[0][0])
    return Offer(one, data, seen, link.state()["size"], again, accepted is not None)


def accept(link: Link, number: int, *, by: bytes, now: int) -> None:
    """Note a person's decision to follow log ``number``; the next exchange goes over. Raises Conflict("lineage.none")."""
    statement = "UPDATE lineage_offer SET accepted_ms = ?, accepted_by = ? WHERE number = ? AND accepted_ms IS NULL RETURNING number"
    if not fetch(link.database, statement, (now, by, number)):
        raise Conflict("lineage.none", N_("There is no new log of the register to decide about any more."))


class Follower:
    """Goes over to the register's new log, where this machine may."""

    def __init__(self, link: Link, journal: Journal) -> None:
        self._link = link
        self._journal = journal
        self._database = link.database

    def start(self) -> None:
        """Create what is missing, and know the log that is followed."""
        create(self._database)
        self._link.identity.pin = lineage.current(self._database, self._link.identity.pin)

    def follow(self) -> None:
        """Ask which logs there are and go over to the newest; raises Forbidden("lineage.waits") where a person must decide first,
        Refused where what is told does not continue what this machine knows."""
        present = lineage.number_of(self._link.identity.pin.origin)
        told = self._ask(LineageAsk(nonce=secrets.token_bytes(NONCE_BYTES)))
        later = [(one, data) for data in told.statements if (one := lineage.read(data, self._link.identity.pin)).number > present]
        if not later:
            raise Refused("lineage.other", N_("The central register speaks as a log that it does not show the registry's word for."))
        for one, data in sorted(later, key=lambda pair: pair[0].number):
            self.take(one, data, self._known_before(one))

    def take_by_hand(self, data: bytes, *, by: bytes) -> Lineage:
        """Go over to a log whose statement a person brought and decided to follow: without a line there is no proof to ask for."""
        one = lineage.read(data, self._link.identity.pin)
        self._offer(one, data)
        accept(self._link, one.number, by=by, now=self._journal.clock.now())
        held = self._known_before(one)
        self.take(one, data, held if held is not None and held[0] == one.size else None)
        return one

    def introduce(self) -> None:
        """Show this machine's certificate to a register that does not know it any more: the registry's signature is on it."""
        certificate = self._link.identity.certificate.data
        self._ask(LineageAsk(nonce=secrets.token_bytes(NONCE_BYTES), certificate=certificate))

    def take(self, one: Lineage, data: bytes, held: tuple[int, bytes] | None) -> None:
        """Go over to one log; ``held`` is the newest head of ours at or below the one it begins from. Raises as `follow`."""
        pin = self._link.identity.pin
        if one.number != lineage.number_of(pin.origin) + 1 or (one.before_origin, one.before_log) != (pin.origin, pin.log):
            raise Refused("lineage.other", N_("The central register speaks as a log that it does not show the registry's word for."))
        self._check_extends(one, held)
        if self._link.state()["size"] > one.size and not self._accepted(one, data):
            self._offer(one, data)
            raise Forbidden("lineage.waits", WAITS)
        self._go_over(one, data)

    def _known_before(self, one: Lineage) -> tuple[int, bytes] | None:
        """Return (size, root) of the newest head that was verified here and is not above the beginning of the new log."""
        state, known = self._link.state(), lineage.logs(self._database, self._link.identity.pin)
        if state["size"] <= one.size:
            return state["size"], state["root"]
        rows = fetch(self._database, "SELECT note FROM logged WHERE size <= ? ORDER BY size DESC LIMIT 1", (one.size,))
        head = lineage.read_note(rows[0][0], known)[0] if rows else None
        return (head.size, head.root) if head else None

    def _check_extends(self, one: Lineage, held: tuple[int, bytes] | None) -> None:
        if held is None or held[0] == 0:
            return
        size, root = held
        proof: list[bytes] = []
        if size < one.size:
            proof = self._ask(LineageAsk(nonce=secrets.token_bytes(NONCE_BYTES), number=one.number, size=size)).consistency
        try:
            merkle.verify_consistency(size, root, one.size, one.root, proof)
        except CourtError:
            self._link.refused_head = one.first
            raise

    def _ask(self, ask: LineageAsk) -> LineageTold:
        told = self._link.ask(ports.LINEAGE, ask, LineageTold)
        check_nonce(ask.nonce, told.nonce)
        return told

    def _accepted(self, one: Lineage, data: bytes) -> bool:
        statement = "SELECT 1 FROM lineage_offer WHERE number = ? AND data = ? AND accepted_ms IS NOT NULL"
        return bool(fetch(self._database, statement, (one.number, data)))

    def _offer(self, one: Lineage, data: bytes) -> None:
        known = fetch(self._database, "SELECT 1 FROM lineage_offer WHERE number = ? AND data = ?", (one.number, data))
        if not known:  # another statement under the number takes no decision over
            statement = "INSERT OR REPLACE INTO lineage_offer (number, data, seen_ms) VALUES (?, ?, ?)"
            fetch(self._database, statement, (one.number, data, self._journal.clock.now()))

    def _go_over(self, one: Lineage, data: bytes) -> None:
        number = lineage.number_of(self._link.identity.pin.origin)
        with transaction(self._database):
            self._keep_receipts(number, one.size)
            lost = "SELECT DISTINCT obj FROM entry WHERE log_index >= ?"
            objects = [obj for (obj,) in fetch(self._database, lost, (one.size,))]
            fetch(self._database, "INSERT INTO going_over (id) VALUES (1)")
            fetch(self._database, "UPDATE entry SET log_index = NULL WHERE log_index >= ?", (one.size,))
            fetch(self._database, "DELETE FROM going_over")
            self._set_back(one)
            lineage.store(self._database, one, data)
            self._journal.fold.refold(self._database, objects, self._journal.clock.now())
        self._link.identity.pin = lineage.current(self._database, self._link.identity.pin)

    def _set_back(self, one: Lineage) -> None:
        """Stand where the new log begins: its head, and the cursors before everything, for feeds were set back too."""
        last = fetch(self._database, "SELECT epoch, last FROM logged ORDER BY epoch DESC, last DESC LIMIT 1")
        epoch, seq = last[0] if last else (0, 0)
        statement = """UPDATE sync SET size = ?, root = ?, note = ?, everyone = 0, feed = 0, complete = 0,
                       receipted_epoch = ?, receipted_seq = ?"""
        fetch(self._database, statement, (one.size, one.root, one.first, epoch, seq))
        fetch(self._database, "DELETE FROM witness")  # the new log's heads are cosigned from the first
        fetch(self._database, "UPDATE journal SET beacon = ?1, root = ?2 WHERE beacon > ?1", (one.size, one.root))

    def _keep_receipts(self, number: int, size: int) -> None:
        """Put the receipts of what the new log lacks aside, each complete in itself: they prove what the log before had confirmed."""
        statement = "SELECT epoch, first, last, first_index, size, note, proof FROM logged WHERE first_index >= ?"
        for epoch, first, last, index, of, note, proof in fetch(self._database, statement, (size,)):
            leaves = receipts.leaves_of(self._database, self._link.identity.node, epoch, first, last)
            tree = merkle.open_range([merkle.leaf_hash(leaf) for leaf in leaves], index, of, canonical.decode(proof))
            for place, leaf in enumerate(leaves):
                self._keep(leaf, "R1", number, write_proof(index + place, tree.inclusion(index + place), note, extra=leaf))
        for index, leaf, proof, note in fetch(
            self._database, "SELECT log_index, leaf, proof, note FROM admitted_here WHERE log_index >= ?", (size,)
        ):
            self._keep(leaf, "R1", number, write_proof(index, canonical.decode(proof), note, extra=leaf))
        for leaf, done in self._complete(size):
            self._keep(leaf, "R2", number, done)
            fetch(self._database, "DELETE FROM complete_here WHERE leaf = ?", (leaf,))
        fetch(self._database, "DELETE FROM logged WHERE first_index >= ?", (size,))
        fetch(self._database, "DELETE FROM admitted_here WHERE log_index >= ?", (size,))

    def _complete(self, size: int) -> Iterable[tuple[bytes, bytes]]:
        statement = "SELECT c.leaf, c.statement FROM complete_here c JOIN entry e ON e.leaf = c.leaf WHERE e.log_index >= ?"
        return fetch(self._database, statement, (size,))

    def _keep(self, leaf: bytes, kind: str, number: int, data: bytes) -> None:
        statement = "INSERT OR IGNORE INTO past_receipt (leaf, kind, number, data) VALUES (?, ?, ?, ?)"
        fetch(self._database, statement, (leaf, kind, number, data))


def past_receipts(database: Database, leaf: bytes) -> list[tuple[str, int, bytes]]:
    """Return (kind, number of the log, receipt) of what logs before had confirmed of an entry."""
    return fetch(database, "SELECT kind, number, data FROM past_receipt WHERE leaf = ? ORDER BY number, kind", (leaf,))
