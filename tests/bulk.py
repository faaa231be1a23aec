"""Fill the tables with much data at once, as years of deploying would have done."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sah.aws.gateway import AccessKind
from sah.domain.aliases import DEFAULT_ALIAS
from sah.domain.deployments import DeploymentStatus
from sah.domain.operations import OnFailure, OperationKind, OperationStatus
from sah.domain.snapshots import digest_snapshot
from sah.extensions import db
from sah.models import (
    Account,
    Base,
    Deployment,
    Function,
    FunctionAlias,
    LivePeriod,
    Operation,
    Project,
    PublishedVersion,
    Snapshot,
)
from sah.models.deployments import snapshot_version

_EVERY = timedelta(hours=1)
_OPERATION_EVERY = 10
_STACK_STATUS = "UPDATE_COMPLETE"


def fill_projects(count: int, *, functions: int) -> None:
    """Make projects with functions of one version each, live and read a moment ago."""
    account_id = _add_account(f"bulk-{count}")
    now = datetime.now(UTC)
    projects = _insert(
        Project,
        [
            {
                "name": f"bulk-{count}-{number:04}",
                "account_id": account_id,
                "stack_name": f"bulk-{count}-{number:04}",
                "alias": DEFAULT_ALIAS,
                "stack_status": _STACK_STATUS,
                "stack_changed_at": now,
                "synced_at": now,
                "sync_tried_at": now,
            }
            for number in range(count)
        ],
    )
    for project_id in projects:
        _fill_functions(project_id, functions, {})
    db.session.commit()


def fill_history(*, functions: int, deployments: int) -> int:
    """Make a project with that many deployments, each of one function; give its id.

    Each was live until the next; every tenth was followed by an operation.
    """
    now = datetime.now(UTC)
    project_id = _insert(
        Project,
        [
            {
                "name": f"history-{deployments}",
                "account_id": _add_account(f"history-{deployments}"),
                "stack_name": "history",
                "alias": DEFAULT_ALIAS,
                "stack_status": _STACK_STATUS,
                "stack_changed_at": now,
                "synced_at": now,
                "sync_tried_at": now,
            }
        ],
    )[0]
    published = {n % functions: 2 + n // functions for n in range(deployments)}
    versions = _fill_functions(project_id, functions, published)
    served = {index: rows[0] for index, rows in enumerate(versions)}
    snapshots: list[dict[int, int]] = []
    for number in range(deployments):
        index = number % functions
        served[index] = versions[index][1 + number // functions]
        snapshots.append(dict(served))
    _fill_deployments(project_id, snapshots, functions, now - _EVERY * deployments)
    db.session.commit()
    return project_id


def _add_account(name: str) -> int:
    fields = {"name": name, "region": "eu-west-1", "access_kind": AccessKind.DEFAULT_CHAIN}
    return _insert(Account, [fields])[0]


def _fill_functions(project_id: int, count: int, newest: dict[int, int]) -> list[list[int]]:
    """Make functions with versions 1 to the newest, which is live; the ids of the versions."""
    names = [f"bulk-{project_id}-{index:03}" for index in range(count)]
    tops = [newest.get(index, 1) for index in range(count)]
    rows = [
        {
            "project_id": project_id,
            "name": name,
            "logical_id": f"F{index}LambdaFunction",
            "published_version": str(top),
        }
        for index, (name, top) in enumerate(zip(names, tops, strict=True))
    ]
    functions = _insert(Function, rows)
    aliases = [
        {"function_id": row, "name": DEFAULT_ALIAS, "version": str(top), "revision_id": "r"}
        for row, top in zip(functions, tops, strict=True)
    ]
    _insert(FunctionAlias, aliases)
    return [
        _insert(PublishedVersion, [_version(row, number) for number in range(1, top + 1)])
        for row, top in zip(functions, tops, strict=True)
    ]


def _version(function_id: int, number: int) -> dict[str, Any]:
    return {
        "function_id": function_id,
        "version": str(number),
        "number": number,
        "modified_at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
        "code_sha256": f"{function_id}:{number}",
        "code_size": 1000,
        "runtime": "nodejs22.x",
        "memory_size": 128,
        "timeout": 6,
        "handler": "index.handler",
        "state": "Active",
    }


def _fill_deployments(
    project_id: int, snapshots: list[dict[int, int]], functions: int, start: datetime
) -> None:
    kept = _insert(
        Snapshot,
        [
            {"project_id": project_id, "digest": digest_snapshot({"n": str(number)})}
            for number in range(len(snapshots))
        ],
    )
    links = [
        {"snapshot_id": snapshot_id, "version_id": version_id}
        for snapshot_id, versions in zip(kept, snapshots, strict=True)
        for version_id in versions.values()
    ]
    db.session.execute(sa.insert(snapshot_version), links)
    deployments = _insert(
        Deployment,
        [
            _deployment(project_id, number, snapshot_id, functions, start)
            for number, snapshot_id in enumerate(kept, 1)
        ],
    )
    periods = [
        {
            "project_id": project_id,
            "deployment_id": row,
            "began_at": start + _EVERY * number,
            "ended_at": start + _EVERY * (number + 1) if number < len(kept) else None,
        }
        for number, row in enumerate(deployments, 1)
    ]
    _insert(LivePeriod, periods)
    last = range(_OPERATION_EVERY, len(kept) + 1, _OPERATION_EVERY)
    _insert(Operation, [_operation(project_id, number, start) for number in last])


def _deployment(
    project_id: int, number: int, snapshot_id: int, functions: int, start: datetime
) -> dict[str, Any]:
    at = start + _EVERY * number
    return {
        "project_id": project_id,
        "number": number,
        "status": DeploymentStatus.CAPTURED,
        "created_at": at,
        "deployed_at": at,
        "captured_at": at,
        "stack_changed_at": at,
        "reported_by": "pipeline (token)",
        "commit": f"{number:040x}",
        "branch": "main",
        "message": f"Change number {number}",
        "author": "Ada",
        "snapshot_id": snapshot_id,
        "changed": [f"bulk-{project_id}-{(number - 1) % functions:03}"],
    }


def _operation(project_id: int, number: int, start: datetime) -> dict[str, Any]:
    at = start + _EVERY * number + _EVERY / 2
    return {
        "project_id": project_id,
        "project_name": "history",
        "stack_name": "history",
        "alias": DEFAULT_ALIAS,
        "kind": OperationKind.SWITCH,
        "status": OperationStatus.SUCCEEDED,
        "on_failure": OnFailure.PUT_BACK,
        "reason": f"After number {number}",
        "fingerprint": "",
        "requested_by": "ada@example.com",
        "created_at": at,
        "started_at": at,
        "finished_at": at,
    }


def _insert(model: type[Base], rows: list[dict[str, Any]]) -> list[int]:
    """Insert rows in order; give their ids in the same order."""
    if not rows:
        return []
    key: Any = model.__table__.c.id
    statement = sa.insert(model).returning(key, sort_by_parameter_order=True)
    return list(db.session.scalars(statement, rows))
