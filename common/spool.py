"""What comes in or goes out and is too large for memory lies on the disk for a moment, and never in clear.

`sealed_file` is a temporary file without a name, like `tempfile.TemporaryFile`, whose bytes are enciphered under a key of
its own that is only in memory (AES-256 in counter mode): whoever reads the disk afterwards finds noise. It is written from
front to back and read anywhere, which is all that waitress and Werkzeug do.
"""

import io
import os
import secrets
import tempfile
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

KEY_BYTES = 32
BLOCK_BYTES = 16
BUFFER_BYTES = 1 << 16
"""Enciphered at once: each time the cipher is set up anew."""


def sealed_file() -> io.BufferedRandom:
    """Return an empty sealed file, open for writing at its end and reading anywhere; closing it erases it."""
    return io.BufferedRandom(_Sealed(), BUFFER_BYTES)


class _Sealed(io.RawIOBase):
    def __init__(self) -> None:
        self._file, name = tempfile.mkstemp()
        os.unlink(name)
        self._key = AES(secrets.token_bytes(KEY_BYTES))
        self._at = self._end = 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def fileno(self) -> int:
        return self._file

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        target = memoryview(buffer).cast("B")
        found = os.pread(self._file, len(target), self._at)
        target[: len(found)] = self._turn(found)
        self._at += len(found)
        return len(found)

    def write(self, data: "ReadableBuffer", /) -> int:
        if self._at != self._end:  # the same stream of the cipher under two texts would tell both
            raise io.UnsupportedOperation("a sealed file is written at its end only")
        written = os.pwrite(self._file, self._turn(memoryview(data)), self._at)
        self._at = self._end = self._end + written
        return written

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
        super().close()

    def _turn(self, data: bytes | memoryview) -> bytes:
        block, within = divmod(self._at, BLOCK_BYTES)
        cipher = Cipher(self._key, CTR(block.to_bytes(BLOCK_BYTES, "big"))).encryptor()
        cipher.update(bytes(within))
        return cipher.update(data)
