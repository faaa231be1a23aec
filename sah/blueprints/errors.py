"""What a person or a program sees when something goes wrong: never a traceback."""

from dataclasses import dataclass
from http import HTTPStatus

import structlog
from flask import Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from sah.blueprints.safety import request_id
from sah.domain.errors import SahError

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
_CSRF = Problem(
    "csrf",
    "This form was open for too long, or your log-in ended meanwhile, so nothing was done.",
    "Go back, reload the page, and send the form again.",
    HTTPStatus.BAD_REQUEST,
)


def init_app(app: Flask) -> None:
    """Register the one handler for all errors."""
    app.register_error_handler(SahError, _show_sah_error)
    app.register_error_handler(HTTPException, _show_http_error)
    app.register_error_handler(Exception, _show_unexpected)


def wants_json() -> bool:
    """Say whether the answer goes to a program rather than to a person."""
    accepts = request.accept_mimetypes
    return request.path.startswith("/api/") or (
        accepts.best_match(("text/html", "application/json")) == "application/json"
    )


def _show_sah_error(error: SahError) -> ResponseReturnValue:
    log.info("request.refused", code=error.code, message=error.message)
    return _show(Problem(error.code, error.message, error.hint, error.status))


def _show_http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code
    if status is None:
        return error.get_response()
    if isinstance(error, CSRFError):
        return _show(_CSRF)
    default = (f"http_{status}", error.name, error.description or "")
    return _show(Problem(*_HTTP.get(status, default), status=status))


def _show_unexpected(error: Exception) -> ResponseReturnValue:
    log.error("request.failed", exc_info=error)
    hint = f"Tell your administrator the request id {request_id()}: the log has the details."
    problem = Problem("unexpected", "Something went wrong inside SAH.", hint)
    try:
        return _show(problem)
    except Exception:
        # A page needs the database, which may be what is broken.
        log.exception("request.failed_again")
        return Response(f"{problem.message} {hint}", problem.status, mimetype="text/plain")


def _show(problem: Problem) -> ResponseReturnValue:
    if wants_json():
        fields = {"code": problem.code, "message": problem.message, "hint": problem.hint}
        return jsonify(error=fields), problem.status
    return render_template("errors/error.html", problem=problem), problem.status
