"""The filing form of a claim or of special proceedings: one value, from the first field to the signed statement.

- Every field has a default, so a half-filled draft is a valid `Claim`; whether it may be sent is `common.court.rules`.
- Values are what canonical CBOR holds (text, integers, booleans, lists, maps), so the form travels inside the entry.
- Limits keep the whole form inside one entry (64 KiB with signature and file list): `load` and `check_limits` refuse
  what is over them, with the field's name; nothing is cut.
- Files are named by SHA-256 in hex; their bytes are elsewhere.

    claim = load({"proceedings": "claim", "parties": [{"role": "plaintiff", "iin": "760212350620"}]})
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from common import canonical
from common.errors import N_, Refused

PARTIES_MAX: Final = 30
"""Participants of one claim; larger groups file a list as an attachment."""
ATTACHMENTS_MAX: Final = 50
"""Files of one filing."""
LINE_CHARS_MAX: Final = 200
"""Letters in an ordinary one-line field."""
ADDRESS_CHARS_MAX: Final = 300
CIRCUMSTANCES_CHARS_MAX: Final = 8_000
"""About four printed pages; what is longer belongs into the claim file."""
REQUIREMENT_CHARS_MAX: Final = 4_000
CLAIM_BYTES_MAX: Final = 40 * 1024
"""The form as canonical bytes: with signature, certificate ids and file list it stays below the 64 KiB of an entry."""

TEXT_LIMITS: Final[Mapping[str, int]] = {
    "address": ADDRESS_CHARS_MAX,
    "actual_address": ADDRESS_CHARS_MAX,
    "bank_details": ADDRESS_CHARS_MAX,
    "circumstances": CIRCUMSTANCES_CHARS_MAX,
    "requirement": REQUIREMENT_CHARS_MAX,
}
"""Letters per field; `LINE_CHARS_MAX` for the others."""

Role = Literal["plaintiff", "defendant", "third_party", "applicant", "representative"]
FilerRole = Literal["", "plaintiff", "applicant", "representative"]
PersonKind = Literal["individual", "legal_entity"]
FileKind = Literal["claim", "attachment", "receipt", "power_of_attorney"]
FILING_ROLES: Final = {"claim": "plaintiff", "special": "applicant"}
"""Whose application it is, by kind of proceedings."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the form's parts. Unknown keys are ignored: a newer node may have filled them."""


class Party(Part, frozen=True, kw_only=True):
    """One participant (CLM-3, CLM-4). ``unverified_address``: typed by hand while the registers could not be asked."""

    role: Role = "plaintiff"
    kind: PersonKind = "individual"
    resident: bool = True
    iin: str = ""
    bin: str = ""
    surname: str = ""
    first_name: str = ""
    patronymic: str = ""
    name: str = ""
    state_body: bool = False
    address: str = ""
    actual_address: str = ""
    unverified_address: bool = True
    phone: str = ""
    email: str = ""
    workplace: str = ""
    bank_details: str = ""

    @property
    def display_name(self) -> str:
        """The full name of a person or the name of an organisation; empty while nothing is filled."""
        if self.kind == "legal_entity":
            return " ".join(self.name.split())
        return " ".join(f"{self.surname} {self.first_name} {self.patronymic}".split())

    @property
    def number(self) -> str:
        """The BIN of an organisation, the IIN of a person."""
        return self.bin if self.kind == "legal_entity" else self.iin


class Payment(Part, frozen=True, kw_only=True):
    """Step 2 (CLM-5 … CLM-7). None: not filled yet; zero is an answer. ``receipt`` is the SHA-256 (hex) of the scan."""

    claim_tiyn: int | None = None
    duty_tiyn: int | None = None
    way: Literal["", "receipt", "pending", "exempt"] = ""
    exemption_id: str = ""
    receipt: str = ""

    @property
    def exempt(self) -> bool:
        """«Оплата не производится»."""
        return self.way == "exempt"


class Attachment(Part, frozen=True, kw_only=True):
    """One uploaded file, as `common.court.attachments.inspect` found it; ``pages`` 0 where they cannot be counted."""

    kind: FileKind = "attachment"
    title: str = ""
    media_type: str = ""
    pages: int = 0
    size: int = 0
    sha256: str = ""


class Claim(Part, frozen=True, kw_only=True):
    """The four steps. ``power`` is the id (hex) of the сенімхат used by a representative, empty when it is attached as a file."""

    proceedings: Literal["", "claim", "special"] = ""
    category: str = ""
    nature: Literal["", "property", "non_property", "mixed"] = ""
    region: str = ""
    court: str = ""
    parties: tuple[Party, ...] = ()
    payment: Payment = Payment()
    circumstances: str = ""
    requirement: str = ""
    attachments: tuple[Attachment, ...] = ()
    language: Literal["kk", "ru"] = "kk"
    filed_by_role: FilerRole = ""
    power: str = ""

    def of_role(self, role: str) -> tuple[Party, ...]:
        """Return the participants of one role, in order."""
        return tuple(party for party in self.parties if party.role == role)

    def of_kind(self, kind: str) -> tuple[Attachment, ...]:
        """Return the files of one kind, in order."""
        return tuple(file for file in self.attachments if file.kind == kind)

    @property
    def claimant_kind(self) -> PersonKind:
        """Whose rate of duty applies: an organisation's only where no person files beside it."""
        side = self.of_role(FILING_ROLES.get(self.proceedings, "plaintiff"))
        return "legal_entity" if side and all(party.kind == "legal_entity" for party in side) else "individual"


def load(raw: Mapping[str, Any]) -> Claim:
    """Return the form in ``raw``; raises Refused("claim.shape") for other types, and as `check_limits` does."""
    try:
        claim = msgspec.convert(raw, Claim, strict=True)
    except msgspec.ValidationError as error:
        sentence = N_("The saved form cannot be read (%(detail)s). Open the draft again or start a new one.")
        raise Refused("claim.shape", sentence, detail=str(error)) from error
    check_limits(claim)
    return claim


def dump(claim: Claim) -> dict[str, Any]:
    """Return the form as plain maps, lists, text, integers and booleans."""
    plain: dict[str, Any] = _plain(msgspec.to_builtins(claim))
    return plain


def check_limits(claim: Claim) -> None:
    """Raise Refused("claim.parties", "claim.attachments", "claim.long" or "claim.large") where the form is over a limit."""
    if len(claim.parties) > PARTIES_MAX:
        sentence = N_("A claim names at most %(max)d participants here. Attach a list of the others as a file.")
        raise Refused("claim.parties", sentence, field="parties", max=PARTIES_MAX)
    if len(claim.attachments) > ATTACHMENTS_MAX:
        sentence = N_("At most %(max)d files fit into one filing. Join some of them into one file.")
        raise Refused("claim.attachments", sentence, field="attachments", max=ATTACHMENTS_MAX)
    for field, name, text in _texts(claim):
        limit = TEXT_LIMITS.get(name, LINE_CHARS_MAX)
        if len(text) > limit:
            sentence = N_("This field holds at most %(max)d signs; you entered %(count)d. Shorten it or attach the text as a file.")
            raise Refused("claim.long", sentence, field=field, max=limit, count=len(text))
    if len(canonical.encode(dump(claim))) > CLAIM_BYTES_MAX:
        sentence = N_("The form as a whole is too long. Shorten the texts or attach them as a file.")
        raise Refused("claim.large", sentence, field="circumstances")


def _plain(value: Any) -> Any:
    """Canonical CBOR has one kind of list; msgspec leaves tuples as they are."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple | list) else value


def _texts(claim: Claim) -> Iterator[tuple[str, str, str]]:
    """Yield (form field, column, text) for every text of the form."""
    yield from _texts_of("", claim)
    yield from _texts_of("payment-", claim.payment)
    for place, party in enumerate(claim.parties):
        yield from _texts_of(f"parties-{place}-", party)
    for place, file in enumerate(claim.attachments):
        yield from _texts_of(f"attachments-{place}-", file)


def _texts_of(prefix: str, part: Part) -> Iterator[tuple[str, str, str]]:
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if isinstance(value, str):
            yield prefix + name, name, value
