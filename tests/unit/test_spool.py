"""What spills from memory to the disk: read back the same, and noise to whoever reads the disk."""

import io
import os
import random

import pytest
from flask import Flask, request
from waitress.buffers import OverflowableBuffer

from common import serving
from common.spool import sealed_file
from common.web.app import UPLOAD_MEMORY_BYTES_MAX, SealingRequest

CLEAR = b"850312400127 " * 80_000


def on_disk(file: io.BufferedRandom) -> bytes:
    file.flush()
    return os.pread(file.fileno(), len(CLEAR) * 2, 0)


def test_it_is_read_back_anywhere_and_the_disk_holds_noise() -> None:
    dice = random.Random(7)
    with sealed_file() as file:
        for start in range(0, len(CLEAR), 70_001):
            file.write(CLEAR[start : start + 70_001])
        for _ in range(50):
            at, size = dice.randrange(len(CLEAR)), dice.randrange(40_000)
            file.seek(at)
            assert file.read(size) == CLEAR[at : at + size]
        file.seek(0)
        assert file.readline() == CLEAR
        held = on_disk(file)
        assert len(held) == len(CLEAR)
        assert b"850312" not in held
        assert len({held[start : start + 16] for start in range(0, 16_000, 16)}) == 1_000


def test_two_files_have_two_keys_and_nothing_is_written_twice_under_one() -> None:
    with sealed_file() as one, sealed_file() as other:
        one.write(CLEAR)
        other.write(CLEAR)
        assert on_disk(one)[:64] != on_disk(other)[:64]
        one.seek(0)
        with pytest.raises(io.UnsupportedOperation):
            one.raw.write(b"x")


def test_what_waitress_spills_is_sealed() -> None:
    assert serving.serve is not None  # what serves has made it so
    buffer = OverflowableBuffer(1_000)
    for start in range(0, len(CLEAR), 9_000):
        buffer.append(CLEAR[start : start + 9_000])
    file = buffer.getfile()
    assert file.read() == CLEAR
    assert b"850312" not in on_disk(file)
    buffer.close()


@pytest.mark.parametrize("size", [1_000, UPLOAD_MEMORY_BYTES_MAX])
def test_an_upload_is_in_memory_or_sealed(size: int) -> None:
    app = Flask("test")
    app.request_class = SealingRequest
    data = (CLEAR * 2)[:size]
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n' + data + b"\r\n--b--\r\n"
    with app.test_request_context("/", method="POST", data=body, content_type="multipart/form-data; boundary=b"):
        stream = request.files["file"].stream
        assert stream.read() == data
        assert isinstance(stream, io.BytesIO) == (size < UPLOAD_MEMORY_BYTES_MAX)
        if isinstance(stream, io.BufferedRandom):
            assert b"850312" not in on_disk(stream)
