"""The sentences with which an uploaded file is refused: what is wrong and what to do, one per code.

``named`` needs the values ``extension`` and ``kind``, ``large`` needs ``max``; file names never go into a sentence.
"""

from typing import Final

from common.errors import N_, Refused

EMPTY: Final = "empty"
LARGE: Final = "large"
TYPE: Final = "type"
RECORDING: Final = "recording"
NAMED: Final = "named"
BROKEN: Final = "broken"
ENCRYPTED: Final = "encrypted"
PROTECTED: Final = "protected"
NO_PAGES: Final = "no_pages"
ACTIVE: Final = "active"
MACROS: Final = "macros"
UNPACKS: Final = "unpacks"
COMPLEX: Final = "complex"
BUSY: Final = "busy"
PIXELS: Final = "pixels"

SENTENCES: Final = {
    EMPTY: N_("The file is empty. Choose it again."),
    LARGE: N_("The file is larger than %(max)d MB. Save it with a lower quality or split it, and upload it again."),
    TYPE: N_("This kind of file is not taken. Save it as PDF, Word, Excel, JPEG or PNG and upload it again."),
    RECORDING: N_("This kind of file is not taken. Save a recording as MP4, WebM, WAV or MP3, a document as PDF, and upload it again."),
    NAMED: N_("The name ends with .%(extension)s, but inside is %(kind)s. Save the file anew and upload it again."),
    BROKEN: N_("The file is damaged and cannot be opened. Save or scan it anew and upload it again."),
    ENCRYPTED: N_("The file is closed with a password. Save it without one and upload it again."),
    PROTECTED: N_("The file is protected from copying or printing. Save it without protection and upload it again."),
    NO_PAGES: N_("There is no page in the file. Save it anew and upload it again."),
    ACTIVE: N_("The file would run a program when opened, and a court file must not. Print it to PDF and upload the print."),
    MACROS: N_("The file contains macros, which are programs. Save it without macros or as PDF and upload it again."),
    UNPACKS: N_("The file unpacks to far more than its size and cannot be checked. Save it as PDF and upload it again."),
    COMPLEX: N_("The file is too complicated to check. Print it to PDF and upload the print."),
    BUSY: N_("This machine has too much to do to look at the file now. The file may be in order: upload it again in a minute."),
    PIXELS: N_("The picture has too many points to open. Scan it at 300 dots per inch and upload it again."),
}


def refused(word: str, *, field: str = "file", **values: object) -> Refused:
    """Return the refusal ``upload.<word>``; the caller raises it."""
    return Refused(f"upload.{word}", SENTENCES[word], field=field, **values)
