"""The papers themselves: what stands on them, what must not, one page where one is promised, PDF/A, the same bytes twice."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from paper_people import (
    AKTAU,
    DAY,
    DUTY_MISSING,
    FILES,
    FORM,
    LETTERS,
    RECEIPT,
    RECEIVED,
    WRONG_COURT,
    a_decision,
    a_file,
    a_statement,
    a_talon,
    an_invoice,
)
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from test_typeset import text_of

from common.papers.decision import decision_pdf
from common.papers.invoice import invoice_pdf
from common.papers.parts import Both, Duty
from common.papers.qr import QR_TEXT_CHARS_MAX
from common.papers.statement import Party, Representative, statement_pdf
from common.papers.talon import Deadline, Line, talon_pdf, talon_slip_pdf

HOSTILE = (
    '#import "x": * $x^2$ *b* _i_ \\ \\\\ @ref <lab> `raw` "q" \'s\' // c /* d */ #panic() [x] ~ -- --- ... {} %s &amp; '
    "\u202eabc 😀 " + "W" * 400 + " " + LETTERS
)
PAPERS = {
    "talon": (lambda: talon_pdf(a_talon()), "3"),
    "slip": (lambda: talon_slip_pdf(a_talon()), "2"),
    "statement": (lambda: statement_pdf(a_statement()), "2"),
    "invoice": (lambda: invoice_pdf(an_invoice()), "2"),
    "registered": (lambda: decision_pdf(a_decision()), "2"),
    "refused": (lambda: decision_pdf(a_decision(outcome="refused", reasons=(DUTY_MISSING, WRONG_COURT))), "2"),
}


def pages_of(pdf: bytes) -> int:
    return len(pypdf.PdfReader(BytesIO(pdf)).pages)


def squeezed(text: str) -> str:
    """Text without any space: where a line ended no longer matters."""
    return "".join(text.split())


def assert_shows(pdf: bytes, *texts: str) -> None:
    shown = squeezed(text_of(pdf))
    for text in texts:
        assert squeezed(text) in shown


@pytest.mark.parametrize("name", PAPERS)
def test_every_paper_is_archival_accessible_and_repeatable(name: str, tmp_path: Path) -> None:
    make, part = PAPERS[name]
    pdf = make()
    assert pdf == make()
    root = pypdf.PdfReader(BytesIO(pdf)).trailer["/Root"]
    xmp = root["/Metadata"].get_data().decode()
    assert f"<pdfaid:part>{part}</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>" in xmp
    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp
    assert root["/OutputIntents"][0]["/S"] == "/GTS_PDFA1"
    assert root["/MarkInfo"]["/Marked"]
    fonts = {font for page in pypdf.PdfReader(BytesIO(pdf)).pages for font in page["/Resources"]["/Font"].values()}
    assert all("/FontFile2" in font["/DescendantFonts"][0]["/FontDescriptor"] or _has_cff(font) for font in fonts)
    if shutil.which("qpdf"):
        (tmp_path / "a.pdf").write_bytes(pdf)
        subprocess.run(["qpdf", "--check", tmp_path / "a.pdf"], check=True, capture_output=True)


def _has_cff(font: pypdf.generic.DictionaryObject) -> bool:
    return "/FontFile3" in font["/DescendantFonts"][0]["/FontDescriptor"]


def test_the_talon_holds_all_fifteen_contents() -> None:
    talon = a_talon(
        capacity="representative",
        power="12-77",
        case_number="4711-26-00-2/934",
        deadline=Deadline(claimed=RECEIVED + DAY, computed=RECEIVED + 2 * DAY, rule=Both("АПК 403-бап", "ГПК, статья 403")),
        line=Line(online=False, last_exchange=RECEIVED - DAY, offline_since=RECEIVED - DAY // 2, outage_ref="7"),
        employee="Қасымова Динара Ерланқызы",
    )
    pdf = talon_pdf(talon)
    assert pages_of(pdf) == 1
    contents = {
        1: ("197 640 118 205 374", talon.filing_id.hex()),
        2: ("Ақтау қалалық соты / Актауский городской суд, № 2 киоск", "4711-2", "8c0e 7d15", "Бағдарлама / Программа: 1.0"),
        3: ("2026 жылғы 20 қараша, 14:52:08 (UTC+5)", "UTC 09:52:08", "орталық тізілім", "айырмасы 0,4 с", "1-204"),
        4: ("Сәрсенова Айгүл Маратқызы", "ЖСН •••••• ••0127", "5f21 c07a 93d4 e8b6", "ҰКО", "НУЦ РК", "20.11.2026, 11:20 жағдайы бойынша"),
        5: ("өкіл, сенімхат № 12-77", "представитель, доверенность № 12-77"),
        6: ("Талап арыз: қарыз шарты", "коды 194711, бірінші саты, іс № 4711-26-00-2/934", "Сәрсенова А. М. — «Теңіз Құрылыс Сервис» ЖШС"),
        7: tuple(file.sha256.hex() for file in FILES) + ("Файлдар / Файлы: 4", "214 КБ", "1,2 МБ", "JPEG"),
        8: ("24 500 ₸ (талап сомасы 2 450 000 ₸); түбіртек тіркелген", "квитанция приложена, оплата ещё не проверена"),
        9: ("Жоқ, үзілген уақыты 20.11.2026, 02:52", "соңғы алмасу 19.11.2026, 14:52", "үзіліс анықтамасы № 7"),
        10: ("Жіберуші көрсеткен мерзім — 2026 жылғы 21 қараша, 14:52", "ГПК, статья 403; в срок"),
        11: (talon.previous.hex(),),
        12: (talon.short_code, "Талон подписан устройством суда"),
        13: (
            "Ол тіркеу емес",
            "мерзімі — 2026 жылғы 27 қараша",
            "2026 жылғы 23 қараша, 14:52",
            "Это не регистрация",
            "23 ноября 2026 года, 14:52",
        ),
        14: ("Қабылдаған қызметкер / Принял сотрудник", "Қасымова Динара Ерланқызы"),
        15: ("Жіберілгені туралы талон / Талон об отправке",),
    }
    for texts in contents.values():
        assert_shows(pdf, *texts)
    assert "850312" not in text_of(pdf)
    assert pypdf.PdfReader(BytesIO(pdf)).attachments == {"r0.cose": [RECEIPT], "node-certificate.cose": [talon.node_certificate]}


@pytest.mark.parametrize("count", [1, 7, 12, 20, 40, 45])
def test_the_talon_is_one_page_whatever_the_files(count: int) -> None:
    titles = [f"Қосымша құжат № {number}, тауарды қабылдау-тапсыру актісі.pdf" for number in range(count - 1)]
    pdf = talon_pdf(a_talon(files=(FORM, *map(a_file, titles))))
    assert pages_of(pdf) == 1
    assert_shows(pdf, *titles[:39], f"Файлы: {count}")
    assert ("Остальные файлы (5)" in text_of(pdf)) == (count == 45)


def test_a_talon_of_nothing_but_hostile_text_stays_one_page() -> None:
    both = Both(HOSTILE, HOSTILE)
    talon = a_talon(
        filer_name=HOSTILE,
        subject=both,
        place=both,
        parties=(HOSTILE,) * 50,
        employee=HOSTILE,
        files=tuple(a_file(HOSTILE + str(n)) for n in range(25)),
    )
    assert pages_of(talon_pdf(talon)) == 1
    assert pages_of(talon_slip_pdf(talon)) == 1


def test_the_largest_code_fits_the_talon() -> None:
    assert pages_of(talon_pdf(a_talon(qr_text="A" * QR_TEXT_CHARS_MAX))) == 1


def test_the_slip_is_80_mm_and_names_nobody_else() -> None:
    pdf = talon_slip_pdf(a_talon())
    assert pages_of(pdf) == 1
    assert float(pypdf.PdfReader(BytesIO(pdf)).pages[0].mediabox.width) == pytest.approx(80 / 25.4 * 72, abs=0.1)
    shown = text_of(pdf)
    for secret in ("Теңіз", "Айгүл", "850312", "Маратқызы"):
        assert secret not in shown
    assert_shows(
        pdf,
        "197 640 118 205 374",
        "20.11.2026, 14:52:08",
        "Сәрсенова А. М.",
        "••0127",
        FORM.sha256.hex(),
        "мерзімі — 27 қараша",
        "27 ноября",
    )


@pytest.mark.parametrize(("lang", "title", "ask"), [("kk", "Талап арыз", "Сұраймын:"), ("ru", "Исковое заявление", "Прошу:")])
def test_the_statement_speaks_one_language_and_names_every_file(lang: str, title: str, ask: str) -> None:
    statement = a_statement(lang=lang)
    pdf = statement_pdf(statement)
    assert_shows(pdf, title, ask, "197 640 118 205 374", "850312 400127", "140540 008216", "Ержанов Нұрлан Ғалымұлы", "2 450 000 ₸")
    assert_shows(pdf, *(file.sha256.hex() for file in FILES[1:]))
    assert ("Государственная пошлина" in text_of(pdf)) == (lang == "ru")


def test_an_exemption_is_named_with_its_article() -> None:
    duty = Duty(
        amount=0,
        payment="exempt",
        ground=Both("алимент өндіру", "взыскание алиментов"),
        article=Both("668-бап, 4-тармақша", "статья 668, подпункт 4"),
    )
    assert_shows(statement_pdf(a_statement(duty=duty)), "Мемлекеттік баж: баж төленбейді, алимент өндіру, 668-бап, 4-тармақша")
    assert_shows(talon_pdf(a_talon(duty=duty)), "пошлина не уплачивается, взыскание алиментов, статья 668, подпункт 4")


def test_hostile_text_is_printed_word_for_word() -> None:
    person = Party(role="plaintiff", name=HOSTILE, number=HOSTILE, address=HOSTILE, representative=Representative(name=HOSTILE))
    pdf = statement_pdf(
        a_statement(
            parties=(person,),
            subject=HOSTILE,
            circumstances=HOSTILE,
            requirement=HOSTILE,
            attachments=(a_file(HOSTILE),),
            signer_name=HOSTILE,
        )
    )
    expected = squeezed(HOSTILE.replace("\u202e", "[U+202E]").replace("😀", "[U+1F600]"))
    assert squeezed(text_of(pdf)).count(expected) >= 7


def test_twenty_thousand_characters_flow_over_pages_that_are_numbered() -> None:
    text = "\n\n".join(f"{number}. Менің дәлелім өте ұзын, бірақ соттың оны толық оқығаны маңызды." for number in range(300))[:20_000]
    pdf = statement_pdf(a_statement(circumstances=text, requirement=text))
    pages = pages_of(pdf)
    assert pages > 8
    assert_shows(pdf, "250. Менің дәлелім", f"{pages}-бет, барлығы {pages}")
    for page in pypdf.PdfReader(BytesIO(pdf)).pages:
        assert squeezed("Талон № 197 640 118 205 374") in squeezed(page.extract_text())


def test_the_invoice_carries_what_a_bank_asks_for() -> None:
    pdf = invoice_pdf(an_invoice())
    assert pages_of(pdf) == 1
    assert_shows(
        pdf, "24 500,50 ₸", "850312 400127", "108126", "4301", "911", "KZ00070105KSN0000000", "талон 197640118205374", "Ақтау қалалық соты"
    )
    assert "байланыс жоқ" not in text_of(invoice_pdf(an_invoice(offline=False)))


def test_the_notice_gives_the_case_number_or_every_reason() -> None:
    registered = text_of(decision_pdf(a_decision()))
    assert "№ 4711-26-00-2/934" in registered
    assert "Қасымова Динара Ерланқызы" in registered
    pdf = decision_pdf(a_decision(outcome="refused", reasons=(DUTY_MISSING, WRONG_COURT)))
    assert_shows(
        pdf,
        "reg-duty",
        "АПК 152-бап",
        "Нет документа об уплате пошлины",
        "Түзетуге болады, мерзімі — 2026 жылғы 30 қараша",
        "Исправить нельзя",
    )
    assert_shows(pdf, "2026 жылғы 20 қараша, 14:52:08", "197 640 118 205 374")
    curable = decision_pdf(a_decision(outcome="refused", reasons=(DUTY_MISSING,)))
    assert_shows(curable, "алғашқы талонның уақыты сақталады: 2026 жылғы 20 қараша, 14:52")


def test_the_clerks_own_words_stand_after_all_reasons_and_belong_to_none() -> None:
    words = "Түбіртектің орнына банк үзіндісі тіркелген."
    shown = text_of(decision_pdf(a_decision(outcome="refused", reasons=(DUTY_MISSING, WRONG_COURT), note=words)))
    assert shown.index("cpc152-2") < shown.index("Исправить нельзя") < shown.index("Пояснение") < shown.index("банк үзіндісі")
    assert "Пояснение" not in text_of(decision_pdf(a_decision(outcome="refused", reasons=(DUTY_MISSING,))))


def test_many_reasons_take_a_second_page_and_lose_none() -> None:
    pdf = decision_pdf(a_decision(outcome="refused", reasons=(DUTY_MISSING,) * 14))
    assert pages_of(pdf) > 1
    assert text_of(pdf).count("reg-duty") == 28


def test_a_court_without_region_and_a_person_without_number_leave_no_gap() -> None:
    court = type(AKTAU)(name=AKTAU.name)
    assert_shows(
        statement_pdf(a_statement(court=court, duty=Duty(amount=0, payment="none"), attachments=())),
        "баж алынбайды",
        "Қоса тіркелген құжат жоқ.",
    )
    shown = text_of(talon_pdf(a_talon(filer_number="", court=court, previous=b"")))
    assert "ЖСН" not in shown


def _signer() -> signers.SimpleSigner:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "node 4711-2")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    certificate = builder.not_valid_before(start).not_valid_after(start + timedelta(days=365)).sign(key, hashes.SHA256())
    store = serialization.pkcs12.serialize_key_and_certificates(b"k", key, certificate, None, serialization.NoEncryption())
    return signers.SimpleSigner.load_pkcs12_data(store, other_certs=[])


@pytest.mark.skipif(not shutil.which("pdfsig"), reason="poppler-utils is not installed")
@pytest.mark.parametrize("name", ["talon", "statement"])
def test_a_signature_added_afterwards_holds_and_keeps_the_files(name: str, tmp_path: Path) -> None:
    pdf = PAPERS[name][0]()
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    signed = signers.sign_pdf(writer, signers.PdfSignatureMetadata(field_name="Signature1"), signer=_signer()).getvalue()
    assert signed.startswith(pdf)
    assert pypdf.PdfReader(BytesIO(signed)).attachments == pypdf.PdfReader(BytesIO(pdf)).attachments
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed)
    said = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True, check=False).stdout
    assert "Signature is Valid" in said
    assert "Total document signed" in said
