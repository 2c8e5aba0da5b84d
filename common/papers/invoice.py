"""The printed invoice of state duty: given while there is no line, paid at any bank, found again by the talon's number.

Requisites are data: they change with the law and the tax office, so none stands here.

    pdf = invoice_pdf(Invoice(talon_number="197640118205374", amount=2450000, …))
"""

from dataclasses import dataclass

from common.papers.parts import Both, Court
from common.papers.qr import qr_picture
from common.papers.texts import date_both, date_time_both, join_words, numbered, same, words
from common.papers.typeset import typeset
from common.papers.words import iin_groups, money, talon_groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """What a bank needs to take the duty. Empty requisites are left out."""

    issued_at: int
    """ms UTC."""
    talon_number: str
    """Fifteen digits."""
    payer_name: str
    payer_number: str
    """IIN or BIN, twelve digits; printed whole, for the bank needs it."""
    payer_is_entity: bool = False
    court: Court
    amount: int
    """tiyn."""
    claim_sum: int | None = None
    """tiyn; None for claims without a price."""
    basis: Both = Both("", "")
    """Rule of the duty: «Салық кодексі, 665-бап» / «Налоговый кодекс, статья 665»."""
    recipient: Both
    """The tax office that receives it."""
    recipient_bin: str = ""
    account: str = ""
    """IBAN of the treasury."""
    bank: Both = Both("", "")
    bic: str = ""
    kbk: str
    """Code of budget classification."""
    kbe: str = ""
    """Code of the beneficiary."""
    kno: str
    """Code of the tax office."""
    knp: str
    """Code of the purpose of payment."""
    purpose: Both
    """Text of the purpose; it must hold the talon's number."""
    due: int | None = None
    """Until when it should be paid, ms UTC; None where no term runs."""
    offline: bool = True
    """Whether it is printed because there is no line."""
    qr_text: str
    """The payment as text, for the bank's scanner."""


def invoice_pdf(invoice: Invoice) -> bytes:
    """Return the invoice as one page of A4, PDF/A-2b.

    Raises Refused ``qr.too_long`` or ``papers.too_long``.
    """
    title, number = words("invoice.title"), talon_groups(invoice.talon_number)
    facts = {
        "document_title": f"{title.kk} / {title.ru} {number}",
        "title": title,
        "number_label": words("invoice.talon"),
        "number": number,
        "time": date_time_both(invoice.issued_at),
        "svg": qr_picture(invoice.qr_text),
        "qr_alt": words("invoice.qr").kk,
        "amount_label": words("invoice.to_pay"),
        "amount": money(invoice.amount),
        "rows": [{"label": words(f"invoice.{name}"), "value": value} for name, value in _rows(invoice).items() if value.kk],
        "codes": [{"label": words(f"invoice.{name}"), "value": value} for name, value in _codes(invoice).items() if value],
        "next_title": words("invoice.next_title"),
        "next": words("invoice.next"),
        "why": words("invoice.why") if invoice.offline else None,
    }
    return typeset("invoice.typ", facts, made_at=invoice.issued_at)


def _rows(invoice: Invoice) -> dict[str, Both]:
    payer = numbered("bin" if invoice.payer_is_entity else "iin", iin_groups(invoice.payer_number))
    recipient = numbered("bin", iin_groups(invoice.recipient_bin))
    claimed = words("talon.claim_sum", sum=money(invoice.claim_sum)) if invoice.claim_sum is not None else same("")
    return {
        "payer": join_words(", ", Both(invoice.payer_name, ""), payer),
        "court": invoice.court.name,
        "basis": join_words(", ", invoice.basis, claimed),
        "recipient": join_words(", ", invoice.recipient, recipient),
        "bank": invoice.bank,
        "purpose": invoice.purpose,
        "due": date_both(invoice.due) if invoice.due is not None else same(""),
    }


def _codes(invoice: Invoice) -> dict[str, str]:
    """The requisites a bank clerk types in, in the order of a payment slip."""
    return {
        "account": invoice.account,
        "bic": invoice.bic,
        "kbe": invoice.kbe,
        "kbk": invoice.kbk,
        "kno": invoice.kno,
        "knp": invoice.knp,
    }
