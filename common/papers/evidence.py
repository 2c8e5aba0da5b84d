"""The page of plain text on top of a container of evidence: what lies in it, and how anybody checks it, in both languages.

overview(Overview(talon="197640118205374", …)) -> bytes
"""

from dataclasses import dataclass

from common.papers.parts import Both
from common.papers.words import Lang, date_time_words, size_words, talon_groups

LINE = "=" * 72


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the filing: its name in the container ("" where it is not there), title, size in bytes, SHA-256."""

    name: str
    title: str
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the page says. Times are ms UTC; ``rungs`` are the receipts R0 to R4, each with whether it is here."""

    talon: str
    court: Both
    filer: str
    witness: str = ""
    """Who of the court's staff signed for a filer without a key."""
    received_ms: int
    machine: int
    made_ms: int
    files: tuple[Member, ...]
    rungs: tuple[tuple[str, Both, bool], ...]


WORDS = {
    "title": Both("ДӘЛЕЛДЕМЕЛЕР КОНТЕЙНЕРІ", "КОНТЕЙНЕР С ДОКАЗАТЕЛЬСТВАМИ"),
    "what": Both(
        "Мұнда бір арызға қатысты бәрі бар: қол қойылған арыз, оның файлдары, түбіртектер мен дәлелдер.",
        "Здесь всё, что относится к одному обращению: подписанное заявление, его файлы, квитанции и доказательства.",
    ),
    "talon": Both("Талон", "Талон"),
    "court": Both("Сот", "Суд"),
    "filer": Both("Жіберуші", "Отправитель"),
    "witness": Both("Кілті жоқ адам үшін қол қойған куә", "Свидетель, подписавший за человека без ключа"),
    "received": Both("Қабылданды", "Принято"),
    "made": Both("Контейнерді жасаған құрылғы", "Контейнер сделало устройство"),
    "files": Both("ФАЙЛДАР", "ФАЙЛЫ"),
    "absent": Both("бұл контейнерде жоқ", "в этом контейнере нет"),
    "rungs": Both("ТҮБІРТЕКТЕР", "КВИТАНЦИИ"),
    "here": Both("бар", "есть"),
    "not_here": Both("бұл құрылғыда жоқ", "на этом устройстве нет"),
    "check": Both("ҚАЛАЙ ТЕКСЕРУГЕ БОЛАДЫ", "КАК ПРОВЕРИТЬ"),
    "check_court": Both(
        "1. Кез келген соттың киоскісінде немесе орталық тізілімнің бетінде: «Құжаттар мен қолтаңбаларды тексеру», кірусіз.",
        "1. В киоске любого суда или на странице центрального реестра: «Проверка документов и подписей», без входа.",
    ),
    "check_own": Both(
        "2. Желісіз, өз компьютеріңізде: python -m edge verify --trust ҚАЛТА файл.asice",
        "2. Без сети, на своём компьютере: python -m edge verify --trust ПАПКА файл.asice",
    ),
    "check_tools": Both(
        "3. Кез келген құралмен: файлды unzip ашады; META-INF/ASiCManifest001.xml әр файлдың SHA-256 мәнін атайды; қолтаңбасы:",
        "3. Любым инструментом: файл открывает unzip; META-INF/ASiCManifest001.xml называет SHA-256 каждого файла; его подпись:",
    ),
}
RUNGS = {
    "R0": Both("құрылғы қабылдады (талон)", "принято устройством (талон)"),
    "R1": Both("орталық тізілімде", "в центральном реестре"),
    "R2": Both("барлық файл орталықта", "все файлы в центре"),
    "R3": Both("сот тіркеді немесе бас тартты", "суд зарегистрировал или отказал"),
    "R4": Both("судья қабылдады немесе қайтарды", "судья принял или возвратил"),
}
OPENSSL = (
    "   openssl x509 -inform DER -in certificates/register-pdf.cer -out register.pem",
    "   openssl cms -verify -binary -inform DER -in META-INF/signature001.p7s -content META-INF/ASiCManifest001.xml \\",
    "       -CAfile register.pem -purpose any -out /dev/null",
)


def overview(said: Overview) -> bytes:
    """Return the page, Kazakh first, in UTF-8 with the line ends that every editor shows."""
    lines = [*_page(said, "kk"), "", LINE, "", *_page(said, "ru"), ""]
    return "\r\n".join(lines).encode()


def _page(said: Overview, lang: Lang) -> list[str]:
    def word(key: str) -> str:
        return WORDS[key].of(lang)

    facts = {
        "talon": talon_groups(said.talon),
        "court": said.court.of(lang),
        "filer": said.filer,
        "witness": said.witness,
        "received": date_time_words(said.received_ms, lang, seconds=True),
        "made": f"{said.machine:04}, {date_time_words(said.made_ms, lang, seconds=True)}",
    }
    stated = [f"{word(key)}: {value}" for key, value in facts.items() if value]
    lines = [word("title"), "", word("what"), "", *stated, "", word("files"), ""]
    for file in said.files:
        lines += [f"{file.name or word('absent')}  {file.title}  ({size_words(file.size, lang)})", f"   SHA-256 {file.sha256.hex()}"]
    lines += ["", word("rungs"), ""]
    lines += [f"{name}  {what.of(lang)}: {word('here' if here else 'not_here')}" for name, what, here in said.rungs]
    return [*lines, "", word("check"), "", word("check_court"), word("check_own"), word("check_tools"), *OPENSSL]
