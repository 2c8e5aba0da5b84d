"""Duty, counted by hand for 2026 (index 4,325 tenge)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.court import duty
from common.court.book import Book
from common.court.datasets import initial_publication
from common.errors import Refused

BOOK = Book(initial_publication(), on=date(2026, 11, 20))
DAY = date(2026, 11, 20)
TENGE = 100


@pytest.mark.parametrize(
    ("claimant", "nature", "kind", "claim", "amount", "rate_id"),
    [
        ("individual", "property", "claim", 2_450_000, 24_500_00, "prop_ind"),
        ("legal_entity", "property", "claim", 10_000_000, 300_000_00, "prop_ent"),
        ("individual", "property", "claim", 4_325_000_000, 43_250_000_00, "prop_ind"),  # exactly at the cap
        ("individual", "property", "claim", 5_000_000_000, 43_250_000_00, "prop_ind"),
        ("legal_entity", "property", "claim", 5_000_000_000, 86_500_000_00, "prop_ent"),
        ("individual", "non_property", "claim", 0, 2_162_50, "nonprop"),
        ("individual", "non_property", "special", 0, 2_162_50, "special"),
        ("individual", "non_property", "divorce", 0, 1_297_50, "divorce"),
        ("individual", "non_property", "complaint_state_body", 0, 1_297_50, "act_ind"),
        ("legal_entity", "non_property", "complaint_state_body", 0, 21_625_00, "act_ent"),
        ("individual", "property", "court_order", 2_450_000, 12_250_00, "order"),
        ("individual", "non_property", "cassation", 0, 1_081_25, "cassation"),
        ("individual", "property", "appeal", 2_450_000, 0, "appeal"),
        ("individual", "mixed", "claim", 2_450_000, 26_662_50, "mixed"),
        ("individual", "property", "defamation", 9_000_000_000, 90_000_000_00, "moral_ind"),  # no cap in this item
        ("legal_entity", "property", "defamation", 1_000_000, 30_000_00, "moral_ent"),
    ],
)
def test_by_hand(claimant: duty.Claimant, nature: duty.Nature, kind: str, claim: int, amount: int, rate_id: str) -> None:
    result = duty.assess(BOOK, on=DAY, claimant=claimant, nature=nature, kind=kind, claim_tiyn=claim * TENGE)
    assert (result.amount_tiyn, result.rate_id) == (amount, rate_id)
    assert result.article.startswith("Tax Code 2026, 66")
    assert all(str(part) for part in result.parts)


def test_the_cap_is_told() -> None:
    at_cap = duty.assess(BOOK, on=DAY, claimant="individual", nature="property", claim_tiyn=4_325_000_000 * TENGE)
    over = duty.assess(BOOK, on=DAY, claimant="individual", nature="property", claim_tiyn=4_325_000_100 * TENGE)
    assert (at_cap.cap_applied, over.cap_applied) == (False, True)
    assert [str(part) for part in over.parts] == [
        "1 % of the claim amount 4325000100.00 KZT.",
        "Not more than 10000 monthly indices of 4325.00 KZT.",
    ]


def test_half_a_tiyn_rounds_up() -> None:
    amounts = [
        duty.assess(BOOK, on=DAY, claimant="individual", nature="property", claim_tiyn=claim).amount_tiyn for claim in (49, 50, 149, 150)
    ]
    assert amounts == [0, 1, 1, 2]


def test_exemption_is_zero_with_its_article() -> None:
    result = duty.assess(BOOK, on=DAY, claimant="individual", nature="property", claim_tiyn=1, exemption_id="668-4")
    assert (result.amount_tiyn, result.exemption_id, result.article) == (0, "668-4", "Tax Code 2026, 668 sp.4")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"nature": "property"}, "duty.claim_amount"),
        ({"nature": "property", "claim_tiyn": -1}, "duty.claim_amount"),
        ({"nature": "property", "claim_tiyn": 10**16}, "duty.claim_amount"),
        ({"nature": "non_property", "kind": "wedding"}, "duty.kind"),
        ({"nature": "non_property", "kind": "bankruptcy_individual", "claimant": "legal_entity"}, "duty.rate"),
        ({"nature": "non_property", "on": date(2025, 12, 31)}, "duty.rate"),
        ({"nature": "non_property", "on": date(2027, 1, 1)}, "duty.mci_unknown"),
        ({"nature": "property", "claim_tiyn": 100, "on": date(2027, 1, 1)}, "duty.mci_unknown"),
        ({"nature": "property", "exemption_id": "668-99"}, "duty.exemption_unknown"),
        ({"nature": "property", "exemption_id": "668-13", "claimant": "legal_entity"}, "duty.exemption_who"),
        ({"nature": "property", "exemption_id": "668-16"}, "duty.exemption_who"),
    ],
)
def test_refusals(arguments: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as refusal:
        duty.assess(BOOK, **{"on": DAY, "claimant": "individual", **arguments})  # type: ignore[arg-type]
    assert refusal.value.code == code


def test_next_year_says_what_to_do() -> None:
    with pytest.raises(Refused) as refusal:
        duty.assess(BOOK, on=date(2027, 3, 1), claimant="individual", nature="non_property")
    assert "2027" in str(refusal.value)
    assert "Payment pending" in str(refusal.value)


@given(st.integers(1, 10**13), st.integers(1, 10**13), st.sampled_from(["individual", "legal_entity"]))
def test_a_larger_claim_never_pays_less(first: int, second: int, claimant: duty.Claimant) -> None:
    low, high = sorted((first, second))
    small = duty.assess(BOOK, on=DAY, claimant=claimant, nature="property", claim_tiyn=low)
    large = duty.assess(BOOK, on=DAY, claimant=claimant, nature="property", claim_tiyn=high)
    assert small.amount_tiyn <= large.amount_tiyn


def test_kind_from_the_form() -> None:
    assert duty.kind_of("special", "special.fact") == "special"
    assert duty.kind_of("claim", "claim.family.divorce") == "divorce"
    assert duty.kind_of("claim", "claim.debt") == "claim"
