"""Deployments as they are reported and looked up; what they put live is read by the sync."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from sah.domain.errors import ConflictError, InvalidInputError, NotFoundError
from sah.extensions import db
from sah.models import Deployment, Project
from sah.services.prepared import Prepared

MAX_KEY_LENGTH = 200
# On PostgreSQL of many who want the same number one gets it, and the others try again: as many as
# there are connections for. Each try waits for that one, so nobody tries for nothing.
_TRIES = 500


@dataclass(frozen=True, slots=True)
class DeploymentReport:
    """What a deploy tells of itself; empty where it does not.

    Each is at most as long as its column; ``command`` is ``deploy`` or ``rollback``.
    """

    commit: str = ""
    branch: str = ""
    message: str = ""
    author: str = ""
    repository: str = ""
    ci_url: str = ""
    service: str = ""
    stage: str = ""
    region: str = ""
    stack_id: str = ""
    plugin_version: str = ""
    framework_version: str = ""
    command: str = ""


_REPORTED = tuple(one.name for one in fields(DeploymentReport))


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a deployment that was reported got; ``is_new`` unless its key was known already."""

    number: int
    at: datetime
    is_new: bool


def record_deployment(
    project_id: int, report: DeploymentReport, *, reported_by: str, idempotency_key: str = ""
) -> Recorded:
    """Write down that a deploy happened, without asking AWS anything.

    What it put live is captured in the background. The same ``idempotency_key`` gives
    the same deployment again.

    :raises NotFoundError: there is no such project.
    :raises InvalidInputError: the key is longer than 200 characters.
    """
    if len(idempotency_key) > MAX_KEY_LENGTH:
        raise InvalidInputError(
            f"The Idempotency-Key is longer than {MAX_KEY_LENGTH} characters.",
            "Send a random one, such as a UUID.",
        )
    now = datetime.now(UTC)
    facts: dict[str, Any] = {name: getattr(report, name) for name in _REPORTED}
    facts |= {
        "project_id": project_id,
        "of_project": project_id,
        "created_at": now,
        "deployed_at": now,
        "next_try_at": now,
        "reported_by": reported_by,
        "idempotency_key": idempotency_key or None,
    }
    number = _insert(project_id, facts)
    if number is not None:
        return Recorded(number, now, is_new=True)
    known = _find_by_key(project_id, idempotency_key)
    if known is None:
        raise ConflictError("This deployment was deleted while it was reported.")
    return Recorded(known.number, known.created_at, is_new=False)


def next_number(project_id: int | sa.BindParameter[int]) -> sa.ScalarSelect[int]:
    """Say in SQL which number comes next in a project.

    The number is taken by the statement that writes the row, so two at once get two.
    """
    newest = sa.func.coalesce(sa.func.max(Deployment.number), 0)
    return sa.select(newest + 1).where(Deployment.project_id == project_id).scalar_subquery()


# Straight to the table on a connection of its own: pipelines may report many at once.
_INSERT = Prepared(
    sa.insert(Deployment.__table__)  # type: ignore[arg-type]
    .values(number=next_number(sa.bindparam("of_project", type_=sa.Integer())))
    .returning(Deployment.__table__.c.number),
    (
        *_REPORTED,
        *("project_id", "of_project", "created_at", "deployed_at", "next_try_at"),
        *("reported_by", "idempotency_key"),
    ),
)
# SQLite lets one write, and has others sleep far longer than a turn takes before they look again.
_turn = threading.Lock()
# A turn takes a millisecond. When it does not, everybody may as well wait for SQLite.
_PATIENCE_S = 1.0


def _insert(project_id: int, facts: dict[str, Any]) -> int | None:
    """Write the row and give its number; None when the same key was quicker.

    :raises NotFoundError: there is no such project.
    """
    for _ in range(_TRIES):
        if db.session.registry.has():
            # Whoever waits for a second connection while holding one may wait for ever.
            db.session.commit()
        try:
            with _taking_turns():
                (number,) = _INSERT.first(facts) or (None,)
        except IntegrityError:
            # Another one took the number (on PostgreSQL), or the key, or the project is gone.
            if _find_by_key(project_id, facts["idempotency_key"] or "") is not None:
                return None
            if db.session.get(Project, project_id, populate_existing=True) is None:
                raise NotFoundError(
                    "There is no such project.", "It may have been deleted."
                ) from None
        else:
            return number
    raise ConflictError("Too many deployments were reported at once.", "Report it again.")


@contextmanager
def _taking_turns() -> Iterator[None]:
    has_turn = _turn.acquire(timeout=_PATIENCE_S)
    try:
        yield
    finally:
        if has_turn:
            _turn.release()


def get_deployment(project_id: int, number: int) -> Deployment:
    """Read one deployment; one that became one with another gives that other one.

    :raises NotFoundError: the project has no such deployment.
    """
    deployment = db.session.scalar(
        sa.select(Deployment)
        .where(Deployment.project_id == project_id, Deployment.number == number)
        .execution_options(populate_existing=True)
    )
    if deployment is not None and deployment.merged_into_id is not None:
        deployment = db.session.get(Deployment, deployment.merged_into_id)
    if deployment is None:
        raise NotFoundError(f"There is no deployment #{number} of this project.")
    return deployment


def parse_number(text: str) -> int:
    """Read a deployment's number, with or without ``#``.

    :raises InvalidInputError: it is none.
    """
    number = text.strip().removeprefix("#")
    if not (number.isascii() and number.isdigit() and len(number) < 10):  # noqa: PLR2004
        raise InvalidInputError(
            f"“{text}” is not the number of a deployment.", "Give one such as 41.", field="to"
        )
    return int(number)


def _find_by_key(project_id: int, key: str) -> Deployment | None:
    if not key:
        return None
    return db.session.scalar(
        sa.select(Deployment).where(
            Deployment.project_id == project_id, Deployment.idempotency_key == key
        )
    )
