"""What a clerk is about to decide, and whether it can be decided so: grounds from the published list, a day to cure until, a note."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from common.court import filing_lists, terms
from common.court.book import Book
from common.court.datasets import RefusalGround
from common.court.filing_lists import Filing
from common.court.filing_texts import Ground
from common.errors import N_, Refused
from edge.node import Node
from edge.services.citations import cite

STAGE: Final = "refuse_registration"
"""Grounds of the clerk; those of the judge (CPC 151, 152) inform at the desk and are not offered."""
CURE_TERM: Final = "app_cure"
"""The published term to cure defects (APPC 138 part 4): a suggestion, for registration has no term of its own."""
NOTE_CHARS_MAX: Final = 1_000
CURE_DAYS_MAX: Final = 180
RULES_OF_GROUND: Final = {
    "reg-type": ("case.chosen",),
    "reg-court": ("court.competent",),
    "reg-duty": ("payment.amounts", "payment.duty"),
    "reg-main": ("documents.main",),
    "reg-open": ("documents.readable",),
    "reg-format": ("documents.readable",),
    "reg-who": ("representative.power", "signer.filer"),
}
"""Which rules the citizen's pre-flight check asked for each ground: a refusal for what passed there is shown as such."""
Kind = Literal["register", "refuse", "redirect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be decided. ``grounds`` are ids of the published list, ``cure_until`` the last day to put things right."""

    kind: Kind
    executor: str = ""
    grounds: tuple[str, ...] = ()
    note: str = ""
    cure_until: date | None = None
    redirected_to: str = ""


def grounds_of(book: Book) -> tuple[RefusalGround, ...]:
    """Return the grounds for which a clerk may refuse registration."""
    return book.refusal_grounds(STAGE)


def cure_suggestion(node: Node) -> date | None:
    """Return a last day to propose for curing, or None where no term is published."""
    try:
        return terms.deadline(node.book(), CURE_TERM, terms.local_date(node.clock.now())).last_day
    except Refused:
        return None


def check(node: Node, filing: Filing, draft: Draft) -> Draft:
    """Return ``draft`` as it can be decided about ``filing``; raises Refused naming the field to correct."""
    if len(draft.note) > NOTE_CHARS_MAX:
        raise Refused("registration.note", N_("The note has at most %(max)d signs. Shorten it."), field="note", max=NOTE_CHARS_MAX)
    if draft.kind == "refuse":
        _check_refusal(node, filing, draft)
    if draft.kind == "redirect":
        _check_redirection(node.book(), filing.court, draft.redirected_to)
    return draft


def passed_grounds(node: Node, filing: Filing, grounds: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of ``grounds`` the citizen was told before signing not to have to fear."""
    form = filing_lists.form(node.database, filing.obj)
    warned = set(form.findings) if form else set()
    return tuple(ground for ground in grounds if (rules := RULES_OF_GROUND.get(ground)) and not warned & set(rules))


def _check_refusal(node: Node, filing: Filing, draft: Draft) -> None:
    known = {ground.ground_id: ground for ground in grounds_of(node.book())}
    if not draft.grounds:
        raise Refused("registration.no_ground", N_("Choose at least one ground: all defects go into one decision."), field="grounds")
    if not set(draft.grounds) <= set(known):
        raise Refused("registration.ground", N_("A chosen ground is not in the published list. Choose again."), field="grounds")
    today = terms.local_date(node.clock.now())
    curable = all(known[ground].can_be_cured for ground in draft.grounds)
    if curable and draft.cure_until is None:
        raise Refused("registration.cure", N_("Write until when the defects can be cured."), field="cure_until")
    if draft.cure_until is not None and not curable:
        sentence = N_("One of the grounds cannot be cured, so there is no day until which to cure. Leave the day empty.")
        raise Refused("registration.no_cure", sentence, field="cure_until")
    if draft.cure_until is not None and not 0 < (draft.cure_until - today).days <= CURE_DAYS_MAX:
        sentence = N_("The day to cure until is after today and within %(days)d days.")
        raise Refused("registration.cure_day", sentence, field="cure_until", days=CURE_DAYS_MAX)
    if not draft.note.strip() and passed_grounds(node, filing, draft.grounds):
        sentence = N_("The citizen was told before signing that one of these grounds is not there. Explain in the note what is wrong.")
        raise Refused("registration.unexplained", sentence, field="note")


def _check_redirection(book: Book, court: str, target: str) -> None:
    found = book.find_court(target)
    if found is None or found.status != "active":
        raise Refused("registration.court", N_("Choose the court that the filing is handed to."), field="redirected_to")
    if target == court:
        raise Refused("registration.same_court", N_("This is your own court. Choose another one."), field="redirected_to")


def grounds_named(book: Book, draft: Draft) -> list[Ground]:
    """Return the chosen grounds as they go into the decision, in the order of the published list."""
    return coded(grounds_of(book), draft.grounds)


def coded(published: Iterable[RefusalGround], chosen: Iterable[str]) -> list[Ground]:
    """Return the ``chosen`` ones (ids) of the ``published`` grounds, as entries carry and signed texts say them."""
    ids = frozenset(chosen)
    return [
        Ground(
            code=ground.ground_id,
            article=_article(ground),
            text_kk=ground.name_kk,
            text_ru=ground.name_ru,
            cure=ground.can_be_cured,
        )
        for ground in published
        if ground.ground_id in ids
    ]


def _article(ground: RefusalGround) -> str:
    """The article in both languages, or the published list where a ground of the clerk rests on no article."""
    if not ground.article:
        return ""
    both = cite(ground.code, ground.article, ground.item)
    return f"{both.kk} / {both.ru}"
