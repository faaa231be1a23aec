"""The history of a project: deployments and operations in one list, newest first, in pages."""

import base64
import json
from binascii import Error as NotBase64Error
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from sah.domain.deployments import DeploymentStatus
from sah.domain.errors import InvalidInputError
from sah.domain.operations import OperationStatus
from sah.extensions import db
from sah.models import Deployment, Operation, Project
from sah.services.summaries import DeploymentSummary, summarise_deployments

PAGE = 25
_LARGEST_ID = 2**31 - 1  # no column of ids holds a larger number
_OPERATION_RANK = 1  # of two entries at the same moment, the operation counts as the later one


class Kind(StrEnum):
    """What to list."""

    ALL = "all"
    DEPLOYMENTS = "deployments"
    OPERATIONS = "operations"


def parse_kind(text: str) -> Kind:
    """Read which kind of entries to list; whatever is not known means all."""
    return Kind(text) if text in set(Kind) else Kind.ALL


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history.

    It is an ``operation``, or one or more ``deployments``: more when several in a row
    changed nothing, so that they are shown as one.
    """

    at: datetime
    deployments: tuple[DeploymentSummary, ...] = ()
    operation: Operation | None = None

    @property
    def is_collapsed(self) -> bool:
        """Say whether deployments that changed nothing are folded into it."""
        return bool(self.deployments) and self.deployments[0].deployment.no_change


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page of the history; ``next_cursor`` leads to older entries, empty at the end.

    ``previous`` is how the deployment stands that was asked for besides, listed or not.
    """

    entries: tuple[Entry, ...]
    next_cursor: str = ""
    previous: DeploymentSummary | None = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What has not ended: the ids of deployments that wait to be read, and of operations."""

    deployments: tuple[int, ...] = ()
    operations: tuple[int, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Name each in a few characters: ``d12``, ``o4``."""
        return (*(f"d{n}" for n in self.deployments), *(f"o{n}" for n in self.operations))


# Where a row stands in the history: time, rank of its kind, id.
_Place = tuple[datetime, int, int]


def list_timeline(  # noqa: PLR0913 - what a person looks for
    project: Project,
    *,
    search: str = "",
    kind: Kind = Kind.ALL,
    cursor: str = "",
    limit: int = PAGE,
    previous: Deployment | None = None,
) -> Timeline:
    """List a page of a project's history.

    ``search`` is looked for in what people write: commits, branches, messages, authors,
    reasons; ``41`` and ``#41`` find that deployment. ``previous`` is judged with the page's
    deployments, which costs no further query.

    :raises InvalidInputError: the cursor is none.
    """
    after = _parse_cursor(cursor) if cursor else None
    rows: list[tuple[_Place, Deployment | Operation]] = []
    if kind is not Kind.OPERATIONS:
        rows += _list_deployments(project.id, search, after, limit + 1)
    if kind is not Kind.DEPLOYMENTS:
        rows += _list_operations(project.id, search, after, limit + 1)
    rows.sort(key=lambda row: row[0], reverse=True)
    page = rows[:limit]
    more = len(rows) > limit
    shown = [row for _, row in page if isinstance(row, Deployment)]
    if previous is not None and previous not in shown:
        shown.append(previous)
    summaries = {one.deployment.id: one for one in summarise_deployments(project, shown)}
    return Timeline(
        tuple(_fold(page, summaries)),
        _format_cursor(page[-1][0]) if more and page else "",
        summaries.get(previous.id) if previous else None,
    )


def find_unfinished(timeline: Timeline) -> Unfinished:
    """Find what of a page of the history has not ended."""
    deployments = [
        summary.deployment for entry in timeline.entries for summary in entry.deployments
    ]
    return Unfinished(
        tuple(row.id for row in deployments if row.status == DeploymentStatus.PENDING),
        tuple(
            entry.operation.id
            for entry in timeline.entries
            if entry.operation and entry.operation.is_active
        ),
    )


def list_unfinished(project_id: int) -> Unfinished:
    """List a project's deployments that wait to be read, and its operations that have not ended."""
    waiting = (
        sa.select(Deployment.id)
        .where(
            Deployment.project_id == project_id,
            Deployment.status == DeploymentStatus.PENDING,
            Deployment.merged_into_id.is_(None),
        )
        .order_by(Deployment.id)
    )
    active = [status for status in OperationStatus if status.is_active]
    moving = (
        sa.select(Operation.id)
        .where(Operation.project_id == project_id, Operation.status.in_(active))
        .order_by(Operation.id)
    )
    return Unfinished(tuple(db.session.scalars(waiting)), tuple(db.session.scalars(moving)))


def _fold(
    rows: Sequence[tuple[_Place, Deployment | Operation]], summaries: dict[int, DeploymentSummary]
) -> list[Entry]:
    """Make entries of rows: what changed nothing, several times in a row, is one."""
    entries = []
    for unchanged, group in groupby(rows, key=lambda row: _changes_nothing(row[1])):
        members = list(group)
        if unchanged:
            folded = tuple(summaries[row.id] for _, row in members)
            entries.append(Entry(members[0][0][0], deployments=folded))
        else:
            entries += [_entry(place, row, summaries) for place, row in members]
    return entries


def _entry(
    place: _Place, row: Deployment | Operation, summaries: dict[int, DeploymentSummary]
) -> Entry:
    if isinstance(row, Operation):
        return Entry(place[0], operation=row)
    return Entry(place[0], deployments=(summaries[row.id],))


def _changes_nothing(row: Deployment | Operation) -> bool:
    return isinstance(row, Deployment) and row.no_change


def _list_deployments(
    project_id: int, search: str, after: _Place | None, limit: int
) -> list[tuple[_Place, Deployment | Operation]]:
    query = (
        sa.select(Deployment)
        .where(Deployment.project_id == project_id, Deployment.merged_into_id.is_(None))
        .order_by(Deployment.deployed_at.desc(), Deployment.id.desc())
        .limit(limit)
    )
    if search:
        columns = (Deployment.commit, Deployment.branch, Deployment.message, Deployment.author)
        found = _matches(columns, search)
        number = search.removeprefix("#")
        if number.isascii() and number.isdigit():
            found |= Deployment.number == int(number[:9])
        query = query.where(found)
    if after is not None:
        query = query.where(_is_before(Deployment.deployed_at, Deployment.id, 0, after))
    return [((row.deployed_at, 0, row.id), row) for row in db.session.scalars(query)]


def _list_operations(
    project_id: int, search: str, after: _Place | None, limit: int
) -> list[tuple[_Place, Deployment | Operation]]:
    query = (
        sa.select(Operation)
        .where(Operation.project_id == project_id)
        .order_by(Operation.created_at.desc(), Operation.id.desc())
        .options(joinedload(Operation.moves))
        .limit(limit)
    )
    if search:
        query = query.where(_matches((Operation.reason, Operation.requested_by), search))
    if after is not None:
        query = query.where(_is_before(Operation.created_at, Operation.id, _OPERATION_RANK, after))
    rows = db.session.scalars(query).unique()
    return [((row.created_at, _OPERATION_RANK, row.id), row) for row in rows]


def _matches(columns: Sequence[Any], search: str) -> sa.ColumnElement[bool]:
    return sa.or_(*(column.icontains(search, autoescape=True) for column in columns))


def _is_before(at: Any, row_id: Any, rank: int, place: _Place) -> sa.ColumnElement[bool]:  # noqa: ANN401
    then, then_rank, then_id = place
    if rank > then_rank:
        return at < then  # type: ignore[no-any-return]
    if rank < then_rank:
        return at <= then  # type: ignore[no-any-return]
    return (at < then) | ((at == then) & (row_id < then_id))  # type: ignore[no-any-return]


def _format_cursor(place: _Place) -> str:
    text = json.dumps([place[0].isoformat(), place[1], place[2]])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _parse_cursor(text: str) -> _Place:
    try:
        padded = text + "=" * (-len(text) % 4)
        at, rank, row_id = json.loads(base64.urlsafe_b64decode(padded))
        return (
            datetime.fromisoformat(at).astimezone(UTC),
            int(rank),
            max(0, min(int(row_id), _LARGEST_ID)),
        )
    except (ValueError, TypeError, NotBase64Error, OverflowError, RecursionError) as error:
        raise InvalidInputError(
            "The cursor leads nowhere.", "Take the one that the last page gave.", field="cursor"
        ) from error
