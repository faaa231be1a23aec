"""Read stacks from AWS into the tables: every minute, and when a person asks."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import sqlalchemy as sa
import structlog
from flask import Flask, current_app
from sqlalchemy.orm import selectinload

from sah.aws.gateway import AwsGateway, Stack, StackContent, StackFunction
from sah.domain.errors import (
    AwsError,
    AwsNotFoundError,
    BusyError,
    ConfigError,
    ConflictError,
    NotFoundError,
    SahError,
)
from sah.extensions import db
from sah.models import Function, Project
from sah.services.accounts import open_gateway
from sah.services.answers import PATIENCE_S, ask_within
from sah.services.locks import claim_account, claim_project
from sah.services.projects import find_active_operation, get_project
from sah.services.reading import (
    Known,
    Reader,
    allow_readings,
    end_readings,
    read_each,
    refuse_when_ending,
)
from sah.services.seen import SyncTarget, store_failure, store_gone_stack, store_stack
from sah.services.settling import settle_deployments, settle_gone_stack
from sah.services.snapshots import list_targets
from sah.services.stacks import look_at_stack

log = structlog.get_logger(__name__)

# Accounts that are synced side by side, so that a hanging one does not hold up the rest.
_ACCOUNTS = 4
# How often everything is read although the stack has not changed, so that a version which
# somebody deleted, or which went inactive, is known before it is needed (aws-facts 10).
_FULL_EVERY = timedelta(minutes=15)
# How long a plan waits for the aliases of 100 functions, at 15 calls a second (aws-facts 1).
_ALIASES_S = 8.0
# Begins the note on a project whose triggers may be incomplete, so that a light sync tries again.
_MAPPINGS_NOTE = "Event source mappings could not be read, so triggers may be missing:"
_UNEXPECTED = "An unexpected error ended the sync; SAH's log says more."


@dataclass(frozen=True, slots=True)
class SyncReport:
    """How one sync ended; ``full`` says whether more than the aliases was read.

    ``failed`` are the functions that could not be read; ``error`` says why the
    stack could not; ``skipped`` says why nothing was tried; ``gone`` that AWS has
    no such stack.
    """

    project: str
    full: bool = False
    functions: int = 0
    failed: tuple[str, ...] = ()
    error: str = ""
    skipped: str = ""
    gone: bool = False

    @property
    def worked(self) -> bool:
        """Say whether the stack and every function could be read."""
        return not (self.error or self.failed or self.skipped)


def sync_all(*, force_full: bool = False, patience_s: float = 0.0) -> list[SyncReport]:
    """Sync every project; one that fails or hangs never stops those of other accounts.

    Accounts whose last sync is not over yet are left out, unless it ends within
    ``patience_s`` seconds.
    """
    by_account: dict[int, list[tuple[int, str]]] = {}
    columns = sa.select(Project.account_id, Project.id, Project.name).order_by(Project.name)
    for account_id, project_id, name in db.session.execute(columns):
        by_account.setdefault(account_id, []).append((project_id, name))
    db.session.commit()
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001

    def sync_account(item: tuple[int, list[tuple[int, str]]]) -> list[SyncReport]:
        account_id, projects = item
        with app.app_context(), claim_account(account_id, patience_s) as claimed:
            if not claimed:
                log.warning("sync.skipped", account=account_id, reason="the last one is not over")
                why = "It is being synced already."
                return [SyncReport(name, skipped=why) for _, name in projects]
            return [
                _sync_one(app, project_id, name, force_full=force_full, patience_s=patience_s)
                for project_id, name in projects
            ]

    with ThreadPoolExecutor(_ACCOUNTS, thread_name_prefix="sync-account") as pool:
        batches = pool.map(sync_account, by_account.items())
        return sorted((r for batch in batches for r in batch), key=lambda report: report.project)


def _sync_one(
    app: Flask, project_id: int, name: str, *, force_full: bool, patience_s: float
) -> SyncReport:
    with app.app_context():
        try:
            return sync_project(project_id, force_full=force_full, patience_s=patience_s)
        except (ConflictError, NotFoundError) as error:
            return SyncReport(name, skipped=str(error))
        except Exception:  # noqa: BLE001 - logged where it was caught first
            return SyncReport(name, error=_UNEXPECTED)


def sync_project(
    project_id: int,
    *,
    force_full: bool = False,
    patience_s: float = 0.0,
    unless_seen: Stack | None = None,
) -> SyncReport:
    """Read one project's stack from AWS and store what is there.

    When CloudFormation's time of the last change has not moved since the last full
    sync, only the aliases are read, and the rest of those functions that could not
    be read then. What fails is stored and shown, not raised. ``patience_s`` is for
    how long to wait for a sync of the same project that runs already; nothing is read
    again if that one saw the stack as it is in ``unless_seen``.

    :raises NotFoundError: there is no such project, or it was deleted meanwhile.
    :raises BusyError: the project is being synced already, or its aliases are being moved.
    :raises ConflictError: the project was given another stack meanwhile, or SAH is
        being stopped.
    """
    try:
        report = _sync_claimed(
            project_id, force_full=force_full, patience_s=patience_s, unless_seen=unless_seen
        )
    except SahError:
        raise
    except Exception:
        # Logged here, because a page that waited long enough looks no more at its sync.
        log.exception("sync.crashed", project_id=project_id)
        raise
    log.info(
        "sync.finished",
        project=report.project,
        full=report.full,
        functions=report.functions,
        failed=len(report.failed),
        error=report.error,
    )
    return report


def _sync_claimed(
    project_id: int, *, force_full: bool, patience_s: float, unless_seen: Stack | None
) -> SyncReport:
    refuse_when_ending()
    get_project(project_id)
    db.session.commit()
    with claim_project(project_id, patience_s) as claimed:
        project = _read_anew(project_id)
        if not claimed:
            raise BusyError(f"{project.name} is being synced already.", "Look again in a moment.")
        if unless_seen is not None and _shows(project, unless_seen):
            return SyncReport(project.name, skipped="Another sync has just read it.")
        _refuse_while_moving(project)
        target = _target_of(project)
        try:
            return _sync(project, target, force_full=force_full)
        except SahError:
            raise
        except Exception:
            db.session.rollback()
            store_failure(target, _UNEXPECTED)
            raise


def sync_if_changed(project_id: int, *, patience_s: float = 20.0) -> None:
    """Sync a project whose stack changed since the last sync, so that a plan shows what is live.

    The deployment that is to be rolled back is often only seconds old. Asking costs
    one call a stack, and none of Lambda's pools. When AWS does not answer soon, or the
    sync takes longer than ``patience_s`` seconds, what is known has to do: an alias that
    moved since is refused by its ``RevisionId`` (aws-facts 4).

    :raises NotFoundError: there is no such project.
    """
    project = get_project(project_id)
    name, stack_name, nested = project.name, project.stack_name, project.nested_stacks
    try:
        gateway = open_gateway(project.account)
        db.session.commit()
        stack = ask_within(PATIENCE_S, partial(look_at_stack, gateway, stack_name, nested))
        if not _shows(_read_anew(project_id), stack):
            _sync_within(patience_s, project_id, stack)
    except (AwsError, ConfigError, ConflictError) as error:
        log.warning("sync.not_refreshed", project=name, error=str(error))


def sync_again(project_id: int) -> bool:
    """Read the aliases anew because one was seen elsewhere; say whether that worked soon."""
    try:
        _sync_within(_ALIASES_S, project_id, None)
    except (AwsError, ConfigError, ConflictError) as error:
        log.warning("sync.not_refreshed", project_id=project_id, error=str(error))
        return False
    return True


def _sync_within(patience_s: float, project_id: int, seen: Stack | None) -> None:
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    context = structlog.contextvars.get_contextvars()

    def work() -> None:
        with app.app_context(), structlog.contextvars.bound_contextvars(**context):
            sync_project(project_id, patience_s=patience_s, unless_seen=seen)

    db.session.commit()
    try:
        ask_within(patience_s, work)
    finally:
        db.session.expire_all()


def _read_anew(project_id: int) -> Project:
    """Read a project as another request or process left it meanwhile.

    :raises NotFoundError: it was deleted.
    """
    db.session.expire_all()
    return get_project(project_id)


def _shows(project: Project, stack: Stack) -> bool:
    """Say whether what is stored of a project was read while its stack was like that."""
    stored = (project.stack_id, project.stack_changed_at, project.stack_status)
    return stored == (stack.stack_id, stack.changed_at, stack.status)


def end_syncs() -> None:
    """Let running syncs end after the calls that they are in, storing nothing."""
    end_readings()


def allow_syncs() -> None:
    """Take back ``end_syncs``."""
    allow_readings()


def _refuse_while_moving(project: Project) -> None:
    operation = find_active_operation(project.id)
    if operation is not None:
        raise BusyError(
            f"{operation.requested_by} is moving the aliases of {project.name} right now.",
            "They are read again once that is over.",
        )


def _target_of(project: Project) -> SyncTarget:
    return SyncTarget(
        project.id, project.name, project.account_id, project.stack_name, datetime.now(UTC)
    )


def _sync(project: Project, target: SyncTarget, *, force_full: bool) -> SyncReport:
    try:
        known, targets = _list_known(project), list_targets(project.id)
        nested = frozenset(project.nested_stacks)
        gateway = open_gateway(project.account)
        db.session.commit()  # nothing of the database stays open while AWS is asked
        reader = Reader(gateway, targets)
        stack = look_at_stack(gateway, target.stack_name, nested)
        content = None
        if force_full or _needs_full(project, stack, reader):
            stack, content = _list_content(gateway, target.stack_name, stack, nested)
        readings = read_each(reader.plan_all(content) if content else reader.plan_news(known))
        # A deploy that began meanwhile may be in part of them (aws-facts 12).
        changed_meanwhile = content is not None and stack != look_at_stack(
            gateway, target.stack_name, content.nested
        )
    except AwsNotFoundError:
        store_gone_stack(target)
        settle_gone_stack(target.project_id, target.started_at)
        return SyncReport(target.name, full=True, gone=True)
    except ConflictError:
        raise
    except SahError as error:
        store_failure(target, str(error))
        return SyncReport(target.name, error=str(error))
    if readings and all(reading.error for reading in readings):
        # So it is the account or the network, and when the sync last worked stays true.
        sentence = f"None of the functions could be read. {readings[0].error}"
        store_failure(target, sentence)
        return SyncReport(target.name, content is not None, error=sentence)
    note = f"{_MAPPINGS_NOTE} {reader.mappings_error}" if reader.mappings_error else ""
    store_stack(target, stack, readings, content, note)
    settle_deployments(
        target.project_id, stack, target.started_at, changed_meanwhile=changed_meanwhile
    )
    failed = tuple(r.function.name for r in readings if r.error)
    found = sum(not reading.gone for reading in readings)
    return SyncReport(target.name, content is not None, found, failed, note)


def _list_content(
    gateway: AwsGateway, name: str, stack: Stack, nested: frozenset[str]
) -> tuple[Stack, StackContent]:
    """List what is in a stack, which was looked at with those ``nested`` that were known."""
    content = gateway.get_stack_content(name)
    if content.nested == nested:
        return stack, content
    # Look at all of them before they are listed, so that a change after that is noticed.
    stack = look_at_stack(gateway, name, content.nested)
    return stack, gateway.get_stack_content(name)


def _needs_full(project: Project, stack: Stack, reader: Reader) -> bool:
    return (
        stack.in_progress
        or project.fully_synced_at is None
        or datetime.now(UTC) - project.fully_synced_at >= _FULL_EVERY
        or project.gone_at is not None
        or not _shows(project, stack)
        or _mappings_are_back(project, reader)
    )


def _mappings_are_back(project: Project, reader: Reader) -> bool:
    return project.sync_error.startswith(_MAPPINGS_NOTE) and reader.mappings_of("") is not None


def _list_known(project: Project) -> list[Known]:
    query = (
        sa.select(Function)
        .where(Function.project_id == project.id, Function.gone_at.is_(None))
        .order_by(Function.name)
        .options(selectinload(Function.aliases))
        .execution_options(populate_existing=True)
    )
    return [
        Known(
            StackFunction(row.name, row.logical_id, row.published_version),
            frozenset(version for a in row.aliases for version in (a.version, *a.weights)),
            failed=bool(row.sync_error),
        )
        for row in db.session.scalars(query)
    ]
