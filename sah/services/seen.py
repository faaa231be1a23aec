"""Store what a sync read of a stack, and leave what it could not read as it was."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from sah.aws.gateway import FunctionVersion, Stack, StackContent, StackFunction
from sah.domain.aliases import AliasState
from sah.domain.errors import ConflictError, NotFoundError
from sah.domain.operations import OperationStatus
from sah.domain.snapshots import digest_variable
from sah.domain.triggers import Trigger, TriggerOrigin
from sah.extensions import db
from sah.models import (
    Function,
    FunctionAlias,
    FunctionTrigger,
    Operation,
    Project,
    PublishedVersion,
)
from sah.services.secrets import decrypt_secret, encrypt_secret

_TEXT = 255  # AWS allows descriptions of 256 characters, the column one less


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one function; None is what was not looked at, or could not be.

    ``versions`` are all of them, ``new_versions`` those besides the ones that are known.
    ``gone`` says that AWS does not know the function any more.
    """

    function: StackFunction
    aliases: list[AliasState] | None = None
    versions: list[FunctionVersion] | None = None
    policy_triggers: list[Trigger] | None = None
    mapping_triggers: list[Trigger] | None = None
    new_versions: Sequence[FunctionVersion] = ()
    gone: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class StackReading:
    """What one sync read of a stack: ``content`` if it was listed, ``whole`` if all of it was read.

    ``changed_meanwhile`` says that it may be of two deploys, ``note`` what may be missing.
    """

    stack: Stack
    functions: list[Reading]
    content: StackContent | None = None
    whole: bool = False
    changed_meanwhile: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class SyncTarget:
    """What a sync was started for; ``started_at`` is before the first call to AWS."""

    project_id: int
    name: str
    account_id: int
    stack_name: str
    started_at: datetime


def store_stack(target: SyncTarget, read: StackReading) -> None:
    """Store what was read; functions that are not in the stack's ``content`` are gone.

    Aliases are left alone when an operation moved them while they were read: what
    the operation stored is newer.

    :raises NotFoundError: the project was deleted in the meantime.
    :raises ConflictError: the project was given another stack in the meantime.
    """
    project = _claim(target)
    writer = _Writer(target.started_at, _salt_of(project), keep_aliases=_was_moved_since(target))
    rows = {row.name: row for row in _load_functions(target.project_id, full=read.whole)}
    for reading in read.functions:
        row = rows.pop(reading.function.name, None)
        if row is None:
            row = Function(project_id=target.project_id, name=reading.function.name)
            db.session.add(row)
        writer.store(row, reading)
    if read.content is not None:
        _mark_gone(list(rows.values()), target.started_at)
        project.nested_stacks = sorted(read.content.nested)
    if read.whole:
        project.fully_synced_at = target.started_at
    elif not (read.stack.in_progress or shows_stack(project, read.stack)):
        project.fully_synced_at = None  # so that the next sync reads the rest of the change
    project.stack_id = read.stack.stack_id
    project.stack_status = read.stack.status
    project.stack_changed_at = read.stack.changed_at
    project.gone_at = None
    project.sync_error = read.note
    project.synced_at = target.started_at
    db.session.commit()


def shows_stack(project: Project, stack: Stack) -> bool:
    """Say whether what is stored of a project was read while its stack was like that."""
    stored = (project.stack_id, project.stack_changed_at, project.stack_status)
    return stored == (stack.stack_id, stack.changed_at, stack.status)


def store_gone_stack(target: SyncTarget) -> None:
    """Store that the stack is gone, and with it its functions; their rows stay to be read.

    :raises NotFoundError: the project was deleted in the meantime.
    :raises ConflictError: the project was given another stack in the meantime.
    """
    project = _claim(target)
    project.gone_at = project.gone_at or target.started_at
    project.stack_status = "DELETE_COMPLETE"
    project.sync_error = ""
    project.synced_at = target.started_at
    _mark_gone(_load_functions(target.project_id, full=False), target.started_at)
    db.session.commit()


def store_failure(target: SyncTarget, sentence: str) -> None:
    """Store why nothing could be read; what was known before stays.

    :raises NotFoundError: the project was deleted in the meantime.
    :raises ConflictError: the project was given another stack in the meantime.
    """
    _claim(target).sync_error = sentence
    db.session.commit()


def _claim(target: SyncTarget) -> Project:
    """Begin to write, and make sure that the project is still what the sync was started for.

    The update comes first: from then on no other writer gets between the checks
    and what is stored.
    """
    db.session.commit()
    updated = db.session.execute(
        sa.update(Project)
        .where(
            Project.id == target.project_id,
            Project.account_id == target.account_id,
            Project.stack_name == target.stack_name,
        )
        .values(sync_tried_at=target.started_at)
        .execution_options(synchronize_session=False)
        .returning(Project.id)
    ).scalar()
    project = db.session.get(Project, target.project_id, populate_existing=True)
    if updated is not None and project is not None:
        return project
    db.session.rollback()
    if project is None:
        raise NotFoundError(f"The project {target.name} was deleted while it was synced.")
    raise ConflictError(
        f"{project.name} was given another stack while it was synced.", "Sync it again."
    )


def _was_moved_since(target: SyncTarget) -> bool:
    active = [status for status in OperationStatus if status.is_active]
    query = sa.select(Operation.id).where(
        Operation.project_id == target.project_id,
        Operation.status.in_(active) | (Operation.finished_at >= target.started_at),
    )
    return db.session.scalar(query.limit(1)) is not None


def _load_functions(project_id: int, *, full: bool) -> list[Function]:
    query = (
        sa.select(Function)
        .where(Function.project_id == project_id)
        .options(selectinload(Function.aliases))
        .execution_options(populate_existing=True)
    )
    if full:
        query = query.options(selectinload(Function.all_versions), selectinload(Function.triggers))
    return list(db.session.scalars(query))


def _mark_gone(rows: list[Function], now: datetime) -> None:
    for row in rows:
        row.gone_at = row.gone_at or now
        row.sync_error = ""


def _salt_of(project: Project) -> str:
    """Give the project's salt for the values of variables, made once and encrypted at rest."""
    if not project.encrypted_salt:
        project.encrypted_salt = encrypt_secret(secrets.token_hex(16))
    return decrypt_secret(project.encrypted_salt)


@dataclass(frozen=True, slots=True)
class _Writer:
    """Brings the rows of functions up to date with what one sync read."""

    now: datetime
    salt: str
    keep_aliases: bool

    def store(self, row: Function, reading: Reading) -> None:
        row.gone_at = (row.gone_at or self.now) if reading.gone else None
        row.sync_error = reading.error
        row.logical_id = reading.function.logical_id
        row.published_version = reading.function.published_version
        if reading.aliases is not None and not self.keep_aliases:
            _store_aliases(row, reading.aliases)
        if reading.versions is not None:
            self._store_versions(row, reading.versions)
        for version in reading.new_versions:
            self._add_version(row, version)
        if reading.policy_triggers is not None:
            _store_triggers(row, TriggerOrigin.POLICY, reading.policy_triggers)
        if reading.mapping_triggers is not None:
            _store_triggers(row, TriggerOrigin.MAPPING, reading.mapping_triggers)

    def _store_versions(self, row: Function, versions: list[FunctionVersion]) -> None:
        """Keep the row of a version that AWS deleted: a deployment may have published it."""
        known = {version.version: version for version in row.all_versions}
        for version in versions:
            stored = known.pop(version.version, None)
            if stored is None:
                stored = PublishedVersion()
                row.all_versions.append(stored)
            self._fill(stored, version)
        for gone in known.values():
            gone.gone_at = gone.gone_at or self.now
        if row.id is not None:
            db.session.expire(row, ["versions"])

    def _add_version(self, row: Function, version: FunctionVersion) -> None:
        """Store one version without loading the others, which may be hundreds."""
        stored = PublishedVersion(function_id=row.id)
        self._fill(stored, version)
        db.session.add(stored)

    def _fill(self, row: PublishedVersion, version: FunctionVersion) -> None:
        row.version = version.version
        row.number = int(version.version)
        row.modified_at = version.modified_at
        row.code_sha256 = version.code_sha256
        row.code_size = version.code_size
        row.runtime = version.runtime
        row.memory_size = version.memory_size
        row.timeout = version.timeout
        row.handler = version.handler
        row.description = version.description[:_TEXT]
        if version.state:  # a list of versions does not say
            row.state = version.state
            row.state_reason = version.state_reason
            row.state_reason_code = version.state_reason_code
        row.layers = list(version.layers)
        row.environment = {
            name: digest_variable(self.salt, name, value) for name, value in version.environment
        }
        row.gone_at = None


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


def _store_triggers(row: Function, origin: TriggerOrigin, triggers: list[Trigger]) -> None:
    stored = [t for t in row.triggers if t.origin == origin]
    facts = [(t.kind, t.source, t.qualifier, t.enabled) for t in triggers]
    if facts == [(t.kind, t.source, t.qualifier, t.enabled) for t in stored]:
        return
    others = [t for t in row.triggers if t.origin != origin]
    row.triggers = others + [
        FunctionTrigger(
            kind=kind, source=source, qualifier=qualifier, origin=origin.value, enabled=enabled
        )
        for kind, source, qualifier, enabled in facts
    ]
