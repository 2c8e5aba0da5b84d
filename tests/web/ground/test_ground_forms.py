"""Forms and the frame: labels, help and errors tied to their fields; looks that come and go without a script."""

import re
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markup import by_id, controls, parse, text_of
from test_ground_safety import token_of
from tiny_app import tiny_app

from common.web.frame import safe_next
from common.web.parts import page_of


def page_of_client(client: FlaskClient, path: str) -> Element:
    return parse(client.get(path).text)


def send(client: FlaskClient, **values: str) -> Element:
    answer = client.post("/form", data={"csrf_token": token_of(client), **values})
    assert answer.status_code == 400
    return parse(answer.text)


def test_every_control_has_a_label(client: FlaskClient) -> None:
    page = page_of_client(client, "/form")
    inside = [control for label in page.iter("label") for control in controls_in(label)]
    for control in controls(page):
        assert control in inside or page.findall(f".//label[@for='{control.get('id')}']"), control.attrib


def controls_in(label: Element) -> list[Element]:
    return [element for element in label.iter() if element.tag == "input"]


def test_ids_are_unique(client: FlaskClient) -> None:
    for path in ("/", "/form", "/parts", "/charts", "/help"):
        ids = [element.get("id") for element in page_of_client(client, path).iter() if element.get("id")]
        assert len(ids) == len(set(ids)), path


def test_errors_stand_above_with_links_and_at_the_field(client: FlaskClient) -> None:
    page = send(client, family="", iin="", role="1", born="", count="")
    links = page.findall(".//section[@class='errors']//a")
    assert {link.get("href") for link in links} == {"#iin", "#family"}
    field = by_id(page, "iin")
    assert field.get("aria-invalid") == "true"
    for target in field.get("aria-describedby", "").split():
        assert text_of(by_id(page, target)).strip()
    assert (page.findtext(".//title") or "").startswith("Қате:")


def test_what_was_typed_stays(client: FlaskClient) -> None:
    page = send(client, family='Әбді"<рахманова>', iin="", born="31.02.2026", count="x")
    assert by_id(page, "family").get("value") == 'Әбді"<рахманова>'
    assert by_id(page, "born").get("value") == "31.02.2026"


def test_secrets_never_come_back(client: FlaskClient) -> None:
    assert by_id(send(client, secret="Qwerty12"), "secret").get("value") == ""


def test_a_refusal_of_a_use_case_lands_at_its_field(client: FlaskClient) -> None:
    page = send(client, family="А", iin="000000000000", who="p", role="1", born="01.02.2003", count="3")
    assert "12 zeros are nobody." in text_of(by_id(page, "iin-e"))


def test_an_answer_that_was_not_offered_is_refused_in_words(client: FlaskClient) -> None:
    page = send(client, family="А", iin="1", who="x", role="1", born="01.02.2003", count="3")
    assert "Жауаптардың бірін таңдаңыз." in text_of(by_id(page, "who-e"))


def test_looks_change_by_plain_links_and_come_back(client: FlaskClient) -> None:
    first = client.get("/form").text
    assert '<html lang="kk" class="kiosk" data-bs-theme="light">' in first
    link = re.search(r'href="(/look\?large=1[^"]*)"', first)
    assert link is not None
    answer = client.get(link[1].replace("&amp;", "&"))
    assert answer.headers["Location"] == "/form"
    client.get("/look?theme=contrast&low=1&next=/")
    assert '<html lang="kk" class="kiosk large low" data-bs-theme="contrast">' in client.get("/form").text
    client.get("/look?large=0&theme=light&low=0")
    assert 'class="kiosk" data-bs-theme="light"' in client.get("/form").text


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "", None, "/a\nb", "/" + "a" * 2000, "javascript:1"]
)
def test_nobody_is_sent_elsewhere(address: str | None) -> None:
    assert safe_next(address, "/home") == "/home"


def test_own_paths_are_kept() -> None:
    assert safe_next("/form?a=1&b=//x") == "/form?a=1&b=//x"


def test_a_kiosk_asks_only_when_there_is_something(client: FlaskClient) -> None:
    assert "data-idle" not in client.get("/").text
    assert "data-idle-home" in client.get("/help").text
    assert "<dialog" in client.get("/form").text
    assert "<dialog" in client.get("/").text


@pytest.mark.parametrize("surface", ["home", "desk"])
def test_other_surfaces_have_no_idle_question_and_no_keyboard(tmp_path: Path, surface: str) -> None:
    client = tiny_app(tmp_path, surface=surface).test_client()  # type: ignore[arg-type]
    text = client.get("/form").text
    assert "<dialog" not in text
    assert "data-keys" not in text


def test_a_question_before_what_cannot_be_undone(client: FlaskClient) -> None:
    page = page_of_client(client, "/sure")
    assert page.findtext(".//main//h1") == "Алып тастау керек пе?"
    button = page.find(".//form[@action='/form']//button")
    assert button is not None
    assert text_of(button) == "Иә, алып тастау"


def test_what_is_not_built_says_so(client: FlaskClient) -> None:
    answer = client.get("/later")
    assert answer.status_code == 501
    assert "әлі дайын емес" in answer.text


def test_pages_of_a_list_stay_within_bounds() -> None:
    assert page_of(0, 50, 7, "/x", {}).number == 1
    middle = page_of(120, 50, 2, "/x", {"q": "а б"})
    assert middle.before == "/x?q=%D0%B0+%D0%B1&page=1"
    assert middle.after.endswith("page=3")
    assert page_of(120, 50, 99, "/x", {}).after == ""


def test_an_unknown_icon_breaks_loudly(app: Flask) -> None:
    with app.test_request_context("/"), pytest.raises(KeyError):
        app.jinja_env.from_string("{{ icon('gavel') }}").render()


def test_the_state_of_the_line_is_spoken(client: FlaskClient) -> None:
    line = page_of_client(client, "/").find(".//div[@class='line line-off']")
    assert line is not None
    assert line.get("role") == "status"
