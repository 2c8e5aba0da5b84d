"""What lies in deploy/ is tried: the proxy in front of a real node, the units in systemd's own eyes and as what they start."""

import configparser
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from common.config import load
from common.errors import Corrupt
from deploy import demo, demo_country
from edge import cli as edge_cli
from edge.config import EdgeConfig
from edge.services.vault import HOST_KEY_FILE, Vault
from sync.identity import load_identity
from tests.court import Court
from tests.processes.machines import ROOT, Machine, free_port, wait_until_served

DEPLOY = ROOT / "deploy"
SYSTEMD = DEPLOY / "systemd"
EXPOSURE_MAX = 25
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
YEAR_SECONDS = 31_536_000


def certificate(folder: Path) -> None:
    """Make a certificate for 127.0.0.1, as an administrator would get one for the court's name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "court.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(made.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[str]:
    """The address of a node behind the proxy of deploy/, with ports of our own."""
    if NGINX is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    if os.geteuid() != 0:
        pytest.skip("nginx wants its own folders: run as root")
    court = Court(tmp_path)
    court.publish_reference()
    node = court.node("kz-7")
    node.close()
    court.centre.close()
    machine = Machine("edge", node.data, settings={"tls_proxy": "true", "surface": "home", "interval_seconds": "3600"})
    port = free_port()
    example = (DEPLOY / "proxy-nginx.conf").read_text()
    assert "listen 8443 ssl;" in example
    assert "http://127.0.0.1:8001;" in example
    mine = example.replace("listen 8443 ssl;", f"listen 127.0.0.1:{port} ssl;").replace("127.0.0.1:8001;", f"127.0.0.1:{machine.port};")
    (tmp_path / "proxy-nginx.conf").write_text(mine)
    certificate(tmp_path)
    with contextlib.ExitStack() as ends:
        machine.start()
        ends.callback(machine.kill)
        orders = f"daemon off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/nginx.log;"
        command = [NGINX, "-p", str(tmp_path), "-c", "proxy-nginx.conf", "-g", orders]
        nginx = ends.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        ends.callback(nginx.terminate)
        wait_for(port)
        yield f"https://127.0.0.1:{port}"


def wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("nginx does not listen")


@pytest.mark.slow
def test_behind_the_proxy_everything_is_private(proxied: str, tmp_path: Path) -> None:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(tmp_path / "certificate.pem")
    answer = session.get(f"{proxied}/enter", timeout=60)
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"] == f"max-age={YEAR_SECONDS}"
    cookie = answer.headers["Set-Cookie"]
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite"))
    assert "key_password" in answer.text  # the page that takes a key is served: TLS stands in front
    led = session.get(f"{proxied}/cabinet", timeout=60, allow_redirects=False)
    assert led.headers["Location"].startswith("/enter")
    theme = session.get(f"{proxied}/static/theme.css", timeout=60)
    assert theme.status_code == 200
    token = answer.text.split('name="csrf_token" value="')[1].split('"')[0]
    refused = session.post(
        f"{proxied}/enter", data={"csrf_token": token}, headers={"Referer": f"{proxied}/enter"}, timeout=60, allow_redirects=False
    )
    assert refused.status_code == 400  # the form came back with its own errors, not with a broken token
    assert "csrf" not in refused.text.lower().replace("csrf_token", "")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of deploy/ as systemd would read it: its own file after what holds for all; ``instance`` for a template."""

    name: str
    instance: str = ""

    def setting(self, key: str) -> str:
        reader = configparser.ConfigParser(strict=False, interpolation=None)
        reader.optionxform = str  # type: ignore[assignment,method-assign]
        reader.read([SYSTEMD / "sot-.service.d" / "hardening.conf", SYSTEMD / self.name], "utf-8")
        return reader["Service"][key].replace("%i", self.instance)

    def command(self, folder: Path) -> list[str]:
        """Return what it starts, with this Python and with ``folder`` in place of /var."""
        return [
            word.replace("/opt/sot/current/bin/python", sys.executable).replace("/var/", f"{folder}/")
            for word in self.setting("ExecStart").split()
            if word != "-I"  # the checkout is no installed wheel
        ]


RUNNING = (
    Unit("sot-edge.service"),
    Unit("sot-edge@.service", "1976"),
    Unit("sot-central.service"),
    Unit("sot-central-front@.service", "8010"),
)
VERIFIED = (
    "sot-edge.service",
    "sot-edge@1976.service",
    "sot-central.service",
    "sot-central-front@8010.service",
    "sot-backup@edge.service",
    "sot-backup@central.timer",
)


@pytest.mark.parametrize("unit", RUNNING, ids=lambda unit: unit.name)
def test_a_unit_names_folder_and_command_as_the_guide_does(unit: Unit) -> None:
    state = unit.setting("StateDirectory")
    guide = (DEPLOY / "README.md").read_text()
    assert unit.setting("ExecStart").endswith(f"--data /var/lib/{state} run")
    assert unit.setting("ExecStart").startswith("/opt/sot/current/bin/python -I -m ")
    assert (unit.setting("User"), unit.setting("StateDirectoryMode"), unit.setting("Restart")) == ("sot", "0700", "always")
    assert f"/var/lib/{state}" in guide
    assert f"systemd/{unit.name}" in guide


def test_the_two_units_of_a_node_differ_in_the_instance_alone() -> None:
    one, many = ((SYSTEMD / name).read_text() for name in ("sot-edge.service", "sot-edge@.service"))
    assert many.replace("-%i", "").replace(" %i", "") == one


@pytest.fixture
def analyse(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Let systemd look at the units as they lie in /etc, with a Python and a user that are here."""
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed")
    shutil.copytree(SYSTEMD, tmp_path, dirs_exist_ok=True)
    (tmp_path / "sot-edge.service.d").mkdir()
    shutil.move(tmp_path / "host-key.conf", tmp_path / "sot-edge.service.d")
    for path in tmp_path.rglob("*.*"):
        if path.is_file():
            path.write_text(path.read_text().replace("/opt/sot/current/bin/python", sys.executable).replace("User=sot", "User=root"))
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([found, *arguments], capture_output=True, text=True, timeout=60, env=environment)

    return run


@pytest.mark.parametrize("unit", VERIFIED)
def test_systemd_finds_nothing_wrong_with_a_unit(unit: str, analyse: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = analyse("verify", unit)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", [unit for unit in VERIFIED if unit.endswith(".service")])
def test_a_unit_may_do_little(unit: str, analyse: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """systemd's own measure: 100 for a unit that says nothing. What holds for all units is found by each."""
    done = analyse("security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", unit)
    assert done.returncode == 0, done.stdout


def test_systemd_makes_the_user() -> None:
    sysusers = shutil.which("systemd-sysusers")
    if sysusers is None:
        pytest.skip("systemd-sysusers is not installed")
    done = subprocess.run([sysusers, "--dry-run", str(DEPLOY / "sot-sysusers.conf")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def host_key(tmp_path: Path) -> Path:
    """A key as systemd unseals it for the unit; sealed to this host, for a test machine may have no TPM."""
    creds = shutil.which("systemd-creds")
    if creds is None or os.geteuid() != 0:
        pytest.skip("systemd-creds is not installed, or this is not root")
    (tmp_path / "plain").write_bytes(os.urandom(32))
    subprocess.run([creds, "encrypt", "--with-key=host", "--name=host.key", tmp_path / "plain", tmp_path / "sealed"], check=True)
    subprocess.run([creds, "decrypt", "--name=host.key", tmp_path / "sealed", tmp_path / "host.key"], check=True)
    assert (tmp_path / "host.key").read_bytes() == (tmp_path / "plain").read_bytes()
    return tmp_path / "host.key"


def test_drafts_are_wrapped_by_the_key_that_systemd_hands_over(host_key: Path, tmp_path: Path) -> None:
    """With it drafts open, the folder holds none; without it, or with another one, they say so and nothing else is lost."""
    given = configparser.ConfigParser(interpolation=None)
    given.optionxform = str  # type: ignore[assignment,method-assign]
    given.read(SYSTEMD / "host-key.conf")
    name, _, place = given["Service"]["Environment"].partition("=")
    environment = {name: place.replace("%d", str(host_key.parent))}
    config = load(EdgeConfig, None, environment, prefix=edge_cli.ENVIRONMENT_PREFIX)
    assert given["Service"]["LoadCredentialEncrypted"] == host_key.name
    box = Vault(tmp_path, config.host_key)
    key, wrapped = box.new_key(b"draft")
    assert not (tmp_path / "elsewhere" / HOST_KEY_FILE).exists()
    assert Vault(tmp_path / "elsewhere", config.host_key).open_key(wrapped, b"draft") == key
    host_key.write_bytes(bytes(32))
    with pytest.raises(Corrupt, match="draft.key"):
        Vault(tmp_path, config.host_key).open_key(wrapped, b"draft")
    host_key.unlink()
    with pytest.raises(Corrupt, match="draft.host_key"):
        Vault(tmp_path, config.host_key)


@pytest.mark.slow
def test_two_nodes_run_on_one_host_and_are_backed_up_and_restored(tmp_path: Path) -> None:
    """Courts without a node: the units' own commands, two instances with folders, ports and keys of their own."""
    court = Court(tmp_path)
    court.publish_reference()
    instances = {}
    for number, place in ((1976, "kz-283"), (7518, "kz-7")):
        node = court.node(place, number=number)
        node.close()
        unit = Unit("sot-edge@.service", str(number))
        folder = tmp_path / "lib" / unit.setting("StateDirectory")
        folder.parent.mkdir(exist_ok=True)
        shutil.move(node.data, folder)
        port = free_port()
        settings = f'listen = "127.0.0.1:{port}"\ncentre = "http://127.0.0.1:9"\ninterval_seconds = 3600\n'
        (folder / "edge.toml").write_text(settings)
        instances[number] = (unit, folder, port)
    court.centre.close()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SOT_")} | {"PYTHONPATH": str(ROOT)}
    started: list[tuple[int, subprocess.Popen[bytes], Path]] = []
    with contextlib.ExitStack() as ends:
        for unit, folder, port in instances.values():
            log = ends.enter_context((folder.parent / f"{folder.name}.log").open("wb"))
            process = ends.enter_context(subprocess.Popen(unit.command(tmp_path), env=environment, stdout=log, stderr=log))
            ends.callback(process.terminate)
            started.append((port, process, Path(log.name)))
        for port, process, path in started:
            wait_until_served(f"http://127.0.0.1:{port}/static/theme.css", lambda process=process: process.poll() is None, path)
        serial = {load_identity(folder).certificate.body.serial for _, folder, _ in instances.values()}
        assert len(serial) == 2
        (tmp_path / "lib" / "sot-edge").symlink_to(tmp_path / "lib" / "sot-edge-1976")
        copy = Unit("sot-backup@.service", "edge").command(tmp_path)
        assert copy[:3] == [sys.executable, "-m", "edge"]
        assert edge_cli.main(copy[3:]) == 0  # beside the running one
    backup = tmp_path / "backups" / "sot" / "edge"
    assert (backup / "node.db").exists()
    assert edge_cli.main(["--data", str(tmp_path / "lib" / "sot-edge"), "restore", str(backup)]) == 0


def test_a_demo_whose_making_was_cut_short_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C under the spinner is a clean end, and the next start does not trip over what it left."""
    made: list[bool] = []

    def build(folder: Path, *_: object, **__: object) -> None:
        made.append((folder / "centre").exists())
        (folder / "centre").mkdir()
        if len(made) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(demo_country, "_build", build)
    monkeypatch.setattr(demo, "_run", lambda data, port: 0 if (data / demo_country.READY_FILE).exists() else 9)
    data = str(tmp_path / "demo")
    assert demo.main(["--data", data]) == 130
    assert [demo.main(["--data", data]) for _ in range(2)] == [0, 0]
    assert made == [False, False]


def test_a_demo_is_not_made_among_strangers_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert demo.main(["--data", str(tmp_path)]) == 1
    assert "demo.folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
