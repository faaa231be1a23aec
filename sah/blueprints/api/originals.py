"""The addresses of the original SAH, which scripts still call."""

from flask import Blueprint
from pydantic import Field

from sah.blueprints.access import requires
from sah.blueprints.api.operations import OperationAnswer, StartRequest, start_switch
from sah.blueprints.api.plans import SwitchRequest
from sah.blueprints.api.shapes import Answered, Asked
from sah.blueprints.api.spec import describe
from sah.domain.access import Right
from sah.domain.errors import NotFoundError
from sah.services.functions import get_function_summary
from sah.services.operations import MAX_REASON_LENGTH
from sah.services.projects import get_project, get_project_summary

bp = Blueprint("originals", __name__, url_prefix="/projects/<int:project_id>")

_NO_REASON = "No reason was given: updateVersions was called."


class FunctionQuery(Asked):
    """Which function."""

    function: str = Field(min_length=1, max_length=140)


class AliasVersionAnswer(Answered):
    """Where the project's alias of one function sends its traffic."""

    function: str
    alias: str
    version: str
    weights: dict[str, float] = Field(description="Shares of other versions, 0 to 1.")


class VersionsAnswer(Answered):
    """The published versions of all functions, newest first."""

    functions: dict[str, list[str]]


class UpdateRequest(SwitchRequest):
    """Which version each function is to serve, and why."""

    reason: str = Field(default=_NO_REASON, min_length=1, max_length=MAX_REASON_LENGTH)


@bp.get("/aliasVersion")
@requires(Right.VIEW)
@describe(AliasVersionAnswer, tag="originals")
def show_alias_version(project_id: int, query: FunctionQuery) -> AliasVersionAnswer:
    """Read which version a function's alias serves."""
    project = get_project(project_id)
    live = get_function_summary(project, query.function).live
    if live is None:
        raise NotFoundError(f"{query.function} has no alias {project.alias}.")
    return AliasVersionAnswer(
        function=query.function,
        alias=project.alias,
        version=live.routing.version,
        weights=dict(live.routing.weights),
    )


@bp.get("/versions")
@requires(Right.VIEW)
@describe(VersionsAnswer, tag="originals")
def list_versions(project_id: int) -> VersionsAnswer:
    """List the versions of all functions that are there."""
    functions = get_project_summary(project_id).functions
    present = [one for one in functions if one.function.gone_at is None]
    return VersionsAnswer(functions={one.function.name: list(one.versions) for one in present})


@bp.put("/updateVersions")
@requires(Right.OPERATE)
@describe(OperationAnswer, tag="originals", status=202, errors=(409, 502))
def update_versions(project_id: int, json: UpdateRequest) -> tuple[OperationAnswer, int]:
    """Move functions to other versions."""
    return start_switch(project_id, StartRequest(functions=json.functions, reason=json.reason)), 202


class RollbackRequest(Asked):
    """Why the project is rolled back."""

    reason: str = Field(
        default="No reason was given: rollback was called.",
        min_length=1,
        max_length=MAX_REASON_LENGTH,
    )


@bp.put("/deployments/<int:number>/rollback")
@requires(Right.OPERATE)
@describe(OperationAnswer, tag="originals", status=202, errors=(409, 502))
def rollback(project_id: int, number: int, json: RollbackRequest) -> tuple[OperationAnswer, int]:
    """Roll back to a deployment."""
    return start_switch(project_id, StartRequest(to=number, reason=json.reason)), 202
