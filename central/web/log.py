"""The log explorer: entries by their place, each with its proof; signed heads, and that each only adds to the one before."""

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response as BaseResponse
from wtforms import StringField

from central.centre import Centre
from central.services import evidence, lineage, log
from central.services.log import TalonState
from central.web import access, words
from common.court import admissions, erasures
from common.court.filing_right import unasked
from common.errors import Refused
from common.pki.asic import MEDIA_TYPE as MEDIA_TYPE_CONTAINER
from common.pki.asic import SUFFIX
from common.web.documents import file_answer, stream_answer
from common.web.forms import CourtForm, WholeField
from common.web.parts import asked_number
from sync.admission import standing_of
from sync.inclusion import FILE_SUFFIX, MEDIA_TYPE, read_proof


class FindForm(CourtForm):
    """One field for three kinds of questions; asked by GET, so that an answer has an address."""

    class Meta:
        csrf = False

    q = StringField(
        lazy_gettext("Find in the log"), description=lazy_gettext("Number of an entry, 64 digits of its hash, or 15 digits of a talon")
    )


class SizesForm(CourtForm):
    """Two heads of the log."""

    class Meta:
        csrf = False

    old = WholeField(lazy_gettext("Smaller head, entries"))
    new = WholeField(lazy_gettext("Larger head, entries"))


def make_pages(centre: Centre) -> Blueprint:
    """Return the blueprint ``log``."""
    pages = Blueprint("log", __name__, url_prefix="/log")

    @pages.get("")
    def show() -> str | tuple[str, int] | BaseResponse:
        access.require_administrator(centre)
        form, found = FindForm(request.args), None
        if form.q.data:
            with form.refusals():
                found = log.find(centre, form.q.data)
        if isinstance(found, int):
            return redirect(url_for("log.entry", index=found), 303)
        before = asked_number("before")
        listed = log.entries(centre, before=before)
        newest = log.newest(centre)
        return form.page(
            "central/log/list.html",
            listed=listed,
            size=newest.checkpoint.size,
            newest=newest,
            older=url_for("log.show", before=listed[-1].index) if listed and listed[-1].index else "",
            newer=url_for("log.show", before=listed[0].index + 1 + log.ENTRIES_SHOWN) if before is not None and listed else "",
            talon=found if isinstance(found, TalonState) else None,
            status=words.status_word(found.status) if isinstance(found, TalonState) else "",
            now=centre.clock.now(),
        )

    @pages.get("/<int:index>")
    def entry(index: int) -> str:
        access.require_administrator(centre)
        found = log.entry(centre, index)
        proved, filing = log.proof(centre, index), evidence.filing_at(centre, index)
        try:
            checkpoint, fault = log.verify(centre, found.leaf, proved), ""
        except Refused as error:  # it is shown, loudly: the log would be broken
            checkpoint, fault = None, error.code
        return render_template(
            "central/log/entry.html",
            one=found,
            checkpoint=checkpoint,
            fault=fault,
            erased=erasures.of(centre.database, found.envelope.obj),
            hashes=[value.hex() for value in read_proof(proved).hashes],
            filing=filing,
            unasked=unasked(centre.database, filing) if filing else None,
            standing=_standing(centre, found),
            admission=admissions.of(centre.database, found.leaf),
            now=centre.clock.now(),
        )

    @pages.get(f"/<int:index>{FILE_SUFFIX}")
    def proof(index: int) -> Response:
        access.require_administrator(centre)
        return file_answer(log.proof(centre, index), name=f"{index}{FILE_SUFFIX}", kind=MEDIA_TYPE)

    @pages.get(f"/<int:index>{SUFFIX}")
    def container(index: int) -> Response:
        access.require_administrator(centre)
        filing, file = evidence.container(centre, index)
        return stream_answer(file, name=f"evidence-{filing.talon}{SUFFIX}", kind=MEDIA_TYPE_CONTAINER)

    @pages.get("/heads")
    def heads() -> str | tuple[str, int]:
        access.require_administrator(centre)
        form, found = SizesForm(request.args), None
        if form.old.data is not None and form.new.data is not None:
            with form.refusals():
                found = log.consistency(centre, form.old.data, form.new.data)
        listed = log.heads(centre, below=asked_number("below"))
        newest = log.newest(centre)
        return form.page(
            "central/log/heads.html",
            listed=listed,
            newest=newest,
            holds=log.holds(centre, newest),
            found=found,
            older=url_for("log.heads", below=listed[-1].checkpoint.size) if len(listed) == log.CHECKPOINTS_SHOWN else "",
            lineages=lineage.told(centre),
            now=centre.clock.now(),
        )

    @pages.get("/lineage/<int:number>")
    def statement(number: int) -> Response:
        access.require_administrator(centre)
        return file_answer(lineage.statement(centre, number), name=f"register-log-{number}.cose", kind="application/octet-stream")

    return pages


def _standing(centre: Centre, one: log.Logged) -> str:
    """Return "", "after" or "admitted": how the entry stands to the cut of its machine."""
    at = one.envelope
    return standing_of(centre.database, centre.identity.pin, (at.node, at.epoch, at.seq), one.leaf)
