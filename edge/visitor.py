"""Somebody signed in, as use cases and pages both know them; who may do what is `edge.web.access`'s to say."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody signed in. ``person`` is the BIN of an organisation, else the IIN; ``certificate`` the SHA-256 of their
    key's certificate, empty after a password; ``how``: "key" or "password"."""

    person: str
    iin: str
    bin: str
    name: str
    certificate: bytes
    how: str
