"""What earlier syncs saw of a project's functions, so that the next reads no more than needed."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from sah.aws.gateway import StackFunction
from sah.domain.aliases import LATEST
from sah.extensions import db
from sah.models import Function, Project, PublishedVersion
from sah.services.snapshots import routing_of


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier sync saw of a function that is still there.

    ``live`` is the version that the project's alias sends all of the traffic to, empty
    without such an alias, while it is split, and while it leads to ``$LATEST``.
    ``versions`` are those that are there, ``newest`` is the highest number that there ever was.
    """

    function: StackFunction
    live: str
    versions: frozenset[str]
    newest: int
    failed: bool


def list_known(project: Project) -> list[Known]:
    """List the functions that are not gone, by name; two queries and no row of a version."""
    present = sa.case((PublishedVersion.gone_at.is_(None), PublishedVersion.version))
    published = (
        sa.select(
            PublishedVersion.function_id,
            sa.func.aggregate_strings(present, ",").label("numbers"),
            sa.func.max(PublishedVersion.number).label("newest"),
        )
        .join(Function, Function.id == PublishedVersion.function_id)
        .where(Function.project_id == project.id)
        .group_by(PublishedVersion.function_id)
        .subquery()
    )
    query = (
        sa.select(Function, published.c.numbers, published.c.newest)
        .outerjoin(published, published.c.function_id == Function.id)
        .where(Function.project_id == project.id, Function.gone_at.is_(None))
        .order_by(Function.name)
        .options(selectinload(Function.aliases))
        .execution_options(populate_existing=True)
    )
    return [
        Known(
            StackFunction(row.name, row.logical_id, row.published_version),
            _find_live(row, project.alias),
            frozenset(numbers.split(",") if numbers else ()),
            newest or 0,
            failed=bool(row.sync_error),
        )
        for row, numbers, newest in db.session.execute(query)
    ]


def _find_live(function: Function, alias: str) -> str:
    found = next((one for one in function.aliases if one.name == alias), None)
    routing = routing_of(found)
    if routing is None or routing.is_split or routing.version == LATEST:
        return ""
    return routing.version
