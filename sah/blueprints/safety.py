"""What every request and every answer carries: a request id, and the security headers."""

import random
import time

import structlog
from flask import Flask, Response, g, request

log = structlog.get_logger(__name__)

_CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HSTS = "max-age=31536000; includeSubDomains"


def init_app(app: Flask) -> None:
    """Give each request an id before anything else runs, and each answer its headers."""
    app.before_request_funcs.setdefault(None, []).insert(0, _start_request)
    app.after_request(_finish_response)


def request_id() -> str:
    """Name this request; the id is made here and never taken from outside."""
    return str(g.request_id)


def _start_request() -> None:
    # It is to be found in the log, and guards nothing.
    g.request_id = f"{random.getrandbits(64):016x}"
    g.started = time.monotonic()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _finish_response(response: Response) -> Response:
    response.headers.extend(_HEADERS)
    response.headers["X-Request-ID"] = request_id()
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = _HSTS
    if not (request.endpoint or "").endswith("static"):
        response.headers["Cache-Control"] = "no-store"
        _log_request(response)
    return response


def _log_request(response: Response) -> None:
    log.info(
        "request.finished",
        method=request.method,
        path=request.path,
        status=response.status_code,
        ms=round((time.monotonic() - g.started) * 1000),
    )
