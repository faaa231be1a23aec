"""Deployments: reported by the webhook, listed, read, and compared."""

from datetime import datetime
from typing import Annotated, Literal

from flask import Blueprint, url_for
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from sah.blueprints.access import actor, requires
from sah.blueprints.api.paging import cut_page, read_cursor
from sah.blueprints.api.shapes import Answered, Asked, Page, PageQuery
from sah.blueprints.api.spec import describe
from sah.domain.access import Right
from sah.domain.comparison import NOT_ROLLED_BACK, VersionConfig
from sah.domain.deployments import DeploymentSource, DeploymentStatus, Liveness
from sah.services.comparison import compare_deployments, parse_side
from sah.services.deployments import (
    MAX_KEY_LENGTH,
    DeploymentReport,
    Recorded,
    get_deployment,
    record_deployment,
)
from sah.services.projects import get_project
from sah.services.reports import check_report
from sah.services.summaries import (
    DeploymentSummary,
    list_deployments,
    summarise_deployments,
)

bp = Blueprint("deployments", __name__, url_prefix="/projects/<int:project_id>/deployments")

# A deploy must not fail to be recorded because somebody wrote a long commit message.
_LONGEST_MESSAGE = 5000


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()


def _shorten(text: str) -> str:
    return _clean(text)[:_LONGEST_MESSAGE]


Word = Annotated[str, StringConstraints(max_length=32), AfterValidator(_clean)]
Name = Annotated[str, StringConstraints(max_length=255), AfterValidator(_clean)]
Address = Annotated[str, StringConstraints(max_length=2048), AfterValidator(_clean)]
Message = Annotated[str, AfterValidator(_shorten)]
Sha = Annotated[str, StringConstraints(max_length=64), AfterValidator(_clean)]


class ReportRequest(BaseModel):
    """What a deploy tells of itself. All of it may be left out, and unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    commit: Sha | None = None
    branch: Name | None = None
    message: Message | None = Field(default=None, description="Cut after 5000 characters.")
    author: Name | None = None
    repository: Address | None = None
    ci_url: Address | None = Field(default=None, description="The CI run that deployed.")
    service: Name | None = None
    stage: Name | None = None
    region: Word | None = None
    stack_id: Address | None = Field(
        default=None, description="The stack's ARN; another stack than the project's is refused."
    )
    plugin_version: Sha | None = None
    framework_version: Sha | None = None
    command: Literal["deploy", "rollback"] | None = None
    alias: Name | None = Field(
        default=None, description="The alias that the service's triggers go to."
    )


class ReportHeaders(BaseModel):
    """How a deploy that is reported twice is told from two deploys."""

    model_config = ConfigDict(frozen=True)

    key: str = Field(
        default="",
        alias="Idempotency-Key",
        max_length=MAX_KEY_LENGTH,
        description="The same key gives the same deployment again.",
    )


class ReadinessAnswer(Answered):
    """Whether one can go back to a deployment."""

    ready: int
    total: int
    problems: dict[str, str] = Field(description="By function, why it is not ready.")


class DeploymentAnswer(Answered):
    """One deployment."""

    number: int = Field(description="Counts within the project.")
    project_id: int
    status: DeploymentStatus = Field(description="Pending until what it put live was read.")
    source: DeploymentSource
    created_at: datetime
    deployed_at: datetime
    reported_by: str
    commit: str
    branch: str
    message: str
    author: str
    repository: str
    ci_url: str
    service: str
    stage: str
    live: Liveness | None = Field(
        description="Null while it is not known what was deployed, or not any more."
    )
    no_change: bool
    changed: list[str]
    added: list[str]
    removed: list[str]
    functions: dict[str, str] = Field(description="The version that it published, by function.")
    active_for_s: float | None = Field(description="How long it had all of the traffic, in all.")
    readiness: ReadinessAnswer | None
    error: str = Field(description="Why it could not be read yet, or at all.")
    warnings: list[str] = Field(
        default=[], description="What is wrong with a report; only in the answer to it."
    )
    url: str


class DeploymentPage(Page):
    """Deployments, newest first."""

    items: list[DeploymentAnswer]


class CompareQuery(Asked):
    """What to compare with."""

    side: str = Field(
        default="live",
        alias="with",
        max_length=20,
        description="Another deployment's number, or live.",
    )


class ConfigAnswer(Answered):
    """What identifies a version. Variables have digests of their values, never the values."""

    version: str
    code_sha256: str
    runtime: str
    handler: str
    memory_size: int = Field(description="In MB.")
    timeout: int = Field(description="In seconds.")
    layers: list[str]
    environment: dict[str, str]


class DifferenceAnswer(Answered):
    """One thing that is not the same."""

    what: str
    before: str
    after: str


class FunctionComparisonAnswer(Answered):
    """One function that differs; null on the side that does not have it."""

    function: str
    before: ConfigAnswer | None
    after: ConfigAnswer | None
    differences: list[DifferenceAnswer]


class ComparisonAnswer(Answered):
    """What differs from one side to the other."""

    before: int | None = Field(description="The deployment compared with; null for live.")
    after: int
    functions: list[FunctionComparisonAnswer]
    same: int = Field(description="How many functions do not differ.")
    not_rolled_back: list[str]


@bp.get("")
@requires(Right.VIEW)
@describe(DeploymentPage, tag="deployments")
def list_of_project(project_id: int, query: PageQuery) -> DeploymentPage:
    """List a project's deployments."""
    project = get_project(project_id)
    found = list_deployments(project, before=read_cursor(query, int), limit=query.limit + 1)
    page, cursor = cut_page(found, query, lambda one: one.deployment.number)
    return DeploymentPage(items=[answer_deployment(one) for one in page], next_cursor=cursor)


@bp.post("")
@requires(Right.DEPLOY)
@describe(DeploymentAnswer, tag="deployments", status=201, errors=(409,))
def create(
    project_id: int, json: ReportRequest, headers: ReportHeaders
) -> tuple[DeploymentAnswer, int]:
    """Report a deploy: the webhook. What it put live is read in the background."""
    said = json.model_dump(exclude_none=True)
    alias = said.pop("alias", "")
    warnings = check_report(project_id, alias=alias, stack_id=said.get("stack_id", ""))
    report = DeploymentReport(**said)
    recorded = record_deployment(
        project_id, report, reported_by=actor(), idempotency_key=headers.key
    )
    if recorded.is_new:
        answer = _answer_recorded(project_id, report, recorded)
    else:
        answer = _show(project_id, recorded.number)
    return answer.model_copy(update={"warnings": warnings}), 201


@bp.get("/<int:number>")
@requires(Right.VIEW)
@describe(DeploymentAnswer, tag="deployments")
def show(project_id: int, number: int) -> DeploymentAnswer:
    """Read one deployment."""
    return _show(project_id, number)


def _show(project_id: int, number: int) -> DeploymentAnswer:
    project = get_project(project_id)
    deployment = get_deployment(project_id, number)
    return answer_deployment(summarise_deployments(project, [deployment])[0])


@bp.get("/<int:number>/compare")
@requires(Right.VIEW)
@describe(ComparisonAnswer, tag="deployments", errors=(409,))
def compare(project_id: int, number: int, query: CompareQuery) -> ComparisonAnswer:
    """Compare a deployment with another one, or with what is live."""
    found = compare_deployments(project_id, parse_side(query.side), number)
    return ComparisonAnswer(
        before=found.before.number if found.before else None,
        after=found.after.number if found.after else number,
        functions=[
            FunctionComparisonAnswer(
                function=row.function,
                before=_answer_config(row.before),
                after=_answer_config(row.after),
                differences=[
                    DifferenceAnswer(what=one.what, before=one.before, after=one.after)
                    for one in row.differences
                ],
            )
            for row in found.rows
        ],
        same=found.same,
        not_rolled_back=list(NOT_ROLLED_BACK),
    )


def answer_deployment(summary: DeploymentSummary) -> DeploymentAnswer:
    """Say how a deployment stands."""
    row = summary.deployment
    readiness = None
    if summary.entries:
        readiness = ReadinessAnswer(
            ready=summary.ready_count, total=len(summary.entries), problems=summary.problems
        )
    return DeploymentAnswer(
        number=row.number,
        project_id=row.project_id,
        status=DeploymentStatus(row.status),
        source=DeploymentSource(row.source),
        created_at=row.created_at,
        deployed_at=row.deployed_at,
        reported_by=row.reported_by,
        commit=row.commit,
        branch=row.branch,
        message=row.message,
        author=row.author,
        repository=row.repository,
        ci_url=row.ci_url,
        service=row.service,
        stage=row.stage,
        live=summary.liveness,
        no_change=row.no_change,
        changed=row.changed,
        added=row.added,
        removed=row.removed,
        functions={entry.function: entry.version for entry in summary.entries},
        active_for_s=summary.active_for.total_seconds() if summary.active_for else None,
        readiness=readiness,
        error=row.error,
        url=_page_of(row.project_id, row.number),
    )


def _answer_recorded(
    project_id: int, report: DeploymentReport, recorded: Recorded
) -> DeploymentAnswer:
    """Say how a deployment stands that was just written down, without reading it again."""
    return DeploymentAnswer(
        number=recorded.number,
        project_id=project_id,
        status=DeploymentStatus.PENDING,
        source=DeploymentSource.WEBHOOK,
        created_at=recorded.at,
        deployed_at=recorded.at,
        reported_by=actor(),
        commit=report.commit,
        branch=report.branch,
        message=report.message,
        author=report.author,
        repository=report.repository,
        ci_url=report.ci_url,
        service=report.service,
        stage=report.stage,
        live=None,
        no_change=False,
        changed=[],
        added=[],
        removed=[],
        functions={},
        active_for_s=None,
        readiness=None,
        error="",
        url=_page_of(project_id, recorded.number),
    )


def _page_of(project_id: int, number: int) -> str:
    return url_for("deployments.show", project_id=project_id, number=number, _external=True)


def _answer_config(config: VersionConfig | None) -> ConfigAnswer | None:
    if config is None:
        return None
    return ConfigAnswer(
        version=config.version,
        code_sha256=config.code_sha256,
        runtime=config.runtime,
        handler=config.handler,
        memory_size=config.memory_size,
        timeout=config.timeout,
        layers=list(config.layers),
        environment=dict(config.environment or {}),
    )
