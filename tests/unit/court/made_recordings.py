"""Recordings of a second, made byte by byte: enough of each container for what looks at them."""

import io
import struct
import wave


def wav(seconds: int = 2, *, rate: int = 8000) -> bytes:
    """Return silence, eight bits a sample."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(rate)
        sound.writeframes(b"\x80" * rate * seconds)
    return out.getvalue()


def box(kind: bytes, *content: bytes) -> bytes:
    data = b"".join(content)
    return (8 + len(data)).to_bytes(4, "big") + kind + data


def mp4(*handlers: bytes, seconds: int = 312, brand: bytes = b"isom", wide: bool = False, media: bytes = b"film") -> bytes:
    """Return an MP4 with a track for each of ``handlers`` (vide, soun, …)."""
    times = struct.pack(">QQIQ", 0, 0, 1000, seconds * 1000) if wide else struct.pack(">IIII", 0, 0, 1000, seconds * 1000)
    mvhd = box(b"mvhd", bytes([wide, 0, 0, 0]), times, bytes(80))
    tracks = [box(b"trak", box(b"tkhd", bytes(84)), box(b"mdia", box(b"hdlr", bytes(8), each, bytes(12)))) for each in handlers]
    return box(b"ftyp", brand, bytes(4), brand) + box(b"moov", mvhd, *tracks) + box(b"mdat", media)


def element(id: int, *content: bytes, unknown: bool = False) -> bytes:
    data = b"".join(content)
    size = b"\x01" + b"\xff" * 7 if unknown else (len(data) | 1 << 56).to_bytes(8, "big")
    return id.to_bytes((id.bit_length() + 7) // 8, "big") + size + data


def webm(*types: int, seconds: float = 7.5, doc: bytes = b"webm", live: bool = False) -> bytes:
    """Return a WebM with a track for each of ``types`` (1 pictures, 2 sound); ``live``: of unknown size, as browsers record."""
    info = element(
        0x1549A966,
        element(0x2AD7B1, (1_000_000).to_bytes(3, "big")),
        *([] if live else [element(0x4489, struct.pack(">d", seconds * 1000))]),
    )
    tracks = element(0x1654AE6B, *(element(0xAE, element(0x83, bytes([each]))) for each in types))
    cluster = element(0x1F43B675, b"frames", unknown=live)
    head = element(0x1A45DFA3, element(0x4282, doc))
    return head + element(0x18538067, element(0xEC, bytes(4)), info, tracks, cluster, unknown=live)


def mp3(frames: int = 40, *, tag: bytes = b"") -> bytes:
    """Return frames of 128 kbit/s at 44.1 kHz, 417 bytes each, after ``tag``."""
    frame = b"\xff\xfb\x90\x00" + bytes(413)
    return tag + frame * frames
