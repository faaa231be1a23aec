"""The switch of a project's versions: choose, read the plan, confirm; all on one address."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from sah.blueprints.access import requires
from sah.domain.access import Right
from sah.domain.aliases import Routing
from sah.domain.errors import ConflictError, InvalidInputError
from sah.domain.operations import OnFailure, OperationKind
from sah.domain.plans import Plan
from sah.forms.switch import (
    Choice,
    ConfirmForm,
    choice_fields,
    choices_of,
    live_routings,
    parse_target,
    read_choices,
)
from sah.services.functions import describe_versions, list_published
from sah.services.operations import (
    OperationRequest,
    find_repeated_operation,
    plan_project_switch,
    plan_rest,
    plan_undo,
    preflight_plan,
    refuse_busy_stack,
    run_operation,
    start_operation,
)
from sah.services.projects import find_active_operation, get_project_summary
from sah.services.refresh import sync_if_changed

bp = Blueprint("switch", __name__, url_prefix="/projects/<int:project_id>/switch")

# Servers and proxies refuse longer addresses; then the plan is shown without one of its own.
_LONGEST_ADDRESS = 3000


@bp.get("")
@requires(Right.OPERATE)
def choose(project_id: int) -> ResponseReturnValue:
    """Choose a version per function; or, with a choice in the address, read its plan."""
    sync_if_changed(project_id)
    choices = read_choices(request.args)
    if not choices:
        return _show_form(project_id, choices)
    return _show_plan(project_id, choices, request.args)


@bp.post("")
@requires(Right.OPERATE)
def decide(project_id: int) -> ResponseReturnValue:
    """Go from the form to the plan and back, or carry out the plan that was read."""
    choices = read_choices(request.form)
    if "edit" in request.form:
        return _show_form(project_id, choices, form=ConfirmForm())
    if "fingerprint" in request.form:
        return _carry_out(project_id, choices)
    if not choices:
        flash("Nothing was chosen yet: give at least one function another version.", "warning")
    address = _address_of(project_id, choices, request.form.get("reason", "").strip())
    if len(address) > _LONGEST_ADDRESS:
        return _show_plan(project_id, choices, request.form)
    return redirect(address, 303)


@bp.get("/undo/<int:operation_id>")
@requires(Right.OPERATE)
def undo(project_id: int, operation_id: int) -> ResponseReturnValue:
    """Read what would take back an operation."""
    sync_if_changed(project_id)
    form = ConfirmForm.following(request.args, OperationKind.UNDO, operation_id)
    return _show_following(project_id, lambda: plan_undo(operation_id), form)


@bp.get("/rest/<int:operation_id>")
@requires(Right.OPERATE)
def rest(project_id: int, operation_id: int) -> ResponseReturnValue:
    """Read what an operation left to be moved."""
    sync_if_changed(project_id)
    form = ConfirmForm.following(request.args, OperationKind.REST, operation_id)
    return _show_following(project_id, lambda: plan_rest(operation_id), form)


def _show_following(
    project_id: int, follow: Callable[[], Plan], form: ConfirmForm
) -> ResponseReturnValue:
    following = follow()
    if following.moves and preflight_plan(project_id, following).is_outdated:
        following = follow()  # what somebody moved meanwhile is to be left alone
    choices = choices_of(following.target)
    _, plan, errors = _plan(project_id, choices)
    if plan is None:
        return _show_form(project_id, choices, errors, form)
    plan = replace(plan, moved_since=following.moved_since)
    return _render_plan(project_id, choices, plan, form)


def _address_of(project_id: int, choices: Mapping[str, Choice], reason: str) -> str:
    fields: dict[str, Any] = {**choice_fields(choices), "reason": reason or None}
    return url_for(".choose", project_id=project_id, **fields)


def _show_form(
    project_id: int,
    choices: Mapping[str, Choice],
    errors: Mapping[str, str] | None = None,
    form: ConfirmForm | None = None,
) -> ResponseReturnValue:
    status = 422 if errors else 200
    page = render_template(
        "operations/choose.html",
        summary=get_project_summary(project_id),
        published=list_published(project_id),
        choices=choices,
        errors=errors or {},
        form=form or ConfirmForm.opening(request.args),
    )
    return page, status


def _show_plan(
    project_id: int, choices: Mapping[str, Choice], entered: Mapping[str, str]
) -> ResponseReturnValue:
    form = ConfirmForm.opening(entered)
    _, plan, errors = _plan(project_id, choices)
    if plan is None:
        return _show_form(project_id, choices, errors, form)
    return _render_plan(project_id, choices, plan, form)


def _carry_out(project_id: int, choices: Mapping[str, Choice]) -> ResponseReturnValue:
    form = ConfirmForm()
    target, plan, errors = _plan(project_id, choices)
    repeated = _find_repeated(project_id, form)
    if repeated is not None:
        return _redirect_to_operation(repeated)
    if plan is None:
        return _show_form(project_id, choices, errors, form)
    with form.blaming():
        if form.validate_on_submit():
            return _start(project_id, target, form)
    return _render_plan(project_id, choices, plan, form)


def _start(
    project_id: int, target: Mapping[str, Routing], form: ConfirmForm
) -> ResponseReturnValue:
    if not form.text("override_reason"):
        refuse_busy_stack(project_id, form.text("fingerprint"))
    wanted = OperationRequest(
        project_id=project_id,
        target=target,
        fingerprint=form.fingerprint.data,
        reason=form.reason.data,
        requested_by=current_user.email,
        on_failure=OnFailure(form.on_failure.data),
        kind=form.operation_kind,
        origin_id=form.operation_origin_id,
        override_reason=form.text("override_reason"),
    )
    try:
        operation = start_operation(wanted)
    except ConflictError:
        # Another request may have started the same plan since the first look.
        repeated = _find_repeated(project_id, form)
        if repeated is None:
            raise
        return _redirect_to_operation(repeated)
    run_operation(operation.id)
    return _redirect_to_operation(operation.id)


def _plan(
    project_id: int, choices: Mapping[str, Choice]
) -> tuple[dict[str, Routing], Plan | None, dict[str, str]]:
    """Give the target and its plan; or no plan, and why, by function name."""
    functions = get_project_summary(project_id).functions
    live = live_routings((f.function.name, f.live.routing if f.live else None) for f in functions)
    target, errors = parse_target(choices, live)
    plan = None
    try:
        plan = plan_project_switch(project_id, target)
    except InvalidInputError as error:
        errors[error.field] = str(error)
    return target, None if errors else plan, errors


def _find_repeated(project_id: int, form: ConfirmForm) -> int | None:
    shown_at = form.seen_at(datetime.now(UTC))
    found = find_repeated_operation(project_id, form.fingerprint.data, shown_at)
    return found.id if found else None


def _render_plan(
    project_id: int, choices: Mapping[str, Choice], plan: Plan, form: ConfirmForm
) -> ResponseReturnValue:
    preflight = preflight_plan(project_id, plan) if plan.moves else None
    if preflight and preflight.is_outdated:
        _, anew, errors = _plan(project_id, choices)
        if anew is None:
            return _show_form(project_id, choices, errors, form)
        plan = replace(anew, moved_since=plan.moved_since)
        preflight = preflight_plan(project_id, plan) if plan.moves else None
    page = render_template(
        "operations/plan.html",
        summary=get_project_summary(project_id),
        plan=plan,
        versions=describe_versions(project_id, plan),
        active=find_active_operation(project_id),
        preflight=preflight,
        form=form,
        fields=choice_fields(choices),
        shown_at=datetime.now(UTC).timestamp(),
    )
    return page, form.status


def _redirect_to_operation(operation_id: int) -> ResponseReturnValue:
    return redirect(url_for("operations.show", operation_id=operation_id), 303)
