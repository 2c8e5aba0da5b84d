"""Serving ends because somebody said so, or it is an error that stands in the log."""

import signal

import pytest
from flask import Flask

from common import serving
from common.errors import Corrupt


class Ended:
    """A server of waitress that has nothing to listen to any more: its loop simply returns."""

    def run(self) -> None: ...

    def close(self) -> None: ...


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
