"""Who may see a view: every view says so, and one that does not is shut."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from flask import Flask, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from sah.blueprints.errors import wants_json
from sah.domain.access import Right
from sah.domain.errors import AccessDeniedError
from sah.services.people import has_users

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


def find_access(app: Flask, endpoint: str) -> Door | Right | None:
    """Find what a view declares; None when it declares nothing, so that it is shut."""
    declared: Door | Right | None = getattr(app.view_functions.get(endpoint), "sah_access", None)
    return declared or _LIBRARY_VIEWS.get(endpoint)


def may(right: str) -> bool:
    """Say whether the person that is logged in has a right."""
    return bool(current_user.is_authenticated and current_user.may(Right(right)))


def safe_next(target: str | None) -> str | None:
    """Keep where to go on after logging in only when it is a page of SAH."""
    if target and target.startswith("/") and not target.startswith(("//", "/\\")):
        return target
    return None


def init_app(app: Flask) -> None:
    """Check every request, and let templates ask ``may('operate')``."""

    def check() -> ResponseReturnValue | None:
        return _check_access(app)

    app.before_request(check)
    app.jinja_env.globals.update(may=may, safe_next=safe_next, current_user=current_user)


def _check_access(app: Flask) -> ResponseReturnValue | None:
    endpoint = request.endpoint
    access = find_access(app, endpoint) if endpoint else Door.PUBLIC
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
    return None


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
