"""The bench runs, whatever it finds on a busy machine: every part prints its table."""

from pathlib import Path

import pytest

from tests.bench.__main__ import main


@pytest.mark.slow
def test_every_part_prints_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--rounds", "3", "--filings", "60", "--entries", "40", "--revoked", "1000"]
    status = main([*sizes, "--folder", str(tmp_path), "--width", "120"])
    said = capsys.readouterr().out
    assert status in (0, 1)
    for title in ("A filing's commit", "Pages", "First sync", "Idle exchange", "Keys and papers", "Revocation lists"):
        assert title in said
    assert "round trips" in said
    assert ("Every goal holds." in said) == (status == 0)


@pytest.mark.slow
def test_a_small_country_comes_back_and_a_short_history_grows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Row 33: what `make bench-country` does at full size: everybody has R1 of everything, which is in the register once."""
    sizes = ["--history", "100", "200", "--machines", "6", "--each", "2", "--rounds", "1"]
    status = main(["--only", "history", "country", *sizes, "--folder", str(tmp_path), "--width", "140"])
    said = capsys.readouterr().out
    assert status in (0, 1)
    assert "6 of 6" in said
    assert "CPU of the centre after 200 entries, over 100" in said


def test_a_part_nobody_knows_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "weather"])
    assert "weather" in capsys.readouterr().err
