"""The doors of the exchange: every decoder of bytes from another machine, behind its signature and seal where it has one."""

import functools
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common import canonical
from common.config import load
from common.errors import Refused
from common.facts import decode_body, encode_body
from common.papers.qr import decode_qr, encode_qr
from edge.config import EdgeConfig
from sync import container, cose, enrolment, identity, ports, receipts, slices, stick
from sync.bundle import open_bundle, read_bundle_header
from sync.checkpoint import add_signature, cosign, read_checkpoint, read_cosignature
from sync.container import open_payload, read_header, split_container
from sync.entry import decode_envelope, read_entry
from sync.identity import Pin, read_certificate
from sync.inclusion import read_proof
from sync.messages import CONTENT_TYPES, Down, Own
from sync.pieces import CHUNK_BYTES
from sync.verify import verify_file
from tests.fuzz.doors import Door, Target, all_of
from tests.protocol.protocol_world import World, make_entry, make_world

_folder = tempfile.TemporaryDirectory(prefix="fuzz-")  # lives as long as this process


@functools.cache
def shared_world() -> World:
    """Return the one register with a machine that all doors of a process share."""
    return make_world(Path(_folder.name) / "world")


def readers(world: World) -> dict[str, tuple[bytes, Door]]:
    """Return every decoder by name, with bytes that it takes."""
    me, centre = world.me, world.centre
    pin = me.pin
    bundle = world.bundle(world.entries(2))
    keys, code = identity.generate_keys(), enrolment.new_code(pin)
    grant = enrolment.Grant(certificate=me.certificate.data, pin=encode_body(pin), centre=centre.certificate.data)
    entry = make_entry(7, 1, 1)
    note = world.court.centre.register.checkpoint()[1]
    taken = receipts.sign_r0(receipts.Taken(talon=1, node=world.node.number, leaf=bytes(32), statement=bytes(32), at=1), me)
    done = centre.sign_message(encode_body(receipts.Complete(leaf=bytes(32), index=1, at=1)), receipts.COMPLETE_TYPE)
    database = world.court.centre.database
    witness = Ed25519PrivateKey.generate()
    cosigned = add_signature(note, cosign(note, "sot/witness", witness, 1_795_262_400))

    def whole_bundle(data: bytes) -> object:
        return open_bundle(read_bundle_header(data, database, pin), centre, database)

    return {
        "canonical": (canonical.encode({"a": [1, b"x", {"b": None}]}), canonical.decode),
        "entry": (canonical.encode(entry.wire()), lambda data: read_entry(canonical.decode(data))),
        "envelope": (entry.envelope_bytes, decode_envelope),
        "cose": (taken, cose.parse),
        "container": (bundle, split_container),
        "header": (bundle, lambda data: read_header(data, me.certificate.sign_key, pin.environment)),
        "bundle": (bundle, whole_bundle),
        "node_certificate": (me.certificate.data, lambda data: read_certificate(data, pin)),
        "pin": (encode_body(pin), lambda data: read_certificate(me.certificate.data, decode_body(data, Pin))),
        "checkpoint": (note, lambda data: read_checkpoint(data, pin.origin, pin.log_key)),
        "cosignature": (cosigned, lambda data: read_cosignature(data, "sot/witness", witness.public_key())),
        "proof": (b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + note, read_proof),
        "receipt_r0": (taken, lambda data: receipts.read_r0(data, me.certificate)),
        "receipt_r2": (done, lambda data: receipts.read_r2(data, centre.certificate)),
        "enrol_request": (enrolment.write_request(code, keys), enrolment.read_request),
        "enrol_grant": (encode_body(grant), lambda data: enrolment.read_grant(data, code, keys)),
        "enrol_code": (str(code).encode(), lambda data: enrolment.read_code(data.decode("latin-1"))),
    }


def _reader(name: str) -> Target:
    good, door = readers(shared_world())[name]
    return Target(door, (good,))


def _signed_header() -> Target:
    """What a true machine may say in a header: the bytes are signed first."""
    world = shared_world()
    me = world.me
    _, signed, sealed = split_container(world.bundle(world.entries()))

    def door(data: bytes) -> None:
        header = me.sign_message(data, container.CONTENT_TYPE)
        whole = container.MAGIC + len(header).to_bytes(4, "big") + header + sealed
        open_payload(*read_header(whole, me.certificate.sign_key, me.environment), world.centre)

    return Target(door, (cose.parse(signed).payload,))


def _sealed_bundle() -> Target:
    """What a true machine may put into a bundle: the bytes are sealed and signed first."""
    world = shared_world()
    entries = world.entries(2)
    about = read_bundle_header(world.bundle(entries), world.court.centre.database, world.me.pin).header.about

    def door(data: bytes) -> None:
        sealed = container.write_container("up", about, data, world.me, world.centre.certificate)
        open_bundle(read_bundle_header(sealed, world.court.centre.database, world.me.pin), world.centre, world.court.centre.database)

    return Target(door, (canonical.encode([entry.wire() for entry in entries]),))


def _message() -> Target:
    """Every message and payload of the exchange, signature taken off; the entries inside are read too."""
    kinds = (*CONTENT_TYPES, Down, Own)

    def read(kind: type[Any], data: bytes) -> None:
        message = decode_body(data, kind)
        if isinstance(message, Down | Own):
            for each in (*message.everyone, *message.feed) if isinstance(message, Down) else message.entries:
                read_entry(each.entry)

    first, *others = (functools.partial(read, kind) for kind in kinds)
    return Target(all_of(first, *others), tuple(_messages(kinds)))


def _messages(kinds: tuple[type[Any], ...]) -> Iterator[bytes]:
    samples: dict[str, Any] = {"int": 1, "bytes": bytes(16), "bool": True, "str": "x", "list": []}
    for kind in kinds:
        fields = msgspec.structs.fields(kind)
        yield canonical.encode({one.name: samples.get(getattr(one.type, "__name__", "list"), []) for one in fields})


def _door_of_the_centre() -> Target:
    """The centre's paths: the first byte says which; nothing but a signed refusal comes out, or what of a slice is there."""
    world = shared_world()
    whole = (ports.HELLO, ports.BUNDLE, ports.DOWN, ports.BLOB_HAVE, ports.BLOB_PUT, ports.BLOB_GET, ports.ROTATE, ports.LINEAGE)
    paths = (*whole, ports.RELAY_PUT, ports.RELAY_GET, ports.bundle_beside(7), ports.BUNDLE + "/", ports.BLOB_PUT + "/")

    def door(data: bytes) -> None:
        if not data:
            return
        path, body = paths[data[0] % len(paths)], data[1:]
        if sliced := path.endswith("/"):
            name = f"{world.node.number:04d}{bytes(14).hex()}"
            with suppress(Refused):  # no container: no name belongs to it
                name = slices.name_of(world.node.number, body)
            path += f"{name}/0"
        status, _ = world.post(path, body)
        assert 400 <= status < 500 or sliced and status == ports.OK, status

    bundle = world.bundle(world.entries())
    parts = tuple(bytes([len(paths) - 2]) + bundle[:size] for size in (len(bundle) - 1, len(bundle) // 2))
    return Target(door, (*(bytes([place]) + world.me.certificate.data for place in range(len(paths))), *parts))


def _stick() -> Target:
    """A folder of a stick: a file of any bytes, or what a true machine may seal into its index, or into a pack; the first byte says."""
    world = shared_world()
    me, centre = world.me, world.centre
    medium = Path(_folder.name) / "usb"
    medium.mkdir(exist_ok=True)
    world.node.client.stick.export(medium)
    folder = medium / stick.LAYOUT / stick.up_name(me.node)
    raw = (folder / stick.INDEX).read_bytes()
    index = open_payload(*read_header(raw, me.certificate.sign_key, me.environment), centre)
    said = decode_body(index, stick.UpIndex)
    pack = folder / stick.pack_name(1)

    def door(data: bytes) -> None:
        kind, rest = data[0] % 3 if data else 0, data[1:]
        sealed = container.write_container((stick.INDEX_KIND, stick.PACK_KIND)[kind == 2], {}, rest, me, centre.certificate)
        pack.write_bytes(sealed)
        files = [stick.Piece(hashlib.sha256(sealed).digest(), len(sealed))]
        honest = encode_body(msgspec.structs.replace(said, files=files))
        of_a_pack = container.write_container(stick.INDEX_KIND, {}, honest, me, centre.certificate)
        (folder / stick.INDEX).write_bytes((rest, sealed, of_a_pack)[kind])
        for moved in world.court.centre.sticks.take(medium):
            if moved.problems:
                raise Refused(moved.problems[0], "")

    return Target(door, (b"\x00" + raw, b"\x01" + encode_body(msgspec.structs.replace(said, files=[])), b"\x02" + canonical.encode([])))


def _chunk() -> Target:
    """A piece of a file, its number and size out of the same bytes."""
    store = shared_world().court.centre.blobs.pieces

    def door(data: bytes) -> None:
        number, size = int.from_bytes(data[:2], "big", signed=True), int.from_bytes(data[2:7], "big", signed=True)
        store.put_chunk(b"\x05" * 32, size, number, data[7:])

    return Target(door, (b"\0\0" + (5).to_bytes(5, "big") + b"abcde", b"\0\1" + (CHUNK_BYTES + 1).to_bytes(5, "big") + b"a"))


def _settings() -> Target:
    path = Path(_folder.name) / "settings.toml"

    def door(data: bytes) -> None:
        path.write_bytes(data)
        load(EdgeConfig, path, {}, prefix="SOT_")

    return Target(door, (b'listen = "127.0.0.1:8000"\nthreads = 4\n',))


def _square() -> Target:
    return Target(lambda data: decode_qr(data.decode("latin-1")), (encode_qr(b"talon").encode(),))


def _any_file() -> Target:
    """The door of «check a file»: whatever it is, the answer is a report."""
    world = shared_world()
    seeds = tuple(good for good, _ in readers(world).values())
    pin = world.me.pin
    return Target(lambda data: verify_file(data, database=world.node.database, pin=pin, trust=None, now_ms=0), seeds)


READERS = (
    *("canonical", "entry", "envelope", "cose", "container", "header", "bundle", "node_certificate", "pin"),
    *("checkpoint", "cosignature", "proof", "receipt_r0", "receipt_r2", "enrol_request", "enrol_grant", "enrol_code"),
)
DOORS: dict[str, Callable[[], Target]] = {
    **{name: functools.partial(_reader, name) for name in READERS},
    "signed_header": _signed_header,
    "sealed_bundle": _sealed_bundle,
    "message": _message,
    "centre": _door_of_the_centre,
    "stick": _stick,
    "chunk": _chunk,
    "settings": _settings,
    "square": _square,
    "verify": _any_file,
}
