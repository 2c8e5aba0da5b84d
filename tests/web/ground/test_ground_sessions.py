"""Sessions: what the cookie says (nothing), how long it lasts, and that erasing erases."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from test_ground_safety import token_of
from tiny_app import FixedClock, tiny_app

from common.db import open_database, rows_of
from common.web.sessions import ABSOLUTE_MS, DESK_IDLE_MS, DatabaseSessions, StoredSession, WebSession


def rows(folder: Path) -> list[dict[str, object]]:
    return rows_of(open_database(folder / "sessions.db"), WebSession.select())


def sign_in(client: FlaskClient) -> None:
    assert client.post("/sign-in", data={"csrf_token": token_of(client)}).status_code == 303


def signed_in(client: FlaskClient) -> bool:
    return "/end" in client.get("/help").text and 'method="post" action="/end"' in client.get("/help").text


def test_the_table_knows_neither_cookie_nor_content(client: FlaskClient, tmp_path: Path) -> None:
    sign_in(client)
    cookie = client.get_cookie("tiny")
    assert cookie is not None
    assert len(bytes.fromhex(cookie.value)) == 32
    stored = rows(tmp_path)[0]
    everything = b"".join(bytes(value) for value in stored.values() if isinstance(value, bytes))
    assert bytes.fromhex(cookie.value) not in everything
    assert b"person" not in everything


def test_signing_in_changes_the_id_and_the_token(client: FlaskClient, tmp_path: Path) -> None:
    before_token = token_of(client)
    before = client.get_cookie("tiny")
    assert client.post("/sign-in", data={"csrf_token": before_token}).status_code == 303
    after = client.get_cookie("tiny")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    assert len(rows(tmp_path)) == 1
    assert client.post("/sign-in", data={"csrf_token": before_token}).status_code == 400


def test_the_old_id_opens_nothing_after_signing_in(app: Flask, client: FlaskClient) -> None:
    token_of(client)
    old = client.get_cookie("tiny")
    assert old is not None
    sign_in(client)
    thief = app.test_client()
    thief.set_cookie("tiny", old.value)
    assert not signed_in(thief)


@pytest.mark.parametrize("value", ["", "zz", "00" * 31, "00" * 32, "ff" * 64])
def test_a_foreign_cookie_is_a_stranger(client: FlaskClient, value: str) -> None:
    client.set_cookie("tiny", value)
    assert client.get("/").status_code == 200
    assert not signed_in(client)


def test_idle_and_absolute_ends(client: FlaskClient, clock: FixedClock) -> None:
    sign_in(client)
    clock.ms += DESK_IDLE_MS - 1
    assert signed_in(client)
    clock.ms += DESK_IDLE_MS + 1
    assert not signed_in(client)
    sign_in(client)
    for _ in range(ABSOLUTE_MS // (DESK_IDLE_MS // 2) + 1):
        clock.ms += DESK_IDLE_MS // 2
        client.get("/help")
    assert not signed_in(client)


def test_a_clock_set_far_back_is_not_believed(client: FlaskClient, clock: FixedClock) -> None:
    sign_in(client)
    clock.ms -= 24 * 3_600_000
    assert not signed_in(client)


def test_a_damaged_row_is_a_stranger(client: FlaskClient, tmp_path: Path) -> None:
    sign_in(client)
    database = open_database(tmp_path / "sessions.db")
    WebSession.update(data=b"x" * 40).execute(database)
    assert not signed_in(client)


def test_reading_writes_nothing_for_a_minute(client: FlaskClient, clock: FixedClock, tmp_path: Path) -> None:
    sign_in(client)
    client.get("/help")
    seen = rows(tmp_path)[0]["seen_ms"]
    clock.ms += 59_000
    client.get("/help")
    assert rows(tmp_path)[0]["seen_ms"] == seen
    clock.ms += 2_000
    client.get("/help")
    assert rows(tmp_path)[0]["seen_ms"] == clock.ms


def test_end_asks_once_then_erases(client: FlaskClient, tmp_path: Path) -> None:
    sign_in(client)
    token = token_of(client)
    asked = client.post("/end", data={"csrf_token": token, "next": "/form"})
    assert asked.status_code == 200
    assert "Аяқтап, бәрін өшіру керек пе?" in asked.text
    assert "4715-2096" in asked.text
    gone = client.post("/end", data={"csrf_token": token, "sure": "1"})
    assert gone.status_code == 303
    assert gone.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "Max-Age=0" in gone.headers["Set-Cookie"]
    assert rows(tmp_path) == []
    assert not signed_in(client)


def test_end_with_nothing_to_lose_erases_at_once(client: FlaskClient) -> None:
    assert client.get("/end").status_code == 303


def test_the_idle_end_needs_its_own_token(client: FlaskClient, tmp_path: Path) -> None:
    sign_in(client)
    assert client.get("/idle/end/" + "0" * 32).status_code == 404
    assert signed_in(client)
    page = client.get("/idle?next=/form").text
    address = page.split("20;url=")[1].split('"')[0]
    assert client.get(address).status_code == 303
    assert rows(tmp_path) == []


def test_erased_is_called_before_the_session_goes(tmp_path: Path) -> None:
    called: list[str] = []
    app = tiny_app(tmp_path, erased=lambda: called.append("now"))
    client = app.test_client()
    sign_in(client)
    client.post("/end", data={"csrf_token": token_of(client), "sure": "1"})
    assert called == ["now"]


def test_purge_forgets_the_old_and_the_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.web.sessions.SESSIONS_MAX", 2)
    store = DatabaseSessions(open_database(tmp_path / "p.db"))
    for place in range(5):
        store.save(StoredSession(bytes([place]) * 32, 100, 100 + place, b""))
    assert store.purge(created_before=0, seen_before=102) == 3
    assert store.load(b"\x02" * 32) is None
    assert store.load(b"\x04" * 32) is not None


def test_who_works_on_a_page_stays_signed_in_and_nobody_else_is_remembered(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    stranger = app.test_client().get("/here")
    assert stranger.json == {"token": ""}
    assert "Set-Cookie" not in stranger.headers
    sign_in(client)
    for _ in range(3):
        clock.ms += DESK_IDLE_MS - 1
        said = client.get("/here").json
    assert said is not None
    assert client.post("/form", data={"csrf_token": said["token"], "who": "p", "role": "1", "iin": "1", "family": "Ә"}).status_code == 303
    clock.ms += DESK_IDLE_MS + 1
    assert client.get("/here").json == {"token": ""}
