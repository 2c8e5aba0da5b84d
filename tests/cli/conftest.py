"""What the tests of the command lines share: a register with one enrolled machine, and a way to run a command."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_runs import Run, Said

from central import cli as central_cli
from edge import cli as edge_cli
from tests.court import Court

MAINS = {"edge": edge_cli.main, "central": central_cli.main}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `python -m SIDE --data FOLDER …` in this process."""
    monkeypatch.setenv("COLUMNS", "160")

    def run(side: str, data: Path, *arguments: object) -> Said:
        capsys.readouterr()
        try:
            status = MAINS[side](["--data", str(data), *map(str, arguments)])
        except SystemExit as end:  # argparse speaks this way
            status = int(str(end.code))
        said = capsys.readouterr()
        return Said(status, said.out, said.err)

    return run


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Court]:
    court = Court(tmp_path)
    court.publish_reference()
    yield court
    for node in court.nodes:
        node.close()
    court.centre.close()
