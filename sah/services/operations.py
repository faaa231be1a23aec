"""Operations: plan a switch, journal it, carry it out, and say how each move ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from sah.aws.gateway import AwsGateway
from sah.domain.aliases import AliasState, Routing
from sah.domain.errors import (
    BusyError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    SahError,
    StalePlanError,
)
from sah.domain.operations import MoveOutcome, OnFailure, OperationKind, OperationStatus
from sah.domain.plans import Plan, plan_switch
from sah.extensions import db
from sah.models import Move, Operation, Project
from sah.services.accounts import open_gateway
from sah.services.functions import list_summaries_by_project
from sah.services.projects import find_active_operation, get_project

log = structlog.get_logger(__name__)

MAX_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """What a person confirmed: the target by function name, and the plan's fingerprint."""

    project_id: int
    target: Mapping[str, Routing]
    fingerprint: str
    reason: str
    requested_by: str
    kind: OperationKind = OperationKind.SWITCH
    on_failure: OnFailure = OnFailure.PUT_BACK


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


def start_operation(request: OperationRequest) -> Operation:
    """Journal an operation and its moves before anything is called.

    :raises InvalidInputError: no reason was given, or nothing would move.
    :raises StalePlanError: the plan is not the one that the person saw.
    :raises BusyError: another operation is moving this project's aliases.
    """
    reason = _parse_reason(request.reason)
    project = get_project(request.project_id)
    _refuse_when_busy(project)
    plan = plan_project_switch(request.project_id, request.target)
    if plan.fingerprint != request.fingerprint:
        raise StalePlanError(
            "The aliases or the choice changed since this plan was shown, so nothing was moved.",
            "Read the new plan below and confirm it again.",
        )
    if not plan.moves:
        raise InvalidInputError("Nothing would move.", "Choose another version first.")
    operation = _journal(project, plan, request, reason)
    db.session.add(operation)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        _refuse_when_busy(get_project(request.project_id))
        raise
    return operation


def get_operation(operation_id: int) -> Operation:
    """Read one operation with its moves.

    :raises NotFoundError: there is no such operation.
    """
    query = (
        sa.select(Operation)
        .where(Operation.id == operation_id)
        .options(selectinload(Operation.moves))
    )
    operation = db.session.scalar(query)
    if operation is None:
        raise NotFoundError("There is no such operation.")
    return operation


def list_operations(project_id: int | None = None, *, limit: int = 50) -> list[Operation]:
    """List the latest operations, of one project or of all, newest first."""
    query = (
        sa.select(Operation)
        .order_by(Operation.id.desc())
        .limit(limit)
        .options(selectinload(Operation.moves))
    )
    if project_id is not None:
        query = query.where(Operation.project_id == project_id)
    return list(db.session.scalars(query))


def execute_operation(operation_id: int) -> Operation:
    """Carry out a journalled operation, one move after the other.

    Each outcome is stored as it comes. After the first failure the rest is not
    attempted, and what was moved is put back if the person chose so.
    """
    operation = get_operation(operation_id)
    operation.status = OperationStatus.RUNNING
    operation.started_at = datetime.now(UTC)
    db.session.commit()
    try:
        gateway = _gateway_of(operation)
        _move_all(operation, gateway)
        if _failed(operation) and operation.on_failure == OnFailure.PUT_BACK:
            _put_back_all(operation, gateway)
    except SahError as error:
        operation.error = str(error)
    return _finish(operation)


def _gateway_of(operation: Operation) -> AwsGateway:
    if operation.project is None:
        raise ConflictError("The project was deleted.", "Nothing more can be moved.")
    gateway = open_gateway(operation.project.account, urgent=True)
    db.session.commit()
    return gateway


def _move_all(operation: Operation, gateway: AwsGateway) -> None:
    for move in operation.moves:
        if _failed(operation):
            _record(move, MoveOutcome.NOT_ATTEMPTED)
            continue
        after = Routing(move.to_version, tuple(move.to_weights.items()))
        try:
            state = gateway.update_alias(move.function, operation.alias, after, move.revision_id)
        except SahError as error:
            _record(move, MoveOutcome.FAILED, str(error))
        else:
            move.revision_id = state.revision_id
            _record(move, MoveOutcome.MOVED)
            _remember_alias(operation, state)


def _put_back_all(operation: Operation, gateway: AwsGateway) -> None:
    for move in operation.moves:
        if move.outcome != MoveOutcome.MOVED:
            continue
        before = Routing(move.from_version, tuple(move.from_weights.items()))
        try:
            state = gateway.update_alias(move.function, operation.alias, before, move.revision_id)
        except SahError as error:
            _record(move, MoveOutcome.MOVED, f"It could not be put back: {error}")
        else:
            _record(move, MoveOutcome.PUT_BACK)
            _remember_alias(operation, state)


def _record(move: Move, outcome: MoveOutcome, detail: str = "") -> None:
    move.outcome = outcome
    move.detail = detail
    move.finished_at = datetime.now(UTC)
    db.session.commit()


def _remember_alias(operation: Operation, state: AliasState) -> None:
    """Keep the pages right until the next sync, and the next plan's RevisionId fresh."""
    project = operation.project
    if project is None:
        return
    for summary in list_summaries_by_project([project]).get(project.id, ()):
        for row in summary.function.aliases:
            if summary.function.name == state.function and row.name == state.name:
                row.version = state.routing.version
                row.weights = dict(state.routing.weights)
                row.revision_id = state.revision_id
    db.session.commit()


def _failed(operation: Operation) -> bool:
    return any(move.outcome == MoveOutcome.FAILED for move in operation.moves)


def _finish(operation: Operation) -> Operation:
    operation.status = _end_status({MoveOutcome(move.outcome) for move in operation.moves})
    operation.finished_at = datetime.now(UTC)
    db.session.commit()
    log.info(
        "operation.finished",
        operation=operation.id,
        project=operation.project_name,
        status=str(operation.status),
        moved=sum(1 for m in operation.moves if m.outcome == MoveOutcome.MOVED),
        failed=sum(1 for m in operation.moves if m.outcome == MoveOutcome.FAILED),
    )
    return operation


def _end_status(outcomes: set[MoveOutcome]) -> OperationStatus:
    if outcomes <= {MoveOutcome.MOVED, MoveOutcome.UNCHANGED}:
        return OperationStatus.SUCCEEDED
    if MoveOutcome.MOVED in outcomes:
        return OperationStatus.PARTLY_MOVED
    if MoveOutcome.PUT_BACK in outcomes:
        return OperationStatus.PUT_BACK
    return OperationStatus.FAILED


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
        fingerprint=plan.fingerprint,
        requested_by=request.requested_by,
        moves=[
            Move(
                function=move.function,
                from_version=move.before.version,
                from_weights=dict(move.before.weights),
                to_version=move.after.version,
                to_weights=dict(move.after.weights),
                revision_id=move.revision_id,
            )
            for move in plan.moves
        ],
    )


def _refuse_when_busy(project: Project) -> None:
    active = find_active_operation(project.id)
    if active is not None:
        raise BusyError(
            f"{active.requested_by} is moving the aliases of {project.name} right now.",
            f"Operation {active.id} started at {active.created_at:%H:%M:%S} UTC; wait for its end.",
        )


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
