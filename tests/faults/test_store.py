"""The centre's files in an S3 store that fails, cuts, stores half and loses answers: a real server over HTTP stands behind."""

import hashlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from central import cli
from central.bucket import Bucket
from common.db import fetch
from common.errors import Corrupt, NotFound, Refused, Unreachable
from sync import fsck
from sync.pieces import CHUNK_BYTES
from tests.court import Court
from tests.s3 import KEYS, S3
from tests.sim.papers import AIGUL

AKTAU = "kz-283"
LARGE = bytes(range(256)) * (CHUNK_BYTES // 256) + b"and a second piece"


@pytest.fixture
def court(tmp_path: Path, s3: S3) -> Iterator[Court]:
    court = Court.ready(tmp_path)
    court.keep_files(s3.url, Bucket(s3.url))
    yield court
    court.close()


def place(data: bytes) -> str:
    name = hashlib.sha256(data).hexdigest()
    return f"{name[:2]}/{name}"


def findings(court: Court) -> set[tuple[str, str]]:
    centre = court.centre
    found = fsck.check(centre.database, centre.fold, centre.blobs, environment=centre.identity.environment)
    return {(finding.code, finding.place) for finding in found}


def files_received(court: Court) -> list[tuple[bytes]]:
    return fetch(court.centre.database, "SELECT statement FROM complete")


def test_files_lie_in_the_store_and_nowhere_else(court: Court, s3: S3) -> None:
    """The whole way: up from one court, down to another, read by `fsck`; the centre's own disk keeps no file."""
    node = court.machine(1001)
    court.file(node, AIGUL, "kz-7", attachment=LARGE)
    court.settle()
    court.check()
    assert s3.get(place(LARGE)) == LARGE
    assert court.machine(1002).blobs.read(hashlib.sha256(LARGE).digest()) == LARGE
    assert [path for path in (court.centre.data / "blobs").rglob("*") if path.is_file()] == []
    court.crash_centre()
    assert findings(court) == set()


@pytest.mark.parametrize("fault", ["busy", "cut", "half", "lost"])
@pytest.mark.parametrize("data", [b"one piece of " * 40, LARGE], ids=["one piece", "two pieces"])
def test_what_the_store_does_not_hold_whole_is_not_acknowledged(court: Court, s3: S3, fault: str, data: bytes) -> None:
    """Row 55: a PUT that fails, is cut, stores half or whose answer is lost: the entry gets its R1, the file no R2, until all
    of it lies there."""
    node = court.machine(1001)
    data += fault.encode()
    filing = court.file(node, AIGUL, AKTAU, attachment=data)
    s3.fault = fault
    court.exchange(node)
    assert fetch(node.database, "SELECT log_index IS NOT NULL FROM entry WHERE leaf = ?", (filing.leaf,)) == [(1,)]
    if fault != "lost":
        assert not court.centre.blobs.has(hashlib.sha256(data).digest())
        assert files_received(court) == []
    s3.fault = ""
    court.clock.tick(3_600_000)
    court.settle()
    court.check()
    assert s3.get(place(data)) == data
    assert len(files_received(court)) == 1
    assert [path for path in (court.centre.data / "blobs").rglob("*") if path.is_file()] == []


def test_a_store_that_is_down_keeps_no_entry_from_the_register(court: Court, s3: S3, caplog: pytest.LogCaptureFixture) -> None:
    """Entries are logged and answered; reading says that it will be tried again; no key and no address is in the log."""
    node = court.machine(1001)
    court.file(node, AIGUL, AKTAU, attachment=LARGE)
    court.settle()
    s3.down = True
    with caplog.at_level(logging.INFO):
        court.file(node, AIGUL, AKTAU, attachment=b"another")
        court.exchange(node)
        assert node.client.outcome.problems == ["exchange.busy"]
        with pytest.raises(Unreachable, match="store.down"):
            court.centre.blobs.read(hashlib.sha256(LARGE).digest())
        with pytest.raises(Unreachable, match="store.down"):
            court.centre.blobs.check_store()
    assert fetch(node.database, "SELECT COUNT(*) FROM entry WHERE node = 1001 AND log_index IS NULL") == [(0,)]
    assert "store of files: write" in caplog.text
    assert not [secret for secret in (*KEYS.values(), s3.endpoint, "127.0.0.1") if secret in caplog.text]


def test_rot_and_loss_in_the_store_are_found(court: Court, s3: S3) -> None:
    """Row 56: `fsck` reads the store as it reads a folder."""
    node = court.machine(1001)
    court.file(node, AIGUL, AKTAU, attachment=LARGE)
    court.settle()
    s3.put(place(LARGE), LARGE[:-1] + b"!")
    assert findings(court) == {("blob.rot", hashlib.sha256(LARGE).hexdigest())}
    Bucket(s3.url).remove(place(LARGE))
    assert findings(court) == {("blob.rot", hashlib.sha256(LARGE).hexdigest())}
    with pytest.raises(NotFound, match="blob.absent"):
        court.centre.blobs.chunk(hashlib.sha256(LARGE).digest(), 0)


def test_what_is_erased_goes_when_the_store_answers_again(court: Court, s3: S3) -> None:
    """Row 73: a store that does not answer keeps the order waiting, and the next fold removes the file."""
    data = b"erased by an act"
    sha256 = court.centre.blobs.put(data)
    fetch(court.centre.database, "DELETE FROM blob WHERE sha256 = ?", (sha256,))
    fetch(court.centre.database, "INSERT INTO doomed (sha256) VALUES (?)", (sha256,))
    s3.down = True
    assert court.centre.blobs.bury() == 0
    court.centre.register.fold_pending()
    s3.down = False
    assert place(data) in s3.names()
    court.centre.register.fold_pending()
    assert place(data) not in s3.names()
    assert fetch(court.centre.database, "SELECT 1 FROM doomed") == []


def test_the_commands_take_the_store_from_the_settings(
    court: Court, s3: S3, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    node = court.machine(1001)
    court.file(node, AIGUL, AKTAU, attachment=LARGE)
    court.settle()
    (court.centre.data / "central.toml").write_text(f'blobs = "{s3.url}"\n')
    centre = str(court.centre.data)
    assert cli.main(["--data", centre, "fsck"]) == 0
    assert cli.main(["--data", centre, "backup", str(court.folder / "copy")]) == 0
    assert f"Files stay in {s3.url}" in capsys.readouterr().out
    s3.put(place(LARGE), b"?")
    assert cli.main(["--data", centre, "fsck"]) == 1
    monkeypatch.setenv("SOT_CENTRAL_BLOBS", "s3://no-such-bucket/register")
    assert cli.main(["--data", centre, "fsck"]) == 1
    assert capsys.readouterr().err.startswith("store.down")


def test_a_store_without_this_registers_files_is_not_served_from(court: Court, s3: S3) -> None:
    """A mistyped prefix must not make every file count as damaged."""
    court.centre.blobs.check_store()
    court.file(court.machine(1001), AIGUL, AKTAU, attachment=LARGE)
    court.settle()
    court.centre.blobs.check_store()
    court.keep_files(f"{s3.url}/elsewhere", Bucket(f"{s3.url}/elsewhere"))
    with pytest.raises(Corrupt, match="store.stranger"):
        court.centre.blobs.check_store()
    assert fetch(court.centre.database, "SELECT 1 FROM damaged") == []


@pytest.mark.parametrize(
    "url", ["http://x/y", "s3://key:secret@bucket/x", "file:///tmp/x", "memory://x", "s3://b", "s3://bucket//x", "s3://a/../b"]
)
def test_a_place_without_a_promise_is_refused(
    court: Court, monkeypatch: pytest.MonkeyPatch, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOT_CENTRAL_BLOBS", url)
    assert cli.main(["--data", str(court.centre.data), "fsck"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("config.value")
    assert "secret" not in said


def test_a_store_whose_part_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    with pytest.raises(Refused, match="store.missing"):
        Bucket("s3://sot-files/register")
