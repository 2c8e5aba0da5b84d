"""The guide of deploy/README.md on a real systemd: installed, enrolled, started at boot, killed, backed up, restored, switched off."""

import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.version import VERSION
from tests.processes import booting, wheels
from tests.processes.booting import Host
from tests.processes.machines import ROOT

SERVED_SECONDS = 60
PACKAGES = "/opt/packages"
"""Where the packages of this environment are seen: units see nothing below /root, /home and /tmp."""
INSTALL = f"""set -e
install -m 644 /mnt/deploy/sot-sysusers.conf /usr/lib/sysusers.d/sot.conf && systemd-sysusers
python3 -m venv /opt/sot/releases/{VERSION}
/opt/sot/releases/{VERSION}/bin/pip install --no-index --no-deps /mnt/wheels/*.whl
ln -s releases/{VERSION} /opt/sot/current
cp -r /mnt/deploy/systemd/. /etc/systemd/system/ && systemctl daemon-reload
install -d -o sot -g sot -m 700 /var/lib/sot-edge /var/lib/sot-central /var/backups/sot
"""
HOST_KEY = """set -e
mkdir -p /etc/credstore.encrypted /etc/systemd/system/sot-edge.service.d
head -c 32 /dev/urandom | systemd-creds encrypt --with-key=host --name=host.key - /etc/credstore.encrypted/host.key
cp /mnt/deploy/systemd/host-key.conf /etc/systemd/system/sot-edge.service.d/ && systemctl daemon-reload
"""
LOSE_THE_DISK = """set -e
systemctl stop sot-edge && mv /var/lib/sot-edge /lost && install -d -o sot -g sot -m 700 /var/lib/sot-edge
cd /lost && cp -a node.keys register.pin centre.certificate edge.toml trust /var/lib/sot-edge
"""
"""But for what lies in the safe."""
SERVED = {"sot-central": "http://127.0.0.1:8000/checkpoint", "sot-edge": "http://127.0.0.1:8001/static/theme.css"}


def sot(host: Host, side: str, arguments: str) -> str:
    """Give a command as an operator does and return what it said."""
    return host.run(f"runuser -u sot -- /opt/sot/current/bin/python -I -m {side} --data /var/lib/sot-{side} {arguments}")


def wait_until_served(host: Host, unit: str) -> None:
    ask = f"import urllib.request; urllib.request.urlopen('{SERVED[unit]}', timeout=5)"
    until = time.monotonic() + SERVED_SECONDS
    while said := host.run(f'python3 -c "{ask}"', status=None):
        assert time.monotonic() < until, said + host.run(f"journalctl --no-pager -n 40 -u {unit}", status=None)
        time.sleep(0.2)


def shown(host: Host, unit: str, name: str) -> str:
    return host.run(f"systemctl show --value --property={name} {unit}").strip()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A running computer on which the section «Installing» was followed."""
    if why := booting.missing(tmp_path / "host"):
        pytest.skip(why)
    asked = subprocess.run(
        ["/usr/bin/python3", "-c", "import ensurepip, sys; print(*sys.version_info[:2])"], capture_output=True, text=True
    )
    if asked.stdout.split() != [str(part) for part in sys.version_info[:2]]:
        pytest.skip("the system's own Python has no venv, or cannot use the packages of this environment")
    shared = tmp_path / "shared"
    shutil.copytree(ROOT / "deploy", shared / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    wheel = wheels.build(tmp_path / "built")
    (shared / "wheels").mkdir()
    shutil.copy(wheel, shared / "wheels")
    wheels.dependencies(shared / "wheels", PACKAGES)
    with Host(tmp_path / "host", {"/mnt": shared, PACKAGES: Path(sysconfig.get_path("purelib"))}) as host:
        host.boot()
        host.run(INSTALL)
        yield host


def test_a_centre_and_a_node_live_under_systemd(host: Host) -> None:
    sot(host, "central", "init --name Register")
    host.run("systemctl enable --now sot-central")
    wait_until_served(host, "sot-central")
    code, *_ = sot(host, "central", "enrol --node 1001 --name Aktau --courts kz-7").split()
    sot(host, "edge", "init --centre http://127.0.0.1:8000")
    sot(host, "edge", f"enrol --code {code}")
    host.run(HOST_KEY)
    host.run("systemctl enable --now sot-edge sot-backup@edge.timer")
    wait_until_served(host, "sot-edge")

    killed = shown(host, "sot-edge", "MainPID")
    assert host.run(f"stat -c %U /proc/{killed}").strip() == "sot"
    assert "host.key" not in host.run("ls /var/lib/sot-edge"), "the key of the drafts comes from systemd"
    sot(host, "edge", "sync")
    host.run("systemctl kill --signal=KILL sot-edge")
    wait_until_served(host, "sot-edge")
    assert shown(host, "sot-edge", "MainPID") != killed

    host.run("systemctl start sot-backup@edge")
    host.power_off()
    host.boot()
    for unit in SERVED:
        wait_until_served(host, unit)
        assert shown(host, unit, "NRestarts") == "0"
    assert "sot-backup@edge.timer" in host.run("systemctl list-timers --no-pager")

    host.run(LOSE_THE_DISK)
    sot(host, "edge", "restore /var/backups/sot/edge")
    assert "Everything" in sot(host, "edge", "fsck")
    host.run("systemctl start sot-edge")
    wait_until_served(host, "sot-edge")
    sot(host, "edge", "sync")
