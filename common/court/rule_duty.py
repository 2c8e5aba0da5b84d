"""The rules about the state duty: both amounts, the way of payment, its ground or its term (CPC 149, 150; Tax Code 665–672)."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from common.court import duty, terms
from common.court.book import Book
from common.court.claim import Claim
from common.court.rule_facts import ClaimFacts, Problem
from common.errors import N_, Refused

PENDING_TERM: Final = "cpc_accept"
"""«Payment pending» is no ground until the term in which the judge decides on acceptance is over (CPC 150 part 1)."""


def amounts_entered(facts: ClaimFacts, _book: Book, _on: date) -> Iterator[Problem]:
    """Yield what is wrong with the two amounts (CLM-6): a property claim has both, a duty of nothing is written as zero."""
    claim, payment = facts.claim, facts.claim.payment
    property_claim = claim.proceedings == "claim" and claim.nature in ("property", "mixed")
    if property_claim and not payment.claim_tiyn:
        yield Problem(N_("Enter the claim amount: a property claim has one."), "cpc152-3", "claim_amount")
    if (property_claim or claim.proceedings) and payment.duty_tiyn is None and not payment.exempt:
        yield Problem(N_("Enter the amount of the state duty; it may be zero."), "cpc152-3", "duty_amount")
    if not all(0 <= (amount or 0) <= duty.CLAIM_TIYN_MAX for amount in (payment.claim_tiyn, payment.duty_tiyn)):
        yield Problem(N_("An amount is below zero or too large. Correct it."), "cpc152-3", "claim_amount")


def duty_settled(facts: ClaimFacts, book: Book, on: date) -> Iterator[Problem]:
    """Yield what is wrong with the way of payment (CLM-5, CLM-7): its ground, its receipt, its term."""
    claim, payment = facts.claim, facts.claim.payment
    if payment.way == "":
        yield Problem(N_("Say how the duty is paid: receipt, payment pending, or exempt."), "reg-duty", "payment")
    elif payment.way == "exempt":
        yield from _exemption(claim, book, facts.filed_on or on)
    elif payment.way == "receipt":
        if not any(file.sha256 == payment.receipt or not payment.receipt for file in claim.of_kind("receipt")):
            yield Problem(N_("Attach the scanned receipt for the duty."), "reg-duty", "receipt")
        yield from _underpaid(claim, book, facts.filed_on or on)
    else:
        yield from _pending(facts, book, on)
        yield from _underpaid(claim, book, facts.filed_on or on)


def _exemption(claim: Claim, book: Book, day: date) -> Iterator[Problem]:
    if not claim.payment.exemption_id:
        yield Problem(N_("Choose why the duty is not paid."), "reg-duty", "exemption")
        return
    try:
        _assess(claim, book, day, claim.payment.exemption_id)
    except Refused as refusal:
        yield Problem(refusal.sentence, "reg-duty", "exemption", refusal.params)


def _pending(facts: ClaimFacts, book: Book, on: date) -> Iterator[Problem]:
    if facts.paid:
        return
    try:
        last = terms.deadline(book, PENDING_TERM, facts.filed_on or on).last_day
    except Refused:  # the term is not published: nothing to hold against anybody
        return
    if facts.filed_on is not None and on > last:
        yield Problem(N_("The duty was to be paid by %(last_on)s and no payment is known."), "reg-duty", "payment", {"last_on": last})
    else:
        sentence = N_("The duty is not paid yet. Pay it by %(last_on)s, or registration may be refused.")
        yield Problem(sentence, "", "payment", {"last_on": last}, level="warn")


def _underpaid(claim: Claim, book: Book, day: date) -> Iterator[Problem]:
    """Warn only: the clerk knows cases the table does not."""
    if claim.payment.duty_tiyn is None or not claim.proceedings:
        return
    try:
        due = _assess(claim, book, day, None)
    except Refused as refusal:
        if refusal.code != "duty.claim_amount":  # that one is told by payment.amounts
            yield Problem(refusal.sentence, "", "duty_amount", refusal.params, level="warn")
        return
    if claim.payment.duty_tiyn < due.amount_tiyn:
        sentence = N_("By the published rates the duty is %(due_tiyn)s; you entered %(entered_tiyn)s.")
        params = {"due_tiyn": due.amount_tiyn, "entered_tiyn": claim.payment.duty_tiyn}
        yield Problem(sentence, "", "duty_amount", params, level="warn")


def _assess(claim: Claim, book: Book, day: date, exemption_id: str | None) -> duty.Duty:
    return duty.assess(
        book,
        on=day,
        claimant=claim.claimant_kind,
        nature=claim.nature or "non_property",
        kind=duty.kind_of(claim.proceedings, claim.category),
        claim_tiyn=claim.payment.claim_tiyn or 0,
        exemption_id=exemption_id,
    )
