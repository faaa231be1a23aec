"""Compare what two deployments published, or one of them and what is live."""

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from sah.domain.comparison import FunctionComparison, VersionConfig, compare_functions
from sah.domain.errors import ConflictError
from sah.extensions import db
from sah.models import Deployment, Function, FunctionAlias, Project, PublishedVersion
from sah.services.deployments import get_deployment, parse_number
from sah.services.projects import get_project
from sah.services.snapshots import config_of, explain_missing, read_entries

LIVE: Literal["live"] = "live"
# A deployment's number, or what is live now.
Side = int | Literal["live"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides by function: only what differs is in ``rows``; ``same`` counts the others.

    ``before`` and ``after`` are deployments, None for what is live now.
    """

    before: Deployment | None
    after: Deployment | None
    rows: tuple[FunctionComparison, ...]
    same: int


def parse_side(text: str) -> Side:
    """Read a deployment's number, with or without ``#``, or ``live``.

    :raises InvalidInputError: it is neither.
    """
    return LIVE if text.strip() == LIVE else parse_number(text)


def compare_deployments(project_id: int, before: Side, after: Side) -> Comparison:
    """Compare two deployments of a project, or one and what is live.

    A split alias counts as its main version.

    :raises NotFoundError: there is no such project or deployment.
    :raises ConflictError: what a deployment put live is not known.
    """
    project = get_project(project_id)
    one, old = _read_side(project, before)
    other, new = _read_side(project, after)
    rows = compare_functions(old, new)
    return Comparison(one, other, rows, len(set(old) | set(new)) - len(rows))


def _read_side(project: Project, side: Side) -> tuple[Deployment | None, dict[str, VersionConfig]]:
    if side == LIVE:
        return None, _read_live(project)
    deployment = get_deployment(project.id, side)
    if deployment.snapshot_id is None:
        raise ConflictError(
            f"What #{deployment.number} put live is not known.", explain_missing(deployment)
        )
    entries = read_entries(project, [deployment.snapshot_id]).get(deployment.snapshot_id, ())
    return deployment, {entry.function: entry.config for entry in entries}


def _read_live(project: Project) -> dict[str, VersionConfig]:
    query = (
        sa.select(Function.name, PublishedVersion)
        .join(
            FunctionAlias,
            (FunctionAlias.function_id == Function.id) & (FunctionAlias.name == project.alias),
        )
        .join(
            PublishedVersion,
            (PublishedVersion.function_id == Function.id)
            & (PublishedVersion.version == FunctionAlias.version),
        )
        .where(Function.project_id == project.id, Function.gone_at.is_(None))
    )
    return {name: config_of(row) for name, row in db.session.execute(query)}
