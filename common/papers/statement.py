"""The electronic statement: what the citizen reads, signs and the judge gets.

One language, chosen by the citizen. It carries the talon's number and the full SHA-256 of every attachment, so one
signature over it vouches for the whole filing. Only the facts given are printed; the person's texts are placed word for
word, in their own paragraphs.

    pdf = statement_pdf(Statement(lang="kk", kind="claim", number="197640118205374", …))
"""

from dataclasses import dataclass
from typing import Literal

from common.papers.parts import Court, Duty, PaperFile
from common.papers.texts import word
from common.papers.typeset import paragraphs, typeset
from common.papers.words import NBSP, date_words, iin_groups, money, size_words, talon_groups

Json = dict[str, object]
Role = Literal["plaintiff", "defendant", "third_party", "applicant", "interested", "representative"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Representative:
    """Who acts for a party."""

    name: str
    number: str = ""
    """IIN, twelve digits, or empty."""
    basis: str = ""
    """What the power rests on: «сенімхат № 12, 03.02.2026»."""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One participant as the statement names it; empty fields are left out."""

    role: Role
    name: str
    number: str = ""
    """IIN or BIN, twelve digits; printed whole, for the court that owns the case."""
    is_entity: bool = False
    resident: bool = True
    address: str = ""
    phone: str = ""
    email: str = ""
    representative: Representative | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A person of the court's staff who signs for somebody without a key; ``document`` is what that person showed."""

    name: str
    court: Court
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A claim or an application in special proceedings, before it is signed."""

    lang: Literal["kk", "ru"]
    kind: Literal["claim", "special"]
    number: str
    """Talon number, fifteen digits, minted before signing."""
    made_at: int
    """When it was typeset, ms UTC."""
    court: Court
    parties: tuple[Party, ...]
    duty: Duty
    subject: str
    """Category of the case in the language of the statement."""
    circumstances: str
    """The person's own text; an empty line parts paragraphs."""
    requirement: str
    """What is asked of the court; the person's own text."""
    attachments: tuple[PaperFile, ...] = ()
    signer_name: str = ""
    signer_number: str = ""
    """IIN or BIN of who will sign."""
    witness: Witness | None = None
    """Who signs instead, for a person without a key."""


def statement_pdf(statement: Statement) -> bytes:
    """Return the statement as PDF/A-2b, ready to be signed.

    Raises Refused ``papers.too_long`` for texts that no paper carries.
    """
    return typeset("statement.typ", _facts(statement), made_at=statement.made_at)


def _facts(statement: Statement) -> Json:
    lang = statement.lang
    title = word(f"statement.{statement.kind}", lang)
    number = talon_groups(statement.number)
    return {
        "lang": lang,
        "document_title": f"{title}, {word('talon_no', lang, number=number)}",
        "to": word("statement.to", lang),
        "court": statement.court.name.of(lang),
        "region": statement.court.region.of(lang),
        "parties": [_party(party, lang) for party in statement.parties],
        "sums": _sums(statement.duty, lang),
        "title": title,
        "note": word("statement.special_note", lang) if statement.kind == "special" else "",
        "subject": statement.subject,
        "circumstances": paragraphs(statement.circumstances),
        "ask": word("statement.ask", lang),
        "requirement": paragraphs(statement.requirement),
        "attached": word("statement.attached" if statement.attachments else "statement.no_attachments", lang),
        "columns": [word(f"file.{name}", lang) for name in ("title", "kind", "pages", "size")],
        "files": [_file(file, lang) for file in statement.attachments],
        "sign": word("statement.sign", lang),
        "signer": _labelled("statement.signer", lang, _signer(statement, lang)),
        "witnessed": _witnessed(statement, lang),
        "sign_note": word("statement.sign_note", lang),
        "date": _labelled("statement.date", lang, date_words(statement.made_at, lang)),
        "foot": f"{word('talon_no', lang, number=number)} · {date_words(statement.made_at, lang)}",
        "page": word("page_of", lang, n="{n}", all="{all}"),
    }


def _labelled(key: str, lang: str, value: str) -> Json:
    return {"label": word(key, lang), "value": value}


def _number(number: str, lang: str, *, is_entity: bool) -> str:
    return f"{word('bin' if is_entity else 'iin', lang)}{NBSP}{iin_groups(number)}" if number else ""


def _person(statement: Statement, lang: str) -> str:
    signer = statement.signer_name
    return ", ".join(part for part in (signer, _number(statement.signer_number, lang, is_entity=False)) if part)


def _signer(statement: Statement, lang: Literal["kk", "ru"]) -> str:
    if statement.witness is None:
        return _person(statement, lang)
    return f"{statement.witness.name}, {statement.witness.court.name.of(lang)}"


def _witnessed(statement: Statement, lang: str) -> list[Json]:
    """What stands under the signature of a witness: for whom, by which document, and that it was read and agreed to."""
    if statement.witness is None:
        return []
    person = _labelled("statement.witness_for", lang, _person(statement, lang))
    document = _labelled("statement.document", lang, statement.witness.document)
    return [person, document, _labelled("statement.witness", lang, word("statement.witness_note", lang))]


def _party(party: Party, lang: str) -> Json:
    contacts = [f"{word(name, lang)}: {value}" for name, value in (("phone", party.phone), ("email", party.email)) if value]
    lines = [
        party.address,
        ", ".join(contacts),
        "" if party.resident else word("nonresident", lang),
    ]
    return {
        "role": word(f"role.{party.role}", lang),
        "name": party.name,
        "number": _number(party.number, lang, is_entity=party.is_entity),
        "lines": [line for line in lines if line],
        "representative": _representative(party.representative, lang) if party.representative else None,
    }


def _representative(person: Representative, lang: str) -> Json:
    phone = f"{word('phone', lang)}: {person.phone}" if person.phone else ""
    parts = (person.name, _number(person.number, lang, is_entity=False), person.basis, phone)
    return _labelled("statement.represented", lang, ", ".join(part for part in parts if part))


def _sums(duty: Duty, lang: str) -> list[Json]:
    state = [word(f"pay.{duty.payment}", lang), duty.ground.of(lang), duty.article.of(lang)]
    amount = money(duty.amount) if duty.amount or duty.payment not in ("exempt", "none") else ""
    paid = "; ".join(part for part in (amount, ", ".join(part for part in state if part)) if part)
    claimed = [] if duty.claim_sum is None else [_labelled("claim_sum", lang, money(duty.claim_sum))]
    return [*claimed, _labelled("duty", lang, paid)]


def _file(file: PaperFile, lang: Literal["kk", "ru"]) -> Json:
    return {
        "title": file.title,
        "role": file.role.of(lang),
        "kind": file.kind,
        "pages": str(file.pages) if file.pages else "—",
        "size": size_words(file.size_bytes, lang),
        "sha256": file.sha256.hex(),
    }
