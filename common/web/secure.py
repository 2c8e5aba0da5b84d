"""What every answer carries, and which channels are private enough for a password or a key.

The policy of content allows this origin and nothing else: no inline script, no inline style, no frame of ours elsewhere.
`data:` pictures are allowed because Bootstrap's style sheet contains some.
"""

import ipaddress

from flask import Flask, Response, request

from common.errors import N_, Forbidden

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "frame-src": "'self'",
    "media-src": "'self'",
    "object-src": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
YEAR_SECONDS = 31_536_000
STRANGER_SITES = ("cross-site", "same-site")
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP")


def add_headers(app: Flask, *, secure: bool) -> None:
    """Put HEADERS on every answer of ``app``; HSTS only behind TLS. An answer's own header wins."""

    @app.after_request
    def put_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if secure:
            response.headers["Strict-Transport-Security"] = f"max-age={YEAR_SECONDS}"
        return response


def refuse_strangers() -> None:
    """Refuse a change asked by another site's page, where the browser says so (the CSRF token is the other guard)."""
    if request.method != "GET" and request.headers.get("Sec-Fetch-Site") in STRANGER_SITES:
        raise Forbidden("web.stranger", N_("Another site asked for this. Open the page here and do it again."))


def private_channel() -> bool:
    """Return whether nobody between the browser and this process can listen: TLS, or the machine itself.

    A forwarding header without TLS means that somebody stands between: not private, whatever the address.
    """
    if request.is_secure:
        return True
    return _loopback(request.remote_addr or "") and not any(name in request.headers for name in FORWARDED)


def require_private_channel() -> None:
    """Raise Forbidden("web.insecure") unless ``private_channel()``: call it in every view that takes or shows a secret."""
    if not private_channel():
        raise Forbidden(
            "web.insecure",
            N_("This page takes a password or a key, and the connection is not protected. Use the kiosk of the court or an https address."),
        )


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
