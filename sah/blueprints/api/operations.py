"""Operations: start, follow, and undo them."""

from datetime import datetime

from flask import Blueprint, url_for
from pydantic import Field

from sah.blueprints.access import actor, bound_project_id, keeps_to_project, refuse_token, requires
from sah.blueprints.api.functions import RoutingAnswer
from sah.blueprints.api.paging import cut_page, read_cursor
from sah.blueprints.api.plans import MadePlan, PlanRequest, make_plan
from sah.blueprints.api.shapes import Answered, Asked, Page, PageQuery
from sah.blueprints.api.spec import describe
from sah.domain.access import Right
from sah.domain.errors import NotFoundError, StalePlanError
from sah.domain.operations import MoveOutcome, OnFailure, OperationKind, OperationStatus
from sah.models import Move, Operation
from sah.services.operations import (
    MAX_REASON_LENGTH,
    OperationRequest,
    get_operation,
    list_operations,
    plan_undo,
    start_checked,
)
from sah.services.projects import get_project
from sah.services.refresh import sync_if_changed
from sah.services.rollback import request_rollback

bp = Blueprint("operations", __name__)


class ProgressAnswer(Answered):
    """How many moves ended how, so far."""

    total: int
    moved: int
    verified: int = Field(description="Read back at their targets.")
    failed: int
    put_back: int


class MoveAnswer(Answered):
    """One alias: from where, to where, and how that ended."""

    function: str
    from_: RoutingAnswer = Field(serialization_alias="from")
    to: RoutingAnswer
    outcome: MoveOutcome
    detail: str


class OperationAnswer(Answered):
    """One operation. It worked only when its status is ``succeeded``."""

    id: int
    project_id: int | None = Field(description="Null once the project was deleted.")
    project: str
    kind: OperationKind = Field(
        description="A way to a deployment is a roll_forward when no function gets an older"
        " version than it serves now, else a rollback."
    )
    status: OperationStatus
    reason: str
    requested_by: str
    on_failure: OnFailure
    error: str = Field(description="Why it did not succeed, once it has ended.")
    waits_for: str = Field(description="Until then: since when AWS does not answer, and why.")
    to: int | None = Field(description="The deployment that a rollback or roll forward goes to.")
    progress: ProgressAnswer
    moves: list[MoveAnswer]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None = Field(description="Ask again until it is set.")
    duration_s: float | None
    url: str


class OperationPage(Page):
    """Operations, newest first."""

    items: list[OperationAnswer]


class UndoRequest(Asked):
    """Why an operation is taken back."""

    reason: str = Field(min_length=1, max_length=MAX_REASON_LENGTH)
    on_failure: OnFailure = OnFailure.PUT_BACK
    override_reason: str = Field(
        default="",
        max_length=MAX_REASON_LENGTH,
        description="Why to move although the stack is being updated.",
    )


class StartRequest(PlanRequest, UndoRequest):
    """What is to move, and why."""

    fingerprint: str = Field(
        default="", max_length=64, description="The plan's: refuse when another one came out."
    )


@bp.get("/projects/<int:project_id>/operations")
@requires(Right.VIEW)
@describe(OperationPage, tag="operations")
def list_of_project(project_id: int, query: PageQuery) -> OperationPage:
    """List a project's operations."""
    get_project(project_id)
    before = read_cursor(query, int)
    found = list_operations(project_id, limit=query.limit + 1, before_id=before)
    page, cursor = cut_page(found, query, lambda operation: operation.id)
    return OperationPage(items=[answer_operation(one) for one in page], next_cursor=cursor)


@bp.post("/projects/<int:project_id>/operations")
@requires(Right.OPERATE)
@describe(OperationAnswer, tag="operations", status=202, errors=(409, 502))
def create(project_id: int, json: StartRequest) -> tuple[OperationAnswer, int]:
    """Move aliases: checked at once, carried out in the background."""
    return start_switch(project_id, json), 202


@bp.get("/operations/<int:operation_id>")
@requires(Right.VIEW)
@keeps_to_project
@describe(OperationAnswer, tag="operations")
def show(operation_id: int) -> OperationAnswer:
    """Read one operation; ask again until ``finished_at`` is set."""
    return answer_operation(_get_allowed(operation_id))


@bp.post("/operations/<int:operation_id>/undo")
@requires(Right.OPERATE)
@keeps_to_project
@describe(OperationAnswer, tag="operations", status=202, errors=(409, 502))
def undo(operation_id: int, json: UndoRequest) -> tuple[OperationAnswer, int]:
    """Take back what an operation moved; what was moved on since is left alone."""
    project_id = _get_allowed(operation_id).project_id
    if project_id is not None:
        sync_if_changed(project_id)
    plan = plan_undo(operation_id)
    request = OperationRequest(
        project_id=project_id or 0,
        target=plan.target,
        fingerprint=plan.fingerprint,
        reason=json.reason,
        requested_by=actor(),
        kind=OperationKind.UNDO,
        on_failure=json.on_failure,
        override_reason=json.override_reason,
        origin_id=operation_id,
    )
    return answer_operation(start_checked(request, plan)), 202


def start_switch(project_id: int, wanted: StartRequest) -> OperationAnswer:
    """Plan, check and start what a call asks for.

    :raises SahError: it cannot be carried out, or the plan is not the one that was seen.
    """
    made = make_plan(project_id, wanted)
    if wanted.fingerprint and wanted.fingerprint != made.plan.fingerprint:
        raise StalePlanError("The aliases changed since this plan was made.", "Plan again.")
    return answer_operation(start_checked(_request(project_id, made, wanted), made.plan))


def _request(project_id: int, made: MadePlan, wanted: StartRequest) -> OperationRequest:
    if made.rollback is not None:
        return request_rollback(
            made.rollback,
            reason=wanted.reason,
            requested_by=actor(),
            partial=wanted.partial,
            on_failure=wanted.on_failure,
            override_reason=wanted.override_reason,
        )
    return OperationRequest(
        project_id=project_id,
        target=made.plan.target,
        fingerprint=made.plan.fingerprint,
        reason=wanted.reason,
        requested_by=actor(),
        on_failure=wanted.on_failure,
        override_reason=wanted.override_reason,
    )


def answer_operation(operation: Operation) -> OperationAnswer:
    """Say how an operation stands."""
    progress = operation.progress
    return OperationAnswer(
        id=operation.id,
        project_id=operation.project_id,
        project=operation.project_name,
        kind=OperationKind(operation.kind),
        status=OperationStatus(operation.status),
        reason=operation.reason,
        requested_by=operation.requested_by,
        on_failure=OnFailure(operation.on_failure),
        error="" if operation.is_active else operation.error,
        waits_for=operation.waits_for,
        to=operation.deployment_number,
        progress=ProgressAnswer(
            total=progress.total,
            moved=progress.moved,
            verified=progress.verified,
            failed=progress.failed,
            put_back=progress.put_back,
        ),
        moves=[_answer_move(move) for move in operation.moves],
        created_at=operation.created_at,
        started_at=operation.started_at,
        finished_at=operation.finished_at,
        duration_s=operation.duration.total_seconds() if operation.duration else None,
        url=url_for("operations.show", operation_id=operation.id, _external=True),
    )


def _answer_move(move: Move) -> MoveAnswer:
    return MoveAnswer(
        function=move.function,
        from_=RoutingAnswer.of(move.before),
        to=RoutingAnswer.of(move.after),
        outcome=MoveOutcome(move.outcome),
        detail=move.detail,
    )


def _get_allowed(operation_id: int) -> Operation:
    """Read an operation; a token of another project learns not even whether it exists."""
    bound = bound_project_id()
    try:
        operation = get_operation(operation_id)
    except NotFoundError:
        if bound is not None:
            raise refuse_token() from None
        raise
    if bound not in (None, operation.project_id):
        raise refuse_token()
    return operation
