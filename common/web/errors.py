"""Errors as people meet them: what is wrong, what to do, a way back; never a trace, never a foreign message.

A CourtError keeps its status and its sentence. Anything foreign becomes "internal" with a number that also stands in
the log; what the log keeps of it is the type and the places in our code, not the message, which may quote a person.
A caller that asks for JSON (autosave, upload) gets ``{"code", "sentence", "field"}`` with the same status.
"""

import logging
import secrets
import traceback
from dataclasses import dataclass

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from markupsafe import escape
from werkzeug.exceptions import HTTPException, RequestedRangeNotSatisfiable

from common.errors import N_, Conflict, Corrupt, CourtError, Forbidden, NotFound, Refused, TooMany, Unreachable
from common.web.languages import current_language, tell

log = logging.getLogger("court.web")

NUMBER_DIGITS = 8
TOO_LARGE = 413
"""Of a body over the limit of its page; over that of every page it comes here without its body (`common.serving`)."""


@dataclass(frozen=True, slots=True)
class Advice:
    """How a kind of error is called and what one can do about it; an icon and a colour to go with it."""

    title: str
    cure: str
    icon: str = "exclamation-triangle-fill"
    tone: str = "warn"


ADVICE: tuple[tuple[type[CourtError], Advice], ...] = (
    (Refused, Advice(N_("This needs correcting"), N_("Go back, correct it and send it again."), "exclamation-circle-fill", "bad")),
    (Forbidden, Advice(N_("This page is not open to you"), N_("Sign in as the person who may open it, or ask the office."), "lock-fill")),
    (NotFound, Advice(N_("Not found"), N_("Check the address or the number, or start from the first page."), "search", "mute")),
    (Conflict, Advice(N_("This has changed meanwhile"), N_("Open the page again and look at what it says now."), "arrow-repeat")),
    (TooMany, Advice(N_("Wait a little"), N_("Nothing is lost. Try again later."), "hourglass-split")),
    (Unreachable, Advice(N_("There is no line now"), N_("Nothing is lost. Try again later; what waits is sent by itself."), "wifi-off")),
    (Corrupt, Advice(N_("This machine cannot go on"), N_("Go to the court's office: they take papers by hand."), "x-octagon-fill", "bad")),
)  # fmt: skip
INTERNAL = Advice(
    N_("It did not work"), N_("What you sent before is kept. Try once more; if it repeats, tell the office the number."), tone="bad"
)

HTTP_ERRORS: dict[int, CourtError] = {
    400: Refused("web.bad_request", N_("The page sent something that cannot be read. Open it again and repeat.")),
    401: Forbidden("web.sign_in", N_("Sign in first.")),
    403: Forbidden("web.forbidden", N_("You may not open this page.")),
    404: NotFound("web.no_page", N_("There is no page at this address.")),
    405: NotFound("web.no_method", N_("This address cannot be opened in this way.")),
    TOO_LARGE: Refused("web.too_large", N_("What you sent is too large. Choose a smaller file or send the files one by one.")),
    429: TooMany("web.too_many_requests", N_("Too many requests. Try again in a minute.")),
}
BARE = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title></head>
<body><main><h1>{title}</h1><p>{sentence}</p><p>{cure}</p><p><a href="/">↩</a></p></main></body></html>
"""
STALE_ADVICE = Advice(
    N_("Open the page again"), N_("If you are asked to sign in, do so: what the page said it had saved is there again."), "arrow-repeat"
)
STALE = Refused("web.stale_page", N_("The page stood open for too long, so nothing was sent. Open it again and repeat."))


def set_up(app: Flask) -> None:
    """Register the handlers on ``app``."""
    app.register_error_handler(CourtError, _court_error)
    app.register_error_handler(CSRFError, _stale)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _foreign)


def wants_json() -> bool:
    """Return whether the caller reads JSON and not pages."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
    return best == "application/json"


def _court_error(error: CourtError) -> Response:
    if error.status >= 500:
        log.error("court error %s at %s", error.code, request.endpoint)
    return answer(error, error.status, _advice(error))


def _stale(_: CSRFError) -> Response:
    return answer(STALE, STALE.status, STALE_ADVICE, again=_same_page())


def _same_page() -> str:
    """Return the address of the page that a form was sent from, where it is one that can be opened; else ""."""
    page = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
    return request.full_path.rstrip("?") if page else ""


def _http_error(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < 400:  # a redirect raised as an exception, or a ready answer
        return make_response(error.get_response())
    status = error.code or 500
    known = HTTP_ERRORS.get(status)
    if known is None:
        return _foreign(error) if status >= 500 else _unnamed(error, status)
    response = answer(known, status, _advice(known), again=_same_page() if status == TOO_LARGE else "")
    if status == 405 and (allowed := getattr(error, "valid_methods", None)):
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _unnamed(error: HTTPException, status: int) -> Response:
    response = answer(HTTP_ERRORS[400], status, _advice(HTTP_ERRORS[400]))
    if isinstance(error, RequestedRangeNotSatisfiable):
        response.headers["Content-Range"] = f"bytes */{error.length}"
    return response


def _foreign(error: Exception) -> Response:
    number = "".join(secrets.choice("0123456789") for _ in range(NUMBER_DIGITS))
    places = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(traceback.extract_tb(error.__traceback__)[-8:]))
    log.error("internal error %s: %s at %s in %s", number, type(error).__qualname__, request.endpoint, places)
    sentence = N_("Something broke inside. Its number for the office: %(number)s.")
    return answer(CourtError("internal", sentence, number=number), 500, INTERNAL)


def _advice(error: CourtError) -> Advice:
    return next((advice for kind, advice in ADVICE if isinstance(error, kind)), INTERNAL)


def answer(error: CourtError, status: int, advice: Advice, *, again: str = "") -> Response:
    """Return ``error`` as a page in the frame, or as JSON where that was asked for; ``again``: the page that is to be opened once more."""
    if wants_json():
        response = jsonify(code=error.code, sentence=tell(error), field=error.field)
    else:
        response = make_response(_page(error, advice, again))
    response.status_code = status
    minutes = error.params.get("minutes")
    if isinstance(error, TooMany) and isinstance(minutes, int):
        response.headers["Retry-After"] = str(minutes * 60)
    return response


def _page(error: CourtError, advice: Advice, again: str) -> str:
    title, sentence, cure = gettext(advice.title), tell(error), gettext(advice.cure)
    values = {"title": title, "sentence": sentence, "cure": cure, "icon_name": advice.icon, "tone": advice.tone, "again": again}
    try:
        return render_template("shared/error.html", **values)
    except Exception as broken:  # noqa: BLE001 - the frame itself fails (its database, say): the safe fall-back is a page without one
        log.error("no frame for an error page: %s", type(broken).__qualname__)
        return BARE.format(language=current_language(), title=escape(title), sentence=escape(sentence), cure=escape(cure))
