"""What pages say of filings: states in words, the ladder R0–R4, the steps, sentences of the rule pack; all translated."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext

from common.court import filing_lists
from common.court.book import Book
from common.court.filing_entries import Party
from common.court.filing_lists import Event, Filing, Form
from common.court.lines import Line, decimal_text, shown
from common.court.terms import NOON, moment_of
from common.errors import N_
from common.papers.words import date_words, day_month, initials, money, time_words
from common.people import calm_name
from common.web.languages import current_language, when
from common.web.parts import Rung
from edge.node import Node
from edge.services import filings, moments, standing, statements, talons
from edge.services import freshness as freshness_of
from edge.web.filings_party_form import role_words
from sync.receipts import Ladder

FIRST_ROLES = ("plaintiff", "applicant")


@dataclass(frozen=True, slots=True)
class State:
    """A state word: icon and colour follow from ``tone``."""

    word: str
    tone: str


def steps() -> list[str]:
    """Return the names of the four steps."""
    return [gettext("Data, parties"), gettext("Payment"), gettext("Documents"), gettext("Checking and signing")]


def title_of(proceedings: str) -> str:
    """Return the name of the service on every step."""
    return gettext("Filing an application in special proceedings") if proceedings == "special" else gettext("Filing a claim")


def document_word(book: Book, code: str) -> str:
    """Return the name of a document type."""
    row = book.category("document_type", code)
    return book.name(row, current_language()) if row else code


def category_word(book: Book, code: str) -> str:
    """Return the name of a case category; empty while none is chosen."""
    row = book.category("case_category", code)
    return book.name(row, current_language()) if row else code


def court_word(book: Book, court_id: str) -> str:
    """Return the name of a court; empty while none is chosen."""
    court = book.find_court(court_id)
    return book.name(court, current_language()) if court else court_id


def region_word(book: Book, rr: str) -> str:
    """Return the name of a region; empty while none is chosen."""
    region = book.region(rr)
    return book.name(region, current_language()) if region else rr


def say(sentence: str, params: Mapping[str, object]) -> str:
    """Return a sentence of the rule pack, of the duty or of a refusal, its values written as people write them."""
    values = shown(params, money=money, day=day_words, decimal=_decimal)
    return str(gettext(sentence, **values)) if values else str(gettext(sentence))


def _decimal(thousandths: int) -> str:
    text = decimal_text(thousandths)
    return text if current_language() == "en" else text.replace(".", ",")


def day_words(day: date) -> str:
    """Return «2026 жылғы 27 қараша»."""
    return date_words(moment_of(day, NOON), current_language())


def short_day(day: date) -> str:
    """Return «27 қараша»: where the year is clear."""
    return day_month(moment_of(day, NOON), current_language())


def iso_day(text: str) -> str:
    """Return an ISO date of an entry in words; what is no date stays as it is."""
    try:
        return day_words(date.fromisoformat(text))
    except ValueError:
        return text


STATES = {
    "opened": N_("registered, the judge's decision on acceptance is awaited"),
    "accepted": N_("accepted to proceedings by the judge"),
    "returned": N_("returned by the judge"),
    "declined": N_("not accepted by the judge"),
}
"""Where a registered case stands."""
RULED = {"accepted": "ok", "returned": "bad", "declined": "bad"}


def case_state(status: str) -> str:
    """Return where a registered case stands, in words."""
    return gettext(STATES[status]) if status in STATES else status


def state_of(filing: Filing, climbed: Ladder, *, online: bool) -> State:
    """Return the state in a sentence of a few words."""
    match filing.status:
        case "registered" if filing.ruling:
            words = gettext("Case %(number)s: %(state)s", number=f"№ {filing.number}", state=case_state(filing.ruling))
            return State(words, RULED[filing.ruling])
        case "registered":
            return State(gettext("Registered, case %(number)s", number=f"№ {filing.number}"), "ok")
        case "refused":
            return State(gettext("Registration was refused"), "bad")
        case "withdrawn":
            return State(gettext("Withdrawn by you"), "mute")
        case "redirected":
            return State(gettext("Handed to another court, its answer is awaited"), "warn")
    if climbed.log_index is not None or climbed.logged_ms is not None:
        return State(gettext("In the central register — the court's answer is awaited"), "warn")
    if online:
        return State(gettext("Sent, talon given — going to the central register"), "warn")
    return State(gettext("Sent, talon given — the line is awaited"), "warn")


def rungs(node: Node, filing: Filing, climbed: Ladder, events: list[Event], now: int, *, here: bool) -> list[Rung]:
    """Return the ladder R0–R4 as far as this machine knows it."""
    book = node.book()
    logged = climbed.log_index is not None or climbed.logged_ms is not None
    decided = filing.status in ("registered", "refused")
    ended = decided or filing.status == "withdrawn"
    first = gettext("%(time)s. The papers and their files are kept in this court.", time=when(filing.received_ms, now))
    if not here:
        first = when(filing.received_ms, now)
    steps = [Rung("done", gettext("Sent, talon given"), first)]
    if logged:
        steps.append(Rung("done", gettext("Entered into the central register"), when(climbed.logged_ms, now) if climbed.logged_ms else ""))
    else:
        until = _moment(talons.register_by(filing))
        online = N_("With the next exchange. At the latest %(time)s. If it is not there by then, come to the office with this talon.")
        offline = N_("When there is a line. At the latest %(time)s. If it is not there by then, come to the office with this talon.")
        text = gettext(online if filings.line_state(node).online else offline, time=until)
        steps.append(Rung("now", gettext("Enters the central register"), text))
    # a court elsewhere decides about what it has whole; of its own papers a machine knows by the receipt alone
    steps.append(_files_rung(climbed, logged=logged, read=decided and not here, now=now))
    steps.append(_decision_rung(book, filing, events, now, waits=logged and not ended))
    if filing.status not in ("refused", "withdrawn"):
        steps.append(_ruling_rung(filing, events, now))
    return steps


def _ruling_rung(filing: Filing, events: list[Event], now: int) -> Rung:
    """R4: what the judge ruled, or that a judge decides."""
    last = next((event for event in reversed(events) if event.kind == filing.ruling), None)
    if last is None:
        waits = filing.status == "registered"
        return Rung("now" if waits else "ahead", gettext("Is accepted to proceedings or returned"), gettext("The judge decides."))
    text = f"{when(last.time_ms, now)} — {last.params.get('executor', '')}"
    return Rung("done" if filing.ruling == "accepted" else "bad", ruling_word(filing.ruling), text)


def ruling_word(outcome: str) -> str:
    """Return what a judge ruled, as a sentence begins."""
    words = {
        "accepted": gettext("Accepted to proceedings"),
        "returned": gettext("Returned by the judge"),
        "declined": gettext("Not accepted by the judge"),
    }
    return words[outcome]


def _files_rung(climbed: Ladder, *, logged: bool, read: bool, now: int) -> Rung:
    if climbed.complete_ms is not None:
        return Rung("done", gettext("All files have arrived"), when(climbed.complete_ms, now))
    if read:
        return Rung("done", gettext("All files have arrived"))
    text = gettext("The files are checked in the centre.")
    return Rung("now" if logged else "ahead", gettext("All files arrive"), text)


def _decision_rung(book: Book, filing: Filing, events: list[Event], now: int, *, waits: bool) -> Rung:
    last = next((event for event in reversed(events) if event.kind in ("registered", "refused", "withdrawn")), None)
    if last is not None:
        who = str(last.params.get("executor", ""))
        text = f"{when(last.time_ms, now)} — {who}" if who else when(last.time_ms, now)
        title = {
            "registered": gettext("Registered, case %(number)s", number=f"№ {filing.number}"),
            "refused": gettext("Registration was refused"),
            "withdrawn": gettext("Withdrawn by you"),
        }[last.kind]
        return Rung("done" if last.kind == "registered" else "bad", title, text)
    day = talons.decide_by(book, filing)
    text = (
        gettext("The court's office decides, the term is %(day)s.", day=short_day(day)) if day else gettext("The court's office decides.")
    )
    return Rung("now" if waits else "ahead", gettext("Is registered, or registration is refused"), text)


def _moment(ms: int) -> str:
    return f"{day_month(ms, current_language())}, {time_words(ms)}"


def event_words(node: Node, event: Event) -> tuple[str, str]:
    """Return (what happened, more) of one step of the dynamics."""
    book, params = node.book(), event.params
    court = court_word(book, str(params.get("court", "")))
    match event.kind:
        case "filed":
            name = calm_name(str(params.get("witness", "")))
            return gettext("Sent, talon given"), " ".join(
                [court, *([gettext("Signed by a witness: %(name)s.", name=name)] if name else [])]
            )
        case "withdrawn":
            return gettext("Withdrawn by you"), str(params.get("reason", ""))
        case "registered":
            number = f"№ {params.get('number', '')}"
            return gettext("Registered, case %(number)s", number=number), f"{court} — {params.get('executor', '')}"
        case "refused":
            return gettext("Registration was refused"), _refused(court, params)
        case "accepted" | "returned" | "declined":
            who = f"{court} — {params.get('executor', '')}."
            return ruling_word(event.kind), " ".join(part for part in (who, str(params.get("note", ""))) if part)
        case "redirected":
            return gettext("Handed to another court"), court_word(book, str(params.get("to", "")))
    return _verified(params)


def with_standing(node: Node, event: Event, more: str) -> str:
    """Return what is said of a step, and that it stands after the cut of the machine that wrote it."""
    if standing.of_event(node, event) != "after":
        return more
    return f"{more} · {gettext('after the exclusion of its machine, not admitted yet')}".removeprefix(" · ")


def proved_words(node: Node, filing: Filing, now: int) -> tuple[list[str], bool]:
    """Return what is proved of when the filing was made, in sentences, and whether the claimed time lies outside of it."""
    proved = moments.interval(node, filing)
    said = [each for each in proved.lines if each.sentence != moments.WRONG]
    return [_proved_line(each, now) for each in said], proved.outside


def _proved_line(line: Line, now: int) -> str:
    values = {name: when(value, now) if name.endswith("_ms") and isinstance(value, int) else value for name, value in line.params.items()}
    return str(gettext(line.sentence, **values)) if values else str(gettext(line.sentence))


def standing_note(node: Node, filing: Filing) -> tuple[str, str]:
    """Return (kind of note, sentence) for a filing whose machine was excluded before it was written; empty for any other."""
    at = standing.of(node, filing)
    if at == "after":
        sentence = gettext(
            "The machine that took this paper was excluded from a moment before it was written. The paper is kept as it is and your talon "
            "stays valid evidence; an administrator of the centre decides whether it counts as filed. Until then the court decides nothing."
        )
        return "bad", sentence
    if at == "admitted" and (act := standing.admission(node, filing)) is not None:
        return "", gettext(
            "An administrator of the centre has admitted this paper: %(time)s. It counts like any other.", time=_moment(act.time_ms)
        )
    return "", ""


def _refused(court: str, params: Mapping[str, Any]) -> str:
    until = str(params.get("cure_until", ""))
    cure = gettext("It can be put right by %(day)s.", day=iso_day(until)) if until else ""
    return " ".join(part for part in (f"{court}.", str(params.get("note", "")), cure) if part)


def _verified(params: Mapping[str, Any]) -> tuple[str, str]:
    what, more = _checked(params)
    who = str(params.get("signer", ""))
    return (f"{who}: {what}" if who else what), more


def _checked(params: Mapping[str, Any]) -> tuple[str, str]:
    subject, result = str(params.get("subject", "")), str(params.get("result", ""))
    words = {
        ("revocation", "good"): gettext("The key was in force: checked over the line"),
        ("revocation", "revoked"): gettext("The key had been revoked before signing"),
        ("payment", "paid"): gettext("The payment of the duty is found"),
        ("payment", "unpaid"): gettext("The payment of the duty is not found"),
        ("address", "matches"): gettext("The address matches the register"),
        ("address", "differs"): gettext("The address differs from the register"),
    }
    since = params.get("since_ms")
    more = str(params.get("source", ""))
    if (subject, result) == ("revocation", "good") and since is not None:
        return gettext("The key was revoked after the signing: the signature stands"), _since(since, more)
    return words.get((subject, result), gettext("A check gave no answer yet")), _since(since, more) if since is not None else more


def _since(since_ms: int, source: str) -> str:
    return gettext("Revoked since %(time)s. Source: %(source)s.", time=_moment(since_ms), source=source)


def freshness(node: Node, court: str, now: int) -> str:
    """Return as of when this machine knows what it shows (invariant 8)."""
    since = freshness_of.others_as_of(node)
    if since is None:
        return gettext("%(court)s: now. The central register and other courts: nothing has been exchanged yet.", court=court)
    return gettext("%(court)s: now. The central register and other courts: as of %(time)s.", court=court, time=when(since, now))


def house(node: Node) -> str:
    """Return the name of this machine's court."""
    courts = node.courts()
    return court_word(node.book(), courts[0]) if courts else gettext("This court")


def witnessed(filing: Filing, form: Form | None) -> Iterator[tuple[str, str]]:
    """Yield who signed for a person without a key, and by which document they knew the person; nothing for other filings."""
    if not filing.witnessed:
        return
    yield gettext("Signed by a witness"), calm_name(filing.assisted_by)
    if form is not None and form.witness is not None:
        yield gettext("Identity document"), statements.document_words(form.witness, current_language())


def signed_by(node: Node, filing: Filing) -> list[tuple[str, str]]:
    """Return who signed the statement beside the filer, each in their role; empty where the filer signed alone."""
    words, found = role_words(), filing_lists.cosigners(node.database, filing.obj)
    return [(gettext("Signed too"), f"{each.name} ({words.get(each.role, each.role)})") for each in found]


def parties_line(parties: Iterable[Party]) -> str:
    """Return «Сәрсенова А. М. — «Теңіз» ЖШС»: who asks, and of whom."""
    named = [(party.role, initials(party.name) if party.kind == "individual" else party.name) for party in parties]
    first = [name for role, name in named if role in FIRST_ROLES]
    second = [name for role, name in named if role == "defendant"]
    sides = [", ".join(side) for side in (first, second) if side]
    return " — ".join(sides) or ", ".join(name for _, name in named)
