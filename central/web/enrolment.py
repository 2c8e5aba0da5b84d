"""A new machine: its number, name and courts, then a code that is shown once and used once."""

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext
from wtforms import StringField

from central.centre import Centre
from central.services import enrolment, nodes
from central.web import access
from central.web.courts import CourtsForm, chosen_courts, offered, searching
from common.errors import N_, Refused
from common.ids import NODE_MAX
from common.web.forms import Required, WholeField
from common.web.secure import require_private_channel

HOURS = enrolment.CODE_MS // nodes.HOUR_MS


class MachineForm(CourtsForm):
    """What is known of a machine before it exists."""

    node = WholeField(
        lazy_gettext("Number of the machine"),
        [Required(lazy_gettext("Enter a number."))],
        description=lazy_gettext("From 1 to 9999: the first four digits of every talon it gives. It is never given to another machine."),
    )
    name = StringField(
        lazy_gettext("Name of the machine"),
        [Required(lazy_gettext("Enter a name for the machine."))],
        description=lazy_gettext("How people will call it: usually the name of its court."),
    )


def make_pages(centre: Centre) -> Blueprint:
    """Return the blueprint ``enrolment``."""
    pages = Blueprint("enrolment", __name__, url_prefix="/nodes/new")

    @pages.route("", methods=["GET", "POST"])
    def new() -> str | tuple[str, int]:
        access.require_administrator(centre)
        require_private_channel()  # a code is as good as a key until it is used
        book, form, taken = centre.book(), MachineForm(), nodes.machines(centre)
        form.offer(book)
        if request.method == "GET":
            form.node.data = _next_number([one.node for one in taken])
        chosen, writers = chosen_courts(book), nodes.writers(centre.database)
        if not searching() and form.validate_on_submit():
            with form.refusals():
                if form.node.data in {one.node for one in taken}:
                    raise Refused("enrol.taken", N_("This number belongs to a machine already. Take a free one."), field="node")
                code = enrolment.make_code(centre, node=form.node.data or 0, name=form.name.data or "", courts=chosen)
                values = {"node": form.node.data, "name": form.name.data, "commands": _commands(str(code)), "hours": HOURS}
                return render_template("central/nodes/code.html", code=str(code), **values)
        return form.page("central/nodes/new.html", courts=offered(form, book, chosen, writers))

    return pages


def _commands(code: str) -> list[str]:
    """Return what is typed at the new machine, one command after the other."""
    centre = request.host_url.rstrip("/")
    return [f"python -m edge init --centre {centre}", f"python -m edge enrol --code {code}", "python -m edge run"]


def _next_number(taken: list[int]) -> int | None:
    following = max(taken, default=1000) + 1
    return following if following <= NODE_MAX else None
