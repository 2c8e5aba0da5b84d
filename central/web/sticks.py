"""The exchange by hand, for the administration: what is inserted, taking it in, and writing the answers.

It runs in a thread of its own, one stick at a time; machines go on calling over the line meanwhile.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from flask import Blueprint, redirect, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response

from central.centre import Centre
from central.web import access
from common.papers.words import size_words
from common.web.forms import CourtForm, Required, WholeField
from common.web.languages import current_language, number, tell
from sync import media, stick
from sync.stick_centre import Moved
from sync.stick_desk import STEPS, Kind, StickDesk, Work

FAST_SECONDS: Final = 0.4
"""A press waits this long: a small stick has its result on the very page that follows."""


class NamedForm(CourtForm):
    """A machine that has not written to this stick."""

    node = WholeField(
        lazy_gettext("Number of the machine"),
        [Required(lazy_gettext("Enter a number."))],
        description=lazy_gettext(
            "For a machine whose own stick is not here, or whose certificate has run out: hand it to nobody but its court."
        ),
    )


def make_pages(centre: Centre) -> Blueprint:
    """Return the blueprint ``sticks``."""
    pages = Blueprint("sticks", __name__, url_prefix="/sticks")
    desk: StickDesk[list[Moved]] = StickDesk()
    centre.sticks.progress = desk.note

    def page(form: NamedForm) -> str | tuple[str, int]:
        work = desk.work
        return form.page(
            "central/sticks/show.html",
            work=work,
            step=gettext(STEPS.get(work.step, STEPS[""])) if work else "",
            trouble=tell(work.error) if work and work.error else "",
            moved=[_moved(work, one) for one in work.result or ()] if work else [],
            media=[(each, [folder_words(name) for name in each.holds]) for each in media.inserted(centre.config.sticks)],
            now=centre.clock.now(),
        )

    def start(kind: Kind, move: Callable[[Path], list[Moved]]) -> Response:
        medium = media.find(centre.config.sticks, request.form.get("medium", ""))
        desk.start(kind, medium.name, lambda: move(medium.path), centre.database.close).join(FAST_SECONDS)
        return redirect(url_for("sticks.show"), 303)

    @pages.get("")
    def show() -> str | tuple[str, int]:
        access.require_administrator(centre)
        return page(NamedForm())

    @pages.post("/import")
    def take() -> Response:
        access.require_administrator(centre)
        return start("import", centre.sticks.take)

    @pages.post("/export")
    def export() -> Response:
        access.require_administrator(centre)
        return start("export", centre.sticks.export)

    @pages.post("/named")
    def named() -> str | tuple[str, int] | Response:
        access.require_administrator(centre)
        form = NamedForm()
        if form.validate_on_submit():
            node = form.node.data or 0
            return start("export", lambda path: centre.sticks.export(path, [node]))
        return page(form)

    return pages


def folder_words(name: str) -> str:
    """Return what a folder of a stick is, for a person."""
    node = int(name[2:])
    if name.startswith(stick.UP):
        return gettext("papers of machine %(node)d, for the centre", node=node)
    return gettext("the answer of the centre to machine %(node)d", node=node)


def _moved(work: Work[list[Moved]], one: Moved) -> tuple[str, str, str]:
    """Return (machine, what moved, what was left out)."""
    parts = [gettext("entries: %(count)d", count=one.entries), gettext("files: %(count)d", count=one.blobs)]
    if work.kind == "import" and one.repeated:
        parts.append(gettext("bundles known already: %(count)d", count=one.repeated))
    if one.renewed:
        parts.append(gettext("with the next certificate"))
    if one.due:
        parts.append(gettext("its certificate is due: if this is its court's stick, write it again with the number of the machine"))
    parts.append(gettext("size: %(size)s", size=size_words(one.bytes, current_language())))
    codes = ", ".join(f"{code} ({number(count)})" for code, count in sorted(Counter(one.problems).items()))
    return gettext("Machine %(node)d", node=one.node), ", ".join(parts), codes
