"""SAH Plugin: the package for npm, and how to install it for a project."""

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from sah.blueprints.access import public, requires
from sah.domain.access import Right
from sah.domain.errors import NotFoundError
from sah.services.plugin import pack_plugin
from sah.services.projects import get_project

bp = Blueprint("plugin", __name__)


@bp.get("/plugin/<filename>")
@public
def download(filename: str) -> ResponseReturnValue:
    """Have npm install the plugin from here; it is no secret, and npm sends no log-in."""
    package = pack_plugin()
    if filename != package.filename:
        raise NotFoundError(
            f"There is no {filename} here.", f"This SAH comes with {package.filename}."
        )
    return Response(package.content, mimetype="application/gzip")


@bp.get("/projects/<int:project_id>/plugin")
@requires(Right.VIEW)
def show(project_id: int) -> ResponseReturnValue:
    """Learn how to have this project's deploys reported and its triggers put on the alias."""
    return render_template(
        "plugin/show.html",
        project=get_project(project_id),
        package=pack_plugin(),
        address=request.host_url.rstrip("/"),
    )
