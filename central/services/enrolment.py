"""Machines: a code for a new one, its certificate, its courts, its revocation."""

from collections.abc import Sequence

from central.centre import NODE_CERTIFICATE_DAYS, Centre, PublicKeys
from common.db import BlobField, Database, IntegerField, Table, TextField, create_tables, fetch, insert, transaction
from common.errors import N_, Conflict, Forbidden, Refused
from common.facts import encode_body
from common.ids import NODE_MAX
from sync import directory
from sync.enrolment import Code, Grant, new_code, read_request, secret_hash
from sync.position import Position

CODE_MS = 24 * 3_600_000
"""How long a code can be used."""


class EnrolCodeRow(Table):
    """A code waiting to be used once; only the hash of its secret is kept."""

    secret_hash = BlobField(primary_key=True)
    node = IntegerField()
    name = TextField()
    courts = TextField()
    expires_ms = IntegerField()
    used_ms = IntegerField(null=True)

    class Meta:
        table_name = "enrol_code"


def create(database: Database) -> None:
    """Create what is missing."""
    create_tables(database, [EnrolCodeRow])


def make_code(centre: Centre, *, node: int, name: str, courts: Sequence[str]) -> Code:
    """Return a one-time code for a new machine ``node`` of ``courts``; raises Refused("enrol.node"/"enrol.courts"/"enrol.name")."""
    book = centre.book()
    if not 0 < node <= NODE_MAX:
        raise Refused("enrol.node", N_("A machine's number is between 1 and 9999."), field="node")
    if not name.strip():
        raise Refused("enrol.name", N_("Enter a name for the machine."), field="name")
    if not courts or any(book.find_court(court) is None for court in courts):
        raise Refused("enrol.courts", N_("Choose at least one court from the list."), field="courts")
    code = new_code(centre.identity.pin)
    row = {
        "secret_hash": secret_hash(code.secret),
        "node": node,
        "name": name.strip(),
        "courts": " ".join(courts),
        "expires_ms": centre.clock.now() + CODE_MS,
        "used_ms": None,
    }
    insert(centre.database, EnrolCodeRow, [row])
    return code


def enrol(centre: Centre, body: bytes) -> bytes:
    """Return the grant for a machine's request; raises Forbidden("enrol.used") for a code that is wrong, used or too old."""
    request, pdf = read_request(body)
    node, name, courts = _use_code(centre, request.secret)
    now = centre.clock.now()
    public = PublicKeys(request.sign, request.seal, pdf)
    certificate = centre.keys.certify(centre.identity.pin, public, node, name, now, NODE_CERTIFICATE_DAYS)
    with centre.journal.unit() as unit:
        obj = directory.node_object(node)
        unit.append(obj, directory.Enrol(certificate=certificate, name=name))
        unit.append(obj, directory.Serve(courts=courts))
    centre.publish()
    grant = Grant(certificate=certificate, pin=encode_body(centre.identity.pin), centre=centre.identity.certificate.data)
    return encode_body(grant)


def _use_code(centre: Centre, secret: bytes) -> tuple[int, str, list[str]]:
    now = centre.clock.now()
    with transaction(centre.database):
        statement = """UPDATE enrol_code SET used_ms = ?1 WHERE secret_hash = ?2 AND used_ms IS NULL AND expires_ms > ?1
                       RETURNING node, name, courts"""
        used = fetch(centre.database, statement, (now, secret_hash(secret)))
    if not used:
        raise Forbidden("enrol.used", N_("This enrolment code is wrong, was used already, or is too old. Ask the centre for a new one."))
    node, name, courts = used[0]
    return node, name, courts.split()


def serve(centre: Centre, *, node: int, courts: Sequence[str], actor: bytes | None = None) -> None:
    """Say for which courts ``node`` writes from now on; raises Refused("enrol.courts") or Conflict("node.revoked_already")."""
    book = centre.book()
    if any(book.find_court(court) is None for court in courts):
        raise Refused("enrol.courts", N_("Choose at least one court from the list."), field="courts")
    if directory.revocation_of(centre.database, node) is not None:
        raise Conflict("node.revoked_already", N_("This machine has been revoked already."))
    with centre.journal.unit() as unit:
        unit.append(directory.node_object(node), directory.Serve(courts=list(courts)), actor=actor)
    centre.publish()


def require_cut(at: Position, cut: tuple[int, int]) -> None:
    """Raise Refused("node.cut") unless ``cut`` (epoch, seq) is where the register stands with a machine, or before."""
    if not (cut[0] >= 1 and cut[1] >= 0 and cut <= (at.epoch, at.seq)):
        sentence = N_("The register has this machine's entries up to number %(seq)d of epoch %(epoch)d: the cut is there or before it.")
        raise Refused("node.cut", sentence, field="seq", epoch=at.epoch, seq=at.seq)


def revoke(centre: Centre, *, node: int, reason: str, actor: bytes | None = None, cut: tuple[int, int] | None = None) -> None:
    """Revoke ``node`` from the (epoch, seq) ``cut``, by default from where the register stands with it now.

    Nothing is deleted: what the register has after an earlier cut is marked for everybody (`sync.admission`). A later revocation
    may reach further back, never forward. Raises Conflict("node.revoked_already") or Refused("node.cut").
    """
    held = directory.revocation_of(centre.database, node)
    at = centre.register.peer(node)
    epoch, seq = cut or (at.epoch, at.seq)
    if held is not None and (epoch, seq) >= held:
        raise Conflict("node.revoked_already", N_("This machine has been revoked already."))
    require_cut(at, (epoch, seq))
    with centre.journal.unit() as unit:
        body = directory.Revoke(epoch=epoch, after_seq=seq, reason=reason)
        unit.append(directory.node_object(node), body, actor=actor)
    centre.publish()
    centre.revocations()  # from now on every hello hears that there is a new list
