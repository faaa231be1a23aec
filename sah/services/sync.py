"""Read stacks from AWS into the tables: every minute, and when a person asks."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog
from flask import Flask, current_app

from sah.aws.gateway import AwsGateway, FunctionVersion, Stack, StackFunction
from sah.domain.aliases import AliasState
from sah.domain.errors import AwsError, AwsNotFoundError, BusyError, NotFoundError, SahError
from sah.domain.triggers import Trigger
from sah.extensions import db
from sah.models import (
    Function,
    FunctionAlias,
    FunctionTrigger,
    Project,
    PublishedVersion,
)
from sah.services.accounts import open_gateway
from sah.services.projects import get_project

log = structlog.get_logger(__name__)

# Calls in flight for one project; the rate pools, not this number, set the pace.
_WORKERS = 8
# Accounts that are synced side by side, so that a hanging one does not hold up the rest.
_ACCOUNTS = 4


@dataclass(frozen=True, slots=True)
class SyncReport:
    """How one sync ended; ``full`` says whether more than the aliases was read."""

    project: str
    full: bool = False
    functions: int = 0
    failed: tuple[str, ...] = ()
    error: str = ""

    @property
    def worked(self) -> bool:
        """Say whether the stack and every function could be read."""
        return not self.error and not self.failed


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was read of one function; None where a light sync did not look."""

    function: StackFunction
    aliases: list[AliasState]
    versions: list[FunctionVersion] | None = None
    triggers: list[Trigger] | None = None
    error: str = ""


class _Locks:
    """One lock a project: a sync that is running is not started twice."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._running: set[int] = set()

    def take(self, project_id: int) -> bool:
        with self._guard:
            if project_id in self._running:
                return False
            self._running.add(project_id)
            return True

    def give_back(self, project_id: int) -> None:
        with self._guard:
            self._running.discard(project_id)


_locks = _Locks()


def sync_all() -> list[SyncReport]:
    """Sync every project; one that fails never stops the others."""
    by_account: dict[int, list[int]] = {}
    rows = db.session.execute(sa.select(Project.account_id, Project.id).order_by(Project.id))
    for account_id, project_id in rows:
        by_account.setdefault(account_id, []).append(project_id)
    db.session.commit()
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    with ThreadPoolExecutor(_ACCOUNTS, thread_name_prefix="sync-account") as pool:
        batches = pool.map(lambda ids: _sync_in_turn(app, ids), by_account.values())
        return [report for batch in batches for report in batch]


def _sync_in_turn(app: Flask, project_ids: list[int]) -> list[SyncReport]:
    reports = []
    for project_id in project_ids:
        with app.app_context():
            try:
                reports.append(sync_project(project_id))
            except (BusyError, NotFoundError):
                continue  # being synced by a person, or deleted in between
            except Exception:
                log.exception("sync.crashed", project=project_id)
    return reports


def sync_project(project_id: int, *, force_full: bool = False) -> SyncReport:
    """Read one project's stack from AWS and store what is there.

    When CloudFormation's time of the last change has not moved since the last full
    sync, only the aliases are read. What fails is stored and shown, not raised.

    :raises NotFoundError: there is no such project.
    :raises BusyError: this project is being synced already.
    """
    project = get_project(project_id)
    if not _locks.take(project_id):
        raise BusyError(f"{project.name} is being synced already.", "Look again in a moment.")
    try:
        report = _sync(project, force_full=force_full)
    finally:
        _locks.give_back(project_id)
    log.info(
        "sync.finished",
        project=report.project,
        full=report.full,
        functions=report.functions,
        failed=len(report.failed),
        error=report.error,
    )
    return report


def _sync(project: Project, *, force_full: bool) -> SyncReport:
    try:
        gateway = open_gateway(project.account)
        db.session.commit()
        stack = gateway.get_stack(project.stack_name)
        full = force_full or _needs_full(project, stack)
        readings = _read_all(project, gateway) if full else _read_aliases(project, gateway)
    except AwsNotFoundError:
        return _store_gone(project)
    except SahError as error:
        return _store_failure(project, error)
    return _store(project, stack, readings, full=full)


def _needs_full(project: Project, stack: Stack) -> bool:
    return (
        stack.in_progress
        or project.synced_at is None
        or project.gone_at is not None
        or project.stack_changed_at != stack.changed_at
        or project.stack_status != stack.status
        or project.stack_id != stack.stack_id
        or any(row.sync_error for row in _list_functions(project))
    )


def _list_functions(project: Project) -> list[Function]:
    query = sa.select(Function).where(Function.project_id == project.id).order_by(Function.name)
    return list(db.session.scalars(query))


def _read_all(project: Project, gateway: AwsGateway) -> list[_Reading]:
    functions = gateway.list_stack_functions(project.stack_name)
    mappings: dict[str, list[Trigger]] = {}
    for trigger in gateway.list_mapping_triggers():
        mappings.setdefault(trigger.function, []).append(trigger)

    def read(function: StackFunction) -> _Reading:
        aliases = gateway.list_aliases(function.name)
        versions = gateway.list_versions(function.name)
        triggers = [
            trigger
            for qualifier in ("", *(alias.name for alias in aliases))
            for trigger in gateway.list_policy_triggers(function.name, qualifier)
        ]
        return _Reading(function, aliases, versions, triggers + mappings.get(function.name, []))

    return _read_each(functions, read)


def _read_aliases(project: Project, gateway: AwsGateway) -> list[_Reading]:
    functions = [
        StackFunction(row.name, row.logical_id, row.published_version)
        for row in _list_functions(project)
        if row.gone_at is None
    ]
    db.session.commit()
    return _read_each(functions, lambda f: _Reading(f, gateway.list_aliases(f.name)))


def _read_each(
    functions: list[StackFunction], read: Callable[[StackFunction], _Reading]
) -> list[_Reading]:
    """Read many functions side by side; one that fails carries its error and stops no other."""

    def guarded(function: StackFunction) -> _Reading:
        try:
            return read(function)
        except AwsError as error:
            return _Reading(function, [], error=str(error))

    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="sync") as pool:
        return list(pool.map(guarded, functions))


def _store_gone(project: Project) -> SyncReport:
    now = datetime.now(UTC)
    project.gone_at = project.gone_at or now
    project.stack_status = "DELETE_COMPLETE"
    project.sync_tried_at = project.synced_at = now
    project.sync_error = ""
    for row in _list_functions(project):
        row.gone_at = row.gone_at or now
    db.session.commit()
    return SyncReport(project.name, full=True)


def _store_failure(project: Project, error: SahError) -> SyncReport:
    project.sync_tried_at = datetime.now(UTC)
    project.sync_error = str(error)
    db.session.commit()
    return SyncReport(project.name, error=str(error))


def _store(project: Project, stack: Stack, readings: list[_Reading], *, full: bool) -> SyncReport:
    now = datetime.now(UTC)
    rows = {row.name: row for row in _list_functions(project)}
    for reading in readings:
        row = rows.pop(reading.function.name, None)
        if row is None:
            row = Function(project_id=project.id, name=reading.function.name)
            db.session.add(row)
        _store_function(row, reading)
    if full:
        for row in rows.values():
            row.gone_at = row.gone_at or now
    failed = tuple(r.function.name for r in readings if r.error)
    _store_stack(project, stack, now)
    db.session.commit()
    return SyncReport(project.name, full=full, functions=len(readings), failed=failed)


def _store_stack(project: Project, stack: Stack, now: datetime) -> None:
    project.stack_id = stack.stack_id
    project.stack_status = stack.status
    project.stack_changed_at = stack.changed_at
    project.gone_at = None
    project.sync_error = ""
    project.synced_at = project.sync_tried_at = now


def _store_function(row: Function, reading: _Reading) -> None:
    """Store what was read; where reading failed, what was known before stays."""
    row.gone_at = None
    row.logical_id = reading.function.logical_id
    row.published_version = reading.function.published_version
    row.sync_error = reading.error
    if reading.error:
        return
    _store_aliases(row, reading.aliases)
    if reading.versions is not None:
        _store_versions(row, reading.versions)
    if reading.triggers is not None:
        _store_triggers(row, reading.triggers)


def _store_aliases(row: Function, aliases: list[AliasState]) -> None:
    known = {alias.name: alias for alias in row.aliases}
    row.aliases = [
        _fill_alias(known.get(alias.name) or FunctionAlias(name=alias.name), alias)
        for alias in aliases
    ]


def _fill_alias(row: FunctionAlias, alias: AliasState) -> FunctionAlias:
    row.version = alias.routing.version
    row.weights = dict(alias.routing.weights)
    row.revision_id = alias.revision_id
    return row


def _store_versions(row: Function, versions: list[FunctionVersion]) -> None:
    known = {version.version: version for version in row.versions}
    row.versions = [
        _fill_version(known.get(version.version) or PublishedVersion(), version)
        for version in versions
    ]


def _fill_version(row: PublishedVersion, version: FunctionVersion) -> PublishedVersion:
    row.version = version.version
    row.number = int(version.version)
    row.modified_at = version.modified_at
    row.code_sha256 = version.code_sha256
    row.code_size = version.code_size
    row.runtime = version.runtime
    row.memory_size = version.memory_size
    row.timeout = version.timeout
    row.handler = version.handler
    row.description = version.description
    row.state = version.state
    row.state_reason = version.state_reason
    return row


def _store_triggers(row: Function, triggers: list[Trigger]) -> None:
    wanted = [(t.kind, t.source, t.qualifier, t.origin.value, t.enabled) for t in triggers]
    stored = [(t.kind, t.source, t.qualifier, t.origin, t.enabled) for t in row.triggers]
    if wanted == stored:
        return
    row.triggers = [
        FunctionTrigger(kind=kind, source=source, qualifier=qualifier, origin=origin, enabled=on)
        for kind, source, qualifier, origin, on in wanted
    ]
