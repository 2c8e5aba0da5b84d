"""The doors of papers: files that people upload, pages that are read back, texts that people signed, bodies of entries."""

import base64
import importlib
import io
import sys
from collections.abc import Callable
from pathlib import Path

from common.court import recordings, texts
from common.court.attachment_pdf import count_pages
from common.court.attachments import inspect
from common.court.subjects import SUBJECTS
from common.errors import Refused
from common.facts import decode_body, encode_body
from common.papers.embedded import embedded_files
from common.papers.reading import hashes_named, witnessed_for
from common.papers.statement import statement_pdf
from common.papers.talon import talon_pdf
from common.pki import cms
from sync import outages, revocations
from sync.outages import Outage, Outages
from tests.faults.corpus import files as bodies
from tests.fuzz.doors import Target, all_of
from tests.fuzz.doors_pki import small_pdf
from tests.fuzz.doors_sync import shared_world

UNIT = Path(__file__).resolve().parents[1] / "unit"
sys.path[:0] = [str(UNIT / "court"), str(UNIT / "papers")]
made = importlib.import_module("made_files")
films = importlib.import_module("made_recordings")
people = importlib.import_module("paper_people")
"""Samples that the tests of those parts have."""


def _upload() -> Target:
    seeds = (
        small_pdf(),
        made.pdf(),
        made.office(),
        made.compound({"WordDocument": made.word()}),
        made.compound({"Workbook": made.excel()}),
        made.png(),
        made.jpeg(),
    )
    return Target(lambda data: inspect("", data, count_pages=count_pages), seeds, seconds_max=15.0)


def _recording() -> Target:
    """A recording of a hearing, as the court's desk takes it."""
    seeds = (films.mp4(b"vide", b"soun"), films.webm(1, 2), films.webm(2, live=True), films.wav(1, rate=100), films.mp3(4))
    return Target(lambda data: recordings.inspect("", io.BytesIO(data)), seeds)


def _page() -> Target:
    """A paper with the files inside it, and what its pages say."""
    seeds = (statement_pdf(people.a_statement()), talon_pdf(people.a_talon()))
    return Target(all_of(embedded_files, hashes_named, witnessed_for), seeds, bytes_max=256 * 1024)


def _text() -> Target:
    return Target(texts.read, ("Талон нөмірі / Номер талона: 1\nСот / Суд: kz-7\n".encode(),))


def _body() -> Target:
    """A body of every type: the first byte says which, as what came before it in the entry says."""
    kinds = {name: kind for subject in SUBJECTS for name, kind in subject.TYPES.items()}
    names = sorted(kinds)

    def door(data: bytes) -> None:
        body = decode_body(data[1:], kinds[names[data[0] % len(names)]]) if data else None
        if body is None or decode_body(encode_body(body), type(body)) != body:
            raise Refused("entry.body", "")

    seeds = {path.stem.rpartition("-")[0] + "/" + path.stem.rpartition("-")[2]: path.read_bytes() for path in bodies()}
    return Target(door, tuple(bytes([names.index(name)]) + data for name, data in seeds.items()))


def _ncalayer() -> Target:
    """What NCALayer gives back: DER, armoured, or bare base64."""
    armoured = b"-----BEGIN CMS-----\n" + base64.encodebytes(b"0\x03\x02\x01\x01") + b"-----END CMS-----\n"
    return Target(cms.unarmoured, (b"0\x03\x02\x01\x01", armoured, b"MAMCAQE="))


def _outages() -> Target:
    world = shared_world()
    said = Outages(v=1, node=world.node.number, since=0, until=100, made=100, count=1, down=30, outages=[Outage(10, 20, 40, 3, 5, 9)])

    def signed(data: bytes) -> None:
        message = world.me.sign_message(data, outages.OUTAGES_TYPE)
        outages.read_outages(message, world.me.certificate)

    return Target(signed, (encode_body(said),))


def _excluded() -> Target:
    """The signed list of machines that were excluded."""
    world = shared_world()
    centre = world.court.centre
    data = centre.revocations()
    return Target(lambda data: revocations.read(data, world.me.pin), (data,))


DOORS: dict[str, Callable[[], Target]] = {
    "upload": _upload,
    "recording": _recording,
    "paper": _page,
    "signed_text": _text,
    "body": _body,
    "ncalayer": _ncalayer,
    "outages": _outages,
    "excluded": _excluded,
}
