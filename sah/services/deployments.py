"""Deployments as they are reported and looked up; what they put live is read by the sync."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError

from sah.domain.errors import InvalidInputError, NotFoundError
from sah.extensions import db
from sah.models import Deployment, Project

log = structlog.get_logger(__name__)

MAX_KEY_LENGTH = 200


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


def record_deployment(
    project_id: int, report: DeploymentReport, *, reported_by: str, idempotency_key: str = ""
) -> Deployment:
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
    known = _find_by_key(project_id, idempotency_key)
    if known is not None:
        return known
    now = datetime.now(UTC)
    try:
        deployment = Deployment(
            project_id=project_id,
            number=take_number(project_id),
            created_at=now,
            deployed_at=now,
            next_try_at=now,
            reported_by=reported_by,
            idempotency_key=idempotency_key or None,
            **asdict(report),
        )
        db.session.add(deployment)
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        known = _find_by_key(project_id, idempotency_key)
        if known is None:
            raise
        return known
    log.info("deployment.recorded", project=project_id, number=deployment.number)
    return deployment


def take_number(project_id: int) -> int:
    """Take the next number of a project's deployments; the caller commits.

    It writes first, so that on every database two at once take turns.

    :raises NotFoundError: there is no such project.
    """
    number = db.session.scalar(
        sa.update(Project)
        .where(Project.id == project_id)
        .values(deployment_count=Project.deployment_count + 1)
        .returning(Project.deployment_count)
        .execution_options(synchronize_session=False)
    )
    if number is None:
        raise NotFoundError("There is no such project.", "It may have been deleted.")
    return number


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
            f"“{text}” is not the number of a deployment.", "Such as 41.", field="to"
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
