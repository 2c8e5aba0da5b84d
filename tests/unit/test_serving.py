"""Serving ends because somebody said so, or it is an error that stands in the log."""

import errno
import signal

import pytest
from flask import Flask
from waitress.adjustments import Adjustments

from common import serving
from common.errors import Conflict, Corrupt
from common.web import checking
from common.web.limits import accept_bytes, body_limit_of


class Ended:
    """A server of waitress that has nothing to listen to any more: its loop simply returns."""

    def run(self) -> None: ...

    def close(self) -> None: ...


def test_a_large_body_is_taken_at_the_page_that_takes_recordings_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Flask("large")
    app.add_url_rule("/films/<id>/add", "add", accept_bytes(serving.BODY_BYTES_MAX * 8)(lambda id: ""), methods=["GET", "POST"])
    app.add_url_rule("/read", "read", lambda: "")
    monkeypatch.setattr(serving.Parser, "limit_of", staticmethod(body_limit_of(app)))

    def kept(path: str, size: int) -> bool:
        """Whether the bytes of such a body reach the application; where they do not, its length does."""
        parser = serving.Parser(Adjustments(max_request_body_size=serving.BODY_BYTES_MAX + 1))
        parser.received(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
        parser.received(b"x" * 1000)
        assert parser.error is None
        assert parser.headers["CONTENT_LENGTH"] == str(size)
        return len(parser.body_rcv) > 0

    for size in (serving.BODY_BYTES_MAX * 7, serving.BODY_BYTES_MAX * 8):
        assert kept("/films/7/add", size)
    assert not kept("/films/7/add", serving.BODY_BYTES_MAX * 8 + 1)
    for path in ("/films/7", "/read", "/nowhere", "//", "/%00"):
        assert not kept(path, serving.BODY_BYTES_MAX + 1), path
        assert kept(path, serving.BODY_BYTES_MAX), path
    with pytest.raises(AssertionError):
        kept("/read", serving.DISCARDED_BYTES_MAX + 1)


def test_serving_that_ends_by_itself_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "create_server", lambda *given, **settings: Ended())
    with pytest.raises(Corrupt) as raised:
        serving.serve(Flask("quiet"), "127.0.0.1:1", threads=1, tls_proxy=False, stop=serving.Stop())
    assert raised.value.code == "serve.ended"
    serving.serve(Flask("quiet"), "127.0.0.1:1", threads=1, tls_proxy=False, stop=serving.Stop("SIGTERM"))


def test_a_stop_is_heeded_once_and_never_where_it_is_to_be_ignored() -> None:
    kept = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        stop = serving.Stop.heeded()
        signal.raise_signal(signal.SIGHUP)
        assert stop.told == ""
        with pytest.raises(SystemExit):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)  # and what it was about is not cut short
        assert stop.told == "SIGTERM"
    finally:
        for each, handler in kept.items():
            signal.signal(each, handler)


def test_why_nothing_listens_is_said_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def far_away(*given: object, **settings: object) -> None:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr(serving, "create_server", far_away)
    with pytest.raises(Conflict) as raised:
        serving.serve(Flask("far"), "192.0.2.1:8001", threads=1, tls_proxy=True, stop=serving.Stop(), say=said.append)
    assert said == [], "it serves nothing"
    assert raised.value.code == "serve.listen", "no other process is to blame where this machine has no such address"


def test_the_largest_body_of_a_page_is_let_through() -> None:
    assert serving.BODY_BYTES_MAX > checking.UPLOAD_BYTES_MAX
