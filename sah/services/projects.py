"""Projects: which stacks SAH looks after, and how each of them stands."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from sah.domain.aliases import parse_alias_name
from sah.domain.errors import (
    ConflictError,
    DuplicateError,
    InvalidInputError,
    NotFoundError,
)
from sah.domain.operations import OperationStatus
from sah.extensions import db
from sah.models import Account, Function, Operation, Project
from sah.services.accounts import get_account
from sah.services.edits import claim_revision
from sah.services.functions import (
    FunctionCounts,
    FunctionSummary,
    count_functions_by_project,
    list_summaries_by_project,
)
from sah.services.live import lock_project, track_live
from sah.services.settling import forget_snapshots

MAX_NAME_LENGTH = 80
_STACK = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


class ProjectState(StrEnum):
    """How a project stands, the worst first."""

    GONE = "gone"
    SYNC_FAILED = "sync_failed"
    NEVER_SYNCED = "never_synced"
    MOVING = "moving"
    NOT_READY = "not_ready"
    PARTLY_READY = "partly_ready"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class ProjectDetails:
    """What a person enters for a project."""

    name: str
    account_id: int
    stack_name: str
    alias: str


@dataclass(frozen=True, slots=True)
class ProjectSummary:
    """One project with what a list of projects shows of it.

    The counts leave out functions that are gone; ``ready_count`` is of those that
    can be rolled back.
    """

    project: Project
    state: ProjectState
    function_count: int
    ready_count: int
    last_deployed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProjectView(ProjectSummary):
    """One project with all of its functions, by name, also those that are gone."""

    functions: tuple[FunctionSummary, ...]


def list_projects() -> list[Project]:
    """List all projects, by name."""
    return list(db.session.scalars(sa.select(Project).order_by(Project.name)))


def list_project_summaries(
    *, after: str | None = None, limit: int | None = None, project_id: int | None = None
) -> list[ProjectSummary]:
    """List projects by name, each with its state; the number of queries is fixed.

    All of them, or at most ``limit`` whose names come ``after`` one, or only one project.
    """
    query = sa.select(Project).order_by(Project.name).limit(limit)
    if after is not None:
        query = query.where(Project.name > after)
    if project_id is not None:
        query = query.where(Project.id == project_id)
    projects = list(db.session.scalars(query))
    everything = after is None and limit is None and project_id is None
    counts = count_functions_by_project(None if everything else [p.id for p in projects])
    moving = _list_moving()
    return [
        ProjectSummary(
            project=project,
            state=_state(project, counts[project.id], moving=project.id in moving),
            function_count=counts[project.id].present,
            ready_count=counts[project.id].ready,
            last_deployed_at=project.stack_changed_at,
        )
        for project in projects
    ]


def count_project(project_id: int) -> ProjectSummary:
    """Read one project with what a list shows of it.

    :raises NotFoundError: there is no such project.
    """
    get_project(project_id)
    (summary,) = list_project_summaries(project_id=project_id)
    return summary


def get_project_summary(project_id: int) -> ProjectView:
    """Read one project with its functions.

    :raises NotFoundError: there is no such project.
    """
    project = get_project(project_id)
    functions = list_summaries_by_project([project]).get(project.id, ())
    present = [f for f in functions if f.function.gone_at is None]
    counts = FunctionCounts(len(present), sum(1 for f in present if f.readiness.ready))
    moving = find_active_operation(project_id) is not None
    return ProjectView(
        project=project,
        state=_state(project, counts, moving=moving),
        function_count=counts.present,
        ready_count=counts.ready,
        last_deployed_at=project.stack_changed_at,
        functions=functions,
    )


def get_project(project_id: int) -> Project:
    """Read one project.

    :raises NotFoundError: there is no such project.
    """
    project = db.session.get(Project, project_id)
    if project is None:
        raise NotFoundError("There is no such project.", "It may have been deleted.")
    return project


def get_project_by_name(name: str) -> Project:
    """Read one project by its name.

    :raises NotFoundError: there is no such project.
    """
    project = db.session.scalar(sa.select(Project).where(Project.name == name))
    if project is None:
        known = ", ".join(db.session.scalars(sa.select(Project.name).order_by(Project.name)))
        raise NotFoundError(f"There is no project “{name}”.", f"Known projects: {known or 'none'}.")
    return project


def add_project(details: ProjectDetails) -> Project:
    """Make a project; the next sync reads its stack.

    :raises InvalidInputError: a name that will not do.
    :raises DuplicateError: the name, or the pair of stack and alias, is taken.
    """
    details = _check(details)
    _refuse_shared_stack(details)
    project = Project()
    _apply(project, details)
    db.session.add(project)
    _commit(details)
    return project


def update_project(project_id: int, details: ProjectDetails, revision: int) -> Project:
    """Change a project that the person saw at ``revision``.

    What the sync saw of another stack is forgotten.

    :raises EditConflictError: somebody else saved it in the meantime.
    :raises InvalidInputError: a name that will not do.
    :raises DuplicateError: the name, or the pair of stack and alias, is taken.
    """
    details = _check(details)
    _refuse_shared_stack(details, project_id)
    project = get_project(project_id)
    claim_revision(project, revision, f"the project {project.name}")
    _refuse_while_moving(project)
    if (project.account_id, project.stack_name) != (details.account_id, details.stack_name):
        _forget_stack(project)
        forget_snapshots(project.id)
    is_renamed = project.alias != details.alias
    _apply(project, details)
    _commit(details)
    if is_renamed:
        track_live(project.id, datetime.now(UTC))
        db.session.commit()
    return project


def delete_project(project_id: int) -> None:
    """Delete a project. Nothing in AWS changes, and its operations stay in the journal.

    :raises ConflictError: an operation is moving its aliases.
    """
    project = get_project(project_id)
    lock_project(project_id)  # nothing may begin to move its aliases from here on
    _refuse_while_moving(project)
    _forget_stack(project)
    db.session.delete(project)
    db.session.commit()


def find_active_operation(project_id: int) -> Operation | None:
    """Find the operation that is moving a project's aliases right now."""
    active = [status for status in OperationStatus if status.is_active]
    return db.session.scalar(
        sa.select(Operation).where(Operation.project_id == project_id, Operation.status.in_(active))
    )


def _refuse_while_moving(project: Project) -> None:
    operation = find_active_operation(project.id)
    if operation is not None:
        sentence = f"{operation.requested_by} is moving the aliases of {project.name} right now."
        db.session.rollback()
        raise ConflictError(
            sentence,
            "Wait for the operation to end and try again.",
        )


def _refuse_shared_stack(details: ProjectDetails, own_id: int = 0) -> None:
    """Refuse a stack that a project looks after through another account of SAH.

    Within one account the database sees to it. Two accounts of SAH are the same one of
    AWS as far as tests of the connection have told.
    """
    account = get_account(details.account_id)
    if not account.aws_account_id:
        return
    other = db.session.scalar(
        sa.select(Project)
        .join(Account)
        .where(
            Project.id != own_id,
            Project.stack_name == details.stack_name,
            Project.alias == details.alias,
            Account.id != account.id,
            Account.aws_account_id == account.aws_account_id,
            Account.region == account.region,
            Account.endpoint_url == account.endpoint_url,
        )
    )
    if other is not None:
        raise _shared_by(other)


def _forget_stack(project: Project) -> None:
    db.session.execute(sa.delete(Function).where(Function.project_id == project.id))
    project.stack_id = project.stack_status = project.sync_error = ""
    project.nested_stacks = []
    project.stack_changed_at = project.synced_at = project.fully_synced_at = None
    project.sync_tried_at = project.gone_at = None


def _check(details: ProjectDetails) -> ProjectDetails:
    """Take off stray spaces and check every detail.

    :raises InvalidInputError: one that will not do; ``field`` names it.
    :raises NotFoundError: there is no such account.
    """
    name, stack = " ".join(details.name.split()), details.stack_name.strip()
    if not name:
        raise InvalidInputError("The project needs a name.", field="name")
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidInputError(
            f"The name is longer than {MAX_NAME_LENGTH} characters.", field="name"
        )
    if not stack:
        raise InvalidInputError("Choose a stack.", field="stack_name")
    if not _STACK.fullmatch(stack):
        raise InvalidInputError(
            f"“{stack}” cannot be the name of a stack.",
            "Give its name, not its ARN: letters, digits and -, at most 128.",
            field="stack_name",
        )
    account_id = get_account(details.account_id).id
    return ProjectDetails(name, account_id, stack, parse_alias_name(details.alias.strip()))


def _apply(project: Project, details: ProjectDetails) -> None:
    project.account = get_account(details.account_id)
    project.account_id = details.account_id
    project.name = details.name
    project.stack_name = details.stack_name
    project.alias = details.alias


def _commit(details: ProjectDetails) -> None:
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise _duplicate(details) from error


def _duplicate(details: ProjectDetails) -> DuplicateError:
    other = db.session.scalar(
        sa.select(Project).where(
            Project.account_id == details.account_id,
            Project.stack_name == details.stack_name,
            Project.alias == details.alias,
            Project.name != details.name,
        )
    )
    if other is not None:
        return _shared_by(other)
    return DuplicateError(f"There is a project named {details.name} already.", field="name")


def _shared_by(other: Project) -> DuplicateError:
    return DuplicateError(
        f"The project {other.name} already looks after {other.stack_name} "
        f"with the alias {other.alias}.",
        "Two projects cannot share a stack and an alias.",
        field="stack_name",
    )


def _state(project: Project, counts: FunctionCounts, *, moving: bool) -> ProjectState:
    if project.gone_at:
        return ProjectState.GONE
    if moving:
        return ProjectState.MOVING
    if project.sync_error:
        return ProjectState.SYNC_FAILED
    if project.synced_at is None:
        return ProjectState.NEVER_SYNCED
    if counts.ready == 0:
        return ProjectState.NOT_READY
    return ProjectState.READY if counts.ready == counts.present else ProjectState.PARTLY_READY


def _list_moving() -> set[int | None]:
    active = [status for status in OperationStatus if status.is_active]
    return set(
        db.session.scalars(sa.select(Operation.project_id).where(Operation.status.in_(active)))
    )
