"""Materials of a case (CLM-12): for whom the court has opened them, and at the desk of the court that adds them.

/materials/<id>                      one material: a player, or where its file is; 404 for anybody it is not open to
/desk/cases/<id>/materials/add       a new one, by clerk, judge or chairman of the case's court
/desk/cases/materials/<id>           one material as the court sees it
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from flask_wtf.file import FileField
from werkzeug.wrappers import Response as BaseResponse
from wtforms import StringField

from common.court.materials import TITLE_CHARS_MAX, Material
from common.court.recordings import EXTENSIONS, RECORDING_BYTES_MAX
from common.court.terms import local_date
from common.papers.words import length_words, size_words
from common.web.documents import file_answer, ranged_answer, starts_at
from common.web.forms import ChoiceField, CourtForm, DayField, Required
from common.web.frame import current_frame
from common.web.languages import current_language, when
from common.web.limits import accept_bytes
from edge.node import Node
from edge.services import materials
from edge.services.freshness import others_as_of
from edge.services.materials import Draft, Held
from edge.services.registration import Clerk
from edge.web import access
from edge.web.access import READERS, read_object
from edge.web.filings_words import court_word, iso_day

UPLOAD_BYTES_MAX = RECORDING_BYTES_MAX + (1 << 20)
"""One recording and the fields beside it."""
LOOK_AGAIN_SECONDS = 10
"""A page that shows how a recording comes looks again by itself."""
ACCEPT = ",".join((".pdf", *EXTENSIONS))
FILER, DESK = "materials", "cases"
ICONS = {"document": "file-earmark-text", "audio": "mic", "video": "play-circle"}
TO_WHOM = [
    ("parties", lazy_gettext("the parties"), lazy_gettext("who filed sees it in their cabinet at any court, and gets a notice")),
    ("court", lazy_gettext("the court only"), lazy_gettext("nobody outside the court learns of it")),
]
Answer = tuple[str, int] | BaseResponse


class AddForm(CourtForm):
    """What is added and to whom it is open."""

    file = FileField(lazy_gettext("File"))
    title = StringField(
        lazy_gettext("What it is"),
        [Required(lazy_gettext("Write what it is, for example «Hearing of 27 November»."))],
        render_kw={"maxlength": TITLE_CHARS_MAX},
    )
    day = DayField(lazy_gettext("Day of the hearing or document"), [Required(lazy_gettext("Write the date."))])
    readers = ChoiceField(lazy_gettext("Open to"), choices=TO_WHOM, default="parties")

    def draft(self) -> Draft:
        """Return what was filled."""
        day = self.day.data
        assert isinstance(day, date), "the form was validated"
        return Draft(title=" ".join((self.title.data or "").split()), date=day.isoformat(), to_parties=self.readers.data == "parties")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One material, ready to show; addresses are empty where there is nothing to open."""

    title: str
    kind: str
    icon: str
    about: str
    where: str
    percent: int
    recorded: bool
    open: bool
    url: str


def make_pages(node: Node) -> Blueprint:
    """Return the blueprint ``materials``: what is open to whoever is signed in."""
    pages = Blueprint(FILER, __name__, url_prefix="/materials")
    _add_reading(pages, node, "", lambda obj: materials.find(node, obj, person=access.require_visitor().person))
    return pages


def add_pages(pages: Blueprint, node: Node) -> None:
    """Add the pages of the court to those of its cases."""

    def of_court(obj: bytes) -> Material:
        access.require_officer(node, *READERS)
        return materials.find(node, obj, courts={each.court for each in access.offices(node, READERS)})

    _add_reading(pages, node, "/materials", of_court)
    _add_adding(pages, node)


def views(node: Node, held: list[Held], *, desk: bool = False) -> list[View]:
    """Return the materials of a case as lists show them."""
    return [_view(node, each, desk) for each in held]


def _view(node: Node, held: Held, desk: bool) -> View:
    what = held.material
    words = {"document": gettext("Document"), "audio": gettext("Audio record"), "video": gettext("Video")}
    lang = current_language()
    about = [words[what.kind], iso_day(what.date), length_words(what.seconds) if what.seconds else "", size_words(what.size, lang)]
    return View(
        title=what.title,
        kind=what.kind,
        icon=ICONS[what.kind],
        about=" · ".join(part for part in about if part),
        where=held.where,
        percent=held.percent,
        recorded=what.recorded,
        open=what.open,
        url=url_for(f"{DESK if desk else FILER}.material", id=what.obj.hex()),
    )


def _add_reading(pages: Blueprint, node: Node, under: str, find: Callable[[bytes], Material]) -> None:
    """Add one material's page, its file, and the request for it; ``find`` decides who may."""
    desk = pages.name == DESK

    @pages.get(f"{under}/<id>", endpoint="material")
    def show(id: str) -> str:
        what = find(read_object(id))
        held = materials.held(node, what)
        if held.where == "coming":
            g.frame = replace(current_frame(), reload_seconds=LOOK_AGAIN_SECONDS)
        now, others = node.clock.now(), others_as_of(node)
        return render_template(
            "edge/materials/show.html",
            view=_view(node, held, desk),
            what=what,
            court=court_word(node.book(), what.court),
            added=when(what.added_ms, now),
            file=url_for(f"{pages.name}.material_file", id=id),
            ask=url_for(f"{pages.name}.material_request", id=id),
            back=_back(node, what, desk),
            others=when(others, now) if others else "",
        )

    @pages.get(f"{under}/<id>/file", endpoint="material_file")
    def file(id: str) -> Response:
        what = find(read_object(id))
        name = materials.file_name(what)
        if not what.recorded:
            return file_answer(materials.read_document(node, what), name=name, kind=what.media, inline=request.args.get("save") != "1")
        opened = materials.open_recording(node, what, from_start=starts_at(what.size) == 0)
        return ranged_answer(opened, what.size, name=name, kind=what.media)

    @pages.post(f"{under}/<id>/request", endpoint="material_request")
    def ask(id: str) -> BaseResponse:
        materials.request(node, find(read_object(id)))
        return redirect(url_for(f"{pages.name}.material", id=id), 303)


def _back(node: Node, what: Material, desk: bool) -> tuple[str, str]:
    """Return (address, label) of the page of the case, as whoever is here sees it."""
    if desk:
        return url_for("cases.show", id=what.case_obj.hex()), gettext("Case %(number)s", number=f"№ {what.number}")
    filing = materials.filing_of(node, access.require_visitor().person, what)
    if filing is None:
        return url_for("notifications.list"), gettext("Notifications")
    return url_for("filings.show", id=filing.hex(), _anchor="materials"), gettext("Case %(number)s", number=f"№ {what.number}")


def _add_adding(pages: Blueprint, node: Node) -> None:
    @pages.route("/<id>/materials/add", methods=["GET", "POST"], endpoint="material_add")
    @accept_bytes(UPLOAD_BYTES_MAX)
    def add(id: str) -> Answer:
        officer, case = access.officer_of_case(node, id)
        form = AddForm(day=local_date(node.clock.now()))
        if form.validate_on_submit():
            upload = request.files.get("file")
            if upload is None or not upload.filename:
                form.file.errors = (gettext("Choose a file."),)
            else:
                author, draft = Clerk(officer.court, officer.visitor.name, access.require_key(officer.visitor)), form.draft()
                with form.refusals():
                    materials.add(node, author, case.obj, draft, name=upload.filename, file=upload.stream)
                    flash(gettext("Added to the case: %(title)s.", title=draft.title))
                    return redirect(url_for("cases.show", id=id, _anchor="materials"), 303)
        return form.page("edge/materials/add.html", case=case, accept=ACCEPT, most=RECORDING_BYTES_MAX // 1024**2, id=id)
