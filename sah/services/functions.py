"""What a project's functions serve, what starts them, and whether they can be rolled back."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from sah.domain.aliases import AliasState, Routing
from sah.domain.errors import NotFoundError
from sah.domain.readiness import FunctionFacts, Readiness, assess_readiness
from sah.domain.triggers import Trigger, TriggerOrigin
from sah.extensions import db
from sah.models import Function, FunctionAlias, FunctionTrigger, Project


@dataclass(frozen=True, slots=True)
class FunctionSummary:
    """One function with what its project's page shows of it.

    ``live`` is where the project's alias sends its traffic, None without that alias.
    ``versions`` are the published ones, newest first.
    """

    function: Function
    live: AliasState | None
    versions: tuple[str, ...]
    triggers: tuple[Trigger, ...]
    readiness: Readiness


def list_summaries_by_project(
    projects: Iterable[Project],
) -> dict[int, tuple[FunctionSummary, ...]]:
    """Read the functions of many projects at once, by project id, each list by name."""
    chosen = {project.id: project for project in projects}
    query = (
        sa.select(Function)
        .where(Function.project_id.in_(chosen))
        .order_by(Function.name)
        .options(
            selectinload(Function.versions),
            selectinload(Function.aliases),
            selectinload(Function.triggers),
        )
    )
    found: dict[int, list[FunctionSummary]] = defaultdict(list)
    for function in db.session.scalars(query):
        project = chosen[function.project_id]
        found[function.project_id].append(_summarise(function, project.alias))
    return {project_id: tuple(functions) for project_id, functions in found.items()}


def get_function_summary(project: Project, name: str) -> FunctionSummary:
    """Read one function of a project; all its rows hang on ``.function``.

    :raises NotFoundError: the project has no such function.
    """
    function = db.session.scalar(
        sa.select(Function).where(Function.project_id == project.id, Function.name == name)
    )
    if function is None:
        raise NotFoundError(
            f"{project.name} has no function {name}.", "Sync the project if it was just deployed."
        )
    return _summarise(function, project.alias)


def alias_state(function: Function, alias: FunctionAlias) -> AliasState:
    """Read an alias's row as the value that plans are made of."""
    routing = Routing(alias.version, tuple(alias.weights.items()))
    return AliasState(function.name, alias.name, routing, alias.revision_id)


def _summarise(function: Function, alias: str) -> FunctionSummary:
    rows = [row for row in function.aliases if row.name == alias]
    live = alias_state(function, rows[0]) if rows else None
    versions = tuple(row.version for row in function.versions)
    triggers = tuple(_trigger(function, row) for row in function.triggers)
    facts = FunctionFacts(
        alias=alias,
        live=live.routing if live else None,
        versions=versions,
        triggers=triggers,
        gone=function.gone_at is not None,
    )
    return FunctionSummary(function, live, versions, triggers, assess_readiness(facts))


def _trigger(function: Function, row: FunctionTrigger) -> Trigger:
    return Trigger(
        function=function.name,
        kind=row.kind,
        source=row.source,
        qualifier=row.qualifier,
        origin=TriggerOrigin(row.origin),
        enabled=row.enabled,
    )
