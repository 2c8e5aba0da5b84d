"""The national CA is trusted only after a person has seen its fingerprint."""

import hashlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from command_runs import Run

from common.clock import SystemClock
from common.pki.authority import Authority
from common.pki.trust import Trust

NOW = SystemClock().now()
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create("p256", "СЫНАҚ ОРТАЛЫҒЫ", at_ms=NOW - DAY_MS)


@pytest.fixture
def files(authority: Authority, tmp_path: Path) -> Path:
    (tmp_path / "root.cer").write_bytes(authority.anchors()[0])
    (tmp_path / "issuer.cer").write_bytes(authority.authorities()[0])
    (tmp_path / "list.crl").write_bytes(authority.crl(NOW - DAY_MS, NOW + DAY_MS, number=1))
    return tmp_path


def at_a_terminal(*arguments: object, answer: str) -> tuple[int, str]:
    """Run a command on a terminal, type ``answer``, and return the exit status with everything that stood there."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "edge", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "TERM": "dumb", "COLUMNS": "160"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        os.write(ours, answer.encode() + b"\n")
        seen = b""
        try:
            while part := os.read(ours, 4096):
                seen += part
        except OSError:  # Linux says so when the other end of a terminal is closed
            pass
        os.close(ours)
        return process.wait(20), seen.decode()


def fingerprint(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest().upper()


def test_a_certificate_is_shown_asked_back_and_trusted(files: Path, authority: Authority) -> None:
    status, seen = at_a_terminal("--data", files, "trust", "add", files / "root.cer", answer="y")
    assert status == 0
    assert "СЫНАҚ ОРТАЛЫҒЫ" in seen
    assert "[y/N]" in seen
    assert fingerprint(authority.anchors()[0]) in "".join(char for char in seen if char.isalnum())
    assert len(Trust.load(files / "trust").anchors()) == 1


@pytest.mark.parametrize("answer", ["n", "", "perhaps"])
def test_any_other_answer_changes_nothing(files: Path, answer: str) -> None:
    status, seen = at_a_terminal("--data", files, "trust", "add", files / "root.cer", answer=answer)
    assert status == 1
    assert "Nothing was changed." in seen
    assert Trust.load(files / "trust").anchors() == ()


def test_without_a_terminal_nothing_is_trusted_unasked(run: Run, files: Path) -> None:
    said = run("edge", files, "trust", "add", files / "root.cer")
    assert (said.status, said.error.split()[0]) == (1, "command.no_terminal")
    assert "SHA-256" in said.out
    assert Trust.load(files / "trust").anchors() == ()


@pytest.mark.parametrize("side", ["edge", "central"])
def test_yes_is_for_those_who_have_compared_already(run: Run, files: Path, authority: Authority, side: str) -> None:
    for name in ("root.cer", "issuer.cer"):
        assert run(side, files, "trust", "add", "--yes", files / name).status == 0
    said = run(side, files, "crl", "import", "--yes", files / "list.crl")
    assert said.status == 0
    assert fingerprint((files / "list.crl").read_bytes()) in "".join(char for char in said.out if char.isalnum())
    trust = Trust.load(files / "trust")
    assert (len(trust.anchors()), len(trust.authorities()), len(trust.crls())) == (1, 1, 1)


def test_a_list_of_a_strange_centre_is_refused(run: Run, files: Path) -> None:
    said = run("edge", files, "crl", "import", "--yes", files / "list.crl")
    assert (said.status, said.error.split()[0]) == (1, "crl.unknown_issuer")


def test_an_older_list_does_not_replace_a_newer_one(run: Run, files: Path, authority: Authority) -> None:
    for name in ("root.cer", "issuer.cer"):
        run("edge", files, "trust", "add", "--yes", files / name)
    (files / "newer.crl").write_bytes(authority.crl(NOW, NOW + DAY_MS, number=2))
    assert run("edge", files, "crl", "import", "--yes", files / "newer.crl").status == 0
    said = run("edge", files, "crl", "import", "--yes", files / "list.crl")
    assert (said.status, said.error.split()[0]) == (1, "crl.older")


@pytest.mark.parametrize(
    ("command", "content", "code"),
    [
        ("trust add", b"no certificate", "pki.certificate_broken"),
        ("crl import", b"no list", "crl.broken"),
        ("trust add", None, "file.unreadable"),
        ("crl import", None, "file.unreadable"),
    ],
)
def test_a_file_that_is_no_such_thing_is_refused(run: Run, tmp_path: Path, command: str, content: bytes | None, code: str) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    said = run("edge", tmp_path, *command.split(), "--yes", tmp_path / "file")
    assert (said.status, said.error.split()[0]) == (1, code)


def test_a_person_is_not_a_centre(run: Run, authority: Authority, tmp_path: Path) -> None:
    person = authority.issue_person("АХМЕТОВ", "НҰРБОЛ", "", "830505300559", not_before_ms=NOW)
    (tmp_path / "person.cer").write_bytes(person.certificate.der)
    said = run("edge", tmp_path, "trust", "add", "--yes", tmp_path / "person.cer")
    assert (said.status, said.error.split()[0]) == (1, "pki.not_an_authority")


def test_a_name_cannot_forge_what_stands_around_it(run: Run, tmp_path: Path) -> None:
    rogue = Authority.create("p256", "[/] [bold]Root\x1b[2A\rSHA-256", at_ms=NOW)
    (tmp_path / "rogue.cer").write_bytes(rogue.anchors()[0])
    said = run("edge", tmp_path, "trust", "add", tmp_path / "rogue.cer")
    assert "\x1b" not in said.out
    assert "[/] [bold]Root[U+001B][2A" in said.out
