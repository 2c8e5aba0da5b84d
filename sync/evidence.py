"""The evidence of one filing: what a container holds and where in it, collected from what this machine keeps (PROTOCOL 13).

    evidence.cbor                   {v, leaf, node, made}: the version, and the entry that all of it is about
    README.txt statement.pdf files/NN.ext talon.pdf
    entries/NNN.cbor                every entry of the object, as it stands in the journal; 001 is the submission
    proofs/NNN.tlog-proof           R1 of that entry, with the register's checkpoint
    receipts/r0.cose r2.cose        R3 and R4 are entries, each with the signature of the person who decided
    certificates/machine-….cose     of the machines that wrote; …….cer of the centres that issued people's certificates
    revocation/….crl extracts.cbor  the lists where they are small, else what this machine saw in them

The container is `common.pki.asic`'s; the machine's P-256 key signs its manifest. Checking is `verify_evidence`'s.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from common import canonical
from common.db import Database, fetch
from common.errors import N_, CourtError, Refused, Unreachable
from common.pki import asic, cms
from common.pki.asic import Part
from common.pki.certificates import Certificate
from common.pki.crl_store import Held
from common.pki.keystore import key_from_ec
from common.pki.trust import Trust, issuer_key
from sync.entry import Entry
from sync.identity import CENTRE_NODE, Era, NodeCertificate, Pin
from sync.tables import entries_of

VERSION = 1
HEAD, STATEMENT, TALON = "evidence.cbor", "statement.pdf", "talon.pdf"
R0, R2, EXTRACTS = "receipts/r0.cose", "receipts/r2.cose", "revocation/extracts.cbor"
LIST_BYTES_MAX = 1024**2
"""A larger revocation list stays outside: the national one has 22 MB."""
ENTRIES_MAX = 200
COSE, CBOR, CERTIFICATE, LIST = "application/cose", "application/cbor", "application/pkix-cert", "application/pkix-crl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The machine that makes a container: what it keeps, what it trusts, and how it proves an entry (None: it cannot)."""

    database: Database
    pin: Pin
    trust: Trust
    own: NodeCertificate
    """The newest certificate of the machine itself: its directory may not have it yet."""
    proof: Callable[[Entry, int | None], bytes | None]


def parts_of(source: Source, obj: bytes, leaf: bytes, *, made_ms: int) -> list[Part]:
    """Return everything about the object that the protocol's own tables hold; ``leaf`` is the submission's."""
    entries = _entries(source, obj, leaf)
    parts = [Part(HEAD, CBOR, canonical.encode({"v": VERSION, "leaf": leaf, "node": source.own.body.node, "made": made_ms}))]
    for number, (entry, index) in enumerate(entries, 1):
        parts.append(Part(f"entries/{number:03}.cbor", CBOR, canonical.encode(entry.wire())))
        proof = source.proof(entry, index)
        if proof is not None:
            parts.append(Part(f"proofs/{number:03}.tlog-proof", "text/plain", proof))
    nodes = sorted({CENTRE_NODE, source.own.body.node, *(entry.envelope.node for entry, _ in entries)})
    own = Part(_machine_name(source.own.body.node, source.own.key_id), COSE, source.own.data)
    parts += {part.name: part for part in (own, *_machines(source.database, nodes))}.values()
    parts.append(Part("certificates/register-pdf.cer", CERTIFICATE, source.pin.pdf_ca))
    return parts + _national(source.trust, _signers([entry for entry, _ in entries]))


def write(folder: Path, parts: Sequence[Part], era: Era, *, at_ms: int) -> IO[bytes]:
    """Return the container of ``parts``, signed with the machine's P-256 key, open at its beginning.

    It is a file without a name in ``folder``, gone when it is closed: a filing may have 300 MB, and memory stays bounded.
    """
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives until the answer is sent
    try:
        asic.write(file, parts, key_from_ec(era.pdf, era.certificate.body.pdf), at_ms=at_ms)
    except OSError as error:
        file.close()
        raise Unreachable("evidence.disk", N_("There is no room on this machine to make the file now. Call the administrator.")) from error
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def rungs_of(parts: Sequence[Part]) -> set[str]:
    """Return which of the register's and the machines' receipts are among ``parts``."""
    names = {part.name for part in parts}
    return {rung for rung, name in (("R0", R0), ("R1", "proofs/001.tlog-proof"), ("R2", R2)) if name in names}


def decision_of(body: bytes | None) -> tuple[bytes, bytes] | None:
    """Return (signed text, CMS over it) where the body of an entry is somebody's signed decision: it has ``content`` and ``signature``."""
    value: dict[str, Any] = canonical.decode_map(body) if body is not None else {}
    content, signature = value.get("content"), value.get("signature")
    return (content, signature) if isinstance(content, bytes) and isinstance(signature, bytes) and signature else None


def signatures_of(entry: Entry) -> list[bytes]:
    """Return every CMS in an entry's body: the author's (none: empty bytes), then those of its ``cosigners`` in their order."""
    body: dict[str, Any] = canonical.decode_map(entry.body) if entry.body is not None else {}
    others = body.get("cosigners")
    named = [body, *(others if isinstance(others, list) else [])]
    made = [each.get("signature") if isinstance(each, dict) else None for each in named]
    return [each if isinstance(each, bytes) else b"" for each in made]


def outside_of(entries: Sequence[Entry], kind: str) -> list[tuple[int, bytes]]:
    """Return what services outside have signed about a signature of the statement: (whose, as `signatures_of` counts; the bytes).

    It is in entries ``….evidence`` with ``kind``, ``data`` and ``signer``.
    """
    bodies = [canonical.decode_map(each.body) for each in entries if each.body is not None and ".evidence/" in each.envelope.type]
    found = [body for body in bodies if body.get("kind") == kind and isinstance(body.get("data"), bytes)]
    return [(body["signer"] if isinstance(body.get("signer"), int) else 0, body["data"]) for body in found]


def _entries(source: Source, obj: bytes, leaf: bytes) -> list[tuple[Entry, int | None]]:
    """Return the object's entries, the submission first, the others in the order of the register."""
    found = entries_of(source.database, obj)
    first = [each for each in found if each[0].leaf == leaf]
    return [*first, *(each for each in found if each[0].leaf != leaf)][:ENTRIES_MAX]


def _machines(database: Database, nodes: Sequence[int]) -> Iterator[Part]:
    for node in nodes:
        rows = fetch(database, "SELECT key_id, data FROM node_certificate WHERE node = ? ORDER BY position", (node,))
        for key_id, data in rows:
            yield Part(_machine_name(node, key_id), COSE, data)


def _machine_name(node: int, key_id: bytes) -> str:
    return f"certificates/machine-{node:04}-{key_id.hex()}.cose"


def _signers(entries: Sequence[Entry]) -> list[Certificate]:
    """Return the certificates of everybody who signed an entry's content: every body carries the CMS under ``signature``."""
    found: dict[bytes, Certificate] = {}
    for entry in entries:
        for signature in filter(None, signatures_of(entry)):
            try:
                found |= {each.certificate.sha256: each.certificate for each in cms.read(signature).signers}
            except Refused:
                continue  # the check will say so; the container is made none the less
    return list(found.values())


def _national(trust: Trust, signers: Sequence[Certificate]) -> list[Part]:
    parts: dict[str, Part] = {}
    extracts = []
    for signer in signers:
        try:
            chain = trust.chain(signer)
        except CourtError:  # a centre that is not trusted here any more
            continue
        for above in chain[1:]:
            name = f"certificates/{above.sha256.hex()[:16]}.cer"
            parts[name] = Part(name, CERTIFICATE, above.der)
        held = trust.lists().get(issuer_key(chain[1]))
        if held is None:
            continue
        lists = _lists(trust, held)
        parts |= {part.name: part for part in lists}
        if not lists:
            extracts.append(_extract(held, signer))
    if extracts:
        parts[EXTRACTS] = Part(EXTRACTS, CBOR, canonical.encode(extracts))
    return list(parts.values())


def _lists(trust: Trust, held: Held) -> list[Part]:
    """Return the list at hand, and the delta list over it, as the certification centre signed them; none where one is large."""
    parts = []
    for one, ending in ((held.base, "crl"), (held.delta, "delta")):
        if one is None:
            continue
        data = trust.list_file(one.info.sha256)
        if data is None or len(data) > LIST_BYTES_MAX:
            return []
        parts.append(Part(f"revocation/{one.info.sha256.hex()[:16]}.{ending}", LIST, data))
    return parts


def _extract(held: Held, signer: Certificate) -> dict[str, Any]:
    """Return what this machine saw in the list about one certificate: its own word, under its own signature."""
    info, found = held.info, held.find(signer.serial)
    said = {"certificate": signer.sha256, "issuer": info.issuer, "list": info.sha256, "number": info.number}
    return said | {"this": info.this_update_ms, "next": info.next_update_ms, "since": found.since_ms if found else None}
