"""The JSON API: the same services as the pages, for programs; one module per noun."""

from flask import Blueprint

from sah.blueprints.api import (
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

for _module in (users, stacks, projects, functions, plans, operations, originals, docs):
    bp.register_blueprint(_module.bp)
