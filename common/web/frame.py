"""What stands around every page: which surface it is, whose machine, the state of the line, who is here.

The application gives ``create_app(frame=…)`` a function that returns a ``Frame`` for the current request; how the page
looks (contrast, large letters, lowered) is the visitor's own choice and is added here from the session.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlencode, urlsplit

from flask import current_app, g, request, session, url_for

from common.web.languages import LANGUAGES, OWN_NAMES, current_language
from common.web.sessions import has_work

Surface = Literal["home", "kiosk", "desk"]
LineKind = Literal["ok", "off", "stick", "closed"]
LINE_ICONS = {"ok": "wifi", "off": "wifi-off", "stick": "usb-drive", "closed": "x-octagon-fill"}
LINE_CLASSES = {"ok": "", "off": "line-off", "stick": "line-off", "closed": "line-bad"}
IDLE_MS = 60_000
"""DESIGN 5: a kiosk asks «are you here?» after this."""
IDLE_ANSWER_SECONDS = 20
NEXT_CHARS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Action:
    """One link that looks like a button."""

    url: str
    label: str
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """The state of the line in plain words, translated. ``closed``: this machine cannot take papers now."""

    kind: LineKind
    title: str = ""
    text: str = ""
    counts: str = ""
    icon: str = ""
    action: Action | None = None

    @property
    def drawing(self) -> str:
        return self.icon or LINE_ICONS[self.kind]

    @property
    def classes(self) -> str:
        return f"line {LINE_CLASSES[self.kind]}".strip()


@dataclass(frozen=True, slots=True)
class NavItem:
    """One section of a staff page; ``current`` marks the one that is open."""

    url: str
    label: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Language:
    """One choice of language, in its own words."""

    code: str
    name: str
    short: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Everything ``shared/frame.html`` shows. All texts arrive in the visitor's language."""

    surface: Surface
    house_name: str
    now_ms: int
    house_sub: str = ""
    home_url: str = "/"
    line: Line | None = None
    nav: tuple[NavItem, ...] = ()
    who: str = ""
    """The signed-in person, short; empty when nobody is."""
    help_text: str = ""
    """Where to find a person: «1-қабат, 104-бөлме, 9:00–18:30»."""
    help_links: tuple[Action, ...] = ()
    """What else the shared help page leads to."""
    draft_code: str = ""
    """Shown where the page says that a draft can be continued."""
    reload_seconds: int = 0
    """A page that reloads itself (the centre's overview); 0: never."""
    theme: Literal["light", "contrast"] = "light"
    large: bool = False
    low: bool = False

    @property
    def classes(self) -> str:
        extra = (" large" if self.large else "") + (" low" if self.low else "")
        return self.surface + (extra if self.surface == "kiosk" else "")


FrameSource = Callable[[], Frame]


def current_frame() -> Frame:
    """Return the frame of this request, made once."""
    if "frame" not in g:
        source: FrameSource = current_app.extensions["frame"]
        g.frame = replace(
            source(),
            theme="contrast" if session.get("theme") == "contrast" else "light",
            large=bool(session.get("large")),
            low=bool(session.get("low")),
        )
    frame: Frame = g.frame
    return frame


def languages() -> tuple[Language, ...]:
    """Return the three choices, each with the address of this same page in that language."""
    return tuple(Language(code, *OWN_NAMES[code], url=_with_args(lang=code), current=code == current_language()) for code in LANGUAGES)


def look_url(**changes: str) -> str:
    """Return the address that changes how pages look (``theme``, ``large``, ``low``) and comes back here."""
    return f"{url_for('shared.look')}?{urlencode({**changes, 'next': here()})}"


def here() -> str:
    """Return the path and query of this page without the choice of language, to come back to.

    A page that answers only to POST has no address to return to: the first page stands in.
    """
    adapter = getattr(request, "url_rule", None)
    if adapter is not None and "GET" not in (adapter.methods or ()):
        return current_frame().home_url
    return _with_args()


def _with_args(**changes: str) -> str:
    pairs = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    pairs += list(changes.items())
    return f"{request.path}?{urlencode(pairs)}" if pairs else request.path


def safe_next(address: str | None, otherwise: str = "/") -> str:
    """Return ``address`` when it is a path of this same application, else ``otherwise``: no open redirect.

    Backslashes and control characters are refused too: browsers read ``/\\host`` as another host.
    """
    if not address or len(address) > NEXT_CHARS_MAX or not address.startswith("/") or address.startswith("//"):
        return otherwise
    if "\\" in address or any(ord(letter) < 0x20 for letter in address):
        return otherwise
    parts = urlsplit(address)
    return otherwise if parts.scheme or parts.netloc else address


def somebody_here() -> bool:
    """Return whether there is something to end and erase: somebody signed in, or began something."""
    return has_work()


def idle_kind() -> Literal["", "ask", "reset"]:
    """Return what a kiosk does when nobody touches it: ask and erase, go quietly to the first page, or nothing.

    A visitor who only looked, or only began to fill a form, has a session too: the next one must not meet its traces.
    """
    frame = current_frame()
    if frame.surface != "kiosk":
        return ""
    if session:
        return "ask"
    return "" if here() == frame.home_url else "reset"
