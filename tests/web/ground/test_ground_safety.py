"""What every answer carries, and what no request may do."""

import contextlib
import re
import threading
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from tiny_app import tiny_app
from waitress.server import create_server
from werkzeug.test import TestResponse

from common import serving
from common.errors import Corrupt

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def token_of(client: FlaskClient, path: str = "/form") -> str:
    found = TOKEN.search(client.get(path).text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("path", ["/", "/form", "/nope", "/broken", "/end", "/static/theme.css"])
def test_every_answer_carries_the_headers(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Strict-Transport-Security" not in answer.headers


def test_pages_are_never_stored(client: FlaskClient) -> None:
    assert client.get("/form").headers["Cache-Control"] == "no-store"


def test_hsts_and_host_cookie_only_behind_tls(tmp_path: Path) -> None:
    app = tiny_app(tmp_path, secure=True, proxy_hops=1)
    answer = app.test_client().get("/form", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.7"})
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-tiny=")
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


def test_static_files_are_kept_by_hash_and_packed(client: FlaskClient) -> None:
    address = re.search(r'href="(/static/theme\.css\?v=[0-9a-f]+)"', client.get("/").text)
    assert address is not None
    kept = client.get(address[1], headers={"Accept-Encoding": "gzip"})
    assert "immutable" in kept.headers["Cache-Control"]
    assert kept.headers["Content-Encoding"] == "gzip"
    again = client.get("/static/theme.css")
    assert again.headers["Cache-Control"] == "no-cache"
    assert client.get("/static/theme.css", headers={"If-None-Match": again.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/nothing.css", "/static/js/idle.js", "/static/%2e%2e/app.py"])
def test_only_known_static_files(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_nothing_of_bootstraps_scripts_is_served(client: FlaskClient) -> None:
    assert client.get("/static/bootstrap.min.css").status_code == 200
    assert client.get("/static/bootstrap.min.js").status_code == 404


def test_a_change_without_token_is_refused(client: FlaskClient) -> None:
    answer = client.post("/sign-in")
    assert answer.status_code == 400
    assert "ашық тұрды" in answer.text


def test_a_change_with_token_goes_through(client: FlaskClient) -> None:
    assert client.post("/sign-in", data={"csrf_token": token_of(client)}).status_code == 303


def test_a_strangers_token_is_refused(app: Flask, client: FlaskClient) -> None:
    foreign = token_of(app.test_client())
    token_of(client)
    assert client.post("/sign-in", data={"csrf_token": foreign}).status_code == 400


def test_another_site_cannot_ask(client: FlaskClient) -> None:
    token = token_of(client)
    answer = client.post("/sign-in", data={"csrf_token": token}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_the_wire_needs_no_token_and_gets_no_cookie(client: FlaskClient) -> None:
    answer = client.post("/wire/hello")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_a_visitor_of_whom_nothing_is_kept_gets_no_cookie(client: FlaskClient) -> None:
    assert "Set-Cookie" not in client.get("/").headers


def send_paper(client: FlaskClient, size: int) -> TestResponse:
    token = token_of(client)
    lines = ["--x", 'Content-Disposition: form-data; name="csrf_token"', "", token, "--x"]
    lines += [
        'Content-Disposition: form-data; name="paper"; filename="a.pdf"',
        "Content-Type: application/pdf",
        "",
        "x" * size,
        "--x--",
        "",
    ]
    body = ("\r\n".join(lines) + "\r\n").encode()
    return client.post("/upload", data=body, content_type="multipart/form-data; boundary=x", headers={"Accept": "application/json"})


def test_bodies_have_a_limit(client: FlaskClient) -> None:
    token = token_of(client)
    assert client.post("/form", data={"csrf_token": token, "claim": "x" * 3_000_000}).status_code == 413


def test_a_body_larger_than_any_page_takes_is_answered_by_a_page_of_ours(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a script too: all of it is sent, none of it is kept, and the answer leads back to the form."""
    started: list[Any] = []

    def create(*given: Any, **settings: Any) -> Any:
        started.append(create_server(*given, **settings))
        return started[0]

    monkeypatch.setattr(serving, "create_server", create)
    monkeypatch.setattr(serving, "BODY_BYTES_MAX", 2 << 20)

    def serve() -> None:
        with contextlib.suppress(Corrupt):  # nobody said stop: the test closes it
            serving.serve(app, "127.0.0.1:0", threads=1, tls_proxy=False, stop=serving.Stop(), say=lambda _: listens.set())

    listens = threading.Event()
    thread = threading.Thread(target=serve)
    thread.start()
    assert listens.wait(10)
    try:
        address = f"http://127.0.0.1:{started[0].effective_port}/attach?lang=ru"
        answer = requests.post(address, data={"a": "x" * (30 << 20)}, headers={"Connection": "close"}, timeout=20)
    finally:
        started[0].close()
        thread.join(10)
    assert answer.status_code == 413
    assert "Слишком большой объём. Выберите файл поменьше" in answer.text
    assert 'href="/attach?lang=ru"' in answer.text


def test_a_view_may_raise_its_limit(client: FlaskClient) -> None:
    assert send_paper(client, 3_000_000).json == {"size": 3_000_000}


def test_an_upload_above_its_own_limit_is_refused(client: FlaskClient) -> None:
    answer = send_paper(client, 5_100_000)
    assert answer.status_code == 413
    assert answer.json is not None
    assert answer.json["code"] == "web.too_large"


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 303),
        ("::1", {}, 303),
        ("10.0.0.7", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "10.0.0.7"}, 403),
        ("10.0.0.7", {"X-Forwarded-Proto": "https"}, 403),
    ],
)
def test_secrets_need_a_private_channel(client: FlaskClient, address: str, headers: dict[str, str], status: int) -> None:
    token = token_of(client)
    answer = client.post("/sign-in", data={"csrf_token": token}, headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status


def test_a_configured_proxy_with_tls_is_private(tmp_path: Path) -> None:
    client = tiny_app(tmp_path, secure=True, proxy_hops=1).test_client()
    https = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.7"}
    found = TOKEN.search(client.get("/form", headers=https, base_url="https://localhost").text)
    assert found is not None
    answer = client.post("/sign-in", data={"csrf_token": found[1]}, headers=https, base_url="https://localhost")
    assert answer.status_code == 303


def test_another_host_name_is_refused(tmp_path: Path) -> None:
    client = tiny_app(tmp_path, hosts=("localhost",)).test_client()
    assert client.get("/").status_code == 200
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        tiny_app(tmp_path, secret=b"short")


def test_a_sent_file_cannot_run(client: FlaskClient) -> None:
    answer = client.get("/paper")
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert "UTF-8''%D2%9A" in answer.headers["Content-Disposition"]
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
