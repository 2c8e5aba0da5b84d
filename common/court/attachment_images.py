"""JPEG and PNG scans: the structure is walked to its end without unpacking a single point.

A cut-off upload is noticed (no end mark), damage of a PNG too (checksums); damage inside the points of a JPEG is not.
"""

import struct
import zlib
from typing import Final

from common.court.attachment_refusals import BROKEN, PIXELS, refused

PIXELS_MAX: Final = 150_000_000
"""An A3 page at 600 dots per inch has 70 million; browsers of small machines give up above this."""
PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
JPEG_MAGIC: Final = b"\xff\xd8\xff"

_SOF: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_SOS: Final = 0xDA
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})


def check_png(data: bytes) -> None:
    """Raise Refused("upload.broken" or "upload.pixels") unless ``data`` is a whole PNG."""
    position = len(PNG_MAGIC)
    seen: list[bytes] = []
    while not seen or seen[-1] != b"IEND":
        if position + 12 > len(data):
            raise refused(BROKEN)
        size, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + size
        if end > len(data) or zlib.crc32(data[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise refused(BROKEN)
        if not seen:
            _check_size(kind == b"IHDR" and size == 13, *struct.unpack_from(">II", data, position + 8))
        seen.append(kind)
        position = end
    if b"IDAT" not in seen:
        raise refused(BROKEN)


def check_jpeg(data: bytes) -> None:
    """Raise Refused("upload.broken" or "upload.pixels") unless ``data`` is a whole JPEG."""
    position, sized = 2, False
    while True:
        if position + 4 > len(data) or data[position] != 0xFF:
            raise refused(BROKEN)
        marker = data[position + 1]
        if marker == 0xFF or marker in _STANDALONE:  # fill bytes and marks without a length
            position += 1 if marker == 0xFF else 2
            continue
        size = int.from_bytes(data[position + 2 : position + 4], "big")
        if size < 2 or position + 2 + size > len(data):
            raise refused(BROKEN)
        if marker in _SOF and size >= 8:
            height, width = struct.unpack_from(">HH", data, position + 5)
            _check_size(True, width, height)
            sized = True
        if marker == _SOS:
            break
        position += 2 + size
    if not sized or data.rfind(b"\xff\xd9") < position:
        raise refused(BROKEN)


def _check_size(header: bool, width: int, height: int) -> None:
    if not header or width == 0 or height == 0:
        raise refused(BROKEN)
    if width * height > PIXELS_MAX:
        raise refused(PIXELS)
