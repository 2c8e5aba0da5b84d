"""Files in an S3-compatible store, through fsspec: the only door to it. Loaded only where the settings name a store.

    Bucket("s3://sot-files/register")

Endpoint, region and keys come from the environment alone, as every S3 tool reads them (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID …);
none of them, and nothing that the store says, is logged or shown. S3 answers a PUT once the object is durable, and an object
is there whole or not at all; large ones go up in parts and appear with the last. What was written is asked back by its size.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from fsspec.core import url_to_fs

from common.errors import N_, CourtError, NotFound, Refused, Unreachable
from sync.objects import absent

CONNECT_SECONDS: Final = 5
ANSWER_SECONDS: Final = 15
TRIES: Final = 3
PIECE_BYTES: Final = 1 << 20
"""Read ahead of whoever reads an object from its beginning."""
OPTIONS: Final[dict[str, Any]] = {
    "skip_instance_cache": True,
    "use_listings_cache": False,  # what another front end has just written is there
    # s3fs tries again by itself (TRIES), so botocore below it does not
    "config_kwargs": {"connect_timeout": CONNECT_SECONDS, "read_timeout": ANSWER_SECONDS, "retries": {"total_max_attempts": 1}},
}

logger = logging.getLogger(__name__)


class Bucket:
    """The `sync.objects.Objects` of one bucket and prefix."""

    def __init__(self, url: str) -> None:
        """Raises Refused("store.missing") where the part that speaks to the store is not installed."""
        try:
            self._files, self._root = url_to_fs(url, **OPTIONS)
            self._files.retries = TRIES
        except ImportError as error:
            raise Refused(
                "store.missing", N_("Files lie in an S3 store, but s3fs is not installed: pip install sot-kabineti[s3].")
            ) from error

    def write(self, name: str, data: bytes) -> None:
        """Keep ``data``; raises Unreachable("store.down") unless the store has all of it."""
        with _ours("write"):
            self._files.pipe_file(self._path(name), data)
            self._check_size(name, len(data))

    def take(self, name: str, file: Path) -> None:
        """Upload ``file``; raises Unreachable("store.down") unless the store has all of it."""
        with _ours("write"):
            self._files.put_file(str(file), self._path(name))
            self._check_size(name, file.stat().st_size)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open an object for reading; raises NotFound("blob.absent") or Unreachable("store.down")."""
        with self._reading(), self._files.open(self._path(name), "rb", block_size=PIECE_BYTES) as file:
            yield file

    def piece(self, name: str, start: int, length: int) -> bytes:
        """Return a part of an object; raises NotFound("blob.absent") or Unreachable("store.down")."""
        with self._reading():
            return bytes(self._files.cat_file(self._path(name), start=start, end=start + length))

    def remove(self, name: str) -> None:
        """Remove an object; raises Unreachable("store.down")."""
        with _ours("remove"):
            self._files.rm_file(self._path(name))

    def check(self) -> None:
        """Raise Unreachable("store.down") where the store, the bucket or the right to look into it is missing."""
        with _ours("look"):
            self._files.call_s3("head_bucket", Bucket=self._root.partition("/")[0])

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Tell an object that is not there from a bucket that is not: of the one a file counts as lost, of the other nothing does."""
        try:
            with _ours("read"):
                yield
        except NotFound:
            self.check()
            raise

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _check_size(self, name: str, size: int) -> None:
        if self._files.info(self._path(name))["size"] != size:
            raise ValueError("the store has another size than was sent")


@contextmanager
def _ours(doing: str) -> Iterator[None]:
    """Let only our own errors out."""
    try:
        yield
    except CourtError:
        raise
    except Exception as error:  # botocore, aiohttp and fsspec have no common root; the safe fall-back is that nothing was done
        if doing == "read" and isinstance(error, FileNotFoundError):
            raise absent() from error
        logger.error("store of files: %s: %s", doing, type(error).__name__)  # never its text: it may name addresses and keys
        raise Unreachable("store.down", N_("The store of files does not answer. Nothing is lost; it is tried again.")) from error
