"""Errors as people meet them: a page in the frame, in their language, with a way back; JSON where it was asked for."""

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient

from common.errors import Conflict, Corrupt, CourtError, Forbidden, NotFound, Refused, TooMany, Unreachable


def raising(app: Flask, error: Exception) -> FlaskClient:
    @app.get("/raise")
    def view() -> str:
        raise error

    return app.test_client()


@pytest.mark.parametrize("kind", [Refused, Forbidden, NotFound, Conflict, TooMany, Unreachable, Corrupt])
def test_each_kind_has_its_status_title_and_way_back(app: Flask, kind: type[CourtError]) -> None:
    answer = raising(app, kind("tiny.code", "Sentence with %(name)s.", name="<b>")).get("/raise?lang=en")
    assert answer.status_code == kind.status
    assert "Sentence with &lt;b&gt;." in answer.text
    assert 'href="/"' in answer.text
    assert '<header class="house">' in answer.text


def test_the_page_speaks_the_visitors_language(client: FlaskClient) -> None:
    assert "Бұл мекенжайда бет жоқ." in client.get("/nope").text
    assert "По этому адресу страницы нет." in client.get("/nope?lang=ru").text


def test_json_where_asked_for(client: FlaskClient) -> None:
    answer = client.get("/nope?lang=en", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.json == {"code": "web.no_page", "sentence": "There is no page at this address.", "field": ""}


def test_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    answer = client.get("/sign-in")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_something_foreign_shows_only_a_number(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        answer = client.get("/broken")
    assert answer.status_code == 500
    assert "850312400127" not in answer.text
    assert "RuntimeError" not in answer.text
    assert "850312400127" not in caplog.text
    assert "RuntimeError" in caplog.text
    number = caplog.text.split("internal error ")[1][:8]
    assert number in answer.text


def test_an_error_without_a_frame_is_still_a_page(client: FlaskClient) -> None:
    answer = client.get("/frameless")
    assert answer.status_code == 400
    assert "Түзету керек" in answer.text


def test_the_log_names_the_rule_and_nobody(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="court.web"):
        client.get("/form?iin=850312400127")
    assert "GET /form 200" in caplog.text
    assert "850312400127" not in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_too_many_says_when_to_come_back(app: Flask) -> None:
    answer = raising(app, TooMany("web.too_many", "Wait %(minutes)d.", minutes=3)).get("/raise")
    assert answer.headers["Retry-After"] == "180"
