"""Operations: the journal, and each operation with the outcome of its moves."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from sah.blueprints.access import requires
from sah.domain.access import Right
from sah.domain.operations import MoveOutcome, OperationStatus
from sah.services.operations import get_operation, list_operations, list_running_operations
from sah.services.projects import get_project
from sah.services.rollback import explain_left_out
from sah.services.timeline import Kind

bp = Blueprint("operations", __name__)

_SHOWN = 200
_MOVED = (MoveOutcome.MOVED, MoveOutcome.SWITCHING)


@bp.get("/operations")
@requires(Right.VIEW)
def list_all() -> ResponseReturnValue:
    """See what was moved lately, by whom, and why."""
    operations = list_operations(limit=_SHOWN)
    running = [operation for operation in operations if operation.is_active]
    return render_template("operations/list.html", operations=operations, running=running)


@bp.get("/operations/running")
@requires(Right.VIEW)
def show_running() -> ResponseReturnValue:
    """Have an open list notice how far operations are, and that one has ended."""
    running = list_running_operations()
    seen = request.args.get("seen", "")
    ended = not set(seen.split(",")) <= {str(operation.id) for operation in running}
    return render_template("operations/_running.html", running=running, seen=seen, ended=ended)


@bp.get("/projects/<int:project_id>/operations")
@requires(Right.VIEW)
def list_of_project(project_id: int) -> ResponseReturnValue:
    """Go to what was moved in one project, in its history."""
    get_project(project_id)
    kind = str(Kind.OPERATIONS)
    return redirect(url_for("deployments.list_all", project_id=project_id, kind=kind), 302)


@bp.get("/operations/<int:operation_id>")
@requires(Right.VIEW)
def show(operation_id: int) -> ResponseReturnValue:
    """See one operation: who, when, why, and how each move ended."""
    return _render("operations/show.html", operation_id)


@bp.get("/operations/<int:operation_id>/progress")
@requires(Right.VIEW)
def show_progress(operation_id: int) -> ResponseReturnValue:
    """Have an open operation page follow the moves."""
    return _render("operations/_progress.html", operation_id)


def _render(template: str, operation_id: int) -> ResponseReturnValue:
    operation = get_operation(operation_id)
    return render_template(
        template,
        operation=operation,
        active=operation.is_active,
        left_out={} if operation.is_active else explain_left_out(operation),
        unfinished=operation.status != OperationStatus.SUCCEEDED,
        moved=[move for move in operation.moves if move.outcome in _MOVED],
    )
