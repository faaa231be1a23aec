"""The JSON API: the same services as the pages, for programs; one module per noun."""

from flask import Blueprint

from sah.blueprints.api import (
    deployments,
    docs,
    functions,
    operations,
    originals,
    plans,
    projects,
    stacks,
    users,
)

bp = Blueprint("api", __name__, url_prefix="/api")

_MODULES = (
    users,
    stacks,
    projects,
    functions,
    deployments,
    plans,
    operations,
    originals,
    docs,
)

for _module in _MODULES:
    bp.register_blueprint(_module.bp)
