"""Who may see a view: every view says so, and one that does not is shut.

Pages know people by their session. The API knows them too, and tokens besides; a call
with an ``Authorization`` header stands on that alone.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from flask import Flask, Request, abort, g, redirect, request, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_security import current_user

from sah.blueprints.errors import is_api, wants_json
from sah.blueprints.rates import count_call, count_failure, count_log_in
from sah.domain.access import Right
from sah.domain.errors import AccessDeniedError, InvalidTokenError
from sah.extensions import csrf
from sah.services.people import has_users
from sah.services.tokens import Caller, authenticate_token

_LONGEST_ACTOR = 255

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


class Door(StrEnum):
    """Views without a right: open to anybody once there is a user, or even before."""

    PUBLIC = "public"
    BEFORE_SETUP = "before_setup"


# The views of libraries; one that is not listed here is shut.
_LIBRARY_VIEWS: dict[str, Door | Right] = {
    "static": Door.BEFORE_SETUP,
    "bootstrap.static": Door.BEFORE_SETUP,
    "security.login": Door.PUBLIC,
    "security.logout": Door.PUBLIC,
    "security.change_password": Right.VIEW,
}


def requires(right: Right) -> Callable[[View], View]:
    """Declare that a view asks for a right."""
    return _declare(right)


def public(view: View) -> View:
    """Declare that a view is open to anybody once SAH is set up."""
    return _declare(Door.PUBLIC)(view)


def before_setup(view: View) -> View:
    """Declare that a view is open to anybody, even while there is no user."""
    return _declare(Door.BEFORE_SETUP)(view)


def keeps_to_project(view: View) -> View:
    """Declare that a view without a project in its address keeps to ``bound_project_id``.

    One that does not declare it is shut to tokens that are bound to a project.
    """
    view.sah_keeps_to_project = True  # type: ignore[attr-defined]  # read by _check_token
    return view


def find_access(app: Flask, endpoint: str) -> Door | Right | None:
    """Find what a view declares; None when it declares nothing, so that it is shut."""
    declared: Door | Right | None = getattr(app.view_functions.get(endpoint), "sah_access", None)
    return declared or _LIBRARY_VIEWS.get(endpoint)


def find_caller() -> Caller | None:
    """Find whose token this request came with, None when a person's session did it."""
    caller: Caller | None = g.get("api_caller")
    return caller


def bound_project_id() -> int | None:
    """Give the one project that this request may be about, None for any."""
    caller = find_caller()
    return caller.project_id if caller else None


def actor() -> str:
    """Say who asks, for the history, whose columns hold so much."""
    return str(find_caller() or current_user.email)[:_LONGEST_ACTOR]


def may(right: str) -> bool:
    """Say whether the person or token that asks has a right."""
    caller = find_caller()
    if caller is not None:
        return Right(right) in caller.rights
    return bool(current_user.is_authenticated and current_user.may(Right(right)))


def refuse_token() -> AccessDeniedError:
    """Make the one answer to a token that may not, whatever it asked for."""
    return AccessDeniedError(
        "This token may not do that.",
        "Its scope or its project does not allow it; make one that is meant for it.",
    )


def safe_next(target: str | None) -> str | None:
    """Keep where to go on after logging in only when it is a page of SAH."""
    if target and target.startswith("/") and not target.startswith(("//", "/\\")):
        return target
    return None


class PeoplesSessions(SecureCookieSessionInterface):
    """Sessions are people's: a call that stands on its token neither reads nor makes one."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the cookie, unless there is a token."""
        if is_api() and "Authorization" in request.headers:
            return self.make_null_session(app)
        return super().open_session(app, request)


def init_app(app: Flask) -> None:
    """Check every request, and let templates ask ``may('operate')``."""

    def check() -> ResponseReturnValue | None:
        return _check_access(app)

    app.session_interface = PeoplesSessions()
    app.before_request(check)
    app.jinja_env.globals.update(may=may, safe_next=safe_next, current_user=current_user)


def _check_access(app: Flask) -> ResponseReturnValue | None:
    endpoint = request.endpoint
    if endpoint == "security.login" and request.method == "POST":
        count_log_in()
    access = find_access(app, endpoint) if endpoint else Door.PUBLIC
    if is_api() and endpoint and "Authorization" in request.headers:
        _check_token(app, endpoint, access)
        return None
    if is_api() and endpoint and not current_user.is_authenticated:
        abort(401)
    csrf.protect(apply_exemptions=True)
    return _check_person(access)


def _check_person(access: Door | Right | None) -> ResponseReturnValue | None:
    if access is None:
        raise AccessDeniedError("This page does not say who may see it, so nobody may.")
    if access is Door.BEFORE_SETUP:
        return None
    if not current_user.is_authenticated:
        return _check_anonymous(access)
    if isinstance(access, Right) and not may(access):
        raise AccessDeniedError(
            "Your role does not allow this.", "Ask an administrator to do it or to change the role."
        )
    if is_api():
        count_call(f"person {current_user.id}")
    return None


def _check_token(app: Flask, endpoint: str, access: Door | Right | None) -> None:
    caller = g.api_caller = _authenticate()
    count_call(f"token {caller.token_id}")
    if not isinstance(access, Right) or access not in caller.rights:
        raise refuse_token()
    if caller.project_id is None or getattr(
        app.view_functions[endpoint], "sah_keeps_to_project", False
    ):
        return
    # Before anything is looked up: whether another project exists makes no difference.
    if (request.view_args or {}).get("project_id") != caller.project_id:
        raise refuse_token()


def _authenticate() -> Caller:
    scheme, _, secret = request.headers["Authorization"].partition(" ")
    try:
        return authenticate_token(secret.strip() if scheme.lower() == "bearer" else "")
    except InvalidTokenError:
        count_failure()
        raise


def _check_anonymous(access: Door | Right) -> ResponseReturnValue | None:
    if not has_users():
        return abort(401) if wants_json() else redirect(url_for("setup.first_admin"), 303)
    if access is Door.PUBLIC:
        return None
    if wants_json() or request.method not in ("GET", "HEAD"):
        abort(401)
    target = request.full_path.removesuffix("?")
    return redirect(url_for("security.login", next=target), 303)


def _declare(access: Door | Right) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.sah_access = access  # type: ignore[attr-defined]  # read by find_access
        return view

    return mark
