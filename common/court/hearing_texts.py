"""The texts about a hearing that a judge or a clerk signs, what a fold demands of them, and which link may stand in one.

Each text names the entry it replaces: a signature that moved a hearing once moves it from there and from nowhere else.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import urlsplit

from common.clock import KAZAKHSTAN_OFFSET_MS
from common.court import texts
from common.errors import N_, Refused

Kind = Literal["preparation", "preliminary", "main", "announcement"]
Mode = Literal["hall", "video"]
Outcome = Literal["held", "adjourned", "cancelled"]

LINK_CHARS_MAX: Final = 400
"""A code of so many characters is still read by a phone from a screen."""
KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "preparation": "істі сот талқылауына дайындау / подготовка дела к судебному разбирательству",
        "preliminary": "алдын ала сот отырысы / предварительное судебное заседание",
        "main": "сот талқылауы / судебное разбирательство",
        "announcement": "шешімді жария ету / оглашение решения",
    }
)
MODES: Final[Mapping[str, str]] = MappingProxyType(
    {"hall": "сот залында / в зале суда", "video": "бейнеконференция арқылы / по видеоконференции"}
)
OPENNESS: Final[Mapping[bool, str]] = MappingProxyType({False: "ашық / открытое", True: "жабық / закрытое"})
OUTCOMES: Final[Mapping[str, str]] = MappingProxyType(
    {"held": "өткізілді / проведено", "adjourned": "кейінге қалдырылды / отложено", "cancelled": "болмайды / отменено"}
)
"""What the signed texts say of each; never reworded."""


def moment(ms: int) -> str:
    """Return a moment (ms UTC) as signed texts say it: «2026-12-01 10:30», in Kazakhstan."""
    return datetime.fromtimestamp((ms + KAZAKHSTAN_OFFSET_MS) // 1000, tz=UTC).strftime("%Y-%m-%d %H:%M")


def set_lines(
    *,
    talon: str,
    court: str,
    number: str,
    starts_ms: int,
    earlier_ms: int | None,
    hall: str,
    kind: str,
    closed: bool,
    mode: str,
    link: str,
    judge: str,
    replaces: bytes,
    date: str,
    officer: str,
) -> list[texts.Line]:
    """Return the lines that the signed text must hold of a hearing that is set, or moved away from ``earlier_ms``."""
    return [
        (texts.TALON, talon),
        (texts.COURT, court),
        (texts.NUMBER, number),
        (texts.HEARING, KINDS[kind]),
        (texts.STARTS, moment(starts_ms)),
        (texts.EARLIER, moment(earlier_ms) if earlier_ms is not None else ""),
        (texts.HALL, hall),
        (texts.OPENNESS, OPENNESS[closed]),
        (texts.MODE, MODES[mode]),
        (texts.LINK, link),
        (texts.JUDGE, judge),
        (texts.OUTCOME, ""),
        *_ends(replaces, date, officer),
    ]


def close_lines(
    *, talon: str, court: str, number: str, starts_ms: int, outcome: str, note: str, replaces: bytes, date: str, officer: str
) -> list[texts.Line]:
    """Return the lines that the signed text must hold of a hearing that was held, adjourned or cancelled."""
    return [
        (texts.TALON, talon),
        (texts.COURT, court),
        (texts.NUMBER, number),
        (texts.STARTS, moment(starts_ms)),
        (texts.OUTCOME, OUTCOMES[outcome]),
        (texts.NOTE, note),
        *_ends(replaces, date, officer),
    ]


def write(said: Sequence[texts.Line], *, court_name: str) -> bytes:
    """Return the text to sign; ``said`` are the lines above, ``court_name`` is for people."""
    return texts.write(("Сот отырысы туралы хабар.", "Извещение о судебном заседании."), [*said, (texts.COURT_NAME, court_name)])


def require_link(link: str, mode: str) -> None:
    """Raise Refused("hearing.link", "hearing.no_link" or "hearing.link_unused") for a link that may not stand in a hearing of ``mode``.

    A link is https, names a host with a dot, carries no name or password, and is plain ASCII: what is read is where it leads.
    """
    if mode != "video":
        if link:
            raise Refused(
                "hearing.link_unused", N_("A hearing in the hall has no link. Choose video, or leave the link empty."), field="link"
            )
        return
    if not link:
        raise Refused("hearing.no_link", N_("Write the link by which the participants join."), field="link")
    if len(link) > LINK_CHARS_MAX:
        raise Refused("hearing.link", N_("The link has at most %(max)d signs. Take the short one."), field="link", max=LINK_CHARS_MAX)
    if not _is_link(link):
        sentence = N_("This is no link for a hearing: it begins with https://… and has no spaces, names or passwords. Copy it whole.")
        raise Refused("hearing.link", sentence, field="link")


def _is_link(link: str) -> bool:
    if not link.isascii() or not link.isprintable() or " " in link or any(sign in link for sign in '\\"<>`'):
        return False
    try:
        parts = urlsplit(link)
        _ = parts.port  # raises for one that is no number
    except ValueError:
        return False
    host = parts.hostname or ""
    return link.startswith("https://") and "." in host.strip(".") and "@" not in parts.netloc


def _ends(replaces: bytes, date: str, officer: str) -> list[texts.Line]:
    return [(texts.ENTRY, replaces.hex()), (texts.DATE, date), (texts.OFFICER, officer)]
