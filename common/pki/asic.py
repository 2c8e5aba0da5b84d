"""Containers of evidence: ASiC-E with CAdES (ETSI EN 319 162-1), a ZIP whose manifest names every file by its digest.

    mimetype                        first, stored: application/vnd.etsi.asic-e+zip
    META-INF/ASiCManifest001.xml    each file with its SHA-256
    META-INF/signature001.p7s       a detached CMS over the manifest
    META-INF/ASiCManifest002.xml    later, over all of the above: another signature, or a time stamp before an algorithm ages
    META-INF/timestamp002.tst

Adding a manifest changes no byte of what lies there. Files are streamed both ways; what is read whole (manifests, signatures,
small members) has a limit, and so has the list of members, before `zipfile` sees it. Refusals: "asic.broken", "asic.large".
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO
from xml.sax.saxutils import quoteattr

from common.errors import N_, CourtError, Refused
from common.files import Opener
from common.pki import cms
from common.pki.keystore import Key
from common.pki.xmldsig import DSIG, base64_of, bytes_of, parse_xml

MIMETYPE, MEDIA_TYPE = "mimetype", "application/vnd.etsi.asic-e+zip"
SUFFIX = ".asice"
MAGIC = b"PK\x03\x04"
NAME_AT = 30
"""Where the name of the first member begins."""
CONTAINER_BYTES_MAX = 512 * 1024**2
MEMBERS_MAX = 256
DIRECTORY_BYTES_MAX = 128 * 1024
MEMBER_BYTES_MAX = 16 * 1024**2
"""Of one member that is read whole."""
COPY_BYTES = 1024**2
MANIFESTS_MAX = 16
ASIC = "{http://uri.etsi.org/02918/v1.2.1#}"
SHA_256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA_512 = "http://www.w3.org/2001/04/xmlenc#sha512"
DIGESTS = {SHA_256: "sha256", SHA_512: "sha512"}
SIGNATURE_TYPE, TIMESTAMP_TYPE = "application/pkcs7-signature", "application/vnd.etsi.timestamp-token"
_MANIFEST = re.compile(r"META-INF/ASiCManifest(\d{1,4})\.xml")
_END, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x07"
_END_BYTES, _LOCATOR_BYTES, _COMMENT_BYTES_MAX = 22, 20, 65_535
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Of every member: times are in what is signed, not in the wrapping."""

BROKEN = N_("This container cannot be read: it is damaged, or of a kind that is not taken here.")


@dataclass(frozen=True, slots=True)
class Part:
    """One file to put in: its name inside, its media type, and its bytes or what opens them for reading."""

    name: str
    media: str
    data: bytes | Opener

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open it for reading."""
        with io.BytesIO(self.data) if isinstance(self.data, bytes) else self.data() as file:
            yield file


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest: its own bytes, what is over it, and what it says (name → digest name, digest)."""

    name: str
    data: bytes
    signature: str
    signature_type: str
    digests: dict[str, tuple[str, bytes]]


def looks_like_container(head: bytes) -> bool:
    """Return whether a file that begins so (at least 90 bytes) is an ASiC-E container."""
    return head.startswith(MAGIC) and head[NAME_AT : NAME_AT + 8 + len(MEDIA_TYPE)] == f"{MIMETYPE}{MEDIA_TYPE}".encode()


def write(file: IO[bytes], parts: Sequence[Part], key: Key, *, at_ms: int) -> None:
    """Write a container of ``parts`` into ``file`` (seekable, empty), signed by ``key`` as of ``at_ms``; files are streamed."""
    with zipfile.ZipFile(file, "w") as made:
        _put(made, Part(MIMETYPE, MEDIA_TYPE, MEDIA_TYPE.encode()), zipfile.ZIP_STORED)
        # files of blobs are PDFs and pictures: packed already, and large
        methods = [zipfile.ZIP_DEFLATED if isinstance(part.data, bytes) else zipfile.ZIP_STORED for part in parts]
        digests = [(part.name, part.media, _put(made, part, method)) for part, method in zip(parts, methods, strict=True)]
        signature = "META-INF/signature001.p7s"
        manifest = _manifest(signature, SIGNATURE_TYPE, digests, SHA_256)
        _put(made, Part("META-INF/ASiCManifest001.xml", "text/xml", manifest), zipfile.ZIP_DEFLATED)
        _put(made, Part(signature, SIGNATURE_TYPE, cms.sign_detached(manifest, key, at_ms=at_ms)), zipfile.ZIP_DEFLATED)


def add_timestamp(file: IO[bytes], stamp: Callable[[bytes], bytes]) -> str:
    """Append a manifest over everything in the container and a time stamp over that; return the manifest's name.

    ``file`` is open for reading and writing; not a byte of its members changes. ``stamp`` gives the token over some bytes; when it
    raises, nothing was written. Digests are SHA-512: the idea of RFC 4998 is to be ahead of the algorithms that age.
    Raises Refused("asic.…"), and what ``stamp`` raises.
    """
    held = Container(file)
    number = 1 + max((int(found[1]) for name in held.names if (found := _MANIFEST.fullmatch(name))), default=0)
    token_name = f"META-INF/timestamp{number:03}.tst"
    names = [name for name in held.names if name != MIMETYPE]
    digests = [(name, "application/octet-stream", held.digest(name, "sha512")) for name in names]
    manifest = _manifest(token_name, TIMESTAMP_TYPE, digests, SHA_512)
    token = stamp(manifest)
    name = f"META-INF/ASiCManifest{number:03}.xml"
    with zipfile.ZipFile(file, "a") as made:
        _put(made, Part(name, "text/xml", manifest), zipfile.ZIP_DEFLATED)
        _put(made, Part(token_name, TIMESTAMP_TYPE, token), zipfile.ZIP_DEFLATED)
    return name


def _put(made: zipfile.ZipFile, part: Part, method: int) -> bytes:
    """Copy a part into the container and return its SHA-256."""
    info = zipfile.ZipInfo(part.name, _EPOCH)
    info.compress_type, info.external_attr = method, 0o644 << 16
    digest = hashlib.sha256()
    with part.open() as source, made.open(info, "w") as target:
        while piece := source.read(COPY_BYTES):
            digest.update(piece)
            target.write(piece)
    return digest.digest()


def _manifest(over: str, over_type: str, digests: Sequence[tuple[str, str, bytes]], method: str) -> bytes:
    """Return an ASiCManifest (ETSI EN 319 162-1, 4.4.3.2 and A.4)."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">',
        f"<asic:SigReference URI={quoteattr(over)} MimeType={quoteattr(over_type)}/>",
    ]
    for name, media, value in digests:
        lines += [
            f"<asic:DataObjectReference URI={quoteattr(name)} MimeType={quoteattr(media)}>"
            f'<ds:DigestMethod Algorithm="{method}"/><ds:DigestValue>{base64_of(value)}</ds:DigestValue></asic:DataObjectReference>'
        ]
    return "\n".join([*lines, "</asic:ASiCManifest>", ""]).encode()


class Container:
    """An open container; nothing in it is believed here."""

    def __init__(self, file: IO[bytes]) -> None:
        """Read the list of members. Raises Refused("asic.broken" or "asic.large")."""
        with _refused():
            _check_directory(file)
            self._zip = zipfile.ZipFile(file)
            members = self._zip.infolist()
            self.names = tuple(member.filename for member in members)
            if len(set(self.names)) != len(members) or not members or any(not _fair(member) for member in members):
                raise _broken()
            if sum(member.file_size for member in members) > CONTAINER_BYTES_MAX:
                raise _large()
            first = members[0]
            stored = first.compress_type == zipfile.ZIP_STORED and not first.extra and first.header_offset == 0
            if first.filename != MIMETYPE or not stored or self.read(MIMETYPE) != MEDIA_TYPE.encode():
                raise _broken()

    def read(self, name: str, bytes_max: int = MEMBER_BYTES_MAX) -> bytes:
        """Return a member whole; raises Refused("asic.large" or "asic.broken"), also when there is none."""
        with _refused(), self._zip.open(name) as member:
            data = member.read(bytes_max + 1)
            if len(data) > bytes_max:
                raise _large()
            return data

    def size(self, name: str) -> int:
        """Return how many bytes a member says it has."""
        return self._zip.getinfo(name).file_size

    def digest(self, name: str, method: str) -> bytes:
        """Return the digest of a member, read piece by piece; raises Refused("asic.broken")."""
        digest = hashlib.new(method)
        with _refused(), self._zip.open(name) as member:
            while piece := member.read(COPY_BYTES):
                digest.update(piece)
        return digest.digest()

    def manifests(self) -> tuple[Manifest, ...]:
        """Return the manifests in the order of their numbers; raises Refused("asic.broken")."""
        numbers = {int(found[1]): name for name in self.names if (found := _MANIFEST.fullmatch(name))}
        if not numbers or len(numbers) > MANIFESTS_MAX:
            raise _broken()
        return tuple(self._read_manifest(numbers[number]) for number in sorted(numbers))

    def _read_manifest(self, name: str) -> Manifest:
        data = self.read(name, COPY_BYTES)
        root = parse_xml(data)
        with _refused():
            over = root.find(f"{ASIC}SigReference")
            if root.tag != f"{ASIC}ASiCManifest" or over is None:
                raise _broken()
            digests: dict[str, tuple[str, bytes]] = {}
            for reference in root.findall(f"{ASIC}DataObjectReference"):
                method = DIGESTS[reference.find(f"{DSIG}DigestMethod").get("Algorithm")]
                if reference.get("URI") in digests:
                    raise _broken()
                digests[str(reference.get("URI"))] = (method, bytes_of(reference.find(f"{DSIG}DigestValue")))
            return Manifest(name, data, str(over.get("URI")), str(over.get("MimeType")), digests)


def _check_directory(file: IO[bytes]) -> None:
    """Look at the end of a ZIP before `zipfile` does: it reads the whole list of members into memory."""
    size = file.seek(0, io.SEEK_END)
    start = file.seek(max(0, size - _END_BYTES - _COMMENT_BYTES_MAX - _LOCATOR_BYTES))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(_END)
    if size > CONTAINER_BYTES_MAX:
        raise _large()
    if at < 0 or len(tail) - at < _END_BYTES or tail[max(0, at - _LOCATOR_BYTES) : at].startswith(_LOCATOR_64):
        raise _broken()
    members, directory, offset = (int.from_bytes(tail[at + a : at + b], "little") for a, b in ((10, 12), (12, 16), (16, 20)))
    if members > MEMBERS_MAX or directory > DIRECTORY_BYTES_MAX:
        raise _large()
    if offset + directory != start + at:  # nothing before the first member, nothing between the list and its end
        raise _broken()


def _fair(member: zipfile.ZipInfo) -> bool:
    name = member.filename
    plain = name.isprintable() and not name.startswith("/") and "\\" not in name and ".." not in name.split("/") and not member.is_dir()
    return plain and not member.flag_bits & 1 and member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except CourtError:
        raise
    except Exception as error:  # noqa: BLE001 - zipfile's errors have many roots (zlib, struct, NotImplemented, …): each means a bad file
        raise _broken() from error


def _broken() -> Refused:
    return Refused("asic.broken", BROKEN)


def _large() -> Refused:
    return Refused("asic.large", N_("This container, or a file in it, is larger than what is checked here."))
