"""Look at AWS, just before somebody decides, whether a deployment can be gone back to."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import sqlalchemy as sa
from flask import current_app

from sah.aws.gateway import AwsGateway, FunctionVersion
from sah.domain.errors import AwsError, AwsNotFoundError, ConfigError
from sah.extensions import db
from sah.models import Deployment, Function, Project, PublishedVersion
from sah.models.deployments import snapshot_version
from sah.services.accounts import open_gateway
from sah.services.answers import PATIENCE_S, ask_each

# What was looked at so many seconds ago is not looked at again.
_GOOD_FOR_S = 60.0


@dataclass(frozen=True, slots=True)
class _Target:
    row_id: int
    function: str
    version: str


def look_at_targets(
    project: Project, deployment: Deployment, *, patience_s: float = PATIENCE_S
) -> None:
    """Read the state of every version that a deployment published, in GetFunction's faster pool.

    The sync does so for the newest twenty deployments every quarter of an hour; this is
    for the one that a person has open. What AWS does not answer in time stays as known.
    """
    snapshot_id = deployment.snapshot_id
    if snapshot_id is None or not _looked().is_due((project.id, snapshot_id)):
        return
    targets = _list_targets(snapshot_id)
    try:
        gateway = open_gateway(project.account, urgent=True)
    except (AwsError, ConfigError):
        return
    db.session.commit()
    answers = ask_each([partial(_look, gateway, target) for target in targets], patience_s)
    pairs = zip(targets, answers, strict=True)
    _store([(target, answer.result()) for target, answer in pairs if answer.done()])


# What AWS showed of a version; None where it could not be read, False where it is gone.
_Seen = FunctionVersion | bool | None


def _look(gateway: AwsGateway, target: _Target) -> _Seen:
    try:
        return gateway.get_version(target.function, target.version)
    except AwsNotFoundError:
        return False
    except AwsError:
        return None


def _list_targets(snapshot_id: int) -> list[_Target]:
    query = (
        sa.select(PublishedVersion.id, Function.name, PublishedVersion.version)
        .join(Function, Function.id == PublishedVersion.function_id)
        .join(snapshot_version, snapshot_version.c.version_id == PublishedVersion.id)
        .where(snapshot_version.c.snapshot_id == snapshot_id, Function.gone_at.is_(None))
    )
    return [_Target(*row) for row in db.session.execute(query)]


def _store(seen: Iterable[tuple[_Target, _Seen]]) -> None:
    now = datetime.now(UTC)
    answers = {target.row_id: found for target, found in seen if found is not None}
    query = sa.select(PublishedVersion).where(PublishedVersion.id.in_(answers))
    for row in db.session.scalars(query):
        found = answers[row.id]
        if isinstance(found, FunctionVersion):
            row.state, row.state_reason = found.state, found.state_reason
            row.state_reason_code = found.state_reason_code
            row.gone_at = None
        else:
            row.gone_at = row.gone_at or now
    db.session.commit()


def store_gone_versions(project_id: int, gone: Iterable[tuple[str, str]]) -> None:
    """Store that AWS has no such version of a function any more; pairs of both names."""
    name_and_version = sa.tuple_(Function.name, PublishedVersion.version)
    query = (
        sa.select(PublishedVersion)
        .join(Function, Function.id == PublishedVersion.function_id)
        .where(
            Function.project_id == project_id,
            PublishedVersion.gone_at.is_(None),
            name_and_version.in_(list(gone)),
        )
    )
    for row in db.session.scalars(query):
        row.gone_at = datetime.now(UTC)
    db.session.commit()


class _Looked:
    """When which snapshot was looked at last, in this process."""

    def __init__(self) -> None:
        self._at: dict[tuple[int, int], float] = {}

    def is_due(self, key: tuple[int, int]) -> bool:
        """Say whether it is time to look again, and count on that being done."""
        now = time.monotonic()
        self._at = {known: at for known, at in self._at.items() if now - at < _GOOD_FOR_S}
        return self._at.setdefault(key, now) == now


def _looked() -> _Looked:
    found: _Looked = current_app.extensions.setdefault("sah_looked_at", _Looked())
    return found
