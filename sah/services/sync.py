"""Read stacks from AWS into the tables: every minute, and when a person asks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import sqlalchemy as sa
import structlog
from flask import Flask, current_app

from sah.aws.gateway import AwsGateway, Stack, StackContent
from sah.domain.errors import (
    AwsNotFoundError,
    BusyError,
    ConflictError,
    NotFoundError,
    SahError,
)
from sah.extensions import db
from sah.models import Project
from sah.services.accounts import open_gateway
from sah.services.known import Known, list_known
from sah.services.locks import ask_for_project, claim_account, claim_project, watch_for_wishes
from sah.services.projects import find_active_operation, get_project
from sah.services.reading import (
    Depth,
    Reader,
    allow_readings,
    end_readings,
    read_each,
    refuse_when_ending,
)
from sah.services.seen import (
    StackReading,
    SyncTarget,
    shows_stack,
    store_failure,
    store_gone_stack,
    store_stack,
)
from sah.services.settling import settle_deployments, settle_gone_stack
from sah.services.snapshots import list_targets
from sah.services.stacks import look_at_stack

log = structlog.get_logger(__name__)

# Accounts that are synced side by side, so that a hanging one does not hold up the rest.
_ACCOUNTS = 4
# How often everything is read although the stack has not changed, so that a version which
# somebody deleted, or which went inactive, is known before it is needed (aws-facts 10).
_FULL_EVERY = timedelta(minutes=15)
# Begins the note on a project whose triggers may be incomplete, so that a light sync tries again.
_MAPPINGS_NOTE = "Event source mappings could not be read, so triggers may be missing:"
_UNEXPECTED = "An unexpected error ended the sync; SAH's log says more."


@dataclass(frozen=True, slots=True)
class SyncReport:
    """How one sync ended; ``full`` says whether everything was read.

    ``rest_due`` says that only what a plan is made of was read so far. ``failed`` are the
    functions that could not be read; ``error`` says why the stack could not; ``skipped``
    says why nothing was tried; ``gone`` that AWS has no such stack.
    """

    project: str
    full: bool = False
    functions: int = 0
    failed: tuple[str, ...] = ()
    error: str = ""
    skipped: str = ""
    gone: bool = False
    rest_due: bool = False

    @property
    def worked(self) -> bool:
        """Say whether the stack and every function could be read."""
        return not (self.error or self.failed or self.skipped)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a sync is asked for; ``leave_rest`` is for one that reads only what a plan is made of.

    Somebody waits for one ``for_plan``, so it goes before others. Nothing is read if another
    sync saw the stack as in ``unless_seen`` meanwhile.
    """

    force_full: bool = False
    patience_s: float = 0.0
    leave_rest: bool = False
    for_plan: bool = False
    unless_seen: Stack | None = None


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
    leave_rest: bool = False,
) -> SyncReport:
    """Read one project's stack from AWS and store what is there.

    When CloudFormation's time of the last change has not moved since the last full
    sync, only the aliases are read, and the rest of those functions that could not
    be read then. When it has, what a plan is made of is read and stored first, so that
    nobody waits for the rest, which follows unless it is to be left for the next sync.
    What fails is stored and shown, not raised. ``patience_s`` is for how long to wait
    for a sync of the same project that runs already.

    :raises NotFoundError: there is no such project, or it was deleted meanwhile.
    :raises BusyError: the project is being synced already, or its aliases are being moved.
    :raises ConflictError: the project was given another stack meanwhile, or SAH is
        being stopped.
    """
    wish = Wish(force_full, patience_s, leave_rest)
    report = sync_as_wished(project_id, wish)
    if not report.rest_due:
        return report
    try:
        return sync_as_wished(project_id, wish)
    except ConflictError:
        return report  # somebody needs the project now, and the rest waits for the next sync


def sync_as_wished(project_id: int, wish: Wish) -> SyncReport:
    """Read one project's stack once, as ``sync_project`` does in one or two steps.

    :raises SahError: see ``sync_project``.
    """
    try:
        report = _sync_claimed(project_id, wish)
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


def _sync_claimed(project_id: int, wish: Wish) -> SyncReport:
    refuse_when_ending()
    get_project(project_id)
    db.session.commit()
    asking = ask_for_project(project_id) if wish.for_plan else nullcontext()
    with asking, claim_project(project_id, wish.patience_s) as claimed:
        project = read_project_anew(project_id)
        if not claimed:
            raise BusyError(f"{project.name} is being synced already.", "Look again in a moment.")
        if wish.unless_seen is not None and shows_stack(project, wish.unless_seen):
            return SyncReport(project.name, skipped="Another sync has just read it.")
        _refuse_while_moving(project)
        target = _target_of(project)
        try:
            return _sync(project, target, wish)
        except SahError:
            raise
        except Exception:
            db.session.rollback()
            store_failure(target, _UNEXPECTED)
            raise


def read_project_anew(project_id: int) -> Project:
    """Read a project as another request or process left it meanwhile.

    :raises NotFoundError: it was deleted.
    """
    db.session.expire_all()
    return get_project(project_id)


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


def _sync(project: Project, target: SyncTarget, wish: Wish) -> SyncReport:
    try:
        read = _read(project, target, wish)
    except AwsNotFoundError:
        store_gone_stack(target)
        settle_gone_stack(target.project_id, target.started_at)
        return SyncReport(target.name, full=True, gone=True)
    except ConflictError:
        raise
    except SahError as error:
        store_failure(target, str(error))
        return SyncReport(target.name, error=str(error))
    if read.functions and all(reading.error for reading in read.functions):
        # So it is the account or the network, and when the sync last worked stays true.
        sentence = f"None of the functions could be read. {read.functions[0].error}"
        store_failure(target, sentence)
        return SyncReport(target.name, read.whole, error=sentence)
    store_stack(target, read)
    settle_deployments(
        target.project_id, read.stack, target.started_at, changed_meanwhile=read.changed_meanwhile
    )
    return SyncReport(
        target.name,
        read.whole,
        sum(not reading.gone for reading in read.functions),
        tuple(reading.function.name for reading in read.functions if reading.error),
        read.note,
        rest_due=_is_rest_due(read, wish),
    )


def _is_rest_due(read: StackReading, wish: Wish) -> bool:
    if wish.leave_rest or read.content is None or read.whole:
        return False
    return wish.force_full or not read.stack.in_progress


def _read(project: Project, target: SyncTarget, wish: Wish) -> StackReading:
    known, targets = list_known(project), list_targets(project.id)
    nested, note = frozenset(project.nested_stacks), _find_note(project)
    gateway = open_gateway(project.account, urgent=wish.for_plan)
    reader = Reader(gateway, project.alias, targets)
    give_way = _go_on if wish.for_plan else partial(_give_way, watch_for_wishes(project.id))
    db.session.commit()  # nothing of the database stays open while AWS is asked
    stack = look_at_stack(gateway, target.stack_name, nested)
    depth = _choose_depth(project, stack, reader, wish, known)
    if depth == Depth.ALIASES:
        readings = read_each(reader.plan_news(known), give_way)
        return StackReading(stack, readings, note=_note(reader))
    stack, content = _list_content(gateway, target.stack_name, stack, nested)
    whole = depth == Depth.ALL
    if whole:
        readings = read_each(reader.plan_all(content), give_way)
    else:
        readings = read_each(reader.plan_changes(content, known, stack), _go_on)
    # A deploy that began meanwhile may be in part of them (aws-facts 12).
    changed = stack != look_at_stack(gateway, target.stack_name, content.nested)
    return StackReading(
        stack, readings, content, whole, changed, _note(reader) or ("" if whole else note)
    )


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


def _choose_depth(
    project: Project, stack: Stack, reader: Reader, wish: Wish, known: list[Known]
) -> Depth:
    """Decide how much to read; of a stack that changed, first what a plan is made of."""
    if project.stack_id != stack.stack_id or project.gone_at is not None:
        return Depth.ALL
    if wish.for_plan or not shows_stack(project, stack):
        return Depth.PLAN
    if wish.leave_rest:
        # A function that could not be read is read again, and the others are not listed for it.
        is_open = stack.in_progress or any(one.failed for one in known)
        return Depth.PLAN if is_open else Depth.ALIASES
    at = project.fully_synced_at
    if wish.force_full or at is None or datetime.now(UTC) - at >= _FULL_EVERY:
        return Depth.ALL
    if stack.in_progress:
        return Depth.PLAN
    return Depth.ALL if _mappings_are_back(project, reader) else Depth.ALIASES


def _mappings_are_back(project: Project, reader: Reader) -> bool:
    return bool(_find_note(project)) and reader.mappings_of("") is not None


def _find_note(project: Project) -> str:
    """Give the note that triggers may be missing, which holds until they are read."""
    return project.sync_error if project.sync_error.startswith(_MAPPINGS_NOTE) else ""


def _note(reader: Reader) -> str:
    return f"{_MAPPINGS_NOTE} {reader.mappings_error}" if reader.mappings_error else ""


def _give_way(is_asked_for: Callable[[], bool]) -> None:
    if is_asked_for():
        raise BusyError("Somebody waits for a plan, which is read first.", "Sync again afterwards.")


def _go_on() -> None:
    """Give way to nobody."""
