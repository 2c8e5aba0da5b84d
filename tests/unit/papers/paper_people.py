"""The same made-up people and papers for every test of papers."""

from dataclasses import replace
from hashlib import sha256

from common.papers.decision import Decision, Reason
from common.papers.invoice import Invoice
from common.papers.parts import Both, Court, Duty, PaperFile
from common.papers.qr import encode_qr
from common.papers.statement import Party, Representative, Statement
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
            state="valid",
            issuer=Both("ҰКО", "НУЦ РК"),
            serial="5f21c07a93d4e8b6",
            valid_until=1804013000000,
            crl_as_of=RECEIVED - 12_700_000,
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


def a_statement(**changes: object) -> Statement:
    statement = Statement(
        lang="kk",
        kind="claim",
        number="197640118205374",
        made_at=RECEIVED,
        court=AKTAU,
        parties=(
            Party(
                role="plaintiff",
                name="Сәрсенова Айгүл Маратқызы",
                number="850312400127",
                address="Ақтау қаласы, 12-шағын аудан, 34-үй, 7-пәтер",
                phone="+7 701 000 00 00",
                representative=Representative(name="Ержанов Нұрлан Ғалымұлы", number="790101300111", basis="сенімхат № 12, 03.02.2026"),
            ),
            Party(
                role="defendant",
                name="«Теңіз Құрылыс Сервис» ЖШС",
                number="140540008216",
                is_entity=True,
                address="Ақтау қаласы, 3-шағын аудан, 101-ғимарат",
            ),
        ),
        duty=Duty(amount=2_450_000, claim_sum=245_000_000, payment="attached"),
        subject="қарыз шарты бойынша берешекті өндіріп алу",
        circumstances="Менің және жауапкердің арасында 2025 жылғы 14 ақпанда қарыз шарты жасалды. Шарт бойынша мен жауапкерге "
        "2 450 000 теңге бердім, ал жауапкер бұл соманы 2026 жылғы 14 ақпанға дейін қайтаруға міндеттенді.\n\n"
        "Мерзім өтті, қарыз қайтарылған жоқ. 2026 жылғы 2 наурызда жіберілген талап хатқа жауапкер жауап бермеді. "
        "Ақшаның берілгені банк үзіндісімен расталады.",
        requirement="Жауапкер «Теңіз Құрылыс Сервис» ЖШС есебінен менің пайдама 2 450 000 теңге негізгі қарызды және "
        "24 500 теңге мемлекеттік бажды өндіріп беруіңізді.",
        attachments=FILES[1:],
        signer_name="Сәрсенова Айгүл Маратқызы",
        signer_number="850312400127",
    )
    return replace(statement, **changes)  # type: ignore[arg-type]


def an_invoice(**changes: object) -> Invoice:
    invoice = Invoice(
        issued_at=RECEIVED,
        talon_number="197640118205374",
        payer_name="Сәрсенова Айгүл Маратқызы",
        payer_number="850312400127",
        court=AKTAU,
        amount=2_450_050,
        claim_sum=245_005_000,
        basis=Both("Салық кодексі, 665-бап, 1-тармақ", "Налоговый кодекс, статья 665, пункт 1"),
        recipient=Both("Ақтау қаласы бойынша Мемлекеттік кірістер басқармасы", "Управление государственных доходов по городу Актау"),
        recipient_bin="000140000000",
        account="KZ00070105KSN0000000",
        bank=Both("ҚР ҚМ Қазынашылық комитеті", "Комитет казначейства МФ РК"),
        bic="KKMFKZ2A",
        kbk="108126",
        kbe="11",
        kno="4301",
        knp="911",
        purpose=Both(
            "Мемлекеттік баж, талон 197640118205374",
            "Государственная пошлина, талон 197640118205374",
        ),
        qr_text="SOTPAY|197640118205374|24500.50|108126|4301|911",
    )
    return replace(invoice, **changes)  # type: ignore[arg-type]


DUTY_MISSING = Reason(
    code="reg-duty",
    text=Both(
        "Баж төленгені туралы құжат жоқ және босату негізі көрсетілмеген", "Нет документа об уплате пошлины и не указано освобождение"
    ),
    can_be_cured=True,
    cure_until=RECEIVED + 10 * DAY,
)
WRONG_COURT = Reason(
    code="cpc152-2",
    article=Both("АПК 152-бап, 1-бөлік, 2-тармақша", "ГПК, статья 152, часть 1, подпункт 2"),
    text=Both("Іс осы сотта соттылыққа жатпайды", "Дело неподсудно данному суду"),
    can_be_cured=False,
)


def a_decision(**changes: object) -> Decision:
    decision = Decision(
        outcome="registered",
        decided_at=RECEIVED + DAY,
        court=AKTAU,
        case_number="4711-26-00-2/934",
        talon_number="197640118205374",
        received_at=RECEIVED,
        applicant="Сәрсенова Айгүл Маратқызы",
        document=Both("Талап арыз", "Исковое заявление"),
        subject=Both("қарыз шарты бойынша берешекті өндіріп алу", "взыскание долга по договору займа"),
        clerk_name="Қасымова Динара Ерланқызы",
        clerk_position=Both("кеңсе маманы", "специалист канцелярии"),
        qr_text=encode_qr(RECEIPT),
    )
    return replace(decision, **changes)  # type: ignore[arg-type]
