"""The public check of a talon or another paper: the form and the words that node and centre share.

Both give what they were given to `sync.verify.verify_file`; its findings are said here in the visitor's language. The page is
``shared/check.html``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from flask_babel import gettext, lazy_gettext
from flask_wtf.file import FileField
from wtforms import TextAreaField

from common.papers.words import date_time_words
from common.web.forms import CourtForm
from common.web.languages import current_language
from common.web.limits import MINUTE_MS

CHECKS_MAX = 120
"""Of one address in a window: a kiosk is one address for everybody who stands at it."""
WINDOW_MS = 10 * MINUTE_MS
CODE_CHARS_MAX = 4_000


class CheckForm(CourtForm):
    """One of the two is enough."""

    code = TextAreaField(lazy_gettext("Code of the talon"), description=lazy_gettext("Put the cursor here and scan the square code."))
    file = FileField(
        lazy_gettext("Paper as a file"),
        description=lazy_gettext("The talon, a signed statement or another paper of the court. It is checked and not kept."),
    )

    def given(self, bytes_max: int) -> bytes:
        """Return what is to be checked, at most a byte over ``bytes_max``: the file where there is one, else the scanned text.

        Empty when there is neither; the form then says so.
        """
        upload = self.file.data
        if upload is not None and upload.filename:
            data: bytes = upload.stream.read(bytes_max + 1)
            return data
        text = (self.code.data or "").strip("\r\n\t ")[:CODE_CHARS_MAX]
        if not text:
            self.code.errors = (gettext("Scan the code, or choose a file."),)
        return text.encode()


class Found(Protocol):
    """What this module needs of a `sync.verify.Finding`."""

    @property
    def sentence(self) -> str: ...

    @property
    def level(self) -> str: ...

    def values(self, moment: Callable[[int], str]) -> dict[str, object]: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One finding, translated; ``kind``: ok, warn, bad."""

    text: str
    kind: str


def say_finding(finding: Found) -> Line:
    """Return a finding in the visitor's language."""
    values = finding.values(lambda ms: date_time_words(ms, current_language(), seconds=True))
    return Line(str(gettext(finding.sentence, **values)) if values else str(gettext(finding.sentence)), finding.level)


def verdict(kind: str, *, valid: bool) -> str:
    """Return the answer about a paper of ``kind`` (as `sync.verify` names it) in one line."""
    if not valid:
        return str(gettext("This cannot be relied on"))
    words = {
        "talon": gettext("The talon is genuine"),
        "receipt": gettext("The talon is genuine"),
        "statement": gettext("The signature is genuine"),
        "file": gettext("The file is unchanged"),
    }
    return str(words.get(kind, gettext("The paper is genuine")))
