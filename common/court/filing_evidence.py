"""What a container of evidence says of the filing itself: its files under names that name nobody, and the page on top.

The protocol's half (entries, proofs, receipts, certificates) is `sync.evidence`'s; who may have it, the services decide.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from common.court import filing_lists
from common.court.book import Book
from common.court.filing_lists import Filing
from common.db import Database
from common.files import Opener
from common.papers.evidence import RUNGS, Member, Overview, overview
from common.papers.parts import Both
from common.pki.asic import Part

STATEMENT, README = "statement.pdf", "README.txt"
PDF, TEXT = "application/pdf", "text/plain; charset=utf-8"
DECIDED = frozenset({"registered", "refused"})
ENDINGS = {
    PDF: "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}


def file_parts(database: Database, filing: Filing, opener: Callable[[bytes], Opener | None]) -> tuple[list[Part], tuple[Member, ...]]:
    """Return the files that are here, as parts, and all of them as the page lists them; ``opener`` gives what opens a blob that is."""
    title = Both("Қол қойылған арыз", "Подписанное заявление")
    wanted = [(STATEMENT, f"{title.kk} / {title.ru}", PDF, filing.statement_size, filing.statement_sha256)]
    for number, file in enumerate(filing_lists.files(database, filing.obj), 1):
        wanted.append((f"files/{number:02}.{ENDINGS.get(file.media, 'bin')}", file.title, file.media, file.size, file.sha256))
    parts, members = [], []
    for name, shown, media, size, sha256 in wanted:
        opens = opener(sha256)
        if opens is not None:
            parts.append(Part(name, media, opens))
        members.append(Member(name if opens is not None else "", shown, size, sha256))
    return parts, tuple(members)


def readme(book: Book, filing: Filing, members: tuple[Member, ...], *, machine: int, rungs: AbstractSet[str], made_ms: int) -> Part:
    """Return the page on top; ``rungs`` are the names of the receipts that are in the container."""
    court = book.find_court(filing.first_court)
    said = Overview(
        talon=filing.talon,
        court=Both(court.name_kk, court.name_ru) if court else Both(filing.first_court, filing.first_court),
        filer=filing.filer_name,
        witness=filing.assisted_by if filing.witnessed else "",
        received_ms=filing.received_ms,
        machine=machine,
        made_ms=made_ms,
        files=members,
        rungs=tuple((name, what, name in rungs | _decisions(filing)) for name, what in RUNGS.items()),
    )
    return Part(README, TEXT, overview(said))


def _decisions(filing: Filing) -> set[str]:
    """R3 and R4 are entries of the filing, and all of those are in the container."""
    return {name for name, here in (("R3", filing.status in DECIDED), ("R4", bool(filing.ruling))) if here}
