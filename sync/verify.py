"""Checking anything of ours, and any national signature, by anybody, offline.

- One door, `verify_file`, for pages, command lines and tests; it never raises for what is inside the data: every problem is a
  finding in words, and the report's verdict says what it comes to.
- The kind of a file is found by its content. `READERS` is the whole list: a new kind is one more entry.
- Cryptography first: signature, chain, hash. What this machine knows of the world besides (is it logged, is the machine
  revoked, is the certificate on a list) is said with its own weight: not knowing is a warning, contradiction is bad.
- Parameters are raw: a name ending in ``_ms`` is a moment in ms UTC.

    report = verify_file(data, database=node.database, pin=node.identity.pin, trust=node.trust, now_ms=node.clock.now())
    report.verdict, [finding.sentence % finding.params for finding in report.findings]
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Final

from common.db import Database
from common.errors import N_, CourtError, Refused
from common.papers.qr import PREFIX
from common.pki.asic import looks_like_container
from common.pki.trust import Trust
from common.pki.xmldsig import looks_like_xml
from sync import container, inclusion
from sync.identity import Pin
from sync.report import Finding as Finding
from sync.report import Report as Report
from sync.verify_evidence import read_bytes, read_container
from sync.verify_papers import read_other, read_pdf
from sync.verify_register import read_bundle, read_code, read_message, read_proof, read_statement
from sync.verify_signatures import looks_like_cms, looks_like_timestamp, read_cms, read_timestamp, read_xml
from sync.verify_world import World as World

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
"""More than any paper or bundle of ours."""
PUBLIC_BYTES_MAX: Final = 20 * 1024 * 1024
"""Of a file that is read whole at a page where anybody may send one; larger ones are for the command."""
HEAD_BYTES: Final = 128
"""Enough to know a container by."""
CBOR_SIGN1: Final = b"\xd2"
"""The first byte of a tagged COSE_Sign1."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One kind of file: its name in the report, whether bytes look like it, and the check, which may name the kind closer."""

    kind: str
    knows: Callable[[bytes], bool]
    read: Callable[[World, bytes, Report], object]


READERS: Final = (
    Reader("receipt", lambda data: data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(PREFIX.encode()), read_code),
    Reader("bundle", lambda data: data.startswith(container.MAGIC), read_bundle),
    Reader("pdf", lambda data: data.startswith(b"%PDF-"), read_pdf),
    Reader("proof", lambda data: data.startswith(inclusion.HEADER.encode()), read_proof),
    Reader("receipt", lambda data: data.startswith(CBOR_SIGN1), read_message),
    Reader("evidence", looks_like_container, read_bytes),
    Reader("timestamp", looks_like_timestamp, read_timestamp),
    Reader("cms", looks_like_cms, read_cms),
    Reader("xml", looks_like_xml, read_xml),
    Reader("checkpoint", lambda data: b"\n\n\xe2\x80\x94 " in data, read_statement),
    Reader("file", lambda data: True, read_other),
)
"""Every kind of file that can be checked, the first that knows the bytes reads them."""


def verify_file(
    data: bytes,
    *,
    database: Database,
    pin: Pin | None,
    trust: Trust | None,
    now_ms: int,
    leaf: bytes | None = None,
    at_ms: int | None = None,
    content: bytes | None = None,
) -> Report:
    """Return what ``data`` is and whether it holds.

    ``database`` is that of a node or of the centre, ``trust`` the national certificates known here (None: a person's
    signature is checked without its chain); the others as in `World`. Raises only what a broken disk raises.
    """
    return check(World(database=database, pin=pin, trust=trust, now_ms=now_ms, leaf=leaf, at_ms=at_ms, content=content), data)


def check(world: World, data: bytes, *, bytes_max: int = FILE_BYTES_MAX) -> Report:
    """Return what ``data`` is and whether it holds; as `verify_file`."""
    reader = next(reader for reader in READERS if reader.knows(data))

    def read(report: Report) -> None:
        if len(data) > bytes_max:
            raise Refused("verify.large", N_("This file is larger than anything that can be checked here."))
        reader.read(world, data, report)

    return _guarded(reader.kind, read)


def check_open(world: World, file: IO[bytes], *, bytes_max: int = FILE_BYTES_MAX) -> Report:
    """Return what an open file is and whether it holds; as `verify_file`.

    A container is read piece by piece, of anything else never more than ``bytes_max`` is in memory.
    """
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if looks_like_container(head):
        return _guarded("evidence", lambda report: read_container(world, file, report))
    return check(world, file.read(bytes_max + 1), bytes_max=bytes_max)


def _guarded(kind: str, read: Callable[[Report], object]) -> Report:
    report = Report(kind)
    try:
        read(report)
    except CourtError as error:
        if error.status >= 500:
            raise
        report.refused(error)
    return report
