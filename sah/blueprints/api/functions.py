"""A project's functions and their versions."""

from datetime import datetime
from typing import Self

from flask import Blueprint
from pydantic import Field

from sah.blueprints.access import requires
from sah.blueprints.api.paging import cut_page, page_through, read_cursor
from sah.blueprints.api.shapes import Answered, Page, PageQuery
from sah.blueprints.api.spec import describe
from sah.domain.access import Right
from sah.domain.aliases import Routing
from sah.models import PublishedVersion
from sah.services.functions import FunctionSummary, get_function_summary, map_pointers
from sah.services.projects import get_project, get_project_summary

bp = Blueprint("functions", __name__, url_prefix="/projects/<int:project_id>/functions")


class RoutingAnswer(Answered):
    """Where an alias sends its traffic: all to a version, but for the weights of others."""

    version: str
    weights: dict[str, float] = Field(description="Shares of other versions, 0 to 1.")

    @classmethod
    def of(cls, routing: Routing) -> Self:
        """Say where an alias sends its traffic."""
        return cls(version=routing.version, weights=dict(routing.weights))


class FunctionAnswer(Answered):
    """One function, as the last sync saw it."""

    name: str
    live: RoutingAnswer | None = Field(description="Null when it lacks the project's alias.")
    published_version: str | None = Field(description="That of the stack's Version resource.")
    ready: bool = Field(description="Whether moving the alias rolls it back.")
    problems: list[str] = Field(description="Why it is not ready.")
    warnings: list[str] = Field(description="What would not follow the alias.")
    gone: bool = Field(description="Whether it is gone from the stack.")


class FunctionPage(Page):
    """Functions, by name."""

    items: list[FunctionAnswer]


class PointerAnswer(Answered):
    """An alias that sends traffic to a version."""

    name: str
    weight: float = Field(description="The share of its traffic, 0 to 1.")


class VersionAnswer(Answered):
    """One published version."""

    version: str
    modified_at: datetime
    code_sha256: str
    code_size: int = Field(description="In bytes.")
    runtime: str
    memory_size: int = Field(description="In MB.")
    timeout: int = Field(description="In seconds.")
    handler: str
    description: str
    aliases: list[PointerAnswer]


class VersionPage(Page):
    """Versions, newest first."""

    items: list[VersionAnswer]


@bp.get("")
@requires(Right.VIEW)
@describe(FunctionPage, tag="functions")
def list_all(project_id: int, query: PageQuery) -> FunctionPage:
    """List a project's functions, also those that are gone."""
    functions = get_project_summary(project_id).functions
    page, cursor = page_through(functions, query, lambda one: one.function.name)
    return FunctionPage(items=[_answer_function(one) for one in page], next_cursor=cursor)


@bp.get("/<name>/versions")
@requires(Right.VIEW)
@describe(VersionPage, tag="functions")
def list_versions(project_id: int, name: str, query: PageQuery) -> VersionPage:
    """List a function's published versions, and which aliases point at each."""
    function = get_function_summary(get_project(project_id), name).function
    before = read_cursor(query, int)
    rest = [row for row in function.versions if before is None or row.number < before]
    page, cursor = cut_page(rest, query, lambda row: row.number)
    pointers = map_pointers(function)
    items = [_answer_version(row, pointers.get(row.version, [])) for row in page]
    return VersionPage(items=items, next_cursor=cursor)


def _answer_function(summary: FunctionSummary) -> FunctionAnswer:
    function = summary.function
    return FunctionAnswer(
        name=function.name,
        live=RoutingAnswer.of(summary.live.routing) if summary.live else None,
        published_version=function.published_version or None,
        ready=summary.readiness.ready,
        problems=list(summary.readiness.problems),
        warnings=list(summary.readiness.warnings),
        gone=function.gone_at is not None,
    )


def _answer_version(row: PublishedVersion, pointers: list[tuple[str, float]]) -> VersionAnswer:
    return VersionAnswer(
        version=row.version,
        modified_at=row.modified_at,
        code_sha256=row.code_sha256,
        code_size=row.code_size,
        runtime=row.runtime,
        memory_size=row.memory_size,
        timeout=row.timeout,
        handler=row.handler,
        description=row.description,
        aliases=[PointerAnswer(name=name, weight=share) for name, share in pointers],
    )
