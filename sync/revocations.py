"""The list of revoked machines: signed by the registry, numbered, expiring, in every downlink (PROTOCOL 2.15 to 2.17).

The directory says the same with its entries, but a machine reads those in their order, perhaps weeks behind; the list is
whole, comes first, and says as of when it is. Who holds a receipt or a bundle of another machine looks at both.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from common.db import BlobField, Database, IntegerField, Table, create_tables, fetch, has_table, transaction
from common.errors import N_, Refused
from common.facts import Body, decode_body, encode_body
from sync import cose, directory, lineage
from sync.identity import Pin, key_id_of

LIST_TYPE = "application/sot-revocations+cbor"
DAY_MS = 86_400_000
LIFE_MS = 14 * DAY_MS
"""As long as a line may be away before a list is called old; nobody refuses a paper for that."""
RENEW_MS = DAY_MS
"""A list that says the same is signed again after a day, so that what machines hold is never much older than their line."""

NUMBERS_A_LOG = 1_000_000
"""More than one log of the register ever signs, at one a day and one a change."""


class RevocationList(Body, frozen=True):
    """``revoked``: [node, epoch, after_seq] by node; what it wrote after that is evidence. Times in ms UTC."""

    environment: bytes
    number: int
    at: int
    until: int
    revoked: list[list[int]]

    def cut_of(self, node: int) -> tuple[int, int] | None:
        """Return the last trusted (epoch, seq) of a revoked machine, or None."""
        return next(((epoch, seq) for each, epoch, seq in self.revoked if each == node), None)


class RevocationListRow(Table):
    """The newest list: at the centre the one it signed last, at a machine the one it took last."""

    id = IntegerField(primary_key=True)
    number = IntegerField()
    data = BlobField()

    class Meta:
        table_name = "revocation_list"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known here of a machine: ``cut`` None while nobody says it is revoked; as of and until when, None without a list."""

    cut: tuple[int, int] | None
    as_of_ms: int | None
    until_ms: int | None


def create(database: Database) -> None:
    """Create what is missing."""
    create_tables(database, [RevocationListRow])


def current(database: Database, pin: Pin, registry: Ed25519PrivateKey, now: int) -> bytes:
    """Return the centre's list: the one at hand, or a new one when something changed or a day has passed.

    A register that was set back goes on above all numbers that machines may have seen of the log before.
    """
    cuts = fetch(database, "SELECT node, revoked_epoch, revoked_seq FROM node WHERE revoked_epoch IS NOT NULL ORDER BY node")
    revoked = [list(cut) for cut in cuts]
    held = newest(database, pin)
    floor = (lineage.number_of(pin.origin) - 1) * NUMBERS_A_LOG
    if held is not None and held[1].revoked == revoked and 0 <= now - held[1].at < RENEW_MS and held[1].number > floor:
        return held[0]
    number = max(held[1].number if held else 0, floor) + 1
    body = RevocationList(environment=pin.environment, number=number, at=now, until=now + LIFE_MS, revoked=revoked)
    data = cose.sign(encode_body(body), LIST_TYPE, registry, key_id=key_id_of(pin.registry), environment=pin.environment)
    with transaction(database):
        _store(database, number, data)
    return data


def read(data: bytes, pin: Pin) -> RevocationList:
    """Return a list; raises Refused unless the pinned registry signed it for this environment."""
    registry = Ed25519PublicKey.from_public_bytes(pin.registry)
    body: RevocationList = decode_body(cose.verify(cose.parse(data), registry, LIST_TYPE, environment=pin.environment), RevocationList)
    if body.environment != pin.environment or any(len(each) != 3 for each in body.revoked):
        raise Refused("revocations.form", N_("The list of revoked machines does not have the form the protocol demands."))
    return body


def take(database: Database, data: bytes, pin: Pin, *, carried: bool = False) -> None:
    """Keep a list that came, inside the caller's transaction; raises Refused("revocations.rolled_back") for an older one.

    One that was ``carried`` by hand may well be older: it is left aside.
    """
    held = newest(database, pin)
    if held is not None and held[0] == data:
        return
    fresh = read(data, pin)
    if held is not None and fresh.number < held[1].number:
        if carried:
            return
        raise Refused(
            "revocations.rolled_back", N_("The centre shows an older list of revoked machines than before. Nothing is taken from it.")
        )
    _store(database, fresh.number, data)


def newest(database: Database, pin: Pin) -> tuple[bytes, RevocationList] | None:
    """Return (signed, read) of the list at hand, or None where there is none yet."""
    rows = fetch(database, "SELECT data FROM revocation_list")
    return (rows[0][0], read(rows[0][0], pin)) if rows else None


def number_of(database: Database) -> int:
    """Return the number of the list at hand, 0 for none."""
    rows = fetch(database, "SELECT number FROM revocation_list")
    return int(rows[0][0]) if rows else 0


def standing_of(database: Database, node: int, pin: Pin) -> Standing:
    """Return what list and directory say of a machine: the earlier cut of both counts."""
    # `verify` also looks into a database that has not been started yet
    held = newest(database, pin) if has_table(database, "revocation_list") else None
    told = [cut for cut in (directory.revocation_of(database, node), held[1].cut_of(node) if held else None) if cut is not None]
    return Standing(min(told) if told else None, held[1].at if held else None, held[1].until if held else None)


def _store(database: Database, number: int, data: bytes) -> None:
    statement = "INSERT INTO revocation_list (id, number, data) VALUES (1, ?1, ?2) ON CONFLICT (id) DO UPDATE SET number = ?1, data = ?2"
    fetch(database, statement, (number, data))
