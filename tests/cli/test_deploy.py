"""What lies in deploy/ is tried: the proxy in front of a real node, the units in systemd's own eyes."""

import configparser
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.court import Court
from tests.processes.machines import ROOT, Machine, free_port

DEPLOY = ROOT / "deploy"
UNITS = ("sot-edge.service", "sot-central.service", "sot-central-front@.service")
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


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_names_folder_and_command_as_the_guide_does(unit: str) -> None:
    reader = configparser.ConfigParser(strict=False, interpolation=None)
    reader.optionxform = str  # type: ignore[assignment,method-assign]
    reader.read_string((DEPLOY / unit).read_text())
    service = reader["Service"]
    assert service["ExecStart"].endswith(f"--data /var/lib/{service['StateDirectory']} run")
    assert f"/var/lib/{service['StateDirectory']}" in (DEPLOY / "README.md").read_text()
    assert unit in (DEPLOY / "README.md").read_text()


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_wrong_with_a_unit(unit: str, tmp_path: Path) -> None:
    analyse = shutil.which("systemd-analyze")
    if analyse is None:
        pytest.skip("systemd-analyze is not installed")
    text = (DEPLOY / unit).read_text().replace("/opt/sot/venv/bin/python", sys.executable).replace("User=sot", "User=root")
    (tmp_path / unit).write_text(text)
    done = subprocess.run([analyse, "verify", str(tmp_path / unit)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_demo_says_which_machine_ended_and_of_what(tmp_path: Path) -> None:
    for name in ("centre", "node-1976", "node-7518"):
        (tmp_path / name).mkdir()  # nobody has enrolled here
    (tmp_path / "demo.json").write_text("{}")
    command = [sys.executable, "-m", "deploy.demo", "--data", str(tmp_path), "--port", str(free_port())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    name = next(each for each in ("centre", "node-1976", "node-7518") if f"{each} has ended: status 1." in done.stdout)
    said = (tmp_path / f"{name}.log").read_text().strip()
    assert said in done.stdout
    assert said
