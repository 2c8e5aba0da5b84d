"""What a court takes as a recording of a hearing, decided by content and never by name, as `attachments` does for papers.

- Video: MP4 and WebM. Audio: WAV, MP3, and MP4 or WebM without pictures. Up to 512 MB: an hour and a half at a megabit a second.
- Refused with its own code and cure: empty, too large, of another kind, named as something else, cut off or damaged.
- Memory and time are bounded: of a file of any size a few kilobytes are read, here and there.
- What browsers cannot play is not taken for that alone: the codec inside is not looked at.

    inspect("Отырыс.mp4", file) → Recorded("video/mp4", seconds=312, size=48211000, title_suggestion="Отырыс")
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from common.court.attachment_refusals import BROKEN, EMPTY, LARGE, NAMED, RECORDING, refused
from common.court.attachments import extension, title
from common.errors import Refused

RECORDING_BYTES_MAX: Final = 512 * 1024**2
"""As much as the exchange carries of one file (PROTOCOL 7.4)."""
PARTS_MAX: Final = 200_000
"""Boxes, elements or chunks that are looked at in one file: a fragmented recording of a day has fewer."""
EXTENSIONS: Final = (".mp4", ".m4v", ".m4a", ".webm", ".weba", ".wav", ".mp3")
"""For the file chooser of the browser; not a check."""
_NAMES: Final = {
    "mp4": ("MP4", ("mp4", "m4v", "m4a")),
    "webm": ("WebM", ("webm", "weba")),
    "wav": ("WAV", ("wav", "wave")),
    "mpeg": ("MP3", ("mp3",)),
}
_ENDINGS: Final = {
    "video/mp4": ".mp4",
    "audio/mp4": ".m4a",
    "video/webm": ".webm",
    "audio/webm": ".weba",
    "audio/wav": ".wav",
    "audio/mpeg": ".mp3",
}
MEDIA_TYPES: Final = tuple(_ENDINGS)
"""Every media type `inspect` may answer."""
_WAV_CODINGS: Final = (1, 3, 6, 7, 0xFFFE)
_MP3_KBITS: Final = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MP3_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000)}
_SECONDS_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording that may be taken; ``seconds`` is 0 where the file does not say how long it is."""

    media_type: str
    seconds: int
    size: int
    title_suggestion: str

    @property
    def video(self) -> bool:
        """Whether there are pictures."""
        return self.media_type.startswith("video/")


def inspect(name: str, file: IO[bytes], *, field: str = "file") -> Recorded:
    """Return what ``file`` is; raises Refused("upload.…") naming the form field ``field``.

    ``name`` is what the person's machine calls it: only its ending and the suggested title come from it.
    """
    try:
        size = file.seek(0, io.SEEK_END)
        if size == 0:
            raise refused(EMPTY)
        if size > RECORDING_BYTES_MAX:
            raise refused(LARGE, max=RECORDING_BYTES_MAX // 1024**2)
        media, seconds = _look(file, size)
        label, endings = _NAMES[media.partition("/")[2]]
        if (ending := extension(name)) and ending not in endings:
            raise refused(NAMED, extension=ending, kind=label)
    except Refused as refusal:
        raise Refused(refusal.code, refusal.sentence, field=field, **refusal.params) from refusal
    return Recorded(media, min(seconds, _SECONDS_MAX), size, title(name))


def looks_like_one(start: bytes) -> bool:
    """Return whether a file that begins so is meant to be a recording."""
    mp3 = start[:3] == b"ID3" or (len(start) > 1 and start[0] == 0xFF and start[1] & 0xE6 == 0xE2)
    return start[4:8] == b"ftyp" or start[:4] == b"\x1aE\xdf\xa3" or (start[:4] == b"RIFF" and start[8:12] == b"WAVE") or mp3


def file_name(title: str, media: str) -> str:
    """Return what a recording of this title is called where it is saved."""
    return f"{title}{_ENDINGS.get(media, '')}"


def _look(file: IO[bytes], size: int) -> tuple[str, int]:
    start = _at(file, 0, 16)
    if not looks_like_one(start) or start[4:12] == b"ftypqt  ":
        raise refused(RECORDING)
    if start[4:8] == b"ftyp":
        return _mp4(file, size)
    if start[:4] == b"RIFF":
        return "audio/wav", _wav(file, size)
    if start[:4] == b"\x1aE\xdf\xa3":
        return _webm(file, size)
    return "audio/mpeg", _mp3(file, size)


def _at(file: IO[bytes], place: int, length: int) -> bytes:
    file.seek(place)
    return file.read(length)


# -- MP4: boxes in boxes


def _boxes(file: IO[bytes], at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, where its content begins, where it ends) of the boxes of a range, which they must fill."""
    for _ in range(PARTS_MAX):
        if at == end:
            return
        head = _at(file, at, min(16, end - at))
        if len(head) < 8:
            raise refused(BROKEN)
        size, begin = int.from_bytes(head[:4], "big"), at + 8
        if size == 1:
            size, begin = int.from_bytes(head[8:16], "big"), at + 16
        elif size == 0:
            size = end - at
        if at + size < begin or at + size > end:  # cut off, or no box at all
            raise refused(BROKEN)
        yield head[4:8], begin, at + size
        at += size
    raise refused(BROKEN)


def _mp4(file: IO[bytes], size: int) -> tuple[str, int]:
    found = {kind: place for kind, *place in _boxes(file, 0, size)}
    if b"moov" not in found or not {b"mdat", b"moof"} & set(found):
        raise refused(BROKEN)
    tracks, seconds = set(), 0
    for kind, begin, end in _boxes(file, *found[b"moov"]):
        if kind == b"mvhd":
            seconds = _mp4_seconds(_at(file, begin, 32))
        elif kind == b"trak":
            tracks |= _handlers(file, begin, end)
    if not tracks & {b"vide", b"soun"}:
        raise refused(RECORDING)
    return "video/mp4" if b"vide" in tracks else "audio/mp4", seconds


def _handlers(file: IO[bytes], begin: int, end: int) -> set[bytes]:
    media = [place for kind, *place in _boxes(file, begin, end) if kind == b"mdia"]
    return {_at(file, at + 8, 4) for place in media for kind, at, _ in _boxes(file, *place) if kind == b"hdlr"}


def _mp4_seconds(data: bytes) -> int:
    wide = data[:1] == b"\x01"
    scale, length = (data[20:24], data[24:32]) if wide else (data[12:16], data[16:20])
    if not length.strip(b"\xff"):  # not known
        return 0
    return int.from_bytes(length, "big") // (int.from_bytes(scale, "big") or 1)


# -- WebM: elements in elements


def _vint(file: IO[bytes], at: int, *, keep: bool) -> tuple[int, int]:
    """Return (number, how many bytes it has); the number is -1 where a size is not known."""
    data = _at(file, at, 8)
    length = 9 - data[0].bit_length() if data and data[0] else 9
    if length > len(data):
        raise refused(BROKEN)
    value = int.from_bytes(data[:length], "big")
    if keep:
        return value, length
    value &= (1 << 7 * length) - 1
    return (-1 if value == (1 << 7 * length) - 1 else value), length


def _elements(file: IO[bytes], at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (id, where its content begins, where it ends) of the elements of a range; one of unknown size goes to its end."""
    for _ in range(PARTS_MAX):
        if at >= end:
            return
        id, taken = _vint(file, at, keep=True)
        size, more = _vint(file, at + taken, keep=False)
        begin = at + taken + more
        stop = end if size < 0 else begin + size
        if stop > end:
            raise refused(BROKEN)
        yield id, begin, stop
        at = stop
    raise refused(BROKEN)


_SEGMENT, _INFO, _TRACKS, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
_DOC_TYPE, _SCALE, _DURATION, _TRACK, _TRACK_TYPE = 0x4282, 0x2AD7B1, 0x4489, 0xAE, 0x83


def _webm(file: IO[bytes], size: int) -> tuple[str, int]:
    outer = list(_first(_elements(file, 0, size), _SEGMENT))
    kinds = {id: file_at for id, *file_at in _elements(file, *outer[0][1:])}
    if _DOC_TYPE not in kinds or _whole(file, kinds[_DOC_TYPE]).rstrip(b"\0") != b"webm":
        raise refused(RECORDING)
    if outer[-1][0] != _SEGMENT:
        raise refused(BROKEN)
    seconds, types, played = 0, set(), False
    for id, begin, end in _first(_elements(file, *outer[-1][1:]), _CLUSTER):
        if id == _INFO:
            seconds = _webm_seconds(file, begin, end)
        elif id == _TRACKS:
            types = _track_types(file, begin, end)
        played |= id == _CLUSTER
    if not played or not types & {1, 2}:
        raise refused(BROKEN)
    return "video/webm" if 1 in types else "audio/webm", seconds


def _first(elements: Iterator[tuple[int, int, int]], last: int) -> Iterator[tuple[int, int, int]]:
    """Yield ``elements`` up to the first one with the id ``last``, which may have no end."""
    for each in elements:
        yield each
        if each[0] == last:
            return


def _whole(file: IO[bytes], place: list[int]) -> bytes:
    return _at(file, place[0], min(place[1] - place[0], 16))


def _webm_seconds(file: IO[bytes], begin: int, end: int) -> int:
    found = {id: _whole(file, place) for id, *place in _elements(file, begin, end)}
    scale = int.from_bytes(found.get(_SCALE, b"\x0f\x42\x40"), "big")
    data = found.get(_DURATION, b"")
    if len(data) not in (4, 8):
        return 0
    length = struct.unpack(">f" if len(data) == 4 else ">d", data)[0] * scale / 1e9
    return int(length) if 0 <= length < _SECONDS_MAX else 0


def _track_types(file: IO[bytes], begin: int, end: int) -> set[int]:
    tracks = [place for id, *place in _elements(file, begin, end) if id == _TRACK]
    return {int.from_bytes(_whole(file, at), "big") for place in tracks for id, *at in _elements(file, *place) if id == _TRACK_TYPE}


# -- sound alone


def _wav(file: IO[bytes], size: int) -> int:
    at, per_second = 12, 0
    for _ in range(PARTS_MAX):
        head = _at(file, at, 8)
        length = int.from_bytes(head[4:], "little")
        if len(head) < 8 or at + 8 + length > size:
            break
        if head[:4] == b"fmt ":
            coding, _channels, _rate, per_second = struct.unpack("<HHII", _at(file, at + 8, 12).ljust(12, b"\0"))
            if coding not in _WAV_CODINGS:
                raise refused(RECORDING)
        if head[:4] == b"data" and per_second and length:
            return int(length // per_second)
        at += 8 + length + length % 2
    raise refused(BROKEN)


def _mp3(file: IO[bytes], size: int) -> int:
    head, at = _at(file, 0, 10), 0
    if head[:3] == b"ID3":
        at = 10 + sum((byte & 0x7F) << 7 * (3 - place) for place, byte in enumerate(head[6:10]))
    first = at
    for _ in range(3):  # one frame may look like one by chance
        length, bits = _frame(_at(file, at, 4))
        at += length
    if at > size:
        raise refused(BROKEN)
    # of a changing rate the first frame says nothing
    return 0 if b"Xing" in _at(file, first, 200) else (size - first) * 8 // bits


def _frame(head: bytes) -> tuple[int, int]:
    """Return (length in bytes, bits a second) of a frame of layer III."""
    version = head[1] >> 3 & 3 if len(head) == 4 else 0
    if version not in _MP3_RATES or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        raise refused(BROKEN)
    kbits, rate = head[2] >> 4, head[2] >> 2 & 3
    if kbits in (0, 15) or rate == 3:
        raise refused(BROKEN)
    bits = _MP3_KBITS[version][kbits] * 1000
    return (144 if version == 3 else 72) * bits // _MP3_RATES[version][rate] + (head[2] >> 1 & 1), bits
