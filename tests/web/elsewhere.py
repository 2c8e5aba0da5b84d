"""What the page's script does with NCALayer, without a browser: asks what to sign, signs it there, sends the form.

answer = sign_elsewhere(browser, f"{base}/review", AIGUL, {"shown": shown})      # 303, or the page with what is wrong
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.test import TestResponse

from common.pki import cms
from common.pki.keystore import Key
from tests.court import START_MS
from tests.web.pages import Browser, Person

Sign = Callable[[bytes, Key], bytes]
SCRIPT = {"Accept": "application/json, text/html;q=0.5"}
WHERE = {"key_where": "ncalayer"}


def armoured(content: bytes, key: Key) -> bytes:
    """Sign as NCALayer does: detached, with its own time inside, in the armour it puts around."""
    signature = base64.encodebytes(cms.sign_detached(content, key, at_ms=START_MS))
    return b"-----BEGIN CMS-----\n" + signature + b"-----END CMS-----\n"


def ask(browser: Browser, path: str, data: Mapping[str, Any] | None = None, *, page: str = "", signature: str = "") -> TestResponse:
    """Ask what is to be signed; ``page`` is where the form stands when not at ``path``."""
    fields = {"csrf_token": browser.token(page or path), **(data or {}), **WHERE, "ask": "1", "signature": signature}
    return browser.client.post(path, data=fields, headers=SCRIPT)


def answer_with(
    browser: Browser, path: str, signature: bytes | str, data: Mapping[str, Any] | None = None, *, page: str = ""
) -> TestResponse:
    """Send the form with a signature."""
    text = signature if isinstance(signature, str) else signature.decode()
    fields = {"csrf_token": browser.token(page or path), **(data or {}), **WHERE, "signature": text}
    return browser.client.post(path, data=fields)


def sign_elsewhere(
    browser: Browser, path: str, who: Person, data: Mapping[str, Any] | None = None, *, page: str = "", sign: Sign = armoured
) -> TestResponse:
    """Ask, sign, and send; where the page asks twice, so does this."""
    asked = ask(browser, path, data, page=page)
    while True:
        assert asked.is_json, asked.text
        job = asked.get_json()
        signature = sign(base64.b64decode(job["content"]), who.key)
        if not job["again"]:
            return answer_with(browser, path, signature, data, page=page)
        asked = ask(browser, path, data, page=page, signature=signature.decode())
