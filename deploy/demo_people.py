"""The people of the demo country: made-up names, numbers with right check digits, real keys made by the real code."""

from dataclasses import dataclass

from common.people import check_digit
from common.pki.authority import Authority
from common.pki.keystore import Key

PASSWORD = "Qwerty12"
"""Of every key file."""
CABINET_PASSWORD = "kokshe-dala-2026"
"""Of every citizen's cabinet, beside the key."""


def _number(eleven: str) -> str:
    digit = check_digit(eleven)
    assert digit is not None, "choose another serial: no number is given out for this one"
    return f"{eleven}{digit}"


@dataclass(frozen=True, slots=True)
class Person:
    """One person of the demo. ``court`` and ``role`` for staff, ``organisation`` and ``bin`` for a head of one."""

    file: str
    surname: str
    first: str
    patronymic: str
    eleven: str
    court: str = ""
    role: str = ""
    organisation: str = ""
    bin_eleven: str = ""

    @property
    def iin(self) -> str:
        return _number(self.eleven)

    @property
    def bin(self) -> str:
        return _number(self.bin_eleven) if self.bin_eleven else ""

    @property
    def name(self) -> str:
        return f"{self.surname} {self.first} {self.patronymic}".strip()

    def issue(self, authority: Authority, *, at_ms: int) -> Key:
        """Return this person's key, valid for a year."""
        who = (self.surname, self.first, self.patronymic, self.iin)
        if self.organisation:
            return authority.issue_organisation(*who, self.organisation, self.bin, role="head", not_before_ms=at_ms)
        return authority.issue_person(*who, not_before_ms=at_ms)


AKTAU, MEDEU = "kz-283", "kz-18"

NEWCOMER = Person("zhumabaev", "ЖҰМАБАЕВ", "ДӘУЛЕТ", "ТІЛЕУҰЛЫ", "95082130067")
"""Has a key and no cabinet: whoever tries the demo registers him."""
CITIZENS = (
    Person("sarsenova", "СӘРСЕНОВА", "АЙГҮЛ", "МАРАТҚЫЗЫ", "85031240012"),
    Person("omarov", "ОМАРОВ", "ЕРЛАН", "СӘКЕНҰЛЫ", "79061530031"),
    Person("ibraeva", "ИБРАЕВА", "ЖАНАР", "ҚАЙРАТҚЫЗЫ", "92110440045"),
    Person(
        "teniz", "ҚҰДАЙБЕРГЕНОВ", "НҰРЛАН", "ӘБІШҰЛЫ", "76020230058", organisation="«Теңіз Құрылыс Сервис» ЖШС", bin_eleven="14054000821"
    ),
    NEWCOMER,
)
STAFF = (
    Person("clerk-aktau", "ҚАСЫМОВА", "ДИНАРА", "ЕРБОЛҚЫЗЫ", "88090940017", AKTAU, "clerk"),
    Person("judge-aktau", "ЖАҚСЫЛЫҚОВ", "БОЛАТ", "ӨМІРҰЛЫ", "71040130022", AKTAU, "judge"),
    Person("clerk-medeu", "ӘЛІМБЕКОВА", "САУЛЕ", "НҰРЛАНҚЫЗЫ", "90121240033", MEDEU, "clerk"),
    Person("administrator-aktau", "СЕЙІТОВ", "МАРАТ", "ЕРЖАНҰЛЫ", "85041130066", AKTAU, "administrator"),
    Person("judge-medeu", "ТӨЛЕГЕНОВ", "АСҚАР", "ҒАБИТҰЛЫ", "68071830044", MEDEU, "judge"),
)
ADMINISTRATOR = Person("administrator", "АХМЕТОВ", "НҰРБОЛ", "СЕРІКҰЛЫ", "83050530055", "", "central")
