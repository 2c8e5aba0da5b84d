"""What the desk says of filings and cases, translated: states, terms, checks, findings; values arrive ready in templates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for
from flask_babel import gettext, ngettext

from common.court.book import Book
from common.court.filing_lists import Event, Filing
from common.court.lines import Line, decimal_text
from common.errors import N_
from common.papers.words import iin_groups, money, talon_groups
from common.web.languages import when
from edge.node import Node
from edge.services.desk import RuleCheck
from edge.services.examination import Check
from edge.services.inbox import OPEN_TABS, Row, Tab, Term
from edge.web.filings_party_form import role_words
from edge.web.filings_words import (
    RULED,
    case_state,
    category_word,
    court_word,
    day_words,
    document_word,
    event_words,
    iso_day,
    parties_line,
    short_day,
    with_standing,
)

TAB_WORDS: Mapping[Tab, str] = {
    "waiting": N_("Decision awaited"),
    "due": N_("Due today"),
    "unpaid": N_("Payment awaited"),
    "supplements": N_("Supplemented"),
    "registered": N_("Registered"),
    "refused": N_("Refused"),
    "gone": N_("Handed over, withdrawn"),
    "all": N_("All"),
}
STATUSES = {
    "filed": (N_("decision awaited"), "warn"),
    "redirected": (N_("decision awaited"), "warn"),
    "registered": (N_("registered"), "ok"),
    "refused": (N_("registration refused"), "bad"),
    "withdrawn": (N_("withdrawn"), "mute"),
}


@dataclass(frozen=True, slots=True)
class State:
    """A word with its tone; ``drawing`` overrides the tone's own icon."""

    word: str
    tone: str
    drawing: str = ""


@dataclass(frozen=True, slots=True)
class RowView:
    """One line of the inbox, ready to show."""

    url: str
    left: str
    late: bool
    status: State | None
    came: int
    talon: str
    document: str
    subject: str
    parties: str
    signature: State
    witnessed: bool
    duty: State
    files: str
    on_the_way: bool


@dataclass(frozen=True, slots=True)
class CheckView:
    """One line of a check-list: a fact, its grounds, and where to look."""

    kind: str
    word: str
    texts: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


def say(sentence: Line, now: int) -> str:
    """Return a line in the visitor's language; endings of names say what the values are."""
    values = {name: _shown(name, value, now) for name, value in sentence.params.items()}
    return str(gettext(sentence.sentence, **values)) if values else str(gettext(sentence.sentence))


def _shown(name: str, value: object, now: int) -> object:
    if isinstance(value, date):
        return day_words(value)
    if name.endswith("_number") and isinstance(value, str):
        return iin_groups(value)
    if isinstance(value, int):
        if name.endswith("_ms") or name == "since":
            return when(value, now)
        if name.endswith("_tiyn"):
            return money(value)
        if name.endswith("_milli"):
            return decimal_text(value)
    return value


def row_view(book: Book, row: Row, court: str, now: int, *, after: bool = False) -> RowView:
    """Return a filing as the inbox shows it; ``after`` the cut of its machine it waits for the centre's decision."""
    filing = row.filing
    missing = filing.files - row.arrived
    return RowView(
        url=url_for("desk.filing", id=filing.obj.hex()),
        left=left_word(row.term),
        late=row.term.left is not None and row.term.left <= 0,
        status=None if row.term.last_day and not after else status_of(filing, court, after=after),
        came=row.came_ms,
        talon=filing.talon,
        document=title_of(book, filing),
        subject=subject_of(book, filing),
        parties=parties_line(row.parties),
        signature=signature_state(filing),
        witnessed=filing.witnessed,
        duty=duty_state(filing),
        files=str(filing.files) if not missing else f"{row.arrived} / {filing.files}",
        on_the_way=missing > 0,
    )


def title_of(book: Book, filing: Filing) -> str:
    """Return what kind of document it is; a supplement says so first."""
    return gettext("Supplement") if filing.answers_to else document_word(book, filing.document_type)


def subject_of(book: Book, filing: Filing) -> str:
    """Return what it is about: the category, or the number it has become."""
    category = category_word(book, filing.category)
    if filing.number:
        return f"{category}, № {filing.number}" if category else f"№ {filing.number}"
    return category


def left_word(term: Term) -> str:
    """Return how long the court still has, in working days; empty where no term runs."""
    if term.left is None:
        return ""
    if term.left < 0:
        return ngettext("%(num)d day late", "%(num)d days late", -term.left)
    return gettext("today") if term.left == 0 else ngettext("%(num)d day", "%(num)d days", term.left)


def term_sentence(term: Term) -> str:
    """Return the term beside the decision: «мерзімі — 27 қараша · 5 жұмыс күні қалды»."""
    if term.last_day is None or term.left is None:
        return gettext("no term is published")
    day = short_day(term.last_day)
    if term.left < 0:
        return gettext("the term ended: %(day)s", day=day)
    if term.left == 0:
        return gettext("the term ends today")
    left = ngettext("%(num)d working day left", "%(num)d working days left", term.left)
    return gettext("term: %(day)s · %(left)s", day=day, left=left)


def status_of(filing: Filing, court: str, *, after: bool = False) -> State:
    """Return where a filing stands as ``court`` sees it; ``after`` the cut of its machine nothing is decided about it."""
    if after:
        return State(gettext("its machine was excluded before it"), "bad", "shield-exclamation")
    if filing.court != court:
        return State(gettext("handed to another court"), "mute", "arrow-right-circle-fill")
    if filing.ruling:
        return State(case_state(filing.ruling), RULED[filing.ruling])
    word, tone = STATUSES.get(filing.status, (filing.status, "mute"))
    return State(gettext(word), tone)


def signature_state(filing: Filing) -> State:
    """Return what is known of the signature without opening the file: the fold has verified it, lists change."""
    if filing.revocation == "revoked":
        return State(gettext("revoked"), "bad")
    if filing.crl_stale and filing.revocation != "good":
        return State(gettext("to be re-checked"), "warn", "exclamation-triangle-fill")
    return State(gettext("valid"), "ok")


def duty_state(filing: Filing) -> State:
    """Return how the duty stands."""
    if filing.payment == "paid":
        return State(gettext("paid"), "ok")
    if filing.payment == "unpaid":
        return State(gettext("not paid"), "bad")
    return {
        "receipt": State(gettext("receipt"), "warn", "receipt"),
        "pending": State(gettext("awaited"), "warn", "hourglass-split"),
        "exempt": State(gettext("exempt"), "mute"),
    }[filing.duty_way]


def role_word(role: str) -> str:
    """Return the name of a participant's role."""
    return role_words().get(role, role)


def check_view(check: Check, courts: Iterable[str], now: int) -> CheckView:
    """Return a check; filings of the officer's own courts are linked, of others only the talon is named."""
    here = set(courts)
    links = tuple(
        (url_for("desk.filing", id=each.obj.hex()) if each.court in here or each.first_court in here else "", _relative(each))
        for each in check.links
    )
    return CheckView(check.kind, say(check.fact, now), tuple(say(each, now) for each in check.grounds), links)


def _relative(filing: Filing) -> str:
    word, _ = STATUSES.get(filing.status, (filing.status, ""))
    return gettext("talon %(talon)s: %(state)s", talon=talon_groups(filing.talon), state=gettext(word))


def findings_view(checked: RuleCheck, now: int) -> list[CheckView]:
    """Return what does not hold today; what held before signing is marked."""
    views = []
    for finding in checked.failed:
        texts = []
        if checked.is_new(finding):
            texts.append(gettext("Before signing this check passed."))
        elif finding.rule_id in checked.warned:
            texts.append(gettext("The citizen saw this before signing."))
        if finding.ground_id and not finding.ground_id.startswith("reg-"):
            texts.append(
                gettext("This is for the judge to decide (%(ground)s), not a ground to refuse registration.", ground=finding.ground_id)
            )
        kind = "bad" if finding.level == "must" else "warn"
        views.append(CheckView(kind, say(Line(finding.sentence, finding.params), now), tuple(texts)))
    return views


def event_view(node: Node, event: Event, now: int) -> tuple[str, str, str]:
    """Return (when, what, more) of one step of a filing."""
    params: Mapping[str, Any] = event.params
    book = node.book()
    court = court_word(book, str(params.get("court", "")))
    more = ""
    if event.kind == "registered":
        what, more = gettext("Registered: %(number)s", number=f"№ {params['number']}"), f"{court}, {params['executor']}"
    elif event.kind == "refused":
        until = str(params.get("cure_until", ""))
        what, more = gettext("Registration refused"), gettext("To be cured by %(day)s.", day=iso_day(until)) if until else court
    elif event.kind == "redirected":
        what, more = gettext("Handed to another court"), f"{court} → {court_word(book, str(params['to']))}"
    elif event.kind == "withdrawn":
        what, more = gettext("Withdrawn by the filer"), str(params.get("reason", ""))
    elif event.kind in ("verified", *RULED):
        what, more = event_words(node, event)
    else:
        what, more = gettext("Sent, talon given"), gettext("offline") if params.get("line") == "offline" else gettext("online")
        if params.get("witness"):
            more = f"{more}, {gettext('by a witness')}"
    return when(event.time_ms, now), what, with_standing(node, event, more)


def shows_days(tab: Tab) -> bool:
    """Return whether the first column of a tab is what is left of the term."""
    return tab in OPEN_TABS
