"""State duty by the dated rates of the Tax Code (part 1 of article 665 in the first publication).

- Property claims: a percentage of the claim, never above the cap in monthly indices (MCI).
- Other claims: a share of the index.
- A share of another rate (court orders, cassation): that share of the rate for the same person and claim.
- Mixed claims: both rates together.
- Exempt: zero, with the item of article 668 that frees the person.

The index is that of the day of payment. **Rounding**: to whole tiyn, a half up; the Code, as far as it was read, names
no rounding to tenge. Every result says how it came about, line by line.

    assess(book, on=day, claimant="individual", nature="property", claim_tiyn=245_000_000).amount_tiyn  → 2_450_000
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from common.court.book import Book
from common.court.datasets import DutyRate, Exemption
from common.court.lines import Line, line
from common.errors import N_, Refused

Claimant = Literal["individual", "legal_entity"]
Nature = Literal["property", "non_property", "mixed"]

CLAIM_TIYN_MAX: Final = 10**15
"""Ten trillion tenge: more than any claim, far less than 64 bits."""

KINDS: Final = {
    "special": "special_proceedings_or_admin_claim",
    "divorce": "divorce",
    "complaint_state_body": "complaint_state_body",
    "court_order": "court_order",
    "appeal": "appeal_complaint",
    "cassation": "cassation_complaint",
    "duplicate_writ": "duplicate_writ",
    "bankruptcy_legal_entity": "bankruptcy_legal_entity",
    "bankruptcy_individual": "bankruptcy_individual",
}
"""Kinds of applications whose rate does not depend on the nature of the claim alone; "claim" and "defamation" are the others."""


@dataclass(frozen=True, slots=True)
class Duty:
    """What is to be paid. ``parts`` explain it; ``article`` cites it; ``verified`` is false where a used fact is."""

    amount_tiyn: int
    rate_id: str
    parts: tuple[Line, ...]
    cap_applied: bool
    article: str
    exemption_id: str = ""
    verified: bool = True


@dataclass(frozen=True, slots=True)
class _Case:
    book: Book
    on: date
    claimant: str
    nature: str
    claim_tiyn: int


def assess(
    book: Book,
    *,
    on: date,
    claimant: Claimant,
    nature: Nature,
    kind: str = "claim",
    claim_tiyn: int = 0,
    exemption_id: str | None = None,
) -> Duty:
    """Return the duty for a payment on the day ``on``.

    Raises Refused: "duty.claim_amount" (a property claim without a sum), "duty.kind" and "duty.rate" (no rate known for
    this application on that day), "duty.mci_unknown" (the index of that day is not published), "duty.exemption_unknown",
    "duty.exemption_who" (the exemption is not for such a claimant).
    """
    if not 0 <= claim_tiyn <= CLAIM_TIYN_MAX:
        raise Refused("duty.claim_amount", N_("Enter the claim amount in tenge, without minus and letters."), field="claim_amount")
    if exemption_id:
        return _exempt(book, on, claimant, exemption_id)
    case = _Case(book, on, claimant, nature, claim_tiyn)
    if kind == "claim" and nature == "mixed":
        return _mixed(case)
    return _by_rate(case, _rate(case, _claim_word(kind, claimant, nature)))


def kind_of(proceedings: str, category: str) -> str:
    """Return the ``kind`` for `assess` from a filing's proceedings and case category."""
    if proceedings == "special":
        return "special"
    return {"claim.family.divorce": "divorce", "claim.honour": "defamation"}.get(category, "claim")


def _claim_word(kind: str, claimant: str, nature: str) -> str:
    if kind == "claim":
        return nature
    if kind == "defamation":
        if nature != "property":
            return nature
        return "defamation_moral_damage" if claimant == "individual" else "defamation_losses"
    if kind not in KINDS:
        raise Refused("duty.kind", N_("No rate of duty is known for this kind of application. Ask the clerk."), field="kind")
    return KINDS[kind]


def _rate(case: _Case, claim: str) -> DutyRate:
    for rate in case.book.duty_rates(case.on):
        if rate.claim == claim and rate.claimant in (case.claimant, "any"):
            return rate
    sentence = N_("The rates of duty for %(day_on)s are not published here. Ask the clerk, or choose “Payment pending”.")
    raise Refused("duty.rate", sentence, field="duty_amount", day_on=case.on)


def _by_rate(case: _Case, rate: DutyRate) -> Duty:
    if rate.formula == "percent_of_claim":
        return _percent(case, rate)
    if rate.formula == "mci":
        return _share_of_index(case, rate)
    if rate.formula == "percent_of_rate":
        return _share_of_rate(case, rate)
    if rate.formula == "none":
        return _duty(
            rate,
            0,
            (
                line(
                    N_("No duty is paid for this document."),
                ),
            ),
        )
    raise Refused("duty.kind", N_("No rate of duty is known for this kind of application. Ask the clerk."), field="kind")


def _percent(case: _Case, rate: DutyRate) -> Duty:
    if case.claim_tiyn == 0:
        raise Refused("duty.claim_amount", N_("Enter the claim amount: the duty is a percentage of it."), field="claim_amount")
    milli = rate.percent_milli or 0
    amount = _half_up(case.claim_tiyn * milli, 100_000)
    parts = [line(N_("%(percent_milli)s %% of the claim amount %(claim_tiyn)s."), percent_milli=milli, claim_tiyn=case.claim_tiyn)]
    if rate.cap_mci is None:
        return _duty(rate, amount, tuple(parts))
    index, known = _index(case)
    cap = rate.cap_mci * index
    if amount <= cap:
        return _duty(rate, amount, tuple(parts), verified=known)
    parts.append(line(N_("Not more than %(count)d monthly indices of %(index_tiyn)s."), count=rate.cap_mci, index_tiyn=index))
    return _duty(rate, cap, tuple(parts), cap_applied=True, verified=known)


def _share_of_index(case: _Case, rate: DutyRate) -> Duty:
    milli = rate.mci_milli or 0
    if milli == 0:
        return _duty(
            rate,
            0,
            (
                line(
                    N_("No duty is paid for this document."),
                ),
            ),
        )
    index, known = _index(case)
    part = line(N_("%(share_milli)s of the monthly index %(index_tiyn)s."), share_milli=milli, index_tiyn=index)
    return _duty(rate, _half_up(index * milli, 1000), (part,), verified=known)


def _share_of_rate(case: _Case, rate: DutyRate) -> Duty:
    percent = rate.percent_of_rate or 0
    base = _mixed(case) if case.nature == "mixed" else _by_rate(case, _rate(case, case.nature))
    share = line(N_("%(percent)d %% of the rate for a claim, which is %(rate_tiyn)s."), percent=percent, rate_tiyn=base.amount_tiyn)
    amount = _half_up(base.amount_tiyn * percent, 100)
    return _duty(rate, amount, (*base.parts, share), cap_applied=base.cap_applied, verified=base.verified)


def _mixed(case: _Case) -> Duty:
    rule = _rate(case, "mixed_claim")
    parts = [_by_rate(case, _rate(case, word)) for word in ("property", "non_property")]
    lines = (*parts[0].parts, *parts[1].parts, line(N_("Both rates are paid together.")))
    amount = sum(part.amount_tiyn for part in parts)
    return _duty(rule, amount, lines, cap_applied=parts[0].cap_applied, verified=all(part.verified for part in parts))


def _exempt(book: Book, on: date, claimant: str, exemption_id: str) -> Duty:
    exemption = next((row for row in book.exemptions(on) if row.exemption_id == exemption_id), None)
    if exemption is None:
        sentence = N_("This exemption is not in force on %(day_on)s. Choose another one, or pay the duty.")
        raise Refused("duty.exemption_unknown", sentence, field="exemption", day_on=on)
    _check_who(exemption, claimant)
    article = f"{exemption.act}, {exemption.article} {exemption.item}"
    part = line(N_("Exempt from duty: %(article)s."), article=article)
    return Duty(0, "", (part,), cap_applied=False, article=article, exemption_id=exemption_id, verified=exemption.verified == "source")


def _check_who(exemption: Exemption, claimant: str) -> None:
    if exemption.who == "individual" and claimant == "legal_entity":
        raise Refused(
            "duty.exemption_who", N_("This exemption is for individuals. Choose another one, or pay the duty."), field="exemption"
        )
    if exemption.who in ("legal_entity", "state_body") and claimant == "individual":
        sentence = N_("This exemption is for organisations. Choose another one, or pay the duty.")
        raise Refused("duty.exemption_who", sentence, field="exemption")


def _index(case: _Case) -> tuple[int, bool]:
    row = case.book.mci(case.on)
    if row is None or row.value_tiyn is None:
        sentence = N_("The monthly index of %(year)d is not published here yet, so the duty cannot be counted. Choose “Payment pending”.")
        raise Refused("duty.mci_unknown", sentence, field="duty_amount", year=case.on.year)
    return row.value_tiyn, row.verified == "source"


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _duty(rate: DutyRate, amount: int, parts: tuple[Line, ...], *, cap_applied: bool = False, verified: bool = True) -> Duty:
    item = "" if rate.item == "-" else f" {rate.item}"
    article = f"{rate.act}, {rate.article}{item}"
    return Duty(amount, rate.rate_id, parts, cap_applied, article, verified=verified and rate.verified == "source")
