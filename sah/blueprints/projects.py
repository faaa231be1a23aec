"""Projects: the list, one project's page, and making, changing and deleting one."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlowError

import structlog
from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sah.blueprints.access import requires
from sah.blueprints.ids import HIGHEST_ID
from sah.domain.access import Right
from sah.domain.errors import ConflictError
from sah.extensions import db
from sah.formatting import format_count
from sah.forms.projects import EmptyForm, NewProjectForm, ProjectForm
from sah.services.accounts import get_account, list_accounts, offer_stacks
from sah.services.projects import (
    ProjectDetails,
    ProjectState,
    add_project,
    delete_project,
    get_project,
    get_project_summary,
    list_project_summaries,
    update_project,
)
from sah.services.standing import read_standing
from sah.services.sync import SyncReport, sync_project
from sah.services.timeline import find_unfinished, list_timeline

bp = Blueprint("projects", __name__)

_LONGEST_NAME = 80
# So many entries of the history are shown on the project's page.
_LATEST = 5
# How long a page waits for a sync; a longer one goes on, and the page shows its end.
_PATIENCE_S = 8.0
_syncs = ThreadPoolExecutor(4, thread_name_prefix="page-sync")


@bp.get("/")
@requires(Right.VIEW)
def home() -> ResponseReturnValue:
    """Come in at the list of projects."""
    return redirect(url_for("projects.list_all"))


@bp.get("/projects")
@requires(Right.VIEW)
def list_all() -> ResponseReturnValue:
    """See every project and how it stands."""
    return render_template(
        "projects/list.html", summaries=list_project_summaries(), accounts=list_accounts()
    )


@bp.get("/projects/<int:project_id>")
@requires(Right.VIEW)
def show(project_id: int) -> ResponseReturnValue:
    """See one project: its functions, what they serve, and what can be rolled back."""
    summary = get_project_summary(project_id)
    standing = read_standing(project_id)
    timeline = list_timeline(summary.project, limit=_LATEST, previous=standing.previous)
    # While aliases move, the state above follows, and loads the page anew.
    follows = summary.state is not ProjectState.MOVING
    return render_template(
        "projects/show.html",
        summary=summary,
        timeline=timeline,
        standing=standing,
        unfinished=find_unfinished(timeline) if follows else None,
    )


@bp.get("/projects/<int:project_id>/state")
@requires(Right.VIEW)
def show_state(project_id: int) -> ResponseReturnValue:
    """Have an open project page notice that the first sync or an operation has ended."""
    summary = get_project_summary(project_id)
    standing = read_standing(project_id)
    return render_template("projects/_state.html", summary=summary, standing=standing, polled=True)


@bp.post("/projects/<int:project_id>/sync")
@requires(Right.OPERATE)
def sync(project_id: int) -> ResponseReturnValue:
    """Have a project read from AWS now."""
    _sync_and_tell(get_project(project_id).id)
    return redirect(url_for("projects.show", project_id=project_id), 303)


@bp.route("/projects/new", methods=["GET", "POST"])
@requires(Right.ADMINISTER)
def new() -> ResponseReturnValue:
    """Make a project out of one of an account's stacks."""
    accounts = list_accounts()
    chosen = request.values.get("account", type=_parse_id)
    if chosen is None and len(accounts) != 1:
        return render_template("projects/choose_account.html", accounts=accounts)
    account = get_account(chosen or accounts[0].id)
    form = NewProjectForm()
    with form.blaming():
        if form.validate_on_submit():
            project = add_project(_new_details(form, account.id))
            _sync_and_tell(project.id)
            return redirect(url_for("projects.show", project_id=project.id), 303)
    return render_template(
        "projects/new.html",
        form=form,
        account=account,
        accounts=accounts,
        offer=offer_stacks(account),
    ), form.status


@bp.route("/projects/<int:project_id>/edit", methods=["GET", "POST"])
@requires(Right.ADMINISTER)
def edit(project_id: int) -> ResponseReturnValue:
    """Change a project's name, stack, account or alias."""
    project = get_project(project_id)
    form = ProjectForm(obj=project)
    form.offer_accounts((a.id, f"{a.name} ({a.region})") for a in list_accounts())
    with form.blaming():
        if form.validate_on_submit():
            update_project(project_id, _details(form), form.seen_revision)
            flash("The project was saved.", "success")
            return redirect(url_for("projects.show", project_id=project_id), 303)
    return render_template("projects/edit.html", form=form, project=project), form.status


@bp.route("/projects/<int:project_id>/delete", methods=["GET", "POST"])
@requires(Right.ADMINISTER)
def delete(project_id: int) -> ResponseReturnValue:
    """Delete a project after having read what that means."""
    project = get_project(project_id)
    form = EmptyForm()
    with form.blaming():
        if form.validate_on_submit():
            name = project.name
            delete_project(project_id)
            flash(f"The project {name} was deleted. Nothing in AWS was changed.", "success")
            return redirect(url_for("projects.list_all"), 303)
    return render_template("projects/delete.html", form=form, project=project), form.status


def _parse_id(text: str) -> int:
    number = int(text)
    if number > HIGHEST_ID:
        raise ValueError(text)
    return number


def _new_details(form: NewProjectForm, account_id: int) -> ProjectDetails:
    stack = form.text("stack_name")
    name = form.text("name") or stack[:_LONGEST_NAME]
    return ProjectDetails(name, account_id, stack, form.text("alias"))


def _details(form: ProjectForm) -> ProjectDetails:
    return ProjectDetails(
        form.text("name"), form.account_id.data, form.text("stack_name"), form.text("alias")
    )


def _sync_and_tell(project_id: int) -> None:
    """Sync within the page's patience, and say in one sentence how it went."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    # This thread waits for AWS too, so its transaction, which found the person, ends here.
    db.session.commit()
    context = structlog.contextvars.get_contextvars()

    def work() -> SyncReport:
        with app.app_context(), structlog.contextvars.bound_contextvars(**context):
            return sync_project(project_id, force_full=True)

    try:
        report = _syncs.submit(work).result(_PATIENCE_S)
    except TooSlowError:
        flash("The stack is still being read: this page shows it as soon as it is done.", "info")
    except ConflictError as error:
        flash(str(error), "info")
    else:
        _tell(report)


def _tell(report: SyncReport) -> None:
    if report.error:
        flash(f"The sync failed: {report.error}", "error")
    elif report.gone:
        flash("The stack is gone from AWS.", "warning")
    elif report.failed:
        flash(f"Read, but for {', '.join(report.failed)}.", "warning")
    else:
        flash(f"Read {format_count(report.functions, 'function')} from AWS.", "success")
