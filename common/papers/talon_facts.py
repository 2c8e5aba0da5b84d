"""The facts a talon shows: the union of what receipts must hold, fifteen contents, numbered in the comments.

All times are ms UTC, all sums tiyn.
"""

from dataclasses import dataclass
from typing import Literal

from common.papers.parts import Both, Court, Duty, PaperFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What the node found about the filer's signature (content 4)."""

    state: Literal["valid", "recheck"]
    """recheck: valid, but the revocation list is older than the limit, so it is looked at again at the next exchange."""
    issuer: Both
    """Who issued the certificate, short: «ҰКО» / «НУЦ РК»."""
    serial: str
    """Serial number of the certificate, hex."""
    valid_until: int
    """End of the certificate, ms UTC."""
    crl_as_of: int | None
    """thisUpdate of the newest revocation list the node had, ms UTC; None if it had none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The state of the line when the papers were received (content 9). Times are ms UTC."""

    online: bool
    last_exchange: int | None
    offline_since: int | None = None
    outage_ref: str = ""
    """Number of the outage certificate, once there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockState:
    """How far the node's clock could be trusted (content 3)."""

    source: Both
    """Where its time comes from: «орталық тізілім» / «центральный реестр», «GPS»."""
    synced_at: int | None
    """Last comparison with that source, ms UTC; None if never."""
    error_ms: int | None
    """The difference found then, in ms; None if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """Between which words of the central register the papers were taken (content 3). Times are ms UTC, None where not known yet."""

    head: int
    """Entries of the register's newest statement that the node knew; 0 for none."""
    after: int | None
    before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The term the filer says they keep, and what the node computed (content 10). Times are ms UTC."""

    claimed: int
    computed: int | None = None
    rule: Both = Both("", "")
    """Article the computation rests on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talon:
    """The facts of one receipt R0. Comments number the fifteen contents of a receipt."""

    number: str
    """1: fifteen digits."""
    filing_id: bytes
    """1: the idempotency id of the filing, 16 bytes."""
    node_court: Court
    """2: the court in which the machine stands."""
    place: Both
    """2: which machine, «№ 2 киоск» / «киоск № 2»; may be empty."""
    node_id: str
    """2: name of the node."""
    node_key: bytes
    """2: first bytes of the id of the node's signing key."""
    software: str
    """2: version of the program."""
    received_at: int
    """3: ms UTC."""
    clock: ClockState
    """3."""
    proved: Proved | None = None
    """3: the end of the interval stands on a talon that was printed after R1."""
    epoch: int
    """3: epoch of the node's journal."""
    seq: int
    """3: number of the entry in the epoch."""
    filer_name: str
    """4: full name, or name of the organisation."""
    filer_number: str
    """4: IIN or BIN, twelve digits; always printed masked. Empty for who has none."""
    filer_is_entity: bool = False
    signature: Signature
    """4."""
    capacity: Literal["self", "representative", "head"] = "self"
    """5."""
    power: str = ""
    """5: number of the power of attorney."""
    document: Both
    """6: kind of paper, «Талап арыз» / «Исковое заявление»."""
    subject: Both
    """6: what it is about; may be empty."""
    court: Court
    """6: the court addressed."""
    instance: Both = Both("", "")
    """6: «бірінші саты» / «первая инстанция»."""
    case_number: str = ""
    """6: where there is a case already."""
    parties: tuple[str, ...] = ()
    """6: names as they may be shown to the filer, the filer's side first. Never printed on the slip."""
    files: tuple[PaperFile, ...]
    """7: the signed form first, then the attachments."""
    duty: Duty
    """8."""
    line: Line
    """9."""
    deadline: Deadline | None = None
    """10: None where the filer claims none."""
    previous: bytes
    """11: hash of the node's receipt before this one, 32 bytes; empty for the first of an epoch."""
    qr_text: str
    """12: ``encode_qr`` of the receipt."""
    short_code: str
    """12: ``short_code`` of the receipt's hash."""
    r0: bytes
    """12: the signed receipt as issued; embedded."""
    node_certificate: bytes
    """12: the node's certificate from the registry CA; embedded."""
    register_by: int
    """13: until when it must be in the central register (R1), ms UTC."""
    decide_by: int
    """13: until when the registry decides (R3), ms UTC; only its date is shown."""
    employee: str = ""
    """14: who accepted it, in assisted mode."""
    witnessed: bool = False
    """14: whether that employee signed as witness, for a person without a key."""
