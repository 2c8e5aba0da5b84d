"""The form: any half-filled draft is a value, and what is too large is refused with its field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import canonical
from common.court import claim as form
from common.court.claim import Attachment, Claim, Party, Payment
from common.errors import Refused


def test_nothing_filled_is_a_draft() -> None:
    assert form.load({}) == Claim()


def test_a_draft_travels_as_canonical_bytes() -> None:
    draft = Claim(
        proceedings="claim",
        parties=(Party(surname="Сәрсенова", iin="760212350620"), Party(role="defendant", kind="legal_entity", name="«Нұр» ЖШС")),
        payment=Payment(claim_tiyn=100, way="receipt"),
        attachments=(Attachment(kind="claim", sha256="00" * 32, size=5, pages=1),),
    )
    assert form.load(canonical.decode(canonical.encode(form.dump(draft)))) == draft


def test_keys_of_a_newer_node_are_ignored() -> None:
    assert form.load({"nature": "property", "tomorrow": 1}).nature == "property"


@pytest.mark.parametrize("raw", [{"nature": "animal"}, {"parties": [{"role": "judge"}]}, {"payment": {"claim_tiyn": "5"}}, {"parties": 5}])
def test_other_shapes_are_refused(raw: dict[str, object]) -> None:
    with pytest.raises(Refused) as refusal:
        form.load(raw)
    assert refusal.value.code == "claim.shape"


@pytest.mark.parametrize(
    ("raw", "code", "field"),
    [
        ({"parties": [{}] * (form.PARTIES_MAX + 1)}, "claim.parties", "parties"),
        ({"attachments": [{}] * (form.ATTACHMENTS_MAX + 1)}, "claim.attachments", "attachments"),
        ({"circumstances": "а" * (form.CIRCUMSTANCES_CHARS_MAX + 1)}, "claim.long", "circumstances"),
        ({"parties": [{}, {"address": "а" * 301}]}, "claim.long", "parties-1-address"),
        ({"payment": {"exemption_id": "x" * 201}}, "claim.long", "payment-exemption_id"),
        (
            {"parties": [{"address": "я" * 300, "actual_address": "я" * 300, "bank_details": "я" * 300}] * 30},
            "claim.large",
            "circumstances",
        ),
    ],
)
def test_limits(raw: dict[str, object], code: str, field: str) -> None:
    with pytest.raises(Refused) as refusal:
        form.load(raw)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert str(refusal.value)


def test_the_largest_texts_fit_together() -> None:
    text = {"circumstances": "ұ" * form.CIRCUMSTANCES_CHARS_MAX, "requirement": "ұ" * form.REQUIREMENT_CHARS_MAX}
    assert len(form.load({**text, "parties": [{"address": "ұ" * 300}] * 10}).parties) == 10


def test_whose_rate_applies() -> None:
    person, firm = Party(), Party(kind="legal_entity")
    assert Claim(proceedings="claim", parties=(firm,)).claimant_kind == "legal_entity"
    assert Claim(proceedings="claim", parties=(firm, person)).claimant_kind == "individual"
    assert Claim(proceedings="special", parties=(Party(role="applicant", kind="legal_entity"),)).claimant_kind == "legal_entity"
    assert Claim().claimant_kind == "individual"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["parties", "payment", "role", "iin", "nature", "claim_tiyn", "attachments"]), inner, max_size=4
            )
        ),
    )
)
def test_only_our_refusals_leave(raw: object) -> None:
    try:
        found = form.load(raw)  # type: ignore[arg-type]
    except Refused:
        return
    assert form.load(form.dump(found)) == found
