"""One function: its versions and aliases, and giving it the alias that it lacks."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from sah.blueprints.access import requires
from sah.domain.access import Right
from sah.forms.functions import AliasForm
from sah.services.functions import create_missing_alias, get_function_summary, map_pointers
from sah.services.projects import get_project

bp = Blueprint("functions", __name__, url_prefix="/projects/<int:project_id>/functions")


@bp.get("/<name>")
@requires(Right.VIEW)
def show(project_id: int, name: str) -> ResponseReturnValue:
    """See one function: its versions, which alias points where, and what starts it."""
    project = get_project(project_id)
    summary = get_function_summary(project, name)
    pointers = map_pointers(summary.function)
    return render_template(
        "functions/show.html", project=project, summary=summary, pointers=pointers
    )


@bp.route("/<name>/alias", methods=["GET", "POST"])
@requires(Right.OPERATE)
def create_alias(project_id: int, name: str) -> ResponseReturnValue:
    """Give a function the project's alias, after having read what that means."""
    project = get_project(project_id)
    summary = get_function_summary(project, name)
    form = AliasForm.for_versions(summary.versions, summary.function.published_version)
    with form.blaming():
        if form.validate_on_submit():
            create_missing_alias(project, name, form.version.data)
            flash(f"{name} has the alias {project.alias} now.", "success")
            return redirect(url_for("projects.show", project_id=project_id), 303)
    return render_template(
        "functions/create_alias.html", project=project, summary=summary, form=form
    ), form.status
