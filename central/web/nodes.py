"""The machines: all of them, one of them with everything the register holds of it, and what an administrator decides about it."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from central.centre import Centre
from central.services import lineage, node_history, nodes, quarantine
from central.services.nodes import DAY_MS, REASON_CHARS_MAX, Machine
from central.web import access, words
from central.web.courts import CourtsForm, chosen_courts, offered, searching, taken_from
from common.clock import KAZAKHSTAN_OFFSET_MS
from common.court.book import Book
from common.errors import N_, Refused
from common.papers.words import date_time_short
from common.web.forms import CourtForm, Required, WholeField
from common.web.languages import kazakh_sorted
from common.web.pages import render_confirm
from sync import directory

DAYS_SHOWN = 7


class RevokeForm(CourtForm):
    """Why a machine is revoked; the reason becomes an entry that everybody receives."""

    reason = TextAreaField(
        lazy_gettext("Why is it revoked?"),
        [Required(lazy_gettext("Say why: the reason goes to every machine."))],
        description=lazy_gettext("Stolen, sold, repaired elsewhere: in a sentence. No names: every court receives it."),
        render_kw={"maxlength": REASON_CHARS_MAX},
    )
    epoch = WholeField(
        lazy_gettext("Trusted up to: epoch"),
        description=lazy_gettext("Empty: everything that the register has of it stands. The list of bundles below says when what came."),
    )
    seq = WholeField(
        lazy_gettext("Trusted up to: number of the last entry that stands"),
        description=lazy_gettext("What was logged after it is not deleted: everybody sees that it stands after the cut."),
    )

    def cut(self) -> tuple[int, int] | None:
        """Return the cut that was given, None for where the register stands; raises Refused("node.cut") for half of one."""
        epoch, seq = self.epoch.data, self.seq.data
        if epoch is not None and seq is not None:
            return epoch, seq
        if epoch is not None or seq is not None:
            field = "epoch" if epoch is None else "seq"
            raise Refused("node.cut", N_("Give both the epoch and the number, or neither."), field=field)
        return None


def make_pages(centre: Centre) -> Blueprint:
    """Return the blueprint ``nodes``."""
    pages = Blueprint("nodes", __name__, url_prefix="/nodes")

    @pages.get("")
    def show() -> str:
        access.require_administrator(centre)
        book, asked = centre.book(), request.args.get("q", "").strip()
        found = [one for one in nodes.machines(centre) if _matches(one, asked, book)]
        listed = [(one, *words.machine_state(one), _where(book, one)) for one in found]
        now = centre.clock.now()
        return render_template("central/nodes/list.html", listed=listed, q=asked, now=now, span=words.span, clock_off=words.clock_off)

    @pages.get("/<int:node>")
    def one(node: int) -> str:
        access.require_administrator(centre)
        found, book, now = nodes.machine(centre, node), centre.book(), centre.clock.now()
        return render_template(
            "central/nodes/one.html",
            one=found,
            state=words.machine_state(found),
            alarms=[words.alarm_word(alarm) for alarm in found.alarms],
            set_back="register" in found.alarms,
            may_clear=bool({"twin", "fork"} & set(found.alarms)),
            courts=_court_names(book, found),
            now=now,
            waits=words.span(found.waits_ms(now)),
            clock_off=words.clock_off,
            identities=node_history.identities(centre, node),
            epochs=node_history.epochs(centre, node),
            bundles=node_history.bundles(centre, node),
            evidence=node_history.evidence(centre, node),
            waiting=quarantine.waiting(centre, node=node),
            cut=directory.revocation_of(centre.database, node),
            lineage=lineage.followed(centre, node),
            lineages=len(lineage.told(centre)) + 1,
            days=nodes.days(centre, node, since_ms=now - DAYS_SHOWN * DAY_MS, offset_ms=KAZAKHSTAN_OFFSET_MS),
            cleared=[date_time_short(at) for at in node_history.cleared_ms(centre, node)],
        )

    @pages.route("/<int:node>/revoke", methods=["GET", "POST"])
    def revoke(node: int) -> str | tuple[str, int] | Response:
        who = access.require_administrator(centre)
        found, form = nodes.machine(centre, node), RevokeForm(request.form if request.method == "POST" else request.args)
        if form.validate_on_submit():
            reason = form.reason.data or ""
            with form.refusals():
                cut = nodes.cut_of(centre, node=node, wanted=form.cut())
                if not request.form.get("sure"):
                    return _ask_revoke(found, reason, cut, nodes.logged_after(centre, node, cut))
                nodes.revoke(centre, node=node, reason=reason, actor=who.certificate, cut=cut)
                flash(_("The machine is revoked. Other machines learn it with their next exchange."))
                return redirect(url_for("nodes.one", node=node), 303)
        held = directory.revocation_of(centre.database, node)
        return form.page(
            "central/nodes/revoke.html", one=found, held=held, bundles=node_history.bundles(centre, node), now=centre.clock.now()
        )

    @pages.route("/<int:node>/courts", methods=["GET", "POST"])
    def courts(node: int) -> str | tuple[str, int] | Response:
        who = access.require_administrator(centre)
        found, book, form = nodes.machine(centre, node), centre.book(), CourtsForm()
        form.offer(book)
        chosen, writers = chosen_courts(book, found.courts), nodes.writers(centre.database)
        if form.validate_on_submit() and not searching():
            if not request.form.get("sure"):
                return _ask_serve(found, chosen, writers, book)
            with form.refusals():
                nodes.serve(centre, node=node, courts=chosen, actor=who.certificate)
                flash(_("The list of courts is changed."))
                return redirect(url_for("nodes.one", node=node), 303)
        return form.page("central/nodes/courts.html", one=found, courts=offered(form, book, chosen, writers, node))

    @pages.route("/<int:node>/clear", methods=["GET", "POST"])
    def clear(node: int) -> str | Response:
        who = access.require_administrator(centre)
        found = nodes.machine(centre, node)
        if request.method == "GET":
            return _ask_clear(found)
        nodes.clear_alarm(centre, node=node, actor=who.certificate)
        flash(_("The alarm is taken back."))
        return redirect(url_for("nodes.one", node=node), 303)

    return pages


def _matches(one: Machine, asked: str, book: Book) -> bool:
    if not asked:
        return True
    heard = [str(one.node), one.name, *(words.court_name(book, court) for court in one.courts), words.region_name(book, one.region)]
    return any(asked.casefold() in each.casefold() for each in heard)


def _where(book: Book, one: Machine) -> str:
    return words.region_name(book, one.region) if one.region else _("no court")


def _court_names(book: Book, one: Machine) -> list[str]:
    return kazakh_sorted(words.court_name(book, court) for court in one.courts)


def _ask_revoke(one: Machine, reason: str, cut: tuple[int, int], after: int) -> str:
    happens = [_("From now on nothing it writes becomes a filing or a decision: it is kept as evidence.")]
    if after:
        happens.append(
            ngettext(
                "The register has logged %(num)d entry after the cut. It is not deleted: everybody sees that it stands after it.",
                "The register has logged %(num)d entries after the cut. They are not deleted: everybody sees that they stand after it.",
                after,
            )
        )
    happens.append(_("Reason, sent to every machine: %(reason)s", reason=reason))
    stands = _("What it wrote up to entry %(seq)s of epoch %(epoch)s stays valid. This cannot be taken back.", seq=cut[1], epoch=cut[0])
    return render_confirm(
        _("Revoke machine %(node)d, %(name)s?", node=one.node, name=one.name),
        action=url_for("nodes.revoke", node=one.node),
        verb=_("Yes, revoke it"),
        back=url_for("nodes.one", node=one.node),
        happens=happens,
        stays=[stands, _("What stands after the cut can be admitted later, by an act with your signature.")],
        icon="shield-exclamation",
        danger=True,
        hidden={"reason": reason, "epoch": str(cut[0]), "seq": str(cut[1]), "sure": "1"},
    )


def _ask_serve(one: Machine, chosen: Sequence[str], writers: Mapping[str, int], book: Book) -> str:
    before, after = set(one.courts), set(chosen)
    happens = [_("Added: %(court)s", court=words.court_name(book, court)) for court in sorted(after - before)]
    happens += [_("Taken away: %(court)s", court=words.court_name(book, court)) for court in sorted(before - after)]
    for writer, court in taken_from(chosen, writers, one.node):
        happens.append(_("Taken from machine %(node)d: %(court)s", node=writer, court=words.court_name(book, court)))
    return render_confirm(
        _("Change the courts of machine %(node)d, %(name)s?", node=one.node, name=one.name),
        action=url_for("nodes.courts", node=one.node),
        verb=_("Yes, change the list"),
        back=url_for("nodes.one", node=one.node),
        happens=happens or [_("Nothing changes.")],
        stays=[_("What was written before stays where it is. The machine receives the papers of its courts with the next exchange.")],
        icon="building",
        hidden={"courts": " ".join(chosen), "sure": "1"},
    )


def _ask_clear(one: Machine) -> str:
    return render_confirm(
        _("Take back the alarm of machine %(node)d, %(name)s?", node=one.node, name=one.name),
        action=url_for("nodes.clear", node=one.node),
        verb=_("Yes, take it back"),
        back=url_for("nodes.one", node=one.node),
        happens=[_("The next machine that calls under this number is believed, whichever it is.")],
        stays=[_("Do this only after finding out which machine is the real one and switching the other one off.")],
        icon="shield-check",
        danger=True,
    )
