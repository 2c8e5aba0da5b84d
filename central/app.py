"""The centre's web application: every page module is given the centre and returns its blueprint; the wire stands before it."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from central.centre import Centre
from central.services import authority, enrolment, nodes, outside, overview, verification
from central.services.overview import Watch
from central.web import admissions, filings, home, log, quarantine, reference, staff, sticks, talons
from central.web import enrolment as enrolment_pages
from central.web import nodes as node_pages
from central.web import overview as overview_pages
from central.web.frame import frame_of
from central.web.wire import Wire
from common.web.app import WebConfig, create_app
from common.web.sessions import DESK_IDLE_MS, DatabaseSessions

COOKIE = "sot-centre"


def build(centre: Centre) -> Flask:
    """Return the application of a started centre, with what it needs in the database."""
    for part in (enrolment, nodes, overview, verification, outside, authority):
        part.create(centre.database)
    behind_proxy = centre.config.tls_proxy
    app = create_app(
        "central",
        config=WebConfig(secret=centre.web_secret(), cookie=COOKIE, secure=behind_proxy, idle_ms=DESK_IDLE_MS),
        clock=centre.clock,
        sessions=DatabaseSessions(centre.database),
        frame=lambda: frame_of(centre),
    )
    counted = Watch(centre.clock, lambda days: overview.filings(centre, days), overview.COUNTS_HELD_MS)
    app.register_blueprint(home.make_pages(centre))
    app.register_blueprint(overview_pages.make_pages(centre, counted))
    app.register_blueprint(filings.make_pages(centre, counted))
    app.register_blueprint(node_pages.make_pages(centre))
    app.register_blueprint(enrolment_pages.make_pages(centre))
    app.register_blueprint(log.make_pages(centre))
    app.register_blueprint(sticks.make_pages(centre))
    app.register_blueprint(quarantine.make_pages(centre))
    app.register_blueprint(admissions.make_pages(centre))
    app.register_blueprint(staff.make_pages(centre))
    app.register_blueprint(reference.make_pages(centre))
    app.register_blueprint(talons.make_pages(centre))
    app.wsgi_app = Wire(app.wsgi_app, centre)  # type: ignore[method-assign, assignment]
    if behind_proxy:  # outermost, so that the wire too knows who calls
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    return app
