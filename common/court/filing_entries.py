"""The entries of filings, and nothing else: what a journal carries for ever. Released versions are frozen.

Times are ms UTC, dates ISO texts, money tiyn, hashes 32 raw bytes.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from common.court.filing_texts import Ground
from common.court.ruling import Ruling
from common.court.writers import ObjectId, Sha256
from common.facts import Body

DOCUMENTS: Final = ("identity_card", "passport", "residence_permit", "other")
"""Kinds of identity documents that a witness may name."""


class Filer(Body, frozen=True, kw_only=True):
    """Who filed: ``person`` is the BIN of an organisation, else the IIN; numbers and name as in the certificate."""

    person: str
    iin: str
    bin: str = ""
    name: str
    certificate: Sha256


class Party(Body, frozen=True, kw_only=True):
    """One participant, as lists show it; everything else is in the claim."""

    role: str
    name: str
    kind: str


class Duty(Body, frozen=True, kw_only=True):
    """Money in tiyn; ``way``: receipt (scan attached), pending, or exempt by ``exemption``."""

    claim_tiyn: int = 0
    duty_tiyn: int = 0
    way: Literal["receipt", "pending", "exempt"]
    exemption: str = ""


class FileRef(Body, frozen=True, kw_only=True):
    """The signed statement (PDF)."""

    sha256: Sha256
    size: int
    pages: int


class File(Body, frozen=True, kw_only=True):
    """One attached file; ``media`` by content."""

    title: str
    kind: Literal["claim", "attachment", "receipt", "power_of_attorney"]
    media: str
    pages: int = 0
    size: int
    sha256: Sha256


class Witness(Body, frozen=True, kw_only=True):
    """Who of the staff of ``court`` signs for a person without a key, and the identity document that the person showed.

    ``name`` is the witness's, ``kind`` of the document as in `DOCUMENTS`, ``date`` the day it was issued (ISO). ``receipt``
    is the form of R0 that was given: from 2 on it says that a witness signed, and a talon is printed again as it was given.
    """

    court: str
    name: str
    kind: str
    number: str
    issued_by: str
    date: str
    receipt: int = 1


class Cosigner(Body, frozen=True, kw_only=True):
    """One more party who signed the same statement before the filer: in which ``role``, with whose certificate.

    ``signature`` and ``signed`` are the CMS in the PDF and the digest of its ByteRange, as those of the filer.
    """

    role: str
    iin: str
    bin: str = ""
    name: str
    certificate: Sha256
    signature: bytes
    signed: bytes


class Submit(Body, frozen=True, kw_only=True):
    """`filing.submit/1`. ``signature`` is the CMS of the signed PDF, ``signed`` the digest of its ByteRange.

    ``claim`` is the filled form, ``findings`` the ids of rules that warned, ``key_id`` names the draft: the same draft is
    never filed twice. ``crl_as_of_ms`` says how old the revocation list was that the node had.
    With a ``witness`` the signature and the filer's certificate are the witness's: the person has no key.
    """

    talon: str
    court: str
    region: str
    document_type: str
    instance: str
    proceedings: str
    category: str
    nature: str
    language: Literal["kk", "ru"]
    claim: dict[str, Any]
    filer: Filer
    parties: list[Party] = []
    duty: Duty
    statement: FileRef
    files: list[File] = []
    signature: bytes
    signed: bytes
    crl_as_of_ms: int | None = None
    crl_stale: bool = False
    rule_pack: str
    findings: list[str] = []
    received_ms: int
    line: Literal["online", "offline"]
    offline_since_ms: int | None = None
    key_id: bytes
    answers_to: ObjectId | None = None
    assisted_by: str = ""
    witness: Witness | None = None
    cosigners: list[Cosigner] = []


class Withdraw(Body, frozen=True, kw_only=True):
    """`filing.withdraw/1`: ``content`` is the text of `filing_texts.withdrawal_content`."""

    content: bytes
    signature: bytes
    certificate: Sha256
    reason: str = ""
    date: str


class Verify(Body, frozen=True, kw_only=True):
    """`filing.verify/1`: what the centre found about one subject, as of when and by which source.

    Of a revoked key also since when and why (RFC 5280, 5.3.1), of one revoked after the signing too: its result is "good".
    ``signer`` tells whose key: 0 the filer's, n that of the n-th of ``cosigners``.
    """

    subject: Literal["revocation", "payment", "address"]
    result: str
    as_of_ms: int
    source: str
    since_ms: int | None = None
    reason: int = 0
    signer: int = 0


class Evidence(Body, frozen=True, kw_only=True):
    """`filing.evidence/1`: what others signed about the statement's signature, so that it can be checked without them later.

    ``timestamp``: a token (RFC 3161) over the signature's value, of ``at_ms``; ``ocsp``: an OCSPResponse about the signer's
    certificate as of ``at_ms``; whose, ``signer`` tells as in `Verify`. It lies beside the statement, whose bytes are signed,
    hashed and never changed.
    """

    kind: Literal["timestamp", "ocsp"]
    data: bytes
    at_ms: int
    signer: int = 0


class Register(Body, frozen=True, kw_only=True):
    """`filing.register/1`: ``content`` is the text of `filing_texts.decision_content`; ``case`` the id of the case object."""

    court: str
    number: str
    case: ObjectId
    date: str
    executor: str
    content: bytes
    signature: bytes
    certificate: Sha256


class Refuse(Body, frozen=True, kw_only=True):
    """`filing.refuse/1`: refused for ``grounds``, or handed to the court ``redirected_to``; dates are ISO texts."""

    court: str
    grounds: list[Ground] = []
    note: str = ""
    cure_until: str = ""
    redirected_to: str = ""
    date: str
    executor: str
    content: bytes
    signature: bytes
    certificate: Sha256


class Rule(Ruling, frozen=True, kw_only=True):
    """`filing.rule/1`: the judge's ruling on the registered filing (R4)."""


TYPES: Mapping[str, type[Body]] = {
    "filing.submit/1": Submit,
    "filing.withdraw/1": Withdraw,
    "filing.verify/1": Verify,
    "filing.evidence/1": Evidence,
    "filing.register/1": Register,
    "filing.refuse/1": Refuse,
    "filing.rule/1": Rule,
}
