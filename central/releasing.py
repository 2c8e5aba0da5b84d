"""The making side of a release (PROTOCOL 15): `release key`, `release certify`, `release pack`.

python -m central release key release.key                                    where releases are made, once; no register needed
python -m central --data … release certify release.key.pub release.cert      at the centre: its registry key signs
python -m central release pack build/wheelhouse /media/stick --key release.key --certificate release.cert
"""

import argparse
import hashlib
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.centre import RegistryKeys
from common.clock import SystemClock
from common.errors import N_, Conflict, Refused
from common.files import write_durable
from sync import commands, release, stick, stick_commands
from sync.commands import out
from sync.identity import load_pin
from sync.release import File, Manifest


def add(sub: commands.Subcommands) -> None:
    """Add the commands."""
    made = sub.add_parser("release", help="signed releases for machines without a line").add_subparsers(metavar="COMMAND", required=True)
    key = commands.add_command(made, "key", _key, "make a release key; it stays where releases are made")
    key.add_argument("file", type=Path, help="the new key; its public half is written beside it, with .pub")
    certify = commands.add_command(made, "certify", _certify, "certify a release key, so that machines of this register trust it")
    certify.add_argument("public", type=Path, help="the public half")
    certify.add_argument("certificate", type=Path, help="where to write the certificate")
    certify.add_argument("--days", type=int, choices=range(1, release.KEY_DAYS + 1), metavar="DAYS", default=release.KEY_DAYS)
    pack = commands.add_command(made, "pack", _pack, "write a signed release of wheels onto a stick, and read it back")
    pack.add_argument("wheels", type=Path, help="folder of wheels (make wheelhouse)")
    pack.add_argument("medium", type=Path, help="where the stick is mounted")
    pack.add_argument("--key", type=Path, required=True)
    pack.add_argument("--certificate", type=Path, required=True)
    pack.add_argument("--days", type=int, choices=range(1, release.LIFE_DAYS + 1), metavar="DAYS", default=release.LIFE_DAYS)


def _key(given: argparse.Namespace) -> int:
    if given.file.exists():
        raise Conflict("release.key_exists", N_("There is a key of that name already. Nothing was changed."))
    key = Ed25519PrivateKey.generate()
    write_durable(given.file, key.private_bytes_raw())
    public = given.file.with_name(f"{given.file.name}.pub")
    write_durable(public, key.public_key().public_bytes_raw())
    out.print(f"{given.file} written; {public} goes to the centre to be certified.")
    return 0


def _certify(given: argparse.Namespace) -> int:
    public = commands.read_file(given.public)
    now = SystemClock().now()
    write_durable(given.certificate, release.certify(public, RegistryKeys(given.data).registry, load_pin(given.data), now, given.days))
    out.print(f"{given.certificate} written: releases signed with {public.hex()} are trusted for {given.days} days.")
    return 0


def _pack(given: argparse.Namespace) -> int:
    key, certificate = release.load_key(given.key), commands.read_file(given.certificate)
    wheels = sorted(given.wheels.glob("*.whl"))
    files = [File(name=wheel.name, sha256=hashlib.sha256(wheel.read_bytes()).digest(), size=wheel.stat().st_size) for wheel in wheels]
    now = SystemClock().now()
    manifest = Manifest(
        v=release.FORMAT,
        version=_version(wheels),
        python=release.python_here(),
        platform=release.platform_here(),
        made=now,
        until=now + given.days * release.DAY_MS,
        files=files,
    )
    data = release.write(manifest, key, certificate)
    with stick_commands.moving() as show:
        _write(given.medium, data, manifest, given.wheels, show)
    out.print(f"Release {manifest.version}: {len(files)} wheels, {manifest.bytes} bytes, read back from the stick.")
    out.print("Safe to remove.", style="bold green")
    return 0


def _version(wheels: list[Path]) -> str:
    ours = [wheel.name.split("-")[1] for wheel in wheels if wheel.name.startswith(f"{release.OURS}-")]
    if len(ours) != 1:
        raise Refused("release.wheels", N_("This folder must hold exactly one wheel of ours, beside those it needs."))
    return ours[0]


def _write(medium: Path, data: bytes, manifest: Manifest, wheels: Path, show: stick.Progress) -> None:
    """Write the wheels and read them back, then the list; what an earlier release left there goes first, its list before all."""
    with stick.stick_errors():
        folder = stick.open_folder(medium, release.FOLDER, create=True)
        try:
            for old in sorted(stick.names_in(folder), key=lambda name: name != release.LIST):
                if old == release.LIST or release.NAME.fullmatch(old):
                    os.unlink(old, dir_fd=folder)
                    os.fsync(folder)
            done = 0
            for file in manifest.files:
                stick.write_file(folder, file.name, (wheels / file.name).read_bytes())
                done += file.size
                show("stick_write", done, manifest.bytes)
            if any(stick.reread(folder, file.name) != file.sha256 for file in manifest.files):
                raise stick.bad_medium()
            stick.write_checked(folder, release.LIST, data)
        finally:
            os.close(folder)
