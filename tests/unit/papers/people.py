"""The same made-up people and papers for every test of papers."""

from dataclasses import replace
from hashlib import sha256

from common.papers.parts import Both, Court, Duty, PaperFile
from common.papers.qr import encode_qr
from common.papers.talon import ClockState, Line, Signature, Talon
from common.papers.words import short_code

RECEIVED = 1795168328000  # 2026-11-20 14:52:08 in Aktau
DAY = 86_400_000
LETTERS = "Әә Ғғ Ққ Ңң Өө Ұұ Үү Һһ Іі ₸ №"

AKTAU = Court(
    name=Both("Ақтау қалалық соты", "Актауский городской суд"),
    region=Both("Маңғыстау облысы, Ақтау қаласы", "Мангистауская область, город Актау"),
    code="194711",
)


def a_file(title: str, kind: str = "PDF", pages: int = 6, size: int = 1_234_567) -> PaperFile:
    return PaperFile(title=title, kind=kind, pages=pages, size_bytes=size, sha256=sha256(title.encode()).digest())


FORM = a_file("Талап арыз (электрондық бланк)", "PDF/A", 3, 219_000)
FILES = (
    FORM,
    a_file("Қарыз шарты.pdf"),
    a_file("Банк үзіндісі.pdf", pages=2, size=348_000),
    a_file("Баж түбіртегі.jpg", "JPEG", 0, 798_000),
)
RECEIPT = b"\xd2\x84" + b"".join(sha256(bytes([n])).digest() for n in range(10))


def a_talon(**changes: object) -> Talon:
    talon = Talon(
        number="197640118205374",
        filing_id=bytes(range(16)),
        node_court=AKTAU,
        place=Both("№ 2 киоск", "киоск № 2"),
        node_id="4711-2",
        node_key=bytes.fromhex("8c0e7d15"),
        software="1.0",
        received_at=RECEIVED,
        clock=ClockState(source=Both("орталық тізілім", "центральный реестр"), synced_at=RECEIVED - 12_700_000, error_ms=400),
        epoch=1,
        seq=204,
        filer_name="Сәрсенова Айгүл Маратқызы",
        filer_number="850312400127",
        signature=Signature(
            state="valid", issuer="ҰКО", serial="5f21c07a93d4e8b6", valid_until=1804013000000, crl_as_of=RECEIVED - 12_700_000
        ),
        document=Both("Талап арыз", "Исковое заявление"),
        subject=Both("қарыз шарты бойынша берешекті өндіріп алу", "взыскание долга по договору займа"),
        court=AKTAU,
        instance=Both("бірінші саты", "первая инстанция"),
        parties=("Сәрсенова А. М.", "«Теңіз Құрылыс Сервис» ЖШС"),
        files=FILES,
        duty=Duty(amount=2_450_000, claim_sum=245_000_000, payment="attached"),
        line=Line(online=False, last_exchange=RECEIVED - 12_700_000, offline_since=RECEIVED - 10_000_000),
        previous=sha256(b"previous").digest(),
        qr_text=encode_qr(RECEIPT),
        short_code=short_code(sha256(RECEIPT).digest()),
        r0=RECEIPT,
        node_certificate=b"\xd2\x84certificate",
        register_by=RECEIVED + 3 * DAY,
        decide_by=RECEIVED + 7 * DAY,
    )
    return replace(talon, **changes)  # type: ignore[arg-type]
