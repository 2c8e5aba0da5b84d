"""How dates, money, numbers and names are written, on paper and on the screen alike.

Times come as milliseconds UTC and are shown in the country's one zone, UTC+5. Money comes as whole tiyn. ``lang`` is
``"kk"``, ``"ru"`` or ``"en"``. What must stay on one line (money, talon, IIN, initials) is joined by U+00A0.

    date_words(1795168328000, "kk") == "2026 жылғы 20 қараша"
    money(245000000) == "2 450 000 ₸"
"""

from datetime import UTC, datetime, timedelta
from typing import Literal

from common.clock import KAZAKHSTAN_OFFSET_MS

Lang = Literal["kk", "ru", "en"]

NBSP = "\N{NO-BREAK SPACE}"
ELLIPSIS = "…"
TENGE = "₸"
BULLET = "•"
SHORT_CODE_DIGITS = 12

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MONTHS: dict[str, tuple[str, ...]] = {
    "kk": ("қаңтар", "ақпан", "наурыз", "сәуір", "мамыр", "маусым", "шілде", "тамыз", "қыркүйек", "қазан", "қараша", "желтоқсан"),
    "ru": ("января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}
_UNITS: dict[str, tuple[str, ...]] = {"kk": ("Б", "КБ", "МБ", "ГБ"), "ru": ("Б", "КБ", "МБ", "ГБ"), "en": ("B", "KB", "MB", "GB")}
_DATE_FORMS = {"kk": "{year} жылғы {day} {month}", "ru": "{day} {month} {year} года", "en": "{day} {month} {year}"}


def _local(ms: int) -> datetime:
    """The wall clock of Kazakhstan, as a naive pair of date and time carried in a UTC datetime."""
    return _EPOCH + timedelta(milliseconds=ms + KAZAKHSTAN_OFFSET_MS)


def date_words(ms: int, lang: Lang) -> str:
    """Return «2026 жылғы 20 қараша», «20 ноября 2026 года» or «20 November 2026»."""
    local = _local(ms)
    return _DATE_FORMS[lang].format(year=local.year, day=local.day, month=_MONTHS[lang][local.month - 1])


def day_month(ms: int, lang: Lang) -> str:
    """Return «20 қараша», «20 ноября» or «20 November»: for sentences in which the year is clear."""
    local = _local(ms)
    return f"{local.day} {_MONTHS[lang][local.month - 1]}"


def time_words(ms: int, *, seconds: bool = False) -> str:
    """Return «14:52», or «14:52:08»: seconds are for talons only."""
    return _local(ms).strftime("%H:%M:%S" if seconds else "%H:%M")


def date_time_words(ms: int, lang: Lang, *, seconds: bool = False) -> str:
    """Return «2026 жылғы 20 қараша, 14:52»."""
    return f"{date_words(ms, lang)}, {time_words(ms, seconds=seconds)}"


def date_short(ms: int) -> str:
    """Return «20.11.2026»: for tables."""
    return _local(ms).strftime("%d.%m.%Y")


def date_time_short(ms: int, *, now: int | None = None, seconds: bool = False) -> str:
    """Return «20.11.2026, 14:52»; with ``now`` given and in the same year, «20.11, 14:52»."""
    local = _local(ms)
    same_year = now is not None and _local(now).year == local.year
    return f"{local.strftime('%d.%m' if same_year else '%d.%m.%Y')}, {time_words(ms, seconds=seconds)}"


def utc_time(ms: int) -> str:
    """Return the time of day in UTC with seconds, «09:52:08»: the second witness on a talon."""
    return (_EPOCH + timedelta(milliseconds=ms)).strftime("%H:%M:%S")


def money(tiyn: int) -> str:
    """Return «2 450 000 ₸» or «24 500,50 ₸»; tiyn are shown only when there are any."""
    tenge, rest = divmod(abs(tiyn), 100)
    sign = "\N{MINUS SIGN}" if tiyn < 0 else ""
    return f"{sign}{_thousands(tenge)}{f',{rest:02}' if rest else ''}{NBSP}{TENGE}"


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", NBSP)


def size_words(size_bytes: int, lang: Lang) -> str:
    """Return «214 КБ» or «1,2 МБ»: one decimal from a megabyte up, units of 1024."""
    size, unit = float(size_bytes), 0
    # 1023.5 would be written "1024": such a size belongs to the next unit
    while round(size) >= 1024 and unit < 3:
        size, unit = size / 1024, unit + 1
    text = f"{size:.1f}" if unit >= 2 else f"{size:.0f}"
    return f"{text if lang == 'en' else text.replace('.', ',')}{NBSP}{_UNITS[lang][unit]}"


def length_words(seconds: int) -> str:
    """Return how long a recording is, «5:12» or «1:02:03»."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _groups(text: str, width: int, joint: str) -> str:
    return joint.join(text[start : start + width] for start in range(0, len(text), width))


def talon_groups(number: str) -> str:
    """Return the 15 digits of a talon in five threes, «197 640 118 205 374»."""
    return _groups(number, 3, NBSP)


def iin_groups(number: str) -> str:
    """Return an IIN or BIN as «850312 400127»."""
    return f"{number[:6]}{NBSP}{number[6:]}" if len(number) == 12 else number


def iin_masked(number: str) -> str:
    """Return «•••••• ••0127»: the first six digits are a birth date, so they never leave the owning court."""
    return f"{BULLET * 6}{NBSP}{BULLET * 2}{number[-4:]}" if len(number) == 12 else BULLET * len(number)


def hash_groups(digest: bytes) -> str:
    """Return bytes as hex in fours, «8c0e 7d15», for key ids that people compare by eye."""
    return _groups(digest.hex(), 4, NBSP)


def hash_short(digest: bytes) -> str:
    """Return «9f2c41b7…e03a5d18»; the full hash stands on the talon."""
    text = digest.hex()
    return text if len(text) <= 16 else f"{text[:8]}{ELLIPSIS}{text[-8:]}"


def short_code(digest: bytes) -> str:
    """Return twelve digits of a hash, «4715-2096-0834»: digits look the same in both alphabets and can be dictated."""
    digits = int.from_bytes(digest, "big") % 10**SHORT_CODE_DIGITS
    return _groups(f"{digits:0{SHORT_CODE_DIGITS}}", 4, "-")


def initials(name: str) -> str:
    """Return «Сәрсенова А. М.» for a person's full name, also where a certificate has it in capitals; one word stays as it is."""
    family, *given = name.split()[:3] or [""]
    family = family.title() if given and family.isupper() else family
    return NBSP.join([family, *(f"{part[0].upper()}." for part in given)])
