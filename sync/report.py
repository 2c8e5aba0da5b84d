"""What was found about one file: findings in words, each with its weight, readable by people and by machines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

from common.errors import CourtError

Level = Literal["ok", "warn", "bad"]
Kind = Literal["receipt", "complete", "certificate", "talon", "statement", "pdf", "bundle", "proof", "checkpoint", "file"]


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
        return self.sentence % self.values(_iso) if self.params else self.sentence


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class Report:
    """What was found about one file. ``facts`` are plain values: talon, node, leaf, statement, at_ms, index, size, name …"""

    kind: Kind
    findings: list[Finding] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong with it."""
        return all(finding.level != "bad" for finding in self.findings)

    def ok(self, sentence: str, **params: object) -> None:
        """Add something that holds."""
        self.findings.append(Finding("ok", sentence, params))

    def warn(self, sentence: str, **params: object) -> None:
        """Add something that is not known, or is to be looked at."""
        self.findings.append(Finding("warn", sentence, params))

    def bad(self, sentence: str, code: str = "", **params: object) -> None:
        """Add something that is wrong."""
        self.findings.append(Finding("bad", sentence, params, code))

    def refused(self, error: CourtError) -> None:
        """Add a refusal, in its own words."""
        self.findings.append(Finding("bad", error.sentence, error.params, error.code))

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON takes it, sentences in English."""
        findings = [{"level": each.level, "code": each.code, "text": each.text} for each in self.findings]
        facts = {name: value.hex() if isinstance(value, bytes) else value for name, value in self.facts.items()}
        return {"kind": self.kind, "valid": self.valid, "facts": facts, "findings": findings}
