"""Operations from the side of a person: plan, check, start, undo, and move the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.exc import IntegrityError

from sah.domain.aliases import AliasState, Routing
from sah.domain.errors import BusyError, ConflictError, InvalidInputError, StalePlanError
from sah.domain.operations import MoveOutcome, OnFailure, OperationKind, OperationStatus
from sah.domain.plans import Plan, PlannedMove, plan_inverse, plan_switch
from sah.extensions import db
from sah.models import Move, Operation, Project
from sah.services.execution import execute_operation
from sah.services.functions import list_summaries_by_project
from sah.services.history import (
    find_repeated_operation,
    get_operation,
    list_operations,
    list_running_operations,
)
from sah.services.live import lock_project
from sah.services.owners import this_process
from sah.services.preflight import preflight_plan, refuse_busy_stack, refuse_plan
from sah.services.projects import find_active_operation, get_project
from sah.services.runner import resume_operations, run_operation

__all__ = [
    "OperationRequest",
    "execute_operation",
    "find_repeated_operation",
    "get_operation",
    "list_operations",
    "list_running_operations",
    "plan_project_switch",
    "plan_rest",
    "plan_undo",
    "preflight_plan",
    "refuse_busy_stack",
    "refuse_when_busy",
    "resume_operations",
    "run_operation",
    "start_checked",
    "start_operation",
]

MAX_REASON_LENGTH = 500

_TAKEN = (MoveOutcome.MOVED, MoveOutcome.SWITCHING)


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """What a person confirmed: the target by function name, and the plan's fingerprint.

    ``override_reason`` says why to move although the stack is being updated.
    ``origin_id`` is the operation that an undo takes back, or whose rest is moved,
    ``deployment_number`` the deployment that a rollback or roll forward goes to.
    """

    project_id: int
    target: Mapping[str, Routing]
    fingerprint: str
    reason: str
    requested_by: str
    kind: OperationKind = OperationKind.SWITCH
    on_failure: OnFailure = OnFailure.PUT_BACK
    override_reason: str = ""
    origin_id: int | None = None
    deployment_number: int | None = None


def plan_project_switch(project_id: int, target: Mapping[str, Routing]) -> Plan:
    """Plan a switch of a project's functions from what the last sync saw.

    Each move carries the ``RevisionId`` seen then, so that a move made elsewhere
    since is noticed by AWS itself (aws-facts 1 and 4).

    :raises NotFoundError: there is no such project.
    :raises InvalidInputError: a function or a version that the project does not have.
    """
    project = get_project(project_id)
    summaries = list_summaries_by_project([project]).get(project.id, ())
    known = {summary.function.name: summary for summary in summaries}
    for name, routing in target.items():
        if name not in known:
            raise InvalidInputError(f"{project.name} has no function {name}.", field=name)
        _check_versions(name, routing, known[name].versions)
    live = {name: s.live for name, s in known.items() if s.live is not None}
    return plan_switch(project.alias, live, target)


def plan_undo(operation_id: int) -> Plan:
    """Plan the inverse of what a finished operation moved, from where the aliases are now.

    What somebody moved on since is left alone and listed in ``Plan.moved_since``.

    :raises NotFoundError: there is no such operation.
    :raises ConflictError: it has not ended, moved nothing, or its project is gone or changed.
    :raises InvalidInputError: a function or version to go back to does not exist any more.
    """
    operation = get_operation(operation_id)
    project = _project_of(operation)
    made = [move for move in operation.moves if move.outcome in _TAKEN]
    if not made:
        raise ConflictError("This operation moved nothing that is left to undo.")
    live = _list_live(project)
    planned = Plan(operation.alias, tuple(_as_planned(operation, move) for move in made))
    inverse = plan_inverse(planned, live)
    target = {move.function: move.before for move in made if move.function in inverse.target}
    return replace(
        plan_project_switch(project.id, target),
        unchanged=inverse.unchanged,
        moved_since=inverse.moved_since,
    )


def plan_rest(operation_id: int) -> Plan:
    """Plan what a finished operation meant to move and did not.

    :raises NotFoundError: there is no such operation.
    :raises ConflictError: it has not ended, moved all, or its project is gone or changed.
    :raises InvalidInputError: a function or version of the target does not exist any more.
    """
    operation = get_operation(operation_id)
    project = _project_of(operation)
    target = {move.function: move.after for move in operation.moves if not _is_done(move)}
    if not target:
        raise ConflictError("This operation moved everything that it meant to.")
    return plan_project_switch(project.id, target)


def start_operation(request: OperationRequest) -> Operation:
    """Journal an operation and its moves before anything is called.

    Give it to ``run_operation`` next.

    :raises InvalidInputError: no reason was given, or nothing would move.
    :raises StalePlanError: the plan is not the one that the person saw.
    :raises BusyError: another operation is moving this project's aliases.
    """
    reason = _parse_reason(request.reason)
    project = get_project(request.project_id)
    _check_origin(request)
    refuse_when_busy(project)
    plan = plan_project_switch(request.project_id, request.target)
    if plan.fingerprint != request.fingerprint:
        raise StalePlanError(
            "The aliases or the choice changed since this plan was shown, so nothing was moved.",
            "Read the new plan below and confirm it again.",
        )
    if not plan.moves:
        raise InvalidInputError("Nothing would move.", "Choose another version first.")
    operation = _journal(project, plan, request, reason)
    # A sync that is storing what it read before now would overwrite what this will move.
    lock_project(project.id)
    db.session.add(operation)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        refuse_when_busy(get_project(request.project_id))
        raise
    return operation


def start_checked(request: OperationRequest, plan: Plan) -> Operation:
    """Check a plan with AWS, journal it, and begin to carry it out in the background.

    :raises RollbackImpossibleError: an alias or a target version cannot be moved or run.
    :raises StackBusyError: the stack is being updated, and there is no ``override_reason``.
    :raises InvalidInputError: no reason was given, or nothing would move.
    :raises StalePlanError: the aliases changed since the plan was made.
    :raises BusyError: another operation is moving this project's aliases.
    """
    if plan.moves:
        checks = preflight_plan(request.project_id, plan)
        refuse_plan(plan, checks, overridden=bool(request.override_reason.strip()))
    operation = start_operation(request)
    run_operation(operation.id)
    return operation


def refuse_when_busy(project: Project) -> None:
    """Let nothing begin while another operation moves the project's aliases.

    :raises BusyError: one does; it says who, what for, and how far it is.
    """
    active = find_active_operation(project.id)
    if active is not None:
        raise BusyError(
            f"{active.requested_by} is moving the aliases of {project.name} right now"
            f" ({active.progress}): “{active.reason}”.",
            f"Operation {active.id} started at {active.created_at:%H:%M:%S} UTC; wait for its end.",
        )


def _check_origin(request: OperationRequest) -> None:
    if request.kind not in (OperationKind.UNDO, OperationKind.REST):
        return
    if request.origin_id is None or get_operation(request.origin_id).project_id != (
        request.project_id
    ):
        raise InvalidInputError("This follows an operation of another project.")


def _journal(project: Project, plan: Plan, request: OperationRequest, reason: str) -> Operation:
    return Operation(
        project_id=project.id,
        project_name=project.name,
        stack_name=project.stack_name,
        alias=plan.alias,
        kind=request.kind,
        status=OperationStatus.QUEUED,
        on_failure=request.on_failure,
        reason=reason,
        override_reason=" ".join(request.override_reason.split())[:MAX_REASON_LENGTH],
        fingerprint=plan.fingerprint,
        requested_by=request.requested_by,
        deployment_number=request.deployment_number,
        owner=this_process(),
        undo_of_id=request.origin_id if request.kind is OperationKind.UNDO else None,
        rest_of_id=request.origin_id if request.kind is OperationKind.REST else None,
        moves=[_as_move(move) for move in plan.moves],
    )


def _as_move(move: PlannedMove) -> Move:
    return Move(
        function=move.function,
        from_version=move.before.version,
        from_weights=dict(move.before.weights),
        to_version=move.after.version,
        to_weights=dict(move.after.weights),
        revision_id=move.revision_id,
    )


def _as_planned(operation: Operation, move: Move) -> PlannedMove:
    return PlannedMove(move.function, operation.alias, move.before, move.after, move.revision_id)


def _is_done(move: Move) -> bool:
    outcome, verified = move.ending
    return outcome is MoveOutcome.UNCHANGED or (outcome is MoveOutcome.MOVED and verified)


def _list_live(project: Project) -> dict[str, AliasState]:
    summaries = list_summaries_by_project([project]).get(project.id, ())
    return {s.function.name: s.live for s in summaries if s.live is not None}


def _project_of(operation: Operation) -> Project:
    """Give the project of a finished operation whose aliases can still be moved.

    :raises ConflictError: it has not ended, or its project is gone or changed.
    """
    if OperationStatus(operation.status).is_active:
        raise ConflictError("This operation has not ended yet.", "Wait for its end.")
    project = operation.project
    if project is None:
        raise ConflictError(f"The project {operation.project_name} was deleted.")
    if (project.stack_name, project.alias) != (operation.stack_name, operation.alias):
        raise ConflictError(
            f"{project.name} looks after another stack or alias by now.",
            f"The operation moved {operation.alias} of {operation.stack_name}.",
        )
    return project


def _check_versions(name: str, routing: Routing, versions: tuple[str, ...]) -> None:
    for version in routing.shares:
        if version not in versions:
            raise InvalidInputError(
                f"{name} has no version {version} (any more).",
                "Choose one of its published versions; sync the project if it is new.",
                field=name,
            )


def _parse_reason(text: str) -> str:
    reason = " ".join(text.split())
    if not reason:
        raise InvalidInputError(
            "A reason is missing.", "Say why, for those who read the history.", field="reason"
        )
    if len(reason) > MAX_REASON_LENGTH:
        raise InvalidInputError(
            f"The reason is longer than {MAX_REASON_LENGTH} characters.", field="reason"
        )
    return reason
