"""Sealing what must be erasable: one random key for each draft, wrapped by the key of this machine.

- The machine's key lies in ``data/host.key`` (mode 0600), made on first use, or where the setting ``host_key`` says: a file that
  systemd-creds unseals for the unit, with the TPM where there is one. A stolen database without it opens nothing.
- Whoever deletes a wrapped key has erased everything sealed under it, in the database, in files and in old backups.
- Files are sealed in chunks (the STREAM construction: a counter and a mark of the last chunk in each nonce), so that a cut,
  a swapped or a missing chunk is noticed and no file needs to be whole in memory.
"""

import hashlib
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from common.errors import N_, Corrupt
from common.files import FILE_MODE, make_folder, sync_folder, write_durable

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
CHUNK_BYTES = 256 * 1024
HOST_KEY_FILE = "host.key"

_making = threading.Lock()


class Vault:
    """The machine's key and what it opens."""

    def __init__(self, folder: Path, host_key: str = "") -> None:
        key = _given_key(Path(host_key)) if host_key else _host_key(folder)
        self._host = ChaCha20Poly1305(key)
        self._names = hashlib.blake2b(key, digest_size=KEY_BYTES, person=b"draft-names").digest()

    def name(self, kind: str, text: str) -> bytes:
        """Return a keyed hash of ``text``: equal texts are found again, and the database alone names nobody."""
        return hashlib.blake2b(f"{kind}\0{text}".encode(), key=self._names, digest_size=KEY_BYTES).digest()

    def new_key(self, owner: bytes) -> tuple[bytes, bytes]:
        """Return (a fresh key, the same wrapped for storing beside ``owner``, an id)."""
        key = secrets.token_bytes(KEY_BYTES)
        return key, _seal(self._host, key, owner)

    def open_key(self, wrapped: bytes, owner: bytes) -> bytes:
        """Return the key of ``owner``; raises Corrupt("draft.key") where the machine's key or the row is another."""
        return _open(self._host, wrapped, owner)


def seal(key: bytes, data: bytes, owner: bytes) -> bytes:
    """Return ``data`` sealed under ``key`` and bound to ``owner``."""
    return _seal(ChaCha20Poly1305(key), data, owner)


def unseal(key: bytes, sealed: bytes, owner: bytes) -> bytes:
    """Return what `seal` took; raises Corrupt("draft.key")."""
    return _open(ChaCha20Poly1305(key), sealed, owner)


def write_sealed(path: Path, source: BinaryIO, key: bytes) -> None:
    """Write ``source`` to ``path``, sealed in chunks and durable; ``path``'s name is bound into its key."""
    make_folder(path.parent)
    cipher = _file_cipher(key, path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as target:
        for number, chunk, last in _chunks(source):
            target.write(cipher.encrypt(_nonce(number, last), chunk, None))
        target.flush()
        os.fsync(target.fileno())
    sync_folder(path.parent)


def read_sealed(path: Path, key: bytes) -> Iterator[bytes]:
    """Yield the chunks of a file that `write_sealed` wrote; raises Corrupt("draft.file") at the first that is not as written."""
    cipher = _file_cipher(key, path)
    try:
        with path.open("rb") as source:
            for number, chunk, last in _chunks(source, CHUNK_BYTES + TAG_BYTES):
                yield cipher.decrypt(_nonce(number, last), chunk, None)
    except (OSError, InvalidTag) as error:
        raise Corrupt("draft.file", N_("A file of the draft is damaged. Remove it and upload it again.")) from error


def _chunks(source: BinaryIO, size: int = CHUNK_BYTES) -> Iterator[tuple[int, bytes, bool]]:
    number, chunk = 0, source.read(size)
    while True:
        following = source.read(size)
        yield number, chunk, not following
        if not following:
            return
        number, chunk = number + 1, following


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(NONCE_BYTES - 1, "big") + bytes([last])


def _file_cipher(key: bytes, path: Path) -> ChaCha20Poly1305:
    # a name is used once, so a key and a nonce never meet twice
    return ChaCha20Poly1305(hashlib.blake2b(path.name.encode(), key=key, digest_size=KEY_BYTES, person=b"draft-file").digest())


def _given_key(path: Path) -> bytes:
    """Return a key that somebody else keeps: it is never made here, for drafts under a lost one could not be opened again."""
    try:
        key = path.read_bytes()
    except OSError as error:
        raise _no_host_key() from error
    if len(key) != KEY_BYTES:
        raise _no_host_key()
    return key


def _no_host_key() -> Corrupt:
    return Corrupt("draft.host_key", N_("The key file of this machine is damaged: drafts cannot be opened. Call the administrator."))


def _host_key(folder: Path) -> bytes:
    path = folder / HOST_KEY_FILE
    with _making:
        if not path.exists():
            write_durable(path, secrets.token_bytes(KEY_BYTES))
        key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise _no_host_key()
    return key


def _seal(cipher: ChaCha20Poly1305, data: bytes, owner: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, data, owner)


def _open(cipher: ChaCha20Poly1305, sealed: bytes, owner: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner)
    except (InvalidTag, ValueError) as error:
        raise Corrupt(
            "draft.key", N_("This draft cannot be opened: the key of this machine is another one. Call the administrator.")
        ) from error
