"""Pages that every application has: how it looks, end and erase, idle, help; and two that subjects borrow.

``/look``  changes contrast, size and height and comes back; a plain link, for it changes nothing but the look.
``/end``   asks once where there is something to lose, then erases; ``/idle`` asks «are you here?» where no script runs.
``/here``  is told by a script that somebody is at work, which keeps the session, and answers with what their forms carry now.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence

from flask import Blueprint, Response, current_app, jsonify, make_response, redirect, render_template, request, session, url_for
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as BaseResponse

from common.errors import N_, NotFound
from common.web.frame import IDLE_ANSWER_SECONDS, current_frame, safe_next, somebody_here
from common.web.sessions import current_session, erase_session

TOKEN_DIGITS = 32


def make_pages(erased: Callable[[], None] | None) -> Blueprint:
    """Return the blueprint ``shared``; ``erased`` runs before a session is erased."""
    pages = Blueprint("shared", __name__)

    def end_now() -> BaseResponse:
        home = current_frame().home_url
        if erased is not None:
            erased()
        erase_session()
        return redirect(home, 303)

    @pages.get("/look")
    def look() -> BaseResponse:
        if request.args.get("theme") in ("light", "contrast"):
            session["theme"] = request.args["theme"]
        for name in ("large", "low"):
            if request.args.get(name) in ("0", "1"):
                session[name] = request.args[name] == "1"
        return redirect(safe_next(request.args.get("next"), current_frame().home_url), 303)

    @pages.get("/end")
    def end() -> str | BaseResponse:
        if not somebody_here():
            return end_now()
        return _ask_end(safe_next(request.args.get("next"), current_frame().home_url))

    @pages.post("/end")
    def end_post() -> str | BaseResponse:
        if request.form.get("sure") or not somebody_here():
            return end_now()
        return _ask_end(safe_next(request.form.get("next"), current_frame().home_url))

    @pages.get("/here")
    def here() -> Response:
        return jsonify(token=generate_csrf() if somebody_here() else "")

    @pages.get("/idle")
    def idle() -> str:
        back = safe_next(request.args.get("next"), current_frame().home_url)
        return render_template("shared/idle.html", stay_url=back, seconds=IDLE_ANSWER_SECONDS, still=True)

    @pages.get("/idle/end/<token>")
    def idle_end(token: str) -> BaseResponse:
        # where no script runs, only a GET can end an idle visit: the token keeps other sites from doing it
        if not hmac.compare_digest(token, _end_token()):
            raise NotFound("web.no_page", N_("There is no page at this address."))
        return end_now()

    @pages.get("/help")
    def help_page() -> str:
        return render_template("shared/help.html")

    return pages


def _ask_end(here: str) -> str:
    return render_template("shared/end.html", stay_url=here)


def _end_token() -> str:
    secret = current_app.config["SECRET_KEY"]
    return hmac.new(secret, b"idle-end" + current_session().raw_id, hashlib.sha256).hexdigest()[:TOKEN_DIGITS]


def idle_end_url() -> str:
    """Return the address that ends this visitor's session without a script; only this session's own."""
    return url_for("shared.idle_end", token=_end_token())


def render_confirm(
    question: str,
    *,
    action: str,
    verb: str,
    back: str,
    happens: Sequence[str] = (),
    stays: Sequence[str] = (),
    icon: str = "",
    danger: bool = False,
    hidden: Mapping[str, str] | None = None,
) -> str:
    """Return a page that asks before something that cannot be undone: all texts translated, ``verb`` on the button.

    ``happens`` and ``stays`` say what will change and what will not; ``action`` receives the POST with ``hidden``.
    """
    return render_template(
        "shared/confirm.html",
        question=question, action=action, verb=verb, back=back, happens=happens, stays=stays, icon_name=icon, danger=danger,
        hidden=hidden or {},
    )  # fmt: skip


def render_not_built(title: str) -> Response:
    """Return the page of a service that is not built yet, with status 501: it says so plainly."""
    return make_response(render_template("shared/not_built.html", title=title), 501)
