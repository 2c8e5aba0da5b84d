"""A setting that is wrong is refused by its name, before anything else happens."""

from pathlib import Path

import pytest
from command_runs import Run


@pytest.mark.parametrize(
    ("side", "file", "text", "code", "name"),
    [
        ("edge", "edge.toml", 'listne = "127.0.0.1:1"', "config.unknown", "listne"),
        ("edge", "edge.toml", "[listen]\nport = 1", "config.value", "listen"),
        ("edge", "edge.toml", "interval_seconds = 1", "config.value", "interval_seconds"),
        ("edge", "edge.toml", 'interval_seconds = "often"', "config.value", "interval_seconds"),
        ("edge", "edge.toml", 'surface = "tablet"', "config.value", "surface"),
        ("edge", "edge.toml", 'centre = "register.example"', "config.value", "centre"),
        ("edge", "edge.toml", "threads = 0", "config.value", "threads"),
        ("edge", "edge.toml", 'log_level = "LOUD"', "config.value", "log_level"),
        ("edge", "edge.toml", "listen = ", "config.toml", "edge.toml"),
        ("edge", "edge.toml", "listen = '\udcff'", "config.toml", "edge.toml"),
        ("central", "central.toml", 'surface = "kiosk"', "config.unknown", "surface"),
        ("central", "central.toml", 'tls_proxy = "perhaps"', "config.value", "tls_proxy"),
        ("central", "central.toml", 'crl = "crl.pki.gov.kz"', "config.value", "crl"),
    ],
)
def test_a_wrong_settings_file_is_refused_by_name(run: Run, tmp_path: Path, side: str, file: str, text: str, code: str, name: str) -> None:
    (tmp_path / file).write_bytes(text.encode("utf-8", "surrogateescape"))
    said = run(side, tmp_path, "run")
    assert said.status == 1
    assert said.error.startswith(code)
    assert name in said.error


def test_a_settings_file_that_cannot_be_read_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "edge.toml").mkdir()
    assert run("edge", tmp_path, "run").error.startswith("config.unreadable")


@pytest.mark.parametrize(
    ("variable", "value", "code", "name"),
    [
        ("SOT_EDGE_LISTNE", "x", "config.unknown", "listne"),
        ("SOT_EDGE_THREADS", "many", "config.value", "threads"),
        ("SOT_EDGE_THREADS", "65", "config.value", "threads"),
        ("SOT_EDGE_TLS_PROXY", "perhaps", "config.value", "tls_proxy"),
        ("SOT_EDGE_LISTEN", "8001", "config.listen", "listen"),
        ("SOT_EDGE_LISTEN", "127.0.0.1:99999", "config.listen", "listen"),
        ("SOT_EDGE_LISTEN", "127.0.0.1:²", "config.listen", "listen"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, code: str, name: str
) -> None:
    monkeypatch.setenv(variable, value)
    said = run("edge", tmp_path, "run")
    assert said.status == 1
    assert said.error.startswith(code)
    assert name in said.error


def test_the_environment_wins_over_the_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "edge.toml").write_text('listen = "nowhere"')
    assert run("edge", tmp_path, "run").error.startswith("config.listen")
    monkeypatch.setenv("SOT_EDGE_LISTEN", "127.0.0.1:8001")
    assert run("edge", tmp_path, "run").error.startswith("identity.missing")


def test_variables_of_the_other_side_mean_nothing_here(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOT_CENTRAL_NONSENSE", "1")
    assert run("edge", tmp_path, "run").error.startswith("identity.missing")
    monkeypatch.setenv("SOT_EDGE_NONSENSE", "1")
    assert run("central", tmp_path, "run").error.startswith("config.unknown")  # its own is still there
    monkeypatch.delenv("SOT_CENTRAL_NONSENSE")
    assert run("central", tmp_path, "run").error.startswith("identity.missing")


@pytest.mark.parametrize("side", ["edge", "central"])
@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "[::]", "court.example"])
def test_only_loopback_is_served_without_a_proxy(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str, host: str) -> None:
    monkeypatch.setenv(f"SOT_{side.upper()}_LISTEN", f"{host}:8001")
    said = run(side, tmp_path, "run")
    assert said.status == 1
    assert said.error.startswith("config.not_loopback")
    assert host in said.error
    monkeypatch.setenv(f"SOT_{side.upper()}_TLS_PROXY", "true")
    assert run(side, tmp_path, "run").error.startswith("identity.missing")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_needs_no_proxy(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("SOT_EDGE_LISTEN", f"{host}:0")
    assert run("edge", tmp_path, "run").error.startswith("identity.missing")


def test_the_folder_can_come_from_the_environment(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "edge.toml").write_text("wrong = 1")
    monkeypatch.setenv("SOT_EDGE_DATA", str(tmp_path / "there"))
    assert run("edge", tmp_path / "here", "run").error.startswith("identity.missing")  # --data wins
    from edge.cli import main

    assert main(["run"]) == 1
