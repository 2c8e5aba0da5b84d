"""The page that checks a talon with no server and no network: one file for a USB stick, with the register's key built in.

It is downloaded from a machine (never shown inside the application, whose policy of content allows no inline script) and
opened from disk. Its own policy, a hash for its one script and its one style, lets it load and send nothing at all.

    page = offline_page(Pinned(environment=pin.environment, registry=pin.registry, certificates={…}, …))
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask_babel import force_locale, gettext

from common.errors import N_
from common.web.languages import LANGUAGES, OWN_NAMES, current_language

FOLDER = Path(__file__).parent / "offline_page"
FILE_NAME = "talon-check.html"
MEDIA_TYPE = "text/html; charset=utf-8"
WORDS = {
    "title": N_("Checking a talon without a network"),
    "about": N_("This page works from a file, also with no line. It loads nothing and sends nothing."),
    "code": N_("Code of the talon"),
    "code_help": N_("The text of the square code, scanned or pasted. It begins with SOT1."),
    "file": N_("Or the talon as a file"),
    "file_help": N_("The talon's PDF; where the browser can read codes, also a photograph of it."),
    "statement": N_("The signed statement, if you have it"),
    "statement_help": N_("The page then says whether it is the one that the talon was given for."),
    "check": N_("Check"),
    "genuine": N_("The talon is genuine"),
    "not_genuine": N_("This cannot be relied on"),
    "cannot_tell": N_("Here nobody can tell"),
    "broken": N_("The code was not read whole, or it was changed. Scan it again."),
    "tampered": N_("The signature does not fit: the talon was changed, or another machine made it."),
    "foreign": N_("The register whose key is in this page did not certify the machine that signed this."),
    "stranger": N_(
        "The machine that signed this is not in this page. Take a newer page, or choose the talon's PDF: it brings the certificate."
    ),
    "other": N_("This is not a talon. Scan the square code at the top of the talon, or choose its PDF."),
    "nothing": N_("Scan the code, or choose a file."),
    "large": N_("This file is larger than any paper of the court."),
    "picture": N_("This browser cannot read codes from pictures. Scan the code with a scanner, or choose the talon's PDF."),
    "no_code": N_("No code of a talon was found in the picture."),
    "browser": N_(
        "This browser cannot check such signatures (Ed25519). Open the page in a newer one: Chromium 137, Firefox 129, Safari 17."
    ),
    "talon": N_("Talon number"),
    "machine": N_("Machine that took the papers"),
    "taken": N_("Received, by the machine's clock"),
    "hash": N_("SHA-256 of the signed statement"),
    "same": N_("The statement is the one that the talon was given for."),
    "not_same": N_("The talon is genuine, but the statement beside it is another file, or was changed."),
    "witness": N_("The receipt says: a witness of the court's staff signed, for a person without a key."),
    "excluded": N_("The machine that gave the receipt was excluded later. The central register says whether it was given before."),
    "limits": N_(
        "A genuine talon proves that the machine took the papers. Whether they are registered, the court and the central register say."
    ),
    "trust": N_("Whom this page trusts"),
    "trust_text": N_("The register's key, by its fingerprint. Compare it with the one that a court shows or that was published."),
    "made": N_("Page made:"),
    "machines": N_("Certificates of machines in it:"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What is built in: the environment's id, the registry's Ed25519 key, machines' certificates by key id, and who was excluded."""

    environment: bytes
    registry: bytes
    certificates: Mapping[bytes, bytes]
    excluded: tuple[int, ...]
    made_ms: int


def fingerprint(registry: bytes) -> str:
    """Return the SHA-256 of the registry's key, in hex."""
    return hashlib.sha256(registry).hexdigest()


def offline_page(pinned: Pinned) -> bytes:
    """Return the page; needs an application context, for the catalogues."""
    script, style = ((FOLDER / f"page.{ending}").read_text("utf-8") for ending in ("js", "css"))
    policy = f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    facts = {
        "environment": pinned.environment.hex(),
        "registry": pinned.registry.hex(),
        "fingerprint": fingerprint(pinned.registry),
        "certificates": {key_id.hex(): base64.b64encode(data).decode() for key_id, data in sorted(pinned.certificates.items())},
        "excluded": sorted(pinned.excluded),
        "made": pinned.made_ms,
        "language": current_language(),
        "languages": {lang: OWN_NAMES[lang][0] for lang in LANGUAGES},
        "words": {lang: _words(lang) for lang in LANGUAGES},
    }
    # nothing in the data ends the element that holds it (HTML, 4.12.1.3)
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    page = (FOLDER / "page.html").read_text("utf-8")
    for name, value in (("policy", policy), ("style", style), ("facts", text), ("script", script)):
        page = page.replace(f"{{{name}}}", value, 1)
    return page.encode()


def _words(lang: str) -> dict[str, str]:
    with force_locale(lang):
        return {name: str(gettext(sentence)) for name, sentence in WORDS.items()}


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
