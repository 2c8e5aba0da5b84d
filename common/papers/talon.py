"""The talon: what a person carries home after sending, and the court cannot deny.

One A4 page with the fifteen contents of a receipt in Kazakh and Russian, the receipt R0 itself and the node's certificate
embedded in it; and the same on an 80 mm slip, without anything about the other party. Both are pure functions of the
stored facts, so a talon lost is typeset again.

    pdf = talon_pdf(Talon(number="197640118205374", received_at=1795168328000, …))
"""

from common.papers.parts import Both, Duty, PaperFile
from common.papers.qr import qr_picture
from common.papers.talon_facts import ClockState, Deadline, Line, Proved, Signature, Talon
from common.papers.texts import date_both, date_time_both, day_month_both, join_words, numbered, same, when, words
from common.papers.typeset import Attachment, cut, typeset
from common.papers.words import (
    date_short,
    date_time_short,
    date_time_words,
    date_words,
    hash_groups,
    iin_masked,
    initials,
    money,
    size_words,
    talon_groups,
    time_words,
    utc_time,
)

__all__ = ["ClockState", "Deadline", "Line", "Proved", "Signature", "Talon", "talon_pdf", "talon_slip_pdf"]

FILES_SHOWN_MAX = 40
"""Beyond it the page would be unreadable; the statement lists all, and its hash stands first."""
PARTIES_SHOWN_MAX = 6
NAME_CHARS_MAX = 120
TEXT_CHARS_MAX = 300
RECEIPT_NAME = "r0.cose"
CERTIFICATE_NAME = "node-certificate.cose"

Json = dict[str, object]


def talon_pdf(talon: Talon) -> bytes:
    """Return the talon as one page of A4, PDF/A-3b, with the receipt and the node's certificate embedded.

    Raises Refused ``qr.too_long`` or ``papers.too_long``.
    """
    receipt = Attachment(RECEIPT_NAME, talon.r0, "application/cose", "Receipt R0 as signed by the node", "source")
    certificate = Attachment(CERTIFICATE_NAME, talon.node_certificate, "application/cose", "Certificate of the node's key", "supplement")
    return typeset("talon.typ", _page(talon), made_at=talon.received_at, attachments=(receipt, certificate))


def talon_slip_pdf(talon: Talon) -> bytes:
    """Return the talon for an 80 mm roll, PDF/A-2b: IIN masked, initials only, the other party left out.

    Raises Refused ``qr.too_long`` or ``papers.too_long``.
    """
    return typeset("slip.typ", _slip(talon), made_at=talon.received_at)


def _head(talon: Talon) -> Json:
    number = talon_groups(talon.number)
    title = words("talon.title")
    return {
        "document_title": f"{title.kk} / {title.ru} {number}",
        "title": title,
        "court": talon.node_court.name,
        "place": talon.place,
        "number": number,
        "svg": qr_picture(talon.qr_text),
        "qr_alt": words("talon.qr").kk,
        "short_code": talon.short_code,
        "short_code_label": words("talon.short_code"),
    }


def _page(talon: Talon) -> Json:
    more = len(talon.files) - FILES_SHOWN_MAX
    return _head(talon) | {
        "time": date_time_words(talon.received_at, "kk", seconds=True),
        "time_ru": date_words(talon.received_at, "ru"),
        "utc": utc_time(talon.received_at),
        "rows": _rows(talon),
        "files_label": words("talon.files"),
        "files_count": str(len(talon.files)),
        "columns": [words(f"file.{name}") for name in ("title", "kind", "pages", "size")],
        "files": [_file(file) for file in talon.files[:FILES_SHOWN_MAX]],
        "more": words("talon.files_more", count=more) if more > 0 else None,
        "box": _box(talon, "talon"),
        "check": words("talon.check"),
        "signed": words("talon.signed_by"),
        "marks": _marks(talon),
        "previous_label": words("talon.previous"),
        "previous": talon.previous.hex() or "—",
    }


def _slip(talon: Talon) -> Json:
    return _head(talon) | {
        "time_short": date_time_short(talon.received_at, seconds=True),
        "facts": [_fact(fact) for fact in _slip_facts(talon)],
        "hash_label": words("slip.hash"),
        "hash": [part.hex() for part in _halves(talon.files[0].sha256)] if talon.files else ["—"],
        "box": _box(talon, "slip"),
    }


def _box(talon: Talon, paper: str) -> Json:
    # the slip is narrow and lives for days: its dates go without the year
    decide, register = talon.decide_by, talon.register_by
    if paper == "slip":
        text = words(
            "slip.box", decide=day_month_both(decide), register=join_words(", ", day_month_both(register), same(time_words(register)))
        )
    else:
        text = words("talon.box", decide=date_both(decide), register=date_time_both(register))
    return {"title": words(f"{paper}.box_title"), "text": text}


def _rows(talon: Talon) -> list[Json]:
    document = join_words(": ", talon.document, Both(cut(talon.subject.kk, TEXT_CHARS_MAX), cut(talon.subject.ru, TEXT_CHARS_MAX)))
    facts = {
        "filer": _filer(talon),
        "document": document,
        "court": _court(talon),
        "parties": _parties(talon.parties),
        "duty": _duty(talon.duty),
        "signature": _signature(talon.signature),
        "line": _line(talon.line),
        "clock": _clock(talon),
        "proved": _proved(talon.proved) if talon.proved else same(""),
        "deadline": _deadline(talon.deadline, talon.received_at) if talon.deadline else same(""),
        "witness" if talon.witnessed else "employee": same(cut(talon.employee, NAME_CHARS_MAX)),
    }
    return [{"label": words(f"talon.{name}"), "value": value} for name, value in facts.items() if value.kk]


def _filer(talon: Talon) -> Both:
    number = numbered("bin" if talon.filer_is_entity else "iin", iin_masked(talon.filer_number))
    power = words("talon.power", number=talon.power) if talon.power else same("")
    return join_words(", ", Both(cut(talon.filer_name, NAME_CHARS_MAX), ""), number, words(f"talon.{talon.capacity}"), power)


def _court(talon: Talon) -> Both:
    code = words("talon.court_code", code=talon.court.code) if talon.court.code else same("")
    case = words("talon.case", number=talon.case_number) if talon.case_number else same("")
    return join_words(", ", talon.court.name, code, talon.instance, case)


def _parties(parties: tuple[str, ...]) -> Both:
    shown = " — ".join(cut(name, NAME_CHARS_MAX) for name in parties[:PARTIES_SHOWN_MAX])
    more = len(parties) - PARTIES_SHOWN_MAX
    return join_words(", ", Both(shown, ""), words("and_more", count=more)) if more > 0 else same(shown)


def _duty(duty: Duty) -> Both:
    state = words(f"pay.{duty.payment}")
    sums = same(money(duty.amount)) if duty.amount or duty.payment not in ("exempt", "none") else same("")
    if duty.claim_sum is not None:
        claimed = words("talon.claim_sum", sum=money(duty.claim_sum))
        sums = Both(f"{sums.kk} ({claimed.kk})", f"{sums.ru} ({claimed.ru})") if sums.kk else claimed
    return join_words("; ", sums, join_words(", ", state, duty.ground, duty.article))


def _signature(signature: Signature) -> Both:
    # serial numbers are hex of any length: groups of four are what the mock and certificate viewers show
    serial = hash_groups(bytes.fromhex(signature.serial.rjust(len(signature.serial) + len(signature.serial) % 2, "0")))
    certificate = words("talon.certificate", issuer=signature.issuer, serial=serial, until=date_short(signature.valid_until))
    as_of = signature.crl_as_of
    crl = words("talon.crl_none") if as_of is None else words("talon.crl", time=when(as_of))
    return join_words("; ", join_words(". ", words(f"talon.sign_{signature.state}"), certificate), crl)


def _line(line: Line) -> Both:
    since = words("talon.offline_since", time=when(line.offline_since)) if line.offline_since is not None else same("")
    last = line.last_exchange
    exchange = words("talon.exchange_none") if last is None else words("talon.exchange", time=when(last))
    outage = words("talon.outage", number=line.outage_ref) if line.outage_ref else same("")
    return join_words(", ", words("talon.online" if line.online else "talon.offline"), since, exchange, outage)


def _clock(talon: Talon) -> Both:
    clock = talon.clock
    synced = words("talon.clock_unset") if clock.synced_at is None else words("talon.clock_set", time=when(clock.synced_at))
    seconds = f"{(clock.error_ms or 0) / 1000:.1f}".replace(".", ",")
    error = same("") if clock.error_ms is None else words("talon.clock_error", seconds=seconds)
    sequence = words("talon.sequence", number=f"{talon.epoch}-{talon.seq}")
    return join_words(", ", words("talon.clock_source", source=clock.source), synced, error, sequence)


def _proved(proved: Proved) -> Both:
    if proved.after is None:
        after = words("talon.proved_no_start")
    else:
        after = words("talon.proved_after", time=when(proved.after), count=proved.head)
    before = words("talon.proved_no_end") if proved.before is None else words("talon.proved_before", time=when(proved.before))
    return join_words("; ", after, before)


def _deadline(deadline: Deadline, received_at: int) -> Both:
    claimed = words("talon.deadline_claimed", time=date_time_both(deadline.claimed))
    if deadline.computed is None:
        return claimed
    computed = join_words(", ", words("talon.deadline_computed", time=date_time_both(deadline.computed)), deadline.rule)
    state = words("talon.deadline_kept" if received_at <= deadline.computed else "talon.deadline_missed")
    return join_words("; ", claimed, computed, state)


def _file(file: PaperFile) -> Json:
    return {
        "title": cut(file.title, NAME_CHARS_MAX),
        "sha256": file.sha256.hex(),
        "kind": file.kind,
        "pages": str(file.pages) if file.pages else "—",
        "size": size_words(file.size_bytes, "kk"),
    }


def _marks(talon: Talon) -> list[Json]:
    """What finds this receipt again: device, key, number of sending, program."""
    pairs = {
        "device": talon.node_id,
        "device_key": hash_groups(talon.node_key),
        "filing_id": talon.filing_id.hex(),
        "software": talon.software,
    }
    return [{"label": words(f"talon.{name}"), "value": value} for name, value in pairs.items() if value]


def _slip_facts(talon: Talon) -> list[tuple[Both, Both]]:
    """Each fact of the slip as (bold lead, text)."""
    name = same(cut(talon.filer_name if talon.filer_is_entity else initials(talon.filer_name), NAME_CHARS_MAX))
    number = numbered("bin" if talon.filer_is_entity else "iin", iin_masked(talon.filer_number))
    duty, signature, line = talon.duty, talon.signature, talon.line
    crl = words("talon.crl_none") if signature.crl_as_of is None else words("talon.crl", time=when(signature.crl_as_of))
    last = words("talon.exchange_none") if line.last_exchange is None else words("talon.exchange", time=when(line.last_exchange))
    amount = same(money(duty.amount)) if duty.amount else same("")
    witness = words("slip.witness") if talon.witnessed else same("")
    return [
        (talon.document, words("slip.files", count=len(talon.files))),
        (same(""), talon.court.name),
        (same(""), join_words("; ", join_words(", ", name, number), witness)),
        (same(""), join_words(", ", join_words(" ", words("talon.duty"), amount), words(f"pay.{duty.payment}"))),
        (same(""), join_words(": ", words("talon.signature"), join_words(", ", words(f"slip.sign_{signature.state}"), crl))),
        (same(""), join_words(": ", words("talon.line"), join_words(", ", words(f"slip.{'online' if line.online else 'offline'}"), last))),
    ]


def _fact(fact: tuple[Both, Both]) -> Json:
    return {"lead": fact[0], "text": fact[1]}


def _halves(digest: bytes) -> tuple[bytes, bytes]:
    return digest[:16], digest[16:]
