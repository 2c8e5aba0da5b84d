"""The centre's end of a container that comes in slices (PROTOCOL 6.22 to 6.24): what has come of one lies in a folder of its own, each
slice a file under its offset, so that any process of the centre goes on with it.

Nothing of it is promised: the sender keeps all of it until the whole is answered. So slices are not flushed to the disk, and what a
crash spoils is refused as a whole, or begins anew, and comes again. What the whole was answered stays, for the answer may be lost; of
what is carried for another court the slices stay instead, for that desk takes a folder in once and then wants all of it again.

Two processes may be at one name: what one of them finds gone the other has settled, and the sender begins anew.
"""

import os
import secrets
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from common.db import Database
from common.errors import N_, NotFound, Refused, TooMany
from common.files import make_folder, write_durable
from sync import container, directory, ports
from sync.bundle import KIND as UP
from sync.identity import Identity
from sync.messages import Kept, pack
from sync.quota import BUSY_SECONDS, Quotas
from sync.slices import name_of

NAMES_MAX = 4
"""Containers of one machine that are under way, or whose answer may have been lost; the one left longest goes first."""
SLICES_MAX = 4_096
AT_ONCE_MAX = 8
"""Slices of one container that are taken or wait for that: a machine's lanes, and what the line cut off and came again."""
ANSWER = "answer"
TOO_MANY_REQUESTS = 429

Whole = Callable[[bytes], tuple[int, bytes]]
"""(container) → (HTTP status, answer), as where it comes whole."""


class Slices:
    """What has come of containers, in ``place``."""

    def __init__(self, place: Path, database: Database, identity: Identity, quotas: Quotas) -> None:
        self._place = place
        self._database = database
        self._identity = identity
        self._quotas = quotas
        self._moved = threading.Condition()
        self._taken: set[str] = set()
        self._waiting: Counter[str] = Counter()
        self._making = threading.Lock()

    def take(self, at: ports.Slice, data: bytes, whole: Whole) -> tuple[int, bytes]:
        """Keep a slice; return what is here by now, or what ``whole`` answers to the container of which it was the last.

        Raises Refused("slice.form"), NotFound("slice.unknown") before the header has come, TooMany("exchange.…"), and Refused for
        a header that no machine of the directory signed.
        """
        folder = self._place / at.name
        with self._alone(at.name):
            with _while_there():
                answer, all_of_it = self._gather(folder, at, data)
            if answer:
                return ports.OK, answer
            status, answer = whole(all_of_it)
            _settle(folder, at.path, status, answer)
            return status, answer

    def _gather(self, folder: Path, at: ports.Slice, data: bytes) -> tuple[bytes, bytes]:
        """Keep a slice; return what is answered, or nothing and the whole container."""
        if at.start == 0:
            self._open(folder, at.name, data)
        elif not (folder / "0").exists() and not (folder / ANSWER).exists():
            raise _unknown()
        if (folder / ANSWER).exists():
            return (folder / ANSWER).read_bytes(), b""
        self._quotas.blob_bytes.check(int(at.name[:4]))
        self._quotas.blob_bytes.charge(int(at.name[:4]), len(data))
        slices = _keep(folder, at.start, data)
        there = _there(slices)
        if there < _size(folder):
            return pack(Kept(name=at.name, there=there), self._identity), b""
        return b"", _join(folder, slices)

    def _open(self, folder: Path, name: str, head: bytes) -> None:
        signed, _, _ = container.split_container(head)
        certificate = directory.certificate_of(self._database, signed.key_id, self._identity.pin)
        header, rest = container.read_head(head, certificate.sign_key, self._identity.environment)
        node, size = certificate.body.node, header.packed_size + container.SEAL_BYTES
        if name != name_of(node, head) or not len(rest) <= size <= container.SEALED_BYTES_MAX:
            raise _bad_form()
        if header.kind == UP:  # before all of it is sent in vain
            self._quotas.entries.check(node)
            self._quotas.bundle_bytes.check(node)
        with self._making:
            if not folder.exists():
                older = sorted(self._place.glob(f"{node:04d}*"), key=_touched)
                for each in older[: max(0, len(older) - NAMES_MAX + 1)]:
                    shutil.rmtree(each, ignore_errors=True)
                make_folder(folder)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Take the slices of one container one after the other: two may each be the last. Raises TooMany("exchange.busy") where more
        wait than any machine sends, for all who answer would wait with them."""
        with self._moved:
            if self._waiting[name] >= AT_ONCE_MAX:
                sentence = N_("A bundle of this machine is still being taken. It goes on in %(seconds)d seconds.")
                raise TooMany("exchange.busy", sentence, seconds=BUSY_SECONDS)
            self._waiting[name] += 1
            self._moved.wait_for(lambda: name not in self._taken)
            self._taken.add(name)
        try:
            yield
        finally:
            with self._moved:
                self._taken.discard(name)
                self._waiting -= Counter((name,))  # what nobody waits for leaves no trace
                self._moved.notify_all()


@contextmanager
def _while_there() -> Iterator[None]:
    """Take what is gone meanwhile for what never came: another process settled it, or let go of it for newer ones."""
    try:
        yield
    except FileNotFoundError as error:
        raise _unknown() from error


def _touched(folder: Path) -> int:
    """Return when something last came into a folder, 0 for one that is gone."""
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _keep(folder: Path, start: int, data: bytes) -> dict[int, int]:
    """Keep a slice and return all that are here, {offset: length}."""
    slices = {int(each.name): each.stat().st_size for each in os.scandir(folder) if each.name.isdecimal()}
    size = container.claimed_bytes(data) if start == 0 else _size(folder)
    if not 0 < len(data) <= size - start:
        raise _bad_form()
    if _is_here(folder, slices, start, data):
        return slices
    if len(slices) >= SLICES_MAX or sum(slices.values()) + len(data) > 2 * size:
        shutil.rmtree(folder)  # nobody who goes on where they stopped comes to that: it begins anew
        raise _unknown()
    temporary = folder / f".{start}.{secrets.token_hex(4)}"
    try:
        temporary.write_bytes(data)
        temporary.replace(folder / str(start))
    except OSError:  # a full disk; what it took of this would count nowhere
        temporary.unlink(missing_ok=True)
        raise
    return slices | {start: len(data)}


def _is_here(folder: Path, slices: dict[int, int], start: int, data: bytes) -> bool:
    """Return whether a slice came before; of the one with the header, which was verified as it came now, that is looked at."""
    if slices.get(start, -1) < len(data):
        return False
    return start > 0 or (folder / "0").read_bytes().startswith(data)


def _size(folder: Path) -> int:
    """Return how long the container will be; its header was verified when it came. Raises NotFound("slice.unknown") where a crash
    has spoiled it."""
    try:
        return container.claimed_bytes((folder / "0").read_bytes())
    except Refused as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _unknown() from error


def _there(slices: dict[int, int]) -> int:
    there = 0
    for start in sorted(slices):
        if start > there:
            break
        there = max(there, start + slices[start])
    return there


def _join(folder: Path, slices: dict[int, int]) -> bytes:
    whole = bytearray()
    for start in sorted(slices):
        whole += (folder / str(start)).read_bytes()[len(whole) - start :]
    return bytes(whole)


def _settle(folder: Path, path: str, status: int, answer: bytes) -> None:
    """Keep what the whole was answered, or let go of it."""
    if status == TOO_MANY_REQUESTS or (path == ports.RELAY_PUT and status == ports.OK):
        return  # it is asked for again, and is all here
    if status != ports.OK:
        shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        write_durable(folder / ANSWER, answer)  # half of one, after a crash, would come for ever
        for each in os.scandir(folder):
            if each.name.isdecimal():
                Path(each.path).unlink(missing_ok=True)
    except OSError:  # a full disk, or newer ones took its place: whoever asks again sends it again, and that changes nothing
        shutil.rmtree(folder, ignore_errors=True)


def _unknown() -> NotFound:
    return NotFound("slice.unknown", N_("Nothing has come yet of what this is a part of. It begins anew."))


def _bad_form() -> Refused:
    return Refused("slice.form", N_("A part of a message does not belong where it was sent."))
