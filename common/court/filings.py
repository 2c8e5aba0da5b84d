"""Filings: what citizens send to courts, and what the addressed court decides about it (receipt R3).

- Submit comes first and once; it is judged by the CMS of the signed statement, whose holder must be the filer.
- Withdraw is the filer's, before the decision.
- Verify is the centre's: what a check over the line found. It informs and decides nothing; all are kept, the newest shows.
- Register and Refuse belong to the court that holds the filing, at its own node, signed by a clerk or the chairman in the
  text of `texts_of_filings`. One decision per filing. Refuse with ``redirected_to`` is no decision: it hands the filing
  and the right to decide to another court.
- A status is derived by `status`, never stated. R1 and R2 live with the receipts, not here.

Lists and pages read through `filing_lists`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from common import canonical
from common.court import filing_tables as tables
from common.court import filing_texts
from common.court.filing_tables import TABLES as TABLES
from common.court.filing_texts import Ground
from common.court.writers import ObjectId, Sha256, person_of, require_centre, require_decider, require_holder, require_same_person
from common.errors import N_, Conflict, Refused
from common.facts import Audience, Body, Fact, Known, Rows
from common.ids import read_talon

NAME: Final = "filings"

Status = Literal["", "filed", "withdrawn", "registered", "refused", "redirected"]
WAITING: Final = frozenset({"filed", "redirected"})
"""Statuses in which the court that holds the filing has still to decide."""


class Filer(Body):
    """Who filed: ``person`` is the BIN of an organisation, else the IIN; numbers and name as in the certificate."""

    person: str
    iin: str
    bin: str = ""
    name: str
    certificate: Sha256


class Party(Body):
    """One participant, as lists show it; everything else is in the claim."""

    role: str
    name: str
    kind: str


class Duty(Body):
    """Money in tiyn; ``way``: receipt (scan attached), pending, or exempt by ``exemption``."""

    claim_tiyn: int = 0
    duty_tiyn: int = 0
    way: Literal["receipt", "pending", "exempt"]
    exemption: str = ""


class FileRef(Body):
    """The signed statement (PDF)."""

    sha256: Sha256
    size: int
    pages: int


class File(Body):
    """One attached file; ``media`` by content."""

    title: str
    kind: Literal["claim", "attachment", "receipt"]
    media: str
    pages: int = 0
    size: int
    sha256: Sha256


class Submit(Body):
    """`filing.submit/1`. ``signature`` is the CMS of the signed PDF, ``signed`` the digest of its ByteRange.

    ``claim`` is the filled form, ``findings`` the ids of rules that warned, ``key_id`` names the draft: the same draft is
    never filed twice. ``crl_as_of_ms`` says how old the revocation list was that the node had.
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


class Withdraw(Body):
    """`filing.withdraw/1`: ``content`` is the text of `filing_texts.withdrawal_content`."""

    content: bytes
    signature: bytes
    certificate: Sha256
    reason: str = ""
    date: str


class Verify(Body):
    """`filing.verify/1`: what the centre found about one subject, as of when and by which source."""

    subject: Literal["revocation", "payment", "address"]
    result: Literal["good", "bad", "unknown"]
    as_of_ms: int
    source: str


class Register(Body):
    """`filing.register/1`: ``content`` is the text of `filing_texts.decision_content`; ``case`` the id of the case object."""

    court: str
    number: str
    case: ObjectId
    date: str
    executor: str
    content: bytes
    signature: bytes
    certificate: Sha256


class Refuse(Body):
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


TYPES: Final = {
    "filing.submit/1": Submit,
    "filing.withdraw/1": Withdraw,
    "filing.verify/1": Verify,
    "filing.register/1": Register,
    "filing.refuse/1": Refuse,
}
