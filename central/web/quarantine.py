"""What could not be folded, and what was not admitted: seen by people, tried again on their word. Admitting is `admissions`."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from central.centre import Centre
from central.services import node_history, quarantine
from central.web import access
from common.errors import N_, NotFound
from common.web.documents import file_answer
from common.web.parts import Tab, page_number, page_of
from sync import kept as kept_bundles


def make_pages(centre: Centre) -> Blueprint:
    """Return the blueprint ``quarantine``."""
    pages = Blueprint("quarantine", __name__, url_prefix="/quarantine")

    @pages.get("")
    def show() -> str:
        access.require_administrator(centre)
        counts, code = quarantine.counts(centre), request.args.get("code", "")
        total = counts.get(code, 0) if code else sum(counts.values())
        page = page_of(total, quarantine.SHOWN, page_number(), request.path, {"code": code})
        listed = quarantine.waiting(centre, code=code, offset=(page.number - 1) * quarantine.SHOWN)
        return render_template(
            "central/quarantine/show.html",
            listed=listed,
            total=sum(counts.values()),
            tabs=_tabs(counts, code),
            page=page,
            evidence=node_history.evidence(centre),
            room=kept_bundles.room(centre.database),
            rows_max=kept_bundles.ROWS_MAX,
            bytes_max=kept_bundles.BYTES_MAX,
            now=centre.clock.now(),
        )

    @pages.get("/evidence/<int:id>")
    def kept(id: int) -> str:
        access.require_administrator(centre)
        return render_template("central/quarantine/evidence.html", kept=node_history.kept(centre, id), now=centre.clock.now())

    @pages.get("/evidence/<int:id>/<which>")
    def kept_file(id: int, which: str) -> Response:
        access.require_administrator(centre)
        found = node_history.kept(centre, id)
        name, data = {
            "bundle": (f"evidence-{id}.sot", found.data if found.open else b""),
            "machine": (f"machine-{found.about.node:04}.cose", found.certificate.data),
        }.get(which, ("", b""))
        if not data:
            raise NotFound("evidence.none", N_("There is no such evidence here."))
        return file_answer(data, name=name, kind="application/octet-stream")

    @pages.post("/retry")
    def retry() -> Response:
        access.require_administrator(centre)
        stood_up, still = quarantine.retry(centre)
        flash(_("Tried again. Processed now: %(done)d, still waiting: %(still)d.", done=stood_up, still=still))
        return redirect(url_for("quarantine.show"), 303)

    return pages


def _tabs(counts: dict[str, int], code: str) -> list[Tab]:
    tabs = [Tab(url_for("quarantine.show"), _("All reasons"), not code, sum(counts.values()))]
    return tabs + [Tab(url_for("quarantine.show", code=one), one, one == code, count) for one, count in counts.items()]
