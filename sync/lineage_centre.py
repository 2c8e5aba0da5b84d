"""The centre's half of the lineages of its log: it begins one, and tells machines which there are (PROTOCOL 10.10 to 10.12)."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common.db import Database, IntegerField, Table, create_tables, fetch
from common.errors import N_, Corrupt, Refused
from sync import lineage, log, merkle, witness
from sync.identity import Pin
from sync.lineage import Lineage, LineageAsk, LineageTold
from sync.register import Register

REASON = "lineage"
"""Of the epoch that the centre's own journal begins with a new log: what it wrote and lost must not be written under the same numbers."""


class ContactLineageRow(Table):
    """Which log of the register a machine follows, as it said last."""

    node = IntegerField(primary_key=True)
    number = IntegerField()

    class Meta:
        table_name = "contact_lineage"


def create(database: Database) -> None:
    """Create what is missing at the centre."""
    create_tables(database, [ContactLineageRow])


def begin(register: Register, registry: Ed25519PrivateKey, log_key: Ed25519PrivateKey, *, reason: str) -> Lineage:
    """Go on as a new log under ``log_key`` from the newest head on; return the registry's statement.

    One transaction. Tokens of machines begin anew, for a register that was set back takes everybody for a copy. Raises
    Corrupt("log.broken") where the stored log is not what its newest head says: nothing is then signed.
    """
    database, pin, now = register.database, register.identity.pin, register.clock.now()
    with register.journal.unit():
        size, note = register.checkpoint()
        if log.audit(database) != (size, lineage.logs(database, pin)[0].read(note).root):
            raise Corrupt("log.broken", N_("The register's log contradicts itself. Nothing more is signed; call the administrator."))
        cosigned = witness.cosigned(database, size)
        data = lineage.write(pin, registry, log_key, before=note, cosigned=cosigned[1] if cosigned else b"", at=now, reason=reason)
        one = lineage.read(data, pin)
        lineage.store(database, one, data)
        # when it was made stays: what stands below it was there then
        fetch(database, "UPDATE checkpoint SET note = ? WHERE size = ?", (one.first, size))
        fetch(database, "DELETE FROM cosignature WHERE size = ?", (size,))  # they are of the head before, and in the statement
        anew = "UPDATE contact SET token = ?1, token_before = ?1, challenge = ?1, epoch = 0, state = '' WHERE alarm_ms IS NULL"
        fetch(database, anew, (b"",))
        at = register.journal.position()
        register.journal.open_epoch(REASON, after=at.epoch, last_seq=at.seq)
        register.journal.recovered()
    # a process that goes on with the key before signs nothing more: it finds the new log in the database
    register.speak_as(lineage.current(database, pin), log_key)
    return one


def require_present(database: Database, pin: Pin, node: int, number: int) -> None:
    """Note which log a machine follows; raises Refused("log.lineage") where it is another than the present one."""
    known = fetch(database, "SELECT number FROM contact_lineage WHERE node = ?", (node,))
    if not known or known[0][0] != number:
        statement = "INSERT INTO contact_lineage (node, number) VALUES (?, ?) ON CONFLICT (node) DO UPDATE SET number = excluded.number"
        fetch(database, statement, (node, number))
    if number != lineage.number_of(pin.origin):
        raise Refused("log.lineage", N_("This machine follows another log of the register than the present one."))


def tell(database: Database, pin: Pin, ask: LineageAsk) -> LineageTold:
    """Return which logs there are, with the proof that was asked for; raises Refused("log.ahead") for a size that log never continued."""
    told = lineage.statements(database)
    consistency: list[bytes] = []
    if ask.number:
        one = next((one for one in (lineage.read(data, pin) for data in told) if one.number == ask.number), None)
        if one is None or not 0 < ask.size <= one.size:
            raise Refused("log.ahead", N_("The node has seen a larger register than this one: the centre was rolled back."))
        consistency = merkle.consistency_proof(ask.size, one.size, log.reader(database))
    return LineageTold(nonce=ask.nonce, statements=told, consistency=consistency)
