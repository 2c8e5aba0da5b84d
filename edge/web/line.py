"""The line of this machine: figures, what waits in quarantine and what to do about it, one button, and how the last exchanges went.

Any officer may press. The exchange runs in a thread of its own; while it runs the page reloads itself, so that nobody has
to guess whether something happens.
"""

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from common import disks
from common.errors import N_, CourtError, NotFound
from common.papers.words import date_short, date_time_short, size_words, talon_groups
from common.pki.crl import CrlInfo
from common.web.documents import file_answer
from common.web.languages import current_language, number, tell, when
from common.web.pages import render_confirm
from edge.exchanger import Exchanger, LineStatus
from edge.node import Node
from edge.services import line
from edge.services.line import Past, Quarantined
from edge.web import access
from sync import revocations
from sync.lineage import number_of
from sync.lineage_node import Offer

FAST_SECONDS: Final = 0.4
"""A press waits this long: what is quicker has its result on the very page that follows, without a reload."""
SHOWN: Final = 20
KEEPERS: Final = ("administrator", "chairman")
"""Who decides whether the machine follows a new log of the register that holds less than it has seen."""

STEPS: Final = {
    "": N_("Asking the centre"),
    "up": N_("Sending entries"),
    "own": N_("Getting back this machine's own entries"),
    "down": N_("Receiving entries"),
    "blobs_up": N_("Sending files"),
    "blobs_down": N_("Receiving files"),
}
CURES: Final = {
    "entry.unknown_type": N_("Written by a newer program. Update this machine; it is read by itself then."),
    "entry.other_node": N_("Written by a machine that does not serve that court. Tell the centre; the entry changes nothing."),
    "entry.role": N_("Signed by somebody who was not on the staff list known to that machine. Tell the centre: it confirms or annuls."),
    "entry.certificate": N_("Signed with another key than the one named. Tell the centre; the entry changes nothing."),
    "entry.person": N_("Signed with the key of another person. Tell the centre; the entry changes nothing."),
    "entry.right": N_("Signed for an organisation by an employee without that right. Tell the centre; the entry changes nothing."),
    "filing.decided": N_("A second decision about one filing. The first one stands; call the person who signed the second."),
    "filing.other_court": N_("A decision of a court that had given the filing away. The court that holds it decides."),
    "filing.twice": N_("The same filing came again. Nothing needs to be done."),
    "hearing.changed": N_(
        "Two changes of one hearing that did not know of each other. The first one counts; look at it, and move it again."
    ),
    "hearing.closed": N_("A change of a hearing that was over by then. Its end counts; call the person who signed the change."),
    "hearing.base": N_("It rests on a change of the hearing that does not count. Look at the hearing, and move it again if needed."),
    "case.twice": N_("The same case was opened twice. Tell the centre."),
    "pki.untrusted": N_(
        "The certificate is of a certification centre that is not trusted here. Import its certificate; it is read by itself then."
    ),
}
BEGINNINGS: Final = {
    "restored": N_(
        "The disk was put back from a copy. What had been sent came back from the central register. Who holds a talon of the days "
        "between, and is not found here, files again: the talon keeps the day."
    ),
    "fork": N_(
        "The central register had another history of this machine than its disk: a copy was running, or the disk was put back "
        "together with its mark. This disk's own entries were handed over as evidence; people at the centre decide about them."
    ),
}
ENCRYPTION: Final = {
    "encrypted": N_("the operating system encrypts it"),
    "plain": N_("none: whoever takes the disk reads it. Set up LUKS, as the notes for operators say."),
    "unknown": N_("cannot be told here"),
}
OTHERWISE: Final = N_("Tell the centre this code. The entry is kept and tried again after each exchange.")


@dataclass(frozen=True, slots=True)
class PastView:
    """One exchange of the past, ready to show."""

    at: str
    kind: str
    text: str
    size: str


@dataclass(frozen=True, slots=True)
class QuarantineView:
    """One waiting entry: what it is, since when, why, and what to do."""

    what: str
    since: str
    code: str
    cure: str


@dataclass(frozen=True, slots=True)
class ListView:
    """One revocation list: whose, as of when, and whether it is past its term."""

    issuer: str
    as_of: str
    until: str
    stale: bool
    entries: int


def make_pages(node: Node, exchanger: Exchanger) -> Blueprint:
    """Return the blueprint ``line``."""
    pages = Blueprint("line", __name__, url_prefix="/desk/line")

    @pages.get("")
    def show() -> str:
        access.require_officer(node)
        now, status, standing = node.clock.now(), exchanger.status(), line.standing(node)
        past = line.outcomes(node, SHOWN)
        return render_template(
            "edge/line/show.html",
            status=status,
            step=gettext(STEPS.get(status.step, STEPS[""])),
            figures=_figures(status, standing, now),
            facts=_facts(node, standing),
            standing=standing,
            filling=node.filling(),
            last=_past(past[0], now) if past else None,
            past=[_past(each, now) for each in past],
            beginnings=[
                (each.epoch, when(each.at_ms, now), gettext(BEGINNINGS[each.reason]) if each.reason in BEGINNINGS else each.reason)
                for each in line.beginnings(node)
            ],
            outside=[talon_groups(talon) for talon in line.outside(node)],
            overdue=[(talon_groups(each.talon), when(each.received_ms, now)) for each in line.overdue(node)],
            alarm_hours=node.config.alarm_hours,
            offer=node.client.offer(),
            decides=bool(access.offices(node, frozenset(KEEPERS))),
            contradictions=[(each, when(each.at_ms, now)) for each in line.contradictions(node)],
            waiting=[_waiting(each, now) for each in line.quarantine(node)],
            lists=[_list(each, now) for each in line.crls(node)],
            centres=[
                (each.subject, date_short(each.not_after_ms), each.not_after_ms < now)
                for each in (*node.trust.anchors(), *node.trust.authorities())
            ],
        )

    @pages.route("/lineage", methods=["GET", "POST"])
    def lineage() -> str | Response:
        officer = access.require_officer(node, *KEEPERS)
        offer = node.client.offer()
        if offer is None or offer.accepted:
            return redirect(url_for("line.show"), 303)
        if request.method == "GET" or request.form.get("number") != str(offer.statement.number):
            return _ask_lineage(offer, node.clock.now())
        node.client.accept(offer.statement.number, by=officer.visitor.certificate)
        exchanger.press().join(FAST_SECONDS)
        return redirect(url_for("line.show"), 303)

    @pages.get("/heads/<int:id>/<which>")
    def head(id: int, which: str) -> Response:
        access.require_officer(node)
        found = line.contradiction(node, id)
        data = {"before": found.ours, "now": found.theirs}.get(which, b"")
        if not data:
            raise NotFound("line.none", N_("There is no such statement here."))
        return file_answer(data, name=f"register-{id}-{which}.txt", kind="text/plain; charset=utf-8")

    @pages.post("/exchange")
    def exchange() -> Response:
        access.require_officer(node)
        exchanger.press().join(FAST_SECONDS)
        return redirect(url_for("line.show"), 303)

    return pages


def _ask_lineage(offer: Offer, now: int) -> str:
    one = offer.statement
    return render_confirm(
        gettext("Follow log %(number)d of the register?", number=one.number),
        action=url_for("line.lineage"),
        verb=gettext("Yes, follow it"),
        back=url_for("line.show"),
        happens=[
            gettext("The reason that the registry gives: %(reason)s", reason=one.reason),
            gettext(
                "The new log goes on from entry %(size)s; this machine has seen %(held)s.", size=number(one.size), held=number(offer.held)
            ),
            gettext("What this machine wrote and the new log lacks is sent again: entries %(count)s.", count=number(offer.again)),
        ],
        stays=[
            gettext(
                "Papers, talons and case numbers of this machine stay as they are. Confirmations of the log before are kept as proofs."
            ),
            gettext("Call the centre first and hear the reason from a person: whoever follows a false log believes a register with gaps."),
        ],
        icon="shield-exclamation",
        danger=True,
        hidden={"number": str(one.number)},
    )


def _figures(status: LineStatus, standing: line.Standing, now: int) -> list[tuple[str, str, str]]:
    language = current_language()
    contact = when(status.contact_ms, now) if status.contact_ms else gettext("not yet")
    down = gettext("off since %(time)s", time=when(status.down_since_ms, now)) if status.down_since_ms else ""
    oldest = gettext("the oldest: %(time)s", time=when(status.oldest_ms, now)) if status.oldest_ms else ""
    backlog = ", ".join(part for part in (size_words(status.backlog_bytes, language), oldest) if part) if status.backlog else ""
    missing = size_words(standing.missing_bytes, language) if standing.missing_blobs else ""
    return [
        (gettext("Last exchange"), contact, down),
        (gettext("Entries waiting to be sent"), str(status.backlog), backlog),
        (gettext("Files on the way here"), str(standing.missing_blobs), missing),
        (gettext("In quarantine"), str(standing.quarantined), ""),
        (gettext("Register, entries"), number(standing.checkpoint), gettext("newest checkpoint here")),
    ]


def _facts(node: Node, standing: line.Standing) -> list[tuple[str, str]]:
    return [
        (gettext("Machine"), f"№ {standing.node}" + (f", {standing.name}" if standing.name else "")),
        (gettext("Epoch and last entry"), f"{standing.epoch}-{standing.seq}"),
        (gettext("Certificate of the machine is in force until"), date_time_short(standing.certificate_until_ms)),
        (gettext("List of excluded machines"), _excluded(node)),
        *([(gettext("Log of the register"), str(log))] if (log := number_of(node.identity.pin.origin)) > 1 else []),
        (gettext("Encryption of the disk"), gettext(ENCRYPTION[disks.encryption_of(node.data)])),
    ]


def _excluded(node: Node) -> str:
    known = revocations.standing_of(node.database, node.number, node.identity.pin)
    if known.as_of_ms is None or known.until_ms is None:
        return gettext("none yet")
    words = gettext("as of %(time)s, until %(until)s", time=date_time_short(known.as_of_ms), until=date_time_short(known.until_ms))
    return words if node.clock.now() <= known.until_ms else gettext("%(words)s: past its term", words=words)


def _past(past: Past, now: int) -> PastView:
    size = size_words(past.bytes_up + past.bytes_down, current_language())
    if past.code:
        return PastView(when(past.started_ms, now), "bad", tell(CourtError(past.code, past.sentence, **past.params)), size)
    moved = [
        gettext("entries sent: %(count)d", count=past.entries_up) if past.entries_up else "",
        gettext("entries received: %(count)d", count=past.entries_down) if past.entries_down else "",
        gettext("files sent: %(count)d", count=past.blobs_up) if past.blobs_up else "",
        gettext("files received: %(count)d", count=past.blobs_down) if past.blobs_down else "",
        gettext("confirmations: %(count)d", count=past.receipts) if past.receipts else "",
        gettext("files that did not come: %(count)d", count=past.problems) if past.problems else "",
    ]
    text = ", ".join(part for part in moved if part) or gettext("nothing new on either side")
    return PastView(when(past.started_ms, now), "warn" if past.problems else "ok", text, size)


def _waiting(entry: Quarantined, now: int) -> QuarantineView:
    what = gettext(
        "%(type)s of machine %(number)d, entry %(place)s", type=entry.type, number=entry.node, place=f"{entry.epoch}-{entry.seq}"
    )
    return QuarantineView(what, when(entry.since_ms, now), entry.code, gettext(CURES.get(entry.code, OTHERWISE)))


def _list(info: CrlInfo, now: int) -> ListView:
    return ListView(info.issuer, when(info.this_update_ms, now), when(info.next_update_ms, now), now > info.next_update_ms, info.entries)
