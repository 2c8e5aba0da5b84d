"""The newest lists of each certification centre: a full list, and the newest delta list laid over it (RFC 5280, 5.2.4).

In the folder a list lies as it came, ``<issuer>-<SHA-256>.crl`` or ``.delta``, with its index beside it. What was verified
at import is recognised by the SHA-256 in its name; an index that is missing or damaged is made again from the list.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from common.errors import N_, Corrupt, Refused
from common.files import write_durable
from common.pki.crl import FORM, REMOVED, Crl, CrlInfo, Revocation
from common.pki.crl_index import CrlIndex, build

TRIES_MAX = 3
"""How often the folder is read when another process replaces a list meanwhile."""

OLDER = N_("A newer revocation list of this certification centre is already here.")
NO_BASE = N_("The full revocation list that this delta list builds on is not here. Import the full list first.")


@dataclass(frozen=True, slots=True)
class Held:
    """What is at hand of one certification centre."""

    base: CrlIndex
    delta: CrlIndex | None = None

    @property
    def info(self) -> CrlInfo:
        """What people see: the full list as of its delta, in term as long as either of them is."""
        if self.delta is None:
            return self.base.info
        full, newer = self.base.info, self.delta.info
        return replace(newer, next_update_ms=max(full.next_update_ms, newer.next_update_ms), entries=full.entries + newer.entries)

    def find(self, serial: int) -> Revocation | None:
        """Return what the lists say of the certificate with this number; a delta list may take back what the full one says."""
        found = self.delta.find(serial) if self.delta is not None else None
        if found is not None:
            return None if found.reason == REMOVED else found
        return self.base.find(serial)


def laid(held: Held | None, new: CrlIndex) -> Held:
    """Return what is held once ``new`` has come.

    Raises Refused: "crl.older", "crl.delta_base" (its full list is not here), "crl.form" (a delta list of another scope).
    """
    if new.info.base_number is None:
        if held is not None and older(new.info, held.base.info):
            raise Refused("crl.older", OLDER)
        return Held(new, held.delta if held is not None and held.delta is not None and _fits(new, held.delta) else None)
    if held is None or held.base.info.number is None or held.base.info.number < new.info.base_number:
        raise Refused("crl.delta_base", NO_BASE)
    if new.scope != held.base.scope:
        raise Refused("crl.form", FORM)
    if not _fits(held.base, new) or (held.delta is not None and older(new.info, held.delta.info)):
        raise Refused("crl.older", OLDER)
    return Held(held.base, new)


def _fits(base: CrlIndex, delta: CrlIndex) -> bool:
    number, newer, from_number = base.info.number, delta.info.number, delta.info.base_number
    if number is None or newer is None or from_number is None:
        return False
    return from_number <= number < newer and base.scope == delta.scope


def older(one: CrlInfo, other: CrlInfo) -> bool:
    """Return whether ``one`` was issued before ``other``."""
    if one.number is not None and other.number is not None:
        return one.number < other.number
    return one.this_update_ms < other.this_update_ms


class CrlFolder:
    """The lists of one machine on its disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> frozenset[str]:
        """Return the names of the lists: they change whenever a list does."""
        return frozenset(path.name for path in self._path.glob("[!.]*") if path.suffix in (".crl", ".delta"))

    def load(self) -> dict[bytes, Held]:
        """Return the newest lists by issuer. Raises Corrupt("trust.file") naming a list that is not what it was."""
        for _ in range(TRIES_MAX):
            try:
                return self._load()
            except FileNotFoundError:
                continue  # replaced by another process while we were reading
        return self._load()

    def _load(self) -> dict[bytes, Held]:
        indexes = [(path.name.split("-")[0], self._index(path)) for path in sorted(map(self._path.joinpath, self.names()))]
        newest: dict[bytes, Held] = {}
        for wants_delta in (False, True):
            for key, index in indexes:
                if wants_delta == (index.info.base_number is not None):
                    issuer = bytes.fromhex(key)
                    try:
                        newest[issuer] = laid(newest.get(issuer), index)
                    except Refused:
                        continue  # left behind by a crash between a list and the end of the one before
        return newest

    def _index(self, path: Path) -> CrlIndex:
        try:
            expected = bytes.fromhex(path.stem.split("-")[1])
            bytes.fromhex(path.stem.split("-")[0])
            with path.open("rb") as file:
                intact = hashlib.file_digest(file, "sha256").digest() == expected
        except FileNotFoundError:
            raise
        except (OSError, ValueError, IndexError) as error:
            raise corrupt(path) from error
        if not intact:
            raise corrupt(path)
        beside = path.with_suffix(".index")
        try:
            index = CrlIndex.open(beside)
            if index.info.sha256 == expected:
                return index
        except Corrupt:
            pass  # made again below
        try:
            write_durable(beside, build(Crl(path.read_bytes())))
        except Refused as error:
            raise corrupt(path) from error
        return CrlIndex.open(beside)

    def keep(self, key: bytes, crl: Crl, index: bytes) -> CrlIndex:
        """Write a list whose signature was verified, with its index; return the index mapped."""
        path = self._path / f"{key.hex()}-{crl.info.sha256.hex()}.{'crl' if crl.info.base_number is None else 'delta'}"
        write_durable(path.with_suffix(".index"), index)
        write_durable(path, crl.der)
        return CrlIndex.open(path.with_suffix(".index"))

    def drop_others(self, key: bytes, held: Held) -> None:
        """Remove what ``held`` has replaced. After a crash before this both lists are there, and loading takes the newer one."""
        kept = {one.info.sha256.hex() for one in (held.base, held.delta) if one is not None}
        for path in self._path.glob(f"{key.hex()}-*"):
            if path.stem.split("-")[1] not in kept:
                path.unlink(missing_ok=True)

    def read(self, sha256: bytes) -> bytes | None:
        """Return a list as it came, by its SHA-256, or None when it is not here any more."""
        for path in self._path.glob(f"*-{sha256.hex()}.*"):
            if path.suffix != ".index":
                data = path.read_bytes()
                return data if hashlib.sha256(data).digest() == sha256 else None
        return None


def corrupt(path: Path) -> Corrupt:
    """Return the error that names a damaged file of the trust folder."""
    return Corrupt("trust.file", N_("The file %(name)s in the trust folder is damaged: remove it and import it again."), name=path.name)


Lists = Mapping[bytes, Held]
"""The newest lists by issuer, as one moment sees them."""
