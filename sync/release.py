"""A release of this program on a stick: a list of wheels, signed by a release key that the register certified (PROTOCOL 15).

    SOT-RELEASE/RELEASE.SOT        {certificate of the release key, manifest signed by it}
    SOT-RELEASE/*.whl              our wheel, and every wheel it needs

What a machine pinned at its enrolment is all it trusts offline, so the registry key vouches for code too; but that key lies on
a machine with a line, where it certifies machines every day. So it signs a short-lived certificate of another key, which lies
with whoever makes releases: neither a stolen release key nor an old stick serves for long. The ideas against an attacker who
replays are those of TUF: a version that only grows, and a term after which a list is too old.
"""

import re
import sys
import sysconfig
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from common import canonical
from common.errors import N_, Refused
from common.facts import Body, decode_body, encode_body
from sync import cose
from sync.identity import Pin, key_id_of

FOLDER: Final = "SOT-RELEASE"
LIST: Final = "RELEASE.SOT"
KEY_TYPE: Final = "application/sot-release-key+cbor"
RELEASE_TYPE: Final = "application/sot-release+cbor"
FORMAT: Final = 1
DAY_MS: Final = 86_400_000
KEY_DAYS: Final = 365
LIFE_DAYS: Final = 180
"""A stick that lay in a drawer for longer is refused: what it brings has holes that are known by then."""
FILES_MAX: Final = 200
FILE_BYTES_MAX: Final = 256 << 20
LIST_BYTES_MAX: Final = cose.MESSAGE_BYTES_MAX
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+!-]{0,199}\.whl")
VERSION: Final = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})")
OURS: Final = "sot_kabineti"


class ReleaseKey(Body, frozen=True):
    """What the registry says of a release key (Ed25519); times in ms UTC."""

    environment: bytes
    sign: bytes
    not_before: int
    not_after: int


class File(Body, frozen=True):
    """One wheel; ``size`` in bytes."""

    name: str
    sha256: bytes
    size: int


class Manifest(Body, frozen=True):
    """``python`` like "3.11" and ``platform`` like "linux-x86_64" (sysconfig.get_platform); ``made`` and ``until`` in ms UTC."""

    v: int
    version: str
    python: str
    platform: str
    made: int
    until: int
    files: list[File]

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(file.size for file in self.files)


def certify(public: bytes, registry: Ed25519PrivateKey, pin: Pin, now: int, days: int = KEY_DAYS) -> bytes:
    """Return the registry's certificate over a release key; raises Refused("release.key")."""
    _public(public)
    body = ReleaseKey(environment=pin.environment, sign=public, not_before=now, not_after=now + days * DAY_MS)
    return cose.sign(encode_body(body), KEY_TYPE, registry, key_id=key_id_of(pin.registry), environment=pin.environment)


def write(manifest: Manifest, key: Ed25519PrivateKey, certificate: bytes) -> bytes:
    """Return RELEASE.SOT; raises Refused("release.key") where the certificate is another key's, and what a bad list is refused with."""
    said = _certified(certificate)
    if said.sign != key.public_key().public_bytes_raw():
        raise _bad_key()
    _check_form(manifest)
    signed = cose.sign(encode_body(manifest), RELEASE_TYPE, key, key_id=key_id_of(certificate), environment=said.environment)
    return canonical.encode({"certificate": certificate, "manifest": signed})


def read(data: bytes, pin: Pin, now: int) -> Manifest:
    """Return what RELEASE.SOT says, verified; ``now`` is the machine's own clock in ms.

    Raises Refused("release.unsigned", "release.form", "release.expired", "cose.…").
    """
    certificate, signed = _parts(data)
    registry = Ed25519PublicKey.from_public_bytes(pin.registry)
    try:
        said: ReleaseKey = decode_body(cose.verify(cose.parse(certificate), registry, KEY_TYPE, environment=pin.environment), ReleaseKey)
        payload = cose.verify(cose.parse(signed), _public(said.sign), RELEASE_TYPE, environment=pin.environment)
    except Refused as error:
        raise Refused("release.unsigned", N_("Nobody whom this machine trusts has signed this release. Nothing of it was used.")) from error
    manifest: Manifest = decode_body(payload, Manifest)
    _check_form(manifest)
    if said.environment != pin.environment or not said.not_before <= manifest.made <= said.not_after:
        raise Refused("release.unsigned", N_("Nobody whom this machine trusts has signed this release. Nothing of it was used."))
    if now > manifest.until:
        raise Refused("release.expired", N_("This release is too old. Get a newer one, and look whether this machine's clock is right."))
    return manifest


def check_fits(manifest: Manifest, *, running: str, python: str, platform: str, older: bool) -> None:
    """Raise Refused("release.platform", "release.older", "release.running") unless this machine may change to it.

    ``older`` is what a person asked for: to go back on purpose.
    """
    if (manifest.python, manifest.platform) != (python, platform):
        sentence = N_("This release is for %(wanted)s, and this machine is %(here)s.")
        here, wanted = f"{platform}, Python {python}", f"{manifest.platform}, Python {manifest.python}"
        raise Refused("release.platform", sentence, wanted=wanted, here=here)
    if manifest.version == running:
        raise Refused("release.running", N_("This machine runs %(version)s already. Nothing was changed."), version=running)
    if order(manifest.version) < order(running) and not older:
        sentence = N_("This release (%(version)s) is older than what runs (%(running)s). To go back on purpose add --rollback.")
        raise Refused("release.older", sentence, version=manifest.version, running=running)


def order(version: str) -> tuple[int, ...]:
    """Return a version as something to compare; raises Refused("release.form")."""
    if not VERSION.fullmatch(version):
        raise _bad_form()
    return tuple(int(part) for part in version.split("."))


def wheel_of(version: str) -> str:
    """Return how the name of our own wheel of ``version`` begins."""
    return f"{OURS}-{version}-"


def python_here() -> str:
    """Return the Python this machine runs, as a list names it."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def platform_here() -> str:
    """Return the platform of this machine, as a list names it."""
    return sysconfig.get_platform()


def load_key(path: Path) -> Ed25519PrivateKey:
    """Read a release key; raises Refused("release.key")."""
    try:
        return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _bad_key() from error


def _parts(data: bytes) -> tuple[bytes, bytes]:
    found = canonical.decode_map(data)
    certificate, manifest = found.get("certificate"), found.get("manifest")
    if type(certificate) is not bytes or type(manifest) is not bytes:
        raise _bad_form()
    return certificate, manifest


def _certified(certificate: bytes) -> ReleaseKey:
    found: ReleaseKey = decode_body(cose.parse(certificate).payload, ReleaseKey)
    return found


def _check_form(manifest: Manifest) -> None:
    order(manifest.version)
    names = [file.name for file in manifest.files]
    good = (
        manifest.v == FORMAT
        and 0 < len(names) <= FILES_MAX
        and len(set(names)) == len(names)
        and all(NAME.fullmatch(file.name) and len(file.sha256) == 32 and 0 < file.size <= FILE_BYTES_MAX for file in manifest.files)
        and sum(name.startswith(wheel_of(manifest.version)) for name in names) == 1
        and 0 <= manifest.made < manifest.until <= manifest.made + LIFE_DAYS * DAY_MS
    )
    if not good:
        raise _bad_form()


def _public(key: bytes) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(key)
    except ValueError as error:
        raise _bad_key() from error


def _bad_form() -> Refused:
    return Refused("release.form", N_("The list of this release does not have the form it must have. Nothing of it was used."))


def _bad_key() -> Refused:
    return Refused("release.key", N_("This is not the release key, or its certificate is for another one."))
