"""(b) Pages per second of the landing page and «Менің істерім», over the same templates with their rows ready in memory.

The other half is a bare application: the same templates, the same context captured from a real request, rendered by a
view that asks nobody; no session in the database, no frame to gather, no hooks. Both answer the same client.
"""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request, Response, session, template_rendered
from flask.sessions import SessionInterface, SessionMixin
from flask.testing import FlaskClient
from jinja2 import Template

from edge import app as edge_app
from edge.exchanger import Exchanger
from edge.web import access
from tests.bench.measure import Line, at_least, in_turns, seconds
from tests.bench.world import World

GOAL = 0.4
MINE = 50
"""Filings of the person who looks."""


def run(world: World, *, filings: int, rounds: int) -> list[Line]:
    """Return the lines of this part, measured in a node with ``filings`` filings."""
    world.file_many(MINE - 1, world.filers[:1])
    world.file_many(filings - MINE, world.filers[1:])
    exchanger = Exchanger(world.node)
    real = edge_app.build(world.node, exchanger)
    client = _signed_in(real, world)
    lines = []
    for name, path in (("the landing page", "/"), (f"«Менің істерім» of a person with {MINE} filings", "/filings")):
        template, context = _captured(real, client, path)
        bare = _bare(edge_app.build(world.node, exchanger), template, context)
        asked, ready = in_turns(rounds, _asking(client, path), _asking(bare.test_client(), "/ready"))
        value = f"{1 / asked:,.0f} / {1 / ready:,.0f} a second"
        lines.append(at_least(f"{name} in a node with {filings:,}, over ready rows", value, ready / asked, GOAL))
    return lines


def _asking(client: FlaskClient, path: str) -> Callable[[int], float]:
    def ask(number: int) -> float:
        def get() -> None:
            assert client.get(path).status_code == 200

        return seconds(get)

    return ask


def _signed_in(app: Flask, world: World) -> FlaskClient:
    """Return a client with the session that signing in by key begins."""

    @app.get("/bench/enter")
    def enter() -> str:
        access.sign_in(world.filers[0].visitor)
        return ""

    client = app.test_client()
    assert client.get("/bench/enter").status_code == 200
    return client


def _captured(app: Flask, client: FlaskClient, path: str) -> tuple[Template, dict[str, Any]]:
    seen: list[tuple[Template, dict[str, Any]]] = []

    def note(sender: Flask, template: Template, context: dict[str, Any], **more: Any) -> None:
        seen.append((template, {**context, "session": session._get_current_object()}))  # type: ignore[attr-defined]

    with template_rendered.connected_to(note, app):
        assert client.get(path).status_code == 200
    return seen[-1]


class ReadySessions(SessionInterface):
    """Everybody has the one session that was captured."""

    def __init__(self, ready: SessionMixin) -> None:
        self._ready = ready

    def open_session(self, app: Flask, request: Request) -> SessionMixin:
        return self._ready

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Nothing is kept."""


def _bare(app: Flask, template: Template, context: dict[str, Any]) -> Flask:
    """Strip an application of everything but its templates, and let it render ``template`` with ``context``."""
    app.before_request_funcs.clear()
    app.after_request_funcs.clear()
    app.session_interface = ReadySessions(context["session"])
    app.extensions["frame"] = lambda: context["frame"]
    ready = app.jinja_env.get_template(template.name or "")
    values = {name: value for name, value in context.items() if name not in ("request", "session", "g")}
    app.add_url_rule("/ready", view_func=lambda: ready.render(values), endpoint="ready")
    return app
