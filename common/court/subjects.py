"""All subjects of this house, in order of dependence: whom others ask about comes first."""

from types import MappingProxyType
from typing import Final

from common.court import accounts, admissions, cases, crls, erasures, filings, hearings, materials, reference, staff
from common.errors import N_, Refused
from common.facts import Subject

SUBJECTS: Final[tuple[Subject, ...]] = (reference, crls, staff, admissions, accounts, filings, cases, hearings, materials, erasures)

_BY_TYPE: Final = MappingProxyType({name: subject for subject in SUBJECTS for name in subject.TYPES})


def subject_of(type: str) -> Subject:
    """Return the subject of an entry type; raises Refused("entry.type") for one that no subject here knows."""
    try:
        return _BY_TYPE[type]
    except KeyError:
        raise Refused("entry.type", N_("This machine does not know this kind of entry yet.")) from None
