"""Somebody signed in, as use cases and pages both know them; who may do what is `edge.web.access`'s to say."""

from dataclasses import dataclass

from common.court.filing_entries import Witness


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody signed in. ``person`` is the BIN of an organisation, else the IIN; ``certificate`` the SHA-256 of their
    key's certificate, empty after a password; ``how``: "key", "password" or "witness"."""

    person: str
    iin: str
    bin: str
    name: str
    certificate: bytes
    how: str
    witness: Witness | None = None
    """For a person without a key (``how`` "witness"): whose ``certificate`` it is, and the document that was shown."""
