"""The doors of the public check: whatever anybody gives it, and containers of evidence down to their last part."""

import functools
import hashlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

from common.errors import Refused
from common.facts import BlobRef, encode_body
from common.pki import asic, cms
from common.pki.asic import Container, Part
from common.pki.authority import Authority
from common.pki.keystore import key_from_ec
from common.pki.trust import Trust
from sync import evidence, receipts
from sync.evidence import Source
from sync.identity import Pin
from sync.report import Report
from sync.verify import World, check
from sync.verify_evidence import empty_database
from tests.fuzz.doors import Target
from tests.protocol.protocol_world import make_world
from tests.xml_signing import sign_xml

NOW_MS = 1_795_262_400_000
FILE = b"%PDF-1.7 x"
_folder = tempfile.TemporaryDirectory(prefix="fuzz-")  # lives as long as this process


class _Maker:
    """A machine of a register, and the parts of a container about one of its entries, R0 to R2."""

    def __init__(self, folder: Path) -> None:
        world = make_world(folder)
        blob = BlobRef(hashlib.sha256(FILE).digest(), len(FILE), "application/pdf")
        [entry] = world.write(1, blobs=[blob])
        world.node.client.exchange()
        era = world.node.identity.now
        self.pin: Pin = world.node.identity.pin
        self.key = key_from_ec(era.pdf, era.certificate.body.pdf)
        source = Source(
            database=world.node.database,
            pin=self.pin,
            trust=Trust(),
            own=era.certificate,
            proof=lambda each, index: receipts.inclusion_of(world.node.database, each.leaf) if each.leaf == entry.leaf else None,
        )
        parts = evidence.parts_of(source, entry.envelope.obj, entry.leaf, made_ms=NOW_MS)
        r0 = receipts.sign_r0(receipts.Taken(talon=1, node=world.node.number, leaf=entry.leaf, statement=blob.sha256, at=NOW_MS), era)
        r2 = world.centre.sign_message(encode_body(receipts.Complete(leaf=entry.leaf, index=1, at=NOW_MS)), receipts.COMPLETE_TYPE)
        brought = {evidence.R0: r0, evidence.R2: r2, "files/01.pdf": FILE}
        self.parts = {part.name: bytes(part.data) for part in parts if isinstance(part.data, bytes)} | brought

    def container(self, **changed: bytes) -> bytes:
        """Return a container with some parts changed before it is signed."""
        file = io.BytesIO()
        asic.write(file, [Part(name, "", data) for name, data in {**self.parts, **changed}.items()], self.key, at_ms=NOW_MS)
        return file.getvalue()


@functools.cache
def _maker() -> _Maker:
    return _Maker(Path(_folder.name) / "evidence")


def _refuse_invalid(report: Report) -> None:
    """A seed has to be one that holds: else a target would test the first line of its door and nothing else."""
    if report.verdict == "invalid":
        raise Refused("verify.invalid", "")


def _judge(data: bytes, trust: Trust | None = None, content: bytes | None = None) -> None:
    database = empty_database()
    try:
        _refuse_invalid(check(World(database=database, pin=_maker().pin, trust=trust, now_ms=NOW_MS, content=content), data))
    finally:
        database.close()


def _container() -> Target:
    return Target(_judge, (_maker().container(),))


def _part() -> Target:
    """What is in a container that a machine has truly signed: the first byte says which part."""
    maker = _maker()
    names = sorted(maker.parts)

    def door(data: bytes) -> None:
        _judge(maker.container(**{names[data[0] % len(names)]: data[1:]}) if data else b"")

    return Target(door, tuple(bytes([place]) + maker.parts[name] for place, name in enumerate(names)))


def _manifest() -> Target:
    """A manifest of any bytes beside one file."""
    [manifest] = Container(io.BytesIO(_maker().container())).manifests()

    def door(data: bytes) -> None:
        made = io.BytesIO()
        asic.write(made, [], _maker().key, at_ms=NOW_MS)
        with asic.zipfile.ZipFile(made, "a") as file:
            file.writestr("META-INF/ASiCManifest002.xml", data)
        Container(made).manifests()

    return Target(door, (manifest.data,))


def _anything() -> Target:
    """The public page: the kind is found by content."""
    authority = Authority.create("p256", "СЫНАҚ", at_ms=NOW_MS - 1)
    key = authority.issue_person("АХМЕТОВА", "АЙГҮЛ", "", "900101400018", not_before_ms=NOW_MS - 1)
    trust = Trust.of([*authority.anchors(), *authority.authorities()])
    seeds = (sign_xml("<a>1</a>", key), cms.sign_detached(b"x", key, at_ms=NOW_MS), cms.sign_attached(b"x", key, at_ms=NOW_MS))
    return Target(lambda data: _judge(data, trust, b"x"), seeds)


DOORS: dict[str, Callable[[], Target]] = {
    "evidence": _container,
    "evidence_part": _part,
    "evidence_manifest": _manifest,
    "public_check": _anything,
}
