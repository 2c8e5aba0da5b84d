"""What is taken as a recording: by content, whole, and named as it is."""

import io
from contextlib import suppress

import pytest
from made_recordings import box, mp3, mp4, wav, webm

from common.court import recordings
from common.court.recordings import RECORDING_BYTES_MAX, Recorded, inspect, looks_like_one
from common.errors import Refused
from sync.pieces import BLOB_BYTES_MAX
from sync.recordings import is_recording

TAG = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)
GOOD = {
    "a film": ("Отырыс.mp4", mp4(b"vide", b"soun"), "video/mp4", 312),
    "a film of many hours": ("Отырыс.MP4", mp4(b"soun", b"vide", wide=True), "video/mp4", 312),
    "sound in MP4": ("Отырыс.m4a", mp4(b"soun"), "audio/mp4", 312),
    "WebM": ("Отырыс.webm", webm(2, 1), "video/webm", 7),
    "WebM as browsers record it": ("Отырыс.webm", webm(1, live=True), "video/webm", 0),
    "sound in WebM": ("Отырыс", webm(2), "audio/webm", 7),
    "WAV": ("27.11 отырыс.wav", wav(2), "audio/wav", 2),
    "MP3": ("a.mp3", mp3(), "audio/mpeg", 1),
    "MP3 with a tag": ("a.mp3", mp3(tag=TAG), "audio/mpeg", 1),
}
OGG = b"OggS" + bytes(60)
BAD = {
    "empty": ("a.mp4", b"", "upload.empty"),
    "another kind": ("a.ogg", OGG, "upload.recording"),
    "QuickTime": ("a.mov", mp4(b"vide", brand=b"qt  "), "upload.recording"),
    "Matroska": ("a.mkv", webm(1, doc=b"matroska"), "upload.recording"),
    "no track that is seen or heard": ("a.mp4", mp4(b"text"), "upload.recording"),
    "named as another": ("a.mp4", wav(), "upload.named"),
    "a page named as a film": ("a.mp4", b"<!DOCTYPE html><script>", "upload.recording"),
    "MP4 cut off": ("a.mp4", mp4(b"vide")[:-1], "upload.broken"),
    "MP4 without its table": ("a.mp4", box(b"ftyp", b"isom") + box(b"mdat", b"film"), "upload.broken"),
    "MP4 whose box lies": ("a.mp4", box(b"ftyp", b"isom") + b"\x00\x00\x00\x04moov", "upload.broken"),
    "WebM cut off": ("a.webm", webm(1)[:-1], "upload.broken"),
    "WebM without tracks": ("a.webm", webm(), "upload.broken"),
    "WebM of a head": ("a.webm", webm(1)[:20], "upload.broken"),
    "WAV cut off": ("a.wav", wav()[:-1], "upload.broken"),
    "WAV of nothing": ("a.wav", wav(0), "upload.broken"),
    "a frame by chance": ("a.mp3", mp3(1) + bytes(2000), "upload.broken"),
    "MP3 of a tag": ("a.mp3", TAG, "upload.broken"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_taken(name: str) -> None:
    called, data, media, seconds = GOOD[name]
    found = inspect(called, io.BytesIO(data))
    assert (found.media_type, found.seconds, found.size) == (media, seconds, len(data))
    assert found.video == media.startswith("video/")
    assert looks_like_one(data[:16])
    assert is_recording(found.media_type), "the exchange fetches it on request"
    assert recordings.file_name("x", media) != "x"


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str) -> None:
    called, data, code = BAD[name]
    with pytest.raises(Refused) as refused:
        inspect(called, io.BytesIO(data), field="film")
    assert (refused.value.code, refused.value.field) == (code, "film")


def test_the_title_is_the_name_without_its_ending() -> None:
    assert inspect("27.11 отырыс.wav", io.BytesIO(wav())) == Recorded("audio/wav", 2, len(wav()), "27.11 отырыс")


def test_the_limit_is_what_the_exchange_carries() -> None:
    assert RECORDING_BYTES_MAX == BLOB_BYTES_MAX

    class Large(io.BytesIO):
        def seek(self, offset: int, whence: int = 0, /) -> int:
            return RECORDING_BYTES_MAX + 1 if whence == io.SEEK_END else super().seek(offset, whence)

    with pytest.raises(Refused) as refused:
        inspect("a.wav", Large(wav()))
    assert refused.value.code == "upload.large"


@pytest.mark.parametrize("data", [mp4(b"vide"), webm(1, 2), wav(1, rate=100), mp3(4, tag=TAG)], ids=["mp4", "webm", "wav", "mp3"])
def test_no_damage_raises_anything_but_a_refusal(data: bytes) -> None:
    for place in range(0, len(data), max(1, len(data) // 150)):
        for changed in (data[:place], data[:place] + b"\xff" + data[place + 1 :], data[:place] + b"\0\0\0\0" + data[place + 4 :]):
            with suppress(Refused):
                inspect("", io.BytesIO(changed))
