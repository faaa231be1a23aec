"""Projects: list, make, read, change, delete, and sync."""

from datetime import datetime

from flask import Blueprint, url_for
from pydantic import Field

from sah.blueprints.access import bound_project_id, keeps_to_project, requires
from sah.blueprints.api.paging import cut_page, read_cursor
from sah.blueprints.api.shapes import Answered, Asked, Page, PageQuery
from sah.blueprints.api.spec import describe
from sah.domain.access import Right
from sah.domain.aliases import DEFAULT_ALIAS
from sah.services import accounts
from sah.services.projects import (
    MAX_NAME_LENGTH,
    ProjectDetails,
    ProjectState,
    ProjectSummary,
    add_project,
    count_project,
    delete_project,
    list_project_summaries,
    update_project,
)
from sah.services.sync import sync_project

bp = Blueprint("projects", __name__, url_prefix="/projects")

_LONGEST = 256


class ProjectAnswer(Answered):
    """A stack that SAH looks after, and how it stands."""

    id: int
    name: str
    account: str = Field(description="The account's name.")
    region: str
    stack: str
    alias: str
    state: ProjectState
    functions: int = Field(description="How many it has, without those that are gone.")
    ready: int = Field(description="How many of them can be rolled back.")
    stack_status: str = Field(description="CloudFormation's, empty before the first sync.")
    last_deployed_at: datetime | None
    synced_at: datetime | None
    sync_error: str = Field(description="Why the last sync failed, empty when it did not.")
    revision: int = Field(description="Counts edits; a change has to carry the one it saw.")
    url: str


class ProjectPage(Page):
    """Projects, by name."""

    items: list[ProjectAnswer]


class NewProject(Asked):
    """What a project is made of. The next sync, or yours, reads its stack."""

    stack: str = Field(min_length=1, max_length=_LONGEST)
    name: str = Field(
        default="", max_length=MAX_NAME_LENGTH, description="Left out: the stack's name."
    )
    account: str = Field(
        default="",
        max_length=_LONGEST,
        description="Name or id; may be left out when there is one.",
    )
    alias: str = Field(default=DEFAULT_ALIAS, max_length=_LONGEST)


class ChangedProject(Asked):
    """All that can be changed of a project, and the revision that the change is based on."""

    name: str = Field(max_length=MAX_NAME_LENGTH)
    account: str = Field(max_length=accounts.MAX_NAME_LENGTH, description="Name or id.")
    stack: str = Field(max_length=_LONGEST)
    alias: str = Field(max_length=_LONGEST)
    revision: int = Field(ge=1, le=2**31 - 1)


@bp.get("")
@requires(Right.VIEW)
@keeps_to_project
@describe(ProjectPage, tag="projects")
def list_all(query: PageQuery) -> ProjectPage:
    """List the projects by name; a token that is bound to a project sees that one."""
    found = list_project_summaries(
        after=read_cursor(query, str), limit=query.limit + 1, project_id=bound_project_id()
    )
    page, cursor = cut_page(found, query, lambda summary: summary.project.name)
    return ProjectPage(items=[answer_project(one) for one in page], next_cursor=cursor)


@bp.post("")
@requires(Right.ADMINISTER)
@describe(ProjectAnswer, tag="projects", status=201, errors=(404, 409))
def create(json: NewProject) -> tuple[ProjectAnswer, int]:
    """Make a project out of a stack."""
    account = accounts.find_account(json.account)
    name = json.name or json.stack[:MAX_NAME_LENGTH]
    project = add_project(ProjectDetails(name, account.id, json.stack, json.alias))
    return answer_project(count_project(project.id)), 201


@bp.get("/<int:project_id>")
@requires(Right.VIEW)
@describe(ProjectAnswer, tag="projects")
def show(project_id: int) -> ProjectAnswer:
    """Read one project."""
    return answer_project(count_project(project_id))


@bp.put("/<int:project_id>")
@requires(Right.ADMINISTER)
@describe(ProjectAnswer, tag="projects", errors=(409,))
def change(project_id: int, json: ChangedProject) -> ProjectAnswer:
    """Change a project; with another stack, what was read of the former is forgotten."""
    account = accounts.find_account(json.account)
    details = ProjectDetails(json.name, account.id, json.stack, json.alias)
    update_project(project_id, details, json.revision)
    return answer_project(count_project(project_id))


@bp.delete("/<int:project_id>")
@requires(Right.ADMINISTER)
@describe(None, tag="projects", status=204, errors=(409,))
def delete(project_id: int) -> tuple[str, int]:
    """Delete a project. Nothing in AWS changes, and its operations stay in the history."""
    delete_project(project_id)
    return "", 204


@bp.post("/<int:project_id>/sync")
@requires(Right.OPERATE)
@describe(ProjectAnswer, tag="projects", errors=(409,))
def sync(project_id: int) -> ProjectAnswer:
    """Read the project's stack from AWS now; ``sync_error`` says when that failed."""
    sync_project(project_id, force_full=True)
    return answer_project(count_project(project_id))


def answer_project(summary: ProjectSummary) -> ProjectAnswer:
    """Say how a project stands."""
    project = summary.project
    return ProjectAnswer(
        id=project.id,
        name=project.name,
        account=project.account.name,
        region=project.account.region,
        stack=project.stack_name,
        alias=project.alias,
        state=summary.state,
        functions=summary.function_count,
        ready=summary.ready_count,
        stack_status=project.stack_status,
        last_deployed_at=summary.last_deployed_at,
        synced_at=project.synced_at,
        sync_error=project.sync_error,
        revision=project.revision,
        url=url_for("projects.show", project_id=project.id, _external=True),
    )
