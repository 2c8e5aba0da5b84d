"""Materials of a case at this machine: the court's staff add them, and whoever they are open to reads them (CLM-12).

A recording that another court made is at the centre until somebody here asks for it; it then comes with the next exchanges, after
everything else (PROTOCOL 7.10, 7.11). Documents come by themselves, as the files of a filing do.
"""

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Final, Literal

from common.court import attachments, cases, erasures, materials, recordings
from common.court.attachment_refusals import RECORDING, refused
from common.court.cases import Case
from common.court.filing_lists import Filing
from common.court.materials import TITLE_CHARS_MAX, Add, Kind, Material
from common.db import fetch
from common.errors import N_, Conflict, NotFound, Refused
from common.facts import BlobRef
from common.ids import new_object_id
from edge.node import Node
from edge.services.cases import of_court
from edge.services.desk import NOT_FOR_YOU
from edge.services.registration import Clerk
from sync import recordings as traffic

START_BYTES: Final = 16
"""Enough of a file to tell a recording from a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the court says of a file that it adds; ``date`` is ISO, ``to_parties``: to the persons to whom the case goes now, else for the
    court alone."""

    title: str
    date: str
    to_parties: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A material and whether its file is ``here``, ``coming`` (``percent`` of it is here), or ``away`` until somebody asks for it."""

    material: Material
    where: Literal["here", "coming", "away"]
    percent: int = 0


def add(node: Node, author: Clerk, case_obj: bytes, draft: Draft, *, name: str, file: IO[bytes]) -> bytes:
    """Join a file to a case of the author's court and return the material's object; ``name`` is what the person's machine calls the file.

    Raises NotFound for a case of another court, Refused("upload.…"/"materials.…") naming the field to correct.
    """
    of_court(node, author.court, case_obj)
    _check(draft)
    kind, media, seconds = _inspect(name, file)
    sha256, size = node.blobs.put_file(file)
    with node.journal.unit() as unit:
        case, obj = of_court(node, author.court, case_obj), new_object_id()
        if any(each.sha256 == sha256 for each in materials.of_case(node.database, case.obj, case.court)):
            raise Conflict("materials.again", N_("This file is among the materials of the case already."), field="file")
        body = Add(
            case=case.obj,
            court=case.court,
            number=case.number,
            talon=case.talon,
            kind=kind,
            title=draft.title,
            date=draft.date,
            seconds=seconds,
            open_to=sorted(cases.persons(case)) if draft.to_parties else [],
        )
        unit.append(obj, body, blobs=[BlobRef(sha256, size, media)], actor=author.certificate)
    return obj


def _check(draft: Draft) -> None:
    if not draft.title:
        raise Refused("materials.title", N_("Write what it is, for example «Hearing of 27 November»."), field="title")
    if len(draft.title) > TITLE_CHARS_MAX:
        raise Refused("materials.title", N_("The title has at most %(max)d signs. Shorten it."), field="title", max=TITLE_CHARS_MAX)


def _inspect(name: str, file: IO[bytes]) -> tuple[Kind, str, int]:
    """Return (kind, media type, seconds) of a file, by its content."""
    file.seek(0)
    start = file.read(START_BYTES)
    if recordings.looks_like_one(start):
        found = recordings.inspect(name, file)
        return "video" if found.video else "audio", found.media_type, found.seconds
    if start and not start.startswith(b"%PDF-"):
        raise refused(RECORDING)
    file.seek(0)
    document = attachments.inspect(name, file.read(attachments.FILE_BYTES_MAX + 1))
    return "document", document.media_type, 0


# -- reading


def of_filing(node: Node, person: str, filing: Filing) -> list[Held]:
    """Return what the court has opened to a person of the case that their filing became, by day."""
    if filing.case_obj is None:
        return []
    return [held(node, each) for each in materials.of_case(node.database, filing.case_obj, filing.court, person=person)]


def of_case(node: Node, case: Case) -> list[Held]:
    """Return everything that the court has joined to its case, by day."""
    return [held(node, each) for each in materials.of_case(node.database, case.obj, case.court)]


def find(node: Node, obj: bytes, *, person: str = "", courts: Collection[str] = ()) -> Material:
    """Return a material that is open to ``person`` or that one of ``courts`` has added; raises NotFound for everything else."""
    found = materials.material(node.database, obj)
    if found is None:
        erasures.require_not_erased(node.database, obj)
    if found is None or not (materials.is_open_to(node.database, obj, person) or found.court in courts):
        raise NotFound("access.none", NOT_FOR_YOU)
    return found


def filing_of(node: Node, person: str, material: Material) -> bytes | None:
    """Return the person's filing that became the case of a material, or None."""
    found = fetch(node.database, "SELECT obj FROM filing_row WHERE case_obj = ? AND person = ? LIMIT 1", (material.case_obj, person))
    return found[0][0] if found else None


def held(node: Node, material: Material) -> Held:
    """Return where the file of a material is."""
    sha256 = material.sha256
    if node.blobs.has(sha256) or (not material.recorded and node.blobs.at_hand(sha256)):
        return Held(material, "here")
    if material.recorded and not traffic.is_under_way(node.database, sha256):
        return Held(material, "away")
    return Held(material, "coming", traffic.percent(node.blobs, sha256, material.size))


def request(node: Node, material: Material) -> None:
    """Have the next exchanges bring a recording here; pressing again changes nothing."""
    traffic.request(node.database, material.sha256, now=node.clock.now())
    node.hurry()


def read_document(node: Node, material: Material) -> bytes:
    """Return a document; raises NotFound("blob.absent") while it is on the way, Corrupt where the disk changed it."""
    return node.blobs.read(material.sha256)


def open_recording(node: Node, material: Material, *, from_start: bool) -> AbstractContextManager[IO[bytes]]:
    """Open a recording that is here, read through before its first byte is given (PROTOCOL 7.6).

    Raises NotFound("blob.absent") where it is not here, or has got damaged: it comes again then.
    """
    if not node.blobs.has(material.sha256) or (from_start and not node.blobs.vouch(material.sha256)):
        raise NotFound("blob.absent", N_("This file has not arrived at this machine yet."))
    return node.blobs.open(material.sha256)


def file_name(material: Material) -> str:
    """Return what the file is called where it is saved."""
    return (recordings if material.recorded else attachments).file_name(material.title, material.media)
