"""The doors of an operator's hands: the list of a release on a stick, and a backup that is put back."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common import canonical
from common.facts import encode_body
from sync import cose, release, restoring
from sync.identity import key_id_of
from sync.release import DAY_MS, File, Manifest
from tests.fuzz.doors import Target, all_of
from tests.fuzz.doors_sync import shared_world

_folder = tempfile.TemporaryDirectory(prefix="fuzz-")  # lives as long as this process
WHEEL = File(name="sot_kabineti-0.2.0-py3-none-any.whl", sha256=bytes(32), size=1)
MANIFEST = Manifest(v=1, version="0.2.0", python="3.11", platform="linux-x86_64", made=0, until=DAY_MS, files=[WHEEL])


def _release() -> Target:
    """The list as it lies on the stick, and behind signatures that hold: manifest and certificate."""
    world, key = shared_world(), Ed25519PrivateKey.generate()
    pin, registry = world.me.pin, world.court.centre.keys.registry
    certificate = release.certify(key.public_key().public_bytes_raw(), registry, pin, 0)

    def signed(payload: bytes, vouched: bytes = certificate) -> bytes:
        message = cose.sign(payload, release.RELEASE_TYPE, key, key_id=key_id_of(vouched), environment=pin.environment)
        return canonical.encode({"certificate": vouched, "manifest": message})

    def certified(payload: bytes) -> bytes:
        vouched = cose.sign(payload, release.KEY_TYPE, registry, key_id=key_id_of(pin.registry), environment=pin.environment)
        return signed(encode_body(MANIFEST), vouched)

    def fits(data: bytes) -> Any:
        manifest = release.read(data, pin, 0)
        release.check_fits(manifest, running="0.1.0", python="3.11", platform="linux-x86_64", older=False)

    door = all_of(fits, lambda data: fits(signed(data)), lambda data: fits(certified(data)))
    whole = release.write(MANIFEST, key, certificate)
    return Target(door, (whole, encode_body(MANIFEST), cose.parse(certificate).payload))


def _backup() -> Target:
    """A database file that is to be put back."""
    world = shared_world()
    place = Path(_folder.name) / "node.db"
    world.node.database.empty_log()
    good = (world.node.data / "node.db").read_bytes()

    def door(data: bytes) -> None:
        for left in place.parent.iterdir():
            left.unlink(missing_ok=True)
        place.write_bytes(data)
        restoring._check(place, world.me)

    return Target(door, (good,), bytes_max=max(64 * 1024, len(good)))


DOORS: dict[str, Callable[[], Target]] = {"release": _release, "backup": _backup}
