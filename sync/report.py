"""What was found about one file: findings in words, each with its weight, readable by people and by machines.

One report for the command line, for JSON and for the pages. Its ``verdict`` is ``valid`` when nothing is wrong, ``invalid``
when anything is, and ``unknown`` when nothing is wrong but something that had to be checked could not be; the finding says what.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

from common.errors import N_, CourtError
from common.papers.words import iin_masked
from common.pki.algorithms import DIGEST_TITLES
from common.pki.profile import ROLE_WORDS

Level = Literal["ok", "warn", "unknown", "bad"]
Verdict = Literal["valid", "invalid", "unknown"]
Revocation = Literal["good", "revoked", "unknown"]
KnownBy = Literal["list", "answer", "maker", ""]
"""Who says whether a certificate is revoked: a list, the certification centre's answer about it, the maker of a container, nobody."""
SECOND_MS = 1000
UNKNOWN_CODES = frozenset(f"verify.{name}" for name in ("leaf", "large", "pin", "trust", "crl", "moment")) | {
    "node.unknown",
    "cms.detached",
    "cms.certificate",
    "pki.digest_slow",
    "tsp.detached",
}
"""Refusals that only say that here is not what is needed to judge."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. ``sentence`` is a message id, ``code`` names a refusal for machines."""

    level: Level
    sentence: str
    params: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    code: str = ""

    def values(self, moment: Callable[[int], str]) -> dict[str, object]:
        """Return the parameters ready for the sentence; ``moment`` writes ms UTC as the reader's language does."""
        return {name: moment(value) if name.endswith("_ms") and isinstance(value, int) else value for name, value in self.params.items()}

    @property
    def text(self) -> str:
        """English text for terminals and JSON, moments in ISO 8601."""
        return self.sentence % self.values(iso_time) if self.params else self.sentence


def iso_time(ms: int) -> str:
    """Return ms UTC as ISO 8601, to the second."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """One person's signature as it was found. Times are ms UTC, None where there is none; texts as in the certificate."""

    name: str
    number: str
    """BIN of an organisation, else IIN."""
    organisation: str = ""
    role: str = ""
    """What the certificate says of the holder's role, a key of `common.pki.profile.ROLE_WORDS`."""
    algorithm: str
    digest: str = ""
    """What was signed is this digest of it: a key of `DIGEST_TITLES`."""
    level: str = ""
    """The form of the signature: "CAdES-B", "PAdES-T", "XMLDSig" …"""
    serial: str
    not_before_ms: int
    not_after_ms: int
    claimed_ms: int | None
    """What the signer says of the time: nothing else stands behind it."""
    stamped_ms: int | None = None
    """What a time stamp inside says, verified."""
    after_ms: int | None = None
    before_ms: int | None = None
    """The interval of the register: signed before ``before_ms``, taken in after ``after_ms``."""
    chain: tuple[str, ...] = ()
    """Names from the issuer up to the trusted root; empty where there is no such chain."""
    checked_ms: int | None = None
    """When it was held against what is known of it."""
    revocation: Revocation = "unknown"
    revocation_by: KnownBy = ""
    revoked_since_ms: int | None = None
    revoked_later_ms: int | None = None
    """Since when it is revoked, after the moment it was judged by: the signature stands."""
    list_ms: int | None = None
    list_until_ms: int | None = None
    """Of the revocation list (or answer) it was held against: of when it is, and until when it was good."""
    list_stale: bool = False
    """Whether that list was past its term already."""
    witnessed_for: str = ""
    """For whom, who has no key, the signer signs as a witness, by what the statement itself says; empty: for themselves."""
    scope: tuple[Finding, ...] = ()
    """What exactly is covered (``ok``), and what is not (``warn``)."""

    def rows(self, *, masked: bool) -> list[tuple[str, list[Finding]]]:
        """Return (label, what it says) for people, both message ids; ``masked`` leaves the first digits of numbers out."""
        number = iin_masked(self.number) if masked else self.number
        who = Finding("ok", "%(who)s", {"who": ", ".join(filter(None, (self.name, number)))})
        organisation = [Finding("ok", "%(organisation)s", {"organisation": self.organisation})] if self.organisation else []
        organisation += [Finding("ok", ROLE_WORDS[self.role])] if self.organisation and self.role else []
        sentence = N_("as a witness for %(person)s, who has no key")
        witness = [Finding("warn", sentence, {"person": self.witnessed_for})] if self.witnessed_for else []
        algorithm = (self.algorithm, DIGEST_TITLES.get(self.digest, ""), self.level)
        certificate = {"serial": self.serial, "from_ms": self.not_before_ms, "until_ms": self.not_after_ms}
        chain = Finding("ok", "%(chain)s", {"chain": " ← ".join(self.chain)}) if self.chain else Finding("warn", N_("unknown here"))
        return [
            (N_("Who"), [who, *organisation, *witness]),
            (N_("When"), self._when()),
            (N_("Algorithm"), [Finding("ok", "%(algorithm)s", {"algorithm": ", ".join(filter(None, algorithm))})]),
            (N_("Certificate"), [Finding("ok", N_("%(serial)s, in force from %(from_ms)s to %(until_ms)s"), certificate)]),
            (N_("Issued by"), [chain]),
            (N_("Revocation"), [self._revocation()]),
            (N_("What is covered"), list(self.scope)),
        ]

    def _when(self) -> list[Finding]:
        said = []
        if self.stamped_ms is not None:
            said.append(Finding("ok", N_("time stamp: %(stamped_ms)s"), {"stamped_ms": self.stamped_ms}))
        if self.before_ms is not None:
            said.append(Finding("ok", N_("in the register not later than %(before_ms)s"), {"before_ms": self.before_ms}))
        if self.after_ms is not None:
            said.append(Finding("ok", N_("taken in not earlier than %(after_ms)s"), {"after_ms": self.after_ms}))
        if self.claimed_ms is not None:
            said.append(Finding("ok", N_("the signer says: %(claimed_ms)s"), {"claimed_ms": self.claimed_ms}))
        return said or [Finding("warn", N_("no time is given"))]

    def _revocation(self) -> Finding:
        params = {"list_ms": self.list_ms, "until_ms": self.list_until_ms, "since_ms": self.revoked_since_ms}
        if self.revocation == "revoked":
            known = self.revoked_since_ms is not None
            return Finding("bad", N_("revoked or put on hold at %(since_ms)s") if known else N_("revoked, or put on hold"), params)
        if self.revoked_later_ms is not None:
            return Finding(
                "warn", N_("revoked later, at %(since_ms)s, and good at the moment it was judged by"), {"since_ms": self.revoked_later_ms}
            )
        if self.list_ms is None:
            return Finding("warn", N_("not known: there is no list of its issuer here"))
        if self.revocation == "unknown":
            return Finding("warn", N_("not looked up: the certificate is not to be relied on for another reason"))
        if self.revocation_by == "answer":
            return Finding("ok", N_("not revoked by the certification centre's answer of %(list_ms)s"), params)
        if self.revocation_by == "maker":
            return Finding("warn", N_("not on the list of %(list_ms)s, as the machine says that made the container"), params)
        sentence = N_("not on the list of %(list_ms)s, which was good until %(until_ms)s")
        return Finding("warn" if self.list_stale else "ok", sentence, params)

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON takes it, moments in ISO 8601."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "scope"}
        said = {
            name.removesuffix("_ms"): iso_time(value) if name.endswith("_ms") and value is not None else value
            for name, value in plain.items()
        }
        age = (self.checked_ms - self.list_ms) // SECOND_MS if self.checked_ms is not None and self.list_ms is not None else None
        covers, rest = ([each.text for each in self.scope if (each.level == "ok") == wanted] for wanted in (True, False))
        return said | {"chain": list(self.chain), "list_age_seconds": age, "covers": covers, "not_covered": rest}


@dataclass(slots=True)
class Report:
    """What was found about one file. ``facts`` are plain values: talon, node, leaf, statement, at_ms, index, size, name …"""

    kind: str
    title: str = ""
    """Of a part of a container: what it is to people, a message id."""
    findings: list[Finding] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)
    signatures: list[Signed] = field(default_factory=list)
    parts: list["Report"] = field(default_factory=list)
    """Of a container: what was found about each thing in it."""
    leaves: tuple[bytes, ...] = ()
    """Of a bundle whose entries are held here too: their leaves, in order."""

    @property
    def verdict(self) -> Verdict:
        """What it all comes to, parts included."""
        levels = {finding.level for each in (self, *self.parts) for finding in each.findings}
        if "bad" in levels or not levels:
            return "invalid"
        return "unknown" if "unknown" in levels else "valid"

    @property
    def valid(self) -> bool:
        """Whether everything that had to be checked was, and holds."""
        return self.verdict == "valid"

    def ok(self, sentence: str, **params: object) -> None:
        """Add something that holds."""
        self.findings.append(Finding("ok", sentence, params))

    def warn(self, sentence: str, **params: object) -> None:
        """Add something that is not known, or is to be looked at."""
        self.findings.append(Finding("warn", sentence, params))

    def bad(self, sentence: str, code: str = "", **params: object) -> None:
        """Add something that is wrong, or (by its code) something without which nobody can tell."""
        self.findings.append(Finding("unknown" if code in UNKNOWN_CODES else "bad", sentence, params, code))

    def refused(self, error: CourtError) -> None:
        """Add a refusal, in its own words."""
        self.bad(error.sentence, error.code, **error.params)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON takes it, sentences in English."""
        findings = [{"level": each.level, "code": each.code, "text": each.text} for each in self.findings]
        facts = {name: value.hex() if isinstance(value, bytes) else value for name, value in self.facts.items()}
        signatures = [each.as_json() for each in self.signatures]
        found = {"kind": self.kind, "valid": self.valid, "verdict": self.verdict, "facts": facts, "findings": findings}
        found |= {"title": self.title} if self.title else {}
        return found | {"signatures": signatures, "parts": [each.as_json() for each in self.parts]}
