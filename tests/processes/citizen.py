"""A citizen at a machine's pages, over real HTTP: cookies, tokens, forms, a key file."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests

from common.clock import SystemClock
from common.pki.authority import DAY_MS, Authority
from common.pki.keystore import Key, write_p12
from tests.processes.machines import browser

KEY_PASSWORD = "Qwerty12"
IIN = "850312400127"
"""Of the plaintiff whom `tests.web.filing_world.fill` types in."""
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
ANSWER_SECONDS = 60


@dataclass(frozen=True)
class Holder:
    """A certification centre of our own and one person's key, in force now."""

    authority: Authority
    key: Key

    @classmethod
    def create(cls, algorithm: str = "rsa2048") -> "Holder":
        now = SystemClock().now()
        authority = Authority.create(algorithm, "СЫНАҚ", at_ms=now - 2 * DAY_MS)
        return cls(authority, authority.issue_person("СӘРСЕНОВА", "АЙГҮЛ", "МАРАТҚЫЗЫ", IIN, not_before_ms=now - DAY_MS))

    @property
    def certificates(self) -> list[bytes]:
        return [*self.authority.anchors(), *self.authority.authorities()]

    @cached_property
    def p12(self) -> bytes:
        return write_p12(self.key, KEY_PASSWORD)


class Citizen:
    """One visitor; answers are not followed, so that a test sees where they lead."""

    def __init__(self, url: str, holder: Holder) -> None:
        self._url = url
        self._holder = holder
        self._session = browser()
        self._token = ""

    def get(self, path: str) -> requests.Response:
        return self._session.get(self._url + path, allow_redirects=False, timeout=ANSWER_SECONDS)

    def post(self, path: str, data: Mapping[str, Any] | None = None, *, key: bool = False) -> requests.Response:
        """Send the form of ``path`` with the session's token; pairs (file, name) are uploaded, ``key`` adds the key file."""
        self._token = self._token or self.token(path)
        fields = {"csrf_token": self._token, **(data or {})}
        if key:
            fields |= {"key_where": "file", "key_file": (io.BytesIO(self._holder.p12), "GOST512.p12"), "key_password": KEY_PASSWORD}
        plain = {name: value for name, value in fields.items() if not isinstance(value, tuple)}
        files = {name: (value[1], value[0]) for name, value in fields.items() if isinstance(value, tuple)}
        return self._session.post(self._url + path, data=plain, files=files, allow_redirects=False, timeout=ANSWER_SECONDS)

    def token(self, path: str) -> str:
        """Return the token of the form at ``path``."""
        found = TOKEN.search(self.get(path).text)
        assert found, f"{path} has no form"
        return found[1]

    def enter(self) -> None:
        """Sign in by key."""
        answer = self.post("/enter", key=True)
        assert answer.status_code == 303, answer.text
        self._token = ""  # signing in began a new session
