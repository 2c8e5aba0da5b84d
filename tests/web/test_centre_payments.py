"""A duty that was paid later: the treasury's list at the centre, the answer with court and citizen."""

from pathlib import Path

import pytest

from central import cli
from central.services import overview, payments
from common.court import filing_lists
from common.court.filing_lists import Filing
from common.errors import Refused
from edge.node import Node
from tests.web.country import Country

HEADING = "talon;amount;date;document"


@pytest.fixture
def country(tmp_path: Path) -> Country:
    return Country(tmp_path)


def listed(*lines: str) -> list[payments.Payment]:
    return payments.read("\n".join([HEADING, *lines]).encode())


def at(node: Node, talon: str) -> Filing:
    node.client.exchange()
    [filing] = filing_lists.filings_by_talon(node.database, talon)
    return filing


def test_a_payment_is_found_by_the_talon_and_told_to_the_court(country: Country) -> None:
    node = country.node("kz-7")
    whole, parts, less, unpaid = (country.file(node, pay="pending", duty=2_450_000).talon for _ in range(4))
    node.client.exchange()
    assert overview.overview(country.centre).unverified_payments == 4
    found = payments.match(
        country.centre,
        listed(
            f"{whole};24 500,00;2026-11-27;0123456",
            f"{parts};20000;2026-11-26;7",
            f"{parts};4500.00;2026-11-27;",
            f"{less};24499.99;2026-11-27;8",
            "197640118205377;1;2026-11-27;9",
        ),
    )
    assert (found.paid, found.known) == (2, 0)
    assert found.left == [(less, payments.LESS), ("197640118205377", payments.MISSING)]
    assert [at(node, talon).payment for talon in (whole, parts, less, unpaid)] == ["paid", "paid", "", ""]
    told = filing_lists.events(node.database, at(node, whole).obj)[-1].params
    assert (told["subject"], told["source"]) == ("payment", "№ 0123456, 27.11.2026")
    assert overview.overview(country.centre).unverified_payments == 2
    again = payments.match(country.centre, listed(f"{whole};24500;2026-11-27;0123456"))
    assert (again.paid, again.known, again.left) == (0, 1, [])


def test_one_payment_told_twice_pays_once(country: Country) -> None:
    """A list may be put together from two that overlap; two payments without a number are two."""
    node = country.node("kz-7")
    half, parts = (country.file(node, pay="pending", duty=2_450_000).talon for _ in range(2))
    node.client.exchange()
    found = payments.match(country.centre, listed(*[f"{half};12250;2026-11-27;0123456"] * 2, *[f"{parts};12 250,0;2026-11-27;"] * 2))
    assert (found.paid, found.left) == (1, [(half, payments.LESS)])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "payments.form"),
        (b"\xff\xfe", "payments.form"),
        (b"talon,amount\n", "payments.form"),
        *((f"{HEADING}\n{line}".encode(), "payments.line") for line in (
            "197640118205377;1;2026-11-27",
            "197640118205374;1;2026-11-27;9",
            "197640118205377;0;2026-11-27;9",
            "197640118205377;-1;2026-11-27;9",
            "197640118205377;1.001;2026-11-27;9",
            "197640118205377;NaN;2026-11-27;9",
            "197640118205377;1e99;2026-11-27;9",
            "197640118205377;9e999999;2026-11-27;9",
            "197640118205377;much;2026-11-27;9",
            "197640118205377;1;27.11.2026;9",
            f"197640118205377;1;2026-11-27;{'9' * 41}",
        )),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_read_is_refused_whole(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        payments.read(data)
    assert refusal.value.code == code


def test_the_command_tells_what_is_left(country: Country, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{HEADING}\n197640118205377;1;2026-11-27;9\n")
    assert cli.main(["--data", str(country.centre.data), "payments", str(path)]) == 1
    assert "197640118205377: not here yet." in capsys.readouterr().out
    path.write_text("a;b\n")
    assert cli.main(["--data", str(country.centre.data), "payments", str(path)]) == 1
    assert "payments.form" in capsys.readouterr().err
