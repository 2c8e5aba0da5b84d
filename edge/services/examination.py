"""What this machine finds about a filing now, from the bytes it holds: line by line a fact, its ground, as of when.

- The signature inside the statement: intact, over the whole file, by the filer, the same that the entry carries.
- The certificate: its chain, its dates, the newest revocation list here, however old; how old is said.
- Every file: its SHA-256 is that of the entry and of the page that was signed, or it is still on the way.
- Money, both clocks, the register, the machine that took it, and filings of the same content.

Nothing here decides: a clerk does. Nothing is believed because it was believed when the filing was taken.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from common.court import filing_lists
from common.court.filing_lists import Cosigned, Filing
from common.court.filing_right import unasked
from common.court.lines import Line, line
from common.errors import N_, CourtError, Refused
from common.papers.reading import hashes_named
from common.pki.certificates import Certificate, read_certificate
from common.pki.cms import signer as signer_of
from common.pki.pades import PdfSignature, read_pdf_signatures
from common.pki.trust import Verdict
from edge.node import Node
from edge.services import standing
from edge.services.desk import Sheet
from edge.services.moments import interval
from sync import directory
from sync.receipts import ladder_of

STATEMENT_BYTES_MAX: Final = 8 * 1024 * 1024
"""A statement is typeset by a node and has some 60 KB; a larger one is not taken apart here."""
CENTRE: Final = 0
SIGN: Final = "reg-sign"

Kind = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line: ``fact`` is what is so, ``grounds`` are why and as of when; ``links`` are filings to look at.

    ``ground_id`` is the coded reason for which a clerk may refuse registration because of it, empty when none.
    """

    kind: Kind
    fact: Line
    grounds: tuple[Line, ...] = ()
    links: tuple[Filing, ...] = ()
    ground_id: str = ""


def examine(node: Node, page: Sheet) -> tuple[Check, ...]:
    """Return the checks of a filing in the order of the page."""
    pdf, signature, problem = _statement(node, page)
    certificate = signature.certificate if signature else _certificate_in_entry(page)
    checks = [
        problem or _signature(page, signature),
        _files(node, page, pdf),
        *(_certificate(node, page, certificate) if certificate else ()),
        *(_right(node, page.filing) if certificate else ()),
        *(_cosigner(node, page.filing, each) for each in filing_lists.cosigners(node.database, page.filing.obj)),
        _duty(page),
        _clocks(node, page.filing),
        _register(node, page.filing),
        *_machine(node, page.filing),
        *_duplicates(page),
        *_supplement(page),
    ]
    return tuple(checks)


# -- the statement and its signature


def _statement(node: Node, page: Sheet) -> tuple[bytes, PdfSignature | None, Check | None]:
    """Return (the PDF, the signature that the entry names, or a check that says why there is none)."""
    filing = page.filing
    if not node.blobs.has(filing.statement_sha256):
        grounds = (line(N_("The signature in the entry is right; the page is checked when it arrives.")),)
        return b"", None, Check("warn", line(N_("The statement's file is on the way")), grounds)
    if filing.statement_size > STATEMENT_BYTES_MAX:
        return b"", None, Check("bad", line(N_("The statement is too large to be read here")), ground_id=SIGN)
    try:
        pdf = node.blobs.read(filing.statement_sha256)
        found = read_pdf_signatures(pdf)
    except Refused as error:
        return b"", None, Check("bad", line(N_("The signature of the statement cannot be read")), (_said(error),), ground_id=SIGN)
    except CourtError as error:  # our own disk: no reason to refuse anybody's filing
        return b"", None, Check("bad", line(N_("The statement's file here is damaged")), (_said(error),))
    named = next((one for one in found if one.cms == page.form.signature), None)
    if named is None:
        return pdf, None, Check("bad", line(N_("The statement bears another signature than the entry, or none")), ground_id=SIGN)
    return pdf, named, None


def _signature(page: Sheet, signature: PdfSignature | None) -> Check:
    if signature is None:
        raise ValueError("a statement without a signature has its own check")
    filing, certificate = page.filing, signature.certificate
    who = _holder(certificate)
    if not signature.holds or signature.byte_range_digest != page.form.signed:
        return Check("bad", line(N_("The statement was changed after it was signed")), (who,), ground_id=SIGN)
    if certificate.sha256 == filing.certificate and filing.witnessed:
        sentence = line(N_("The statement was signed by a witness: the person has no key"))
        return Check(
            "warn", sentence, (who, line(N_("%(algorithm)s; the signature covers the whole file."), algorithm=certificate.algorithm))
        )
    if certificate.sha256 != filing.certificate or (certificate.iin, certificate.bin) != (filing.filer_iin, filing.filer_bin):
        return Check("bad", line(N_("The statement was signed by somebody else than the filer")), (who,), ground_id="reg-who")
    grounds = (who, line(N_("%(algorithm)s; the signature covers the whole file."), algorithm=certificate.algorithm))
    return Check("ok", line(N_("The signature is valid")), grounds)


def _holder(certificate: Certificate) -> Line:
    if certificate.bin:
        return line(
            N_("%(organisation)s, BIN %(bin_number)s; signed by %(name)s."),
            organisation=certificate.organisation,
            bin_number=certificate.bin,
            name=certificate.full_name,
        )
    return line(N_("%(name)s, IIN %(iin_number)s."), name=certificate.full_name, iin_number=certificate.iin)


def _certificate_in_entry(page: Sheet) -> Certificate | None:
    try:
        return read_certificate(signer_of(page.form.signature)[0].der)
    except Refused:
        return None


# -- the files


def _files(node: Node, page: Sheet, pdf: bytes) -> Check:
    """Signature → page → hash → file: each file here is hashed again, and the signed page is read for its numbers."""
    here = [file for file in page.files if node.blobs.has(file.sha256)]
    damaged = [file for file in here if not _reads(node, file.sha256)]
    waiting = len(page.files) - len(here)
    if damaged:
        titles = ", ".join(file.title for file in damaged)
        return Check("bad", line(N_("A file here is damaged")), (line(N_("Call the administrator: %(titles)s."), titles=titles),))
    said = _hashes_said(pdf)
    if said is not None and not {file.sha256 for file in page.files} <= said:
        return Check("bad", line(N_("The signed page names other files than those sent")))
    if waiting:
        counts = line(
            N_("Here and unchanged: %(here)d of %(count)d. The others come with the next exchange."), here=len(here), count=len(page.files)
        )
        return Check("warn", line(N_("Files are on the way")), (counts,))
    if said is None:
        ground = line(N_("SHA-256 of %(count)d files agrees with the entry; compare the page by eye."), count=len(here))
        return Check("warn", line(N_("The list of files on the page could not be read by the machine")), (ground,))
    ground = line(N_("SHA-256 of %(count)d files agrees with the signed page."), count=len(here))
    return Check("ok", line(N_("Nothing was changed after signing")), (ground,))


def _reads(node: Node, sha256: bytes) -> bool:
    try:
        node.blobs.read(sha256)
    except CourtError:
        return False
    return True


def _hashes_said(pdf: bytes) -> frozenset[bytes] | None:
    try:
        return hashes_named(pdf) if pdf else None
    except Refused:
        return None


# -- the certificate


def _certificate(node: Node, page: Sheet, certificate: Certificate) -> Iterator[Check]:
    filing = page.filing
    node.trust.refresh()
    try:
        verdict = node.trust.check(certificate, at_ms=filing.submitted_ms, now_ms=node.clock.now())
    except Refused as error:
        grounds = [_said(error)]
        if "since" in error.params:
            grounds.append(
                line(N_("Revoked since %(since_ms)s, filed %(filed_ms)s."), since_ms=error.params["since"], filed_ms=filing.submitted_ms)
            )
        yield Check("bad", line(N_("The certificate did not hold on the day of filing")), tuple(grounds), ground_id=SIGN)
        return
    issuer = verdict.chain[1].subject if len(verdict.chain) > 1 else certificate.issuer
    until = line(N_("In force until %(until_ms)s; the chain to the root is whole."), until_ms=certificate.not_after_ms)
    yield Check("ok", line(N_("The certificate was issued by %(issuer)s"), issuer=issuer), (until,))
    yield _revocation(node, page, verdict)


def _right(node: Node, filing: Filing) -> Iterator[Check]:
    """A set of rules that looked at no role was named: whether a later one was in force by then, the provable interval says."""
    found = unasked(node.database, filing)
    if found is None:
        return
    fact = line(N_("The signer has no right to sign for the organisation, and the set of rules %(pack)s did not ask"), pack=found.pack)
    since, until = found.asked_from_ms, interval(node, filing).before_ms
    if since is None or (until is not None and until < since):
        yield Check("warn", fact, (line(N_("It was in force then: the filing stands as it was judged.")),))
        return
    asks = line(N_("Since %(since_ms)s the rules ask for that right."), since_ms=since)
    alone = line(N_("That it was filed before rests on the clock of the machine alone: nothing else proves it."))
    yield Check("bad", fact, (asks, alone), ground_id=SIGN)


def _revocation(node: Node, page: Sheet, verdict: Verdict) -> Check:
    filing = page.filing
    asked = next((event for event in reversed(page.events) if event.params.get("subject") == "revocation"), None)
    later = verdict.revoked_later_ms if verdict.revoked_later_ms is not None else filing.revoked_ms
    if filing.revocation == "revoked":
        return Check(
            "bad", line(N_("The centre found the certificate revoked")), (*_since(filing.revoked_ms), *_asked(asked)), ground_id=SIGN
        )
    if later is not None:
        return _revoked_later(node, filing, later, asked)
    if filing.revocation == "good":
        return Check("ok", line(N_("Not revoked: the centre has asked")), _asked(asked))
    if verdict.crl_this_update_ms is None:
        again = line(N_("There is no revocation list here. It will be checked again by itself when the line is back."))
        return Check("warn", line(N_("Revocation could not be checked")), (again,))
    as_of = line(N_("Not revoked by the list as of %(list_ms)s"), list_ms=verdict.crl_this_update_ms)
    if verdict.stale:
        return Check("warn", as_of, (line(N_("The list is past its term. It will be checked again by itself when the line is back.")),))
    if verdict.crl_this_update_ms < filing.submitted_ms:
        return Check("ok", as_of, (line(N_("The list is older than the signature; a newer one is looked at when it comes.")),))
    return Check("ok", as_of, (line(N_("The list is newer than the signature.")),))


def _revoked_later(node: Node, filing: Filing, since_ms: int, asked: Any) -> Check:
    """Say whether the signature provably came first: by the end of the interval in which it must have been made."""
    until = interval(node, filing).before_ms
    fact = line(N_("The certificate was revoked later, since %(since_ms)s: at the time of signing it was in force"), since_ms=since_ms)
    if until is not None and until < since_ms:
        return Check("ok", fact, (line(N_("Proved: signed before %(until_ms)s."), until_ms=until), *_asked(asked)))
    ground = line(N_("That the signature came first rests on the clock of the machine alone: nothing else proves it."))
    return Check("warn", fact, (ground, *_asked(asked)))


def _since(since_ms: int | None) -> tuple[Line, ...]:
    return () if since_ms is None else (line(N_("Revoked since %(since_ms)s."), since_ms=since_ms),)


def _asked(event: Any) -> tuple[Line, ...]:
    if event is None:
        return ()
    return (line(N_("As of %(asked_ms)s, source: %(source)s."), asked_ms=event.params["as_of_ms"], source=event.params["source"]),)


def _cosigner(node: Node, filing: Filing, signed: Cosigned) -> Check:
    """A party who signed beside the filer: the fold has held the signature against the page, here the key is looked at."""
    who = line(N_("%(name)s signed too"), name=signed.name)
    certificate = read_certificate(signer_of(signed.signature)[0].der)
    try:
        verdict = node.trust.check(certificate, at_ms=filing.submitted_ms, now_ms=node.clock.now())
    except Refused as error:
        return Check("bad", who, (_said(error),), ground_id=SIGN)
    if signed.revocation == "revoked":
        found = line(N_("The centre found the certificate revoked"))
        return Check("bad", who, (found, *_since(signed.revoked_ms)), ground_id=SIGN)
    later = verdict.revoked_later_ms if verdict.revoked_later_ms is not None else signed.revoked_ms
    if later is not None:
        sentence = N_("The certificate was revoked later, since %(since_ms)s: at the time of signing it was in force")
        return Check("warn", who, (line(sentence, since_ms=later),))
    if verdict.crl_this_update_ms is None:
        return Check(
            "warn", who, (line(N_("There is no revocation list here. It will be checked again by itself when the line is back.")),)
        )
    as_of = line(N_("Not revoked by the list as of %(list_ms)s"), list_ms=verdict.crl_this_update_ms)
    return Check("warn" if verdict.stale and signed.revocation != "good" else "ok", who, (as_of,))


# -- money


def _duty(page: Sheet) -> Check:
    filing = page.filing
    sums = line(N_("Duty %(duty_tiyn)s, claim amount %(claim_tiyn)s."), duty_tiyn=filing.duty_tiyn, claim_tiyn=filing.claim_tiyn)
    asked = next((event for event in reversed(page.events) if event.params.get("subject") == "payment"), None)
    if filing.payment == "paid":
        return Check("ok", line(N_("The duty is paid")), (sums, *_asked(asked)))
    if filing.payment == "unpaid":
        return Check("bad", line(N_("The duty is not paid")), (sums, *_asked(asked)), ground_id="reg-duty")
    if filing.duty_way == "exempt":
        return Check("ok", line(N_("No duty: exempt")), (line(N_("Ground named: %(exemption)s."), exemption=filing.exemption),))
    if filing.duty_way == "receipt":
        return Check("warn", line(N_("The payment is not confirmed yet")), (line(N_("A copy of the receipt is attached.")), sums))
    return Check("warn", line(N_("Payment is pending")), (sums,))


# -- clocks, register, machine


def _clocks(node: Node, filing: Filing) -> Check:
    """The claimed time beside the provable interval (`moments`)."""
    proved = interval(node, filing)
    fact = line(N_("Taken %(taken_ms)s by the clock of the machine"), taken_ms=filing.submitted_ms)
    return Check("ok" if proved.sound and not proved.outside else "warn", fact, proved.lines)


def _register(node: Node, filing: Filing) -> Check:
    index = ladder_of(node.database, filing.leaf).log_index
    if index is None:
        return Check(
            "warn", line(N_("Not in the central register yet")), (line(N_("It goes there with the next exchange; you may decide now.")),)
        )
    return Check("ok", line(N_("In the central register")), (line(N_("Place %(index)d."), index=index),))


def _machine(node: Node, filing: Filing) -> Iterator[Check]:
    at = standing.of(node, filing)
    if at == "admitted" and (act := standing.admission(node, filing)) is not None:
        ground = line(N_("Admitted on %(admitted_ms)s: %(reason)s"), admitted_ms=act.time_ms, reason=act.reason)
        yield Check("ok", line(N_("It was evidence first, and an administrator of the centre has admitted it")), (ground,))
    elif at == "after":
        fact = line(N_("Taken by machine %(number)d, which is revoked"), number=filing.node)
        ground = line(N_("Its certificate was revoked before this entry: evidence, not a filing, until a person admits it."))
        yield Check("bad", fact, (ground, line(standing.WAITS)))
    elif directory.revocation_of(node.database, filing.node) is not None:
        ground = line(N_("This entry was written before that."))
        yield Check("warn", line(N_("Machine %(number)d was revoked later"), number=filing.node), (ground,))


# -- relatives


def _duplicates(page: Sheet) -> Iterator[Check]:
    if page.duplicates:
        ground = line(N_("Same person, court, form and files. Register one of them."))
        ground_id = "reg-dup" if any(each.status == "registered" for each in page.duplicates) else ""
        yield Check("warn", line(N_("The same was filed more than once")), (ground,), page.duplicates, ground_id)


def _supplement(page: Sheet) -> Iterator[Check]:
    if page.filing.answers_to is None:
        return
    ground = line(N_("The date of filing is that of the first one: %(first_ms)s."), first_ms=page.filed_ms)
    links = (page.answers,) if page.answers else ()
    yield Check("ok", line(N_("It answers a filing refused before")), (ground,), links)


def _said(error: CourtError) -> Line:
    return Line(error.sentence, error.params)
