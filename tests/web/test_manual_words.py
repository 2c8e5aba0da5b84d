"""The words of the user manual stand where people know them from: sections, lists, fields and buttons (domain/SERVICES.md)."""

import html
import re

import pytest

from tests.web.filing_world import begin, fill, house_of, sent_by_pages
from tests.web.pages import AIGUL, Browser, House

SECTIONS = (  # REG-8
    "Сот істерін іздеу · Сот актілерінің банкі · Модуль «Танысу» · Сот актісінің заңдылығын тексеру · Жеке қабылдауға жазылу · "
    "Сот істерін қарау кестелері · Құжаттарды жіберу · Менің істерім · Хабарламалар · Онлайн әңгімелесу · Сенімхат · E-татуласу · "
    "Менің хаттарым · Процесс қатысушысының күнтізбесі · Сырттай бағалау сауалнамасы · Сотқа шақыру қағазы (SMS) · "
    "Хабарламаға сот құжаттарын көру · Шақырумен/хабарламамен танысу"
)
RUSSIAN_SECTIONS = (
    "Поиск судебных дел · Банк судебных актов · Модуль «Ознакомление» · Проверка легитимности судебного акта · Запись на личный приём · "
    "Графики рассмотрения дел · Подача документов · Мои дела · Уведомления · Онлайн-беседа · Доверенность · E-примирение · Мои письма · "
    "Календарь участника процесса · Анкета внешней оценки · Судебная повестка (SMS) · Просмотр судебных документов по уведомлению · "
    "Ознакомление с вызовом/извещением"
)
DOCUMENTS = (  # FIL-1
    "Талап арыз",
    "Апелляциялық шағым",
    "Жеке шағым",
    "Кассациялық шағым",
    "Өтініш, өтінішхат",
    "Сот отырысы хаттамасына ескертпелер",
    "Қарсы талап",
    "Пікір",
    "Өзге де процессуалдық құжаттар",
)

TALON = r'<span class="num">(?:\d{3}\s){4}\d{3}</span>'


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return house_of(tmp_path_factory.mktemp("house"))


@pytest.fixture
def browser(house: House) -> Browser:
    browser = Browser(house.app, "kk")
    browser.enter(AIGUL)
    return browser


def page(browser: Browser, address: str) -> str:
    return html.unescape(browser.get(address).text)


@pytest.mark.parametrize(("language", "sections"), [("kk", SECTIONS), ("ru", RUSSIAN_SECTIONS)])
def test_the_eighteen_sections_have_the_manuals_names(house: House, language: str, sections: str) -> None:
    tiles = re.findall(r'class="tile[^>]*>.*?<b>(.*?)</b>', page(Browser(house.app, language), "/"), re.DOTALL)
    assert sorted(tiles) == sorted(sections.split(" · "))


def test_the_way_in(house: House) -> None:
    guest = Browser(house.app, "kk")
    assert re.search(r'href="/register"[^>]*>\s*Тіркелу', page(guest, "/"))  # REG-1
    agreement = page(guest, "/register")
    assert "<h1>Пайдаланушылық келісім</h1>" in agreement  # REG-2
    assert re.search(r"<button[^>]*>\s*Ары қарай", agreement)
    version = re.search(r'name="version" value="([^"]+)"', agreement)
    guest.post("/register", {"accept": "y", "version": version[1] if version else ""})
    form = page(guest, "/register/key")
    for words in ("Құпия сөзді растау", "Электрондық пошта", "Сертификатты таңдау"):  # REG-3, REG-4
        assert words in form, words
    assert re.search(r"<button[^>]*>(?:\s*<svg.*?</svg>)?\s*Тіркелу", form, re.DOTALL)
    assert "ЖСН немесе БСН" in page(guest, "/enter/password")  # REG-5


def test_the_chooser_of_three(browser: Browser) -> None:
    chooser = page(browser, "/filings/new")
    for label in ("Іс жүргізу түрі", "Сатысы", "Құжат түрі"):  # FIL-2
        assert re.search(rf"<label[^>]*>\s*{label}", chooser), label
    assert re.search(r"<button[^>]*>(?:\s*<svg.*?</svg>)?\s*Жіберу\s*</button>", chooser, re.DOTALL)
    places = [chooser.find(f">{name}<") for name in DOCUMENTS]
    assert -1 not in places, dict(zip(DOCUMENTS, places, strict=True))
    assert places == sorted(places)
    for kind in ("Азаматтық", "Қылмыстық", "Әкімшілік"):  # GEN-4
        assert f">{kind}" in chooser, kind


def test_the_four_steps(browser: Browser) -> None:
    base = fill(browser)
    case = page(browser, f"{base}/case")
    for words in ("Іс жүргізу түрі", "Іс санаты", "Арыз сипаты", "Облыс", "Сот органы", "Процесс тараптары"):  # CLM-2
        assert words in case, words
    assert "Процесс қатысушысын қосу" in case  # CLM-3
    party = page(browser, f"{base}/parties/new")
    for words in ("Жеке тұлға", "Заңды тұлға", "Талап қоюшы", "Жауапкер", "Үшінші тарап", "Өкіл", "резидент", "Келесі"):
        assert words in party, words
    details = page(browser, f"{base}/parties/new/details?kind=individual&role=defendant&resident=yes")
    assert re.search(r"<button[^>]*>\s*Сақтау\s*</button>", details)  # CLM-4
    payment = page(browser, f"{base}/payment")
    for words in (
        "Төлем туралы ақпарат",
        "Төлем жасалмайды",
        "Талап сомасы",
        "Мемлекеттік баж сомасы",
        "онлайн төлеу",
        "сканерленген көшірме",
    ):
        assert words in payment, words  # CLM-5 … CLM-7
    documents = page(browser, f"{base}/documents")
    assert "Қоса тіркелетін құжаттар" in documents  # CLM-8
    assert "Ары қарай" in documents


def test_what_was_sent_and_what_waits(browser: Browser) -> None:
    address = sent_by_pages(browser)
    assert "Жіберілгені туралы талон" in page(browser, f"{address}/sent")  # CLM-10
    begin(browser)
    assert "Жіберуді күтуде" in page(browser, "/filings")  # CLM-11, CLM-13
    one = page(browser, address)
    for words in ("Арыз туралы мәлімет", "Істің қаралу барысының динамикасы", "бейнематериал"):  # CLM-12
        assert words in one, words
    assert re.search(rf"{TALON} өтініші бойынша мәртебе өзгерді", page(browser, "/notifications"))  # NOT-2
    browser.get("/help?lang=ru")
    assert re.search(rf"По заявлению {TALON} изменен статус", page(browser, "/notifications"))
