"""The driver for comparisons does what its description says, over real HTTP with real processes, and what arrives is what was sent."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bench.peer import changed, from_claim, to_claim
from tests.processes.machines import ROOT, free_port, wait_until_served

RECORD: dict[str, Any] = {
    "id": "00112233445566778899aabbccddeeff",
    "case_no": "AST-01-2024-00017",
    "court": "AST-01",
    "category": "civil.debt",
    "lang": "kk",
    "filed_at": "2024-01-08T09:10:11+05:00",
    "judge": "Айгүл Омарова",
    "plaintiff": {"name": "Ерлан Сәкенұлы", "iin": "790615300311"},
    "defendant": {"name": "Динара Ерболқызы", "iin": "880909400175"},
    "claim_kzt": 1_234_560,
    "state_fee_kzt": 4_321,
    "status": "registered",
    "attachment_sha256": "ab" * 32,
    "text": "қарыз шарты бойынша міндеттеме мерзімінде орындалмады",
}
COMMAND = [sys.executable, "-m", "tests.bench.peer"]


class Driven:
    """A centre and an edge as the harness starts them."""

    def __init__(self, folder: Path) -> None:
        self.folder, port = folder, free_port()
        self._log = (folder / "log").open("wb")
        self._centre = subprocess.Popen([*COMMAND, "central", *self._at("centre", port)], cwd=ROOT, stdout=self._log, stderr=self._log)
        wait_until_served(f"http://127.0.0.1:{port}/checkpoint", lambda: self._centre.poll() is None, folder / "log")
        arguments = ["edge", *self._at("edge", port), "--centre-dir", str(folder / "centre")]
        self._edge = subprocess.Popen(
            [*COMMAND, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True
        )

    def _at(self, name: str, port: int) -> list[str]:
        return ["--port", str(port), "--dir", str(self.folder / name)]

    def say(self, **asked: Any) -> dict[str, Any]:
        assert self._edge.stdin
        assert self._edge.stdout
        self._edge.stdin.write(json.dumps(asked) + "\n")
        self._edge.stdin.flush()
        answer: dict[str, Any] = json.loads(self._edge.stdout.readline())
        return answer

    def ask(self, *arguments: str) -> Any:
        command = [*COMMAND, arguments[0], "--dir", str(self.folder / "centre"), *arguments[1:]]
        return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)

    def close(self) -> None:
        for process in (self._edge, self._centre):
            process.kill()
            process.communicate()
        self._log.close()


@pytest.fixture
def driven(tmp_path: Path) -> Iterator[Driven]:
    driven = Driven(tmp_path)
    yield driven
    driven.close()


@pytest.mark.slow
def test_what_is_loaded_and_changed_is_in_the_tables_of_the_centre(driven: Driven) -> None:
    lines = [{**RECORD, "id": f"{number:032x}"} for number in range(1, 4)]
    records = driven.folder / "records.ndjson"
    records.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    paper = driven.folder / "paper.pdf"
    paper.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 5_000)
    assert driven.say(cmd="load", n=3, records=str(records))["ok"]
    assert driven.say(cmd="blobs", paths=[str(paper)])["ok"]
    assert driven.ask("count") == {"records": 0, "blobs": 0}
    assert driven.say(cmd="sync", both=False)["ok"]
    assert driven.ask("count") == {"records": 3, "blobs": 1}
    assert driven.ask("get", lines[2]["id"]) == lines[2]
    assert driven.say(cmd="change", n=1, round=2, records=str(records))["ok"]
    assert driven.say(cmd="sync", both=True)["ok"]
    assert driven.ask("get", lines[0]["id"]) == changed(lines[0], 2)
    assert driven.ask("get", lines[1]["id"]) == lines[1]
    refused = driven.say(cmd="load", n=9, records=str(records))
    assert refused["ok"] is False
    assert refused["error"]


def test_a_record_comes_back_from_its_claim() -> None:
    names = {role: RECORD[role]["name"] for role in ("plaintiff", "defendant")}
    sums = (RECORD["claim_kzt"] * 100, RECORD["state_fee_kzt"] * 100)
    assert from_claim(to_claim(RECORD), RECORD["id"], names, *sums) == RECORD
