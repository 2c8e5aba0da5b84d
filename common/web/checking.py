"""The public check of a talon or another paper: the form and the words that node and centre share.

Both give what they were given to `sync.verify.verify_file`; its findings are said here in the visitor's language. The page is
``shared/check.html``.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Protocol

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
UPLOAD_BYTES_MAX = 96 * 1024**2
"""A container of evidence, or a signature and what it is over."""
TONES = {"valid": "ok", "unknown": "warn", "invalid": "bad"}


class CheckForm(CourtForm):
    """A code or a file is enough; the second file is for signatures that lie beside what they sign."""

    code = TextAreaField(lazy_gettext("Code of the talon"), description=lazy_gettext("Put the cursor here and scan the square code."))
    file = FileField(
        lazy_gettext("Paper as a file"),
        description=lazy_gettext(
            "A talon, a signed PDF or XML, a signature (CMS), a receipt, a proof of the register, a bundle, a container of evidence. "
            "It is checked and not kept."
        ),
    )
    content = FileField(
        lazy_gettext("What was signed"),
        description=lazy_gettext("Only where the signature is in a file of its own: the file it belongs to."),
    )

    def given(self) -> IO[bytes] | None:
        """Return what is to be checked, open for reading: the file where there is one, else the scanned text.

        None when there is neither; the form then says so.
        """
        upload = self.file.data
        if upload is not None and upload.filename:
            stream: IO[bytes] = upload.stream
            return stream
        text = (self.code.data or "").strip("\r\n\t ")[:CODE_CHARS_MAX]
        if not text:
            self.code.errors = (gettext("Scan the code, or choose a file."),)
            return None
        return io.BytesIO(text.encode())

    def beside(self, bytes_max: int) -> bytes | None:
        """Return the file that a detached signature is over, cut after ``bytes_max``; None where none is given."""
        upload = self.content.data
        return upload.stream.read(bytes_max) if upload is not None and upload.filename else None


class Found(Protocol):
    """What this module needs of a `sync.report.Finding`."""

    @property
    def sentence(self) -> str: ...

    @property
    def level(self) -> str: ...

    def values(self, moment: Callable[[int], str]) -> dict[str, object]: ...


class FoundSignature(Protocol):
    """What this module needs of a `sync.report.Signed`."""

    def rows(self, *, masked: bool) -> Sequence[tuple[str, Sequence[Found]]]: ...


class FoundReport(Protocol):
    """What this module needs of a `sync.report.Report`."""

    @property
    def kind(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def verdict(self) -> str: ...

    @property
    def findings(self) -> Sequence[Found]: ...

    @property
    def signatures(self) -> Sequence[FoundSignature]: ...

    @property
    def facts(self) -> dict[str, object]: ...

    @property
    def parts(self) -> Sequence["FoundReport"]: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One finding, translated; ``kind``: ok, warn, unknown, bad."""

    text: str
    kind: str


def page_values(report: FoundReport | None) -> dict[str, object]:
    """Return what ``shared/check.html`` shows of a report; numbers of people are masked: others may look at the screen."""
    if report is None:
        return {"checked": False, "tone": "", "title": "", "findings": [], "signatures": [], "parts": [], "sha256": None}
    parts = [
        {**_found(part), "title": str(gettext(part.title)), "verdict": verdict("", part.verdict, part=True), "tone": TONES[part.verdict]}
        for part in report.parts
    ]
    about = {"checked": True, "tone": TONES[report.verdict], "title": verdict(report.kind, report.verdict)}
    return {**about, **_found(report), "parts": parts, "sha256": report.facts.get("sha256")}


def _found(report: FoundReport) -> dict[str, object]:
    signatures = [
        [(str(gettext(label)), [say_finding(each) for each in said]) for label, said in signature.rows(masked=True)]
        for signature in report.signatures
    ]
    return {"findings": [say_finding(finding) for finding in report.findings], "signatures": signatures}


def say_finding(finding: Found) -> Line:
    """Return a finding in the visitor's language."""
    values = finding.values(lambda ms: date_time_words(ms, current_language(), seconds=True))
    return Line(str(gettext(finding.sentence, **values)) if values else str(gettext(finding.sentence)), finding.level)


def verdict(kind: str, said: str, *, part: bool = False) -> str:
    """Return the answer about a paper of ``kind`` (as `sync.verify` names it), or about a part of one, in one line."""
    if said == "invalid":
        return str(gettext("This cannot be relied on"))
    if said == "unknown":
        return str(gettext("Here nobody can tell"))
    if part:
        return str(gettext("Holds"))
    words = {
        "talon": gettext("The talon is genuine"),
        "receipt": gettext("The talon is genuine"),
        "outages": gettext("The certificate about the line is genuine"),
        "notice": gettext("The court's notice is genuine"),
        "lineage": gettext("The statement about a new log is genuine"),
        "statement": gettext("The signature is genuine"),
        "cms": gettext("The signature is genuine"),
        "xml": gettext("The signature is genuine"),
        "timestamp": gettext("The time stamp is genuine"),
        "evidence": gettext("The evidence is genuine"),
        "file": gettext("The file is unchanged"),
    }
    return str(words.get(kind, gettext("The paper is genuine")))
