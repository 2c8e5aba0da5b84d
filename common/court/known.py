"""What folds may ask about the world, answered from one database.

- Roles come from the staff table as of a log size; which node writes for a court is asked of the caller's directory.
- A signature is verified once: the answer is kept in `Examined` under the leaf of the entry that carries it, in the same
  transaction as the fold, so that folding a country again verifies nothing again. What does not verify never will, so
  that is kept too. What merely is not vouched for (a root not yet known here) is not kept and is asked again.
"""

from collections.abc import Callable

from common.court import reference, staff
from common.db import BlobField, BooleanField, CompositeKey, Database, Table, TextField, create_tables, fetch, insert
from common.errors import N_, Refused
from common.facts import Announced, Signer
from common.pki import cms
from common.pki.certificates import Certificate

DETACHED, PDF = "detached", "pdf"


class Examined(Table):
    """What came out when the signature of one entry was verified. Local to this machine; may be dropped at any time."""

    leaf = BlobField()
    kind = TextField()
    ok = BooleanField()
    code = TextField()
    certificate = BlobField()
    name = TextField()
    iin = TextField()
    bin = TextField()
    roles = TextField()
    digest = BlobField()

    class Meta:
        primary_key = CompositeKey("leaf", "kind")


RECALL = "SELECT ok, code, certificate, name, iin, bin, digest, roles FROM examined WHERE leaf = ? AND kind = ?"


def create(database: Database) -> None:
    """Create the table; one of an earlier release is dropped, and what it knew is found out again where it is asked for."""
    held = {column.name for column in database.get_columns("examined")}
    if held and held != {field.column_name for field in Examined._meta.sorted_fields}:
        fetch(database, "DROP TABLE examined")
    create_tables(database, (Examined,))


class CourtKnown:
    """`common.facts.Known` over ``database``.

    ``node_courts(court, before)`` answers which node writes for a court as of a log size. ``vouch(certificate)`` raises
    Refused unless the certificate's chain ends at a trusted root; it looks at no revocation and no expiry, which change.
    """

    def __init__(
        self,
        database: Database,
        *,
        node_courts: Callable[[str, int], int | None],
        vouch: Callable[[Certificate], object],
    ) -> None:
        self._database = database
        self._node_courts = node_courts
        self._vouch = vouch

    def staff_role(self, certificate: bytes, court: str, *, before: int) -> frozenset[str]:
        """Return the roles that the certificate (SHA-256) gives at ``court`` as of log size ``before``."""
        return staff.roles_as_of(self._database, certificate, court, before=before)

    def node_of(self, court: str, *, before: int) -> int | None:
        """Return the node that writes for ``court`` as of log size ``before``, or None."""
        return self._node_courts(court, before)

    def rule_packs(self, *, before: int) -> list[Announced]:
        """Return the rule packs that were announced as of log size ``before``, oldest announcement first."""
        return reference.rule_packs(self._database, before=before)

    def signer(self, leaf: bytes, signature: bytes, content: bytes) -> bytes:
        """Return the SHA-256 of the certificate that signed ``content``; raises Refused."""
        return self.holder(leaf, signature, content).certificate

    def holder(self, leaf: bytes, signature: bytes, content: bytes) -> Signer:
        """Return whose certificate signed ``content``, with an empty digest; raises Refused."""
        return self._examined(leaf, DETACHED, lambda: (cms.verify_detached(signature, content), b""))

    def pdf_signer(self, leaf: bytes, signature: bytes, *, place: int = 0) -> Signer:
        """Return who made the CMS of a signed PDF and the digest it covers; raises Refused."""
        return self._examined(leaf, f"{PDF}{place or ''}", lambda: _pdf(signature))

    def _examined(self, leaf: bytes, kind: str, verify: Callable[[], tuple[Certificate, bytes]]) -> Signer:
        kept = fetch(self._database, RECALL, (leaf, kind))
        if kept:
            return _recall(*kept[0])
        try:
            certificate, digest = verify()
        except Refused as error:
            self._keep(leaf, kind, Signer(b"", "", "", "", b""), error.code)
            raise
        self._vouch(certificate)
        signer = Signer(certificate.sha256, certificate.full_name, certificate.iin, certificate.bin, digest, frozenset(certificate.roles))
        self._keep(leaf, kind, signer, "")
        return signer

    def _keep(self, leaf: bytes, kind: str, signer: Signer, code: str) -> None:
        row = {
            "leaf": leaf,
            "kind": kind,
            "ok": not code,
            "code": code,
            "certificate": signer.certificate,
            "name": signer.name,
            "iin": signer.iin,
            "bin": signer.bin,
            "digest": signer.digest,
            "roles": " ".join(sorted(signer.roles)),
        }
        insert(self._database, Examined, [row])


def _recall(ok: int, code: str, certificate: bytes, name: str, iin: str, bin: str, digest: bytes, roles: str) -> Signer:
    if not ok:
        raise Refused(code, N_("The signature was examined before and did not verify."))
    return Signer(certificate, name, iin, bin, digest, frozenset(roles.split()))


def _pdf(signature: bytes) -> tuple[Certificate, bytes]:
    certificate, _, digest, _ = cms.signed_attributes_signer(signature)
    return certificate, digest
