"""The node's web application: every page module is given the node and returns its blueprint."""

from flask import Flask

from common.web.app import WebConfig, create_app
from common.web.sessions import DESK_IDLE_MS, KIOSK_IDLE_MS, DatabaseSessions
from edge.exchanger import Exchanger
from edge.node import Node
from edge.services import setup
from edge.web import (
    accounts,
    cases,
    desk,
    erasures,
    filings,
    hearings,
    home,
    line,
    materials,
    mykey,
    notifications,
    outages,
    sticks,
    talons,
    witness,
)
from edge.web.frame import frame_of


def build(node: Node, exchanger: Exchanger) -> Flask:
    """Return the application of a started node."""
    setup.create(node)
    kiosk = node.config.surface == "kiosk"
    config = WebConfig(
        secret=node.web_secret(),
        cookie=f"sot-{node.number}",
        secure=node.config.tls_proxy,
        proxy_hops=1 if node.config.tls_proxy else 0,
        idle_ms=KIOSK_IDLE_MS if kiosk else DESK_IDLE_MS,
    )
    app = create_app(
        "edge",
        config=config,
        clock=node.clock,
        sessions=DatabaseSessions(node.database),
        frame=lambda: frame_of(node, exchanger),
    )
    app.register_blueprint(home.make_pages(node))
    app.register_blueprint(accounts.make_pages(node))
    app.register_blueprint(filings.make_pages(node))
    app.register_blueprint(materials.make_pages(node))
    app.register_blueprint(notifications.make_pages(node))
    app.register_blueprint(talons.make_pages(node))
    app.register_blueprint(outages.make_pages(node))
    app.register_blueprint(desk.make_pages(node))
    app.register_blueprint(cases.make_pages(node))
    app.register_blueprint(hearings.make_pages(node))
    app.register_blueprint(erasures.make_pages(node))
    app.register_blueprint(line.make_pages(node, exchanger))
    app.register_blueprint(mykey.make_pages(node))
    app.register_blueprint(witness.make_pages(node))
    app.register_blueprint(sticks.make_pages(node, exchanger))
    return app
