"""The pages: parse, check access, call one service, redirect or render."""

from flask import Flask

from sah.blueprints import (
    access,
    accounts,
    api,
    deployments,
    errors,
    functions,
    health,
    help,  # noqa: A004 - the blueprint's name
    operations,
    people,
    plugin,
    projects,
    rates,
    safety,
    setup,
    switch,
    tokens,
)
from sah.blueprints.ids import RowId

_PAGES = (
    projects,
    functions,
    deployments,
    switch,
    operations,
    accounts,
    people,
    tokens,
    plugin,
    api,
    help,
    setup,
    health,
)


def init_app(app: Flask) -> None:
    """Register every blueprint, and what guards all of them."""
    app.url_map.converters["int"] = RowId
    safety.init_app(app)
    errors.init_app(app)
    rates.init_app(app)
    access.init_app(app)
    for module in _PAGES:
        app.register_blueprint(module.bp)
