"""The demo country as real processes, and a real Chromium before its pages.

demo.cut(AKTAU_NODE); …; demo.heal(AKTAU_NODE)          # the line of one node, and an exchange that meets it
page = demo.page(chromium, KIOSK)                       # a visitor; what the browser complains about is kept
enter(page, demo.aktau + "/enter", demo.key("sarsenova"))
"""

import base64
import contextlib
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import requests
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

from deploy.demo_country import NODES
from deploy.demo_people import PASSWORD

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
KIOSK = {"width": 1080, "height": 1920}
DESK = {"width": 1440, "height": 1000}
PHONE = {"width": 320, "height": 640}
START_SECONDS = 120
STOP_SECONDS = 40
COMMAND_SECONDS = 60
AKTAU_NODE, MEDEU_NODE = NODES[0][0], NODES[1][0]
ID = re.compile(r"[0-9a-f]{32,64}")


def free_ports() -> int:
    """Return a port after which two more are free: the centre's and those of the nodes."""
    for port in range(20_000 + os.getpid() % 10_000, LAST, 7):
        with contextlib.ExitStack() as doors:
            try:
                for each in range(port, port + 3):
                    doors.enter_context(socket.socket()).bind(("127.0.0.1", each))
            except OSError:
                continue
            return port
    raise RuntimeError("no three free ports in a row")


LAST = 60_000


@dataclass
class Demo:
    """The running demo; ``home`` is a node's copy as people see it on their own screen."""

    data: Path
    port: int
    home: str = ""

    @property
    def centre(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def aktau(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def medeu(self) -> str:
        return f"http://127.0.0.1:{self.port + 2}"

    def key(self, name: str) -> Path:
        return self.data / "keys" / f"{name}.p12"

    def edge(self, node: int, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one command of a node beside its running process."""
        command = [sys.executable, "-m", "edge", "--data", str(self.data / f"node-{node}"), *words]
        return subprocess.run(command, cwd=ROOT, env=self._environment(), capture_output=True, text=True, timeout=COMMAND_SECONDS)

    def cut(self, node: int) -> None:
        """Cut a node's line, and let an exchange notice it."""
        self._do(node, "line", "cut")
        assert self.edge(node, "sync").returncode == 1, "the line is cut and yet it carries"

    def heal(self, node: int) -> None:
        """Heal a node's line and exchange."""
        self._do(node, "line", "heal")
        self.exchange(node)

    def exchange(self, node: int) -> None:
        """Exchange now; where the node's own schedule is at it, the command waits its turn."""
        self._do(node, "sync")

    def _do(self, node: int, *words: str) -> None:
        done = self.edge(node, *words)
        assert done.returncode == 0, done.stderr

    def _environment(self) -> dict[str, str]:
        settings = {"SOT_EDGE_CENTRE": self.centre, "COLUMNS": "200"}
        return {**{name: value for name, value in os.environ.items() if not name.startswith("SOT_")}, **settings}

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run `make run` until the block ends; in a process group of its own, and nothing of it survives."""
        command = [sys.executable, "-m", "deploy.demo", "--data", str(self.data), "--port", str(self.port), "--weeks", "1"]
        log = self.data.with_suffix(".log")
        with log.open("ab") as out:
            process = subprocess.Popen(command, cwd=ROOT, env=self._environment(), stdout=out, stderr=out, start_new_session=True)
        try:
            self._wait(process, log)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # not reaped yet: the number is still its own
                process.wait()
                raise

    def _wait(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        end = time.monotonic() + START_SECONDS
        waiting = [self.centre, self.aktau, self.medeu]
        while waiting:
            assert process.poll() is None, f"the demo did not start:\n{log.read_text()[-3000:]}"
            assert time.monotonic() < end, f"no answer from {waiting}:\n{log.read_text()[-3000:]}"
            waiting = [url for url in waiting if not answers(url)]
            time.sleep(0.2)


def spki_pin(certificate: trustme.LeafCert) -> str:
    """Return what Chromium knows a certificate by: the SHA-256 of its key."""
    read = x509.load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes())
    spki = read.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()


def answers(url: str) -> bool:
    """Return whether somebody serves there without an error."""
    try:
        return requests.get(f"{url}/help", timeout=2).status_code == 200
    except requests.RequestException:
        return False


@dataclass
class Visitor:
    """One browser window and what it complained about: refused content, errors of scripts, answers of 500."""

    page: Page
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.heard.append(f"script: {error}"))
        self.page.on("response", lambda answer: self.heard.append(f"{answer.status} {answer.url}") if answer.status == 500 else None)

    def _console(self, said: ConsoleMessage) -> None:
        # the browser reports every answer above 399 as an error; which of them may be is the tests' business
        if said.type in ("error", "warning") and not said.text.startswith("Failed to load resource"):
            self.heard.append(f"{said.type}: {said.text} at {self.page.url}")


def visit(browser: Browser, size: dict[str, int], **options: object) -> Visitor:
    """Open a window of its own, with nothing of others in it."""
    return Visitor(browser.new_context(viewport=size, locale="kk-KZ", **options).new_page())  # type: ignore[arg-type]


def give_key(page: Page, key: Path) -> None:
    """Fill in the two fields of a key and press the form's last button."""
    page.set_input_files("#key_file", key)
    page.fill("#key_password", PASSWORD)
    page.locator("form:has(#key_file) button[type=submit]").last.click()


def enter(page: Page, url: str, key: Path) -> None:
    """Sign in by key; ends on the page behind the door."""
    page.goto(url)
    give_key(page, key)
    page.wait_for_url(lambda now: "/enter" not in now)


def arrive(page: Page, name: str) -> None:
    """Wait until the page whose address ends in ``name`` is there, whatever its anchor."""
    page.wait_for_url(lambda url: urlsplit(url).path.endswith(f"/{name}"))


def reload_until(page: Page, shown: Locator, *, count: int = 1) -> None:
    """Look again and again until ``shown`` is there: the register folds, and machines exchange, on their own time."""
    until = time.monotonic() + COMMAND_SECONDS
    while shown.count() < count:
        assert time.monotonic() < until, f"{page.url} does not show {shown}"
        page.wait_for_timeout(500)
        page.reload()


def end(page: Page) -> None:
    """End and erase, as the bar at the bottom does it."""
    page.locator(".reach button.erase").click()
    page.locator("main form[action$='/end'] button").click()
    page.wait_for_load_state()
