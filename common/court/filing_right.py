"""Whether a filing stands on a set of rules that did not ask who may sign for an organisation (`common.court.signing`).

The fold judges an entry by what its author had heard of; a machine that claims to have heard of nothing is believed there, for
an honest one may have been off the line. This is for the people who look afterwards: clerk and administrator.
"""

from dataclasses import dataclass

from common.court import filing_lists, reference
from common.court.filing_lists import Filing
from common.court.signing import PACKS_BEFORE_RIGHT, may_sign_for_organisation
from common.db import Database
from common.pki.certificates import read_certificate
from common.pki.cms import signer

ALL = 1 << 62


@dataclass(frozen=True, slots=True)
class Unasked:
    """The set of rules that was named, and since when the next one asks for the right to sign (ms UTC, None: none is known)."""

    pack: str
    asked_from_ms: int | None


def unasked(database: Database, filing: Filing) -> Unasked | None:
    """Return what to say of a filing whose signer does not bind the organisation; None for every other. Raises Refused for a broken CMS."""
    form = filing_lists.form(database, filing.obj)
    if not filing.filer_bin or form is None or form.rule_pack not in PACKS_BEFORE_RIGHT:
        return None
    if may_sign_for_organisation(read_certificate(signer(form.signature)[0].der).roles):
        return None
    packs = reference.rule_packs(database, before=ALL)
    later = [pack.from_ms for pack in packs if pack.version not in PACKS_BEFORE_RIGHT]
    return Unasked(form.rule_pack, min(later, default=None))
