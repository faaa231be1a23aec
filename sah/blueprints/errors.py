"""What a person or a program sees when something goes wrong: never a traceback."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from flask import Flask, Response, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException

from sah.blueprints.comeback import come_back
from sah.blueprints.safety import request_id
from sah.domain.errors import InvalidInputError, SahError, TooManyRequestsError
from sah.extensions import db

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """One error as it is shown: on a page, or as JSON."""

    code: str
    message: str
    hint: str = ""
    status: int = HTTPStatus.INTERNAL_SERVER_ERROR


_HTTP = {
    400: ("bad_request", "SAH could not read this request.", "Go back and try again."),
    401: (
        "not_logged_in",
        "You are not logged in (any more).",
        "Log in in another tab, then reload this page to send it again.",
    ),
    403: ("forbidden", "This is not allowed.", ""),
    404: ("not_found", "There is no such page.", "The address may be mistyped or out of date."),
    405: ("method_not_allowed", "This address cannot be used in this way.", ""),
    413: ("too_large", "That is more than SAH accepts in one request.", "Send less than 1 MB."),
    429: ("too_many_requests", "That was too often.", "Wait a minute and try again."),
}
# What programs get instead where the words above are for a person at a page.
_API = {
    400: ("bad_request", "SAH could not read this request.", "Send JSON."),
    401: (
        "not_logged_in",
        "This call came with neither a token nor a log-in.",
        "Send “Authorization: Bearer sah_…”.",
    ),
    404: ("not_found", "There is nothing at this address.", "See /api/docs for what there is."),
    405: ("method_not_allowed", "This address does not answer to this method.", "See /api/docs."),
    413: ("too_large", "That is more than SAH accepts in one call.", "Send less than 256 kB."),
    415: (
        "unsupported_media_type",
        "The body is not announced as JSON.",
        "Send “Content-Type: application/json”.",
    ),
}
_KEPT_HEADERS = ("Allow", "Retry-After")
_CSRF = Problem(
    "csrf",
    "This form was open for too long, or your log-in ended meanwhile, so nothing was done.",
    "Go back, reload the page, and send the form again.",
    HTTPStatus.BAD_REQUEST,
)
_API_CSRF = Problem(
    "csrf",
    "This call came with a log-in, but without its CSRF token or with a wrong one.",
    "Send it as “X-CSRFToken: …”, or an API token as “Authorization: Bearer sah_…”.",
    HTTPStatus.BAD_REQUEST,
)
_ELSEWHERE = Problem(
    "csrf",
    "This did not seem to come from a page of SAH at this address, so nothing was done.",
    "A proxy in front of SAH has to set X-Forwarded-Host, and the browser has to send the Referer.",
    HTTPStatus.BAD_REQUEST,
)
_INSECURE = Problem(
    "csrf",
    "SAH sends its cookies over HTTPS alone, and this page came without it, so nothing was done.",
    "Open it by https://. A proxy has to set X-Forwarded-Proto, and SAH_PROXY_HOPS to count it;"
    " without HTTPS, SAH_COOKIE_SECURE has to be false.",
    HTTPStatus.BAD_REQUEST,
)
_UNFIT = Problem(
    InvalidInputError.code,
    "Something that was sent cannot be stored: it is too long, too large, or no plain text.",
    "Shorten it, or type it anew.",
    HTTPStatus.UNPROCESSABLE_ENTITY,
)


def init_app(app: Flask) -> None:
    """Register the one handler for all errors."""
    app.register_error_handler(SahError, _show_sah_error)
    app.register_error_handler(DataError, _show_data_error)
    app.register_error_handler(HTTPException, _show_http_error)
    app.register_error_handler(Exception, _show_unexpected)


def is_api() -> bool:
    """Say whether the request is a call of the JSON API; its description for people is a page."""
    path = request.path
    return path == "/api" or (path.startswith("/api/") and path != "/api/docs")


def wants_json() -> bool:
    """Say whether the answer goes to a program rather than to a person."""
    accepts = request.accept_mimetypes
    return is_api() or (accepts.best_match(("text/html", "application/json")) == "application/json")


def _show_sah_error(error: SahError) -> ResponseReturnValue:
    log.info("request.refused", code=error.code, message=error.message)
    headers = {}
    if isinstance(error, TooManyRequestsError):
        headers["Retry-After"] = str(error.retry_after_s)
    return _show(Problem(error.code, error.message, error.hint, error.status), headers)


def _show_data_error(error: DataError) -> ResponseReturnValue:
    """Show that the database takes no such value; PostgreSQL is stricter in this than SQLite."""
    log.info("request.refused", code=_UNFIT.code, message=str(error.orig))
    db.session.rollback()  # until then PostgreSQL answers nothing, and a page asks who looks at it
    return _show(_UNFIT)


def _show_http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code
    if status is None:
        return error.get_response()
    lasting = _find_lasting(error) if isinstance(error, CSRFError) else None
    if lasting is not None:
        return _show(lasting)
    if isinstance(error, CSRFError) or status == HTTPStatus.UNAUTHORIZED:
        back = None if wants_json() else come_back()
        if back is not None:
            return back
    if isinstance(error, CSRFError):
        return _show(_API_CSRF if is_api() else _CSRF)
    default = (f"http_{status}", error.name, error.description or "")
    texts = _HTTP | _API if is_api() else _HTTP
    problem = Problem(*texts.get(status, default), status=status)
    return _show(problem, {name: v for name, v in error.get_headers() if name in _KEPT_HEADERS})


def _find_lasting(error: CSRFError) -> Problem | None:
    """Find why forms are refused however often they are sent: how SAH is reached."""
    if "referrer" in str(error.description):
        return _ELSEWHERE
    config = current_app.config
    came_without = config["SESSION_COOKIE_NAME"] not in request.cookies
    if came_without and config["SESSION_COOKIE_SECURE"] and not request.is_secure:
        return _INSECURE
    return None


def _show_unexpected(error: Exception) -> ResponseReturnValue:
    log.error("request.failed", exc_info=error)
    hint = f"Tell your administrator the request id {request_id()}: the log has the details."
    problem = Problem("unexpected", "Something went wrong inside SAH.", hint)
    try:
        db.session.rollback()  # what failed may have been a statement, see _show_data_error
        return _show(problem)
    except Exception:
        # A page needs the database, which may be what is broken.
        log.exception("request.failed_again")
        return Response(f"{problem.message} {hint}", problem.status, mimetype="text/plain")


def _show(problem: Problem, headers: Mapping[str, str] | None = None) -> ResponseReturnValue:
    extra = dict(headers or {})
    if not wants_json():
        return render_template("errors/error.html", problem=problem), problem.status, extra
    if problem.status == HTTPStatus.UNAUTHORIZED and is_api():
        extra["WWW-Authenticate"] = "Bearer"
    fields = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    return jsonify(error=fields), problem.status, extra
