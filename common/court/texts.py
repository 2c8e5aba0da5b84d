"""The plain texts that people sign: one fact per line, Kazakh and Russian, so that who signs and who reads see the same.

A text is UTF-8 lines «қазақша / по-русски: value». The labels below belong to version 1 of the entries that carry such
texts and are never reworded: a fold finds by them that what was signed says what the entry says. Titles and any further
lines may change. A value never holds a line break, so no value can pretend to be another line.

    require_lines(content, [(TALON, "000101000000019")])
"""

from collections.abc import Iterable, Sequence
from typing import Final

from common.errors import N_, Refused

TALON: Final = "Талон нөмірі / Номер талона"
COURT: Final = "Сот / Суд"
COURT_NAME: Final = "Соттың атауы / Наименование суда"
NUMBER: Final = "Істің нөмірі / Номер дела"
DATE: Final = "Күні / Дата"
EXECUTOR: Final = "Орындаушы / Исполнитель"
GROUND: Final = "Негіз / Основание"
NOTE: Final = "Түсіндірме / Пояснение"
CURE_UNTIL: Final = "Кемшілікті түзету мерзімі / Срок исправления"
REDIRECTED_TO: Final = "Жолданған сот / Направлено в суд"
REASON: Final = "Себебі / Причина"
PERSON: Final = "ЖСН немесе БСН / ИИН или БИН"
NAME: Final = "Аты / Имя"
EMAIL: Final = "Электрондық пошта / Электронная почта"
LANGUAGE: Final = "Тіл / Язык"
AGREEMENT: Final = "Пайдаланушы келісімі / Пользовательское соглашение"
NODE: Final = "Құрылғы нөмірі / Номер устройства"
TIME: Final = "Уақыты / Время"
ACT: Final = "Сот актісі / Судебный акт"
ENTRY: Final = "Жазба / Запись"
EPOCH: Final = "Дәуір / Эпоха"
ENTRIES: Final = "Жазбалар саны / Количество записей"
ENTRIES_HASH: Final = "Жазбалардың хэші / Хэш записей"
RULING: Final = "Ұйғарым / Определение"
JUDGE: Final = "Судья / Судья"
ONCE: Final = "Бір реттік код / Одноразовый код"
HEARING: Final = "Сот отырысы / Судебное заседание"
STARTS: Final = "Басталуы / Начало"
EARLIER: Final = "Бұрынғы уақыты / Прежнее время"
HALL: Final = "Отырыс залы / Зал заседаний"
OPENNESS: Final = "Ашықтығы / Открытость"
MODE: Final = "Өткізу тәсілі / Способ проведения"
LINK: Final = "Бейнебайланыс сілтемесі / Ссылка на видеосвязь"
OUTCOME: Final = "Қорытындысы / Итог"
OFFICER: Final = "Қол қойған / Подписал"

Line = tuple[str, str]
"""A label and its value."""


def write(title: Sequence[str], lines: Iterable[Line]) -> bytes:
    """Return the text to sign: the title's lines, then one line per value; lines without a value are left out."""
    body = [f"{label}: {flat(value)}" for label, value in lines if value]
    return "\n".join([*title, *body, ""]).encode()


def flat(value: str) -> str:
    """Return ``value`` on one line."""
    return " ".join(value.split())


def require_lines(content: bytes, lines: Iterable[Line]) -> None:
    """Raise Refused("text.unreadable") or Refused("text.differs") unless ``content`` says each of ``lines`` in a line of its own.

    A line without a value must be absent, and a label must not appear with any other value.
    """
    said = read(content)
    wanted: dict[str, list[str]] = {}
    for label, value in lines:
        wanted.setdefault(label, []).extend([flat(value)] if value else [])
    for label, values in wanted.items():
        if [value for name, value in said if name == label] != values:
            raise Refused("text.differs", N_("The signed text says something else than the entry."))


def read(content: bytes) -> list[Line]:
    """Return the labelled lines of a signed text in order; raises Refused("text.unreadable")."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise Refused("text.unreadable", N_("The signed text cannot be read.")) from error
    return [(label, value) for label, found, value in (line.partition(": ") for line in text.split("\n")) if found]
