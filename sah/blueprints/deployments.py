"""Deployments: the history of a project, one deployment, comparing two, and rolling back."""

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from sah.blueprints.access import requires
from sah.domain.access import Right
from sah.domain.comparison import NOT_ROLLED_BACK
from sah.domain.deployments import DeploymentStatus, Liveness
from sah.domain.errors import ConflictError
from sah.domain.operations import OnFailure
from sah.forms.switch import ConfirmForm
from sah.models import Project
from sah.services.comparison import LIVE, compare_deployments, parse_side
from sah.services.deployments import get_deployment
from sah.services.functions import describe_versions
from sah.services.operations import (
    find_repeated_operation,
    preflight_plan,
    refuse_busy_stack,
    run_operation,
    start_operation,
)
from sah.services.projects import find_active_operation, get_project, get_project_summary
from sah.services.refresh import sync_if_changed
from sah.services.rollback import (
    RollbackPlan,
    look_and_plan_rollback,
    plan_rollback,
    request_rollback,
)
from sah.services.snapshots import newest_captured
from sah.services.standing import read_standing
from sah.services.summaries import (
    DeploymentSummary,
    list_deployments,
    summarise_deployments,
)
from sah.services.targets import look_at_targets
from sah.services.timeline import (
    Kind,
    find_unfinished,
    list_timeline,
    list_unfinished,
    parse_kind,
)

bp = Blueprint("deployments", __name__, url_prefix="/projects/<int:project_id>")

# So many deployments are offered to compare with; the number of any other can be typed.
_OFFERED = 30


@bp.get("/deployments")
@requires(Right.VIEW)
def list_all(project_id: int) -> ResponseReturnValue:
    """See what was deployed and rolled back, by whom, and what can be gone back to."""
    project = get_project(project_id)
    search = request.args.get("q", "").strip()[:100]
    kind = parse_kind(request.args.get("kind", ""))
    timeline = list_timeline(
        project, search=search, kind=kind, cursor=request.args.get("cursor", "")
    )
    return render_template(
        "deployments/list.html",
        project=project,
        timeline=timeline,
        standing=read_standing(project_id),
        unfinished=find_unfinished(timeline),
        search=search,
        kind=kind,
        kinds=list(Kind),
    )


@bp.get("/deployments/unfinished")
@requires(Right.VIEW)
def show_unfinished(project_id: int) -> ResponseReturnValue:
    """Have an open history notice that something in it has ended."""
    project = get_project(project_id)
    unfinished = list_unfinished(project_id)
    seen = request.args.get("seen", "")
    return render_template(
        "deployments/_unfinished.html",
        project=project,
        unfinished=unfinished,
        seen=seen,
        ended=not set(seen.split(",")) <= set(unfinished.labels),
    )


@bp.get("/deployments/<int:number>")
@requires(Right.VIEW)
def show(project_id: int, number: int) -> ResponseReturnValue:
    """See one deployment: what it changed, if it is live, and if one can go back to it."""
    project = get_project(project_id)
    deployment = get_deployment(project_id, number)
    if deployment.number != number:
        return redirect(url_for(".show", project_id=project_id, number=deployment.number), 302)
    look_at_targets(project, deployment)
    return _render_deployment("deployments/show.html", project_id, number)


@bp.get("/deployments/<int:number>/state")
@requires(Right.VIEW)
def show_state(project_id: int, number: int) -> ResponseReturnValue:
    """Have an open page notice that the deployment was read."""
    return _render_deployment("deployments/_state.html", project_id, number)


@bp.get("/deployments/<int:number>/compare")
@requires(Right.VIEW)
def compare(project_id: int, number: int) -> ResponseReturnValue:
    """See how a deployment differs from another one, or from what is live."""
    project = get_project(project_id)
    deployment = get_deployment(project_id, number)
    before = parse_side(request.args.get("with", LIVE))
    return render_template(
        "deployments/compare.html",
        project=project,
        summary=summarise_deployments(project, [deployment])[0],
        comparison=compare_deployments(project_id, before, number),
        chosen=before,
        others=list_deployments(project, limit=_OFFERED),
        not_rolled_back=NOT_ROLLED_BACK,
    )


@bp.get("/rollback")
@requires(Right.OPERATE)
def rollback_to_previous(project_id: int) -> ResponseReturnValue:
    """Go to the plan of rolling back to what was live before."""
    get_project(project_id)
    sync_if_changed(project_id)
    previous = read_standing(project_id).previous
    if previous is None:
        flash("SAH has seen no earlier deployment wholly live: choose one here.", "warning")
        return redirect(url_for(".list_all", project_id=project_id), 302)
    return redirect(url_for(".rollback", project_id=project_id, number=previous.number), 302)


@bp.get("/deployments/<int:number>/rollback")
@requires(Right.OPERATE)
def rollback(project_id: int, number: int) -> ResponseReturnValue:
    """Read what rolling back, or forward, to a deployment would move."""
    form = ConfirmForm.opening(request.args)
    return _show_plan(look_and_plan_rollback(project_id, number), form)


@bp.post("/deployments/<int:number>/rollback")
@requires(Right.OPERATE)
def start_rollback(project_id: int, number: int) -> ResponseReturnValue:
    """Roll back or forward as the plan that was read says."""
    form = ConfirmForm()
    repeated = _find_repeated(project_id, form)
    if repeated is not None:
        return repeated
    planned = plan_rollback(project_id, number)
    with form.blaming():
        if form.validate_on_submit():
            return _start(planned, form)
    return _show_plan(planned, form)


def _start(planned: RollbackPlan, form: ConfirmForm) -> ResponseReturnValue:
    if not form.text("override_reason"):
        refuse_busy_stack(planned.deployment.project_id, planned.plan.fingerprint)
    wanted = request_rollback(
        planned,
        reason=form.reason.data,
        requested_by=current_user.email,
        fingerprint=form.text("fingerprint") or "none",
        partial="partial" in request.values,
        on_failure=OnFailure(form.on_failure.data),
        override_reason=form.text("override_reason"),
    )
    try:
        operation = start_operation(wanted)
    except ConflictError:
        # Another request may have started the same plan since the first look.
        repeated = _find_repeated(planned.deployment.project_id, form)
        if repeated is None:
            raise
        return repeated
    run_operation(operation.id)
    return redirect(url_for("operations.show", operation_id=operation.id), 303)


def _find_repeated(project_id: int, form: ConfirmForm) -> ResponseReturnValue | None:
    shown_at = form.seen_at(datetime.now(UTC))
    found = find_repeated_operation(project_id, form.text("fingerprint"), shown_at)
    if found is None:
        return None
    return redirect(url_for("operations.show", operation_id=found.id), 303)


def _show_plan(planned: RollbackPlan, form: ConfirmForm) -> ResponseReturnValue:
    project_id = planned.deployment.project_id
    preflight = preflight_plan(project_id, planned.plan) if planned.plan.moves else None
    if preflight and preflight.is_outdated:
        planned = plan_rollback(project_id, planned.deployment.number)
        preflight = preflight_plan(project_id, planned.plan) if planned.plan.moves else None
    summary = get_project_summary(project_id)
    page = render_template(
        "deployments/rollback.html",
        summary=summary,
        planned=planned,
        target=summarise_deployments(summary.project, [planned.deployment])[0],
        plan=planned.plan,
        partial="partial" in request.values,
        versions=describe_versions(project_id, planned.plan),
        active=find_active_operation(project_id),
        preflight=preflight,
        form=form,
        shown_at=datetime.now(UTC).timestamp(),
        not_rolled_back=NOT_ROLLED_BACK,
    )
    return page, form.status


def _render_deployment(template: str, project_id: int, number: int) -> ResponseReturnValue:
    project = get_project(project_id)
    deployment = get_deployment(project_id, number)
    summary = summarise_deployments(project, [deployment])[0]
    return render_template(
        template,
        project=project,
        summary=summary,
        before=newest_captured(project_id, before=number),
        previous=_find_way_back(project, summary),
        waits=deployment.status == DeploymentStatus.PENDING,
    )


def _find_way_back(project: Project, shown: DeploymentSummary) -> DeploymentSummary | None:
    """Find what one would roll back to from a deployment that is live."""
    if shown.liveness is not Liveness.LIVE:
        return None
    previous = read_standing(project.id).previous
    return summarise_deployments(project, [previous])[0] if previous else None
