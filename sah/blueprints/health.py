"""Whether SAH is alive, for load balancers and for people who ask which version runs."""

import platform

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from sah import __version__
from sah.blueprints.access import before_setup
from sah.services.people import has_users

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@before_setup
def healthz() -> ResponseReturnValue:
    """Learn that SAH answers and reaches its database."""
    has_users()
    return jsonify(status="ok")


@bp.get("/version")
@before_setup
def show_version() -> ResponseReturnValue:
    """Learn which version of SAH runs."""
    return jsonify(version=__version__, python=platform.python_version())
