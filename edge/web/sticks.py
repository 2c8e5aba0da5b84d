"""The exchange by hand, for a clerk with a stick: what is inserted, two buttons, how far it is, and when it may be pulled out.

Any officer may press. It runs in a thread of its own, one stick at a time and never beside an exchange over the line.
"""

from collections import Counter
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from common.db import fetch
from common.papers.words import size_words
from common.web.languages import current_language, tell, when
from edge.exchanger import Exchanger
from edge.node import Node
from edge.web import access
from sync import media, stick
from sync.link import Outcome
from sync.stick_desk import STEPS, Kind, StickDesk, Work
from sync.stick_node import NO_ROOM

FAST_SECONDS: Final = 0.4
"""A press waits this long: a small stick has its result on the very page that follows."""


def make_pages(node: Node, exchanger: Exchanger) -> Blueprint:
    """Return the blueprint ``sticks``."""
    pages = Blueprint("sticks", __name__, url_prefix="/desk/stick")
    desk: StickDesk[Outcome] = StickDesk()
    exchanger.watch(desk.note)

    @pages.get("")
    def show() -> str:
        access.require_officer(node)
        work, now = desk.work, node.clock.now()
        return render_template(
            "edge/sticks/show.html",
            work=work,
            step=gettext(STEPS.get(work.step, STEPS[""])) if work else "",
            trouble=tell(work.error) if work and work.error else "",
            moved=_moved(work) if work and work.result else [],
            left_out=_left_out(work) if work and work.result else "",
            media=[(each, [folder_words(name, node.number) for name in each.holds]) for each in media.inserted(node.config.sticks)],
            facts=_facts(node, now),
            carried=[folder_words(name, node.number) for name in node.client.stick.relay.names()],
        )

    def start(kind: Kind) -> Response:
        access.require_officer(node)
        medium = media.find(node.config.sticks, request.form.get("medium", ""))
        move = exchanger.export if kind == "export" else exchanger.take
        desk.start(kind, medium.name, lambda: move(medium.path), node.database.close).join(FAST_SECONDS)
        return redirect(url_for("sticks.show"), 303)

    @pages.post("/export")
    def export() -> Response:
        return start("export")

    @pages.post("/import")
    def take() -> Response:
        return start("import")

    return pages


def folder_words(name: str, me: int) -> str:
    """Return what a folder of a stick is, for a person."""
    node = int(name[2:])
    if name.startswith(stick.UP):
        return (
            gettext("papers of this court, for the centre")
            if node == me
            else gettext("papers of machine %(node)d, for the centre", node=node)
        )
    return gettext("the answer of the centre") if node == me else gettext("the answer of the centre to machine %(node)d", node=node)


def _moved(work: Work[Outcome]) -> list[str]:
    done = work.result or Outcome()
    if work.kind == "export":
        size = size_words(done.bytes_up, current_language())
        return [
            gettext("entries: %(count)d", count=done.entries_up),
            gettext("files: %(count)d", count=done.blobs_up),
            gettext("size: %(size)s", size=size),
        ]
    return [
        gettext("entries received: %(count)d", count=done.entries_down),
        gettext("confirmations: %(count)d", count=done.receipts),
        gettext("files received: %(count)d", count=done.blobs_down),
        *([gettext("carried for other courts: %(count)d", count=done.carried)] if done.carried else []),
    ]


def _left_out(work: Work[Outcome]) -> str:
    counted = Counter(work.result.problems if work.result else ())
    if fitting := counted.pop(NO_ROOM, 0):
        return gettext("Files for which the stick has no room: %(count)d. They go with the next one.", count=fitting)
    codes = ", ".join(f"{code} ({count})" for code, count in sorted(counted.items()))
    return (
        gettext("Left out, because it is damaged or not ours: %(codes)s. It comes again with the next stick.", codes=codes) if codes else ""
    )


def _facts(node: Node, now: int) -> list[tuple[str, str]]:
    exported, taken, made = fetch(node.database, "SELECT exported_ms, taken_ms, made_ms FROM stick")[0]
    words = [when(at, now) if at else gettext("not yet") for at in (exported, taken, made)]
    names = (gettext("A stick was written"), gettext("A stick was taken in"), gettext("The centre had written it"))
    return list(zip(names, words, strict=True))
