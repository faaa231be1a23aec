"""Roll back or forward to a deployment: choose it, plan the way, and start the operation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sah.domain.aliases import Routing
from sah.domain.deployments import DeploymentStatus
from sah.domain.errors import (
    ConflictError,
    NotFoundError,
    RollbackImpossibleError,
)
from sah.domain.operations import OnFailure, OperationKind, judge_kind
from sah.domain.plans import Plan
from sah.models import Deployment, Operation, Project
from sah.services.deployments import get_deployment, parse_number
from sah.services.operations import OperationRequest, plan_project_switch
from sah.services.projects import get_project
from sah.services.refresh import sync_if_changed
from sah.services.snapshots import SnapshotEntry, explain_missing, read_entries
from sah.services.standing import read_standing
from sah.services.targets import look_at_targets

PREVIOUS: Literal["previous"] = "previous"
# A deployment's number, or the one that was live before the present one.
Target = int | Literal["previous"]


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What a rollback, or roll forward, to ``deployment`` would move.

    ``target`` is what its functions are to serve. ``blocked`` are those that cannot go
    back and why, by name: the plan leaves them where they are. ``plan.untouched`` are
    those that the deployment did not have. ``unseen`` are those that “previous”, where
    that is what ``deployment`` is, had to skip: see ``Standing``.
    """

    deployment: Deployment
    target: Mapping[str, Routing]
    plan: Plan
    blocked: Mapping[str, str]
    unseen: Sequence[int] = ()

    @property
    def kind(self) -> OperationKind:
        """Say whether it goes back or forward."""
        return judge_kind((move.before, move.after) for move in self.plan.moves)


def parse_target(text: str) -> Target:
    """Read a deployment's number, with or without ``#``, or ``previous``.

    :raises InvalidInputError: it is neither.
    """
    return PREVIOUS if text.strip() == PREVIOUS else parse_number(text)


def find_previous(project_id: int) -> Deployment | None:
    """Find the deployment that “roll back” means when nobody says more."""
    return read_standing(project_id).previous


def look_and_plan_rollback(project_id: int, to: Target = PREVIOUS) -> RollbackPlan:
    """Plan a rollback after a look at AWS: at the stack, and at the versions to go back to.

    A version may have been deleted since the last sync read it. Only who knows that can
    leave its function where it is and roll back the others.

    :raises NotFoundError: there is no such project or deployment.
    :raises ConflictError: the deployment has no snapshot (yet, or any more).
    :raises RollbackImpossibleError: no function of it can go back.
    """
    sync_if_changed(project_id)
    project = get_project(project_id)
    look_at_targets(project, _find_target(project, to))
    return plan_rollback(project_id, to)


def plan_rollback(project_id: int, to: Target = PREVIOUS) -> RollbackPlan:
    """Plan to serve what a deployment published, from what the last sync saw.

    Functions are matched by name; those that the deployment did not have stay.

    :raises NotFoundError: there is no such project or deployment.
    :raises ConflictError: the deployment has no snapshot (yet, or any more).
    :raises RollbackImpossibleError: no function of it can go back.
    """
    project = get_project(project_id)
    deployment = _find_target(project, to)
    entries = _entries_of(project, deployment)
    blocked = {e.function: e.readiness.problem for e in entries if e.is_blocked}
    target = {e.function: Routing(e.version) for e in entries if e.function not in blocked}
    if not target:
        raise RollbackImpossibleError(
            f"No function of #{deployment.number} can be brought live any more.",
            " ".join(f"{name}: {why}" for name, why in sorted(blocked.items())),
        )
    plan = plan_project_switch(project_id, target)
    untouched = tuple(name for name in plan.untouched if name not in blocked)
    plan = replace(plan, untouched=untouched)
    return RollbackPlan(deployment, target, plan, blocked, _list_skipped(deployment))


def request_rollback(  # noqa: PLR0913 - what a person decides
    rollback: RollbackPlan,
    *,
    reason: str,
    requested_by: str,
    fingerprint: str = "",
    partial: bool = False,
    on_failure: OnFailure = OnFailure.PUT_BACK,
    override_reason: str = "",
) -> OperationRequest:
    """Make the request that carries a planned rollback out; give it to ``start_operation``.

    Without a ``fingerprint`` nobody saw another plan than this one. Functions that
    cannot go back stop it, unless ``partial`` says to leave them where they are.

    :raises RollbackImpossibleError: not every function can go back.
    """
    if rollback.blocked and not partial:
        raise RollbackImpossibleError(
            f"Not every function of #{rollback.deployment.number} can be brought live: "
            + " ".join(f"{name}: {why}" for name, why in sorted(rollback.blocked.items())),
            "Choose another deployment, or leave those where they are: --partial, or partial in"
            " a call.",
        )
    return OperationRequest(
        project_id=rollback.deployment.project_id,
        target=rollback.target,
        fingerprint=fingerprint or rollback.plan.fingerprint,
        reason=reason,
        requested_by=requested_by,
        kind=rollback.kind,
        on_failure=on_failure,
        override_reason=override_reason,
        deployment_number=rollback.deployment.number,
    )


def explain_left_out(operation: Operation) -> dict[str, str]:
    """Say by function why an operation that went to a deployment did not, and cannot, move it.

    Empty for one that went to none, or to one of which too little is known by now. What
    went after the operation had begun, as when old versions are pruned, was no reason then.
    """
    project, number = operation.project, operation.deployment_number
    if project is None or number is None or project.alias != operation.alias:
        return {}
    try:
        entries = _entries_of(project, get_deployment(project.id, number))
    except (ConflictError, NotFoundError):
        return {}
    moved = {move.function for move in operation.moves}
    left = [e for e in entries if e.is_blocked and e.function not in moved]
    begun = operation.created_at
    return {e.function: e.readiness.problem for e in left if (e.gone_at or begun) <= begun}


def _find_target(project: Project, to: Target) -> Deployment:
    if to != PREVIOUS:
        return get_deployment(project.id, to)
    previous = find_previous(project.id)
    if previous is None:
        raise NotFoundError(
            f"SAH has not seen an earlier deployment of {project.name} live.",
            "Name the deployment to go back to.",
        )
    return previous


def _list_skipped(target: Deployment) -> Sequence[int]:
    standing = read_standing(target.project_id)
    is_previous = standing.previous is not None and standing.previous.id == target.id
    return standing.unseen if is_previous else ()


def _entries_of(project: Project, deployment: Deployment) -> tuple[SnapshotEntry, ...]:
    number = deployment.number
    if deployment.status == DeploymentStatus.PENDING:
        raise ConflictError(
            f"What #{number} put live has not been read from AWS yet.",
            deployment.error or "Try again in a few seconds.",
        )
    if deployment.snapshot_id is None:
        why = explain_missing(deployment)
        raise ConflictError(f"What #{number} put live is not known. {why}")
    return read_entries(project, [deployment.snapshot_id]).get(deployment.snapshot_id, ())
