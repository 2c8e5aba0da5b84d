"""Real files of every kind a court takes and of the kinds it must not take, made byte by byte."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

import pikepdf

SECTOR = 512
END, FREE, FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
WORD_MAIN = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
EXCEL_MAIN = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


def pdf(pages: int = 3, change: Callable[[pikepdf.Pdf], None] | None = None, **saving: object) -> bytes:
    with pikepdf.new() as made:
        for _ in range(pages):
            made.add_blank_page()
        if change:
            change(made)
        out = io.BytesIO()
        made.save(out, **saving)  # type: ignore[arg-type]
        return out.getvalue()


def office(main: bytes = WORD_MAIN, parts: Mapping[str, bytes] | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b'<Types><Override ContentType="' + main + b'"/></Types>')
        for name, content in (parts or {"word/document.xml": b"<w:document/>" * 50}).items():
            archive.writestr(name, content)
    return out.getvalue()


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file of version 3: FAT in sector 0, directory from sector 1, small streams in the mini stream."""
    big = {name: content for name, content in streams.items() if len(content) >= 4096}
    small = {name: content for name, content in streams.items() if len(content) < 4096}
    mini_store, mini_fat, mini_starts = b"", [], {}
    for name, content in small.items():
        mini_starts[name] = len(mini_fat)
        count = -(-len(content) // 64)
        mini_fat += [*range(len(mini_fat) + 1, len(mini_fat) + count), END]
        mini_store += content.ljust(count * 64, b"\0")
    directory_sectors = -(-(len(streams) + 1) * 128 // SECTOR)
    bodies = [mini_store, struct.pack(f"<{len(mini_fat)}I", *mini_fat), *big.values()]
    fat, starts, sectors = [FAT, *_chain(1, directory_sectors)], [], b""
    for body in bodies:
        count = -(-len(body) // SECTOR)
        starts.append(len(fat) if count else END)
        fat += _chain(len(fat), count)
        sectors += body.ljust(count * SECTOR, b"\xff" if body is bodies[1] else b"\0")
    entries = [_entry("Root Entry", 5, starts[0], len(mini_store))]
    entries += [_entry(name, 2, mini_starts[name], len(content)) for name, content in small.items()]
    entries += [_entry(name, 2, start, len(content)) for (name, content), start in zip(big.items(), starts[2:], strict=True)]
    directory = b"".join(entries).ljust(directory_sectors * SECTOR, b"\0")
    magic = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    numbers = (62, 3, 0xFFFE, 9, 6, 0, 1, 1, 4096, starts[1], 1, END, 0)
    header = struct.pack("<8s16x5H6xIII4xIIIII", magic, *numbers)
    header = header[:76] + struct.pack("<109I", 0, *[FREE] * 108)
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(SECTOR, b"\xff")
    return header + table + directory + sectors


def word(encrypted: bool = False, size: int = 5000) -> bytes:
    return struct.pack("<H8xH", 0xA5EC, 0x0100 if encrypted else 0).ljust(size, b"\0")


def excel(encrypted: bool = False) -> bytes:
    records = struct.pack("<HH4x", 0x0809, 4) + (struct.pack("<HH2x", 0x002F, 2) if encrypted else b"")
    return records + struct.pack("<HH", 0x000A, 0)


def png(width: int = 2, height: int = 1) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    points = zlib.compress(b"\0" + bytes(2))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", points) + _chunk(b"IEND", b"")


def jpeg(width: int = 2, height: int = 1) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return (
        b"\xff\xd8" + _segment(0xE0, b"JFIF\0") + _segment(0xC0, frame) + _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x00\x01\xff\xd9"
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _chain(first: int, count: int) -> list[int]:
    return [*range(first + 1, first + count), END] if count else []


def _entry(name: str, kind: int, start: int, size: int) -> bytes:
    text = name.encode("utf-16-le")
    return text.ljust(64, b"\0") + struct.pack("<HB", len(text) + 2, kind) + bytes(49) + struct.pack("<II", start, size) + bytes(4)
