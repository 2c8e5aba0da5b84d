"""The ground of both Flask applications: one factory, the same safety for every page.

    app = create_app("edge", config=WebConfig(secret=…, cookie="sot-8001"), clock=clock, sessions=DatabaseSessions(db), frame=frame_of)
    app.register_blueprint(letters.pages)
    exempt_from_csrf(app, wire.pages)

What every page gets without asking: templates of the common folder with the languages and filters, server-side
sessions, a CSRF check on every change, the headers of ``common.web.secure``, error pages in the frame, a limit of body size,
and a line in the log that says what was asked for and how it went, never by whom.
"""

import io
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from flask import Blueprint, Flask, Request, Response, g, request
from flask_wtf import CSRFProtect
from jinja2 import FileSystemLoader, StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from common.canonical import INT_MAX
from common.clock import Clock
from common.files import templates_folder
from common.spool import sealed_file
from common.web import errors, forms, languages, limits, ncalayer, pages, secure
from common.web.assets import Assets
from common.web.frame import FrameSource, current_frame, idle_kind, look_url, somebody_here
from common.web.frame import here as this_page
from common.web.frame import languages as language_choices
from common.web.sessions import ABSOLUTE_MS, DESK_IDLE_MS, CourtSessions, SessionStore

log = logging.getLogger("court.web")

BODY_BYTES_MAX = 2 * 1024 * 1024
"""A page with forms; views that take files raise it for themselves (``limits.accept_bytes``)."""
FORM_PARTS_MAX = 500
UPLOAD_MEMORY_BYTES_MAX = 512 * 1024
"""A form with files up to this size stays in memory."""
SECRET_BYTES_MIN = 32
WITHOUT_SESSION = ("/static/", "/wire/")
"""Paths that never read or make a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """How one application is served."""

    secret: bytes
    """Signs CSRF tokens; random, at least SECRET_BYTES_MIN, kept in the node's folder."""
    cookie: str = "sot"
    """Name of the session cookie. Cookies do not know ports: two nodes on one address need two names."""
    secure: bool = False
    """Served over TLS: Secure cookies and HSTS."""
    proxy_hops: int = 0
    """How many proxies in front of us write X-Forwarded-*; 0: none, their headers are not believed."""
    hosts: tuple[str, ...] = ()
    """Host names we answer to (a guard against DNS rebinding); empty: any."""
    same_site: Literal["Strict", "Lax"] = "Strict"
    idle_ms: int = DESK_IDLE_MS
    absolute_ms: int = ABSOLUTE_MS
    body_bytes_max: int = BODY_BYTES_MAX


class SealingRequest(Request):
    """A request whose uploads never lie on the disk in clear."""

    def _get_file_stream(
        self, total_content_length: int | None, content_type: str | None, filename: str | None = None, content_length: int | None = None
    ) -> IO[bytes]:
        small = total_content_length is not None and total_content_length <= UPLOAD_MEMORY_BYTES_MAX
        return io.BytesIO() if small else sealed_file()


class Number(IntegerConverter):
    """The number in an address: one that no table can hold is no page."""

    def __init__(self, map: Map, max: int = INT_MAX, **given: Any) -> None:
        super().__init__(map, max=max, **given)


def create_app(
    name: str,
    *,
    config: WebConfig,
    clock: Clock,
    sessions: SessionStore,
    frame: FrameSource,
    template_folders: Sequence[Path] = (),
    static_folders: Sequence[Path] = (),
    erased: Callable[[], None] | None = None,
) -> Flask:
    """Return a Flask application with everything above; pages are registered on it afterwards.

    ``erased`` is called before a session is erased (print queue, temporary files). Raises ValueError for a short secret.
    """
    if len(config.secret) < SECRET_BYTES_MIN:
        raise ValueError(f"the secret must have {SECRET_BYTES_MIN} bytes or more")
    app = Flask(name, static_folder=None, template_folder=None)
    app.request_class = SealingRequest
    app.url_map.converters["int"] = Number
    app.config.update(
        SECRET_KEY=config.secret,
        MAX_CONTENT_LENGTH=config.body_bytes_max,
        MAX_FORM_PARTS=FORM_PARTS_MAX,
        TRUSTED_HOSTS=list(config.hosts) or None,
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session: no second clock to disagree
        WTF_CSRF_SSL_STRICT=False,  # it wants a Referer, which we ask browsers never to send; Sec-Fetch-Site stands in
    )
    app.session_interface = CourtSessions(
        sessions, clock, idle_ms=config.idle_ms, absolute_ms=config.absolute_ms, cookie=config.cookie,
        same_site=config.same_site, secure=config.secure, without=WITHOUT_SESSION,
    )  # fmt: skip
    app.extensions["frame"] = frame
    app.extensions["clock"] = clock
    if config.proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.proxy_hops, x_proto=config.proxy_hops, x_host=config.proxy_hops)  # type: ignore[method-assign]
    _set_up_log(app, clock)
    languages.set_up(app)
    app.before_request(secure.refuse_strangers)
    limits.raise_body_limit(app)
    CSRFProtect(app)
    secure.add_headers(app, secure=config.secure)
    ncalayer.set_up(app, secure.POLICY)
    errors.set_up(app)
    _set_up_templates(app, (templates_folder(), *template_folders), Assets(*static_folders))
    app.register_blueprint(pages.make_pages(erased))
    return app


def exempt_from_csrf(app: Flask, blueprint: Blueprint) -> None:
    """Let ``blueprint`` take changes without a CSRF token: for the wire, which has no cookie and its own signatures."""
    csrf: CSRFProtect = app.extensions["csrf"]
    csrf.exempt(blueprint)


def _set_up_templates(app: Flask, folders: Sequence[Path], assets: Assets) -> None:
    app.jinja_loader = FileSystemLoader([str(folder) for folder in folders])
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        static_url=assets.url,
        icon=assets.icon,
        the_frame=current_frame,
        languages=language_choices,
        look_url=look_url,
        this_page=this_page,
        somebody_here=somebody_here,
        idle_kind=idle_kind,
        field_view=forms.view_of,
        form_errors=forms.errors_of,
        idle_end_url=pages.idle_end_url,
        ncalayer_address=ncalayer.ADDRESS,
    )

    @app.context_processor
    def with_frame() -> dict[str, object]:
        return {"frame": current_frame()}

    @app.get("/static/<path:name>", endpoint="static")
    def static_file(name: str) -> Response:
        return assets.answer(name, request)


def _set_up_log(app: Flask, clock: Clock) -> None:
    @app.before_request
    def note_start() -> None:
        g.started = clock.monotonic()

    @app.after_request
    def note_end(response: Response) -> Response:
        # the rule, never the path: paths and queries hold numbers of people's papers
        rule = request.url_rule.rule if request.url_rule else "-"
        took = clock.monotonic() - g.get("started", clock.monotonic())
        log.info("%s %s %d %d ms", request.method, rule, response.status_code, took)
        return response
