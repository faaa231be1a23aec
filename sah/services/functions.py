"""What a project's functions serve, what starts them, and whether they can be rolled back."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import joinedload, selectinload

from sah.domain.aliases import AliasState, Routing
from sah.domain.errors import ConflictError, InvalidInputError, NotFoundError
from sah.domain.plans import Plan
from sah.domain.readiness import FunctionFacts, Readiness, assess_readiness
from sah.domain.triggers import Trigger, TriggerOrigin
from sah.extensions import db
from sah.models import Function, FunctionAlias, FunctionTrigger, Project, PublishedVersion
from sah.services.accounts import open_gateway

log = structlog.get_logger(__name__)

# All numbers of a function's versions in one text, so that a function is one row.
_NUMBERS = sa.func.aggregate_strings(PublishedVersion.version, ",")


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


@dataclass(frozen=True, slots=True)
class FunctionCounts:
    """How many functions a project has, without those that are gone, and how many are ready."""

    present: int = 0
    ready: int = 0


def count_functions_by_project(
    project_ids: Collection[int] | None = None,
) -> dict[int, FunctionCounts]:
    """Count the functions of these projects or of all, by project id; one without any counts 0.

    One query of few columns, since there may be tens of thousands of functions.
    """
    versions = (
        sa.select(_NUMBERS)
        .where(PublishedVersion.function_id == Function.id, PublishedVersion.gone_at.is_(None))
        .correlate(Function)
        .scalar_subquery()
    )
    query = (
        sa.select(
            Function.project_id,
            Project.alias,
            FunctionAlias.version,
            FunctionAlias.weights,
            versions,
        )
        .join(Project, Project.id == Function.project_id)
        .outerjoin(
            FunctionAlias,
            (FunctionAlias.function_id == Function.id) & (FunctionAlias.name == Project.alias),
        )
        .where(Function.gone_at.is_(None))
    )
    if project_ids is not None:
        query = query.where(Function.project_id.in_(project_ids))
    counts: dict[int, FunctionCounts] = defaultdict(FunctionCounts)
    for project_id, alias, version, weights, published in db.session.execute(query):
        live = Routing(version, tuple(weights.items())) if version else None
        ready = assess_readiness(
            FunctionFacts(alias, live, published.split(",") if published else ())
        ).ready
        so_far = counts[project_id]
        counts[project_id] = FunctionCounts(so_far.present + 1, so_far.ready + ready)
    return counts


def list_summaries_by_project(
    projects: Iterable[Project],
) -> dict[int, tuple[FunctionSummary, ...]]:
    """Read the functions of many projects at once, by project id, each list by name.

    Of versions only the numbers are read: there may be thousands.
    """
    chosen = {project.id: project for project in projects}
    published = (
        sa.select(PublishedVersion.function_id, _NUMBERS.label("numbers"))
        .join(Function, Function.id == PublishedVersion.function_id)
        .where(Function.project_id.in_(chosen), PublishedVersion.gone_at.is_(None))
        .group_by(PublishedVersion.function_id)
        .subquery()
    )
    query = (
        sa.select(Function, published.c.numbers)
        .outerjoin(published, published.c.function_id == Function.id)
        .where(Function.project_id.in_(chosen))
        .order_by(Function.name)
        .options(joinedload(Function.aliases), selectinload(Function.triggers))
    )
    found: dict[int, list[FunctionSummary]] = defaultdict(list)
    for function, numbers in db.session.execute(query).unique():
        versions = sorted(numbers.split(","), key=int, reverse=True) if numbers else ()
        alias = chosen[function.project_id].alias
        found[function.project_id].append(_summarise(function, alias, tuple(versions)))
    return {project_id: tuple(functions) for project_id, functions in found.items()}


def list_published(project_id: int) -> dict[str, list[sa.Row[str, str, datetime, str]]]:
    """List what one chooses versions by, newest first, by function name.

    Each row has the ``version``, when it was published, and its description.
    """
    query = (
        sa.select(
            Function.name,
            PublishedVersion.version,
            PublishedVersion.modified_at,
            PublishedVersion.description,
        )
        .join(PublishedVersion, PublishedVersion.function_id == Function.id)
        .where(Function.project_id == project_id, PublishedVersion.gone_at.is_(None))
        .order_by(PublishedVersion.number.desc())
    )
    found: dict[str, list[sa.Row[str, str, datetime, str]]] = defaultdict(list)
    for row in db.session.execute(query):
        found[row.name].append(row)
    return found


def describe_versions(project_id: int, plan: Plan) -> dict[str, dict[str, PublishedVersion]]:
    """Read the versions that a plan moves from and to, by function name and version."""
    named = {move.function: {*move.before.shares, *move.after.shares} for move in plan.moves}
    versions = {version for of_one in named.values() for version in of_one}
    query = (
        sa.select(Function.name, PublishedVersion)
        .join(PublishedVersion, PublishedVersion.function_id == Function.id)
        .where(
            Function.project_id == project_id,
            Function.name.in_(named),
            PublishedVersion.version.in_(versions),
            PublishedVersion.gone_at.is_(None),
        )
    )
    found: dict[str, dict[str, PublishedVersion]] = defaultdict(dict)
    for name, row in db.session.execute(query):
        if row.version in named[name]:
            found[name][row.version] = row
    return found


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
    return _summarise(function, project.alias, tuple(row.version for row in function.versions))


def create_missing_alias(project: Project, name: str, version: str) -> AliasState:
    """Give a function the project's alias, with all of the traffic on ``version``.

    :raises NotFoundError: the project has no such function.
    :raises ConflictError: the function has the alias already, or is gone.
    :raises InvalidInputError: the function has no such version.
    :raises AwsError: AWS refused or did not answer.
    """
    summary = get_function_summary(project, name)
    _check_alias_missing(summary, project.alias, version)
    function = summary.function
    gateway = open_gateway(project.account, urgent=True)
    db.session.commit()
    state = gateway.create_alias(name, project.alias, version)
    function.aliases.append(
        FunctionAlias(name=state.name, version=version, weights={}, revision_id=state.revision_id)
    )
    db.session.commit()
    log.info("alias.created", project=project.name, function=name, version=version)
    return state


def _check_alias_missing(summary: FunctionSummary, alias: str, version: str) -> None:
    name = summary.function.name
    if summary.function.gone_at is not None:
        raise ConflictError(f"{name} is gone from the stack.", "Sync the project.")
    if summary.live is not None:
        raise ConflictError(f"{name} has the alias {alias} already.", "Nothing has to be done.")
    if version not in summary.versions:
        raise InvalidInputError(
            f"{name} has no version {version} (any more).",
            "Choose one of its published versions.",
            field="version",
        )


def map_pointers(function: Function) -> dict[str, list[tuple[str, float]]]:
    """Say which aliases point at each version, and with which share of their traffic, 0 to 1."""
    pointers: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for alias in function.aliases:
        for version, share in alias_state(function, alias).routing.shares.items():
            if share:
                pointers[version].append((alias.name, share))
    return dict(pointers)


def alias_state(function: Function, alias: FunctionAlias) -> AliasState:
    """Read an alias's row as the value that plans are made of."""
    routing = Routing(alias.version, tuple(alias.weights.items()))
    return AliasState(function.name, alias.name, routing, alias.revision_id)


def _summarise(function: Function, alias: str, versions: tuple[str, ...]) -> FunctionSummary:
    rows = [row for row in function.aliases if row.name == alias]
    live = alias_state(function, rows[0]) if rows else None
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
