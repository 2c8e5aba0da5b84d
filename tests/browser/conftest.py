"""A whole country for the browser: `make run` as real processes, once for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from playwright.sync_api import Browser, sync_playwright

from tests.browser.driving import CHROMIUM, FLAGS, Demo, free_ports, spki_pin


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo") / "data", free_ports())
    with demo.running():
        yield demo


@pytest.fixture(scope="session")
def localhost() -> trustme.LeafCert:
    """The certificate with which our NCALayer listens; the browser takes it, as one with the national root installed would."""
    return trustme.CA().issue_cert("127.0.0.1")


@pytest.fixture(scope="session")
def chromium(localhost: trustme.LeafCert) -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing, and without it nobody knows what people see. As root: apt-get install chromium")
    with sync_playwright() as playwright:
        pin = f"--ignore-certificate-errors-spki-list={spki_pin(localhost)}"
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS.split(), pin])
        yield browser
        browser.close()
